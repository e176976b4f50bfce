//! Blocks of the past: from the event log, or from the endpoints when the log does not hold them or
//! they lack a read that the monitors need.

use std::sync::Arc;

use anyhow::{Context, bail};
use chain::{NetworkConfig, follow::RangeEnd, follow::RangeError};
use model::{BlindReason, BlockBundle, BlockNumber, ChainEvent, Name, ReadPlan};
use store::{Store, StoreError};
use tokio::{
    sync::mpsc,
    task::{JoinHandle, spawn_blocking},
};

/// Blocks fetched ahead of the one that is judged: low priority, little memory.
const AHEAD_BLOCKS: usize = 4;

/// A block of the past.
pub(super) enum PastBlock {
    /// As proven, with the endpoint that served it; none for the event log.
    Proven(Arc<BlockBundle>, Option<Name>),
    /// Nobody could deliver it in a form that adds up.
    NotProven(BlindReason),
}

/// Blocks in order, up to `last`.
pub(super) struct Past {
    store: Store,
    config: NetworkConfig,
    reads: ReadPlan,
    last: BlockNumber,
    fetching: Option<Fetching>,
}

struct Fetching {
    events: mpsc::Receiver<ChainEvent>,
    task: JoinHandle<Result<RangeEnd, RangeError>>,
}

impl Drop for Fetching {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Past {
    pub(super) fn new(
        store: Store,
        config: NetworkConfig,
        reads: ReadPlan,
        last: BlockNumber,
    ) -> Self {
        Self { store, config, reads, last, fetching: None }
    }

    /// The block at this height; each call asks for the height after the one before.
    pub(super) async fn at(&mut self, number: BlockNumber) -> anyhow::Result<PastBlock> {
        // Once fetching, it goes on: changing back and forth would connect anew each time.
        if self.fetching.is_none()
            && let Some(bundle) = self.logged(number).await?
        {
            return Ok(PastBlock::Proven(bundle, None));
        }
        if self.fetching.is_none() {
            self.fetching = Some(self.fetch_from(number));
        }
        let Some(fetching) = &mut self.fetching else { bail!("nothing is being fetched") };
        loop {
            let Some(event) = fetching.events.recv().await else {
                let ended = (&mut fetching.task).await.context("fetching blocks of the past")?;
                self.fetching = None;
                ended
                    .with_context(|| format!("fetching block {number} of {}", self.config.name))?;
                bail!("the endpoints of {} ended before block {number}", self.config.name);
            };
            match event {
                ChainEvent::Committed(bundle) | ChainEvent::Recovered(bundle) => {
                    // A block that was in quarantine a moment ago was given up already.
                    if bundle.header.number < number {
                        continue;
                    }
                    self.check(&bundle).await?;
                    let endpoint = bundle.endpoint.clone();
                    return Ok(PastBlock::Proven(bundle, Some(endpoint)));
                }
                ChainEvent::Quarantined { reason, .. } => return Ok(PastBlock::NotProven(reason)),
                ChainEvent::Finalized { .. } => {}
                ChainEvent::Reverted { .. } => {
                    bail!(
                        "blocks of {} before {number} were reverted while fetched",
                        self.config.name
                    )
                }
            }
        }
    }

    fn fetch_from(&self, number: BlockNumber) -> Fetching {
        let (out, events) = mpsc::channel(AHEAD_BLOCKS);
        let (config, reads) = (self.config.clone(), self.reads.clone());
        let task = tokio::spawn(chain::range(config, number, self.last, reads, out));
        Fetching { events, task }
    }

    /// The block as the event log has it, if that holds everything the monitors need.
    async fn logged(&self, number: BlockNumber) -> anyhow::Result<Option<Arc<BlockBundle>>> {
        let (store, network) = (self.store.clone(), self.config.name.clone());
        let read = spawn_blocking(move || store.event_log().judged_block(&network, number));
        let bundle = read.await.context("reading the event log")??;
        let due = self.reads.due(number);
        Ok(bundle.filter(|bundle| {
            due.iter().all(|wanted| bundle.reads.iter().any(|read| read.request == *wanted))
        }))
    }

    /// Refuses a block that is not the one the ledger has at its height.
    async fn check(&self, bundle: &BlockBundle) -> anyhow::Result<()> {
        let (store, network) = (self.store.clone(), self.config.name.clone());
        let number = bundle.header.number;
        let row = spawn_blocking(move || {
            let rows = store.coverage(&network, number, 1)?;
            Ok::<_, StoreError>(rows.into_iter().find(|row| row.block.number == number))
        });
        match row.await.context("reading the ledger")?? {
            Some(row) if row.block != bundle.block_ref() => bail!(
                "{} shows block {} where {} was judged",
                bundle.endpoint,
                bundle.block_ref(),
                row.block
            ),
            _ => Ok(()),
        }
    }
}
