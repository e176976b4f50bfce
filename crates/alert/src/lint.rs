//! Policies that look healthy and reach nobody: found when the configuration loads, not in the night
//! of the attack.

use std::collections::BTreeSet;

use model::{Name, Severity};

use crate::{
    Policy, Subject,
    policy::{GROUP_WINDOW_S_MAX, Route},
};

/// What is wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyFault {
    /// Two routes of one name: decisions could not be told apart.
    #[error("route {0} is written twice")]
    DuplicateRoute(Name),
    /// A route that takes alerts and tells nobody.
    #[error("route {0} has no receivers: what it takes, nobody hears")]
    NoReceivers(Name),
    /// A route names somebody who does not exist.
    #[error(
        "route {route} names the receiver {receiver}, which does not exist (there are: {known})"
    )]
    UnknownReceiver {
        /// Route.
        route: Name,
        /// As written.
        receiver: Name,
        /// All receivers, for the reader.
        known: String,
    },
    /// Nothing ever gets as far as this route.
    #[error("route {route} is never reached: {by} takes everything before it")]
    Unreachable {
        /// Route.
        route: Name,
        /// The earlier route that takes everything this one could.
        by: Name,
    },
    /// A receiver to whom no route leads.
    #[error("receiver {0} is in no route: it looks configured and hears nothing")]
    Unused(Name),
    /// Alerts of this severity reach nobody unless a route with patterns happens to match.
    #[error("no route takes every alert of severity {0}: some could reach nobody")]
    NoCatchAll(Severity),
    /// A window wider than the engine keeps alerts for.
    #[error("group_window_s is {0}; the most is {GROUP_WINDOW_S_MAX} (one day)")]
    WindowTooWide(u64),
}

impl Policy {
    /// Everything that is wrong with this policy, given who exists. Severities below
    /// `heard_from` need no catch-all route.
    pub fn lint(&self, receivers: &[Name], heard_from: Severity) -> Vec<PolicyFault> {
        let mut faults = Vec::new();
        if self.group_window_s > GROUP_WINDOW_S_MAX {
            faults.push(PolicyFault::WindowTooWide(self.group_window_s));
        }
        let mut names = BTreeSet::new();
        for (i, route) in self.routes.iter().enumerate() {
            if !names.insert(&route.name) {
                faults.push(PolicyFault::DuplicateRoute(route.name.clone()));
            }
            if route.receivers.is_empty() {
                faults.push(PolicyFault::NoReceivers(route.name.clone()));
            }
            for receiver in route.receivers.iter().filter(|r| !receivers.contains(r)) {
                faults.push(PolicyFault::UnknownReceiver {
                    route: route.name.clone(),
                    receiver: receiver.clone(),
                    known: listed(receivers),
                });
            }
            if let Some(by) = self.routes[..i].iter().find(|earlier| shadows(earlier, route)) {
                let (route, by) = (route.name.clone(), by.name.clone());
                faults.push(PolicyFault::Unreachable { route, by });
            }
        }
        let used: BTreeSet<_> = self.routes.iter().flat_map(|route| &route.receivers).collect();
        let unused = receivers.iter().filter(|receiver| !used.contains(receiver));
        faults.extend(unused.cloned().map(PolicyFault::Unused));
        let unheard = Severity::ALL.into_iter().filter(|s| *s >= heard_from && !self.hears_all(*s));
        faults.extend(unheard.map(PolicyFault::NoCatchAll));
        faults
    }

    /// Whether every alert of this severity reaches somebody, whatever it is about.
    pub fn hears_all(&self, severity: Severity) -> bool {
        let takes_all = |route: &&Route| route.is_catch_all() && severity >= route.severity_min;
        let first = self.routes.iter().find(|route| takes_all(route) && !route.continue_matching);
        // A route without receivers that ends the search swallows what it takes, so each route up
        // to the catch-all must tell somebody or pass on.
        let up_to = first.map_or(self.routes.len(), |first| {
            self.routes.iter().take_while(|route| *route != first).count() + 1
        });
        let reached = &self.routes[..up_to];
        let swallowed = |route: &Route| {
            route.receivers.is_empty() && !route.continue_matching && severity >= route.severity_min
        };
        reached.iter().any(|route| takes_all(&route) && !route.receivers.is_empty())
            && !reached.iter().any(swallowed)
    }

    /// Which of these alerts, which the configuration can raise, would reach nobody.
    pub fn unrouted<'a>(
        &self,
        subjects: impl IntoIterator<Item = Subject<'a>>,
    ) -> Vec<Subject<'a>> {
        subjects.into_iter().filter(|subject| self.receivers(subject).is_empty()).collect()
    }
}

/// Whether nothing that `route` could take gets past `earlier`. Patterns are compared as written,
/// so that this never claims too much.
fn shadows(earlier: &Route, route: &Route) -> bool {
    let covers = |a: &[crate::Pattern], b: &[crate::Pattern]| {
        a.is_empty() || !b.is_empty() && b.iter().all(|pattern| a.contains(pattern))
    };
    !earlier.continue_matching
        && earlier.severity_min <= route.severity_min
        && covers(&earlier.networks, &route.networks)
        && covers(&earlier.monitors, &route.monitors)
        && covers(&earlier.deployments, &route.deployments)
}

fn listed(names: &[Name]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    names.iter().map(Name::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn route(text: &str, receivers: &[&str]) -> Route {
        Route::catch_all(name(text), receivers.iter().map(|r| name(r)).collect())
    }

    #[test]
    fn all_faults_of_a_policy_are_told_at_once() {
        let mut pages = route("pages", &["pager", "nobody-knows-me"]);
        pages.severity_min = Severity::High;
        let mut late = route("late", &["mail"]);
        late.severity_min = Severity::Critical;
        let mut mute = route("mute", &[]);
        mute.networks = vec!["test*".parse().unwrap()];
        let policy = Policy {
            routes: vec![pages, late, mute.clone(), mute],
            group_window_s: 86_401,
            ..Policy::default()
        };
        let receivers = [name("pager"), name("mail"), name("chat")];
        let faults = policy.lint(&receivers, Severity::Medium);
        let text: Vec<String> = faults.iter().map(ToString::to_string).collect();
        expect![[r#"
            group_window_s is 86401; the most is 86400 (one day)
            route pages names the receiver nobody-knows-me, which does not exist (there are: pager, mail, chat)
            route late is never reached: pages takes everything before it
            route mute has no receivers: what it takes, nobody hears
            route mute is written twice
            route mute has no receivers: what it takes, nobody hears
            route mute is never reached: mute takes everything before it
            receiver chat is in no route: it looks configured and hears nothing
            no route takes every alert of severity medium: some could reach nobody"#]]
        .assert_eq(&text.join("\n"));
    }

    #[test]
    fn a_policy_with_a_catch_all_has_nothing_to_complain_about() {
        let policy = Policy { routes: vec![route("all", &["mail"])], ..Policy::default() };
        assert_eq!(policy.lint(&[name("mail")], Severity::Info), []);
    }

    #[test]
    fn a_route_that_swallows_before_the_catch_all_means_that_not_all_is_heard() {
        let mut mute = route("mute", &[]);
        mute.networks = vec!["sepolia".parse().unwrap()];
        let mut policy =
            Policy { routes: vec![mute, route("all", &["mail"])], ..Policy::default() };
        assert!(!policy.hears_all(Severity::Critical));
        policy.routes[0].continue_matching = true;
        assert!(policy.hears_all(Severity::Critical));
    }

    #[test]
    fn alerts_that_nobody_would_hear_are_found_one_by_one() {
        let mut vaults = route("vaults", &["pager"]);
        vaults.deployments = vec!["vault-*".parse().unwrap()];
        let policy = Policy { routes: vec![vaults], ..Policy::default() };
        let (network, monitor) = (name("mainnet"), name("drain"));
        let (vault, oracle) = (name("vault-a"), name("oracle"));
        let subject = |deployment| Subject {
            network: Some(&network),
            monitor: &monitor,
            deployment,
            severity: Severity::High,
        };
        let all = [subject(Some(&vault)), subject(Some(&oracle)), subject(None)];
        assert_eq!(policy.unrouted(all), [subject(Some(&oracle)), subject(None)]);
    }
}
