//! What was found, as a policy: for people to read, to correct and to sign off.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use model::{Address, Name};
use registry::{
    Registry,
    authority::{Declared, Graph, Holdings, Observed, PrincipalKind, Role},
};

/// The text of a policy that declares exactly what was observed. Whoever reads it decides what of it
/// should be so.
pub fn propose(observed: &[Observed], registry: &Registry, declared: &Declared) -> String {
    let graphs: Vec<Graph> =
        observed.iter().map(|one| Graph::new(one, registry, declared)).collect();
    let mut names = Names::default();
    for (one, graph) in observed.iter().zip(&graphs) {
        for node in graph.nodes() {
            let is_deployment = registry.at(&one.network, node.address).is_some();
            let holds = graph.edges().iter().any(|edge| edge.holder == node.address);
            let has_shape = one.contracts.get(&node.address).is_some_and(|held| !held.is_empty());
            if !is_deployment && (holds || has_shape) && !node.address.is_zero() {
                names.add(&one.network, node.address, node.name.as_deref(), node.kind);
            }
        }
    }
    let mut text = String::from(
        "# Who should hold which power. This is what was found on the chain, not what should be: read every\n# line, take out what is too much, and say whose key is whose.\n",
    );
    let blocks: Vec<String> =
        observed.iter().map(|one| format!("{} at block {}", one.network, one.at.block)).collect();
    let _infallible = writeln!(text, "# Observed: {}.\n", blocks.join(", "));
    text.push_str("min_delay = \"48h\"        # before new code runs; at least 24h\nunused_after = \"90d\"     # a key's power that lies idle so long is told\n");
    let most = most_roles_of_a_key(&graphs);
    let _infallible = writeln!(text, "roles_per_key = {}         # more on one key is told", most.max(3));
    for (name, principal) in &names.principals {
        text.push_str(&principal_text(name, principal, observed, registry, &names));
    }
    for one in observed {
        for (contract, held) in &one.contracts {
            let Some(on) = registry.at(&one.network, *contract).map(|d| d.label.to_string()) else {
                continue;
            };
            text.push_str(&roles_text(&on, one, held, registry, &names, *contract));
        }
    }
    for (name, principal) in &names.principals {
        let places = principal.addresses.iter().filter_map(|(network, address)| {
            let one = observed.iter().find(|one| one.network == *network)?;
            Some((one, one.contracts.get(address)?, *address))
        });
        // The same on every network, or it would be told; the first stands for all.
        if let Some((one, held, address)) = places.into_iter().next() {
            text.push_str(&roles_text(name, one, held, registry, &names, address));
        }
    }
    text
}

fn most_roles_of_a_key(graphs: &[Graph]) -> usize {
    let mut most = 0;
    for graph in graphs {
        let mut of: BTreeMap<Address, usize> = BTreeMap::new();
        for edge in graph.edges() {
            let is_key = graph.get(edge.holder).is_some_and(|n| n.kind == PrincipalKind::Key);
            if is_key && !matches!(edge.role, Role::Spender(_)) {
                *of.entry(edge.holder).or_default() += 1;
            }
        }
        most = most.max(of.into_values().max().unwrap_or(0));
    }
    most
}

/// What principals are called, one name for one address on all networks.
#[derive(Default)]
struct Names {
    principals: BTreeMap<String, Found>,
}

struct Found {
    kind: PrincipalKind,
    addresses: BTreeMap<Name, Address>,
}

impl Names {
    fn add(&mut self, network: &Name, address: Address, named: Option<&str>, kind: PrincipalKind) {
        let named = named.map(|name| crate::init::slug(name).to_string());
        let short: String = format!("{address:#x}").chars().skip(2).take(6).collect();
        let word = match kind {
            PrincipalKind::Unknown => PrincipalKind::Contract,
            kind => kind,
        };
        let name = named.unwrap_or_else(|| format!("{word}-{short}"));
        // Two that people call the same are told apart by their addresses.
        let is_taken = self.principals.get(&name).is_some_and(|found| {
            found.addresses.values().any(|known| *known != address)
        });
        let name = if is_taken { format!("{name}-{short}") } else { name };
        let found = self
            .principals
            .entry(name)
            .or_insert_with(|| Found { kind: word, addresses: BTreeMap::new() });
        found.addresses.insert(network.clone(), address);
    }

    fn of(&self, network: &Name, address: Address, registry: &Registry) -> String {
        if let Some(deployment) = registry.at(network, address) {
            return deployment.label.to_string();
        }
        let is_it = |found: &Found| found.addresses.get(network) == Some(&address);
        let known = self.principals.iter().find(|(_, found)| is_it(found));
        known.map_or_else(|| address.to_string(), |(name, _)| name.clone())
    }

    fn list(
        &self,
        network: &Name,
        holders: impl Iterator<Item = Address>,
        registry: &Registry,
    ) -> String {
        let names: BTreeSet<String> =
            holders.map(|who| format!("\"{}\"", self.of(network, who, registry))).collect();
        names.into_iter().collect::<Vec<_>>().join(", ")
    }
}

fn principal_text(
    name: &str,
    found: &Found,
    observed: &[Observed],
    registry: &Registry,
    names: &Names,
) -> String {
    let mut text = format!("\n[[principal]]\nname = \"{name}\"\nkind = \"{}\"\n", found.kind);
    let distinct: BTreeSet<&Address> = found.addresses.values().collect();
    let is_everywhere = distinct.len() == 1 && found.addresses.len() == observed.len();
    let line = match distinct.first() {
        Some(address) if is_everywhere => format!("address = \"{address}\""),
        _ => {
            let each = |(network, address): (&Name, &Address)| format!("{network} = \"{address}\"");
            let all: Vec<String> = found.addresses.iter().map(each).collect();
            format!("addresses = {{ {} }}", all.join(", "))
        }
    };
    text.push_str(&line);
    text.push('\n');
    let held = observed.iter().find_map(|one| {
        let address = found.addresses.get(&one.network)?;
        Some((one, one.contracts.get(address)?))
    });
    let Some((one, held)) = held else { return text };
    let mut put = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    if let Some(threshold) = held.threshold {
        put(format!("threshold = {threshold}"));
        let owners = names.list(&one.network, held.of(&Role::Signer), registry);
        put(format!("owners = [{owners}]"));
        if held.of(&Role::Module).next().is_some() {
            let modules = names.list(&one.network, held.of(&Role::Module), registry);
            put(format!("modules = [{modules}]"));
        }
        if let Some(guard) = held.of(&Role::Guard).next() {
            put(format!("guard = \"{}\"", names.of(&one.network, guard, registry)));
        }
    }
    if let Some(delay_s) = held.min_delay_s {
        put(format!("min_delay = \"{delay_s}s\""));
    }
    if held.holders.keys().any(|role| matches!(role, Role::Spender(_))) {
        put("treasury = true".to_owned());
    }
    text
}

fn roles_text(
    on: &str,
    one: &Observed,
    held: &Holdings,
    registry: &Registry,
    names: &Names,
    contract: Address,
) -> String {
    let mut text = String::new();
    for role in held.holders.keys() {
        if matches!(role, Role::Signer | Role::Module | Role::Guard) {
            continue;
        }
        let holders = held.of(role).filter(|who| *who != contract);
        let holders = names.list(&one.network, holders, registry);
        if !holders.is_empty() {
            let _infallible = write!(
                text,
                "\n[[allow]]\non = \"{on}\"\nrole = \"{role}\"\nholders = [{holders}]\n"
            );
        }
    }
    text
}
