//! Nothing is written that our own engine would refuse.

use std::sync::Arc;

use detect::{Engine, MonitorPart, MonitorSpec, RuleSpec};
use registry::{Labels, Registry};

use super::draft::{Draft, Monitor, Subject};

/// Adds a monitor that is in our language already, unless our own check refuses it. Its name and
/// file are what they should be called; when another has them, they get a number.
pub(crate) fn add(draft: &mut Draft, what: &str, mut monitor: Monitor) {
    if let Some(path) = draft.existing.brought(&monitor.file, &monitor.origin) {
        draft.known.push((monitor.name, monitor.rule));
        return draft.report.known(what, path);
    }
    monitor.name = draft.monitor_name(monitor.name.as_str());
    monitor.file = draft.monitor_file(monitor.name.clone(), &monitor.rule);
    let folder = if monitor.is_paused { "monitors/paused" } else { "monitors" };
    let path = format!("{folder}/{}.toml", monitor.file);
    match mistake(draft, &monitor) {
        Some((_, why)) => {
            draft.report.leave(what, why);
            draft.release(&monitor.name);
        }
        None => {
            draft.report.take(what, path);
            draft.monitors.push(monitor);
        }
    }
}

/// What our own check says about a monitor.
pub(crate) fn mistake(draft: &Draft, monitor: &Monitor) -> Option<(MonitorPart, String)> {
    let deployments = draft.deployments.iter().map(|g| g.deployment.clone()).collect();
    let registry = match Registry::new(deployments, Labels::default()) {
        Ok(registry) => registry,
        Err(errors) => {
            let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
            return Some((MonitorPart::On, told.join("; ")));
        }
    };
    let errors = Engine::new(Arc::new(registry), vec![spec(monitor)]).err()?;
    let first = errors.into_iter().next()?;
    Some((first.part, first.message))
}

/// The monitor as the engine takes it.
fn spec(monitor: &Monitor) -> MonitorSpec {
    let subject = match &monitor.subject {
        Subject::Event(event) => detect::Subject::Event(event.clone()),
        Subject::Call(call) => detect::Subject::Call(call.clone()),
        Subject::Transaction if monitor.on.is_empty() => detect::Subject::Transaction,
        Subject::Transaction => detect::Subject::Involving,
    };
    MonitorSpec {
        name: monitor.name.clone(),
        version: 1,
        networks: monitor.networks.clone(),
        on: monitor.on.clone(),
        rule: RuleSpec::Expression { subject, when: monitor.when.clone(), any_address_abi: None },
        children_of: Vec::new(),
        severity: monitor.severity,
        say: monitor.say.clone(),
        runbook: None,
    }
}
