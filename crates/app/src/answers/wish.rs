//! What a button asks for.

use alert::life::Deed;

const HOUR_MS: i64 = 60 * 60 * 1_000;

/// What a button asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Wish {
    /// I am on it.
    Acknowledge,
    /// It is over.
    Resolve,
    /// It is nothing bad.
    Benign,
    /// Nothing more of this for an hour.
    SilenceHour,
    /// Nothing more of this for four hours.
    SilenceShift,
    /// The path that the alert is about is fine from now on.
    PathFine,
}

impl Wish {
    /// All of them, the most pressing first: what has room for one button shows the first.
    pub const ALL: [Self; 6] = [
        Self::Acknowledge,
        Self::Resolve,
        Self::Benign,
        Self::SilenceHour,
        Self::SilenceShift,
        Self::PathFine,
    ];

    /// Its number in tokens and in the store; numbers are never used again.
    pub fn code(self) -> u8 {
        match self {
            Self::Acknowledge => 1,
            Self::Resolve => 2,
            Self::Benign => 3,
            Self::SilenceHour => 4,
            Self::SilenceShift => 5,
            Self::PathFine => 6,
        }
    }

    /// The wish of a number.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|wish| wish.code() == code)
    }

    /// What stands on the button.
    pub fn label(self) -> &'static str {
        match self {
            Self::Acknowledge => "Acknowledge",
            Self::Resolve => "Resolve",
            Self::Benign => "Benign",
            Self::SilenceHour => "Silence 1 h",
            Self::SilenceShift => "Silence 4 h",
            Self::PathFine => "This path is fine",
        }
    }

    /// What follows from it, for the page that asks once more.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Acknowledge => "You are on it: nobody else is paged for it any more.",
            Self::Resolve => "It is over: everybody who was told of it hears so.",
            Self::Benign => "You looked, and it is nothing bad: everybody who was told hears so.",
            Self::SilenceHour => "Nothing more is told of what is like it for one hour.",
            Self::SilenceShift => "Nothing more is told of what is like it for four hours.",
            Self::PathFine => {
                "This very path through the contracts is usual from now on: its monitor keeps \
                 quiet about it."
            }
        }
    }

    /// What was done, after "by ann".
    pub fn done(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledged",
            Self::Resolve => "resolved",
            Self::Benign => "judged benign",
            Self::SilenceHour => "silenced for 1 h",
            Self::SilenceShift => "silenced for 4 h",
            Self::PathFine => "judged a path to be fine",
        }
    }

    /// How long after the message it can be asked for: what brings quiet goes stale within a day,
    /// the rest within a week.
    pub fn lasts_ms(self) -> i64 {
        match self.silence_ms() {
            Some(_) => 24 * HOUR_MS,
            None => 7 * 24 * HOUR_MS,
        }
    }

    /// How long it silences, when it does.
    pub fn silence_ms(self) -> Option<i64> {
        match self {
            Self::SilenceHour => Some(HOUR_MS),
            Self::SilenceShift => Some(4 * HOUR_MS),
            Self::Acknowledge | Self::Resolve | Self::Benign | Self::PathFine => None,
        }
    }

    /// What it says of the life of an alert, when it does.
    pub fn deed(self) -> Option<Deed> {
        match self {
            Self::Acknowledge => Some(Deed::Acknowledge),
            Self::Resolve => Some(Deed::Resolve),
            Self::Benign => Some(Deed::Benign),
            Self::SilenceHour | Self::SilenceShift | Self::PathFine => None,
        }
    }

    /// People who may answer with the same button of one message: a silence may need a second
    /// signature, anything else is done once.
    pub(super) fn people_max(self) -> usize {
        match self.silence_ms() {
            Some(_) => alert::quiet::SIGNATURES,
            None => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wish_has_a_number_of_its_own() {
        for wish in Wish::ALL {
            assert_eq!(Wish::from_code(wish.code()), Some(wish));
        }
        assert_eq!(Wish::from_code(0), None);
        assert_eq!(Wish::from_code(7), None);
    }
}
