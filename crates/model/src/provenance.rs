//! Whether something is real, or a drill.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Name;

/// Whether something is real, or a drill.
///
/// It is read from the one thing that goes with a finding wherever it goes, its detector: so there is
/// no second field that could say something else, nobody who copies a finding can forget it, and what
/// was stored before there were drills is live.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provenance {
    /// A chain, or another system, says so.
    #[default]
    Live,
    /// People practise: nothing of it happened.
    Drill {
        /// Which drill.
        drill: Name,
    },
}

impl Provenance {
    /// Where the ids of detectors begin that only drills have. No detector, rule or import may be
    /// called so.
    pub const DRILL_DETECTORS: &str = "drill/";

    /// The word that stands first in everything that is told of a drill.
    pub const DRILL_WORD: &str = "DRILL";

    /// What findings of this detector are. Whatever begins with [`Provenance::DRILL_DETECTORS`] is a
    /// drill, also when its name is none: what looks like a drill is never taken for real.
    pub fn of_detector(detector: &str) -> Self {
        match detector.strip_prefix(Self::DRILL_DETECTORS) {
            None => Self::Live,
            Some(drill) => {
                let unnamed = || Name::new("unnamed").expect("a plain slug");
                Self::Drill { drill: Name::new(drill).unwrap_or_else(|_| unnamed()) }
            }
        }
    }

    /// The id of the detector whose findings a drill has.
    pub fn detector_of(drill: &Name) -> String {
        format!("{}{drill}", Self::DRILL_DETECTORS)
    }

    /// Whether it is real.
    pub fn is_live(&self) -> bool {
        *self == Self::Live
    }

    /// Which drill, if it is one.
    pub fn drill(&self) -> Option<&Name> {
        match self {
            Self::Live => None,
            Self::Drill { drill } => Some(drill),
        }
    }
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Live => f.write_str("live"),
            Self::Drill { drill } => write!(f, "drill {drill}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_drill_is_never_taken_for_real() {
        let drill = Name::new("tuesday").unwrap();
        let detector = Provenance::detector_of(&drill);
        assert_eq!(Provenance::of_detector(&detector), Provenance::Drill { drill });
        for odd in ["drill/", "drill/No Name", "drill/a/b"] {
            assert!(!Provenance::of_detector(odd).is_live(), "{odd}");
        }
        for real in ["access/role_change", "expression", "drills/x", "", "outside/drill"] {
            assert!(Provenance::of_detector(real).is_live(), "{real}");
        }
    }

    #[test]
    fn what_is_not_said_is_live() {
        assert_eq!(Provenance::default(), Provenance::Live);
        let written = serde_json::to_string(&Provenance::of_detector("drill/x")).unwrap();
        assert_eq!(written, r#"{"drill":{"drill":"x"}}"#);
    }
}
