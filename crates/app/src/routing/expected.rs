//! What the user expects of the routes, held against what they do.

use std::collections::BTreeSet;

use alert::plan::Plan;
use model::UnixMillis;
use registry::Registry;
use serde::Serialize;

use super::Trial;
use crate::config::{Expectation, Reach};

/// An expectation that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What the user calls it.
    pub name: String,
    /// Line in `tests/routes.toml`.
    pub line: Option<usize>,
    /// What differs, a sentence each.
    pub what: Vec<String>,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "tests/routes.toml")?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.name)?;
        for what in &self.what {
            write!(f, "\n   = {what}")?;
        }
        Ok(())
    }
}

/// The expectations that do not hold; what does not say when is tried at `now`.
pub fn differences(
    expectations: &[Expectation],
    plan: &Plan,
    registry: &Registry,
    now: UnixMillis,
) -> Vec<Difference> {
    expectations.iter().filter_map(|expected| difference(expected, plan, registry, now)).collect()
}

fn difference(
    expected: &Expectation,
    plan: &Plan,
    registry: &Registry,
    now: UnixMillis,
) -> Option<Difference> {
    let trial = Trial { labels: expected.labels.clone(), outflow_usd: expected.outflow_usd };
    let facts = trial.facts(expected.severity, registry);
    let preview = plan.preview(&facts, [], expected.at.unwrap_or(now));
    let mut reached: BTreeSet<Reach> = BTreeSet::new();
    for way in &preview.ways {
        for receiver in way.receivers.iter().filter(|_| !way.is_muted) {
            let over = plan.channels.get(receiver).map(|channel| channel.kind);
            reached.insert(Reach { who: receiver.clone(), over });
        }
        for (_, person, channels, _) in way.pages.iter().filter(|page| page.0 < 60) {
            reached.extend(channels.iter().map(|channel| Reach {
                who: person.clone(),
                over: plan.channels.get(channel).map(|channel| channel.kind),
            }));
        }
    }
    let is_reached = |wanted: &Reach| {
        let fits =
            |is: &&Reach| is.who == wanted.who && wanted.over.is_none_or(|o| is.over == Some(o));
        reached.iter().find(fits)
    };
    let listed = |all: &BTreeSet<Reach>| {
        let words: Vec<String> = all.iter().map(ToString::to_string).collect();
        if words.is_empty() { "nobody".to_owned() } else { words.join(", ") }
    };
    let mut what = Vec::new();
    for wanted in expected.reaches.iter().flatten().filter(|wanted| is_reached(wanted).is_none()) {
        what.push(format!("{wanted} is expected; reached are {}", listed(&reached)));
    }
    for unwanted in &expected.not {
        if let Some(is) = is_reached(unwanted) {
            what.push(format!("{is} is reached and must not be"));
        }
    }
    if expected.reaches.as_ref().is_some_and(Vec::is_empty) && !reached.is_empty() {
        what.push(format!("nobody is expected; reached are {}", listed(&reached)));
    }
    if let Some(wanted) = &expected.routes {
        let taken: Vec<String> = preview.ways.iter().map(|way| way.path.to_string()).collect();
        if taken != *wanted {
            what.push(format!("goes by {}; expected is {}", taken.join(", "), wanted.join(", ")));
        }
    }
    let (name, line) = (expected.name.clone(), expected.line);
    (!what.is_empty()).then_some(Difference { name, line, what })
}
