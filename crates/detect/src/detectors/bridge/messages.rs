//! What is remembered of messages on either side.

use std::collections::VecDeque;

use alloy_primitives::{B256, U256};
use model::{BlockNumber, UnixSeconds};
use serde::{Deserialize, Serialize};

/// Messages of one monitor that are open on one side. The busiest bridges carry some ten thousand a
/// day, and are done with each within an hour or a day.
pub(super) const OPEN_MAX: usize = 16_384;

/// A message that was sent, on the network it was sent from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageSent {
    pub(super) amount: U256,
    pub(super) block: BlockNumber,
    pub(super) at: UnixSeconds,
}

/// How far a message that arrived is explained.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Backing {
    /// Nobody has looked yet, or the other network is not judged so far.
    #[default]
    Waiting,
    /// It was sent, in a block that may still leave the chain.
    Seen,
    /// It was sent in a final block.
    Final,
    /// It was told of.
    Told,
}

/// A message that arrived, on the network it arrived at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageArrived {
    pub(super) amount: U256,
    pub(super) at: UnixSeconds,
    pub(super) tx: B256,
    pub(super) backing: Backing,
}

/// Messages that are not done with, in the order of their time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenMessages(pub(super) VecDeque<(UnixSeconds, B256, bool)>);
