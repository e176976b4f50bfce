//! `bellwether replay`: judge recorded or past blocks. Sends nothing unless told.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use model::Name;
use serde::Serialize;
use serde_json::json;

use super::Outcome;
use crate::{
    config::{Config, Folder, Missing},
    replay::{Next, Replay as Fold, Replayed, Source},
    terminal::{Progress, Style, print_line},
};

/// Judge recorded blocks, or past blocks of a node, with the same code that judges live.
///
/// Every block is proven first: header hash, transactions root, senders, bloom, receipts root. A
/// block that does not add up is refused with the reason. Nothing is sent unless --send is given.
/// Exit code 0 when no block was refused, 1 when one was.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether replay --recorded blocks/ --json | tail -1\n  bellwether replay --folder my-protocol --network mainnet --from 19426580 --to 19426600"
)]
pub(super) struct Replay {
    /// Folder of recorded blocks: block.json, receipts.json, calltraces.json, each also as .zst.
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
    /// The folder with deployments, monitors and routes to judge by; without it, blocks are only
    /// proven and counted.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Send the alerts to the receivers of routes.toml.
    #[arg(long, requires = "folder")]
    send: bool,
    /// One JSON object per refused block and per finding, and one of totals as the last line.
    #[arg(long)]
    json: bool,
}

/// The last line of `replay --json`.
#[derive(Debug, Serialize)]
struct TotalsLine {
    #[serde(flatten)]
    totals: chain::Totals,
    refused: u64,
    findings: u64,
    alerts: u64,
}

impl Replay {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let config = match &self.folder {
            Some(folder) => Some(load(folder, self.send || self.network.is_some())?),
            None => None,
        };
        let source = match (&self.recorded, &self.network, self.from, self.to) {
            (Some(folder), ..) => Source::recorded(folder)?,
            (None, Some(network), Some(from), Some(to)) => {
                let config =
                    config.as_ref().context("--network needs --folder, which declares it")?;
                let found = config.networks.iter().find(|n| n.chain.name == *network);
                let found = found.with_context(|| {
                    let known: Vec<&str> =
                        config.networks.iter().map(|n| n.chain.name.as_str()).collect();
                    format!("no network {network} (declared: {})", known.join(", "))
                })?;
                Source::range(found.chain.clone(), from, to)
            }
            _ => bail!(
                "say what to replay: --recorded FOLDER, or --folder, --network, --from and --to"
            ),
        };
        let mut fold = Fold::new(source.network(), config.as_ref())?;
        let mut report =
            Report { is_json: self.json, style: Style::stdout(), progress: Progress::new() };
        let total = source.len();
        let reads = fold.reads();
        let mut blocks = source.open(reads);
        while let Some(next) = blocks.next().await {
            match next {
                Next::Event(event) => {
                    let replayed = fold.judge(event)?;
                    report.findings(&replayed);
                }
                Next::Refused { number, reason } => {
                    fold.refuse();
                    report.refused(number, &reason);
                }
                Next::Broken(reason) => bail!("the blocks ended early: {reason}"),
            }
            report.progress(fold.totals().blocks + fold.refused(), total);
        }
        report.progress.clear();
        let replayed = fold.finish()?;
        report.findings(&replayed);
        if self.send {
            let config = config.as_ref().context("--send needs --folder")?;
            fold.send(config).await?;
        }
        let line = TotalsLine {
            totals: *fold.totals(),
            refused: fold.refused(),
            findings: fold.findings(),
            alerts: fold.alerts()?,
        };
        report.totals(&line)?;
        Ok(if line.refused == 0 { Outcome::Fine } else { Outcome::FoundWrong })
    }
}

fn load(folder: &Path, needs_secrets: bool) -> anyhow::Result<Config> {
    let missing = if needs_secrets { Missing::IsMistake } else { Missing::IsFine };
    Config::load(&Folder::new(folder), missing)
        .map_err(|mistakes| anyhow::anyhow!("the folder has mistakes\n\n{mistakes}"))
}

/// What the person, or the program that reads us, gets to see.
struct Report {
    is_json: bool,
    style: Style,
    progress: Progress,
}

impl Report {
    fn refused(&mut self, number: u64, reason: &str) {
        self.progress.clear();
        if self.is_json {
            print_line(&json!({"refused_block": number, "reason": reason}));
        } else {
            print_line(&format!("{} block {number}: {reason}", self.style.red("refused")));
        }
    }

    fn findings(&mut self, replayed: &Replayed) {
        for finding in &replayed.findings {
            self.progress.clear();
            if self.is_json {
                let facts: serde_json::Map<String, serde_json::Value> = finding
                    .evidence
                    .facts
                    .iter()
                    .map(|fact| (fact.name.clone(), fact.value.to_string().into()))
                    .collect();
                print_line(&json!({
                    "finding": finding.id.to_string(),
                    "monitor": finding.monitor,
                    "detector": finding.detector,
                    "severity": finding.severity,
                    "block": finding.origin.block.number,
                    "tx": finding.origin.tx,
                    "title": finding.title,
                    "facts": facts,
                }));
            } else {
                print_line(&format!(
                    "{} block {} {}: {}",
                    self.style.bold(finding.severity.as_str()),
                    finding.origin.block.number,
                    finding.monitor,
                    finding.title
                ));
            }
        }
    }

    fn progress(&mut self, done: u64, total: u64) {
        self.progress.show(&format!("{done} of {total} blocks"));
    }

    fn totals(&mut self, line: &TotalsLine) -> anyhow::Result<()> {
        if self.is_json {
            print_line(&serde_json::to_string(line).context("writing the totals")?);
            return Ok(());
        }
        let t = &line.totals;
        print_line(&format!(
            "{} blocks, {} transactions ({} failed), {} logs, {} token transfers; {} receipts roots verified; {} refused; {} findings, {} alerts",
            t.blocks,
            t.transactions,
            t.failed_transactions,
            t.logs,
            t.erc20_transfers,
            t.receipts_root_verified,
            line.refused,
            line.findings,
            line.alerts
        ));
        Ok(())
    }
}
