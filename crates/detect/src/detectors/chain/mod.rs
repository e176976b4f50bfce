//! The chain itself, and our own blindness.

pub mod blind; // a block or monitor that nobody judged
pub mod reorg; // blocks that left the chain
