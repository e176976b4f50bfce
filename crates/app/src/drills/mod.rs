//! Drills: people practise on the path that the real thing takes.
//!
//! ```text
//!  bellwether drill page ──► POST /api/v1/drills ──► alert + facts, in one transaction
//!                                                          │
//!            inbox ──► the pager of drills ──► outbox ──► receivers ──► people
//!                                                          │
//!  bellwether drill page ◄── what is on record ◄───────────┘ delivered, acknowledged
//! ```
//!
//! Everything from the inbox on is what a real alert takes. What keeps a drill from being taken for
//! one is its [`model::Provenance`]: messages say it first, the pager of what is real never sees it,
//! and no figure counts it.

mod order; // what somebody wants to practise
mod told; //  how far a drill came

pub use order::{Order, OrderFault, Scene};
pub use told::{Progress, Told};
