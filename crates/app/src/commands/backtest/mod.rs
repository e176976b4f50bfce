//! `bellwether backtest`: what the monitors would have said of blocks that are past.

mod print; // as people read it

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use model::Name;
use serde_json::json;
use store::Store;

use super::{Outcome, loaded_from};
use crate::{
    backtest::{self, Comparison, Report, Request},
    config::{Config, Folder, Missing},
    replay::Source,
    terminal::{Progress, note, print_line},
};

/// Alerts that are told one by one unless asked otherwise.
const FIRST_ALERTS_DEFAULT: usize = 20;

/// Say what the monitors would have found in blocks that are past, how often people would have
/// heard of it, and where they would have been blind.
///
/// Deterministic: the same blocks and the same folder give the same answer, however many threads
/// judge. Alerts are grouped and routed as live, on the time of the blocks; nothing is sent.
/// Monitors that remember see every block from the first one on: until they have seen enough they
/// are blind, and that is counted. Exit code 0 when no block was refused, 1 when one was.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether backtest --recorded blocks/\n  bellwether backtest my-protocol --stored mainnet --json | jq '.reports[0].monitors[]'\n  bellwether backtest --network mainnet --from 19426000 --to 19427000 --compare candidate/ --chart alerts.svg"
)]
pub(super) struct Backtest {
    /// The folder with the deployments, monitors and routes to judge by.
    #[arg(default_value = ".", env = "BELLWETHER_FOLDER")]
    folder: PathBuf,
    #[command(flatten)]
    blocks: Blocks,
    /// A second folder to judge the same blocks by; shows what each side has that the other lacks.
    #[arg(long, value_name = "FOLDER")]
    compare: Option<PathBuf>,
    /// Alerts to tell one by one, oldest first; all are counted.
    #[arg(long, value_name = "N", default_value_t = FIRST_ALERTS_DEFAULT)]
    first: usize,
    /// Threads that judge; as many as there are processors unless said. The answer is the same.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Write a picture of the alerts over time.
    #[arg(long, value_name = "FILE.svg")]
    chart: Option<PathBuf>,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// Which blocks.
#[derive(Debug, clap::Args)]
pub(super) struct Blocks {
    /// Folder of recorded blocks: block.json, receipts.json, calltraces.json, each also as .zst.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["network", "from", "to", "stored"])]
    recorded: Option<PathBuf>,
    /// Network whose blocks the store still holds: all of them, with every reorg.
    #[arg(long, value_name = "NETWORK", conflicts_with_all = ["network", "from", "to"])]
    stored: Option<Name>,
    /// Network of the folder to read past blocks from.
    #[arg(long, requires_all = ["from", "to"])]
    network: Option<Name>,
    /// First block.
    #[arg(long)]
    from: Option<u64>,
    /// Last block.
    #[arg(long)]
    to: Option<u64>,
}

impl Blocks {
    /// The folder's configuration and the blocks, which may be those of its networks or its store.
    pub(super) fn of(&self, folder: &Path) -> anyhow::Result<(Config, Source)> {
        let config = match &self.network {
            // Only a node has secrets that are needed here.
            Some(_) => Config::load(&Folder::new(folder), Missing::IsMistake)
                .map_err(|mistakes| anyhow::anyhow!("the folder has mistakes:\n{mistakes}"))?,
            None => loaded_from(folder)?,
        };
        let source = match (&self.recorded, &self.stored, &self.network, self.from, self.to) {
            (Some(recorded), ..) => Source::recorded(recorded)?,
            (_, Some(network), ..) => {
                let path = folder.join(&config.general.store);
                if !path.exists() {
                    bail!("nothing was watched yet: there is no store {}", path.display());
                }
                let store = Store::open_to_read(&path)
                    .with_context(|| format!("reading the store {}", path.display()))?;
                Source::stored(&store, network.clone())?
            }
            (.., Some(network), Some(from), Some(to)) => {
                let found = config.networks.iter().find(|n| n.chain.name == *network);
                let found = found.with_context(|| {
                    let known: Vec<&str> =
                        config.networks.iter().map(|n| n.chain.name.as_str()).collect();
                    format!("no network {network} (declared: {})", known.join(", "))
                })?;
                if to < from {
                    bail!("--to {to} is before --from {from}");
                }
                Source::range(found.chain.clone(), from, to)
            }
            _ => bail!(
                "say which blocks: --recorded FOLDER, or --stored NETWORK, or --network, --from and --to"
            ),
        };
        Ok((config, source))
    }
}

impl Backtest {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let (config, source) = self.blocks.of(&self.folder)?;
        let challenger = self.compare.as_deref().map(loaded_from).transpose()?;
        if config.monitors.is_empty() {
            bail!("{} declares no monitors to test", self.folder.join("monitors").display());
        }
        let sides: Vec<&Config> = std::iter::once(&config).chain(&challenger).collect();
        let request = Request { workers: threads(self.threads), first_alerts: self.first };
        let mut progress = Progress::new();
        let reports = backtest::run(&sides, source, request, |at| {
            progress.show(&format!("{} of {} blocks", at.done, at.total));
        })
        .await?;
        progress.clear();
        let comparison = match reports.as_slice() {
            [champion, challenger] => Some(backtest::compare(champion, challenger)),
            _ => None,
        };
        if let Some(path) = &self.chart {
            self.draw(path, &reports)?;
        }
        self.tell(&reports, comparison.as_ref())?;
        let is_whole = reports.iter().all(|report| report.covered.refused == 0);
        Ok(if is_whole { Outcome::Fine } else { Outcome::FoundWrong })
    }

    fn draw(&self, path: &Path, reports: &[Report]) -> anyhow::Result<()> {
        let names = [self.folder.display().to_string(), self.challenger_name()];
        let sides: Vec<(&str, &Report)> = names.iter().map(String::as_str).zip(reports).collect();
        match backtest::svg(&sides, &[]) {
            Some(svg) => std::fs::write(path, svg)
                .with_context(|| format!("writing the chart {}", path.display())),
            None => {
                note(&"no chart: not one block was judged");
                Ok(())
            }
        }
    }

    fn challenger_name(&self) -> String {
        self.compare.as_ref().map_or_else(String::new, |path| path.display().to_string())
    }

    fn tell(&self, reports: &[Report], comparison: Option<&Comparison>) -> anyhow::Result<()> {
        if self.json {
            let speed = reports.first().and_then(|report| report.speed.clone());
            let judging: Vec<_> = reports.iter().map(|report| report.judging_us).collect();
            let all = json!({
                "reports": reports,
                "comparison": comparison,
                "speed": { "run": speed, "judging_us": judging },
            });
            print_line(&serde_json::to_string(&all).context("writing the report")?);
            return Ok(());
        }
        let names = [self.folder.display().to_string(), self.challenger_name()];
        for (name, report) in names.iter().zip(reports) {
            if reports.len() > 1 {
                print_line(&format!("== {name}"));
            }
            print::report(report);
        }
        if let Some(comparison) = comparison {
            print::comparison(comparison, self.first);
        }
        if let Some(speed) = reports.first().and_then(|report| report.speed.as_ref()) {
            print::speed(speed, reports);
        }
        Ok(())
    }
}

/// As many as asked for, else one a processor.
pub(super) fn threads(asked: Option<usize>) -> usize {
    let available = std::thread::available_parallelism().map_or(1, usize::from);
    asked.unwrap_or(available).max(1)
}
