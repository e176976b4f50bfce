//! What is new or worse, as findings.

use std::collections::{BTreeMap, BTreeSet};

use model::{BlindReason, Confidence, FactValue, Severity, UnixSeconds};
use registry::authority::{DriftItem, DriftKey, History, Moment, Observed, drift};

use super::{Configured, Drifts, Told, Uses, seen::SourceOf};
use crate::{
    detectors::{Block, Claim, Report, milder, worse},
    state::{Key, Kind, StateTable},
};

/// Drifts that are remembered at once. Who has more has no policy.
const DRIFTS_MAX: usize = 4_096;

impl Configured {
    /// Holds everything against the policy and tells what is new or worse.
    pub(super) fn compare(
        &self,
        block: &Block<'_>,
        sources: &SourceOf,
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let key = Key::new(Kind::Drifts).monitor(&self.key);
        let began = self.began(memory, block);
        let at = Moment { block: block.bundle.header.number, at: block.at };
        let (observed, history) = self.observed(at, began, memory);
        let known = memory.get::<Drifts>(&key).map(|drifts| drifts.open.clone());
        let known = known.unwrap_or_default();
        let declared = self.registry.authority();
        let mut items =
            drift(std::slice::from_ref(&observed), &self.registry, declared, block.at, &history);
        if items.len() > DRIFTS_MAX {
            let reason = format!("{} drifts, at most {DRIFTS_MAX} are followed", items.len());
            report.blind(BlindReason::Evaluation(reason));
            items.truncate(DRIFTS_MAX);
        }
        let mut open = BTreeMap::new();
        for item in items {
            let told = known.get(&item.key).and_then(|told| told.severity);
            let severity = item.accepted.is_none().then_some(item.severity);
            if severity > told {
                report.claim(self.claim(block, &item, sources));
            }
            open.insert(item.key.clone(), Told { since: item.since, severity: severity.max(told) });
        }
        let next_at = UnixSeconds(block.at.0.saturating_add(self.judge_every_s));
        let drifts = memory.entry(key, || Drifts::new(began));
        drifts.open = open;
        drifts.next_at = next_at;
    }

    pub(super) fn observed(
        &self,
        at: Moment,
        began: Moment,
        memory: &StateTable,
    ) -> (Observed, History) {
        let mut observed = Observed::new(self.network.clone(), None, at);
        let mut history = History { watched_since: Some(began.at), ..History::default() };
        let is_asked: BTreeSet<u64> = self.asked.iter().map(|asked| asked.id).collect();
        for &contract in &self.watched {
            let held = self.held(contract, began, memory);
            let mismatches = held.mismatches.iter().filter(|(id, _)| is_asked.contains(id));
            let mismatches: Vec<_> = mismatches.flat_map(|(_, all)| all.clone()).collect();
            if !mismatches.is_empty() {
                observed.mismatches.insert(contract, mismatches);
            }
            observed.contracts.insert(contract, held.holdings);
            if let Some(uses) = memory.get::<Uses>(&self.key_of(Kind::Uses, contract)) {
                for (holder, at) in uses.all() {
                    history.used.insert((self.network.clone(), contract, holder), at);
                }
            }
        }
        if let Some(drifts) = memory.get::<Drifts>(&Key::new(Kind::Drifts).monitor(&self.key)) {
            let seen = drifts.open.iter().map(|(key, told)| (key.clone(), told.since));
            history.first_seen = seen.collect();
        }
        (observed, history)
    }

    fn claim(&self, block: &Block<'_>, item: &DriftItem, sources: &SourceOf) -> Claim {
        let key = &item.key;
        // The monitor's severity is that of a stranger with power over money.
        let at = |severity| Severity::ALL.iter().position(|s| *s == severity).unwrap_or(0);
        let (wanted, usual) = (at(item.severity), at(Severity::High));
        let severity = match wanted.checked_sub(usual) {
            Some(steps) => worse(self.severity, steps),
            None => milder(self.severity, usual - wanted),
        };
        let entity = entity(key);
        let mut claim = Claim::about_episode(block, entity, item.since.at, item.title.clone())
            .about(block, key.contract)
            .what(item.severity.as_str())
            .severity(severity)
            .confidence(Confidence::Proven)
            .fact("drift", FactValue::Text(key.class.as_str().to_owned()))
            .fact("power", FactValue::Number { value: item.power, unit: "of 10".to_owned() });
        if let Some(role) = &key.role {
            claim = claim.fact("role", FactValue::Text(role.words()));
        }
        if let Some(account) = key.account {
            claim = claim.fact("account", block.address_fact(account));
        }
        if item.age_s > 0 {
            claim = claim.fact("stands for", FactValue::Seconds(item.age_s));
        }
        for repair in &item.repairs {
            if let Some(from) = repair.from {
                claim = claim.fact("repair must come from", block.address_fact(from));
            }
            claim = claim
                .fact("repair calls", block.address_fact(repair.to))
                .fact("repair", FactValue::Text(repair.explanation.clone()))
                .fact("repair calldata, unsigned", FactValue::Bytes(repair.data.clone()));
        }
        let source = sources.get(&(key.contract, key.role.clone(), key.account));
        if let Some(&(tx, ordinal)) = source {
            claim.origin.tx = Some(block.tx(tx).hash);
            claim.origin.log_index = Some(block.log(tx, ordinal).index);
            claim = claim.fact("transaction sender", block.address_fact(block.tx(tx).from));
        }
        claim
    }
}

/// A drift as the entity of an episode.
fn entity(key: &DriftKey) -> String {
    let role = key.role.as_ref().map(ToString::to_string).unwrap_or_default();
    let account = key.account.map(|account| account.to_string()).unwrap_or_default();
    format!("{} {} {role} {account}", key.class, key.contract)
}
