//! What a contract relies on that others control.

use super::Party;

/// Something that a contract relies on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// What it is.
    pub on: Party,
    /// Kind: `token`, `oracle`, `lending`, `governance`, `bridge` …
    pub kind: String,
    /// How it was found, in words.
    pub why: String,
}
