//! What contracts keep.

pub mod silent_write; // state that changed without a word
