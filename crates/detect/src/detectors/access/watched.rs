//! What is remembered of who holds what.

use std::collections::BTreeMap;

use alloy_primitives::Address;
use model::{BlockNumber, Severity, UnixSeconds};
use registry::authority::{DriftKey, FirstSeen, Holdings, Mismatch, Moment};
use serde::{Deserialize, Serialize};

/// Holders whose last call is remembered, of one contract: as many as a role may have.
const USERS_MAX: usize = registry::authority::HOLDERS_MAX;

/// Calls of a holder less than this apart are one use: what counts is days, and each use is a write.
const USE_APART_S: u64 = 86_400;

/// Who holds what in one contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Folded from logs.
    pub(crate) holdings: Holdings,
    /// Newest block with a log that changed something.
    pub(crate) changed_at: Option<BlockNumber>,
    /// First block whose logs were folded as they came; those before are from a scan, if any.
    pub(crate) live_from: BlockNumber,
    /// Where answers differ from logs, by the question that was answered.
    pub(crate) mismatches: BTreeMap<u64, Vec<Mismatch>>,
    /// How far the scan reached that the past was taken from.
    pub(crate) scanned_to: Option<BlockNumber>,
}

/// When holders last called.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uses(BTreeMap<Address, UnixSeconds>);

impl Held {
    /// What was folded so far, nothing of it contradicted.
    pub(crate) fn new(
        holdings: Holdings,
        live_from: BlockNumber,
        scanned_to: Option<BlockNumber>,
    ) -> Self {
        Self { holdings, changed_at: None, live_from, mismatches: BTreeMap::new(), scanned_to }
    }
}

impl Uses {
    /// Whether a call at this time is worth remembering.
    pub(crate) fn is_news(&self, holder: Address, at: UnixSeconds) -> bool {
        match self.0.get(&holder) {
            Some(last) => at.seconds_since(*last) >= USE_APART_S,
            None => self.0.len() < USERS_MAX,
        }
    }

    /// Remembers a call.
    pub(crate) fn note(&mut self, holder: Address, at: UnixSeconds) {
        self.0.insert(holder, at);
    }

    /// Everybody who called, with when they did last.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Address, UnixSeconds)> + '_ {
        self.0.iter().map(|(holder, at)| (*holder, *at))
    }
}

/// A monitor's open drifts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drifts {
    /// First block that was judged.
    pub(crate) began: Moment,
    /// Those that stand, with since when and how they were told.
    pub(crate) open: BTreeMap<DriftKey, Told>,
    /// When everything is looked at again although nothing happened: people leave and drifts age.
    pub(crate) next_at: UnixSeconds,
    /// Last blocks of the scans that were taken in.
    pub(crate) scanned_to: Vec<BlockNumber>,
}

impl Drifts {
    /// None stands yet, and everything is looked at.
    pub(crate) fn new(began: Moment) -> Self {
        Self { began, open: BTreeMap::new(), next_at: began.at, scanned_to: Vec::new() }
    }
}

/// What was said of a drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Told {
    /// Since when it stands.
    pub(crate) since: FirstSeen,
    /// How bad it was said to be; `None` when it is accepted and was not told.
    pub(crate) severity: Option<Severity>,
}
