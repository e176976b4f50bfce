//! Another installation that tells the same people and shares no store: what this one told and was
//! told by people, for the other; what the other says of itself, for this one.
//!
//! ```text
//!   outbox ── delivered ──► told ──told_after──► the other ──hear_twin──► its twin_words
//!   pager_inbox ── said ─────────── said_after ► the other ──hear_twin──► its twin_said ──► its inbox
//! ```
//!
//! Both logs are numbered, and how far the other's were read is kept with what was read, so that an
//! exchange may break off or be repeated at any point.

mod held; //   messages that wait for the other's word
mod words; //  what was told, and what people said

pub use held::{Release, ReleaseStep, WaitingMessage};
pub use words::{TwinCursor, TwinHeard, TwinSaid, TwinWord};
