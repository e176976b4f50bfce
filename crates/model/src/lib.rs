//! The nouns of Bellwether: what a block, a finding, an alert *is*.
//!
//! Every other crate speaks in these types, and two crates that do not see each other (the
//! detectors and the alert engine, say) meet only here. There is deliberately no I/O, no async and
//! no clock in this crate; a time that is needed is an argument.

mod alert; //        what people get to hear about findings
mod amount; //       token amounts that know their decimals
mod block; //        block identity, headers
mod bundle; //       everything known about one block, and how much of it was proven
mod coverage; //     what was judged, per block, by whom
mod decision; //     what the alert engine decided, with reasons
mod event; //        committed, reverted, finalized, quarantined, recovered
mod feedback; //     what people say afterwards, and how far a monitor may go
mod finding; //      an immutable claim with evidence
mod name; //         slugs: how people refer to networks, deployments, monitors, receivers
mod notification;
mod path_salt; //    what fingerprints of paths are made with
mod provenance; //   real, a drill, a canary
mod ranges; //       sets of block heights
mod read; //         contract reads that detectors want with each block
mod report; //       what no chain says
mod sample; //       one point of one time series
mod secret; //       values that must never be printed
mod severity; //     how bad
mod state; //        what detectors remember, as the store sees it
mod time; //         chain time in seconds, wall time in milliseconds
mod trace; //        call frames
mod transaction; //  transactions joined with their receipts, logs
mod verdict; //      quiet, found or blind // one message to one receiver

pub use alert::{Alert, AlertId, AlertState, Cause, FindingCount, FindingSummary, Told};
pub use alloy_primitives::{Address, B256, Bloom, Bytes, I256, U256};
pub use amount::{ParseAmountError, TokenAmount};
pub use block::{BlockNumber, BlockRef, Header};
pub use bundle::{BlockBundle, Level, Proof, Proven, StateRead};
pub use coverage::{
    BackfilledRange, BlindMonitor, BlockCoverage, CoverageResult, CoverageRun, Guards, HoleCause,
    LedgerRows, OpenHole, Roster, RosterDeployment, RosterMonitor,
};
pub use decision::{Action, Decision, Reason};
pub use event::{ChainEvent, Position};
pub use feedback::{
    AlertVerdict, Assessment, BECAUSE_LEN_MAX, BY_LEN_MAX, FeedbackError, Incident,
    ParseAssessmentError, ParseStageError, Stage, VerdictSubject,
};
pub use finding::{
    Anchor, Confidence, Evidence, Fact, FactValue, Finding, FindingId, FindingStatus, History,
    Measure, Origin,
};
pub use name::{Name, NameError};
pub use notification::{
    MessageForm, Notification, NotificationId, NotificationKind, NotificationLine,
    NotificationState,
};
pub use path_salt::PathSalt;
pub use provenance::Provenance;
pub use ranges::{BlockRange, BlockRanges};
pub use read::{PlannedRead, ReadPlan, ReadRequest, StorageWrite};
pub use report::{Report, Source};
pub use sample::{Sample, SeriesKey};
pub use secret::Secret;
pub use severity::{ParseSeverityError, Severity};
pub use state::{StateChange, StateEntry, StateUndo};
pub use time::{UnixMillis, UnixSeconds};
pub use trace::{Frame, FrameKind, TxTrace};
pub use transaction::{Log, Transaction, TxStatus};
pub use verdict::{BlindReason, Verdict};
