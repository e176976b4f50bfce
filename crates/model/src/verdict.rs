//! What a detector says about a block.

use serde::{Deserialize, Serialize};

use crate::{Finding, Level};

/// Why something could not be judged. Each of these is a hole in coverage, never "no findings".
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
pub enum BlindReason {
    /// The network does not give what the detector needs.
    #[error("needs {needs:?}, the network gives {has:?}")]
    LevelTooLow {
        /// What the detector needs.
        needs: Level,
        /// What there is.
        has: Level,
    },
    /// The detector has not seen enough history yet.
    #[error("warming up: {seen} of {needed} observations")]
    WarmingUp {
        /// Observations so far.
        seen: u64,
        /// Observations needed.
        needed: u64,
    },
    /// A read that the detector needs is not in the bundle or failed.
    #[error("state read missing: {0}")]
    ReadMissing(String),
    /// A log or call of a watched contract could not be decoded.
    #[error("could not decode: {0}")]
    Undecodable(String),
    /// The block could not be fetched or did not match its header.
    #[error("block could not be verified: {0}")]
    Unverified(String),
    /// An expression could not be evaluated (overflow, division by zero).
    #[error("could not evaluate: {0}")]
    Evaluation(String),
    /// The detector itself failed.
    #[error("detector failed: {0}")]
    Panicked(String),
    /// No node traces the block, and executing it here came to nothing.
    #[error("needs {needs:?}, the block has no call traces: {why}")]
    Untraced {
        /// What the detector needs.
        needs: Level,
        /// Why the block could not be executed.
        why: String,
    },
}

/// What a detector says about one block.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Judged, nothing wrong.
    Quiet,
    /// Judged, and this is wrong.
    Found(Vec<Finding>),
    /// Not judged.
    Blind(BlindReason),
}
