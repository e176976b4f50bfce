//! What becomes a file, what is known already, what differs. Pure over what was read and what the
//! folder holds.

use std::collections::BTreeSet;

use model::Name;
use registry::{
    Class, ContractAbi, Deployment,
    import::{Chain, Deployed, Import as Read, Place, Why},
};

use super::{
    file::{self, Settled},
    folder::Existing,
};
use crate::{
    import::{Import, Report},
    init::{self, chain_name, slug},
    words::clean,
};

/// Most items of an ABI that a difference names.
const ITEMS_SHOWN_MAX: usize = 6;

/// A contract that gets a file.
struct New<'a> {
    contract: &'a Deployed,
    abi: ContractAbi,
    label: Name,
    network: Name,
}

/// Files for everything that is new, and the report. Nothing here replaces a file: labels and paths
/// that are taken are not taken again; where nothing is new, nothing is written, not even the
/// network of a contract that could not be taken. `folder_name` is what a new folder is called.
pub fn plan(read: &Read, existing: &Existing, folder_name: &str) -> Import {
    let mut files = Vec::new();
    let mut report = Report::default();
    for left in &read.left_out {
        leave(&mut report, &left.place, &left.what, &left.why);
    }
    let mut taken = Taken::of(existing);
    let mut networks: Vec<(Name, u64)> = existing.networks.clone();
    let has_many_chains = read.deployed.iter().map(|d| &d.chain).collect::<BTreeSet<_>>().len() > 1;
    let mut new: Vec<New<'_>> = Vec::new();
    for contract in &read.deployed {
        let (network, new_chain) = match network(&contract.chain, &networks) {
            Ok(found) => found,
            Err(why) => {
                leave(&mut report, &contract.place, &contract.name, &why);
                continue;
            }
        };
        let abi = match contract.abi.as_ref().map(|abi| ContractAbi::from_json(&abi.json)) {
            Some(Ok(abi)) => abi,
            None => ContractAbi::default(),
            Some(Err(error)) => {
                let from = contract.abi.as_ref().map_or("", |abi| &abi.from);
                let why = Why::Corrupt(format!("its ABI in {from} cannot be used: {error}"));
                leave(&mut report, &contract.place, &contract.name, &why);
                continue;
            }
        };
        let is_known = |d: &&Deployment| d.network == network && d.address == contract.address;
        if let Some(known) = existing.deployments.iter().find(is_known) {
            report.known(
                format!("{} {}", clean(&contract.name), contract.address),
                format!("already registered as {}", known.label),
            );
            for difference in differences(known, contract, &abi) {
                report.differ(known.label.to_string(), difference);
            }
            continue;
        }
        if let Some(chain_id) = new_chain {
            let path = format!("networks/{network}.toml");
            if !existing.paths.contains(&path) {
                files.push((path, init::network_file(chain_id)));
                report.ask(format!(
                    "set {} to an RPC URL of chain {chain_id} before `bellwether run`",
                    init::rpc_variable(chain_id)
                ));
            }
            networks.push((network.clone(), chain_id));
        }
        let label = taken.label(slug(&contract.name), &network, has_many_chains);
        new.push(New { contract, abi, label, network });
    }
    for new_one in &new {
        write(new_one, &new, existing, &mut files, &mut report);
    }
    if !existing.is_folder && !new.is_empty() {
        files.push(("bellwether.toml".to_owned(), init::general_file(folder_name)));
        files.push(("routes.toml".to_owned(), init::ROUTES.to_owned()));
    }
    if !new.is_empty() {
        report.ask("say in monitors/ what should be found on them");
    }
    files.sort();
    Import { files, report }
}

fn write(
    new: &New<'_>,
    all: &[New<'_>],
    existing: &Existing,
    files: &mut Vec<(String, String)>,
    report: &mut Report,
) {
    let New { contract, label, network, .. } = new;
    let mut abis = vec![format!("abis/{label}.json")];
    let mut parts = vec![&new.abi];
    let behind = contract.implementation.map(|address| {
        let here = all.iter().find(|n| n.network == *network && n.contract.address == address);
        if let Some(here) = here {
            abis.push(format!("abis/{}.json", here.label));
            parts.push(&here.abi);
            return (address, Some(here.label.clone()));
        }
        let there =
            existing.deployments.iter().find(|d| d.network == *network && d.address == address);
        if let Some(there) = there {
            parts.push(&there.abi);
        }
        (address, there.map(|d| d.label.clone()))
    });
    let whole = ContractAbi::merged(parts);
    let class = class(contract, &whole);
    let json = contract.abi.as_ref().map_or("[]", |abi| &abi.json);
    // Pretty, because a person reviews it and a later difference should be a few lines.
    let pretty = serde_json::from_str::<serde_json::Value>(json)
        .and_then(|value| serde_json::to_string_pretty(&value))
        .map_or_else(|_| json.to_owned(), |text| text + "\n");
    files.push((format!("abis/{label}.json"), pretty));
    if contract.abi.is_none() {
        report.ask(format!("put the ABI of {label} into abis/{label}.json"));
    }
    if let Some((address, None)) = behind {
        report.ask(format!(
            "{label} delegates to {address}, whose ABI is not here: add it to the list of abi"
        ));
    }
    if let Some(layout) = &contract.layout {
        files.push((format!("layouts/{label}.json"), layout.clone()));
    }
    let settled = Settled { label, network, class, abis, behind };
    files.push((format!("deployments/{label}.toml"), file::text(contract, &settled)));
    let mut what = format!("{} {} on {network}", clean(&contract.name), contract.address);
    if let Some(kind) = contract.proxy {
        what = format!("{what}, a proxy ({kind})");
    }
    report.take(what, format!("deployments/{}.toml, {class}", settled.label));
}

/// The network of a chain, and the chain's id when the network has to be made.
fn network(chain: &Chain, networks: &[(Name, u64)]) -> Result<(Name, Option<u64>), Why> {
    match chain {
        Chain::Id(id) => match networks.iter().find(|(_, of)| of == id) {
            Some((name, _)) => Ok((name.clone(), None)),
            None => {
                let mut name = chain_name(*id);
                if networks.iter().any(|(taken, _)| *taken == name) {
                    name = Name::new(&format!("chain-{id}")).expect("letters, digits and a dash");
                }
                Ok((name, Some(*id)))
            }
        },
        Chain::Network(name) if networks.iter().any(|(known, _)| known == name) => {
            Ok((name.clone(), None))
        }
        Chain::Network(name) => {
            let known: Vec<&str> = networks.iter().map(|(name, _)| name.as_str()).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            Err(Why::Incomplete(format!(
                "network {name:?} is not declared in networks/ (there: {known}); a chain_id would do"
            )))
        }
    }
}

fn class(contract: &Deployed, abi: &ContractAbi) -> Class {
    let stated = contract.class.filter(|class| *class != Class::Proxy);
    stated.unwrap_or_else(|| match init::class_of(abi) {
        Class::Contract if contract.proxy.is_some() => Class::Proxy,
        class => class,
    })
}

/// What the source knows otherwise about a contract that is registered.
fn differences(known: &Deployment, contract: &Deployed, abi: &ContractAbi) -> Vec<String> {
    let mut differences = Vec::new();
    match (known.first_block, contract.first_block) {
        (None, Some(theirs)) => {
            differences.push(format!("first_block is not in your file; there it is {theirs}"));
        }
        (Some(ours), Some(theirs)) if ours != theirs => {
            differences.push(format!("first_block is {ours} in your file, {theirs} there"));
        }
        _ => {}
    }
    if let Some(class) = contract.class
        && class != known.class
        && class != Class::Proxy
    {
        differences.push(format!("class is {} in your file, {class} there", known.class));
    }
    let mut items: Vec<String> = Vec::new();
    for function in abi.functions() {
        if known.abi.function_by_selector(function.selector).is_none() {
            items.push(format!("function {}", function.signature));
        }
    }
    for event in abi.events() {
        let indexed = event.params.iter().filter(|param| param.indexed).count();
        let is_known = match event.topic0 {
            Some(topic0) => known.abi.event_by_topic(topic0, indexed).is_some(),
            None => known.abi.anonymous_events().any(|ours| ours == event),
        };
        if !is_known {
            items.push(format!("event {}", event.signature));
        }
    }
    if !items.is_empty() {
        let more = items.len().saturating_sub(ITEMS_SHOWN_MAX);
        let mut text = items[..items.len() - more].join(", ");
        if more > 0 {
            text = format!("{text} and {more} more");
        }
        differences.push(format!("your ABI lacks {text}"));
    }
    differences
}

fn leave(report: &mut Report, place: &Place, what: &str, why: &Why) {
    let what = if what.is_empty() {
        clean(&place.to_string())
    } else {
        format!("{}: {}", clean(&place.to_string()), clean(what))
    };
    let why_text = clean(&why.to_string());
    if why.is_mistake() { report.leave(what, why_text) } else { report.pass_over(what, why_text) }
}

/// Labels that no other contract may have.
struct Taken {
    labels: BTreeSet<Name>,
}

impl Taken {
    fn of(existing: &Existing) -> Self {
        let mut labels: BTreeSet<Name> =
            existing.deployments.iter().map(|d| d.label.clone()).collect();
        // A file that is there keeps its name, also when its label is another.
        for path in &existing.paths {
            let stem = path.rsplit('/').next().and_then(|name| name.split_once('.'));
            if !path.starts_with("networks/")
                && let Some((stem, _)) = stem
            {
                labels.extend(Name::new(stem));
            }
        }
        Self { labels }
    }

    /// The label, or one near it: `vault`, `vault-optimism`, `vault-2`.
    fn label(&mut self, wanted: Name, network: &Name, has_many_chains: bool) -> Name {
        let with = |ending: &str| {
            let room = Name::LEN_MAX.saturating_sub(ending.len() + 1);
            let head: String = wanted.as_str().chars().take(room).collect();
            Name::new(&format!("{}-{ending}", head.trim_end_matches(['-', '.', '_'])))
                .unwrap_or_else(|_| wanted.clone())
        };
        let mut label = wanted.clone();
        if has_many_chains && self.labels.contains(&label) {
            label = with(network.as_str());
        }
        let mut number = 2_u64;
        while self.labels.contains(&label) {
            label = with(&number.to_string());
            number += 1;
        }
        self.labels.insert(label.clone());
        label
    }
}
