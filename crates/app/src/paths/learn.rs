//! Paths of blocks that were lived on a fork or a test chain.

use std::collections::BTreeMap;

use anyhow::bail;
use chain::config::NetworkConfig;
use detect::trace::{Path, Protected, Scene, View};
use model::{Address, BlockBundle, ChainEvent, PathSalt, ReadPlan, TxTrace};

use super::PathFingerprint;
use crate::replay::{Next, Source};

/// What some blocks taught.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Learned {
    /// Exact paths, and how often each was taken.
    pub seen: BTreeMap<PathFingerprint, u64>,
    /// Blocks that were read.
    pub blocks: u64,
    /// Transactions that took a path through the protected contracts.
    pub transactions: u64,
}

/// Reads blocks of a chain and learns the paths of their transactions. `stands_for` says which
/// address of that chain is which of the protected ones; fingerprints are made with the salt.
///
/// # Errors
/// When a block cannot be read, or the node gives no call traces: half of what was lived would make
/// the other half look new.
pub async fn learn(
    network: NetworkConfig,
    (from, to): (u64, u64),
    protected: &Protected,
    (stands_for, salt): (&BTreeMap<Address, Address>, &PathSalt),
    mut progress: impl FnMut(u64),
) -> anyhow::Result<Learned> {
    let mut learned = Learned::default();
    let mut incoming = Source::range(network, from, to).open(ReadPlan::default());
    while let Some(next) = incoming.next().await {
        match next {
            Next::Event(ChainEvent::Committed(bundle)) => {
                learned.take(&bundle, protected, (stands_for, salt))?;
                progress(bundle.header.number);
            }
            Next::Event(_) => {}
            Next::Refused { number, reason } => bail!("block {number} was not read: {reason}"),
            Next::Broken(reason) => bail!("reading blocks {from} to {to}: {reason}"),
        }
    }
    Ok(learned)
}

impl Learned {
    fn take(
        &mut self,
        bundle: &BlockBundle,
        protected: &Protected,
        (stands_for, salt): (&BTreeMap<Address, Address>, &PathSalt),
    ) -> anyhow::Result<()> {
        self.blocks += 1;
        let Some(traces) = &bundle.traces else {
            if bundle.transactions.is_empty() {
                return Ok(());
            }
            bail!("block {} came without call traces", bundle.header.number);
        };
        for trace in traces {
            let trace = renamed(trace, stands_for);
            let scene = Scene::new(&trace, None);
            let view = View::salted(&scene, protected, salt);
            let path = view.and_then(|view| Path::of(&view));
            if let Some(path) = path {
                let fingerprint = PathFingerprint(path.exact.to_string());
                *self.seen.entry(fingerprint).or_default() += 1;
                self.transactions += 1;
            }
        }
        Ok(())
    }
}

/// The same calls with the addresses of where the contracts will be.
fn renamed(trace: &TxTrace, stands_for: &BTreeMap<Address, Address>) -> TxTrace {
    let mut renamed = trace.clone();
    let named = |of: Address| stands_for.get(&of).copied().unwrap_or(of);
    for frame in &mut renamed.frames {
        frame.from = named(frame.from);
        frame.to = frame.to.map(named);
    }
    renamed
}
