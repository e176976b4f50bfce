//! Paths that somebody judged to be fine: nobody is told of them again.

use model::{FactValue, UnixSeconds};
use registry::threats::Day;

use crate::{
    detectors::{Claim, ParamKind, ParamSpec, Settings},
    trace::Path,
};

/// The parameter by which every detector of paths takes them.
pub(super) const PARAM: ParamSpec = ParamSpec {
    name: "fine_paths",
    kind: ParamKind::Words { default: &[] },
    doc: "fingerprints of paths that you judged to be fine, `exact ` before those that cover nothing like them, ` until YYYY-MM-DD` behind those that end",
};

/// One judgement.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Judged {
    fingerprint: String,
    /// Whether it is about this very path, and not about all like it.
    is_exact: bool,
    ends: Ends,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    Never,
    After(Day),
    /// What stands there is no day: told too often is better than never.
    AtOnce,
}

/// What a monitor was told to be fine.
#[derive(Debug, Clone, Default)]
pub(super) struct Fine(Vec<Judged>);

impl Fine {
    /// Reads a monitor's setting.
    pub(super) fn of(settings: &Settings) -> Self {
        Self(settings.words("fine_paths").iter().map(|word| judged(word)).collect())
    }

    /// Whether somebody judged the path to be fine, or any path like it, and the judgement holds at
    /// this moment.
    pub(super) fn holds(&self, path: &Path, at: UnixSeconds) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let (exact, general) = (path.exact.to_string(), path.general.to_string());
        self.0.iter().any(|one| {
            let is_meant =
                one.fingerprint == exact || (!one.is_exact && one.fingerprint == general);
            is_meant
                && match one.ends {
                    Ends::Never => true,
                    Ends::After(day) => Day::of(at) <= day,
                    Ends::AtOnce => false,
                }
        })
    }
}

/// Tells the path and how to say that it is fine.
pub(super) fn with_path(claim: Claim, path: Option<&Path>) -> Claim {
    let Some(path) = path else { return claim };
    let (exact, general) = (path.exact.to_string(), path.general.to_string());
    let command = format!("bellwether path fine {general} --why TEXT");
    claim
        .fact("path", FactValue::Text(exact))
        .fact("path in general", FactValue::Text(general))
        .fact("if this use is fine", FactValue::Text(command))
}

fn judged(word: &str) -> Judged {
    let (what, ends) = match word.split_once(" until ") {
        None => (word, Ends::Never),
        Some((what, day)) => (what, day.trim().parse().map_or(Ends::AtOnce, Ends::After)),
    };
    let what = what.trim().to_ascii_lowercase();
    let exact = what.strip_prefix("exact ").map(|fingerprint| fingerprint.trim().to_owned());
    Judged { is_exact: exact.is_some(), fingerprint: exact.unwrap_or(what), ends }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Fingerprint;

    #[test]
    fn a_judgement_covers_what_it_says_to_the_end_of_its_day() {
        let path = Path { exact: Fingerprint(1), general: Fingerprint(2), entries: Vec::new() };
        let holds = |word: &str, at: u64| Fine(vec![judged(word)]).holds(&path, UnixSeconds(at));
        // 2026-03-01T00:00:00Z.
        assert!(holds("0000000000000002 until 2026-02-28", 1_772_323_199));
        assert!(!holds("0000000000000002 until 2026-02-28", 1_772_323_200));
        assert!(holds("0000000000000001", u64::MAX) && holds("exact 0000000000000001", 1));
        assert!(!holds("exact 0000000000000002", 1), "in general is not exact");
        assert!(!holds("0000000000000001 until soon", 1) && !holds("0000000000000003", 1));
    }
}
