//! Paths that somebody judged to be fine: nobody is told of them again.

use model::UnixSeconds;

use crate::{
    detectors::{ParamKind, ParamSpec, Settings},
    trace::Path,
};

/// The parameter by which every detector of paths takes them.
pub(super) const PARAM: ParamSpec = ParamSpec {
    name: "fine_paths",
    kind: ParamKind::Words { default: &[] },
    doc: "fingerprints of paths that you judged to be fine, exact or general, each with ` until YYYY-MM-DD` if it ends",
};

/// Seconds of a day.
const DAY_S: u64 = 86_400;

/// One judgement.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Judged {
    fingerprint: String,
    /// First moment at which it holds no longer.
    until: Option<UnixSeconds>,
}

/// What a monitor was told to be fine.
#[derive(Debug, Clone, Default)]
pub(super) struct Fine(Vec<Judged>);

impl Fine {
    /// Reads a monitor's setting. A day that is none ends the judgement at once: told too often is
    /// better than never.
    pub(super) fn of(settings: &Settings) -> Self {
        Self(settings.words("fine_paths").iter().map(|word| judged(word)).collect())
    }

    /// Whether somebody judged the path to be fine, or any path like it, and the judgement holds at
    /// this moment.
    pub(super) fn holds(&self, path: &Path, at: UnixSeconds) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let words = [path.exact.to_string(), path.general.to_string()];
        self.0
            .iter()
            .any(|one| words.contains(&one.fingerprint) && one.until.is_none_or(|until| at < until))
    }
}

fn judged(word: &str) -> Judged {
    match word.split_once(" until ") {
        None => Judged { fingerprint: word.to_ascii_lowercase(), until: None },
        Some((fingerprint, day)) => Judged {
            fingerprint: fingerprint.trim().to_ascii_lowercase(),
            until: Some(day_after(day.trim()).unwrap_or(UnixSeconds(0))),
        },
    }
}

/// The first moment after a day `YYYY-MM-DD`.
fn day_after(day: &str) -> Option<UnixSeconds> {
    let mut parts = day.splitn(3, '-').map(|part| part.parse::<u64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Days from civil: years begin in March, so that the leap day is the last.
    let shifted = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (shifted / 400, shifted % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    Some(UnixSeconds((days.checked_sub(719_468)? + 1) * DAY_S))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Fingerprint;

    #[test]
    fn a_judgement_holds_to_the_end_of_its_day() {
        let path = Path { exact: Fingerprint(1), general: Fingerprint(2), entries: Vec::new() };
        let fine = Fine(vec![judged("0000000000000002 until 2026-02-28")]);
        // 2026-03-01T00:00:00Z.
        assert!(fine.holds(&path, UnixSeconds(1_772_323_199)));
        assert!(!fine.holds(&path, UnixSeconds(1_772_323_200)));
        assert!(Fine(vec![judged("0000000000000001")]).holds(&path, UnixSeconds(u64::MAX)));
        assert!(!Fine(vec![judged("0000000000000001 until soon")]).holds(&path, UnixSeconds(1)));
        assert!(!Fine(vec![judged("0000000000000003")]).holds(&path, UnixSeconds(1)));
    }
}
