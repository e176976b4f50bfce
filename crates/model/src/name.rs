//! Slugs: the names people give to networks, deployments, monitors and receivers in their files.

use std::{borrow::Borrow, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// A lower-case slug such as `mainnet`, `vault-proxy` or `large-withdrawal`: letters, digits,
/// `-`, `_` and `.`, starting with a letter or digit, at most [`Name::LEN_MAX`] bytes.
///
/// Cheap to clone, so it may be carried in every finding and sample.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(Arc<str>);

/// Why a text is not a [`Name`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing was written.
    #[error("a name may not be empty")]
    Empty,
    /// Longer than [`Name::LEN_MAX`] bytes.
    #[error("name {0:?} is longer than {max} characters", max = Name::LEN_MAX)]
    TooLong(String),
    /// A character outside the alphabet, with its position.
    #[error(
        "name {name:?} has {found:?} at position {at}; allowed are a-z, 0-9, '-', '_', '.', and the first must be a letter or digit"
    )]
    BadCharacter {
        /// The whole text.
        name: String,
        /// The first character that is not allowed.
        found: char,
        /// Its byte position, counted from 0.
        at: usize,
    },
}

impl Name {
    /// Long enough for `protocol-contract-purpose`, short enough for a table column.
    pub const LEN_MAX: usize = 96;

    /// Checks a text and makes it a name.
    pub fn new(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > Self::LEN_MAX {
            return Err(NameError::TooLong(text.to_owned()));
        }
        for (at, found) in text.char_indices() {
            let is_plain = found.is_ascii_lowercase() || found.is_ascii_digit();
            if !(is_plain || at > 0 && matches!(found, '-' | '_' | '.')) {
                return Err(NameError::BadCharacter { name: text.to_owned(), found, at });
            }
        }
        Ok(Self(text.into()))
    }

    /// The slug as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(&text)
    }
}

impl std::str::FromStr for Name {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0.as_ref().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn a_slug_is_taken_and_anything_else_is_explained() {
        assert_eq!(Name::new("vault-proxy_2.main").unwrap().as_str(), "vault-proxy_2.main");
        let explain = |text: &str| Name::new(text).unwrap_err().to_string();
        expect!["a name may not be empty"].assert_eq(&explain(""));
        expect![[r#"name "Vault" has 'V' at position 0; allowed are a-z, 0-9, '-', '_', '.', and the first must be a letter or digit"#]]
            .assert_eq(&explain("Vault"));
        expect![[r#"name "a b" has ' ' at position 1; allowed are a-z, 0-9, '-', '_', '.', and the first must be a letter or digit"#]]
            .assert_eq(&explain("a b"));
        assert!(Name::new("-x").is_err());
        assert!(matches!(Name::new(&"x".repeat(97)), Err(NameError::TooLong(_))));
    }
}
