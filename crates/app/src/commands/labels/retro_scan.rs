//! `bellwether labels retro-scan`: what a label that came late would have told.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use detect::RuleSpec;
use model::{ChainEvent, Finding, Name, UnixSeconds};
use serde_json::json;
use store::{EventLog, Store};

use super::super::{Outcome, loaded_from};
use crate::{
    clock,
    config::Config,
    replay::Replay,
    terminal::{Progress, Style, print_line},
    words,
};

/// Judge the stored blocks of the last days again by today's labels: what addresses that are listed
/// only now did with your contracts.
///
/// Nothing is sent and nothing is stored. Blocks are kept as long as bellwether.toml says; what is
/// not stored is not looked at, and the answer says how far back it reaches. Findings that rest on a
/// label from after their block are marked retrospective. Exit code 0 when nothing was found, 1 when
/// something was.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether labels retro-scan\n  bellwether labels retro-scan --days 7 --network mainnet --json"
)]
pub(super) struct RetroScan {
    /// How many days to look back.
    #[arg(long, default_value_t = 30)]
    days: u64,
    /// Only this network.
    #[arg(long)]
    network: Option<Name>,
    /// The folder that holds bellwether.toml.
    #[arg(long, default_value = ".", env = "BELLWETHER_FOLDER")]
    folder: PathBuf,
    /// One JSON object a finding, and one of totals for each network.
    #[arg(long)]
    json: bool,
}

/// Events that are read from the store at a time.
const EVENTS_AT_A_TIME: usize = 64;

/// The detector that labels wake.
const DETECTOR: &str = "reputation/known_bad_address";

/// What the stored blocks of one network held.
#[derive(Default)]
struct Scanned {
    blocks: u64,
    reaches_back_to: Option<(u64, UnixSeconds)>,
    findings: Vec<Finding>,
}

impl RetroScan {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let mut config = loaded_from(&self.folder)?;
        config.monitors.retain(
            |monitor| matches!(&monitor.rule, RuleSpec::Detector { id, .. } if id == DETECTOR),
        );
        ensure!(
            !config.monitors.is_empty(),
            "no monitor has detector {DETECTOR:?}: labels wake nobody"
        );
        let path = self.folder.join(&config.general.store);
        let store = Store::open_to_read(&path)
            .with_context(|| format!("reading the store {}", path.display()))?;
        let now_s = u64::try_from(clock::now().0 / 1_000).unwrap_or_default();
        let since = UnixSeconds(now_s.saturating_sub(self.days.saturating_mul(86_400)));
        let known = || config.networks.iter().map(|network| &network.chain.name);
        if let Some(asked) = &self.network {
            let names: Vec<&str> = known().map(Name::as_str).collect();
            ensure!(
                known().any(|name| name == asked),
                "no network {asked} (declared: {})",
                names.join(", ")
            );
        }
        let mut found = 0;
        for network in known().filter(|name| self.network.as_ref().is_none_or(|one| one == *name)) {
            let scanned = scan(&config, &store, network, since)
                .with_context(|| format!("judging the stored blocks of {network}"))?;
            found += scanned.findings.len();
            self.show(network, &scanned);
        }
        Ok(if found == 0 { Outcome::Fine } else { Outcome::FoundWrong })
    }

    fn show(&self, network: &Name, scanned: &Scanned) {
        let style = Style::stdout();
        for finding in &scanned.findings {
            let is_retrospective = is_retrospective(finding);
            if self.json {
                print_line(&json!({
                    "network": network,
                    "monitor": finding.monitor,
                    "severity": finding.severity,
                    "block": finding.origin.block.number,
                    "tx": finding.origin.tx,
                    "title": finding.title,
                    "retrospective": is_retrospective,
                }));
            } else {
                let mark = if is_retrospective { "retrospective" } else { "known then" };
                print_line(&format!(
                    "{} block {} {}: {}",
                    style.bold(mark),
                    finding.origin.block.number,
                    finding.monitor,
                    words::clean(&finding.title)
                ));
            }
        }
        let late = scanned.findings.iter().filter(|finding| is_retrospective(finding)).count();
        if self.json {
            print_line(&json!({
                "network": network,
                "blocks": scanned.blocks,
                "reaches_back_to_block": scanned.reaches_back_to.map(|(number, _)| number),
                "reaches_back_to_s": scanned.reaches_back_to.map(|(_, at)| at.0),
                "findings": scanned.findings.len(),
                "retrospective": late,
            }));
            return;
        }
        let reach = match scanned.reaches_back_to {
            Some((number, _)) => format!("back to block {number}"),
            None => "none is stored of these days".to_owned(),
        };
        print_line(&format!(
            "{network}: {}, {reach}; {}, {late} of them by labels that came later",
            words::counted(scanned.blocks, "block"),
            words::counted(scanned.findings.len() as u64, "finding"),
        ));
    }
}

fn is_retrospective(finding: &Finding) -> bool {
    finding.evidence.facts.iter().any(|fact| fact.name == "retrospective")
}

/// Judges every stored block of a network since a moment. Blocks that a reorg took are judged and
/// taken back, as they were when they came.
fn scan(
    config: &Config,
    store: &Store,
    network: &Name,
    since: UnixSeconds,
) -> anyhow::Result<Scanned> {
    let log = store.event_log();
    let (mut at, end) = (log.start(network)?, log.end(network)?);
    let mut replay = Replay::new(network.clone(), Some(config))?;
    let (mut scanned, mut progress) = (Scanned::default(), Progress::new());
    while at < end {
        let events = log.read(network, at, EVENTS_AT_A_TIME)?;
        let Some((last, _)) = events.last() else { break };
        at = last.next();
        for (_, event) in events {
            match &event {
                ChainEvent::Committed(bundle) | ChainEvent::Recovered(bundle) => {
                    if bundle.header.timestamp < since {
                        continue;
                    }
                    scanned.blocks += 1;
                    let here = (bundle.header.number, bundle.header.timestamp);
                    scanned.reaches_back_to.get_or_insert(here);
                }
                ChainEvent::Reverted { undone, .. } => {
                    scanned.findings.retain(|f| !undone.contains(&f.origin.block));
                }
                _ => {}
            }
            if scanned.blocks > 0 {
                scanned.findings.extend(replay.judge(event)?.findings);
            }
            progress.show(&format!("{network}: {} blocks", scanned.blocks));
        }
    }
    progress.clear();
    Ok(scanned)
}
