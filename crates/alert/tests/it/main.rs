//! What people hear, and when: the alert engine from outside.

#![allow(clippy::unwrap_used, reason = "the stage is test code, too")]

mod drills; //    nothing real is touched by them
mod laws; //     properties: reorgs, restarts, replays
mod pager; //     the pager
mod play; //     the stage: a chain, a virtual clock and a transcript
mod timelines; // stories on the virtual clock
