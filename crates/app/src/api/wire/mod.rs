//! The shapes of the API: a promise to other programs.
//!
//! Hashes, addresses and bytes are lower-case hexadecimal with `0x` (addresses checksummed); whole
//! numbers that may be large are decimal strings; moments are RFC 3339 and a number; what is not
//! known is `null`, never 0.

mod alert; //   alerts, findings, evidence
mod attacks; // alerts that belong together
mod canary; //  how canaries fare
mod dossier; // everything about one address
mod fact; //    named values, and what no chain says
mod fatigue; // how much people bear
mod ledger; //  coverage as a number, what is missing, what closes it
mod network; // one network as it is followed
mod quality; // how good detection is
mod series; //  points
mod status; //  networks, coverage, trust, outbox
mod threats; // the threat map

use model::{BlockRef, TokenAmount, UnixMillis, UnixSeconds};
use serde::Serialize;

pub use alert::{
    Alert, AlertDetails, AlertVerdict, Attempt, Decision, Drill, Evidence, Finding, History,
    Measure, Message, Origin, Told,
};
pub use attacks::{Attack, Attacks, Contribution as AttackContribution};
pub use dossier::{
    Change, CodeSince, Covered, Creator, Delegate, Dependency, Dossier, Drift, Event, Facet,
    Function, Gap, Held, Identity, KnownAs, Life, OpenCell, Party, Power, Threatened, Trait,
    Unknown, Watcher, Way,
};
pub use fact::{Fact, Report, Value};
pub use fatigue::{
    Fatigue, Part, Person as PersonLoad, Proposal as TuningProposal, Route as RouteLoad,
    Rule as RuleLoad,
};
pub use ledger::{
    Cell, ClosedHole, Filling, Ledger, LedgerDeployment, LedgerNetwork, MissingBlocks, Watch,
};
pub use network::{Blind, Coverage, Endpoint, Hole, Network};
pub use quality::{
    Class as IncidentClass, Monitor as MonitorQuality, Proposal, Quality, Rate as WeeklyRate, Share,
};
pub use series::{Metrics, Points, Series, SeriesAnswer};
pub use status::{
    BlindHere, Counted, CoverageRow, Deployment, Outbox, Ready, Reason, Stage, Status, Trust, Twin,
};
pub use threats::Threats;

use crate::words;

/// A list, or a part of one.
#[derive(Debug, Serialize)]
pub struct Page<T> {
    /// Rows.
    pub items: Vec<T>,
    /// What `cursor` (`before` for coverage) must be for the next part; `null` when this is the
    /// last.
    pub next: Option<String>,
}

/// Why there is no answer.
#[derive(Debug, Serialize)]
pub struct Error {
    /// In a sentence.
    pub error: String,
    /// What would have been understood; empty when that cannot be listed.
    pub allowed: Vec<String>,
}

/// Chain time.
#[derive(Debug, Serialize)]
pub struct Moment {
    /// RFC 3339, UTC.
    pub iso: String,
    /// Seconds since 1970.
    pub unix: u64,
}

impl From<UnixSeconds> for Moment {
    fn from(at: UnixSeconds) -> Self {
        Self { iso: words::iso(at), unix: at.0 }
    }
}

/// The machine's time.
#[derive(Debug, Serialize)]
pub struct WallMoment {
    /// RFC 3339, UTC.
    pub iso: String,
    /// Milliseconds since 1970.
    pub unix_ms: i64,
}

impl From<UnixMillis> for WallMoment {
    fn from(at: UnixMillis) -> Self {
        let moment = jiff::Timestamp::from_millisecond(at.0);
        let iso = moment.map_or_else(|_| format!("millisecond {}", at.0), |m| format!("{m:.3}"));
        Self { iso, unix_ms: at.0 }
    }
}

/// A block.
#[derive(Debug, Serialize)]
pub struct Block {
    /// Height.
    pub number: u64,
    /// Hash.
    pub hash: String,
}

impl From<BlockRef> for Block {
    fn from(block: BlockRef) -> Self {
        Self { number: block.number, hash: block.hash.to_string() }
    }
}

/// A token amount.
#[derive(Debug, Serialize)]
pub struct Amount {
    /// In the token's smallest unit, decimal.
    pub raw: String,
    /// How many of the digits stand after the point.
    pub decimals: u8,
    /// Symbol, from the user's files.
    pub symbol: String,
    /// As people read it.
    pub text: String,
}

impl From<&TokenAmount> for Amount {
    fn from(amount: &TokenAmount) -> Self {
        Self {
            raw: amount.raw.to_string(),
            decimals: amount.decimals,
            symbol: amount.symbol.to_string(),
            text: amount.to_string(),
        }
    }
}
