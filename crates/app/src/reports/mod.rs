//! Alerts in: what other systems report goes the way of every alert.
//!
//! ```text
//!  Prometheus ── POST /api/v2/alerts ───────┐
//!                                           ├─► Told ─► take ─► alert + row + pager's inbox,
//!  Alertmanager ── POST /api/v1/alertmanager┘                   in one transaction ─► 200
//!                                                                      │
//!                    nobody says it any more: its time is up ─► over ──┘
//! ```
//!
//! One alert for each set of labels that a source reports: repeats change nothing that anybody would
//! be told, an end ends it, and what begins again after that is another alert. Everything that is
//! said is untrusted: bounded here, escaped by each channel and page.
//!
//! What a Bellwether told an Alertmanager comes back from it marked ([`MARK`]), and is not taken for
//! news, neither by the one that told it nor by another: two that report to each other's Alertmanager
//! would otherwise go on for ever.

mod door; //     who may come in, and how often
mod severity; // their words for how bad, in ours
mod take; //     into the store
mod told; //     what the two requests say

pub use door::{Door, Sources, Turned};
pub use severity::Severities;
pub use take::{OPEN_MAX, Taken, end_due, take};
pub use told::{ALERTS_MAX, BODY_BYTES_MAX, Stands, Told, ToldFault, posted, webhook};

/// The label that marks what a Bellwether tells an Alertmanager: the id of its alert.
pub const MARK: &str = "bellwether_alert";

/// What is over when its source says nothing of it any more, unless the source says when, or the
/// user: five minutes, as in Alertmanager.
pub const RESOLVE_TIMEOUT_MS_DEFAULT: u64 = 5 * 60 * 1_000;

#[cfg(test)]
mod tests;
