//! Inhibition: while one alert stands, another one says nothing new.
//!
//! The meaning is Alertmanager's, with two differences that are on purpose. A critical alert, or one
//! about an outflow above the limit, is only inhibited by one at least as bad. And an alert that
//! people do not hear of themselves, because it is silenced, hides no other.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use model::{AlertId, Name, Severity};

use crate::{Labels, Matcher};

/// Sources of one rule that are looked at for one alert. When none of so many may hide it, it is
/// told: a storm of sources must not cost more than a storm of messages.
pub const LOOKED_AT_MAX: usize = 64;

/// A rule: alerts that fit `source` hide those that fit `target`, where the labels in `equal` have
/// the same values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inhibition {
    /// What the user calls it.
    pub name: Name,
    /// What hides.
    pub source: Vec<Matcher>,
    /// What is hidden.
    pub target: Vec<Matcher>,
    /// Labels with the same value on both sides; one that is on neither side is the same.
    pub equal: Vec<String>,
}

fn fits(matchers: &[Matcher], labels: &Labels) -> bool {
    matchers.iter().all(|matcher| matcher.matches(labels))
}

impl Inhibition {
    fn shared(&self, labels: &Labels) -> Vec<String> {
        self.equal.iter().map(|label| labels.get(label).to_owned()).collect()
    }
}

/// A source: the worst first, so that what may hide a bad alert is found among the first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Source {
    severity: std::cmp::Reverse<Severity>,
    alert: AlertId,
    /// Whether it fits the target side, too.
    is_two_sided: bool,
}

/// The alerts that stand and could hide others, filed by rule and shared values.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sources {
    rules: Vec<HashMap<Vec<String>, BTreeSet<Source>>>,
    /// Where each alert is filed.
    filed: BTreeMap<AlertId, Vec<(usize, Vec<String>, Source)>>,
}

impl Sources {
    /// Files an alert anew: under each rule whose source it is, if it stands.
    pub(crate) fn file(
        &mut self,
        rules: &[Inhibition],
        alert: AlertId,
        labels: &Labels,
        severity: Severity,
        is_firing: bool,
    ) {
        for (rule, shared, source) in self.filed.remove(&alert).unwrap_or_default() {
            let Some(by_values) = self.rules.get_mut(rule) else { continue };
            if let Some(sources) = by_values.get_mut(&shared) {
                sources.remove(&source);
                if sources.is_empty() {
                    by_values.remove(&shared);
                }
            }
        }
        if !is_firing {
            return;
        }
        self.rules.resize_with(rules.len(), HashMap::new);
        for (place, rule) in rules.iter().enumerate().filter(|(_, r)| fits(&r.source, labels)) {
            let shared = rule.shared(labels);
            let is_two_sided = fits(&rule.target, labels);
            let source = Source { severity: std::cmp::Reverse(severity), alert, is_two_sided };
            self.rules[place].entry(shared.clone()).or_default().insert(source.clone());
            self.filed.entry(alert).or_default().push((place, shared, source));
        }
    }

    /// The rule and the alert that hide this one. `from` is the least severity of a source that may,
    /// and `is_heard` whether people hear of the source itself.
    pub(crate) fn hides<'a>(
        &self,
        rules: &'a [Inhibition],
        labels: &Labels,
        from: Option<Severity>,
        is_heard: impl Fn(AlertId) -> bool,
    ) -> Option<(&'a Name, AlertId)> {
        for (rule, by_values) in rules.iter().zip(&self.rules) {
            if by_values.is_empty() || !fits(&rule.target, labels) {
                continue;
            }
            // What fits both sides is not hidden by its like, itself among them.
            let is_two_sided = fits(&rule.source, labels);
            let sources = by_values.get(&rule.shared(labels)).into_iter().flatten();
            let found = sources
                .take_while(|source| from.is_none_or(|from| source.severity.0 >= from))
                .filter(|source| !(is_two_sided && source.is_two_sided))
                .take(LOOKED_AT_MAX)
                .find(|source| is_heard(source.alert));
            if let Some(source) = found {
                return Some((&rule.name, source.alert));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule() -> Vec<Inhibition> {
        vec![Inhibition {
            name: Name::new("drain-hides-outflow").unwrap(),
            source: Matcher::list("monitor=drain").unwrap(),
            target: Matcher::list("monitor=~\"outflow|drain\"").unwrap(),
            equal: vec!["protocol".to_owned()],
        }]
    }

    fn labels(monitor: &str, protocol: &str) -> Labels {
        [("monitor", monitor), ("protocol", protocol)].into_iter().collect()
    }

    const DRAIN: AlertId = AlertId([1; 16]);

    #[test]
    fn a_source_hides_targets_that_share_the_labels_while_it_stands() {
        let (rules, mut sources) = (rule(), Sources::default());
        sources.file(&rules, DRAIN, &labels("drain", "acme"), Severity::High, true);
        let hides = |sources: &Sources, labels: &Labels, from| {
            sources.hides(&rules, labels, from, |_| true).is_some()
        };
        assert!(hides(&sources, &labels("outflow", "acme"), None));
        assert!(!hides(&sources, &labels("outflow", "other"), None), "another protocol");
        assert!(
            !hides(&sources, &labels("drain", "acme"), None),
            "fits both sides, like the source"
        );
        assert!(!hides(&sources, &labels("outflow", "acme"), Some(Severity::Critical)));
        assert!(sources.hides(&rules, &labels("outflow", "acme"), None, |_| false).is_none());
        sources.file(&rules, DRAIN, &labels("drain", "acme"), Severity::High, false);
        assert!(!hides(&sources, &labels("outflow", "acme"), None));
        assert!(sources.rules[0].is_empty(), "nothing of it is left");
    }
}
