//! The pager of the running program: one over all networks.
//!
//! Whoever has something to say to it — a judge, a person on a page, in a mail or at a keypad, a
//! receiver that answered — puts it into its durable inbox. Nobody writes an alert's life directly.

mod inbox; // what it is told

pub use inbox::{INPUT_VERSION, Inbox, UnreadableInput, read, stored};
