//! The shape of calls.

pub mod reentrant_call; // entered again before it was left
