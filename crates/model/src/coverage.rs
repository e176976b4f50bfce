//! The coverage ledger: what was judged, per block, by whom, and what was not.

use std::{collections::BTreeMap, fmt, sync::Arc};

use alloy_primitives::Address;
use serde::{Deserialize, Serialize};

use crate::{BlindReason, BlockNumber, BlockRange, BlockRef, Name, UnixMillis, UnixSeconds};

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

/// A guarded contract, as the ledger knows it: where it is, under which label.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RosterDeployment {
    /// The user's name for it.
    pub label: Name,
    /// Contract.
    pub address: Address,
}

/// Which contracts of a roster a monitor guards.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Guards {
    /// All of them.
    All,
    /// These: indexes into [`Roster::deployments`], ascending.
    Some(Vec<u32>),
}

impl Guards {
    /// Whether the deployment at this index is guarded.
    pub fn contains(&self, index: u32) -> bool {
        match self {
            Self::All => true,
            Self::Some(indexes) => indexes.binary_search(&index).is_ok(),
        }
    }
}

/// A monitor, as the ledger knows it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RosterMonitor {
    /// Its name.
    pub name: Name,
    /// What it judges by, as a number that changes with it: two monitors of one name and one rule
    /// say the same of the same block. Severity and wording are no part of it.
    pub rule: u64,
    /// What it guards.
    pub guards: Guards,
    /// Whether it judges what happens to the chain while it is watched (reorgs, blindness), which
    /// nobody can judge afterwards.
    pub is_live_only: bool,
}

/// Who judged: the monitors of one network while one version of the configuration held.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Roster {
    /// Guarded contracts, in the order of the registry.
    pub deployments: Vec<RosterDeployment>,
    /// Monitors, in the order of their declaration.
    pub monitors: Vec<RosterMonitor>,
}

/// Blocks without a gap between them that were judged alike: by the same roster, with the same
/// monitors blind for the same reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoverageRun {
    /// Blocks.
    pub range: BlockRange,
    /// Version of the set of monitors: names the roster.
    pub monitors_version: u64,
    /// Monitors that could not judge these blocks. How far a warm-up had come differs from block to
    /// block and is 0 here.
    pub blind: Arc<Vec<BlindMonitor>>,
    /// Why nobody judged them, if they are in quarantine.
    pub quarantine: Option<BlindReason>,
    /// Which endpoint served how many of the blocks, by name.
    pub endpoints: Vec<(Name, u64)>,
}

/// Blocks that one monitor judged, or tried to, after they had passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackfilledRange {
    /// Monitor.
    pub monitor: Name,
    /// Version of the set of monitors at that time: names the roster with the rule it judged by.
    pub monitors_version: u64,
    /// Blocks.
    pub range: BlockRange,
    /// Why it could not judge them, if so.
    pub blind: Option<BlindReason>,
    /// Who served the blocks; `None` for the event log.
    pub endpoint: Option<Name>,
}

/// The ledger of one network as the store keeps it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LedgerRows {
    /// Height below which nothing is said, because the rows would be too many; usually 0.
    pub from: BlockNumber,
    /// Ascending, without overlap.
    pub runs: Vec<CoverageRun>,
    /// Every roster that a run or a back-fill names, as far as it is known: of versions that judged
    /// before rosters were kept there is none.
    pub rosters: BTreeMap<u64, Arc<Roster>>,
    /// Ascending by monitor and range; of two that overlap, the later one holds.
    pub backfilled: Vec<BackfilledRange>,
}

/// Why blocks were not judged by somebody who should have.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum HoleCause {
    /// Nobody has accounted for them: they are before the first block that was followed, or lost.
    NotFollowed,
    /// Nobody could judge them: they are in quarantine.
    Quarantined(BlindReason),
    /// The monitor, or its watch on this contract, was added later.
    AddedLater,
    /// The monitor judged them by another rule than its present one.
    RuleChanged,
    /// They were judged before rosters were kept, so nobody knows by whom.
    Unrecorded,
    /// The monitor was blind.
    Blind(BlindReason),
}

impl HoleCause {
    /// The word for it, stable for programs.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::NotFollowed => "not_followed",
            Self::Quarantined(_) => "quarantined",
            Self::AddedLater => "added_later",
            Self::RuleChanged => "rule_changed",
            Self::Unrecorded => "unrecorded",
            Self::Blind(_) => "blind",
        }
    }
}

impl fmt::Display for HoleCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFollowed => f.write_str("not followed at that time"),
            Self::Quarantined(reason) => write!(f, "in quarantine: {reason}"),
            Self::AddedLater => f.write_str("added later"),
            Self::RuleChanged => f.write_str("judged by an earlier rule"),
            Self::Unrecorded => f.write_str("judged before it was recorded by whom"),
            Self::Blind(BlindReason::WarmingUp { needed, .. }) => {
                write!(f, "blind: was warming up ({needed} observations needed)")
            }
            Self::Blind(reason) => write!(f, "blind: {reason}"),
        }
    }
}

/// A hole in the ledger that somebody should hear of: blocks that monitors did not judge, all for
/// the same cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenHole {
    /// Network.
    pub network: Name,
    /// Blocks.
    pub range: BlockRange,
    /// Why.
    pub cause: HoleCause,
    /// Monitors that did not judge them; at most [`OpenHole::MONITORS_LISTED_MAX`].
    pub monitors: Vec<Name>,
    /// How many monitors in all.
    pub monitors_total: u32,
    /// The blocks when it was seen first: what it is known by while it shrinks.
    pub seen_as: BlockRange,
    /// Wall time at which it was seen first.
    pub seen_at: UnixMillis,
}

impl OpenHole {
    /// Monitors that are named one by one; a hole of thousands is about the network, not about each.
    pub const MONITORS_LISTED_MAX: usize = 8;
}
