//! Whether something is real, a drill, or a canary.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Name;

/// Whether something is real, a drill, or a canary.
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
    /// The program looks whether its own path from a block to a delivery works; it ends in a sink
    /// inside the program, and nobody is told.
    Canary,
}

impl Provenance {
    /// Where the ids of detectors begin that only drills have. No detector, rule or import may be
    /// called so.
    pub const DRILL_DETECTORS: &str = "drill/";

    /// The word that stands first in everything that is told of a drill.
    pub const DRILL_WORD: &str = "DRILL";

    /// Where the ids of detectors begin that only canaries have. No detector, rule or import may be
    /// called so.
    pub const CANARY_DETECTORS: &str = "canary/";

    /// The detector that makes canaries.
    pub const CANARY_DETECTOR: &str = "canary/path";

    /// The receiver inside the program at which canaries end. No receiver of the user's may be called
    /// so.
    pub const SINK: &str = "canary-sink";

    /// What findings of this detector are. Whatever begins with [`Provenance::DRILL_DETECTORS`] is a
    /// drill, also when its name is none, and whatever begins with [`Provenance::CANARY_DETECTORS`] a
    /// canary: what looks like one of them is never taken for real.
    pub fn of_detector(detector: &str) -> Self {
        if detector.starts_with(Self::CANARY_DETECTORS) {
            return Self::Canary;
        }
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
            Self::Live | Self::Canary => None,
            Self::Drill { drill } => Some(drill),
        }
    }

    /// How what is not real is marked where it is kept: `drill/NAME`, `canary`; `None`: it is real.
    pub fn mark(&self) -> Option<String> {
        match self {
            Self::Live => None,
            Self::Drill { drill } => Some(Self::detector_of(drill)),
            Self::Canary => Some(Self::CANARY_MARK.to_owned()),
        }
    }

    /// The mark of canaries.
    pub const CANARY_MARK: &str = "canary";
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Live => f.write_str("live"),
            Self::Drill { drill } => write!(f, "drill {drill}"),
            Self::Canary => f.write_str("canary"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_drill_or_a_canary_is_never_taken_for_real() {
        let drill = Name::new("tuesday").unwrap();
        let detector = Provenance::detector_of(&drill);
        assert_eq!(Provenance::of_detector(&detector), Provenance::Drill { drill });
        for odd in ["drill/", "drill/No Name", "drill/a/b"] {
            assert!(!Provenance::of_detector(odd).is_live(), "{odd}");
        }
        for odd in ["canary/", "canary/path", "canary/x y"] {
            assert_eq!(Provenance::of_detector(odd), Provenance::Canary, "{odd}");
        }
        let real = [
            "access/role_change",
            "expression",
            "drills/x",
            "",
            "outside/drill",
            "canary",
            "canaryx/y",
        ];
        for real in real {
            assert!(Provenance::of_detector(real).is_live(), "{real}");
        }
    }

    #[test]
    fn what_is_not_said_is_live() {
        assert_eq!(Provenance::default(), Provenance::Live);
        let written = serde_json::to_string(&Provenance::of_detector("drill/x")).unwrap();
        assert_eq!(written, r#"{"drill":{"drill":"x"}}"#);
        assert_eq!(serde_json::to_string(&Provenance::Canary).unwrap(), r#""canary""#);
        assert_eq!(Provenance::of_detector("drill/x").mark().as_deref(), Some("drill/x"));
        assert_eq!(
            (Provenance::Live.mark(), Provenance::Canary.mark()),
            (None, Some("canary".into()))
        );
    }
}
