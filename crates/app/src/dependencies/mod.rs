//! What ours rely on, on live chains: found from traces, getters and storage, weighed by balances
//! and prices. What follows from the answers is decided in `registry::dependencies`, which is pure.

mod discover; // from blocks and answers to a graph
mod found; //    a graph as entries to review
mod relations; // what one address relies on, and who relies on it

pub use discover::{Discovered, discover};
pub use found::{Found, found};
pub use relations::{Direction, Relation, relations};
