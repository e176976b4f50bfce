//! A stretch of the past, told like the present: for replays.

use std::time::Duration;

use model::{BlockNumber, ChainEvent, ReadPlan};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep, timeout},
};

use super::{FollowError, NetworkStatus, QuarantinedBlock, cursor::Cursor, follower::Follower};
use crate::{
    Source,
    config::{NetworkConfig, Start},
    endpoint::Pool,
};

/// A range could not be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// The configuration is wrong, or a client could not be built.
    #[error(transparent)]
    Start(#[from] FollowError),
    /// `from` is after `to`.
    #[error("range starts at block {from} and ends before it, at block {to}")]
    Backwards {
        /// First block.
        from: BlockNumber,
        /// Last block.
        to: BlockNumber,
    },
    /// Nobody answered in time.
    #[error("no endpoint showed a head within {waited_ms} ms: {reason}")]
    NoEndpoint {
        /// How long was waited.
        waited_ms: u64,
        /// The endpoints' last errors.
        reason: String,
    },
    /// The chain does not go so far.
    #[error("range ends at block {to}, the highest head is block {head}")]
    BeyondHead {
        /// Last block.
        to: BlockNumber,
        /// The highest head that any endpoint shows.
        head: BlockNumber,
    },
    /// The receiver went away.
    #[error("nobody listens any more, after block {0:?}")]
    Closed(Option<BlockNumber>),
}

/// What is left to say when a range was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeEnd {
    /// Blocks of the range that nobody could deliver, oldest first.
    pub quarantined: Vec<QuarantinedBlock>,
}

/// Tells the blocks `from..=to` of a network over its endpoints: in order, fetched in parallel.
///
/// # Errors
/// Before the first block: a wrong configuration, no endpoint, a range that is not there. After
/// it: only when the receiver goes away.
pub async fn range(
    config: NetworkConfig,
    from: BlockNumber,
    to: BlockNumber,
    reads: ReadPlan,
    out: mpsc::Sender<ChainEvent>,
) -> Result<RangeEnd, RangeError> {
    let mistakes = config.mistakes();
    if !mistakes.is_empty() {
        return Err(FollowError::Config(mistakes).into());
    }
    let pool = Pool::start(&config).map_err(FollowError::from)?;
    range_of(pool, config, from, to, reads, out).await
}

/// Tells the blocks `from..=to` of any source.
///
/// # Errors
/// As [`range`].
pub async fn range_of(
    source: impl Source,
    mut config: NetworkConfig,
    from: BlockNumber,
    to: BlockNumber,
    reads: ReadPlan,
    out: mpsc::Sender<ChainEvent>,
) -> Result<RangeEnd, RangeError> {
    if from > to {
        return Err(RangeError::Backwards { from, to });
    }
    let head = first_head(&source, &config).await?;
    if head < to {
        return Err(RangeError::BeyondHead { to, head });
    }
    config.start = Start::Block(from);
    let status = watch::Sender::new(NetworkStatus::new(config.name.clone()));
    let (_keep_reads, reads) = watch::channel(reads);
    let mut follower = Follower::new(source, config, Cursor::default(), reads, out, status);
    follower.last = Some(to);
    follower.run().await;
    match follower.cursor.head() {
        Some(head) if head.number >= to => {
            Ok(RangeEnd { quarantined: follower.cursor.quarantined })
        }
        head => Err(RangeError::Closed(head.map(|head| head.number))),
    }
}

/// The highest head, once every endpoint had the time to show one or the first one did.
async fn first_head(
    source: &impl Source,
    config: &NetworkConfig,
) -> Result<BlockNumber, RangeError> {
    let timing = &config.timing;
    let waited_ms = timing.connect_timeout_ms + 2 * timing.request_timeout_ms;
    let deadline = Instant::now() + Duration::from_millis(waited_ms);
    let look = async {
        loop {
            let highest = source.heads().iter().map(|head| head.seen.link.block.number).max();
            if let Some(highest) = highest {
                return highest;
            }
            tokio::select! {
                () = source.changed() => {}
                () = sleep(Duration::from_millis(timing.poll_interval_ms)) => {}
            }
        }
    };
    timeout(deadline - Instant::now(), look).await.map_err(|_elapsed| {
        let last_errors = source.status().into_iter().map(|endpoint| {
            let error = endpoint.last_error.unwrap_or_else(|| "no answer yet".to_owned());
            format!("{}: {error}", endpoint.name)
        });
        RangeError::NoEndpoint { waited_ms, reason: last_errors.collect::<Vec<_>>().join("; ") }
    })
}
