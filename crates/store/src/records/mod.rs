//! Records: what was found, decided and covered, and what pages and the API ask about it.
//!
//! Each kind has its writes (called by a step, inside its transaction) and its queries side by
//! side. A record is stored whole in one column, beside the columns it is searched by.

pub(crate) mod alerts; //     alerts, decisions
mod answers; //               what people answered to messages
pub(crate) mod canaries; //   the program's own, of which few are kept
mod counts; //                how many, by kind
pub(crate) mod coverage; //   what was judged, per block
pub(crate) mod feedback; //   what people said afterwards
pub(crate) mod findings; //   immutable claims and whether the chain still supports them
mod page; //                  lists in pages
mod receiver_tests; //        whether receivers can be reached
pub(crate) mod state; //      what detectors remember

pub use alerts::{AlertDetails, AlertFilter, AlertStage, Drills};
pub use answers::{AnswerKey, AnswerRecord};
pub use canaries::CANARIES_KEPT;
pub use counts::{AlertCount, FindingCount};
pub use coverage::{
    BlindCount, COVERAGE_LISTED_MAX, CoverageSummary, HoleRecord, JudgedSpan, LEDGER_RUNS_MAX,
};
pub use findings::{FindingFilter, FindingRecord};
pub use page::{Cursor, PAGE_MAX, Page, ParseCursorError};
pub use receiver_tests::ReceiverTest;
pub use state::DetectorState;

use model::Severity;

/// Severity as a column, mildest 0.
pub(crate) fn severity_rank(severity: Severity) -> i64 {
    match severity {
        Severity::Info => 0,
        Severity::Low => 1,
        Severity::Medium => 2,
        Severity::High => 3,
        Severity::Critical => 4,
    }
}

/// The severity of a column's value.
pub(crate) fn severity_of(rank: i64) -> Option<Severity> {
    Severity::ALL.into_iter().find(|severity| severity_rank(*severity) == rank)
}
