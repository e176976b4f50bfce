//! The policy: which alert goes to whom, and how often.

use std::collections::BTreeMap;

use model::{Alert, Name, Severity, Stage};

use crate::Pattern;

/// Width of the grouping window unless the user says otherwise: 15 min of chain time.
pub const GROUP_WINDOW_S_DEFAULT: u64 = 15 * 60;

/// Widest grouping window: one day. Beyond it "the same episode" means nothing, and alerts would
/// outlive the time that the book keeps them.
pub const GROUP_WINDOW_S_MAX: u64 = 24 * 60 * 60;

/// Least distance of two updates about one alert to one receiver: 5 min of wall time.
pub const UPDATE_INTERVAL_S_DEFAULT: u64 = 5 * 60;

/// Who hears of what, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Tried in order; the first that matches decides, unless it says to go on.
    pub routes: Vec<Route>,
    /// Findings of one fingerprint at most this far apart in chain time are one alert; at most
    /// [`GROUP_WINDOW_S_MAX`].
    pub group_window_s: u64,
    /// Least distance of two updates about one alert to one receiver, in seconds of wall time: it
    /// protects people, who live on that clock, also while the chain is caught up at speed. A rise
    /// in severity does not wait for it.
    pub update_interval_s: u64,
    /// How far monitors may go; those that are not named page.
    pub stages: BTreeMap<Name, Stage>,
}

impl Default for Policy {
    /// No routes, default times.
    fn default() -> Self {
        Self {
            routes: Vec::new(),
            group_window_s: GROUP_WINDOW_S_DEFAULT,
            update_interval_s: UPDATE_INTERVAL_S_DEFAULT,
            stages: BTreeMap::new(),
        }
    }
}

/// One way from an alert to receivers. An empty list of patterns takes everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// What the user calls it.
    pub name: Name,
    /// Takes alerts at least this bad.
    pub severity_min: Severity,
    /// Takes alerts of these networks.
    pub networks: Vec<Pattern>,
    /// Takes alerts of these monitors.
    pub monitors: Vec<Pattern>,
    /// Takes alerts about these deployments. With a pattern here, an alert that is about no
    /// deployment does not match.
    pub deployments: Vec<Pattern>,
    /// Who is told.
    pub receivers: Vec<Name>,
    /// Whether later routes are tried, too, after this one matched.
    pub continue_matching: bool,
    /// A separate message is sent when an alert at least this bad becomes final; `None`: never.
    /// Below it, the state in the next message and on the page is enough.
    pub confirmed_from: Option<Severity>,
}

impl Route {
    /// When an alert becomes final, people who were woken by it hear so.
    pub const CONFIRMED_FROM_DEFAULT: Option<Severity> = Some(Severity::High);

    /// A route that takes everything.
    pub fn catch_all(name: Name, receivers: Vec<Name>) -> Self {
        Self {
            name,
            severity_min: Severity::Info,
            networks: Vec::new(),
            monitors: Vec::new(),
            deployments: Vec::new(),
            receivers,
            continue_matching: false,
            confirmed_from: Self::CONFIRMED_FROM_DEFAULT,
        }
    }

    /// Whether it takes this alert.
    pub fn matches(&self, subject: &Subject<'_>) -> bool {
        subject.severity >= self.severity_min
            && takes(&self.networks, subject.network)
            && takes(&self.monitors, Some(subject.monitor))
            && takes(&self.deployments, subject.deployment)
    }

    /// Whether only severity decides.
    pub fn is_catch_all(&self) -> bool {
        self.networks.is_empty() && self.monitors.is_empty() && self.deployments.is_empty()
    }
}

fn takes(patterns: &[Pattern], name: Option<&Name>) -> bool {
    patterns.is_empty()
        || name.is_some_and(|name| patterns.iter().any(|pattern| pattern.matches(name)))
}

/// What routes look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject<'a> {
    /// Network; `None`: it is of no chain.
    pub network: Option<&'a Name>,
    /// Monitor.
    pub monitor: &'a Name,
    /// Deployment, when the alert is about one.
    pub deployment: Option<&'a Name>,
    /// How bad.
    pub severity: Severity,
}

impl<'a> From<&'a Alert> for Subject<'a> {
    fn from(alert: &'a Alert) -> Self {
        Self {
            network: alert.network.as_ref(),
            monitor: &alert.monitor,
            deployment: alert.deployment.as_ref(),
            severity: alert.severity,
        }
    }
}

impl Policy {
    /// How far a monitor may go.
    pub fn stage(&self, monitor: &Name) -> Stage {
        self.stages.get(monitor).copied().unwrap_or_default()
    }

    /// The routes that take this alert, in order. None takes one of a monitor in shadow; one of a
    /// monitor that only notifies is taken for no worse than that.
    pub fn matching(&self, subject: &Subject<'_>) -> Vec<&Route> {
        let mut matching = Vec::new();
        let severity = match self.stage(subject.monitor) {
            Stage::Shadow => return matching,
            Stage::Notify => subject.severity.min(Stage::NOTIFY_SEVERITY_MAX),
            Stage::Page | Stage::Act => subject.severity,
        };
        let subject = &Subject { severity, ..*subject };
        for route in &self.routes {
            if route.matches(subject) {
                matching.push(route);
                if !route.continue_matching {
                    break;
                }
            }
        }
        matching
    }

    /// Who is told of this alert, in the order of the routes, each once.
    pub fn receivers(&self, subject: &Subject<'_>) -> Vec<&Name> {
        let mut receivers: Vec<&Name> = Vec::new();
        for route in self.matching(subject) {
            for receiver in &route.receivers {
                if !receivers.contains(&receiver) {
                    receivers.push(receiver);
                }
            }
        }
        receivers
    }

    /// Whether a route that takes this alert asks to tell `receiver` that it is final.
    pub fn asks_confirmation(&self, subject: &Subject<'_>, receiver: &Name) -> bool {
        self.matching(subject).iter().any(|route| {
            route.receivers.contains(receiver)
                && route.confirmed_from.is_some_and(|from| subject.severity >= from)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn told(policy: &Policy, deployment: Option<&str>, severity: Severity) -> Vec<String> {
        let (network, monitor) = (name("mainnet"), name("drain"));
        let deployment = deployment.map(name);
        let subject = Subject {
            network: Some(&network),
            monitor: &monitor,
            deployment: deployment.as_ref(),
            severity,
        };
        policy.receivers(&subject).into_iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_stage_holds_an_alert_back_and_never_lifts_it() {
        let pages = Route {
            severity_min: Severity::High,
            ..Route::catch_all(name("pages"), vec![name("pager")])
        };
        let rest = Route::catch_all(name("rest"), vec![name("mail")]);
        let with = |stage: Option<Stage>| Policy {
            routes: vec![pages.clone(), rest.clone()],
            stages: stage.map(|stage| (name("drain"), stage)).into_iter().collect(),
            ..Policy::default()
        };
        let by = |stage, severity| told(&with(stage), None, severity);
        assert_eq!(by(None, Severity::Critical), ["pager"]);
        assert_eq!(by(Some(Stage::Page), Severity::Critical), ["pager"]);
        assert_eq!(by(Some(Stage::Act), Severity::Critical), ["pager"]);
        assert_eq!(by(Some(Stage::Notify), Severity::Critical), ["mail"], "told, and nobody woken");
        assert_eq!(by(Some(Stage::Notify), Severity::Low), ["mail"]);
        assert_eq!(by(Some(Stage::Shadow), Severity::Critical), [""; 0]);
    }

    #[test]
    fn the_first_route_that_matches_decides_unless_it_says_to_go_on() {
        let vaults = Route {
            severity_min: Severity::High,
            deployments: vec!["vault-*".parse().unwrap()],
            ..Route::catch_all(name("vaults"), vec![name("pager"), name("chat")])
        };
        let rest = Route::catch_all(name("rest"), vec![name("mail"), name("chat")]);
        let mut policy = Policy { routes: vec![vaults, rest], ..Policy::default() };
        assert_eq!(told(&policy, Some("vault-usdc"), Severity::High), ["pager", "chat"]);
        assert_eq!(told(&policy, Some("vault-usdc"), Severity::Low), ["mail", "chat"]);
        assert_eq!(told(&policy, None, Severity::Critical), ["mail", "chat"]);
        policy.routes[0].continue_matching = true;
        assert_eq!(told(&policy, Some("vault-usdc"), Severity::High), ["pager", "chat", "mail"]);
    }
}
