//! Following a chain: every block once, in order, whatever the endpoints do.
//!
//! ```text
//!            heads changed │ pause over │ a quarantined block came back
//!                          ▼
//!  cursor ──► next block number ≤ best head? ──yes──► fetch a stretch in parallel, take it in order
//!    ▲              │ no                               │ child of our head ──► Committed
//!    │              ▼                                  │ other parent ──► walk the branch down
//!    │     does a head contradict ours? ──────────────►│      └─ judge ──► Reverted, then by hash
//!    │                                                 │ nobody has it ──► again, later;
//!    └───────────── each event is folded in ◄──────────┘      others built on it ──► Quarantined
//! ```
//!
//! What is promised to whoever receives the events:
//!
//! - `Committed` and `Quarantined` blocks form a hash chain, once the `Reverted` in between are
//!   applied. No block comes twice, none is left out.
//! - A node that lags, shows nothing or goes back moves nothing. A reorg is told only when headers
//!   that hash to their names link the new branch to a block of ours (see `branch::judge`).
//! - A block nobody can deliver holds the chain only until others are built on it and every
//!   endpoint was asked several times; then it is told as `Quarantined`, tried again in the
//!   background, and told as `Recovered`. It is never told as empty.
//! - `Finalized` numbers grow, except after a `Reverted` that reaches below the last one. That
//!   needs patience and agreement, is told as an ordinary `Reverted`, and leaves the critical
//!   condition [`Condition::FinalUndone`].
//! - The channel bounds us: when its receiver is slow, we are.
//!
//! All that is remembered is the [`Cursor`], a fold over the events told. To resume, fold the
//! stored events and hand in the result.

mod branch; //      pure: how a branch meets our chain, and whether to believe it
mod catch_up; //    fetches a stretch in parallel, takes it in order
mod cross_check; // asks the others before believing one
mod cursor; //      pure: where we are
mod finality; //    which blocks can no longer be undone
mod follower; //    the loop
mod forks; //       what to do about blocks that do not follow ours
mod quarantine; //  blocks that cannot be had
mod range; //       a stretch of the past
mod recoveries; //  when quarantined blocks are tried again
mod status; //      what people get to see
mod task; //        a spawned computation that ends with its owner

use model::{ChainEvent, ReadPlan};
use tokio::sync::{mpsc, watch};

use self::follower::Follower;
pub use self::{
    branch::WaitReason,
    cursor::{Cursor, Link, QuarantinedBlock},
    range::{RangeEnd, RangeError, range, range_of},
    status::{CatchUp, Condition, NetworkStatus, SeenBlock},
};
use crate::{
    Source,
    config::{ConfigMistake, NetworkConfig},
    endpoint::Pool,
    rpc::SetupError,
};

/// Following could not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FollowError {
    /// The configuration is wrong.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Config(Vec<ConfigMistake>),
    /// An endpoint's client could not be built.
    #[error(transparent)]
    Setup(#[from] SetupError),
}

/// Follows a network over its endpoints until the receiver of `out` is dropped, or the future is.
///
/// `cursor` is the fold of all events told before; `None` begins at `config.start`. `reads` are
/// made at each block from the moment they change. `status` shows how it goes.
///
/// # Errors
/// Only at the start. Whatever the endpoints do later is told by events and status.
pub async fn follow(
    config: NetworkConfig,
    cursor: Option<Cursor>,
    reads: watch::Receiver<ReadPlan>,
    out: mpsc::Sender<ChainEvent>,
    status: watch::Sender<NetworkStatus>,
) -> Result<(), FollowError> {
    let mistakes = config.mistakes();
    if !mistakes.is_empty() {
        return Err(FollowError::Config(mistakes));
    }
    let pool = Pool::start(&config)?;
    follow_source(pool, config, cursor, reads, out, status).await;
    Ok(())
}

/// Follows any source, as [`follow`] does. Of the configuration, the endpoints are not looked at.
pub async fn follow_source(
    source: impl Source,
    config: NetworkConfig,
    cursor: Option<Cursor>,
    reads: watch::Receiver<ReadPlan>,
    out: mpsc::Sender<ChainEvent>,
    status: watch::Sender<NetworkStatus>,
) {
    let cursor = cursor.unwrap_or_default();
    Follower::new(source, config, cursor, reads, out, status).run().await;
}
