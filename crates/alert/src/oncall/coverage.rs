//! The map of who is on call when, and the gaps before they happen.

use model::{Name, UnixMillis};

use super::{By, Schedule, ends};
use crate::hours::{moment, unix};

/// Longest time that one map covers: a year and a month.
pub const COVERAGE_DAYS_MAX: i64 = 396;

/// A stretch of the map: the same person for the same reason, or nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// Begins.
    pub from: UnixMillis,
    /// Ends; not within.
    pub to: UnixMillis,
    /// Who, and why; `None` is a gap.
    pub person: Option<(Name, By)>,
}

impl Schedule {
    /// Who is on call when, without holes between the stretches; at most [`COVERAGE_DAYS_MAX`] from
    /// `from` on.
    pub fn coverage(&self, from: UnixMillis, to: UnixMillis) -> Vec<Stretch> {
        let to = to.min(from.plus(COVERAGE_DAYS_MAX * 86_400_000));
        if to <= from {
            return Vec::new();
        }
        let of_layers =
            self.layers.iter().flat_map(|layer| layer.changes(moment(from), moment(to)));
        let mut changes: Vec<UnixMillis> =
            of_layers.chain(ends(&self.overrides)).map(unix).collect();
        changes.extend([from, to]);
        changes.retain(|at| (from..=to).contains(at));
        changes.sort_unstable();
        changes.dedup();
        let mut map: Vec<Stretch> = Vec::new();
        for pair in changes.windows(2) {
            let person = self.at(pair[0]).map(|(person, by)| (person.clone(), by));
            match map.last_mut().filter(|last| last.person == person) {
                Some(last) => last.to = pair[1],
                None => map.push(Stretch { from: pair[0], to: pair[1], person }),
            }
        }
        map
    }

    /// When nobody will be on call.
    pub fn gaps(&self, from: UnixMillis, to: UnixMillis) -> Vec<(UnixMillis, UnixMillis)> {
        let map = self.coverage(from, to).into_iter();
        map.filter(|stretch| stretch.person.is_none()).map(|gap| (gap.from, gap.to)).collect()
    }
}
