//! Who holds what, one by one: too much, too little, too long.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::Address;

use super::{Case, DriftClass, FirstSeen, Found};
use crate::{
    ContractAbi,
    authority::{Capability, Edge, Holdings, Moment, Past, PrincipalKind, Role, reading::role_ids},
};

pub(super) fn judge(case: &mut Case<'_>) {
    for contract in case.contracts() {
        let observed = case.observed;
        let expected = case.policy.expected(case.network(), contract, case.registry);
        let Some(holdings) = observed.contracts.get(&contract) else {
            not_looked_at(case, contract);
            continue;
        };
        extra(case, contract, holdings, &expected);
        missing(case, contract, holdings, &expected);
        too_many(case, contract, holdings);
        unknown(case, contract, holdings);
    }
    unlogged(case);
    let graph = case.graph;
    for edge in graph.edges() {
        departed(case, edge);
        key_with_admin(case, edge);
        unused(case, edge);
    }
    many_roles(case);
    not_separate(case);
}

type Expected = BTreeMap<Role, BTreeMap<Address, bool>>;

/// Whether the policy allows an account to hold a role. Who may own may also be offered ownership,
/// and a contract's power over itself is nobody's.
fn is_allowed(expected: &Expected, contract: Address, role: &Role, holder: Address) -> bool {
    let of = |role: &Role| expected.get(role).is_some_and(|all| all.contains_key(&holder));
    match role {
        _ if holder == contract => true,
        Role::PendingOwner => of(role) || of(&Role::Owner),
        Role::PendingAdmin => of(role) || of(&Role::Admin),
        _ => of(role),
    }
}

fn began(since: Option<Moment>) -> Option<FirstSeen> {
    since.map(|moment| FirstSeen { block: Some(moment.block), at: moment.at })
}

fn extra(case: &mut Case<'_>, contract: Address, holdings: &Holdings, expected: &Expected) {
    // Of one role, the first stranger makes room for the first who should be there, and so on.
    let mut strangers: BTreeMap<&Role, usize> = BTreeMap::new();
    for (role, holder, since) in holdings.all() {
        if is_allowed(expected, contract, role, holder) {
            continue;
        }
        let (who, on) = (case.name(holder), case.name(contract));
        let title = format!("{who} is {} of {on}, which the policy does not allow", role.words());
        let place = strangers.entry(role).or_default();
        let instead = absent(holdings, expected, role).nth(*place);
        *place += 1;
        let repairs = case.tools.take_away(contract, role, holder, instead);
        case.add(Found {
            class: DriftClass::Extra,
            contract,
            role: Some(role.clone()),
            account: Some(holder),
            power: case.power(contract, role),
            began: began(since),
            title,
            repairs,
        });
    }
}

/// Who should hold a role and does not.
fn absent<'e>(
    holdings: &'e Holdings,
    expected: &'e Expected,
    role: &'e Role,
) -> impl Iterator<Item = Address> + 'e {
    let due = expected.get(role).into_iter().flatten().filter(|(_, is_due)| **is_due);
    due.map(|(who, _)| *who).filter(|who| holdings.lacks(role, *who))
}

fn missing(case: &mut Case<'_>, contract: Address, holdings: &Holdings, expected: &Expected) {
    for role in expected.keys() {
        let is_stranger = |who: &Address| !is_allowed(expected, contract, role, *who);
        let strangers = holdings.of(role).filter(is_stranger).count();
        for (place, holder) in absent(holdings, expected, role).enumerate() {
            let (who, on) = (case.name(holder), case.name(contract));
            let title = format!("{who} is not {} of {on}, as the policy demands", role.words());
            // Replacing a stranger puts this one in its place already.
            let comes_by_replacing = place < strangers && replaces(role);
            let repairs = match comes_by_replacing {
                true => Vec::new(),
                false => case.tools.give(contract, role, holder),
            };
            case.add(Found {
                class: DriftClass::Missing,
                contract,
                role: Some(role.clone()),
                account: Some(holder),
                power: case.power(contract, role),
                began: None,
                title,
                repairs,
            });
        }
    }
}

/// Whether taking this role from one gives it to another in the same transaction.
fn replaces(role: &Role) -> bool {
    role.is_single() || *role == Role::Signer
}

fn too_many(case: &mut Case<'_>, contract: Address, holdings: &Holdings) {
    let policy = case.policy;
    for allowed in &policy.allowed {
        let on = policy.address_of(&allowed.on, case.network(), case.registry);
        let count = holdings.of(&allowed.role).count() as u64;
        let Some(max) = allowed.max.filter(|max| on == Some(contract) && count > *max) else {
            continue;
        };
        let on = case.name(contract);
        let title =
            format!("{count} accounts are {} of {on}, at most {max} may be", allowed.role.words());
        case.add(Found {
            class: DriftClass::TooMany,
            contract,
            role: Some(allowed.role.clone()),
            account: None,
            power: case.power(contract, &allowed.role),
            began: None,
            title,
            repairs: Vec::new(),
        });
    }
}

/// Roles that nobody can list, of a contract whose history was not read: there may be holders that
/// nobody knows.
fn unknown(case: &mut Case<'_>, contract: Address, holdings: &Holdings) {
    let Past::UnknownBefore(block) = holdings.past else { return };
    let empty = ContractAbi::default();
    let deployment = case.registry.at(case.network(), contract);
    let abi = deployment.map_or(&empty, |d| d.abi.as_ref());
    let has_roles = holdings.holders.keys().any(|role| matches!(role, Role::Access(_)))
        || abi.functions().any(|f| f.signature == "hasRole(bytes32,address)");
    let named = role_ids(abi);
    let are_listed = !named.is_empty()
        && named.into_iter().all(|id| holdings.listed.contains(&Role::Access(id)));
    if !has_roles || are_listed {
        return;
    }
    let title = format!(
        "holders of roles of {} are unknown before block {block}: they cannot be listed, and its history was not read",
        case.name(contract)
    );
    case.add(Found {
        class: DriftClass::Unknown,
        contract,
        role: None,
        account: None,
        power: 10.0,
        began: None,
        title,
        repairs: Vec::new(),
    });
}

fn not_looked_at(case: &mut Case<'_>, contract: Address) {
    let title = format!("nobody has read yet who holds power over {}", case.name(contract));
    case.add(Found {
        class: DriftClass::Unknown,
        contract,
        role: None,
        account: None,
        power: 10.0,
        began: None,
        title,
        repairs: Vec::new(),
    });
}

fn unlogged(case: &mut Case<'_>) {
    let all: Vec<_> = case.mismatches().map(|(contract, m)| (contract, m.clone())).collect();
    for (contract, mismatch) in all {
        let (role, account) = mismatch.about();
        let words = mismatch.words(|who| case.name(who));
        let title =
            format!("authority over {} changed without an event: {words}", case.name(contract));
        let power = role.map_or_else(
            || case.reach.get(&contract).copied().unwrap_or(0.0).max(2.0),
            |role| case.power(contract, role),
        );
        case.add(Found {
            class: DriftClass::Unlogged,
            contract,
            role: role.cloned(),
            account,
            power,
            began: None,
            title,
            repairs: Vec::new(),
        });
    }
}

fn departed(case: &mut Case<'_>, edge: &Edge) {
    let policy = case.policy;
    let Some(principal) = policy.principal_at(case.network(), edge.holder) else { return };
    let Some(person) = &principal.person else { return };
    let left = policy.people.get(person).and_then(|person| person.departed);
    let Some(left) = left.filter(|left| *left <= case.now) else { return };
    // Power that came after somebody left is as old as itself.
    let since = match edge.since {
        Some(since) if since.at > left => began(Some(since)),
        _ => Some(FirstSeen { block: None, at: left }),
    };
    let title = format!(
        "{person} has left, but the key {} is still {} of {}",
        principal.name,
        edge.role.words(),
        case.name(edge.contract)
    );
    let repairs = case.tools.take_away(edge.contract, &edge.role, edge.holder, None);
    case.add(Found {
        class: DriftClass::Departed,
        contract: edge.contract,
        role: Some(edge.role.clone()),
        account: Some(edge.holder),
        power: case.power(edge.contract, &edge.role),
        began: since,
        title,
        repairs,
    });
}

fn key_with_admin(case: &mut Case<'_>, edge: &Edge) {
    let kind = case.graph.get(edge.holder).map(|node| node.kind);
    let is_held_alone = !matches!(edge.role, Role::Signer | Role::Module | Role::Spender(_));
    let is_too_much = edge
        .grant
        .capabilities
        .iter()
        .any(|c| matches!(c, Capability::Upgrade | Capability::Administer));
    if kind != Some(PrincipalKind::Key) || !is_held_alone || !is_too_much {
        return;
    }
    let (who, on) = (case.name(edge.holder), case.name(edge.contract));
    let title = format!("one key, {who}, is {} of {on}", edge.role.words());
    let repairs = case.tools.hand_over(edge.contract, &edge.role, edge.holder);
    case.add(Found {
        class: DriftClass::KeyWithAdmin,
        contract: edge.contract,
        role: Some(edge.role.clone()),
        account: Some(edge.holder),
        power: edge.grant.weight(),
        began: began(edge.since),
        title,
        repairs,
    });
}

/// A key's power that nobody used. Means of last resort (pausing, vetoing) are meant to lie idle.
fn unused(case: &mut Case<'_>, edge: &Edge) {
    let Some(watched_since) = case.history.watched_since else { return };
    let kind = case.graph.get(edge.holder).map(|node| node.kind);
    let is_last_resort = edge.grant.capabilities.iter().all(|c| c.weight() <= 2.0);
    let of_key = kind == Some(PrincipalKind::Key)
        && !matches!(edge.role, Role::Signer | Role::Module | Role::Spender(_));
    if !of_key || is_last_resort {
        return;
    }
    let pair = (case.network().clone(), edge.contract, edge.holder);
    let used = case.history.used.get(&pair).copied();
    let since = edge.since.map_or(watched_since, |since| since.at.max(watched_since));
    let idle_from = used.unwrap_or(since).max(since);
    let idle_s = case.now.seconds_since(idle_from);
    if idle_s <= case.policy.unused_after_s {
        return;
    }
    let (who, on) = (case.name(edge.holder), case.name(edge.contract));
    let days = idle_s / 86_400;
    let title =
        format!("{who} is {} of {on} and has not used it for {days} days", edge.role.words());
    let repairs = case.tools.take_away(edge.contract, &edge.role, edge.holder, None);
    case.add(Found {
        class: DriftClass::Unused,
        contract: edge.contract,
        role: Some(edge.role.clone()),
        account: Some(edge.holder),
        power: edge.grant.weight(),
        began: Some(FirstSeen { block: None, at: idle_from }),
        title,
        repairs,
    });
}

fn many_roles(case: &mut Case<'_>) {
    let mut held: BTreeMap<Address, Vec<&Edge>> = BTreeMap::new();
    for edge in case.graph.edges() {
        let kind = case.graph.get(edge.holder).map(|node| node.kind);
        if kind == Some(PrincipalKind::Key) && !matches!(edge.role, Role::Spender(_)) {
            held.entry(edge.holder).or_default().push(edge);
        }
    }
    for (holder, edges) in held {
        if edges.len() as u64 <= case.policy.roles_per_key_max {
            continue;
        }
        let on: BTreeSet<String> = edges
            .iter()
            .map(|edge| format!("{} of {}", edge.role.words(), case.name(edge.contract)))
            .collect();
        let title = format!(
            "one key, {}, holds {} roles: {}",
            case.name(holder),
            edges.len(),
            on.into_iter().collect::<Vec<_>>().join(", ")
        );
        let heaviest = edges.iter().map(|edge| edge.grant.weight()).fold(0.0, f64::max);
        let began = edges.iter().filter_map(|edge| began(edge.since)).max_by_key(|at| at.at);
        case.add(Found {
            class: DriftClass::ManyRoles,
            contract: holder,
            role: None,
            account: Some(holder),
            power: heaviest,
            began,
            title,
            repairs: Vec::new(),
        });
    }
}

fn not_separate(case: &mut Case<'_>) {
    let policy = case.policy;
    for separation in &policy.separations {
        let mut held: BTreeMap<Address, Vec<(Address, Role)>> = BTreeMap::new();
        for (on, role) in &separation.roles {
            let Some(contract) = policy.address_of(on, case.network(), case.registry) else {
                continue;
            };
            for edge in case.graph.over(contract).filter(|edge| edge.role == *role) {
                held.entry(edge.holder).or_default().push((contract, role.clone()));
            }
        }
        for (holder, roles) in held.into_iter().filter(|(_, roles)| roles.len() > 1) {
            let words =
                |(on, role): &(Address, Role)| format!("{} of {}", role.words(), case.name(*on));
            let together: Vec<String> = roles.iter().map(words).collect();
            let who = case.name(holder);
            let title = format!("{who} holds what must be apart: {}", together.join(" and "));
            let powers = roles.iter().map(|(on, role)| case.power(*on, role));
            let power = powers.fold(0.0, f64::max);
            let (contract, role) = roles[0].clone();
            case.add(Found {
                class: DriftClass::NotSeparate,
                contract,
                role: Some(role),
                account: Some(holder),
                power,
                began: None,
                title,
                repairs: Vec::new(),
            });
        }
    }
}
