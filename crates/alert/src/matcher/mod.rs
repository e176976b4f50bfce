//! Matchers over labels: `protocol="acme"`, `class!="vault"`, `monitor=~"drain|outflow-.*"`.
//!
//! The meaning is Alertmanager's: a regular expression must fit the whole value, and a label that is
//! not there has the empty value.

mod parse; // from the user's text

use std::{fmt, hash, sync::Arc};

use regex::Regex;

use crate::Labels;

pub use parse::MatcherError;

/// Longest regular expression, in bytes, and most memory that one may take once compiled: a list of
/// a few hundred names, not a program.
pub(crate) const REGEX_LEN_MAX: usize = 8 * 1024;
const REGEX_SIZE_MAX: usize = 4 * 1024 * 1024;

/// How a label is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Op {
    /// `=`: is this.
    Equal,
    /// `!=`: is anything else.
    NotEqual,
    /// `=~`: the whole value fits the regular expression.
    Like,
    /// `!~`: it does not.
    NotLike,
}

impl Op {
    /// As written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Like => "=~",
            Self::NotLike => "!~",
        }
    }
}

/// One comparison of one label. The regular expression, where there is one, is that of `value`.
#[derive(Debug, Clone)]
pub struct Matcher {
    label: Arc<str>,
    op: Op,
    value: String,
    regex: Option<Regex>,
}

impl Matcher {
    /// A comparison; fails when the regular expression is none or is too large.
    pub fn new(label: &str, op: Op, value: &str) -> Result<Self, MatcherError> {
        let regex = match op {
            Op::Equal | Op::NotEqual => None,
            Op::Like | Op::NotLike => Some(compile(value)?),
        };
        Ok(Self { label: label.into(), op, value: value.to_owned(), regex })
    }

    /// A label that must be exactly this.
    pub fn equal(label: &str, value: &str) -> Self {
        Self { label: label.into(), op: Op::Equal, value: value.to_owned(), regex: None }
    }

    /// Whether the labels fit.
    pub fn matches(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.label);
        match (self.op, &self.regex) {
            (Op::Equal, _) => value == self.value,
            (Op::NotEqual, _) => value != self.value,
            (Op::NotLike, Some(regex)) => !regex.is_match(value),
            (_, regex) => regex.as_ref().is_some_and(|regex| regex.is_match(value)),
        }
    }

    /// The label it looks at.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// How it compares.
    pub fn op(&self) -> Op {
        self.op
    }

    /// What it compares with: a value or a regular expression.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The values it can only fit, where they can be listed: those of `=`, and of `=~ "a|b|c"`.
    pub(crate) fn values(&self) -> Option<Vec<&str>> {
        let is_plain =
            |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ' | '/' | ':' | '@');
        match self.op {
            Op::Equal => Some(vec![&self.value]),
            Op::Like if self.value.chars().all(|c| is_plain(c) || c == '|') => {
                Some(self.value.split('|').collect())
            }
            _ => None,
        }
    }
}

/// The expression as it must fit: the whole value.
pub(crate) fn anchored(value: &str) -> String {
    format!("^(?:{value})$")
}

fn compile(value: &str) -> Result<Regex, MatcherError> {
    if value.len() > REGEX_LEN_MAX {
        return Err(MatcherError::RegexTooLong { len: value.len() });
    }
    // Alone first: `a)|(b` must not become an expression by being put in parentheses.
    let check = |text: &str| {
        regex::RegexBuilder::new(text)
            .size_limit(REGEX_SIZE_MAX)
            .build()
            .map_err(|error| MatcherError::Regex { value: value.to_owned(), why: reason(&error) })
    };
    check(value)?;
    check(&anchored(value))
}

/// The last line of the library's drawing: the sentence that says what is wrong.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or("not a regular expression").trim();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        (&self.label, self.op, &self.value) == (&other.label, other.op, &other.value)
    }
}

impl Eq for Matcher {}

impl hash::Hash for Matcher {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        (&self.label, self.op, &self.value).hash(state);
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", parse::written(&self.label), self.op.as_str(), quoted(&self.value))
    }
}

/// In quotes, with what would end them escaped.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

impl serde::Serialize for Matcher {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Matcher {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(matcher: &str, value: &str) -> bool {
        matcher.parse::<Matcher>().unwrap().matches(&Labels::default().with("l", value))
    }

    #[test]
    fn the_four_comparisons() {
        for (matcher, value) in [
            ("l=a", "a"),
            ("l=\"\"", ""),
            ("l!=a", "b"),
            ("l!=a", ""),
            ("l=~\"a|b\"", "b"),
            ("l=~\"\"", ""),
            ("l!~\"a|b\"", "ab"),
        ] {
            assert!(matches(matcher, value), "{matcher} should take {value:?}");
        }
        for (matcher, value) in
            [("l=a", "b"), ("l=a", ""), ("l!=a", "a"), ("l=~\"a|b\"", "xb"), ("l!~a.*", "abc")]
        {
            assert!(!matches(matcher, value), "{matcher} should not take {value:?}");
        }
    }

    #[test]
    fn values_are_listed_only_where_they_are_all() {
        let values = |text: &str| text.parse::<Matcher>().unwrap().values().map(|v| v.join(","));
        assert_eq!(values("l=a.b"), Some("a.b".to_owned()));
        assert_eq!(values("l=~\"a|b-c\""), Some("a,b-c".to_owned()));
        assert_eq!(values("l=~\"a|b.c\""), None);
        assert_eq!(values("l!=a"), None);
    }

    proptest! {
        #[test]
        fn a_matcher_is_read_as_it_was_written(label in "\\PC{1,8}", value in "(?s).{0,12}", op in 0..2usize) {
            let matcher = Matcher::new(&label, [Op::Equal, Op::NotEqual][op], &value).unwrap();
            prop_assert_eq!(matcher.to_string().parse::<Matcher>(), Ok(matcher));
        }

        #[test]
        fn listed_values_are_what_the_expression_takes(
            value in "[ab|]{0,6}", tried in "[ab]{0,4}",
        ) {
            let matcher = Matcher::new("l", Op::Like, &value).unwrap();
            let takes = matcher.matches(&Labels::default().with("l", &tried));
            prop_assert_eq!(takes, matcher.values().unwrap().contains(&tried.as_str()));
        }
    }
}
