//! `policy.toml`: who should hold which power; `authority/*.json`: history that was read for it.

use std::collections::BTreeMap;

use detect::{MonitorPart, RuleSpec};
use model::{Address, Name, UnixSeconds};
use registry::{
    Registry,
    authority::{
        Allowed, DELAY_FLOOR_S, Declared, DriftClass, Exception, Guards, Person, Policy, Principal,
        PrincipalKind, Role, Scan, Separation,
    },
    parse_address,
};

use super::{
    deployment::Declaration,
    folder::Surroundings,
    lints::end_of,
    mistake::{Mistake, SourceFile, nearest},
    monitor,
    table::{Collector, Located, Table, parse},
};

/// What the file may refer to.
pub(super) struct Known<'a> {
    pub(super) registry: &'a Registry,
    pub(super) networks: &'a [Name],
    /// Deployments that are declared, also those with mistakes of their own.
    pub(super) labels: &'a [Name],
}

/// Everything declared about authority.
pub(super) fn declared(
    (policy_file, scans): (Option<&SourceFile>, &[SourceFile]),
    known: &Known<'_>,
    declarations: &[Declaration],
    around: &dyn Surroundings,
    out: &Collector,
) -> Declared {
    let networks = known.networks;
    let mut policy = policy_file.map(|file| policy(file, known, out));
    if let Some(policy) = &mut policy {
        promised_delays(policy, declarations, known.registry);
    }
    let mut read = Vec::new();
    for file in scans {
        match Scan::from_json(&file.text) {
            Ok(scan) if networks.contains(&scan.network) => read.push(scan),
            Ok(scan) => {
                let message = format!("unknown network {:?}", scan.network.as_str());
                out.add(Mistake::in_file(&file.path, message).with_help(of_names(networks)));
            }
            Err(error) => out.add(
                Mistake::in_file(&file.path, error.to_string())
                    .with_help("`bellwether authority scan` writes it anew"),
            ),
        }
    }
    // Without a policy nothing is judged by what functions a role guards.
    let declarations = if policy.is_some() { declarations } else { &[] };
    Declared { policy, scans: read, guards: guards(declarations, around) }
}

/// Timelocks whose own files say how long they hold calls back are held to it.
fn promised_delays(policy: &mut Policy, declarations: &[Declaration], registry: &Registry) {
    for declaration in declarations {
        let Some(delay_s) = declaration.min_delay_s else { continue };
        let known = policy.principals.iter_mut().find(|p| p.name == declaration.label);
        match (known, registry.get(&declaration.label)) {
            (Some(principal), _) => {
                principal.min_delay_s = principal.min_delay_s.or(Some(delay_s));
            }
            (None, Some(deployment)) => policy.principals.push(Principal {
                name: declaration.label.clone(),
                kind: PrincipalKind::Timelock,
                addresses: BTreeMap::from([(deployment.network.clone(), deployment.address)]),
                person: None,
                threshold: None,
                owners: None,
                modules: Vec::new(),
                guard: None,
                min_delay_s: Some(delay_s),
                is_treasury: false,
            }),
            (None, None) => {}
        }
    }
}

/// Monitors that would be blind for want of a policy.
pub(super) fn check_monitors_without(declared: &[monitor::Declared], out: &Collector) {
    for monitor in declared {
        let needs_policy = matches!(
            &monitor.spec.rule,
            RuleSpec::Detector { id, .. } if id == "access/authority_drift"
        );
        if needs_policy {
            let message = format!(
                "monitor {}: there is no policy.toml to hold authority against",
                monitor.spec.name
            );
            let place = monitor.places.of(MonitorPart::Subject);
            out.add(
                Mistake::at(&monitor.file, place, message)
                    .with_help("`bellwether authority propose` writes one to begin with"),
            );
        }
    }
}

/// Guarded functions of those deployments whose artefacts hold a syntax tree.
fn guards(declarations: &[Declaration], around: &dyn Surroundings) -> BTreeMap<Name, Guards> {
    let mut by_file: BTreeMap<&str, Option<Guards>> = BTreeMap::new();
    let mut of: BTreeMap<Name, Guards> = BTreeMap::new();
    for declaration in declarations {
        let mut parts = Vec::new();
        for path in &declaration.abi_files {
            // A file that cannot be read was complained of as an ABI.
            let found = by_file.entry(path).or_insert_with(|| {
                let text = around.read(path).ok().filter(|text| text.contains("\"nodeType\""));
                text.and_then(|text| Guards::from_json(&text))
            });
            parts.extend(found.clone());
        }
        let guards = Guards::merged(parts);
        if !guards.is_empty() {
            of.insert(declaration.label.clone(), guards);
        }
    }
    of
}

fn policy(file: &SourceFile, known: &Known<'_>, out: &Collector) -> Policy {
    let parsed = parse(file, out);
    let table = Table::root(file, &parsed, out);
    let mut policy = Policy::empty();
    if let Some(delay) = table.duration_ms("min_delay") {
        policy.min_delay_s = delay.value / 1_000;
        if policy.min_delay_s < DELAY_FLOOR_S {
            let message = "min_delay must be at least 24h: nobody can react in less";
            table.mistake_help(delay.span, message, "accept a shorter one by an [[exception]]");
        }
    }
    if let Some(span) = table.duration_ms("unused_after") {
        policy.unused_after_s = span.value / 1_000;
    }
    if let Some(most) = table.integer_in("roles_per_key", 1..1_001) {
        policy.roles_per_key_max = most;
    }
    let timelock = table.name("timelock");
    for entry in table.tables("person") {
        if let Some((name, person)) = person(&entry) {
            let message = format!("person {:?} is declared twice", name.value.as_str());
            if policy.people.insert(name.value, person).is_some() {
                table.mistake(name.span, message);
            }
        }
        entry.finish();
    }
    let entries = table.tables("principal");
    for entry in &entries {
        if let Some(found) = principal(entry, known, &policy) {
            policy.principals.push(found);
        }
    }
    // Principals refer to each other, so names are resolved when all are known.
    for entry in entries {
        names_of_principal(&entry, known, &mut policy);
        entry.finish();
    }
    for entry in table.tables("allow") {
        let found = allowed(&entry, known, &policy);
        policy.allowed.extend(found);
        entry.finish();
    }
    for entry in table.tables("separate") {
        let found = separation(&entry, known, &policy);
        policy.separations.extend(found);
        entry.finish();
    }
    for entry in table.tables("exception") {
        let found = exceptions(&entry, known, &policy);
        policy.exceptions.extend(found);
        entry.finish();
    }
    policy.timelock =
        timelock.filter(|name| is_known(&table, name, known, &policy)).map(|n| n.value);
    table.finish();
    policy
}

fn person(table: &Table<'_>) -> Option<(Located<Name>, Person)> {
    let name = table.name("name");
    if !table.has("name") {
        table.mistake(table.span(), "name is missing; keys belong to people by it");
    }
    let departed = table.parsed("departed", |text| {
        // From the first moment of the day: somebody who leaves today holds nothing today.
        let over = end_of(text).ok_or_else(|| format!("{text:?} is not a day like 2027-01-31"))?;
        Ok::<_, String>(UnixSeconds(over.0.saturating_sub(86_400)))
    });
    Some((name?, Person { departed: departed.map(|d| d.value) }))
}

fn principal(table: &Table<'_>, known: &Known<'_>, policy: &Policy) -> Option<Principal> {
    let name = table.name("name");
    if !table.has("name") {
        table.mistake(table.span(), "name is missing; roles are given to principals by it");
    }
    if let Some(name) = &name
        && policy.principal(&name.value).is_some()
    {
        let message = format!("principal {:?} is declared twice", name.value.as_str());
        table.mistake(name.span.clone(), message);
    }
    let kind = table.word::<PrincipalKind>("kind").map_or(PrincipalKind::Key, |kind| kind.value);
    let everywhere = table.address("address");
    let mut addresses: BTreeMap<Name, Address> = BTreeMap::new();
    if let Some(address) = &everywhere {
        addresses.extend(known.networks.iter().map(|network| (network.clone(), address.value)));
    }
    if let Some(by_network) = table.table("addresses") {
        addresses.extend(addresses_of(&by_network, known));
        by_network.finish();
    }
    let deployment = name.as_ref().and_then(|name| known.registry.get(&name.value));
    if let (Some(deployment), true) = (deployment, addresses.is_empty()) {
        addresses.insert(deployment.network.clone(), deployment.address);
    }
    let is_labelled = name.as_ref().is_some_and(|name| known.labels.contains(&name.value));
    let is_placed = table.has("address") || table.has("addresses") || is_labelled;
    if !is_placed {
        let message = "address is missing, and no deployment has this name";
        let help = "address = \"0x…\" for all networks, addresses = { mainnet = \"0x…\" } for some";
        table.mistake_help(table.span(), message, help);
    }
    let person = table.name("person").filter(|person| {
        let is_declared = policy.people.contains_key(&person.value);
        if !is_declared {
            let people: Vec<Name> = policy.people.keys().cloned().collect();
            unknown(table, "person", person, &people);
        }
        is_declared
    });
    let threshold = table.integer_in("threshold", 1..1_001);
    let min_delay_s = table.duration_ms("min_delay").map(|delay| delay.value / 1_000);
    let is_treasury = table.boolean("treasury").unwrap_or(false);
    Some(Principal {
        name: name?.value,
        kind,
        addresses,
        person: person.map(|person| person.value),
        threshold,
        owners: None,
        modules: Vec::new(),
        guard: None,
        min_delay_s,
        is_treasury,
    })
}

fn addresses_of(table: &Table<'_>, known: &Known<'_>) -> Vec<(Name, Address)> {
    let mut found = Vec::new();
    for (network, value) in table.entries() {
        let Some(name) = known.networks.iter().find(|name| name.as_str() == network.value) else {
            let message = format!("unknown network {:?}", network.value);
            table.mistake_help(network.span, message, of_names(known.networks));
            continue;
        };
        let text = value.get_ref().as_str().unwrap_or_default();
        match parse_address(text) {
            Ok(address) => found.push((name.clone(), address)),
            Err(error) => table.mistake(value.span(), format!("{name}: {error}")),
        }
    }
    found
}

/// The owners, modules and guard of a multisig.
fn names_of_principal(table: &Table<'_>, known: &Known<'_>, policy: &mut Policy) {
    let list = |key: &'static str| -> Vec<Name> {
        let names = table.names(key);
        names.into_iter().filter(|n| is_known(table, n, known, policy)).map(|n| n.value).collect()
    };
    let (owners, modules) = (list("owners"), list("modules"));
    let guard = list("guard").into_iter().next();
    let name = table.name("name");
    let Some(at) = name.and_then(|name| {
        policy.principals.iter().position(|principal| principal.name == name.value)
    }) else {
        return;
    };
    let principal = &mut policy.principals[at];
    let count = owners.len() as u64;
    if let Some(threshold) = principal.threshold
        && table.has("owners")
        && threshold > count
    {
        let message = format!("threshold is {threshold}, but there are {count} owners");
        table.mistake(table.span(), message);
    }
    principal.owners = table.has("owners").then_some(owners);
    principal.modules = modules;
    principal.guard = guard;
}

fn allowed(table: &Table<'_>, known: &Known<'_>, policy: &Policy) -> Vec<Allowed> {
    let on = table.names("on");
    if !table.has("on") {
        let message = "on is missing; it must name deployments or principals";
        table.mistake(table.span(), message);
    }
    let role = table.word::<Role>("role");
    if !table.has("role") {
        let message =
            "role is missing; such as \"owner\", \"admin\", \"MINTER_ROLE\", \"guardian\"";
        table.mistake(table.span(), message);
    }
    let holders = table.names("holders");
    if !table.has("holders") {
        table.mistake(table.span(), "holders is missing; a list of principals or deployments");
    }
    let holders: Vec<Name> = holders
        .into_iter()
        .filter(|holder| is_known(table, holder, known, policy))
        .map(|holder| holder.value)
        .collect();
    let max = table.integer_in("max", 1..1_001);
    let is_optional = table.boolean("optional").unwrap_or(false);
    let Some(role) = role else { return Vec::new() };
    let on: Vec<Name> = on
        .into_iter()
        .filter(|on| is_known(table, on, known, policy) && has_role(table, &on.value, &role, known))
        .map(|on| on.value)
        .collect();
    let one =
        |on| Allowed { on, role: role.value.clone(), holders: holders.clone(), max, is_optional };
    on.into_iter().map(one).collect()
}

/// Whether a deployment can have a role of this name at all: a misspelt role would be missing for
/// ever.
fn has_role(table: &Table<'_>, on: &Name, role: &Located<Role>, known: &Known<'_>) -> bool {
    let Some(deployment) = known.registry.get(on).filter(|d| d.abi_known) else { return true };
    let functions = || deployment.abi.functions().filter(|f| f.inputs.is_empty());
    let of = |function: &&str| match &role.value {
        Role::Access(_) => Role::access(function) == role.value,
        Role::Named(name) => *function == name,
        _ => true,
    };
    let (what, candidates): (_, Vec<&str>) = match &role.value {
        Role::Access(id) if !id.is_zero() => {
            let constants = functions().map(|f| f.name.as_str()).filter(|n| n.ends_with("_ROLE"));
            ("role", constants.collect())
        }
        Role::Named(_) => ("getter", functions().map(|f| f.name.as_str()).collect()),
        _ => return true,
    };
    // Without constants in the interface, roles are known by their ids alone.
    let is_there = candidates.iter().any(of) || what == "role" && candidates.is_empty();
    if !is_there {
        let word = role.value.to_string();
        let help = match nearest(&word, candidates.iter().copied()) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("its interface has: {}", candidates.join(", ")),
        };
        table.mistake_help(role.span.clone(), format!("{on} has no {what} {word}"), help);
    }
    is_there
}

fn separation(table: &Table<'_>, known: &Known<'_>, policy: &Policy) -> Option<Separation> {
    let mut roles = Vec::new();
    let texts = table.texts("roles");
    if texts.len() < 2 {
        let message =
            "roles must list two or more, such as [\"token:MINTER_ROLE\", \"feed:owner\"]";
        table.mistake(table.span(), message);
        return None;
    }
    for text in texts {
        let Some((on, role)) = text.value.split_once(':') else {
            let message = format!("{:?} is not written deployment:role", text.value);
            table.mistake(text.span, message);
            continue;
        };
        let on = match Name::new(on) {
            Ok(value) => Located { value, span: text.span.clone() },
            Err(error) => {
                table.mistake(text.span, format!("roles: {error}"));
                continue;
            }
        };
        match role.parse::<Role>() {
            Ok(value) => {
                let role = Located { value, span: text.span };
                if is_known(table, &on, known, policy) && has_role(table, &on.value, &role, known) {
                    roles.push((on.value, role.value));
                }
            }
            Err(error) => table.mistake(text.span, format!("roles: {error}")),
        }
    }
    Some(Separation { roles })
}

fn exceptions(table: &Table<'_>, known: &Known<'_>, policy: &Policy) -> Vec<Exception> {
    let class = table.word::<DriftClass>("drift");
    if !table.has("drift") {
        let allowed = DriftClass::ALL.map(DriftClass::as_str).join(", ");
        table.mistake_help(table.span(), "drift is missing", format!("one of: {allowed}"));
    }
    let on = table.names("on");
    if !table.has("on") {
        table.mistake(table.span(), "on is missing; it must name deployments or principals");
    }
    let on = on.into_iter().filter(|on| is_known(table, on, known, policy));
    let on: Vec<Name> = on.map(|on| on.value).collect();
    let principal = table.name("principal");
    let principal = principal.filter(|p| is_known(table, p, known, policy)).map(|p| p.value);
    let reason = table.required_text("reason").filter(|reason| {
        let is_told = !reason.value.trim().is_empty();
        if !is_told {
            table.mistake(reason.span.clone(), "reason is empty; say why this is accepted");
        }
        is_told
    });
    if !table.has("until") {
        let help = "until = \"2027-01-31\": the last day of the exception, in UTC";
        table.mistake_help(table.span(), "until is missing", help);
    }
    let until = table.parsed("until", |text| {
        end_of(text).ok_or_else(|| format!("{text:?} is not a day like 2027-01-31"))
    });
    let (Some(class), Some(reason), Some(until)) = (class, reason, until) else {
        return Vec::new();
    };
    let one = |on| Exception {
        class: class.value,
        on,
        principal: principal.clone(),
        reason: reason.value.clone(),
        until: Some(until.value),
    };
    on.into_iter().map(one).collect()
}

fn is_known(table: &Table<'_>, name: &Located<Name>, known: &Known<'_>, policy: &Policy) -> bool {
    let is_there = policy.principal(&name.value).is_some() || known.labels.contains(&name.value);
    if !is_there {
        let principals = policy.principals.iter().map(|p| p.name.clone());
        let all: Vec<Name> = principals.chain(known.labels.iter().cloned()).collect();
        unknown(table, "principal or deployment", name, &all);
    }
    is_there
}

fn unknown(table: &Table<'_>, what: &str, name: &Located<Name>, all: &[Name]) {
    let help = match nearest(name.value.as_str(), all.iter().map(Name::as_str)) {
        Some(near) => format!("did you mean {near}?"),
        None => of_names(all),
    };
    let message = format!("unknown {what} {:?}", name.value.as_str());
    table.mistake_help(name.span.clone(), message, help);
}

fn of_names(names: &[Name]) -> String {
    match names {
        [] => "none is declared".to_owned(),
        some => {
            let names: Vec<&str> = some.iter().map(Name::as_str).collect();
            format!("declared: {}", names.join(", "))
        }
    }
}
