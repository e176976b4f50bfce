//! Other code runs behind the same address. The page is `proxy_upgraded.md`.

use model::{BlindReason, FactValue, Level, Severity};
use registry::{
    fact,
    lineage::FacetDiff,
    risk::{self, RiskKind},
};

use crate::{
    chronicle::Place,
    detectors::{
        Block, Claim, Detector, Judge, Report, Settings, Site, Spec, Touch, Wants, What,
        access::role_change::risk_topics,
    },
    state::StateTable,
};

static SPEC: Spec = Spec {
    id: "change/proxy_upgraded",
    version: 1,
    needs: Level::Logs,
    severity: Severity::Critical,
    params: &[],
    page: include_str!("proxy_upgraded.md"),
};

/// See the page.
#[derive(Debug)]
pub struct ProxyUpgraded;

impl Detector for ProxyUpgraded {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn watches_children(&self) -> bool {
        true
    }

    fn configure(&self, _: &Settings, site: Site) -> Box<dyn Judge> {
        Box::new(Configured { severity: site.severity })
    }
}

struct Configured {
    severity: Severity,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants { topics: risk_topics(), ..Wants::default() }
    }

    fn judge(
        &self,
        block: &Block<'_>,
        touches: &[Touch],
        _: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        for touch in touches {
            let What::Log(ordinal) = touch.what else { continue };
            let log = block.log(touch.tx, ordinal);
            let event = match risk::read(log) {
                Ok(Some(event)) => event,
                Ok(None) => continue,
                Err(why) => {
                    report.blind(BlindReason::Undecodable(why.to_string()));
                    continue;
                }
            };
            let RiskKind::ParameterUpdate(update) = &event.kind else { continue };
            if !update.parameter.is_upgrade() {
                continue;
            }
            let contract = block.name_of(log.address);
            let new = update.new.as_ref().map(|new| fact(new, block.network(), block.registry));
            let shown = new.as_ref().map_or_else(|| "unknown code".to_owned(), |n| n.to_string());
            let part = update.parameter.as_str();
            let place = Place::Log { tx: touch.tx, ordinal };
            let cut = block.news.cuts.iter().find(|cut| cut.place == place).map(|cut| &cut.diff);
            let title = match cut {
                Some(diff) => format!("{contract} was cut: {}", said(diff)),
                None => format!("{contract} was upgraded: its {part} is now {shown}"),
            };
            let mut claim =
                Claim::about_log(block, touch.tx, ordinal, title).severity(self.severity);
            if let Some(new) = new {
                claim = claim.fact(format!("new {part}"), new);
            }
            if let Some(old) = &update.old {
                let old = fact(old, block.network(), block.registry);
                claim = claim.fact(format!("old {part}"), old);
            }
            for (name, facts) in cut.into_iter().flat_map(|diff| cut_facts(block, diff)) {
                claim = claim.fact(name, FactValue::List(facts));
            }
            let by = block.address_fact(block.tx(touch.tx).from);
            report.claim(
                claim
                    .fact("transaction sender", by)
                    .fact("standard", FactValue::Text(event.source.family.to_owned())),
            );
        }
    }
}

/// Functions that a fact lists; a larger cut is told by its count.
const FUNCTIONS_SHOWN_MAX: usize = 32;

/// What a cut did, in numbers.
pub(super) fn said(diff: &FacetDiff) -> String {
    let (added, replaced) = (diff.added.len(), diff.replaced.len());
    format!("{added} functions added, {replaced} replaced, {} removed", diff.removed.len())
}

/// What a cut did, function by function, with the facets that answer now.
pub(super) fn cut_facts(
    block: &Block<'_>,
    diff: &FacetDiff,
) -> Vec<(&'static str, Vec<FactValue>)> {
    let function = |selector: &[u8; 4]| FactValue::Bytes(selector.to_vec().into());
    let added = diff.added.iter().map(|(selector, _)| function(selector));
    let replaced = diff.replaced.iter().map(|(selector, ..)| function(selector));
    let removed = diff.removed.iter().map(|(selector, _)| function(selector));
    let facets = diff.new_facets().into_iter().map(|facet| block.address_fact(facet));
    let shown: [(&str, Vec<FactValue>); 4] = [
        ("facets that answer now", facets.take(FUNCTIONS_SHOWN_MAX).collect()),
        ("functions added", added.take(FUNCTIONS_SHOWN_MAX).collect()),
        ("functions replaced", replaced.take(FUNCTIONS_SHOWN_MAX).collect()),
        ("functions removed", removed.take(FUNCTIONS_SHOWN_MAX).collect()),
    ];
    shown.into_iter().filter(|(_, facts)| !facts.is_empty()).collect()
}
