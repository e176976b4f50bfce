//! When a path that was new becomes a usual one without anybody saying so.
//!
//! A new path is watched: told of for each of its first callers, and whenever it has the shape of an
//! attack. It becomes usual once enough different callers with a past took it over some days and
//! nothing was lost on it. An attacker who wants that must keep as many accounts for a month and take
//! nothing; a path on which something was lost, or by which powers change, waits for a person.

use alloy_primitives::Address;
use model::UnixSeconds;
use serde::{Deserialize, Serialize};

use crate::trace::{NOTIFY_SCORE_MIN, Signal, View, weigh};

const DAY_S: u64 = 86_400;

/// Callers must be known this long to speak for a path.
const CALLER_AGE_S_MIN: u64 = 30 * DAY_S;

/// From the first to the last of them at least so long.
const SPAN_S_MIN: u64 = 7 * DAY_S;

/// Callers of one path that are remembered, the oldest acquaintances: three times what is asked for
/// by default.
pub(super) const CALLERS_MAX: usize = 16;

/// Callers for which a watched path is told of: who has not looked after five will not after six.
const TOLD_MAX: u32 = 5;

/// Whether a path is part of everyday use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Standing {
    /// It was learned, or became usual.
    Usual,
    /// It came when enough was known to call it new.
    Watched(Watch),
}

/// What is known of a path that was new.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Watch {
    /// Who took it, and since when each is known.
    callers: Vec<(Address, UnixSeconds)>,
    /// For how many callers it was told of.
    told: u32,
    /// Why it cannot become usual by itself.
    barred: Option<Bar>,
}

/// Why a path waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Bar {
    /// Guarded contracts lost something on it, or it had the shape of an attack.
    Loss,
    /// It gives or uses power over guarded contracts.
    Power,
}

impl Bar {
    /// As the rest of a sentence about the path.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Loss => "something was lost on it",
            Self::Power => "it gives or uses power",
        }
    }

    /// What bars the path of this transaction. `changes_power` says whether its logs tell of changed
    /// roles or parameters.
    pub(super) fn of(view: &View<'_, '_>, changes_power: bool) -> Option<Self> {
        const LOSSES: [Signal; 4] = [
            Signal::LossForNothing,
            Signal::PaidOutMore,
            Signal::HolderEmptied,
            Signal::OwnAllowanceUsed,
        ];
        let found = view.found();
        let has = |signal: &Signal| found.iter().any(|found| found.signal == *signal);
        let score = weigh(found.to_vec()).score;
        if LOSSES.iter().any(has) || score + 1e-9 >= NOTIFY_SCORE_MIN {
            return Some(Self::Loss);
        }
        (changes_power || has(&Signal::PowerUsed)).then_some(Self::Power)
    }
}

/// One use of a watched path.
#[derive(Debug, Clone, Copy)]
pub(super) struct Use {
    /// Who sent the transaction.
    pub(super) caller: Address,
    /// Since when the caller is known at least.
    pub(super) known_since: UnixSeconds,
    /// What keeps the path from becoming usual.
    pub(super) bar: Option<Bar>,
}

impl Watch {
    /// Takes a use in; whether it is by a caller for whom the path is to be told of.
    pub(super) fn take(&mut self, one: Use) -> bool {
        self.barred = self.barred.or(one.bar);
        if self.callers.iter().any(|(known, _)| *known == one.caller) {
            return false;
        }
        if self.callers.len() < CALLERS_MAX {
            self.callers.push((one.caller, one.known_since));
        } else if let Some(youngest) = self.callers.iter_mut().max_by_key(|(_, since)| *since)
            && youngest.1 > one.known_since
        {
            *youngest = (one.caller, one.known_since);
        }
        let is_told = self.told < TOLD_MAX;
        self.told = self.told.saturating_add(1).min(TOLD_MAX);
        is_told
    }

    /// How many callers with a past speak for it.
    pub(super) fn seasoned(&self, at: UnixSeconds) -> usize {
        let is_seasoned =
            |(_, since): &&(Address, UnixSeconds)| at.seconds_since(*since) > CALLER_AGE_S_MIN;
        self.callers.iter().filter(is_seasoned).count()
    }

    /// Why it waits for a person, if it does.
    pub(super) fn barred(&self) -> Option<Bar> {
        self.barred
    }

    /// Whether it is usual now. `callers_min` of 0 leaves that to people.
    pub(super) fn is_usual(&self, first: UnixSeconds, at: UnixSeconds, callers_min: usize) -> bool {
        callers_min > 0
            && self.barred.is_none()
            && at.seconds_since(first) >= SPAN_S_MIN
            && self.seasoned(at) >= callers_min
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 100 * DAY_S;

    fn by(caller: u8, known_for_days: u64) -> Use {
        let known_since = UnixSeconds(NOW - known_for_days * DAY_S);
        Use { caller: Address::repeat_byte(caller), known_since, bar: None }
    }

    fn after(days: u64) -> UnixSeconds {
        UnixSeconds(NOW + days * DAY_S)
    }

    #[test]
    fn five_seasoned_callers_in_a_week_make_a_path_usual() {
        let mut watch = Watch::default();
        (1..=4).for_each(|caller| assert!(watch.take(by(caller, 31))));
        assert!(!watch.take(by(4, 31)), "the same once more");
        assert!(!watch.is_usual(after(0), after(9), 5), "four are not five");
        watch.take(by(5, 31));
        assert!(!watch.is_usual(after(0), after(6), 5), "six days are not seven");
        assert!(watch.is_usual(after(0), after(7), 5));
        assert!(!watch.is_usual(after(0), after(7), 0), "people decide");
    }

    #[test]
    fn young_callers_speak_for_a_path_once_they_are_old() {
        let mut watch = Watch::default();
        assert!((1..=5).all(|caller| watch.take(by(caller, 0))));
        assert!(!watch.is_usual(after(0), after(30), 5));
        assert!(watch.is_usual(after(0), after(31), 5));
    }

    #[test]
    fn a_loss_or_a_power_leaves_it_to_people_for_ever() {
        for bar in [Bar::Loss, Bar::Power] {
            let mut watch = Watch::default();
            watch.take(Use { bar: Some(bar), ..by(1, 99) });
            let told = (2..=9).filter(|caller| watch.take(by(*caller, 99))).count();
            assert_eq!(told, 4);
            assert!(!watch.is_usual(after(0), after(99), 5));
            assert_eq!(watch.barred(), Some(bar));
        }
    }

    #[test]
    fn a_crowd_of_new_accounts_neither_outgrows_its_room_nor_hides_the_old_ones() {
        let mut watch = Watch::default();
        let told = (0..200).filter(|caller| watch.take(by(*caller, 0))).count();
        assert_eq!((told, watch.callers.len()), (TOLD_MAX as usize, CALLERS_MAX));
        assert!(!(201..=205).any(|caller| watch.take(by(caller, 31))));
        assert_eq!(watch.seasoned(after(0)), 5);
    }
}
