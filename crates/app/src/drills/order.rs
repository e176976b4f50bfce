//! What somebody wants to practise, and the alert that it makes.

use std::collections::BTreeMap;

use alert::{life::Truth, pager::Facts};
use model::{
    Alert, AlertId, AlertState, B256, BlockRef, Confidence, Evidence, Fact, FactValue, Finding,
    FindingId, FindingStatus, FindingSummary, Name, Origin, Provenance, Severity, Stage,
    UnixMillis,
};
use registry::Registry;
use serde::{Deserialize, Serialize};

use crate::{paging, words};

/// The monitor of a drill that names none.
const NO_MONITOR: &str = "drill";

/// Longest reason, in characters: what fits on a telephone's screen.
const BECAUSE_CHARS_MAX: usize = 300;

/// What somebody wants to practise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// What the drill is called.
    pub drill: Name,
    /// As bad as this.
    pub severity: Severity,
    /// About this deployment; network, class and protocol follow from it.
    #[serde(default)]
    pub deployment: Option<Name>,
    /// On this network; else on that of the deployment, else on the first one.
    #[serde(default)]
    pub network: Option<Name>,
    /// As if this monitor had said it, for routes that look at monitors.
    #[serde(default)]
    pub monitor: Option<Name>,
    /// Who wants it.
    pub by: Name,
    /// Why.
    pub because: String,
}

/// What there is to practise with.
#[derive(Debug, Clone)]
pub struct Scene<'a> {
    /// Networks, in the order of the files.
    pub networks: Vec<&'a Name>,
    /// Monitors.
    pub monitors: Vec<&'a Name>,
    /// Those who are declared; with none, everybody is believed who may write.
    pub people: &'a [Name],
    /// What is guarded.
    pub registry: &'a Registry,
}

/// What is wrong with an order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderFault {
    /// Something is named that is not there.
    #[error("there is no {what} {given} (one of: {})", known.join(", "))]
    Unknown {
        /// Kind of thing.
        what: &'static str,
        /// As given.
        given: Name,
        /// What there is.
        known: Vec<String>,
    },
    /// The deployment is elsewhere.
    #[error("{deployment} is on {is_on}, not on {given}")]
    Elsewhere {
        /// Deployment.
        deployment: Name,
        /// Its network.
        is_on: Name,
        /// As given.
        given: Name,
    },
    /// Nothing is watched.
    #[error("there is no network to practise on")]
    NoNetwork,
    /// Nobody could tell later why.
    #[error("a reason is missing: say why")]
    NoReason,
    /// Longer than anybody reads.
    #[error("the reason has {0} characters; at most {BECAUSE_CHARS_MAX} are kept")]
    ReasonTooLong(usize),
}

fn known(what: &'static str, given: Option<&Name>, all: &[&Name]) -> Option<OrderFault> {
    let given = given.filter(|given| !all.contains(given))?.clone();
    let known = all.iter().map(ToString::to_string).collect();
    Some(OrderFault::Unknown { what, given, known })
}

impl Order {
    /// Everything that is wrong with it.
    fn faults(&self, scene: &Scene<'_>) -> Vec<OrderFault> {
        let deployments: Vec<&Name> =
            scene.registry.deployments().iter().map(|deployment| &deployment.label).collect();
        let people: Vec<&Name> = scene.people.iter().collect();
        let long = self.because.chars().count();
        let is_on = self.deployment.as_ref().and_then(|label| scene.registry.get(label));
        let elsewhere = is_on.zip(self.network.as_ref()).filter(|(d, given)| d.network != **given);
        [
            known("deployment", self.deployment.as_ref(), &deployments),
            known("network", self.network.as_ref(), &scene.networks),
            known("monitor", self.monitor.as_ref(), &scene.monitors),
            known("person", Some(&self.by).filter(|_| !people.is_empty()), &people),
            elsewhere.map(|(deployment, given)| OrderFault::Elsewhere {
                deployment: deployment.label.clone(),
                is_on: deployment.network.clone(),
                given: given.clone(),
            }),
            scene.networks.is_empty().then_some(OrderFault::NoNetwork),
            self.because.trim().is_empty().then_some(OrderFault::NoReason),
            (long > BECAUSE_CHARS_MAX).then_some(OrderFault::ReasonTooLong(long)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// The alert that it makes at `now`, and what the pager is told of it.
    ///
    /// # Errors
    /// Everything that is wrong with the order.
    pub fn alert(
        &self,
        scene: &Scene<'_>,
        now: UnixMillis,
    ) -> Result<(Alert, Facts), Vec<OrderFault>> {
        let faults = self.faults(scene);
        let deployment = self.deployment.as_ref().and_then(|label| scene.registry.get(label));
        let network = deployment.map(|deployment| &deployment.network).or(self.network.as_ref());
        let network = match network.or(scene.networks.first().copied()) {
            Some(network) if faults.is_empty() => network.clone(),
            _ => return Err(faults),
        };
        let monitor = self.monitor.clone();
        let monitor = monitor.unwrap_or_else(|| Name::new(NO_MONITOR).expect("a plain slug"));
        let at = words::seconds(now);
        let block = BlockRef { number: 0, hash: B256::ZERO };
        let text = |name: &str, value: String| Fact {
            name: name.to_owned(),
            value: FactValue::Text(words::clean(&value)),
        };
        let about =
            self.deployment.as_ref().map_or(String::new(), |label| format!(" about {label}"));
        let first = Finding {
            id: FindingId::of_drill(&self.drill, now),
            detector: Provenance::detector_of(&self.drill),
            monitor,
            version: 1,
            network,
            deployment: self.deployment.clone(),
            address: deployment.map(|deployment| deployment.address),
            severity: self.severity,
            confidence: Confidence::Proven,
            title: format!("DRILL: practice alert{about}, acknowledge it as you would a real one"),
            origin: Origin { block, timestamp: at, tx: None, log_index: None, frame: None },
            evidence: Evidence {
                measure: None,
                facts: vec![
                    text("ordered by", self.by.to_string()),
                    text("why", self.because.clone()),
                ],
            },
            value_at_risk: None,
            runbook: None,
        };
        let fingerprint = alert::fingerprint(&first);
        let summary = FindingSummary {
            id: first.id,
            block,
            at,
            status: FindingStatus::Confirmed,
            severity: self.severity,
        };
        let made = Alert {
            id: AlertId::derive(&fingerprint, first.id),
            fingerprint,
            network: Some(first.network.clone()),
            monitor: first.monitor.clone(),
            deployment: first.deployment.clone(),
            state: AlertState::Confirmed,
            severity: self.severity,
            cause: first.into(),
            findings: vec![summary],
            more: Vec::new(),
            opened_at: at,
            last_finding_at: at,
            created_at: now,
            told: BTreeMap::new(),
        };
        let because = format!("drill {} ordered by {}", self.drill, self.by);
        let facts = paging::facts(&made, Truth::Confirmed, &because, Stage::Page, scene.registry);
        Ok((made, facts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn order() -> Order {
        Order {
            drill: name("tuesday"),
            severity: Severity::Critical,
            deployment: None,
            network: None,
            monitor: None,
            by: name("ann"),
            because: "monthly".to_owned(),
        }
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let (main, registry) = (name("mainnet"), Registry::default());
        let (networks, monitors) = (vec![&main], Vec::new());
        let people = [name("bob")];
        let scene = Scene { networks, monitors, people: &people, registry: &registry };
        let wrong = Order {
            network: Some(name("moon")),
            monitor: Some(name("gas")),
            because: " ".to_owned(),
            ..order()
        };
        let faults = wrong.alert(&scene, UnixMillis(5_000)).unwrap_err();
        let said: String = faults.iter().map(|fault| format!("{fault}\n")).collect();
        expect![[r#"
            there is no network moon (one of: mainnet)
            there is no monitor gas (one of: )
            there is no person ann (one of: bob)
            a reason is missing: say why
        "#]]
        .assert_eq(&said);
    }

    #[test]
    fn the_alert_of_a_drill_is_one_and_each_is_its_own() {
        let (main, registry) = (name("mainnet"), Registry::default());
        let scene =
            Scene { networks: vec![&main], monitors: Vec::new(), people: &[], registry: &registry };
        let (alert, facts) = order().alert(&scene, UnixMillis(5_000)).unwrap();
        let drill = Provenance::Drill { drill: name("tuesday") };
        assert_eq!((alert.provenance(), &facts.provenance), (drill.clone(), &drill));
        assert_eq!(facts.labels.get(alert::DRILL), "tuesday");
        assert!(alert.title().starts_with("DRILL: "), "{}", alert.title());
        let (later, _) = order().alert(&scene, UnixMillis(5_001)).unwrap();
        assert_ne!(alert.id, later.id);
    }
}
