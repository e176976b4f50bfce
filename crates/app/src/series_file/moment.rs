//! What people write for a time.

use jiff::{Timestamp, civil, tz::TimeZone};

/// A moment, to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// Seconds since 1970, UTC.
    pub seconds: i64,
}

/// Counts from here on are not seconds but thousandths: as seconds the year 5138.
const MILLIS_FROM: f64 = 1e11;

/// Reads a moment; one without offset is UTC.
pub fn parse(text: &str) -> Option<Moment> {
    let text = text.trim();
    if let Ok(count) = text.parse::<f64>() {
        return from_count(count);
    }
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(Moment { seconds: timestamp.as_second() });
    }
    let dashed = text.replace('/', "-");
    let zoned = |at: civil::DateTime| at.to_zoned(TimeZone::UTC).ok();
    let at = dashed
        .parse::<civil::DateTime>()
        .or_else(|_| dashed.parse::<civil::Date>().map(|date| date.at(0, 0, 0, 0)))
        .ok()
        .and_then(zoned)?;
    Some(Moment { seconds: at.timestamp().as_second() })
}

fn from_count(count: f64) -> Option<Moment> {
    if !count.is_finite() {
        return None;
    }
    let mut seconds = count;
    while seconds.abs() >= MILLIS_FROM {
        seconds /= 1_000.0;
    }
    // Within the years that a calendar holds, so the cast loses only the fraction.
    Some(Moment { seconds: seconds.floor() as i64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_of_one_moment_are_that_moment() {
        let forms = [
            "2014-04-01 00:05:30",
            "2014-04-01T00:05:30",
            "2014-04-01T00:05:30Z",
            "2014-04-01 02:05:30+02:00",
            "2014-04-01 00:05:30.75",
            "2014/04/01 00:05:30",
            "1396310730",
            "1396310730.5",
            "1396310730000",
            "1396310730000000",
            "1396310730000000000",
        ];
        for form in forms {
            assert_eq!(parse(form), Some(Moment { seconds: 1_396_310_730 }), "{form}");
        }
        assert_eq!(parse("2014-04-01"), Some(Moment { seconds: 1_396_310_400 }));
        assert_eq!(parse("-5"), Some(Moment { seconds: -5 }));
        for wrong in ["", "noon", "2014-13-01", "inf", "NaN", "12:00"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
