//! `bellwether signing`: what waits to be signed at a Safe, and what a signer should know of it.

use std::path::PathBuf;

use alloy_primitives::Address;
use anyhow::{Context, bail, ensure};
use detect::signing::{Judged, Knows, Proposed, SafeNow, Version, judge};
use model::{Name, Severity};
use registry::Registry;
use serde_json::json;

use super::{Outcome, loaded_from};
use crate::{safe_queue, terminal::print_line, trace_file};

/// Judge what waits to be signed at a Safe, before anybody signs: a second look that shares nothing
/// with the page on which signers read it.
///
/// The hash of every proposal is computed anew from its fields and compared with the one stated; its
/// calldata is read to the bottom of its batches. Told are: foreign code that would run in the Safe's
/// own name, changes of owners, threshold, modules and guards, listed parties, functions that take
/// power, code or money elsewhere, contracts that your folder has no name for, refunds, signatures of
/// strangers, and proposals that share a nonce.
///
/// The queue is what the Safe transaction service answers; nothing is fetched, and nothing that the
/// service says of a proposal is believed. Exit code 1 when a concern is high or critical.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  curl -s 'https://api.safe.global/tx-service/eth/api/v1/safes/0x5a…/multisig-transactions/?executed=false' > queue.json\n  curl -s 'https://api.safe.global/tx-service/eth/api/v1/safes/0x5a…/' > safe.json\n  bellwether signing queue.json --safe safe.json --network mainnet --json | jq '.proposals[].concerns'"
)]
pub(super) struct Signing {
    /// What waits, as the service gives it.
    #[arg(value_name = "QUEUE")]
    queue: PathBuf,
    /// What the service says of the Safe: address, version, nonce, owners, threshold.
    #[arg(long, value_name = "FILE")]
    safe: PathBuf,
    /// The Safe's network, as your folder calls it: its addresses and lists are asked.
    #[arg(long, value_name = "NAME")]
    network: Name,
    /// The chain's id, when the folder does not have the network.
    #[arg(long, value_name = "N")]
    chain_id: Option<u64>,
    /// Contracts whose code the Safe may run in its own name.
    #[arg(long, value_name = "ADDRESS", num_args = 1..)]
    may_run: Vec<Address>,
    /// The folder that holds bellwether.toml.
    #[arg(long, default_value = ".", env = "BELLWETHER_FOLDER")]
    folder: PathBuf,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// What the user's folder knows.
struct Folder<'a> {
    registry: &'a Registry,
    network: &'a Name,
    may_run: &'a [Address],
}

impl Knows for Folder<'_> {
    fn is_named(&self, address: Address) -> bool {
        self.registry.label(self.network, address).is_some()
    }

    fn bad(&self, address: Address) -> Option<String> {
        let mut labels = self.registry.labels().of(self.network, address);
        let bad = labels.find(|label| label.category.is_malicious())?;
        Some(format!("{} {} ({})", bad.category.as_str(), bad.name, bad.source))
    }

    fn may_run(&self, code: Address) -> bool {
        self.may_run.contains(&code)
    }
}

impl Signing {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let config = loaded_from(&self.folder)?;
        let known = config.networks.iter().find(|network| network.chain.name == self.network);
        let chain_id = match (known.map(|network| network.chain.chain_id), self.chain_id) {
            (Some(known), Some(said)) if known != said => {
                bail!("{} has chain id {known} in the folder, not {said}", self.network)
            }
            (Some(id), _) | (None, Some(id)) => id,
            (None, None) => {
                bail!("the folder has no network {}: name its --chain-id", self.network)
            }
        };
        let of_file = |path: &PathBuf| format!("reading {}", path.display());
        let described = trace_file::text(&self.safe).and_then(|text| safe_queue::describe(&text));
        let described = described.with_context(|| of_file(&self.safe))?;
        let queue = trace_file::text(&self.queue).and_then(|text| safe_queue::read(&text));
        let queue = queue.with_context(|| of_file(&self.queue))?;
        if let Some(other) = queue.safe {
            let safe = described.address;
            ensure!(other == safe, "the queue is that of {other}, not of {safe}");
        }
        let version = Version::of(&described.version).with_context(|| {
            format!("version {:?}: hashes of Safes before 1.0.0 are not known", described.version)
        })?;
        let safe = SafeNow {
            address: described.address,
            chain_id,
            version,
            nonce: Some(described.nonce),
            owners: Some(described.owners.into_iter().collect()),
            threshold: Some(described.threshold),
        };
        let (registry, network) = (&config.registry, &self.network);
        let folder = Folder { registry, network, may_run: &self.may_run };
        let judged = judge(&queue.waiting, &safe, &folder);
        let name = |address: Address| match registry.label(network, address) {
            Some(label) => format!("{label} ({address})"),
            None => address.to_string(),
        };
        if self.json {
            print_line(&as_json(&safe, &queue.waiting, &judged, &name));
        } else {
            print(&safe, &queue.waiting, &judged, &name);
        }
        let is_bad = judged.iter().any(|one| one.severity >= Severity::High);
        Ok(if is_bad { Outcome::FoundWrong } else { Outcome::Fine })
    }
}

fn as_json(
    safe: &SafeNow,
    waiting: &[Proposed],
    judged: &[Judged],
    name: &dyn Fn(Address) -> String,
) -> serde_json::Value {
    let proposals: Vec<_> = judged
        .iter()
        .map(|one| {
            let proposed = &waiting[one.at];
            let concerns: Vec<_> = one
                .concerns
                .iter()
                .map(|concern| {
                    json!({
                        "severity": concern.severity().as_str(),
                        "what": concern.sentence(name),
                    })
                })
                .collect();
            json!({
                "nonce": proposed.nonce.to_string(),
                "to": proposed.to,
                "operation": proposed.operation,
                "hash": one.hash,
                "stated_hash": proposed.stated_hash,
                "severity": one.severity.as_str(),
                "is_executable": one.is_executable,
                "concerns": concerns,
            })
        })
        .collect();
    json!({ "safe": safe.address, "chain_id": safe.chain_id, "proposals": proposals })
}

fn print(
    safe: &SafeNow,
    waiting: &[Proposed],
    judged: &[Judged],
    name: &dyn Fn(Address) -> String,
) {
    if judged.is_empty() {
        return print_line(&format!("{}: nothing waits", name(safe.address)));
    }
    for one in judged {
        let proposed = &waiting[one.at];
        let ready = if one.is_executable == Some(true) { ", enough have signed" } else { "" };
        print_line(&format!(
            "nonce {}: {} to {}{ready}",
            proposed.nonce,
            if proposed.operation == 1 { "delegate call" } else { "call" },
            name(proposed.to)
        ));
        print_line(&format!("  sign only {}", one.hash));
        for concern in &one.concerns {
            print_line(&format!("  {}: {}", concern.severity().as_str(), concern.sentence(name)));
        }
        if one.concerns.is_empty() {
            print_line(&"  nothing to say against it");
        }
    }
}
