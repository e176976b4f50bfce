//! History: every log about authority since the contracts were created.

use std::collections::{BTreeMap, BTreeSet};

use chain::{
    config::NetworkConfig,
    logs::{FoundLog, Wanted},
};
use model::{Address, BlockNumber};
use registry::{
    Registry,
    authority::{Change, Declared, PastLog, Scan},
};

use super::node::{Node, NodeError};

/// Most logs that are kept: decades of any protocol that is governed by people.
pub(super) const LOGS_MAX: usize = 200_000;

/// What was read.
#[derive(Debug)]
pub struct Scanned {
    /// For the file.
    pub scan: Scan,
    /// Who was asked.
    pub endpoint: model::Name,
    /// First block read.
    pub from_block: BlockNumber,
    /// Contracts whose first block is not declared; they were read from `from_block` on, which may
    /// be too late.
    pub without_first_block: Vec<Address>,
}

/// Reads the history of a network's contracts, up to its newest final block or `to`. Goes on from an
/// earlier scan of the same contracts.
///
/// # Errors
/// When it cannot be read whole; a part would look like all of it.
pub async fn scan(
    network: &NetworkConfig,
    registry: &Registry,
    declared: &Declared,
    (from, to): (Option<BlockNumber>, Option<BlockNumber>),
    progress: impl FnMut(BlockNumber),
) -> Result<Scanned, NodeError> {
    let node = Node::open(network, to).await?;
    let to_block = match to {
        Some(to) => to,
        // What may still be reverted is left to the monitor.
        None => node.finalized().await.unwrap_or(node.at.block).min(node.at.block),
    };
    let name = &network.name;
    let policy = declared.policy.as_ref();
    let treasuries = policy.map(|policy| policy.treasuries(name)).unwrap_or_default();
    let mut contracts: BTreeMap<Address, Option<BlockNumber>> = registry
        .own()
        .map(|(_, deployment)| deployment)
        .filter(|deployment| deployment.network == *name)
        .map(|deployment| (deployment.address, deployment.first_block))
        .collect();
    let named = policy.map(|policy| policy.contracts(name, registry)).unwrap_or_default();
    for contract in named.into_iter().chain(treasuries.iter().copied()) {
        contracts.entry(contract).or_default();
    }
    let earliest = contracts.values().flatten().min().copied();
    let from_block = from.or(earliest).unwrap_or(0);
    let without_first_block: Vec<Address> = contracts
        .iter()
        .filter(|(contract, first)| first.is_none() && !treasuries.contains(*contract))
        .map(|(contract, _)| *contract)
        .collect();
    let contracts: BTreeMap<Address, BlockNumber> =
        contracts.into_keys().map(|contract| (contract, from_block)).collect();
    // Going on is possible where the earlier scan read the same contracts from as early.
    let earlier = declared.scans.iter().find(|scan| {
        scan.network == *name && scan.contracts == contracts && scan.to_block <= to_block
    });
    let (mut logs, start) = match earlier {
        Some(scan) => (scan.logs.clone(), scan.to_block + 1),
        None => (Vec::new(), from_block),
    };
    // An account without code emits nothing; a treasury's allowances are told by its tokens.
    let emitters: BTreeSet<Address> = contracts.keys().copied().collect();
    let addresses: Vec<Address> = emitters.into_iter().collect();
    if start <= to_block && !addresses.is_empty() {
        let wanted =
            Wanted { addresses: &addresses, topics: &Change::topics(), logs_max: LOGS_MAX };
        let found = chain::logs::logs(&node.rpc, &wanted, start..=to_block, progress).await;
        let found =
            found.map_err(|source| NodeError::Logs { endpoint: node.endpoint.clone(), source })?;
        let is_about = |log: &FoundLog| {
            let changes = Change::read(&log.log, |who| treasuries.contains(&who));
            changes.is_ok_and(|changes| changes.iter().any(|(of, _)| contracts.contains_key(of)))
        };
        logs.extend(found.into_iter().filter(is_about).map(kept));
    }
    let scan = Scan::new(name.clone(), network.chain_id, to_block, contracts, logs);
    Ok(Scanned { scan, endpoint: node.endpoint, from_block, without_first_block })
}

/// As the file keeps it.
pub(super) fn kept(found: FoundLog) -> PastLog {
    let FoundLog { block, at, tx, log } = found;
    let (address, topics, data) = (log.address, log.topics, log.data);
    PastLog { block, at, tx, index: log.index, address, topics, data }
}
