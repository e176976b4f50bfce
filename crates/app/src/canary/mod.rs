//! Canaries: small alerts of the program's own that go the whole path, so that a path that is broken
//! is known before somebody needs it.
//!
//! ```text
//!  a real block is judged ─► alert book ─► store, inbox      with the block's own transaction
//!                                             │
//!                     pager of canaries ◄─────┘               routes, groups, one transaction
//!                             │
//!                             ▼
//!                     outbox ─► notify::Worker ─► sink        inside this program
//!                                                  │
//!  trust, page, API, metrics ◄── Canaries ◄────────┘          when it came past each point
//! ```
//!
//! A canary takes the queues, tables and tasks that a real alert takes, and is told to nobody: its
//! [`model::Provenance`] keeps it out of every list and figure, its plan can name nothing but the sink
//! ([`alert::plan::SinkPlan`]), and no message can be made of it ([`alert::Tellable`]).
//!
//! When a canary came past which point is kept in memory alone: after a start nothing is awaited that
//! an earlier process sent, so no start raises a false alarm.

mod flight; //  one canary, and the points it came past
mod made; //    out of a judged block
mod track; //   those of one network, on a clock that is an argument
mod watch; //   all of them, shared by the tasks they come past

pub use flight::{Flight, Point};
pub use made::made;
pub use track::{ARRIVED_KEPT, CanaryState, FLIGHTS_MAX, Hanging, SEEN_MAX, Settings, Span, Track};
pub use watch::{Canaries, reasons};

#[cfg(test)]
mod tests;
