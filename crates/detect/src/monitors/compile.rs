//! From declared to ready: every mistake of every monitor at once.

use std::{collections::BTreeSet, sync::Arc};

use model::{Level, Name};
use registry::Registry;
use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    Matcher, MonitorError, MonitorPart, MonitorSpec, RuleSpec, expression::ExpressionScope,
};
use crate::{
    detectors::{self, Judge, Settings, Site, Wants, params::unknown, report::Claimant},
    state::MonitorKey,
};

/// A monitor on one network, ready to judge.
pub(crate) struct Compiled {
    pub(crate) name: Name,
    pub(crate) claimant: Claimant,
    /// Least that the network must give for the whole of it to be judged.
    pub(crate) needs: Level,
    /// Least that the network must give for new children of its factories to be seen.
    pub(crate) needs_for_children: Level,
    pub(crate) rule: Rule,
}

/// What it looks for.
pub(crate) enum Rule {
    Detector { judge: Box<dyn Judge>, wants: Wants, guarded: Vec<u32>, children_of: Vec<u32> },
    Expression(Vec<Matcher>),
}

/// Networks that deployments or monitors name, sorted.
pub(crate) fn network_names(registry: &Registry, specs: &[MonitorSpec]) -> BTreeSet<Name> {
    let deployed = registry.deployments().iter().map(|d| d.network.clone());
    deployed.chain(specs.iter().flat_map(|spec| spec.networks.iter().cloned())).collect()
}

/// Compiles the monitors of one network; those that have mistakes are left out and told.
pub(crate) fn compile(
    registry: &Arc<Registry>,
    specs: &[MonitorSpec],
    network: &Name,
) -> (Vec<Compiled>, Vec<MonitorError>) {
    let mut ready = Vec::new();
    let mut errors = Vec::new();
    let mut names = FxHashSet::default();
    let scope = ExpressionScope::new(registry, network, specs);
    let places = Places::new(registry, network);
    for spec in specs {
        let mut mistakes = Vec::new();
        if !names.insert(&spec.name) {
            mistakes.push((MonitorPart::Name, "another monitor has the same name".to_owned()));
        }
        let guarded = guarded(registry, spec, network, &places, &mut mistakes);
        let children_of = factories(registry, spec, network, &mut mistakes);
        let is_elsewhere = !spec.networks.is_empty() && !spec.networks.contains(network);
        let compiled =
            monitor(registry, spec, network, (&guarded, &children_of), &scope, &mut mistakes);
        if mistakes.is_empty() {
            let has_nothing_here =
                !spec.is_on_everything() && guarded.is_empty() && children_of.is_empty();
            ready.extend(compiled.filter(|_| !is_elsewhere && !has_nothing_here));
        }
        errors.extend(mistakes.into_iter().map(|(part, message)| MonitorError {
            monitor: spec.name.clone(),
            part,
            message,
        }));
    }
    (ready, errors)
}

/// Deployments on this network that the monitor is on, ascending.
fn guarded(
    registry: &Registry,
    spec: &MonitorSpec,
    network: &Name,
    places: &Places<'_>,
    mistakes: &mut Vec<(MonitorPart, String)>,
) -> Vec<u32> {
    let deployments = registry.deployments();
    for label in &spec.on {
        match registry.get(label) {
            None => {
                let known: Vec<&str> = deployments.iter().map(|d| d.label.as_str()).collect();
                mistakes.push((MonitorPart::On, unknown("deployment", label.as_str(), &known)));
            }
            Some(deployment) => {
                let is_excluded =
                    !spec.networks.is_empty() && !spec.networks.contains(&deployment.network);
                if is_excluded {
                    let message = format!(
                        "deployment {label} is on network {}, which the monitor does not watch",
                        deployment.network
                    );
                    mistakes.push((MonitorPart::On, message));
                }
            }
        }
    }
    if spec.is_on_everything() {
        return places.here.clone();
    }
    let mut guarded: Vec<u32> = spec
        .on
        .iter()
        .filter_map(|label| places.by_label.get(label).copied())
        .filter(|&index| deployments[index as usize].network == *network)
        .collect();
    guarded.sort_unstable();
    guarded.dedup();
    guarded
}

/// Factories on this network whose children the monitor is on, ascending.
fn factories(
    registry: &Registry,
    spec: &MonitorSpec,
    network: &Name,
    mistakes: &mut Vec<(MonitorPart, String)>,
) -> Vec<u32> {
    let is_here = |index: &u32| registry.deployment(*index).network == *network;
    if spec.is_on_everything() {
        return registry.factories().into_iter().filter(is_here).collect();
    }
    let mut found = Vec::new();
    for label in &spec.children_of {
        match registry.index_of(label) {
            Some(index) if registry.template(index).is_some() => found.push(index),
            Some(_) => {
                let message = format!(
                    "deployment {label} does not say what its children are; give it a [children] table"
                );
                mistakes.push((MonitorPart::On, message));
            }
            None => {
                let factories = registry.factories();
                let known: Vec<&str> =
                    factories.iter().map(|f| registry.deployment(*f).label.as_str()).collect();
                mistakes.push((MonitorPart::On, unknown("factory", label.as_str(), &known)));
            }
        }
    }
    found.retain(is_here);
    found.sort_unstable();
    found.dedup();
    found
}

/// Least that the network must give for the children of these factories to be seen.
fn needs_for_children(registry: &Registry, factories: &[u32]) -> Level {
    let by_frames = |index: &u32| {
        registry.template(*index).is_some_and(|t| t.source == registry::ChildSource::Frames)
    };
    if factories.iter().any(by_frames) { Level::Traces } else { Level::Logs }
}

/// Deployments by label and network, so that ten thousand monitors do not search a thousand
/// deployments each.
struct Places<'r> {
    by_label: FxHashMap<&'r Name, u32>,
    here: Vec<u32>,
}

impl<'r> Places<'r> {
    fn new(registry: &'r Registry, network: &Name) -> Self {
        let all = || registry.deployments().iter().zip(0u32..);
        Self {
            by_label: all().map(|(deployment, index)| (&deployment.label, index)).collect(),
            // What ours rely on is watched by whoever asks for it, not by whoever asks for all.
            here: registry
                .own()
                .filter(|(_, deployment)| deployment.network == *network)
                .map(|(index, _)| index)
                .collect(),
        }
    }
}

fn monitor(
    registry: &Arc<Registry>,
    spec: &MonitorSpec,
    network: &Name,
    (guarded, children_of): (&[u32], &[u32]),
    scope: &ExpressionScope<'_>,
    mistakes: &mut Vec<(MonitorPart, String)>,
) -> Option<Compiled> {
    let claimant = |detector: &str, version: u32, runbook: Option<String>| Claimant {
        detector: detector.to_owned(),
        monitor: spec.name.clone(),
        version,
        runbook: spec.runbook.clone().or(runbook),
    };
    match &spec.rule {
        RuleSpec::Detector { id, params } => {
            let Some(detector) = detectors::find(id) else {
                let known: Vec<&str> = detectors::ALL.iter().map(|d| d.spec().id).collect();
                mistakes.push((MonitorPart::Subject, unknown("detector", id, &known)));
                return None;
            };
            if spec.say.is_some() {
                let message = "say belongs to expressions; a detector writes its own".to_owned();
                mistakes.push((MonitorPart::Say, message));
            }
            let detector_spec = detector.spec();
            let settings = match Settings::check(detector_spec.params, params) {
                Ok(settings) => settings,
                Err(found) => {
                    mistakes
                        .extend(found.into_iter().map(|message| (MonitorPart::Params, message)));
                    return None;
                }
            };
            let found = detector.mistakes(&settings, registry, network);
            if !found.is_empty() {
                mistakes.extend(found.into_iter().map(|message| (MonitorPart::Params, message)));
                return None;
            }
            if !detector.watches_children() && !spec.children_of.is_empty() {
                let able = detectors::ALL.iter().filter(|d| d.watches_children());
                let able: Vec<&str> = able.map(|d| d.spec().id).collect();
                let message = format!(
                    "detector {id} must know its contracts before there is a block, so it cannot watch children of a factory (those that can: {})",
                    able.join(", ")
                );
                mistakes.push((MonitorPart::On, message));
                return None;
            }
            let children_of = if detector.watches_children() { children_of } else { &[] };
            let version = version_of(spec.version, detector_spec.version);
            let site = Site {
                network: network.clone(),
                guarded: guarded.to_vec(),
                children_of: children_of.to_vec(),
                registry: registry.clone(),
                key: MonitorKey::of(&spec.name, version),
                severity: spec.severity,
            };
            let found = detector.mistakes_at(&settings, &site);
            if !found.is_empty() {
                mistakes.extend(found.into_iter().map(|message| (MonitorPart::Params, message)));
                return None;
            }
            let mut woken_by = guarded.to_vec();
            if detector.watches_dependencies() {
                woken_by.extend(site.dependencies());
                woken_by.sort_unstable();
                woken_by.dedup();
            }
            let judge = detector.configure(&settings, site);
            Some(Compiled {
                name: spec.name.clone(),
                claimant: claimant(id, version, Some(detector_spec.runbook())),
                needs: detector_spec.needs,
                needs_for_children: needs_for_children(registry, children_of),
                rule: Rule::Detector {
                    wants: judge.wants(),
                    judge,
                    guarded: woken_by,
                    children_of: children_of.to_vec(),
                },
            })
        }
        RuleSpec::Expression { subject, when, any_address_abi } => {
            let matchers = scope.matchers(
                spec,
                (subject, when.as_deref(), any_address_abi.as_deref()),
                (guarded, children_of),
                mistakes,
            );
            let needs = matchers.iter().map(Matcher::needs).max().unwrap_or(Level::Logs);
            Some(Compiled {
                name: spec.name.clone(),
                claimant: claimant("expression", version_of(spec.version, 0), None),
                needs,
                needs_for_children: if spec.is_on_everything() {
                    Level::Logs
                } else {
                    needs_for_children(registry, children_of)
                },
                rule: Rule::Expression(matchers),
            })
        }
    }
}

/// Version of a configured detector: the user's and the detector's own together. Detectors stay
/// below a thousand versions.
pub(crate) fn version_of(monitor: u32, detector: u32) -> u32 {
    monitor.wrapping_mul(1_000).wrapping_add(detector)
}

/// A number that changes whenever anything changes that monitors judge by.
pub(crate) fn set_version(specs: &[MonitorSpec], registry: &Registry) -> u64 {
    let mut text = String::new();
    if let Some(policy) = &registry.authority().policy {
        text += &format!("{policy:?}\n");
    }
    if !registry.dependencies().is_empty() {
        text += &registry.dependencies().fingerprint();
    }
    if let Some(mark) = registry.path_salt().mark() {
        text += &format!("paths salted {mark}\n");
    }
    for deployment in registry.deployments() {
        text += &format!("{} {} {}\n", deployment.label, deployment.network, deployment.address);
    }
    for spec in specs {
        let MonitorSpec { name, version, networks, on, children_of, rule, severity, say, runbook } =
            spec;
        text += &format!("{name} {version} {networks:?} {on:?} {severity} {say:?} {runbook:?}\n");
        if !children_of.is_empty() {
            text += &format!("children of {children_of:?}\n");
        }
        match rule {
            RuleSpec::Detector { id, params } => {
                let own = detectors::find(id).map(|d| d.spec().version);
                text += &format!("{id} {own:?} {params:?}\n");
            }
            RuleSpec::Expression { subject, when, any_address_abi } => {
                text += &format!("{subject:?} {when:?}\n");
                let events = any_address_abi.iter().flat_map(|abi| abi.events());
                events.for_each(|event| text += &format!("{event}\n"));
                let functions = any_address_abi.iter().flat_map(|abi| abi.functions());
                functions.for_each(|function| text += &format!("{function}\n"));
            }
        }
    }
    super::account::number_of(&text)
}
