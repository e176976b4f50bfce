//! Contracts of others that ours rely on.

pub mod appeared;
pub mod code_changed;
pub mod depeg;
pub mod feed_changed;
pub mod governance;
pub mod market_state;
pub mod token_event;
mod watched;
