//! A calendar day, UTC: reviews and forks are dated by the day.

use std::{fmt, str::FromStr};

use model::UnixSeconds;

const DAY_S: u64 = 86_400;

/// A day of the Gregorian calendar, UTC, from 1970 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day {
    /// Days since 1970-01-01.
    since_1970: u32,
}

/// A text that is no day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a day (write 2026-03-31)")]
pub struct ParseDayError(pub String);

impl Day {
    /// The last day that four digits of a year can say.
    const LAST: Self = Self { since_1970: 2_932_896 };

    /// The day of a moment; one after the year 9999 counts as its last day.
    pub fn of(moment: UnixSeconds) -> Self {
        let days = u32::try_from(moment.0 / DAY_S).unwrap_or(u32::MAX);
        Self { since_1970: days.min(Self::LAST.since_1970) }
    }

    /// A day by year, month and day of the month; `None` when the calendar has no such day.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let is_leap =
            year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let longest = match month {
            4 | 6 | 9 | 11 => 30,
            2 if is_leap => 29,
            2 => 28,
            1..=12 => 31,
            _ => return None,
        };
        if !(1970..=9999).contains(&year) || !(1..=longest).contains(&day) {
            return None;
        }
        // A year that begins in March ends with its leap day, so months need no table.
        let (year, month) = match month {
            1 | 2 => (u32::from(year) - 1, u32::from(month) + 9),
            _ => (u32::from(year), u32::from(month) - 3),
        };
        let of_months = (153 * month + 2) / 5;
        let days = 365 * year + year / 4 - year / 100 + year / 400 + of_months + u32::from(day) - 1;
        Some(Self { since_1970: days - DAYS_TO_1970 })
    }

    /// Its first second.
    pub fn begins(self) -> UnixSeconds {
        UnixSeconds(u64::from(self.since_1970) * DAY_S)
    }

    /// Whole days from an earlier day to this one; 0 when it is not earlier.
    pub fn days_since(self, earlier: Self) -> u32 {
        self.since_1970.saturating_sub(earlier.since_1970)
    }

    /// Year, month, day of the month.
    fn parts(self) -> (u32, u32, u32) {
        let days = self.since_1970 + DAYS_TO_1970;
        let (era, of_era) = (days / 146_097, days % 146_097);
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let (year, month) = (year + era * 400, if month < 10 { month + 3 } else { month - 9 });
        (year + u32::from(month <= 2), month, day)
    }
}

/// Days from 0000-03-01, where the reckoning begins, to 1970-01-01.
const DAYS_TO_1970: u32 = 719_468;

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.parts();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl FromStr for Day {
    type Err = ParseDayError;
    fn from_str(text: &str) -> Result<Self, ParseDayError> {
        let wrong = || ParseDayError(text.to_owned());
        let bytes = text.as_bytes();
        let is_shaped = bytes.len() == 10 && bytes[4] == b'-' && bytes[7] == b'-';
        let digits =
            bytes.iter().enumerate().all(|(at, b)| matches!(at, 4 | 7) || b.is_ascii_digit());
        if !is_shaped || !digits {
            return Err(wrong());
        }
        let year = text[..4].parse().map_err(|_| wrong())?;
        let month = text[5..7].parse().map_err(|_| wrong())?;
        let day = text[8..].parse().map_err(|_| wrong())?;
        Self::new(year, month, day).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_days_are_where_they_belong() {
        let of = |text: &str| text.parse::<Day>().unwrap().since_1970;
        assert_eq!(of("1970-01-01"), 0);
        assert_eq!(of("2000-03-01"), 11_017);
        assert_eq!(of("2024-02-29"), 19_782);
        assert_eq!("9999-12-31".parse(), Ok(Day::LAST));
        for wrong in
            ["2023-02-29", "2024-13-01", "2024-00-10", "1969-12-31", "24-1-1", "+024-01-01"]
        {
            assert!(wrong.parse::<Day>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn every_day_reads_back_and_the_next_one_is_one_later(days in 0_u32..2_932_896) {
            let day = Day { since_1970: days };
            prop_assert_eq!(day.to_string().parse::<Day>(), Ok(day));
            let next = Day { since_1970: days + 1 };
            prop_assert!(next.to_string() > day.to_string());
            prop_assert_eq!(next.days_since(day), 1);
        }
    }
}
