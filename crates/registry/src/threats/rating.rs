//! How bad a threat is: how often it is to be expected, times what it would cost.
//!
//! The table is the usual one of risk registers; the bounds of its columns are the user's to set,
//! because a million is much to one protocol and little to another.

use std::{fmt, str::FromStr};

/// How often something is to be expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Likelihood {
    /// Once in twenty years, or less.
    Rare,
    /// Once in ten years.
    Unlikely,
    /// Once in three years.
    Possible,
    /// Once in a year or two.
    Likely,
    /// Every year.
    Certain,
}

/// A text that names no likelihood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown likelihood {0:?} (one of: rare, unlikely, possible, likely, certain)")]
pub struct ParseLikelihoodError(pub String);

impl Likelihood {
    /// All of them, from the rarest.
    pub const ALL: [Self; 5] =
        [Self::Rare, Self::Unlikely, Self::Possible, Self::Likely, Self::Certain];

    /// The word used in files and pages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rare => "rare",
            Self::Unlikely => "unlikely",
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Certain => "certain",
        }
    }

    /// Times to be expected in a hundred years; whole numbers keep sums of money exact.
    pub fn per_century(self) -> u64 {
        match self {
            Self::Rare => 5,
            Self::Unlikely => 10,
            Self::Possible => 33,
            Self::Likely => 70,
            Self::Certain => 100,
        }
    }
}

impl fmt::Display for Likelihood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Likelihood {
    type Err = ParseLikelihoodError;
    fn from_str(text: &str) -> Result<Self, ParseLikelihoodError> {
        let found = Self::ALL.into_iter().find(|likelihood| likelihood.as_str() == text);
        found.ok_or_else(|| ParseLikelihoodError(text.to_owned()))
    }
}

/// How bad a threat is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rating {
    /// Worth writing down.
    Low,
    /// Worth watching.
    Medium,
    /// Must be watched and must have a plan.
    High,
    /// As [`Rating::High`], first.
    Critical,
}

impl Rating {
    /// All of them, worst first.
    pub const WORST_FIRST: [Self; 4] = [Self::Critical, Self::High, Self::Medium, Self::Low];

    /// The word used in pages and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Rating {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What counts as much money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scale {
    /// Unit of all amounts.
    pub currency: String,
    /// Least loss that is moderate, major, severe; ascending.
    pub bounds: [u64; 3],
}

impl Default for Scale {
    fn default() -> Self {
        Self { currency: "USD".to_owned(), bounds: [10_000, 100_000, 1_000_000] }
    }
}

impl Scale {
    /// The rating of a threat.
    pub fn rate(&self, likelihood: Likelihood, impact: u64) -> Rating {
        use Rating::{Critical, High, Low, Medium};
        let column = self.bounds.iter().filter(|bound| impact >= **bound).count();
        let row = match likelihood {
            Likelihood::Rare => [Low, Low, Medium, High],
            Likelihood::Unlikely => [Low, Medium, Medium, High],
            Likelihood::Possible => [Low, Medium, High, Critical],
            Likelihood::Likely => [Medium, High, High, Critical],
            Likelihood::Certain => [Medium, High, Critical, Critical],
        };
        row[column]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threat_never_gets_milder_by_being_likelier_or_dearer() {
        let scale = Scale::default();
        let impacts = [0, 9_999, 10_000, 100_000, 999_999, 1_000_000, u64::MAX];
        for pair in Likelihood::ALL.windows(2) {
            for impact in impacts {
                assert!(scale.rate(pair[0], impact) <= scale.rate(pair[1], impact));
            }
        }
        for likelihood in Likelihood::ALL {
            for pair in impacts.windows(2) {
                assert!(scale.rate(likelihood, pair[0]) <= scale.rate(likelihood, pair[1]));
            }
        }
        assert_eq!(scale.rate(Likelihood::Rare, 1_000_000), Rating::High);
        assert_eq!(scale.rate(Likelihood::Certain, 9_999), Rating::Medium);
    }
}
