//! The pager of the running program: one over all networks.
//!
//! ```text
//!  judges ── alerts, in the transaction of their findings ─┐
//!  people ── said, silenced, signed ───────────────────────┼─► inbox ─► desk: the pager ─┐
//!  receivers ── delivered, failed ─────────────────────────┘   durable   one transaction │
//!        ▲                                                                               ▼
//!        └───────────── notify::Worker ◄── outbox ◄── rows, messages, rulings, alarms, checkpoint
//! ```
//!
//! Whoever has something to say to it puts it into its durable inbox; nobody writes an alert's life
//! directly. The desk applies inputs in order and commits everything that follows together with how
//! far it came. A crash before that repeats the decision, which makes messages of the same ids; a
//! crash after it loses nothing.

mod account; // as pages, API and commands show it
mod desk; //  the pager with its memory on disk
mod facts; // what it is told of our own alerts
mod inbox; // what it is told
mod own; //   what is wrong with paging, on the way of every alert
mod silences; // those in force
mod task; //  at work
mod verdicts; // what answers say of the quality of alerts
mod word; //  what a person tells it from a terminal or through the API

pub use account::{life, rulings, with_told};
pub(crate) use desk::ruling;
pub use desk::{Desk, Paged, PagingError, nobody};
pub use facts::facts;
pub use inbox::{INPUT_VERSION, Inbox, UnreadableInput, passed_on, read, stored};
pub use silences::silences;
pub use task::{Parts, REST_MAX, keep_paging};
pub use word::{Word, WordFault};

#[cfg(test)]
pub(crate) mod tests;
