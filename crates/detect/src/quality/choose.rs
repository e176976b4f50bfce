//! Choosing thresholds for a budget of false alarms, on some of the time, and measuring the choice on
//! the rest.

use std::collections::BTreeSet;

use model::UnixSeconds;

use super::figures::Budget;

/// What one setting of one monitor would have said over the whole time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Candidate {
    /// Alerts that wake people: when.
    pub pages: Vec<UnixSeconds>,
    /// Alerts that people are told of: when.
    pub notifies: Vec<UnixSeconds>,
    /// Incidents that it told of, by number; alerts about them are in neither list.
    pub noticed: BTreeSet<usize>,
}

/// A monitor with its settings, the strictest first: the one that says least.
#[derive(Debug, Clone, PartialEq)]
pub struct Dial {
    /// Candidates; never empty.
    pub candidates: Vec<Candidate>,
}

/// What really happened, to weigh what is noticed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weighed {
    /// When it began.
    pub at: UnixSeconds,
    /// What noticing it is worth against another: the money at risk, or 1.
    pub worth: f64,
}

/// The time that is tuned on, cut into parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Folds {
    /// Part boundaries, ascending: one more than there are parts.
    bounds: Vec<u64>,
}

/// Seconds of a week.
const WEEK_S: f64 = 604_800.0;

/// Rounds of the coordinate search: it ends by itself long before.
const ROUNDS_MAX: usize = 100;

impl Folds {
    /// `k` parts of equal length, in order of time: what is learned on one side of a boundary is
    /// tried on the other.
    pub fn new(from: UnixSeconds, to: UnixSeconds, k: usize) -> Self {
        let span = to.seconds_since(from) + 1;
        let k = k.max(1) as u64;
        let at = |i: u64| from.0 + (u128::from(span) * u128::from(i) / u128::from(k)) as u64;
        Self { bounds: (0..=k).map(at).collect() }
    }

    /// How many parts.
    pub fn len(&self) -> usize {
        self.bounds.len() - 1
    }

    /// Never: there is at least one part.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn of(&self, at: UnixSeconds) -> Option<usize> {
        let part = self.bounds.partition_point(|bound| *bound <= at.0);
        part.checked_sub(1).filter(|part| *part < self.len())
    }

    fn weeks(&self, parts: &BTreeSet<usize>) -> f64 {
        let length = |part: &usize| (self.bounds[part + 1] - self.bounds[*part]) as f64;
        parts.iter().map(length).sum::<f64>() / WEEK_S
    }
}

/// What a choice of one candidate a monitor comes to, over some parts of the time.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Score {
    /// False pages a week.
    pub pages_per_week: f64,
    /// False messages a day.
    pub notifies_per_day: f64,
    /// Incidents noticed.
    pub noticed: u64,
    /// Incidents in that time.
    pub incidents: u64,
    /// What those noticed are worth.
    pub worth: f64,
}

impl Score {
    fn fits(&self, budget: Budget) -> bool {
        self.pages_per_week <= budget.page_per_week
            && self.notifies_per_day <= budget.notify_per_day
    }

    /// Better: worth more; of equal worth, fewer pages, then fewer messages.
    fn is_better_than(&self, other: &Self) -> bool {
        let key = |s: &Self| (s.worth, -s.pages_per_week, -s.notifies_per_day);
        let (a, b) = (key(self), key(other));
        a.0.total_cmp(&b.0)
            .then_with(|| a.1.total_cmp(&b.1))
            .then_with(|| a.2.total_cmp(&b.2))
            .is_gt()
    }
}

/// What a choice comes to over these parts of the time.
pub fn score(
    dials: &[Dial],
    choice: &[usize],
    incidents: &[Weighed],
    folds: &Folds,
    parts: &BTreeSet<usize>,
) -> Score {
    let is_in = |at: &UnixSeconds| folds.of(*at).is_some_and(|part| parts.contains(&part));
    let weeks = folds.weeks(parts);
    let (mut pages, mut notifies) = (0usize, 0usize);
    let mut noticed: BTreeSet<usize> = BTreeSet::new();
    for (dial, at) in dials.iter().zip(choice) {
        let candidate = &dial.candidates[*at];
        pages += candidate.pages.iter().filter(|at| is_in(at)).count();
        notifies += candidate.notifies.iter().filter(|at| is_in(at)).count();
        noticed.extend(&candidate.noticed);
    }
    let of_time = || incidents.iter().enumerate().filter(|(_, one)| is_in(&one.at));
    let per_week = |count: usize| if weeks > 0.0 { count as f64 / weeks } else { 0.0 };
    Score {
        pages_per_week: per_week(pages),
        notifies_per_day: per_week(notifies) / 7.0,
        noticed: of_time().filter(|(at, _)| noticed.contains(at)).count() as u64,
        incidents: of_time().count() as u64,
        worth: of_time().filter(|(at, _)| noticed.contains(at)).map(|(_, one)| one.worth).sum(),
    }
}

/// The best choice within the budget, by coordinate search: one monitor after another takes the
/// candidate that is best while the others stay, until none changes. Begins with the strictest of
/// each; where not even those fit the budget, they are the choice.
pub fn choose(
    dials: &[Dial],
    incidents: &[Weighed],
    folds: &Folds,
    parts: &BTreeSet<usize>,
    budget: Budget,
) -> Vec<usize> {
    let mut choice = vec![0; dials.len()];
    let mut best = score(dials, &choice, incidents, folds, parts);
    for _ in 0..ROUNDS_MAX {
        let mut is_changed = false;
        for (at, dial) in dials.iter().enumerate() {
            for candidate in 0..dial.candidates.len() {
                let before = std::mem::replace(&mut choice[at], candidate);
                let found = score(dials, &choice, incidents, folds, parts);
                if found.fits(budget) && (found.is_better_than(&best) || !best.fits(budget)) {
                    best = found;
                    is_changed = true;
                } else {
                    choice[at] = before;
                }
            }
        }
        if !is_changed {
            break;
        }
    }
    choice
}

/// A budget and what it buys.
#[derive(Debug, Clone, PartialEq)]
pub struct FrontPoint {
    /// How much of the budget, 1 for all of it.
    pub share: f64,
    /// The choice.
    pub choice: Vec<usize>,
    /// What it comes to over all the time: in sample.
    pub score: Score,
}

/// What smaller and larger budgets would buy: choices of which none is both louder and less telling
/// than another.
pub fn front(
    dials: &[Dial],
    incidents: &[Weighed],
    folds: &Folds,
    budget: Budget,
    shares: &[f64],
) -> Vec<FrontPoint> {
    let all: BTreeSet<usize> = (0..folds.len()).collect();
    let mut points: Vec<FrontPoint> = shares
        .iter()
        .map(|share| {
            let budget = Budget {
                page_per_week: budget.page_per_week * share,
                notify_per_day: budget.notify_per_day * share,
            };
            let choice = choose(dials, incidents, folds, &all, budget);
            let score = score(dials, &choice, incidents, folds, &all);
            FrontPoint { share: *share, choice, score }
        })
        .collect();
    let burden = |s: &Score| s.pages_per_week * 7.0 + s.notifies_per_day;
    points.sort_by(|a, b| {
        burden(&a.score)
            .total_cmp(&burden(&b.score))
            .then_with(|| b.score.worth.total_cmp(&a.score.worth))
    });
    let mut most = f64::NEG_INFINITY;
    points.retain(|point| {
        let is_on_front = point.score.worth > most;
        most = most.max(point.score.worth);
        is_on_front
    });
    points
}

/// A choice made without one part of the time, and what it came to there.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldOut {
    /// Part that was held out.
    pub part: usize,
    /// What the choice came to on the part that it had not seen.
    pub score: Score,
}

/// The choice made without each part in turn, measured on that part.
pub fn held_out(
    dials: &[Dial],
    incidents: &[Weighed],
    folds: &Folds,
    budget: Budget,
) -> Vec<HeldOut> {
    let parts = 0..folds.len();
    parts
        .clone()
        .map(|part| {
            let rest: BTreeSet<usize> = parts.clone().filter(|other| *other != part).collect();
            let choice = choose(dials, incidents, folds, &rest, budget);
            let own = BTreeSet::from([part]);
            HeldOut { part, score: score(dials, &choice, incidents, folds, &own) }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEEK: u64 = 604_800;

    /// False pages at these times, these incidents noticed.
    fn candidate(pages: &[u64], noticed: &[usize]) -> Candidate {
        Candidate {
            pages: pages.iter().map(|at| UnixSeconds(*at)).collect(),
            notifies: Vec::new(),
            noticed: noticed.iter().copied().collect(),
        }
    }

    fn incidents() -> Vec<Weighed> {
        (0..3).map(|i| Weighed { at: UnixSeconds(i * WEEK + 5), worth: 1.0 }).collect()
    }

    fn folds() -> Folds {
        Folds::new(UnixSeconds(0), UnixSeconds(5 * WEEK - 1), 5)
    }

    /// One monitor finds more when it is louder, another is only louder.
    fn dials() -> Vec<Dial> {
        vec![
            Dial {
                candidates: vec![
                    candidate(&[], &[]),
                    candidate(&[WEEK], &[0]),
                    candidate(&[WEEK, 2 * WEEK, 3 * WEEK, 4 * WEEK, 9], &[0, 1]),
                ],
            },
            Dial { candidates: vec![candidate(&[7], &[2]), candidate(&[7, 8, 9], &[2])] },
        ]
    }

    fn all() -> BTreeSet<usize> {
        (0..5).collect()
    }

    #[test]
    fn the_choice_notices_most_within_the_budget_and_no_louder_than_it_must() {
        let of = |page_per_week| {
            let budget = Budget { page_per_week, notify_per_day: 1.0 };
            choose(&dials(), &incidents(), &folds(), &all(), budget)
        };
        assert_eq!(of(0.4), [1, 0], "two false pages in five weeks");
        assert_eq!(of(2.0), [2, 0], "never louder for nothing");
        assert_eq!(of(0.2), [0, 0]);
        assert_eq!(of(0.0), [0, 0], "the strictest of each, where nothing fits");
        let score = score(&dials(), &[1, 0], &incidents(), &folds(), &all());
        assert_eq!((score.noticed, score.incidents), (2, 3));
        assert!((score.pages_per_week - 0.4).abs() < 1e-12);
    }

    #[test]
    fn a_front_holds_no_choice_that_another_beats() {
        let budget = Budget { page_per_week: 1.0, notify_per_day: 1.0 };
        let points =
            front(&dials(), &incidents(), &folds(), budget, &[0.1, 0.2, 0.5, 1.0, 2.0, 5.0]);
        let told: Vec<(u64, Vec<usize>)> =
            points.iter().map(|p| (p.score.noticed, p.choice.clone())).collect();
        assert_eq!(told, [(1, vec![0, 0]), (2, vec![1, 0]), (3, vec![2, 0])]);
    }

    #[test]
    fn what_is_held_out_was_not_seen_by_the_choice() {
        let budget = Budget { page_per_week: 0.3, notify_per_day: 1.0 };
        let parts = held_out(&dials(), &incidents(), &folds(), budget);
        // Without the second week the louder setting looks free, and pages in it.
        assert_eq!(parts[1].score.pages_per_week, 1.0);
        assert_eq!(parts.iter().map(|p| p.score.incidents).sum::<u64>(), 3, "each incident once");
        assert_eq!(folds().len(), 5);
    }
}
