//! How bad another system says that something is, in our words.

use std::collections::BTreeMap;

use model::Severity;

/// The words of other systems that mean the same everywhere; the user's own come before them.
const USUAL: [(&str, Severity); 21] = [
    ("critical", Severity::Critical),
    ("page", Severity::Critical),
    ("emergency", Severity::Critical),
    ("fatal", Severity::Critical),
    ("disaster", Severity::Critical),
    ("high", Severity::High),
    ("major", Severity::High),
    ("error", Severity::High),
    ("medium", Severity::Medium),
    ("moderate", Severity::Medium),
    ("average", Severity::Medium),
    ("warning", Severity::Medium),
    ("warn", Severity::Medium),
    ("low", Severity::Low),
    ("minor", Severity::Low),
    ("ticket", Severity::Low),
    ("notice", Severity::Low),
    ("info", Severity::Info),
    ("information", Severity::Info),
    ("informational", Severity::Info),
    ("none", Severity::Info),
];

/// Which label says how bad it is, and what its values mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Severities {
    /// The label.
    pub label: String,
    /// The user's own words, in small letters.
    pub own: BTreeMap<String, Severity>,
    /// What no word is known for, or what says nothing.
    pub unknown: Severity,
}

impl Default for Severities {
    /// The label `severity`; an unknown word is told, and wakes nobody unless routes say so.
    fn default() -> Self {
        Self { label: "severity".to_owned(), own: BTreeMap::new(), unknown: Severity::Medium }
    }
}

impl Severities {
    /// How bad, and what people should know when that was not clear.
    pub fn of(&self, labels: &BTreeMap<String, String>) -> (Severity, Option<String>) {
        let said = labels.get(&self.label).map(|word| word.trim()).unwrap_or_default();
        let word = said.to_lowercase();
        let usual = || USUAL.iter().find(|(known, _)| *known == word).map(|(_, means)| *means);
        match self.own.get(&word).copied().or_else(usual) {
            Some(severity) => (severity, None),
            None if said.is_empty() => {
                let told = format!("no label {:?}: taken for {}", self.label, self.unknown);
                (self.unknown, Some(told))
            }
            None => {
                (self.unknown, Some(format!("{said:?} is unknown: taken for {}", self.unknown)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(severities: &Severities, word: &str) -> (Severity, Option<String>) {
        severities.of(&BTreeMap::from([("severity".to_owned(), word.to_owned())]))
    }

    #[test]
    fn what_is_not_known_is_told_and_says_so() {
        let usual = Severities::default();
        assert_eq!(of(&usual, "page"), (Severity::Critical, None));
        assert_eq!(of(&usual, " WARNING "), (Severity::Medium, None));
        assert_eq!(of(&usual, "info"), (Severity::Info, None));
        let (severity, told) = of(&usual, "sev\"1");
        assert_eq!(severity, Severity::Medium);
        assert_eq!(told.unwrap(), r#""sev\"1" is unknown: taken for medium"#);
        let (severity, told) = usual.of(&BTreeMap::new());
        assert_eq!(severity, Severity::Medium);
        assert_eq!(told.unwrap(), r#"no label "severity": taken for medium"#);
    }

    #[test]
    fn the_users_own_words_come_first() {
        let own = BTreeMap::from([("page".to_owned(), Severity::High)]);
        let severities = Severities { own, unknown: Severity::Critical, ..Severities::default() };
        assert_eq!(of(&severities, "page").0, Severity::High);
        assert_eq!(of(&severities, "warning").0, Severity::Medium);
        assert_eq!(of(&severities, "?").0, Severity::Critical);
    }
}
