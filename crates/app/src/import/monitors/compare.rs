//! The difference report: one recorded range of blocks, judged as theirs would and as ours does.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use anyhow::{Context, bail};
use chain::recorded::Recording;
use model::{B256, BlockBundle, ChainEvent, Name, TxStatus};
use serde::Serialize;

use super::{
    openzeppelin::{
        Taken,
        reference::{self, Receipts, Verdict},
    },
    rule::Rule,
};
use crate::{
    config::Config,
    replay::{Next, Replay, Source},
};

/// What came of judging a range twice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// Blocks that were judged.
    pub blocks: u64,
    /// Transactions in them.
    pub transactions: u64,
    /// Blocks that could not be proven, with the reason: about them nothing is said.
    pub refused: Vec<(u64, String)>,
    /// Matches of each rule: by both, there alone, here alone.
    pub rules: BTreeMap<String, Matches>,
    /// Every transaction about which the two differ.
    pub differences: Vec<Difference>,
}

/// Matches of one rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Matches {
    /// Matched by both.
    pub both: u64,
    /// Matched there and not here.
    pub only_there: u64,
    /// Matched here and not there.
    pub only_here: u64,
}

/// A transaction that one matches and the other does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The rule, by its name there.
    pub rule: String,
    /// Block.
    pub block: u64,
    /// Transaction.
    pub tx: B256,
    /// Whether it is we who match it.
    pub is_here: bool,
    /// Why.
    pub why: String,
}

/// Judges a recording of blocks under both.
///
/// # Errors
/// When the recording cannot be read or is of a chain that no imported network is.
pub async fn compare(
    taken: &Taken,
    config: &Config,
    recorded: &Path,
) -> anyhow::Result<Comparison> {
    let mut recording =
        Recording::open(recorded).with_context(|| format!("opening {}", recorded.display()))?;
    let chain_id = recording.description.chain_id;
    let network = taken.chains.iter().find(|(_, id)| *id == chain_id).map(|(name, _)| name.clone());
    let Some(network) = network else {
        let known: Vec<String> = taken.chains.iter().map(|(n, id)| format!("{n} ({id})")).collect();
        bail!(
            "the recording is of chain {chain_id}, and no imported network is (imported: {})",
            known.join(", ")
        );
    };
    recording.description.network = network.clone();
    let source = Source::Recorded(Arc::new(recording));
    let mut fold = Replay::new(network.clone(), Some(config))?;
    let mut comparison = Comparison::default();
    for rule in watched(taken, &network) {
        comparison.rules.entry(rule.name.clone()).or_default();
    }
    let reads = fold.reads();
    let mut blocks = source.open(reads);
    while let Some(next) = blocks.next().await {
        match next {
            Next::Event(event) => {
                let ChainEvent::Committed(bundle) = &event else { continue };
                let bundle = bundle.clone();
                let found = fold.judge(event)?;
                let ours = found.findings.iter().filter_map(|finding| {
                    Some((taken.origins.get(&finding.monitor)?.clone(), finding.origin.tx?))
                });
                let blind: BTreeMap<String, String> = fold
                    .blind_at(bundle.header.number)?
                    .into_iter()
                    .filter_map(|blind| {
                        let rule = taken.origins.get(&blind.monitor)?.clone();
                        Some((rule, blind.reason.to_string()))
                    })
                    .collect();
                let ours: BTreeSet<(String, B256)> = ours.collect();
                comparison.blocks += 1;
                comparison.transactions += bundle.transactions.len() as u64;
                for rule in watched(taken, &network) {
                    let blind = blind.get(&rule.name).map(String::as_str);
                    comparison.block(rule, &network, &bundle, &ours, blind);
                }
            }
            Next::Refused { number, reason } => comparison.refused.push((number, reason)),
            Next::Broken(reason) => bail!("the blocks ended early: {reason}"),
        }
    }
    Ok(comparison)
}

/// The rules that are switched on and look at this network.
fn watched<'t>(taken: &'t Taken, network: &'t Name) -> impl Iterator<Item = &'t Rule> {
    let is_here =
        |rule: &&Rule| !rule.is_paused && rule.places.iter().any(|place| place.network == *network);
    taken.rules.iter().filter(is_here)
}

impl Comparison {
    fn block(
        &mut self,
        rule: &Rule,
        network: &Name,
        block: &BlockBundle,
        ours: &BTreeSet<(String, B256)>,
        blind: Option<&str>,
    ) {
        let as_there = reference::judge(rule, network, block, Receipts::AsThere);
        let as_right = reference::judge(rule, network, block, Receipts::Always);
        let verdicts = block.transactions.iter().zip(as_there.iter().zip(&as_right));
        for (tx, (there, right)) in verdicts {
            let is_here = ours.contains(&(rule.name.clone(), tx.hash));
            let matches = self.rules.entry(rule.name.clone()).or_default();
            let why = match (there.is_match, is_here) {
                (false, false) => continue,
                (true, true) => {
                    matches.both += 1;
                    continue;
                }
                (false, true) => {
                    matches.only_here += 1;
                    why_only_here(tx.status, there, right)
                }
                (true, false) => {
                    matches.only_there += 1;
                    why_only_there(tx.status, right, blind)
                }
            };
            self.differences.push(Difference {
                rule: rule.name.clone(),
                block: block.header.number,
                tx: tx.hash,
                is_here,
                why,
            });
        }
    }

    /// Whether nothing differs and every block could be judged.
    pub fn is_same(&self) -> bool {
        self.differences.is_empty() && self.refused.is_empty()
    }
}

/// Status misread there: why, in one sentence.
const MISREAD: &str = "there it counts as successful, because some transaction of the block emitted a log and its receipts were therefore not fetched";

fn why_only_here(status: TxStatus, there: &Verdict, right: &Verdict) -> String {
    if right.is_match {
        return format!("the transaction {}; {MISREAD}", told(status));
    }
    if !there.failures.is_empty() {
        return there.failures.join("; ");
    }
    "there no listed address took part in it, or its log could not be read".to_owned()
}

fn why_only_there(status: TxStatus, right: &Verdict, blind: Option<&str>) -> String {
    match blind {
        _ if !right.is_match => format!("the transaction {}; {MISREAD}", told(status)),
        Some(reason) => format!("we were blind: {reason}"),
        None => "the condition that matches it there was not taken over".to_owned(),
    }
}

fn told(status: TxStatus) -> &'static str {
    match status {
        TxStatus::Success => "succeeded",
        TxStatus::Failed => "failed",
        TxStatus::Unknown => "has no known status",
    }
}
