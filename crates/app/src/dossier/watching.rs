//! Who watches a contract, and whether they could.

use std::collections::BTreeMap;

use detect::{MonitorSpec, RuleSpec, Subject};
use model::{BlindReason, Name, Severity};
use registry::Deployment;
use store::{Store, StoreError};

/// Blocks back from the newest one judged over which a dossier says who was blind: a day of
/// Ethereum.
pub const BLOCKS_LOOKED_AT: u64 = 7_200;

/// The monitors on a contract.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Watching {
    /// By name.
    pub monitors: Vec<Watch>,
    /// Blocks that were looked at for how it went; 0 when no store was there to ask.
    pub blocks: u64,
    /// Of those, blocks that nobody judged: in quarantine or missing.
    pub not_judged: u64,
}

/// One monitor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    /// Its name.
    pub monitor: Name,
    /// The detector, or the expression in words.
    pub rule: String,
    /// The detector's id, which has a page.
    pub detector: Option<String>,
    /// How bad a finding is.
    pub severity: Severity,
    /// Whether it names the contract, rather than watching everything.
    pub is_named: bool,
    /// Blocks in which it was blind, and why it was in the newest of them.
    pub blind: Option<(u64, BlindReason)>,
}

/// Whether a monitor watches a deployment, which may be the child of a factory.
pub(super) fn is_on(
    monitor: &MonitorSpec,
    deployment: &Deployment,
    factory: Option<&Name>,
) -> bool {
    let is_here = monitor.networks.is_empty() || monitor.networks.contains(&deployment.network);
    let is_named = monitor.on.contains(&deployment.label)
        || factory.is_some_and(|factory| monitor.children_of.contains(factory));
    is_here && (monitor.is_on_everything() || is_named)
}

impl Watching {
    /// What was declared, before the store is asked.
    pub fn on(deployment: &Deployment, monitors: &[MonitorSpec], factory: Option<&Name>) -> Self {
        let watch = |monitor: &MonitorSpec| Watch {
            monitor: monitor.name.clone(),
            rule: rule(&monitor.rule),
            detector: match &monitor.rule {
                RuleSpec::Detector { id, .. } => Some(id.clone()),
                RuleSpec::Expression { .. } => None,
            },
            severity: monitor.severity,
            is_named: !monitor.is_on_everything(),
            blind: None,
        };
        let on_it = monitors.iter().filter(|monitor| is_on(monitor, deployment, factory));
        let mut monitors: Vec<Watch> = on_it.map(watch).collect();
        monitors.sort_by(|a, b| a.monitor.cmp(&b.monitor));
        Self { monitors, blocks: 0, not_judged: 0 }
    }

    /// Looks at what became of the newest blocks.
    pub(super) fn look(
        &mut self,
        deployment: &Deployment,
        store: &Store,
    ) -> Result<(), StoreError> {
        let newest = store.coverage_newest(&deployment.network, None, 1)?;
        let Some(newest) = newest.first().map(|row| row.block.number) else { return Ok(()) };
        let from = newest.saturating_sub(BLOCKS_LOOKED_AT - 1);
        let from = from.max(deployment.first_block.unwrap_or(0));
        let summary = store.coverage_summary(&deployment.network, from)?;
        let blind: BTreeMap<&Name, _> =
            summary.blind.iter().map(|count| (&count.monitor, count)).collect();
        for watch in &mut self.monitors {
            watch.blind =
                blind.get(&watch.monitor).map(|count| (count.blocks, count.reason.clone()));
        }
        self.blocks = summary.blocks + summary.missing;
        self.not_judged = summary.quarantined + summary.missing;
        Ok(())
    }
}

fn rule(rule: &RuleSpec) -> String {
    match rule {
        RuleSpec::Detector { id, .. } => id.clone(),
        RuleSpec::Expression { subject, when, .. } => {
            let subject = match subject {
                Subject::Event(text) => format!("event {text}"),
                Subject::Call(text) => format!("call {text}"),
                Subject::Transaction => "transaction".to_owned(),
                Subject::Involving => "transaction that involves it".to_owned(),
            };
            match when {
                Some(when) => format!("{subject} when {when}"),
                None => subject,
            }
        }
    }
}
