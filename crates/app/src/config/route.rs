//! `routes.toml`: who hears what, and how.

use std::collections::BTreeMap;

use alert::{Policy, Route, plan::Channel, route::Branch};
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

/// Who hears what, with how each receiver is reached.
pub(super) struct Routes {
    pub(super) policy: Policy,
    pub(super) receivers: Vec<(Name, ReceiverConfig)>,
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
        Self {
            policy: Policy { routes: vec![route], ..Policy::default() },
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
    let mut receivers = Vec::new();
    let mut channels = BTreeMap::new();
    for declared in receiver::receivers(&table, known, around, missing) {
        places.set("receiver", &declared.name, file, declared.place);
        channels.insert(declared.name.clone(), declared.channel);
        receivers.push((declared.name, declared.config));
    }
    let Branches { root, routes } = plan::branches(file, &table, known, places);
    policy.routes = routes;
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
    Routes { policy, receivers, routed }
}
