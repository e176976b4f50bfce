//! What detectors remember: typed values with an exact way back.
//!
//! The table belongs to one network. Everything a block changes is journalled on first touch
//! (copy on write), so that undoing the block puts back the very values that were there, not values
//! computed to be close. The law, held by property tests: after any tree of forks the encoded table
//! equals the table of a run that never saw the orphaned blocks, and saving and restoring at any
//! point changes nothing.
//!
//! The table cannot reach the chain, the clock or the disk; the store writes the
//! [`model::StateChange`] that each step yields.

mod key; //    what a value is about, as bytes on the stack
mod kinds; //  every kind of value that is remembered, with its stable number and version
mod table; //  values, journal, undo

pub use key::{Key, MonitorKey};
pub use kinds::{DecodeError, Kind, Remembered, Value};
pub use table::{RestoreError, Reverted, StateTable, UNDO_BLOCKS_MAX};
