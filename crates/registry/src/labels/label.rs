//! One label: what somebody says about an address, how far they are believed, since when.

use model::UnixSeconds;

use super::Category;
use crate::threats::Day;

/// After this time a label of what somebody *did* counts half: thieves move on to other addresses.
pub const HALF_LIFE_DAYS: u32 = 180;

/// A label of one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label<'a> {
    /// Kind.
    pub category: &'a Category,
    /// What the list calls the address; empty when it gives no name.
    pub name: &'a str,
    /// Where it comes from: a list, a feed, the user's file.
    pub source: &'a str,
    /// How far the source is believed, 0 to 100.
    pub confidence_percent: u8,
    /// Day from which the label is known to us, or that its list gives.
    pub first_seen: Option<Day>,
}

impl<'a> Label<'a> {
    /// A label without a name, believed in full, of no known age.
    pub fn new(category: &'a Category, source: &'a str) -> Self {
        Self { category, name: "", source, confidence_percent: 100, first_seen: None }
    }

    /// How far it is believed at a moment, 0 to 100: halved with each [`HALF_LIFE_DAYS`] since it was
    /// first seen, if its category fades, and straight in between. Whole numbers, so that every
    /// machine says the same.
    pub fn confidence_percent_at(&self, now: UnixSeconds) -> u8 {
        let Some(first_seen) = self.first_seen.filter(|_| self.category.fades()) else {
            return self.confidence_percent;
        };
        let age_days = Day::of(now).days_since(first_seen);
        let (halvings, rest) = (age_days / HALF_LIFE_DAYS, age_days % HALF_LIFE_DAYS);
        let Some(at_last) = 0x1_0000_u32.checked_shr(halvings) else { return 0 };
        let share = at_last - at_last * rest / (2 * HALF_LIFE_DAYS);
        let percent = (u32::from(self.confidence_percent) * share + 0x8000) >> 16;
        // At most the confidence it began with, so it fits.
        percent as u8
    }

    /// Whether the label came only after a moment: whoever judged then could not know.
    pub fn is_later_than(&self, moment: UnixSeconds) -> bool {
        self.first_seen.is_some_and(|day| day > Day::of(moment))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_did_fades_and_what_somebody_is_does_not() {
        let day = Day::new(2024, 1, 1).unwrap();
        let after = |category: &Category, days: u64| {
            let label = Label { first_seen: Some(day), ..Label::new(category, "list") };
            label.confidence_percent_at(UnixSeconds(day.begins().0 + days * 86_400))
        };
        let of = |days| after(&Category::Exploiter, days);
        assert_eq!([0, 90, 180, 360, 540, 1_800, 100_000].map(of), [100, 75, 50, 25, 13, 0, 0]);
        assert_eq!(after(&Category::Sanctioned, 3_000), 100, "until it is removed");
        assert_eq!(after(&Category::Mixer, 3_000), 100, "a mixer stays one");
        assert_eq!(after(&Category::Benign, 3_000), 100, "who is cleared stays cleared");
        let undated = Label::new(&Category::Exploiter, "list");
        assert_eq!(undated.confidence_percent_at(UnixSeconds(u64::MAX)), 100);
    }

    #[test]
    fn a_label_is_late_for_the_days_before_it_came() {
        let category = Category::Exploiter;
        let day = Day::new(2024, 1, 10).unwrap();
        let label = Label { first_seen: Some(day), ..Label::new(&category, "list") };
        assert!(label.is_later_than(UnixSeconds(day.begins().0 - 1)));
        assert!(!label.is_later_than(day.begins()));
        assert!(!Label::new(&category, "list").is_later_than(UnixSeconds(0)));
    }
}
