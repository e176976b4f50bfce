//! Reports: what no chain says, but another system, or the program about itself.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Fact, FactValue, FindingId, Name, UnixMillis};

/// Who reports.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// This program, about itself.
    Bellwether,
    /// Another system, by its name in the files. All its words are untrusted.
    System(Name),
}

impl Source {
    /// What this program is called among the sources; no system may have this name.
    pub const OWN: &str = "bellwether";

    /// Its name.
    pub fn name(&self) -> Name {
        match self {
            Self::Bellwether => Name::new(Self::OWN).expect("a plain slug"),
            Self::System(name) => name.clone(),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bellwether => f.write_str(Self::OWN),
            Self::System(name) => fmt::Display::fmt(name, f),
        }
    }
}

/// Something that goes wrong outside of any chain: no block holds it, so none can take it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Who says so.
    pub source: Source,
    /// What the source knows it by: the same for as long as it goes on.
    pub fingerprint: String,
    /// Which of the source's rules says it (`alertname`).
    pub rule: String,
    /// One sentence: what is wrong.
    pub title: String,
    /// When it began, as the source says.
    pub began: UnixMillis,
    /// How many of the same it stands for, 1 or more.
    pub times: u64,
    /// What the source's routes look at.
    pub labels: BTreeMap<String, String>,
    /// What else it says.
    pub annotations: BTreeMap<String, String>,
    /// Where the source shows more. Never made a link of.
    pub shown_at: Option<String>,
}

impl Report {
    /// The identity of the `nth` report that `source` makes under this fingerprint about what began
    /// then: 0, unless the same was over in between. No finding has it.
    pub fn id(source: &Source, fingerprint: &str, began: UnixMillis, nth: u64) -> FindingId {
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        part(b"report/1");
        // An own report is none of a system that is called as we are.
        part(&[u8::from(matches!(source, Source::Bellwether))]);
        part(source.to_string().as_bytes());
        part(fingerprint.as_bytes());
        part(&began.0.to_be_bytes());
        part(&nth.to_be_bytes());
        let mut id = [0; 16];
        id.copy_from_slice(&hash.finalize()[..16]);
        FindingId(id)
    }

    /// Whether its words are ours.
    pub fn is_own(&self) -> bool {
        self.source == Source::Bellwether
    }

    /// All that it says, most telling first; of another system, as untrusted text.
    pub fn facts(&self) -> Vec<Fact> {
        let fact = |(name, value): (&String, &String)| Fact {
            name: name.clone(),
            value: match self.source {
                Source::Bellwether => FactValue::Text(value.clone()),
                Source::System(_) => FactValue::Untrusted(value.clone()),
            },
        };
        let shown_at = self.shown_at.as_ref().map(|at| ("shown at".to_owned(), at));
        let mut facts: Vec<Fact> = self.annotations.iter().map(fact).collect();
        facts.extend(self.labels.iter().map(fact));
        facts.extend(shown_at.iter().map(|(name, at)| fact((name, at))));
        facts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_known_by_who_says_what_since_when() {
        let system = |name: &str| Source::System(Name::new(name).unwrap());
        let one = Report::id(&system("prom"), "f", UnixMillis(1), 0);
        assert_eq!(one, Report::id(&system("prom"), "f", UnixMillis(1), 0));
        for other in [
            Report::id(&system("other"), "f", UnixMillis(1), 0),
            Report::id(&system("prom"), "g", UnixMillis(1), 0),
            Report::id(&system("prom"), "f", UnixMillis(2), 0),
            Report::id(&system("prom"), "f", UnixMillis(1), 1),
        ] {
            assert_ne!(one, other);
        }
        let own = Report::id(&Source::Bellwether, "f", UnixMillis(1), 0);
        assert_ne!(own, Report::id(&system(Source::OWN), "f", UnixMillis(1), 0));
    }
}
