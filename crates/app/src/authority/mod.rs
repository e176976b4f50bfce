//! Authority on live chains: asking who holds what at a block, reading history, and writing down
//! what was found as a policy to review. What follows from the answers is decided in
//! `registry::authority`, which is pure. What a running program has found out is read from its store.

mod look; //    who holds what at one block
mod node; //    questions to one endpoint, all at one block
mod propose; // what was found, as a policy
mod scan; //    history
mod watched; // what the monitors remember

pub use look::{Look, look};
pub use node::{Node, NodeError};
pub use propose::propose;
pub use scan::{Scanned, scan};
pub use watched::{AllWatched, Unreadable, Watched, watched};
