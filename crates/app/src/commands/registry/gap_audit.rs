//! `bellwether registry gap-audit`: judge what happened before a deployment was watched.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use model::Name;
use registry::{
    Deployment,
    gap::{Clearance, Gap, VECTORS, Vector, unticked},
    threats::Day,
};
use serde_json::{Value, json};
use store::Store;

use super::super::{Outcome, loaded_from};
use crate::{
    clock,
    config::Config,
    gaps::{self, Standing},
    replay::{Next, Replay, Source},
    terminal::{Progress, Style, print_line},
    words,
};

/// Judge the blocks from a deployment's first one to the first that was judged in its name, with all
/// of its monitors, and have a person clear them.
///
/// Without a label: list every deployment with its gap. A gap that is not cleared stays open, and one
/// that is not known (no first_block) counts as open. To clear one, look at every point of the
/// checklist and say so: --checked, --cleared-by and --note write gaps/LABEL.toml. Only a whole gap
/// can be cleared, and only when every block of it was judged. Exit code 0 when nothing is open, 1
/// when something is.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether registry gap-audit\n  bellwether registry gap-audit vault\n  bellwether registry gap-audit vault --checked all --cleared-by Ana --note \"initialised in block 17, all calls are ours\""
)]
pub(super) struct GapAudit {
    /// The deployment to look at.
    label: Option<Name>,
    /// Judge from this block on, when the first one of the deployment is not known.
    #[arg(long, requires = "label")]
    from: Option<u64>,
    /// Judge up to this block, when nothing was judged in its name yet.
    #[arg(long, requires = "label")]
    to: Option<u64>,
    /// Judge recorded blocks instead of asking the network's endpoints.
    #[arg(long, value_name = "FOLDER", requires = "label")]
    recorded: Option<PathBuf>,
    /// Points of the checklist that were looked at, separated by commas; "all" for every one.
    #[arg(long, value_delimiter = ',', requires = "cleared_by")]
    checked: Vec<String>,
    /// Who looked.
    #[arg(long, value_name = "NAME", requires_all = ["label", "note"])]
    cleared_by: Option<String>,
    /// What they found, for whoever asks later.
    #[arg(long, requires = "cleared_by")]
    note: Option<String>,
    /// The folder that holds bellwether.toml.
    #[arg(long, default_value = ".", env = "BELLWETHER_FOLDER")]
    folder: PathBuf,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// What judging the blocks of a gap brought.
#[derive(Debug, Default)]
struct Judged {
    blocks: u64,
    refused: Vec<(u64, String)>,
    findings: Vec<model::Finding>,
    blind: Vec<store::BlindCount>,
}

impl GapAudit {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let config = loaded_from(&self.folder)?;
        let path = self.folder.join(&config.general.store);
        let store = match path.exists() {
            true => Some(
                Store::open_to_read(&path)
                    .with_context(|| format!("reading the store {}", path.display()))?,
            ),
            false => None,
        };
        let standings = gaps::standings(&config, store.as_ref())
            .context("reading since when deployments are watched")?;
        let Some(label) = &self.label else { return Ok(self.list(&standings)) };
        let Some(standing) = standings.iter().find(|s| s.deployment.label == *label) else {
            let labels = standings.iter().map(|s| s.deployment.label.as_str());
            let help = match crate::config::nearest(label.as_str(), labels) {
                Some(near) => format!("; did you mean {near}?"),
                None => String::new(),
            };
            bail!("no deployment is labelled {:?}{help}", label.as_str());
        };
        let left = unticked(self.checked.iter().map(String::as_str)).map_err(|word| {
            let known: Vec<&str> = VECTORS.iter().map(|vector| vector.id).collect();
            anyhow::anyhow!("--checked: unknown point {word:?} (one of: all, {})", known.join(", "))
        })?;
        let Some((from, to)) = self.range(standing)? else {
            self.say_closed(standing);
            return Ok(Outcome::Fine);
        };
        if self.cleared_by.is_some() {
            may_be_cleared(standing, (from, to))?;
        }
        let judged = self.judge(&config, standing.deployment, from, to).await?;
        let is_whole = judged.refused.is_empty() && judged.blocks == to - from + 1;
        let cleared = match (&self.cleared_by, &self.note) {
            (Some(by), Some(note)) if is_whole && left.is_empty() => {
                let clearance = clearance(standing.deployment, (from, to), &judged, by, note);
                Some((gaps::path_of(&clearance), gaps::write(&clearance)))
            }
            _ => None,
        };
        if let Some((path, text)) = &cleared {
            write(&self.folder.join(path), text)?;
        }
        let told = Told { standing, from, to, judged: &judged, left: &left, is_whole };
        let cleared = cleared.map(|(path, _)| path);
        if self.json {
            told.in_json(cleared.as_deref())
        } else {
            told.as_text(&self, cleared.as_deref())
        }
        Ok(if cleared.is_some() { Outcome::Fine } else { Outcome::FoundWrong })
    }

    /// The blocks to judge; `None` when there is nothing to look at.
    fn range(&self, standing: &Standing<'_>) -> anyhow::Result<Option<(u64, u64)>> {
        let label = &standing.deployment.label;
        let (from, to) = match (&standing.gap, self.from) {
            (Gap::None | Gap::Cleared(_), None) => return Ok(None),
            (Gap::Unknown, None) => bail!(
                "the first block of {label} is not known; write first_block in its file, or give --from"
            ),
            (Gap::Open { from, to }, None) => (*from, *to),
            (gap, Some(from)) => match gap {
                Gap::Open { to, .. } => (from, *to),
                _ => (from, None),
            },
        };
        let Some(to) = self.to.or(to) else {
            bail!("nothing was judged in the name of {label} yet; say with --to where to end");
        };
        if to < from {
            bail!("the last block {to} is before the first one {from}");
        }
        Ok(Some((from, to)))
    }

    async fn judge(
        &self,
        config: &Config,
        deployment: &Deployment,
        from: u64,
        to: u64,
    ) -> anyhow::Result<Judged> {
        let source = match &self.recorded {
            Some(folder) => Source::recorded(folder)?,
            None => {
                let network = config.networks.iter().find(|n| n.chain.name == deployment.network);
                let network = network.context("the deployment's network is declared")?;
                Source::range(network.chain.clone(), from, to)
            }
        };
        if source.network() != deployment.network {
            let (found, wanted) = (source.network(), &deployment.network);
            bail!("the recorded blocks are of {found}, {} is on {wanted}", deployment.label);
        }
        let only = gaps::only(config, deployment);
        let mut replay = Replay::new(source.network(), Some(&only))?;
        let (mut judged, mut progress, total) = (Judged::default(), Progress::new(), to - from + 1);
        let mut blocks = source.open(replay.reads());
        while let Some(next) = blocks.next().await {
            match next {
                Next::Event(event) => {
                    let number = event.head().map(|head| head.number);
                    if number.is_some_and(|number| !(from..=to).contains(&number)) {
                        continue;
                    }
                    judged.findings.extend(replay.judge(event)?.findings);
                    judged.blocks = replay.totals().blocks;
                }
                Next::Refused { number, reason } if (from..=to).contains(&number) => {
                    judged.refused.push((number, reason));
                }
                Next::Refused { .. } => {}
                Next::Broken(reason) => bail!("the blocks ended early: {reason}"),
            }
            progress.show(&format!("{} of {total} blocks", judged.blocks));
        }
        progress.clear();
        judged.blind = replay.blind(from)?;
        Ok(judged)
    }

    fn list(&self, standings: &[Standing<'_>]) -> Outcome {
        let style = Style::stdout();
        if self.json {
            print_line(&Value::Array(standings.iter().map(in_json).collect()));
        } else {
            for Standing { deployment, gap } in standings {
                let state = gap.as_str();
                let shown = if gap.is_closed() { style.green(state) } else { style.red(state) };
                print_line(&format!(
                    "{}  {shown}  {}",
                    style.bold(deployment.label.as_str()),
                    say(gap)
                ));
            }
            let open = standings.iter().filter(|standing| !standing.gap.is_closed()).count();
            let all = words::counted(standings.len() as u64, "deployment");
            print_line(&format!("{all}, {open} with an open gap"));
        }
        let is_closed = standings.iter().all(|standing| standing.gap.is_closed());
        if is_closed { Outcome::Fine } else { Outcome::FoundWrong }
    }

    fn say_closed(&self, standing: &Standing<'_>) {
        if self.json {
            print_line(&in_json(standing));
        } else {
            let label = &standing.deployment.label;
            print_line(&format!("{label}: {}, {}", standing.gap.as_str(), say(&standing.gap)));
        }
    }
}

fn say(gap: &Gap<'_>) -> String {
    match gap {
        Gap::None => "watched from its first block on".to_owned(),
        Gap::Unknown => "its first block is not known; write first_block in its file".to_owned(),
        Gap::Open { from, to: Some(to) } => format!("nobody watched blocks {from} to {to}"),
        Gap::Open { from, to: None } => format!("nobody watched it since block {from}"),
        Gap::Cleared(by) => format!(
            "blocks {} to {} were cleared by {} on {}: {}",
            by.from,
            by.to,
            words::clean(&by.cleared_by),
            by.cleared_on,
            words::clean(&by.note)
        ),
    }
}

fn in_json(standing: &Standing<'_>) -> Value {
    let (from, to, by) = match &standing.gap {
        Gap::Open { from, to } => (Some(*from), *to, None),
        Gap::Cleared(by) => (Some(by.from), Some(by.to), Some(by)),
        Gap::None | Gap::Unknown => (None, None, None),
    };
    json!({
        "label": standing.deployment.label,
        "network": standing.deployment.network,
        "gap": standing.gap.as_str(),
        "from": from,
        "to": to,
        "cleared_by": by.map(|by| &by.cleared_by),
        "cleared_on": by.map(|by| by.cleared_on.to_string()),
        "note": by.map(|by| &by.note),
    })
}

fn clearance(
    deployment: &Deployment,
    (from, to): (u64, u64),
    judged: &Judged,
    by: &str,
    note: &str,
) -> Clearance {
    let now_s = u64::try_from(clock::now().0 / 1_000).unwrap_or_default();
    Clearance {
        label: deployment.label.clone(),
        network: deployment.network.clone(),
        address: deployment.address,
        from,
        to,
        findings: judged.findings.len() as u64,
        blind: judged.blind.iter().map(|count| count.blocks).sum(),
        cleared_by: by.to_owned(),
        cleared_on: Day::of(model::UnixSeconds(now_s)),
        note: note.to_owned(),
    }
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let shown = path.display();
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("making the folder of {shown}"))?;
    }
    std::fs::write(path, text).with_context(|| format!("writing {shown}"))
}

/// A clearance counts for a whole gap alone; less would be a file that says nothing.
fn may_be_cleared(standing: &Standing<'_>, (from, to): (u64, u64)) -> anyhow::Result<()> {
    let label = &standing.deployment.label;
    match standing.gap {
        Gap::Unknown => bail!(
            "the gap of {label} cannot be cleared while its first block is not known; write first_block in its file"
        ),
        Gap::Open { to: None, .. } => bail!(
            "the gap of {label} is still growing: nothing was judged in its name yet; clear it when it is watched"
        ),
        Gap::Open { from: first, to: Some(last) } if first < from || to < last => bail!(
            "the gap of {label} is blocks {first} to {last}; clearing {from} to {to} would leave the rest open"
        ),
        _ => Ok(()),
    }
}

/// What the person, or the program that reads us, gets to see.
struct Told<'a> {
    standing: &'a Standing<'a>,
    from: u64,
    to: u64,
    judged: &'a Judged,
    left: &'a [&'static Vector],
    is_whole: bool,
}

impl Told<'_> {
    fn in_json(&self, cleared: Option<&str>) {
        let findings = self.judged.findings.iter().map(|finding| {
            json!({
                "monitor": finding.monitor,
                "severity": finding.severity,
                "block": finding.origin.block.number,
                "tx": finding.origin.tx,
                "title": finding.title,
            })
        });
        let refused = self.judged.refused.iter();
        let blind = self.judged.blind.iter();
        print_line(&json!({
            "label": self.standing.deployment.label,
            "gap": if cleared.is_some() { "gap-cleared" } else { "gap-open" },
            "from": self.from,
            "to": self.to,
            "judged": self.judged.blocks,
            "refused": refused.map(|(number, why)| json!({"block": number, "reason": why})).collect::<Vec<_>>(),
            "blind": blind.map(|b| json!({"monitor": b.monitor, "blocks": b.blocks, "reason": b.reason.to_string()})).collect::<Vec<_>>(),
            "findings": findings.collect::<Vec<_>>(),
            "unchecked": self.left.iter().map(|vector| vector.id).collect::<Vec<_>>(),
            "file": cleared,
        }));
    }

    fn as_text(&self, audit: &GapAudit, cleared: Option<&str>) {
        let style = Style::stdout();
        let label = &self.standing.deployment.label;
        let Judged { blocks, refused, findings, blind } = self.judged;
        print_line(&format!(
            "{}: blocks {} to {}, {blocks} judged, {} refused, {}",
            style.bold(label.as_str()),
            self.from,
            self.to,
            refused.len(),
            words::counted(findings.len() as u64, "finding")
        ));
        for (number, why) in refused {
            print_line(&format!("  {} block {number}: {why}", style.red("refused")));
        }
        for count in blind {
            let why = words::clean(&count.reason.to_string());
            print_line(&format!(
                "  {} {} could not judge {} of them: {why}",
                style.yellow("blind"),
                count.monitor,
                count.blocks
            ));
        }
        for finding in findings {
            print_line(&format!(
                "  {} block {} {}: {}",
                style.bold(finding.severity.as_str()),
                finding.origin.block.number,
                finding.monitor,
                words::clean(&finding.title)
            ));
        }
        if let Some(path) = cleared {
            print_line(&format!("{}: {path}", style.green("gap-cleared")));
            return;
        }
        print_line(&format!("{}: not cleared", style.red("gap-open")));
        if !self.is_whole {
            print_line(&"  not every block could be judged");
        }
        for vector in self.left {
            print_line(&format!("  [ ] {:12} {}", vector.id, vector.question));
        }
        if audit.cleared_by.is_none() {
            print_line(&format!(
                "When all of it is looked at: bellwether registry gap-audit {label} --checked all --cleared-by NAME --note TEXT"
            ));
        }
    }
}
