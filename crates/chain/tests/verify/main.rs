//! What nodes and recordings say, and what becomes of it.

#![allow(clippy::unwrap_used, reason = "clippy allows it in tests, not in what tests share")]

mod corpus; //    recorded mainnet blocks, where the corpus is at hand
mod folders; //   recordings on disk
mod hostile; //   bodies made to break a reader
mod lies; //      every way of bending a block
mod source; //    where the blocks of a test come from
mod synthetic; // a block made here, with a transaction of every type
mod truth; //     that block is believed
