//! A block executed once more, for its call frames, where a node gives no traces.
//!
//! [`Block::read`] takes a block as JSON-RPC gives it, [`execute`] runs it on what is known of the state
//! before it, and [`Executed::agrees`] holds the outcome against receipts that were proven: gas, status
//! and every log of every transaction. Only frames of an execution that agrees may be used; frames are
//! not committed to by any root, but an execution that used the same gas and said the same is the
//! same.
//!
//! Where the state is not known, execution goes on with nothing in its place and says what it missed:
//! whoever asks a node fetches that and executes again. What depends on what was missing shows in the
//! next round ([`Ahead`]), so that dozens of rounds, each with one batch of questions, replace
//! thousands of questions one by one. What is known after a block is what the next one begins with
//! ([`Executed::known_after`]).

mod after; // what is known of the state after it
mod ahead; // what it will need, found out before it is executed for good
mod block; // what is executed, and by which rules
mod known; // what is known of the state before it
mod run; //   the execution itself

pub use ahead::Ahead;
pub use block::{Block, BlockError, HardFork, Rules};
pub use known::{Account, Known, Missing};
pub use run::{Disagreement, Executed, ExecutedTransaction, Failure, execute};
