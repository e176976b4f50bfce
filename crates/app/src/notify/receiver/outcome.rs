//! What comes of reaching somebody.

use std::{fmt, time::Duration};

use crate::notify::Heard;

/// What the receiver's side answered when it took a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Its answer, on one line.
    pub text: String,
    /// Its own name for the message, where later ones refer to it by that.
    pub handle: Option<String>,
    /// What a person did, where one was called.
    pub heard: Option<Heard>,
}

/// How a receipt on record names the message.
const AS: &str = " (message ";

impl Receipt {
    /// A receipt that names nothing.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), handle: None, heard: None }
    }

    /// A receipt with the receiver's own name for the message.
    pub fn named(text: impl Into<String>, handle: impl Into<String>) -> Self {
        Self { handle: Some(handle.into()), ..Self::new(text) }
    }

    /// The receiver's own name for a message, out of a receipt on record.
    pub fn handle_in(record: &str) -> Option<&str> {
        record.rsplit_once(AS)?.1.strip_suffix(')')
    }
}

/// The receipt as it goes on record.
impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        match &self.handle {
            Some(handle) => write!(f, "{AS}{handle})"),
            None => Ok(()),
        }
    }
}

/// What came of an attempt that failed. Neither text holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// It may go better later.
    #[error("{reason}")]
    Retry {
        /// How long the receiver's side asks to be left alone.
        after: Option<Duration>,
        /// What happened.
        reason: String,
    },
    /// The same message will be refused each time.
    #[error("{reason}")]
    Permanent {
        /// What happened.
        reason: String,
    },
}

impl SendError {
    /// Refused for good.
    pub(crate) fn permanent(reason: impl Into<String>) -> Self {
        Self::Permanent { reason: reason.into() }
    }
}

/// What a look at a receiver, without a message, came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// It is there and knows us; what it said.
    Ready(String),
    /// Its provider offers no harmless question: only a message can tell.
    OnlyAMessageCanTell,
    /// It is not there, or does not know us.
    Failing(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_survives_the_record() {
        let receipt = Receipt::named("taken", "-1001:42");
        assert_eq!(receipt.to_string(), "taken (message -1001:42)");
        assert_eq!(Receipt::handle_in(&receipt.to_string()), Some("-1001:42"));
        assert_eq!(Receipt::handle_in("HTTP 200: ok"), None);
    }
}
