//! What the ledger has to know of monitors: who they are, what they judge by, what they see.

use model::{Guards, Name, Roster, RosterDeployment, RosterMonitor};
use registry::{
    Registry,
    coverage::{Entries, Reach, Threat},
};
use rustc_hash::FxHashMap;

use super::{Compiled, MonitorSpec, Occasion, Rule, RuleSpec};
use crate::detectors;

/// The monitors of one network and what they guard there, in the order of `monitors`.
pub(crate) fn roster(
    registry: &Registry,
    specs: &[MonitorSpec],
    network: &Name,
    monitors: &[Compiled],
) -> Roster {
    let here = || registry.deployments().iter().filter(|d| d.network == *network);
    let deployments =
        here().map(|d| RosterDeployment { label: d.label.clone(), address: d.address }).collect();
    let places: FxHashMap<&Name, u32> = here().map(|d| &d.label).zip(0..).collect();
    let specs: FxHashMap<&Name, &MonitorSpec> = specs.iter().map(|s| (&s.name, s)).collect();
    let monitors = monitors.iter().filter_map(|monitor| {
        // A monitor is compiled from the specification of its name.
        let spec = *specs.get(&monitor.name)?;
        let watches_all = spec.is_on_everything() && registry.dependencies().is_empty();
        let guards = if watches_all {
            Guards::All
        } else {
            let mut on: Vec<u32> = spec.on.iter().filter_map(|l| places.get(l).copied()).collect();
            if let Rule::Detector { guarded, .. } = &monitor.rule {
                // Besides what it names: what those rely on.
                let labels = guarded.iter().map(|index| &registry.deployment(*index).label);
                on.extend(labels.filter_map(|label| places.get(label).copied()));
            } else if spec.is_on_everything() {
                let own = registry.own().filter(|(_, d)| d.network == *network);
                on.extend(own.filter_map(|(_, d)| places.get(&d.label).copied()));
            }
            on.sort_unstable();
            on.dedup();
            Guards::Some(on)
        };
        Some(RosterMonitor {
            name: spec.name.clone(),
            rule: rule_of(spec),
            guards,
            is_live_only: matches!(&monitor.rule, Rule::Detector { wants, .. } if wants.is_live_only()),
        })
    });
    Roster { deployments, monitors: monitors.collect() }
}

/// A number that changes whenever anything changes that the monitor's verdicts follow from. How it
/// is called to people, and how bad it is, is no part of it; which contracts it guards is kept
/// beside it.
fn rule_of(spec: &MonitorSpec) -> u64 {
    let rule = match &spec.rule {
        RuleSpec::Detector { id, params } => {
            let own = detectors::find(id).map(|d| d.spec().version);
            format!("{id} {own:?} {params:?}")
        }
        RuleSpec::Expression { subject, when, any_address_abi } => {
            let abi = any_address_abi.iter();
            let events = abi.clone().flat_map(|abi| abi.events()).map(ToString::to_string);
            let functions = abi.flat_map(|abi| abi.functions()).map(ToString::to_string);
            let abi: Vec<String> = events.chain(functions).collect();
            format!("{subject:?} {when:?} {abi:?}")
        }
    };
    number_of(&format!("{} {:?} {rule}", spec.version, spec.children_of))
}

/// The first eight bytes of a text's hash.
pub(super) fn number_of(text: &str) -> u64 {
    let digest = alloy_primitives::keccak256(text);
    digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// What a monitor sees of the contracts that it guards: read from what wakes it, so that it cannot
/// promise more than it gets.
pub(crate) fn reach(monitor: &Compiled) -> Reach {
    let mut reach = Reach {
        entries: Entries::These(Vec::new()),
        topics: Vec::new(),
        money: false,
        feeds: false,
        threats: Vec::new(),
    };
    match &monitor.rule {
        Rule::Detector { wants, .. } => {
            reach.topics.clone_from(&wants.topics);
            reach.money = wants.transfers;
            let detector = detectors::find(&monitor.claimant.detector);
            reach.threats = detector.map_or(Vec::new(), |detector| detector.threats().to_vec());
            let is_about = |threat| reach.threats.contains(&threat);
            // What is usual is learned from the calls of every block, counted.
            let counts_calls = wants.every_block && is_about(Threat::Anomaly);
            if wants.calls || wants.transactions || counts_calls {
                reach.entries = Entries::All;
            }
            reach.feeds = is_about(Threat::Silence) || is_about(Threat::Manipulation);
        }
        Rule::Expression(matchers) => {
            let mut selectors = Vec::new();
            for matcher in matchers {
                match &matcher.occasion {
                    Occasion::Event(event) => {
                        reach.topics.extend(event.topic0);
                        // What an event says is for whoever wrote the condition to judge.
                        reach.threats.extend([Threat::Takeover, Threat::Change]);
                    }
                    Occasion::Call(function) => {
                        selectors.push(function.selector);
                        reach.threats.push(Threat::Misuse);
                    }
                    Occasion::Transaction | Occasion::Involving => {
                        reach.entries = Entries::All;
                        reach.threats.push(Threat::Misuse);
                    }
                }
            }
            if reach.entries != Entries::All {
                selectors.sort_unstable();
                selectors.dedup();
                reach.entries = Entries::These(selectors);
            }
        }
    }
    reach.topics.sort_unstable();
    reach.topics.dedup();
    reach.threats.sort_unstable();
    reach.threats.dedup();
    reach
}
