//! What nodes and recordings say, and what becomes of it.

mod corpus; // recorded mainnet blocks, where the corpus is at hand
mod source; // where the blocks of a test come from
