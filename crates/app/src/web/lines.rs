//! Lines of a table of facts.

use serde::Serialize;

/// A name with a value, and where the value leads.
#[derive(Serialize)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) url: Option<String>,
    /// Whether it is a hash, an address or bytes.
    pub(super) is_code: bool,
    /// Whether the words are a stranger's.
    pub(super) is_untrusted: bool,
}

impl Line {
    pub(super) fn text(name: &str, value: impl Into<String>) -> Self {
        let value = value.into();
        Self { name: name.to_owned(), value, url: None, is_code: false, is_untrusted: false }
    }

    pub(super) fn code(name: &str, value: impl Into<String>, url: Option<String>) -> Self {
        Self { url, is_code: true, ..Self::text(name, value) }
    }
}
