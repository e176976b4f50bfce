//! The coverage ledger's rows: what was judged, per block.

use serde::{Deserialize, Serialize};

use crate::{BlindReason, BlockRef, Name, UnixSeconds};

/// A monitor that could not judge a block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlindMonitor {
    /// Monitor.
    pub monitor: Name,
    /// Why.
    pub reason: BlindReason,
}

/// What became of one block as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CoverageResult {
    /// Every monitor judged it, but for those listed.
    Judged {
        /// Monitors that judged it.
        monitors_judged: u32,
        /// Monitors that could not.
        blind: Vec<BlindMonitor>,
    },
    /// Nobody judged it: it is in quarantine.
    Quarantined(BlindReason),
}

/// One row of the ledger: every block of every network has exactly one while it is on the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockCoverage {
    /// Network.
    pub network: Name,
    /// Block.
    pub block: BlockRef,
    /// The block's own time; unknown for a block in quarantine without a header.
    pub timestamp: Option<UnixSeconds>,
    /// Endpoint that served it; `None` in quarantine.
    pub endpoint: Option<Name>,
    /// Version of the set of monitors that judged it.
    pub monitors_version: u64,
    /// What became of it.
    pub result: CoverageResult,
}
