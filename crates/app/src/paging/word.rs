//! What a person tells the pager from a terminal or through the API: about an alert, or about
//! silence.

use alert::{
    Matcher,
    life::Deed,
    pager::Input,
    quiet::{Silence, SilenceKind},
};
use model::{AlertId, Name, UnixMillis};
use serde::{Deserialize, Serialize};

/// Characters of a reason: what somebody writes in a hurry, many times over.
const REASON_CHARS_MAX: usize = 2_000;

/// Matchers of one silence: nobody can tell what more of them hide.
const MATCHERS_MAX: usize = 32;

/// Something that a person says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Word {
    /// About an alert.
    Alert {
        /// Which one.
        alert: AlertId,
        /// What.
        deed: Deed,
        /// Who.
        by: Name,
        /// Why.
        because: String,
    },
    /// Asks for quiet.
    Silence {
        /// What it is referred to by.
        name: Name,
        /// Hides alerts that fit all of these.
        matchers: Vec<Matcher>,
        /// For so long from now on.
        lasts_ms: u64,
        /// The change request of a maintenance window.
        change: Option<String>,
        /// Who.
        by: Name,
        /// Why.
        because: String,
    },
    /// Signs another person's silence.
    Sign {
        /// Which one.
        silence: Name,
        /// Who.
        by: Name,
    },
    /// Ends a silence now.
    Unsilence {
        /// Which one.
        silence: Name,
        /// Who.
        by: Name,
    },
}

/// Why a word cannot be passed on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WordFault {
    /// Nobody could tell later why.
    #[error("a reason is missing: say why")]
    NoReason,
    /// Longer than anybody reads.
    #[error("the reason has {0} characters; at most {REASON_CHARS_MAX} are kept")]
    ReasonTooLong(usize),
    /// Nobody can tell what it would hide.
    #[error("{0} matchers are more than anybody can oversee; at most {MATCHERS_MAX}")]
    TooManyMatchers(usize),
    /// The people are declared, and this is none of them.
    #[error("{by} is not in people.toml (one of: {})", known.join(", "))]
    Stranger {
        /// Who.
        by: Name,
        /// Who there is.
        known: Vec<String>,
    },
    /// The silence itself is wrong.
    #[error("{0}")]
    Silence(String),
}

impl Word {
    /// Who says it.
    pub fn by(&self) -> &Name {
        match self {
            Self::Alert { by, .. }
            | Self::Silence { by, .. }
            | Self::Sign { by, .. }
            | Self::Unsilence { by, .. } => by,
        }
    }

    /// What the pager is told. `people`: those who are declared; with none, everybody is believed
    /// who may write.
    ///
    /// # Errors
    /// [`WordFault`].
    pub fn input(self, people: &[Name], now: UnixMillis) -> Result<Input, WordFault> {
        let by = self.by();
        if !people.is_empty() && !people.contains(by) {
            let known = people.iter().map(ToString::to_string).collect();
            return Err(WordFault::Stranger { by: by.clone(), known });
        }
        if let Self::Alert { because, .. } | Self::Silence { because, .. } = &self {
            let long = because.chars().count();
            if because.trim().is_empty() {
                return Err(WordFault::NoReason);
            }
            if long > REASON_CHARS_MAX {
                return Err(WordFault::ReasonTooLong(long));
            }
        }
        Ok(match self {
            Self::Alert { alert, deed, by, because } => {
                Input::Said { alerts: vec![alert], by, deed, at: now, reason: because }
            }
            Self::Silence { name, matchers, lasts_ms, change, by, because } => {
                if matchers.len() > MATCHERS_MAX {
                    return Err(WordFault::TooManyMatchers(matchers.len()));
                }
                let lasts_ms = i64::try_from(lasts_ms).unwrap_or(i64::MAX);
                let silence = Silence {
                    id: name,
                    kind: change
                        .map_or(SilenceKind::Silence, |change| SilenceKind::Maintenance { change }),
                    matchers,
                    from: now,
                    until: now.plus(lasts_ms),
                    signed: [(by, now)].into(),
                    reason: because,
                };
                let faults: Vec<String> =
                    silence.faults().iter().map(ToString::to_string).collect();
                if !faults.is_empty() {
                    return Err(WordFault::Silence(faults.join("; ")));
                }
                Input::Silence(silence)
            }
            Self::Sign { silence, by } => Input::Sign { silence, by },
            Self::Unsilence { silence, .. } => Input::Unsilence { silence },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_000);

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn quiet(matchers: &[&str], lasts_ms: u64, because: &str) -> Word {
        Word::Silence {
            name: name("upgrade"),
            matchers: matchers.iter().map(|text| text.parse().unwrap()).collect(),
            lasts_ms,
            change: None,
            by: name("ann"),
            because: because.to_owned(),
        }
    }

    #[test]
    fn a_word_says_who_and_why_and_comes_from_somebody_who_is_known() {
        let word = |because: &str| Word::Alert {
            alert: AlertId([7; 16]),
            deed: Deed::Acknowledge,
            by: name("ann"),
            because: because.to_owned(),
        };
        assert!(word("on it").input(&[], NOW).is_ok());
        assert!(word("on it").input(&[name("ann"), name("bob")], NOW).is_ok());
        assert_eq!(word(" ").input(&[], NOW), Err(WordFault::NoReason));
        let stranger = word("on it").input(&[name("bob")], NOW).unwrap_err();
        assert_eq!(stranger.to_string(), "ann is not in people.toml (one of: bob)");
    }

    #[test]
    fn a_silence_that_would_hide_everything_or_never_end_is_refused() {
        let told = |word: Word| word.input(&[], NOW).map(drop).map_err(|fault| fault.to_string());
        assert_eq!(told(quiet(&["monitor=\"gas\""], 3_600_000, "upgrade 214")), Ok(()));
        assert!(told(quiet(&[], 3_600_000, "noise")).unwrap_err().contains("fits every alert"));
        let days_40_ms = 40 * 86_400_000;
        assert!(told(quiet(&["monitor=\"gas\""], days_40_ms, "noise")).is_err());
        assert!(told(quiet(&["monitor=\"gas\""], 0, "noise")).is_err());
    }

    #[test]
    fn an_alert_is_named_as_everywhere_and_as_it_was_before() {
        let id: AlertId = "3f6c0a9d5b1e4c7a8d2f90b1c3e5a7f9".parse().unwrap();
        let said = |alert: &str, of: &str| {
            format!(
                r#"{{"alert":{{"alert":{alert},"deed":{{"duplicate":{{"of":{of}}}}},"by":"ann","because":"x"}}}}"#
            )
        };
        let word = Word::Alert {
            alert: id,
            deed: Deed::Duplicate { of: id },
            by: name("ann"),
            because: "x".to_owned(),
        };
        let (hex, numbers) = (format!("\"{id}\""), format!("{:?}", id.0));
        assert_eq!(serde_json::to_string(&word).unwrap(), said(&hex, &hex));
        assert_eq!(serde_json::from_str::<Word>(&said(&hex, &hex)).unwrap(), word);
        assert_eq!(serde_json::from_str::<Word>(&said(&numbers, &numbers)).unwrap(), word);
        let wrong = serde_json::from_str::<Word>(&said("\"3f6c\"", &hex)).unwrap_err();
        assert!(wrong.to_string().contains("32 hexadecimal digits"), "{wrong}");
    }

    #[test]
    fn a_word_is_the_same_after_its_way_through_the_api() {
        let word = quiet(&["monitor=~\"gas|calls\"", "severity!=\"high\""], 60_000, "noise");
        let json = serde_json::to_string(&word).unwrap();
        assert_eq!(serde_json::from_str::<Word>(&json).unwrap(), word);
    }
}
