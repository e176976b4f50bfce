//! `routes.toml`: who hears what, and how.

use std::{collections::BTreeMap, time::Duration};

use alert::{
    Policy, Route,
    plan::Channel,
    route::{Branch, GroupBy},
};
use model::Name;

use super::{
    folder::Surroundings,
    mistake::{Mistake, SourceFile},
    plan::{self, Branches, Known, Places, Routed},
    receiver,
    secret::Missing,
    table::{Collector, Table, parse},
};
use crate::notify::ReceiverConfig;

/// Thirty years, in seconds: longer than anything is kept.
const NEVER_S: u64 = 30 * 365 * 86_400;

/// Who hears what, with how each receiver is reached.
pub(super) struct Routes {
    pub(super) policy: Policy,
    pub(super) receivers: Vec<(Name, ReceiverConfig)>,
    pub(super) receivers_tested: Option<Duration>,
    pub(super) routed: Routed,
}

impl Routes {
    /// Without a `routes.toml`, alerts go to standard output: somebody looking at the terminal
    /// hears them, and `check` says that nobody else does.
    pub(super) fn to_stdout() -> Self {
        let name = plan::stdout_name();
        let route = Route::catch_all(plan::root_name(), vec![name.clone()]);
        let stdout = ReceiverConfig::Stdout { json: false };
        let mut root = Branch::new(plan::root_name());
        root.receivers = Some(vec![name.clone()]);
        let policy = Policy { routes: vec![route], ..Policy::default() };
        say_the_rest(&mut root, &policy, false);
        Self {
            policy,
            receivers_tested: None,
            routed: Routed {
                root,
                channels: BTreeMap::from([(name.clone(), Channel::new(stdout.channel_kind()))]),
                inhibitions: Vec::new(),
                outflow_limit_usd: None,
            },
            receivers: vec![(name, stdout)],
        }
    }
}

/// What the file leaves open at the root: each alert speaks for itself and at once. Where nobody can
/// say that they are on it, the same is not told again and again.
fn say_the_rest(root: &mut Branch, policy: &Policy, has_people: bool) {
    if root.group_by.is_none() {
        root.group_by = Some(GroupBy::Alert);
        root.group_wait_s.get_or_insert(0);
    }
    root.group_interval_s.get_or_insert(policy.update_interval_s.max(1));
    if !has_people {
        root.repeat_interval_s.get_or_insert(NEVER_S);
    }
    root.confirmed_from.get_or_insert(Route::CONFIRMED_FROM_DEFAULT);
}

pub(super) fn routes(
    file: &SourceFile,
    around: &dyn Surroundings,
    missing: Missing,
    (known, places): (&Known, &mut Places),
    out: &Collector,
) -> Routes {
    let parsed = parse(file, out);
    let table = Table::root(file, &parsed, out);
    let mut policy = Policy::default();
    if let Some(window) = table.duration_ms("group_window") {
        policy.group_window_s = window.value / 1_000;
        if policy.group_window_s > alert::GROUP_WINDOW_S_MAX {
            table.mistake(
                window.span,
                "group_window is at most 1d: beyond it \"the same episode\" means nothing",
            );
        }
    }
    if let Some(interval) = table.duration_ms("update_interval") {
        policy.update_interval_s = interval.value / 1_000;
    }
    let receivers_tested = receiver::tested(&table);
    let mut receivers = Vec::new();
    let mut channels = BTreeMap::new();
    for declared in receiver::receivers(&table, known, around, missing) {
        places.set("receiver", &declared.name, file, declared.place);
        channels.insert(declared.name.clone(), declared.channel);
        receivers.push((declared.name, declared.config));
    }
    let Branches { mut root, routes } = plan::branches(file, &table, known, places);
    policy.routes = routes;
    say_the_rest(&mut root, &policy, !known.people.is_empty());
    let inhibitions = plan::inhibitions(&table);
    let outflow_limit_usd = table.integer("outflow_limit_usd").map(|limit| limit.value);
    if policy.routes.is_empty() && root.receivers.is_none() {
        out.add(
            Mistake::in_file(&file.path, "there is no [[route]]: nobody would hear of anything")
                .with_help("[[route]]\n     severity = \"info\"\n     receivers = [\"team-mail\"]"),
        );
    }
    table.finish();
    let routed = Routed { root, channels, inhibitions, outflow_limit_usd };
    Routes { policy, receivers, receivers_tested, routed }
}
