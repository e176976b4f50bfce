//! Who hears what: `routes.toml`, `people.toml` and `on-call.toml` put together to a [`Plan`].
//!
//! The files name each other's things, so the names that each declares are collected before any is
//! read for its content, and every wrong name is told where it stands.

mod branch; //     [[route]]
mod escalation; // [[escalation]]
mod expected; //   tests/routes.toml
mod inhibit; //    [[inhibit]]
mod on_call; //    on-call.toml
mod people; //     people.toml
mod time; //       as people write it

use std::{collections::BTreeMap, ops::Range};

use alert::{
    PolicyFault,
    plan::{Channel, Plan, PlanFault},
    route::{Branch, Tree, TreeFault},
};
use model::Name;

use super::{
    folder::Surroundings,
    mistake::{Mistake, SourceFile, nearest},
    secret::Missing,
    table::{Collector, Located, Table, parse},
};
use crate::notify::people::Contact;

pub(super) use branch::{Branches, branches};
pub use expected::{Expectation, Reach};
pub(super) use expected::{ExpectationScope, expectations};
pub(super) use inhibit::inhibitions;
pub use time::{moment, zone_named};

/// Labels that our own alerts have. Alerts of other systems bring their own, so that others are
/// taken as they are, unless one looks like a slip of one of these.
pub const LABELS: [&str; 8] = [
    alert::SEVERITY,
    "network",
    "monitor",
    "detector",
    "deployment",
    alert::PROTOCOL,
    alert::CLASS,
    alert::EXPOSURE,
];

/// The files that say who hears what.
pub(super) struct Sources<'a> {
    pub(super) routes: Option<&'a SourceFile>,
    pub(super) people: Option<&'a SourceFile>,
    pub(super) on_call: Option<&'a SourceFile>,
}

/// Names that the files declare, also those of things with mistakes of their own: references to them
/// are not wrong.
#[derive(Debug, Default)]
pub(super) struct Known {
    channels: Vec<Name>,
    /// Who is declared.
    pub(super) people: Vec<Name>,
    schedules: Vec<Name>,
    escalations: Vec<Name>,
    has_people_file: bool,
    has_on_call_file: bool,
}

impl Known {
    pub(super) fn new(sources: &Sources<'_>) -> Self {
        Self {
            channels: match sources.routes {
                Some(_) => declared(sources.routes, "receiver"),
                None => vec![stdout_name()],
            },
            people: declared(sources.people, "person"),
            schedules: declared(sources.on_call, "schedule"),
            escalations: declared(sources.on_call, "escalation"),
            has_people_file: sources.people.is_some(),
            has_on_call_file: sources.on_call.is_some(),
        }
    }

    pub(super) fn channel(&self, table: &Table<'_>, name: &Located<Name>, key: &str) {
        check(table, name, key, "receiver", &self.channels, "routes.toml declares none");
    }

    pub(super) fn person(&self, table: &Table<'_>, name: &Located<Name>, key: &str) {
        let none = if self.has_people_file {
            "people.toml declares none"
        } else {
            "there is no people.toml: write one with a [[person]]"
        };
        check(table, name, key, "person", &self.people, none);
    }

    pub(super) fn escalation(&self, table: &Table<'_>, name: &Located<Name>, key: &str) {
        let none = if self.has_on_call_file {
            "on-call.toml declares none"
        } else {
            "there is no on-call.toml: write one with an [[escalation]]"
        };
        check(table, name, key, "escalation", &self.escalations, none);
    }
}

/// A name that must be one of those declared.
fn check(
    table: &Table<'_>,
    name: &Located<Name>,
    key: &str,
    kind: &str,
    known: &[Name],
    none: &str,
) {
    if known.contains(&name.value) {
        return;
    }
    let help = match nearest(name.value.as_str(), known.iter().map(Name::as_str)) {
        Some(near) => format!("did you mean {near}?"),
        None if known.is_empty() => none.to_owned(),
        None => format!("declared: {}", listed(known)),
    };
    table.mistake_help(
        name.span.clone(),
        format!("{key}: there is no {kind} {:?}", name.value.as_str()),
        help,
    );
}

fn listed(names: &[Name]) -> String {
    names.iter().map(Name::as_str).collect::<Vec<_>>().join(", ")
}

/// Names of the tables `[[key]]` of a file.
fn declared(file: Option<&SourceFile>, key: &'static str) -> Vec<Name> {
    let Some(file) = file else { return Vec::new() };
    // What is wrong with them is told when they are read.
    let unheard = Collector::default();
    let parsed = parse(file, &unheard);
    let table = Table::root(file, &parsed, &unheard);
    table.tables(key).iter().filter_map(|entry| Some(entry.name("name")?.value)).collect()
}

/// The name of a thing that others refer to.
fn named(table: &Table<'_>, why: &str) -> Option<Located<Name>> {
    if !table.has("name") {
        table.mistake(table.span(), format!("name is missing; {why}"));
    }
    table.name("name")
}

/// Where things are written, to point at them when something is wrong with the whole.
#[derive(Debug)]
pub(super) struct Places {
    /// By kind and name.
    of: BTreeMap<(&'static str, String), (SourceFile, Range<usize>)>,
    /// Mistakes that were known before these files were read.
    mistakes_before: usize,
}

impl Places {
    pub(super) fn new(out: &Collector) -> Self {
        Self { of: BTreeMap::new(), mistakes_before: out.count() }
    }

    pub(super) fn set(
        &mut self,
        kind: &'static str,
        name: impl ToString,
        file: &SourceFile,
        span: Range<usize>,
    ) {
        self.of.insert((kind, name.to_string()), (file.clone(), span));
    }

    fn mistake(&self, kind: &'static str, name: &str, file: &str, message: String) -> Mistake {
        match self.of.get(&(kind, name.to_owned())) {
            Some((file, span)) => Mistake::at(file, span.clone(), message),
            None => Mistake::in_file(file, message),
        }
    }
}

/// What `routes.toml` says, as far as it goes into the plan.
pub(super) struct Routed {
    pub(super) root: Branch,
    pub(super) channels: BTreeMap<Name, Channel>,
    pub(super) inhibitions: Vec<alert::quiet::Inhibition>,
    pub(super) outflow_limit_usd: Option<u64>,
}

/// The plan, with where its people can be reached.
pub(super) struct Planned {
    pub(super) plan: Plan,
    pub(super) contacts: BTreeMap<Name, Contact>,
    /// People in the order of their file.
    pub(super) order: Vec<Name>,
}

/// Puts the files together.
pub(super) fn plan(
    sources: &Sources<'_>,
    mut routed: Routed,
    known: &Known,
    (around, missing): (&dyn Surroundings, Missing),
    mut places: Places,
    out: &Collector,
) -> Planned {
    let people = sources.people.map_or_else(Default::default, |file| {
        people::people(file, known, (around, missing), &mut places, out)
    });
    let mut on_call = sources
        .on_call
        .map_or_else(Default::default, |file| on_call::on_call(file, known, &mut places, out));
    let fallback = on_call.fallback.take().unwrap_or_else(|| people.order.clone());
    if on_call.escalations.is_empty() && !people.order.is_empty() {
        let (name, escalation) = escalation::default(&on_call.order, &fallback);
        on_call.escalations.insert(name.clone(), escalation);
        routed.root.escalation.get_or_insert(name);
    }
    let tree = Tree::new(routed.root).unwrap_or_else(|faults| {
        for fault in faults {
            out.add(of_tree(&fault, &places));
        }
        Tree::new(Branch::new(root_name())).expect("a root that takes everything")
    });
    let plan = Plan {
        tree,
        channels: routed.channels,
        people: people.people,
        schedules: on_call.schedules,
        escalations: on_call.escalations,
        inhibitions: routed.inhibitions,
        fallback,
        outflow_limit_usd: routed.outflow_limit_usd.unwrap_or(u64::MAX),
    };
    // What is wrong with the parts is told; what they come to together would repeat it.
    if out.count() == places.mistakes_before {
        for fault in plan.mistakes() {
            out.add(of_plan(&fault, &places));
        }
    }
    Planned { plan, contacts: people.contacts, order: people.order }
}

/// Whom alerts go to without a `routes.toml`.
pub(super) fn stdout_name() -> Name {
    Name::new("stdout").expect("a plain slug")
}

/// What all routes hang on.
pub(super) fn root_name() -> Name {
    Name::new("all").expect("a plain slug")
}

fn of_tree(fault: &TreeFault, places: &Places) -> Mistake {
    let at = |route: &str| places.mistake("route", route, "routes.toml", fault.to_string());
    match fault {
        TreeFault::Unreachable { route, by } => at(route).with_help(format!(
            "put it before {by}, or give {by} `continue = true`, or let {by} take less"
        )),
        TreeFault::Contradiction { route, .. } => {
            at(route).with_help("matchers of one route must all hold at once")
        }
        TreeFault::RepeatTooShort { route, .. }
        | TreeFault::Zero { route, .. }
        | TreeFault::GroupedTwice { route, .. }
        | TreeFault::TooDeep(route) => at(route),
        TreeFault::Duplicate(above, name) => {
            at(&format!("{above}/{name}")).with_help("decisions name their route; give it another")
        }
        TreeFault::RootIsNarrow(root) => at(root.as_str()),
        TreeFault::TooMany => Mistake::in_file("routes.toml", fault.to_string()),
    }
}

fn of_plan(fault: &PlanFault, places: &Places) -> Mistake {
    use alert::oncall::ScheduleFault as S;
    let text = fault.to_string();
    let (kind, name, file) = match fault {
        PlanFault::Escalation { name, .. } => ("escalation", name, "on-call.toml"),
        PlanFault::NoRate(name) => ("receiver", name, "routes.toml"),
        PlanFault::Schedule(fault) => {
            let (S::NoLayers(name)
            | S::DuplicateLayer { schedule: name, .. }
            | S::Rotation { schedule: name, .. }
            | S::Backwards { schedule: name, .. }
            | S::TooMany { schedule: name, .. }) = fault;
            ("schedule", name, "on-call.toml")
        }
        PlanFault::Unknown { .. }
        | PlanFault::NoChannels(_)
        | PlanFault::TooFew { .. }
        | PlanFault::Gap { .. } => return Mistake::in_file("routes.toml", text),
    };
    places.mistake(kind, name.as_str(), file, text)
}

/// Receivers that nothing leads to: they look configured and hear nothing.
pub(super) fn unused(plan: &Plan) -> Vec<String> {
    let told = plan.tree.ways().flat_map(|way| &way.receivers);
    let of_people = plan.people.values().flat_map(|person| &person.channels);
    let used: std::collections::BTreeSet<&Name> = told.chain(of_people).collect();
    let unused = plan.channels.keys().filter(|name| !used.contains(name));
    unused.map(|name| format!("routes.toml: {}", PolicyFault::Unused(name.clone()))).collect()
}
