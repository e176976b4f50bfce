//! Where contracts keep what, and whether a new implementation finds what the old one stored.
//!
//! A proxy keeps its storage when its code is replaced. The new code must find every variable where
//! the old code put it and read the same thing there. This module reads layouts from what compilers
//! and tools write, compares them by Solidity's storage encoding, recovers what it can from bytecode
//! when there is no source, and looks for the other ways in which an upgrade goes wrong for good.
//!
//! It proves nothing about the values: a variable that is new must read as zero, which only the
//! chain can tell.

pub mod bytecode; //  what runtime code alone tells
pub mod compare; //   old against new
pub mod namespace; // ERC-7201 roots and the slots of proxies
pub mod read; //      one contract as a file tells of it
mod report; //        an upgrade judged, as one report
pub mod rules; //     what is looked for, and why
pub mod safety; //    the other ways in which an upgrade goes wrong
pub mod storage; //   the nouns
mod type_id; //       the compiler's names of types

pub use compare::{Change, Comparison, Gravity, Kind, Options, Region, Why, compare};
pub use read::{Build, Code, ReadError};
pub use report::{Basis, Incomparable, Judgement, Named, judge};
pub use storage::{Field, Layout, Position, Shape, Type, Types};

#[cfg(test)]
mod tests;
