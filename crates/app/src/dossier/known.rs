//! What a section knows, or why it knows nothing.

use model::Name;

/// A section: its facts, or why there are none. Nothing known is never shown as nothing there.
#[derive(Debug, Clone, PartialEq)]
pub enum Known<T> {
    /// What is known.
    Yes(T),
    /// Nothing, and why.
    No(Unknown),
}

/// Why nothing is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// In a clause without its full stop.
    pub why: String,
    /// The command or line of a file that would change it.
    pub close: Option<String>,
}

impl Unknown {
    /// For this reason, closed by that.
    pub fn new(why: impl Into<String>, close: impl Into<String>) -> Self {
        Self { why: why.into(), close: Some(close.into()) }
    }

    /// For this reason, and nothing that people do would change it.
    pub fn only(why: impl Into<String>) -> Self {
        Self { why: why.into(), close: None }
    }

    /// The program has not run yet.
    pub(super) fn no_store() -> Self {
        Self::new("there is no store yet", "bellwether run")
    }

    /// The program has judged nothing there yet.
    pub(super) fn no_block(network: &Name) -> Self {
        Self::new(format!("no block of {network} was judged yet"), "bellwether run")
    }

    /// Nobody declared it.
    pub(super) fn not_guarded(address: impl std::fmt::Display) -> Self {
        Self::new("nobody guards it", format!("bellwether init --address {address} --rpc URL"))
    }
}

impl<T> Known<T> {
    /// What is known, if anything.
    pub fn yes(&self) -> Option<&T> {
        match self {
            Self::Yes(known) => Some(known),
            Self::No(_) => None,
        }
    }

    /// Why nothing is, if nothing is.
    pub fn no(&self) -> Option<&Unknown> {
        match self {
            Self::Yes(_) => None,
            Self::No(unknown) => Some(unknown),
        }
    }
}
