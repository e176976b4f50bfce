//! Where something was read, and why it was not taken.

use std::fmt;

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Path of the file.
    pub file: String,
    /// Where in it.
    pub at: At,
}

/// Where in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum At {
    /// The file as a whole.
    Whole,
    /// A JSON path such as `$.transactions[3].contractAddress`.
    Path(String),
    /// A line and a column, both counted from 1.
    Line {
        /// Line.
        line: usize,
        /// Column, in characters.
        column: usize,
    },
}

impl Place {
    /// A file as a whole.
    pub fn file(path: impl Into<String>) -> Self {
        Self { file: path.into(), at: At::Whole }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.at {
            At::Whole => f.write_str(&self.file),
            At::Path(path) => write!(f, "{}: {path}", self.file),
            At::Line { line, column } => write!(f, "{}:{line}:{column}", self.file),
        }
    }
}

/// Why something that was seen was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// It does not read as what it should be: what was expected, and what is there.
    Corrupt(String),
    /// It is something else.
    Foreign(String),
    /// It has not happened, or not been seen to happen.
    Unfinished(String),
    /// It was tried and failed.
    Failed(String),
    /// Something later took its place.
    Superseded(String),
    /// A fact that is needed is nowhere in the source.
    Incomplete(String),
}

impl Why {
    /// Whether a person has to do something before the import is whole.
    pub fn is_mistake(&self) -> bool {
        matches!(self, Self::Corrupt(_) | Self::Incomplete(_))
    }

    /// The kind, in one word.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Corrupt(_) => "corrupt",
            Self::Foreign(_) => "foreign",
            Self::Unfinished(_) => "unfinished",
            Self::Failed(_) => "failed",
            Self::Superseded(_) => "superseded",
            Self::Incomplete(_) => "incomplete",
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Corrupt(text)
            | Self::Foreign(text)
            | Self::Unfinished(text)
            | Self::Failed(text)
            | Self::Superseded(text)
            | Self::Incomplete(text) => f.write_str(text),
        }
    }
}

/// Something that was seen and not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Where it stands.
    pub place: Place,
    /// What it is: a contract's name, or empty when it is the file.
    pub what: String,
    /// Why.
    pub why: Why,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if !self.what.is_empty() {
            write!(f, "{}: ", self.what)?;
        }
        write!(f, "{}", self.why)
    }
}
