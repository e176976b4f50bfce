//! From a block to an alert: the main job, in the order in which it happens. Read this first.
//!
//! ```text
//!   per network
//!   ┌──────────┐ ChainEvent  ┌────────┐ append  ┌───────────┐ read   ┌───────┐ one transaction ┌───────┐
//!   │ follower │────────────►│ ingest │────────►│ event log │───────►│ judge │────────────────►│ store │
//!   └──────────┘ bounded     └────────┘         └───────────┘        └───────┘                 └───┬───┘
//!   chain::follow            this module        store                detect + alert               │ outbox
//!                                                                                            ┌────▼────┐
//!   all networks                                                                             │ outbox  │──► people
//!                                                                                            └─────────┘
//! ```
//!
//! Beside it, per network, the ledger is looked at every so often: holes are told, and filled by
//! judging the past ([`backfill`]) through the same judge. What is older than people want it kept is
//! removed a little at a time, and counted.
//!
//! The event log is the seam: what is before it may stop at any moment and loses nothing but time;
//! what is after it reads from a checkpoint that moves only together with everything that follows
//! from the events before it. Wakes between the parts carry no data, so a lost wake costs latency
//! and never a block.

mod afterwards; // blocks judged afterwards, and holes in the ledger
pub mod backfill; // judging the past
mod ingest; // from the follower into the event log
mod judge; //  from the event log into findings, alerts and messages: one step at a time
mod retention; // removes what is older than people want it kept
mod run; //    the tasks, how they wake each other, how they stop

pub use afterwards::{Filled, Taken};
pub use judge::{Advance, Judge, JudgeError, Rules};
pub use run::{NetworkView, Pipeline, Running};
