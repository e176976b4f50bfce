//! `bellwether authority scan`: history.

use std::fs;

use anyhow::Context;
use model::BlockNumber;
use serde_json::json;

use super::Place;
use crate::{
    authority::scan,
    commands::{Outcome, loaded_from},
    terminal::{Progress, note, print_line},
};

/// Read the history of who held what, from the contracts' first blocks on, and keep it as
/// authority/NETWORK.json.
///
/// Roles that a contract cannot list are only known from its history; without it their holders are
/// said to be unknown. Run again, it goes on from where it stopped. What is read is a node's word, not
/// proven against headers; the monitor verifies by reads what follows from it.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether authority scan\n  bellwether authority scan --network mainnet --from 17000000"
)]
pub(super) struct Scan {
    #[command(flatten)]
    place: Place,
    /// First block; without it the earliest first_block of the deployments, or 0.
    #[arg(long, requires = "network")]
    from: Option<BlockNumber>,
    /// What was read, as one JSON object.
    #[arg(long)]
    json: bool,
}

impl Scan {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let config = loaded_from(&self.place.folder)?;
        let mut told = Vec::new();
        for network in self.place.networks(&config)? {
            let name = &network.chain.name;
            let range = (self.from, self.place.block);
            let mut progress = Progress::new();
            let declared = config.registry.authority();
            let scanned = scan(&network.chain, &config.registry, declared, range, |block| {
                progress.show(&format!("{name}: read up to block {block}"));
            });
            let scanned = scanned.await.with_context(|| format!("reading the history of {name}"))?;
            progress.clear();
            let folder = self.place.folder.join("authority");
            fs::create_dir_all(&folder)
                .with_context(|| format!("creating {}", folder.display()))?;
            let path = folder.join(format!("{name}.json"));
            fs::write(&path, scanned.scan.to_json()?)
                .with_context(|| format!("writing {}", path.display()))?;
            let (contracts, logs) = (scanned.scan.contracts.len(), scanned.scan.logs.len());
            let (from, to) = (scanned.from_block, scanned.scan.to_block);
            for contract in &scanned.without_first_block {
                let label = config.registry.label(name, *contract).map(str::to_owned);
                let on = label.unwrap_or_else(|| contract.to_string());
                note(&format!("{on} declares no first_block: its history before block {from} is unknown"));
            }
            if self.json {
                told.push(json!({
                    "network": name.as_str(), "endpoint": scanned.endpoint.as_str(),
                    "file": path, "from_block": from, "to_block": to,
                    "contracts": contracts, "logs": logs,
                    "without_first_block": scanned.without_first_block,
                }));
            } else {
                print_line(&format!(
                    "{}  blocks {from} to {to}, {contracts} contracts, {logs} logs about authority",
                    path.display()
                ));
            }
        }
        if self.json {
            print_line(&json!({ "scans": told }));
        }
        Ok(Outcome::Fine)
    }
}
