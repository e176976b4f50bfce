//! `bellwether invariants mine`: invariants out of the past.

use std::{fmt::Write as _, fs, path::PathBuf};

use anyhow::{Context, bail};
use detect::mining::{FALSE_ALARMS_MAX, Kind, Miner, Proposal, SEEN_MIN};
use model::{ChainEvent, Name, ReadPlan};
use serde_json::json;

use super::super::{FolderArgument, Outcome, loaded};
use crate::{
    replay::{Next, Source},
    terminal::{Progress, print_line},
    words::counted,
};

/// Propose invariants out of past blocks: numbers that were never larger, callers that were always the
/// same, functions that no contract called.
///
/// Nine tenths of the blocks are learned from; the last tenth is held out, and a proposal that would
/// have told more than 0.05 % of it is left out. The past is taken to be benign. What is proposed has
/// severity info, so that it wakes nobody until a person raises it. Exit code 0 when something was
/// proposed, 1 when nothing was.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether invariants mine --recorded blocks/ --out monitors/mined.toml\n  bellwether invariants mine my-protocol --network mainnet --from 19426580 --to 19427580"
)]
pub(super) struct Mine {
    #[command(flatten)]
    folder: FolderArgument,
    /// Folder of recorded blocks, as `replay` reads them.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["network", "from", "to"])]
    recorded: Option<PathBuf>,
    /// Network of the configuration to read past blocks from.
    #[arg(long, requires_all = ["from", "to"])]
    network: Option<Name>,
    /// First block.
    #[arg(long)]
    from: Option<u64>,
    /// Last block.
    #[arg(long)]
    to: Option<u64>,
    /// File of monitors to write; it must not exist yet. Without it they are printed.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// One JSON list instead of a file of monitors, with what was left out.
    #[arg(long)]
    json: bool,
}

impl Mine {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let config = loaded(&self.folder)?;
        let source = match (&self.recorded, &self.network, self.from, self.to) {
            (Some(folder), ..) => Source::recorded(folder)?,
            (None, Some(network), Some(from), Some(to)) => {
                let found = config.networks.iter().find(|n| n.chain.name == *network);
                let found = found.with_context(|| {
                    let known: Vec<&str> =
                        config.networks.iter().map(|n| n.chain.name.as_str()).collect();
                    format!("no network {network} (declared: {})", known.join(", "))
                })?;
                Source::range(found.chain.clone(), from, to)
            }
            _ => bail!("say what to learn from: --recorded FOLDER, or --network, --from and --to"),
        };
        let total = source.len();
        let mut miner = Miner::new(config.registry.clone(), &source.network(), total * 9 / 10);
        let mut progress = Progress::new();
        let mut blocks = source.open(ReadPlan::default());
        let mut refused: u64 = 0;
        while let Some(next) = blocks.next().await {
            match next {
                Next::Event(ChainEvent::Committed(bundle)) => miner.take(&bundle),
                Next::Event(_) => {}
                Next::Refused { number, reason } => {
                    refused += 1;
                    progress.clear();
                    tracing::warn!(number, reason, "a block is not learned from");
                }
                Next::Broken(reason) => bail!("the blocks ended early: {reason}"),
            }
            progress.show(&format!("{} of {total} blocks", miner.blocks() + refused));
        }
        progress.clear();
        let all = miner.proposals();
        if self.json {
            print_line(&serde_json::to_string(&all.iter().map(listed).collect::<Vec<_>>())?);
            return Ok(ended(&all));
        }
        let text = file_of(&all, miner.blocks());
        match &self.out {
            None => print_line(&text.trim_end()),
            Some(path) => {
                let mut file = fs::File::create_new(path)
                    .with_context(|| format!("writing {}", path.display()))?;
                std::io::Write::write_all(&mut file, text.as_bytes())
                    .with_context(|| format!("writing {}", path.display()))?;
                let acceptable = all.iter().filter(|proposal| proposal.is_acceptable()).count();
                print_line(&format!(
                    "{} out of {} in {}",
                    counted(acceptable as u64, "monitor"),
                    counted(miner.blocks(), "block"),
                    path.display()
                ));
            }
        }
        Ok(ended(&all))
    }
}

fn ended(all: &[Proposal]) -> Outcome {
    if all.iter().any(Proposal::is_acceptable) { Outcome::Fine } else { Outcome::FoundWrong }
}

fn listed(proposal: &Proposal) -> serde_json::Value {
    json!({
        "name": proposal.name,
        "on": proposal.on,
        "subject": proposal.subject,
        "is_event": proposal.kind == Kind::Event,
        "when": proposal.when,
        "holds": proposal.holds,
        "learned": proposal.learned,
        "held_out": proposal.held_out,
        "false_alarms": proposal.false_alarms,
        "false_alarm_rate_max": proposal.rate_max(),
        "is_acceptable": proposal.is_acceptable(),
    })
}

/// A file of monitors with the figures of each.
fn file_of(all: &[Proposal], blocks: u64) -> String {
    let mut text = format!(
        "# Proposed out of {} by `bellwether invariants mine`: read each, raise its severity, or delete it.\n",
        counted(blocks, "block")
    );
    let (good, bad): (Vec<&Proposal>, Vec<&Proposal>) =
        all.iter().partition(|proposal| proposal.is_acceptable());
    if good.is_empty() {
        let _infallible = writeln!(
            text,
            "# Nothing can be proposed: what was seen at least {SEEN_MIN} times, and again in the last tenth of the blocks, has nothing that always held."
        );
    }
    for proposal in &good {
        let subject = if proposal.kind == Kind::Event { "event" } else { "call" };
        let quoted = |text: &str| format!("{text:?}");
        let _infallible = write!(
            text,
            "\n# {}. Learned from {}; of {} held out it would have told {} (95 %: at most {:.2} %).\n[[monitor]]\nname = {}\non = [{}]\n{subject} = {}\nwhen = {}\nseverity = \"info\"\n",
            proposal.holds,
            proposal.learned,
            proposal.held_out,
            proposal.false_alarms,
            proposal.rate_max() * 100.0,
            quoted(&proposal.name),
            quoted(proposal.on.as_str()),
            quoted(&proposal.subject),
            quoted(&proposal.when),
        );
    }
    if !bad.is_empty() {
        let _infallible = writeln!(
            text,
            "\n# Left out, because {} of what was held out, or more, would have been told:",
            format_args!("{} %", FALSE_ALARMS_MAX * 100.0)
        );
        for proposal in bad {
            let _infallible = writeln!(
                text,
                "#   {} of {}: {} ({} of {})",
                proposal.subject,
                proposal.on,
                proposal.when,
                proposal.false_alarms,
                proposal.held_out
            );
        }
    }
    text
}
