//! Patterns over names: exact, or with `*` and `?`.

use std::{fmt, str::FromStr};

use model::Name;

/// A pattern over [`Name`]s: `*` stands for any characters (none, too), `?` for exactly one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern(String);

/// Why a text is not a [`Pattern`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Nothing was written.
    #[error("a pattern may not be empty; leave the key out to take everything")]
    Empty,
    /// Longer than any name it could match.
    #[error("pattern {0:?} is longer than {max} characters", max = Name::LEN_MAX)]
    TooLong(String),
    /// A character that no name contains.
    #[error(
        "pattern {pattern:?} has {found:?} at position {at}; allowed are a-z, 0-9, '-', '_', '.', '*' and '?'"
    )]
    BadCharacter {
        /// The whole text.
        pattern: String,
        /// The first character that is not allowed.
        found: char,
        /// Its byte position, counted from 0.
        at: usize,
    },
}

impl Pattern {
    /// Whether the whole name fits.
    pub fn matches(&self, name: &Name) -> bool {
        fits(self.0.as_bytes(), name.as_str().as_bytes())
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Linear in practice and `pattern × text` at worst: only the last `*` is ever retried.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p, t));
                p += 1;
            }
            Some(b'?') => (p, t) = (p + 1, t + 1),
            Some(c) if *c == text[t] => (p, t) = (p + 1, t + 1),
            _ => match retry {
                Some((star, from)) => {
                    retry = Some((star, from + 1));
                    (p, t) = (star + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

impl FromStr for Pattern {
    type Err = PatternError;
    fn from_str(text: &str) -> Result<Self, PatternError> {
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        if text.len() > Name::LEN_MAX {
            return Err(PatternError::TooLong(text.to_owned()));
        }
        let is_allowed = |c: char| {
            c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.' | '*' | '?')
        };
        match text.char_indices().find(|(_, c)| !is_allowed(*c)) {
            Some((at, found)) => {
                Err(PatternError::BadCharacter { pattern: text.to_owned(), found, at })
            }
            None => Ok(Self(text.to_owned())),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use proptest::prelude::*;

    fn matches(pattern: &str, name: &str) -> bool {
        pattern.parse::<Pattern>().unwrap().matches(&Name::new(name).unwrap())
    }

    #[test]
    fn stars_and_question_marks_stand_for_characters() {
        for (pattern, name) in [
            ("vault", "vault"),
            ("*", "vault"),
            ("vault-*", "vault-"),
            ("vault-*", "vault-usdc"),
            ("*-usdc", "vault-usdc"),
            ("v*-*c", "vault-proxy-usdc"),
            ("vault-?", "vault-2"),
            ("*a*b*c*", "xaxbxcx"),
        ] {
            assert!(matches(pattern, name), "{pattern} should take {name}");
        }
        for (pattern, name) in
            [("vault", "vault2"), ("vault-?", "vault-"), ("*-usdc", "vault-usdc2"), ("a*a", "a")]
        {
            assert!(!matches(pattern, name), "{pattern} should not take {name}");
        }
    }

    #[test]
    fn a_pattern_that_no_name_can_match_is_explained() {
        expect![[r#"pattern "Vault*" has 'V' at position 0; allowed are a-z, 0-9, '-', '_', '.', '*' and '?'"#]]
            .assert_eq(&"Vault*".parse::<Pattern>().unwrap_err().to_string());
        assert_eq!("".parse::<Pattern>(), Err(PatternError::Empty));
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(pattern in "[ab*?]{1,8}", name in "[ab]{1,8}") {
            fn defined(p: &[u8], t: &[u8]) -> bool {
                match (p.split_first(), t.split_first()) {
                    (None, None) => true,
                    (Some((b'*', rest)), _) => {
                        defined(rest, t) || t.split_first().is_some_and(|(_, t)| defined(p, t))
                    }
                    (Some((b'?', p)), Some((_, t))) => defined(p, t),
                    (Some((a, p)), Some((b, t))) => a == b && defined(p, t),
                    _ => false,
                }
            }
            prop_assert_eq!(matches(&pattern, &name), defined(pattern.as_bytes(), name.as_bytes()));
        }
    }
}
