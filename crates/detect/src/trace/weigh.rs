//! What the shapes weigh together: a sum that a person can check line by line.
//!
//! Each weight is about the change in log-odds that a shape brings beside the others. Most come from a
//! logistic regression with L2 penalty and no negative weights on recorded attacks against everyday
//! mainnet transactions, every contract of each taken as the protected one in turn, rounded. Two
//! do not: [`Signal::SpokeForCaller`] was raised by hand, and [`Signal::ReadWhileOpen`] is a guess.
//! Shapes were refined after the fit, so that a fit of today differs in more of them; `cargo xtask
//! quality exploits` prints which. Shapes that the fit found in everyday use as often as in attacks weigh nothing and are
//! shown as context. `docs/quality.md` says on what data, and what the sum then finds and misses.

use super::signals::{Found, Signal};

/// From here on a person is woken. No single shape weighs so much.
pub const PAGE_SCORE_MIN: f64 = 5.5;

/// From here on somebody is told.
pub const NOTIFY_SCORE_MIN: f64 = 3.0;

/// How many of the everyday pairs of transaction and contract that the weights were fitted against
/// scored at least so much, at most; of [`EVERYDAY_PAIRS`].
const EVERYDAY_TAIL: &[(f64, u32)] = &[
    (0.0, 11_234),
    (1.0, 1_200),
    (2.0, 500),
    (3.0, 270),
    (4.0, 66),
    (4.5, 17),
    (5.0, 5),
    (5.5, 0),
];

/// Pairs of everyday transaction and contract behind [`everyday_share`].
pub const EVERYDAY_PAIRS: u32 = 11_234;

/// What kind of wrong a shape belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// Attacks on borrowed money.
    BorrowedMoney,
    /// Calls that come back too early.
    Reentry,
    /// Prices moved for the occasion.
    Price,
    /// Value that leaves for nothing.
    Extraction,
    /// Control over what a contract does.
    Control,
    /// Repetition and throw-away callers.
    Machinery,
}

impl Family {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::BorrowedMoney,
        Self::Reentry,
        Self::Price,
        Self::Extraction,
        Self::Control,
        Self::Machinery,
    ];

    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BorrowedMoney => "borrowed_money",
            Self::Reentry => "reentry",
            Self::Price => "price",
            Self::Extraction => "extraction",
            Self::Control => "control",
            Self::Machinery => "machinery",
        }
    }
}

/// What a shape weighs, in nats of log-odds, and where it belongs.
pub fn weight(signal: Signal) -> (Family, f64) {
    use Family::{BorrowedMoney, Control, Extraction, Machinery, Price, Reentry};
    match signal {
        Signal::CalledOnBorrowedMoney => (BorrowedMoney, 3.1),
        Signal::FlashLoan => (BorrowedMoney, 0.0),
        Signal::Reentered => (Reentry, 2.5),
        Signal::ReenteredSame => (Reentry, 0.3),
        Signal::ReenteredByOther => (Reentry, 0.6),
        // Too rare in the data to be fitted: a cautious guess.
        Signal::ReadWhileOpen => (Reentry, 0.5),
        Signal::RanSendersCode => (Control, 1.6),
        Signal::RanNamedCode => (Control, 0.0),
        Signal::TrustsSendersToken => (Control, 2.3),
        Signal::CallsSender => (Control, 0.0),
        // Raised by hand: not what the fit gave.
        Signal::SpokeForCaller => (Control, 1.5),
        Signal::PowerUsed => (Control, 3.2),
        Signal::AllowedSender => (Control, 4.5),
        Signal::CalledByNewborn => (Machinery, 5.0),
        Signal::CreatedOnTheWay => (Machinery, 1.6),
        Signal::CreatedSeveral => (Machinery, 0.7),
        Signal::DestroyedItself => (Machinery, 1.6),
        Signal::Repeated => (Machinery, 1.2),
        Signal::RepeatedOften => (Machinery, 4.4),
        Signal::Alternated => (Machinery, 2.4),
        Signal::SentToItself => (Machinery, 0.0),
        Signal::ProfitForNothing => (Extraction, 0.6),
        Signal::LossForNothing => (Extraction, 0.7),
        Signal::PaidOutMore => (Extraction, 1.4),
        Signal::AllowanceUsed => (Extraction, 3.5),
        Signal::HolderEmptied => (Extraction, 2.7),
        Signal::OwnAllowanceUsed => (Extraction, 1.2),
        Signal::MadeTokens => (Extraction, 3.3),
        Signal::MadeForItself => (Extraction, 0.4),
        Signal::TradedBack => (Price, 1.8),
        Signal::CalledBetweenTrades => (Price, 1.4),
        Signal::PriceReadAfterTrade => (Price, 0.0),
        Signal::ReservesForced => (Price, 3.7),
        Signal::Donated => (Price, 0.0),
    }
}

/// What the sum comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Nothing to tell.
    Quiet,
    /// Worth a message.
    Notify,
    /// Worth waking a person.
    Page,
}

impl Verdict {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::Notify => "notify",
            Self::Page => "page",
        }
    }
}

/// One line of the sum.
#[derive(Debug, Clone, PartialEq)]
pub struct Contribution {
    /// What was seen.
    pub found: Found,
    /// Where it belongs.
    pub family: Family,
    /// What it adds.
    pub weight: f64,
}

/// The shapes of one transaction, added up.
#[derive(Debug, Clone, PartialEq)]
pub struct Assessment {
    /// Lines of the sum, heaviest first.
    pub contributions: Vec<Contribution>,
    /// The sum.
    pub score: f64,
    /// What it comes to.
    pub verdict: Verdict,
}

impl Assessment {
    /// The share of everyday pairs of transaction and contract that scored as much, at most.
    pub fn everyday_share(&self) -> f64 {
        everyday_share(self.score)
    }

    /// Sum of one family's lines.
    pub fn score_of(&self, family: Family) -> f64 {
        let lines = self.contributions.iter().filter(|line| line.family == family);
        lines.fold(0.0, |sum, line| sum + line.weight)
    }
}

/// The share of everyday pairs that scored at least so much; an upper bound, and never zero: one
/// more than what was seen.
pub fn everyday_share(score: f64) -> f64 {
    let seen = EVERYDAY_TAIL.iter().rev().find(|(from, _)| *from <= score + TOLERANCE);
    let count = seen.map_or(EVERYDAY_PAIRS, |(_, count)| *count);
    f64::from((count + 1).min(EVERYDAY_PAIRS)) / f64::from(EVERYDAY_PAIRS)
}

/// Sums of tenths must not miss a threshold by the last bit.
const TOLERANCE: f64 = 1e-9;

/// Adds the shapes up.
pub fn weigh(found: Vec<Found>) -> Assessment {
    let mut contributions: Vec<Contribution> = found
        .into_iter()
        .map(|found| {
            let (family, weight) = weight(found.signal);
            Contribution { found, family, weight }
        })
        .collect();
    contributions.sort_by(|a, b| {
        b.weight.total_cmp(&a.weight).then_with(|| a.found.signal.cmp(&b.found.signal))
    });
    let score = contributions.iter().fold(0.0, |sum, line| sum + line.weight);
    let verdict = if score + TOLERANCE >= PAGE_SCORE_MIN {
        Verdict::Page
    } else if score + TOLERANCE >= NOTIFY_SCORE_MIN {
        Verdict::Notify
    } else {
        Verdict::Quiet
    };
    Assessment { contributions, score, verdict }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(signal: Signal) -> Found {
        Found::new(signal, 1, 0, String::new())
    }

    #[test]
    fn no_shape_pages_alone_and_none_speaks_for_the_defence() {
        for &signal in Signal::ALL {
            let (_, weight) = weight(signal);
            assert!((0.0..PAGE_SCORE_MIN).contains(&weight), "{}", signal.as_str());
            assert_ne!(weigh(vec![found(signal)]).verdict, Verdict::Page);
        }
    }

    #[test]
    fn the_sum_is_the_sum_of_its_lines_and_each_more_makes_it_rarer() {
        let all: Vec<Found> = Signal::ALL.iter().map(|signal| found(*signal)).collect();
        let mut last = 2.0;
        for count in 0..=all.len() {
            let assessment = weigh(all[..count].to_vec());
            let families: f64 = Family::ALL.iter().map(|family| assessment.score_of(*family)).sum();
            assert!((families - assessment.score).abs() < 1e-9);
            assert!(assessment.everyday_share() <= last);
            last = assessment.everyday_share();
        }
        assert!(last > 0.0);
    }

    #[test]
    fn words_of_shapes_are_their_own() {
        let mut words: Vec<&str> = Signal::ALL.iter().map(|signal| signal.as_str()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Signal::ALL.len());
    }
}
