//! Threats that name it, and what changed.

use model::{Name, UnixSeconds};
use serde::Serialize;

use super::super::layout::When;
use crate::{dossier, words};

#[derive(Serialize)]
pub(super) struct Threat {
    id: String,
    title: String,
    domain: &'static str,
    rating: &'static str,
    impact: String,
    through: String,
    monitors: String,
    gaps: Vec<Gap>,
}

#[derive(Serialize)]
struct Gap {
    /// `no plan`.
    kind: String,
    /// In a sentence, with what closes it.
    text: String,
}

#[derive(Serialize)]
pub(super) struct Change {
    block: String,
    at: Option<When>,
    what: String,
    detector: Option<String>,
    severity: Option<&'static str>,
    status: Option<&'static str>,
}

fn names(names: &[Name]) -> String {
    names.iter().map(Name::as_str).collect::<Vec<_>>().join(", ")
}

impl Threat {
    pub(super) fn new(of: &dossier::Threatened) -> Self {
        let gap = |gap: &registry::threats::Gap| Gap {
            kind: gap.kind.as_str().replace('-', " "),
            text: words::clean(&format!("{}: {}", gap.text, gap.close)),
        };
        Self {
            id: of.threat.id.to_string(),
            title: words::clean(&of.threat.title),
            domain: of.threat.domain.as_str(),
            rating: of.rating.as_str(),
            impact: format!("{} {}", words::grouped(of.threat.impact), words::clean(&of.currency)),
            through: names(&of.through),
            monitors: names(&of.threat.monitors),
            gaps: of.gaps.iter().map(gap).collect(),
        }
    }
}

impl Change {
    pub(super) fn new(change: &dossier::Change, now: UnixSeconds) -> Self {
        let found = change.finding.as_ref();
        Self {
            block: words::grouped(change.block),
            at: change.at.map(|at| When::new(at, now)),
            what: words::clean(&change.what),
            detector: found.map(|found| found.detector.clone()),
            severity: found.map(|found| found.severity.as_str()),
            status: found.map(|found| words::finding_status(found.status)),
        }
    }
}
