//! Hardhat Ignition: `ignition/deployments/<id>/deployed_addresses.json`, artefacts beside it, and
//! `journal.jsonl`, which knows the blocks and what is still under way.

use std::collections::{BTreeMap, BTreeSet};

use model::{Address, B256};
use serde_json::Value;

use super::{
    AbiText, Chain, Deployed, Files, Import, Place, Why, file_name,
    json::{self, Node, Problem},
};

const FOLDER: &str = "ignition/deployments/";

/// What the journal tells about one future (a contract to be).
#[derive(Default)]
struct Future {
    arguments: Vec<String>,
    name: Option<String>,
    artefact: Option<String>,
    /// Address, block and transaction of each confirmed creation.
    created: Vec<(Address, Option<u64>, Option<B256>)>,
    sender: Option<Address>,
    is_deployment: bool,
    /// How it ended, if it did: the word of its result.
    ended: Option<String>,
}

#[derive(Default)]
struct Journal {
    chain_id: Option<u64>,
    futures: BTreeMap<String, Future>,
}

pub(super) fn read(files: &dyn Files, import: &mut Import) {
    let paths = files.paths();
    let folders: BTreeSet<&str> = paths
        .iter()
        .filter_map(|path| path.strip_prefix(FOLDER)?.split_once('/').map(|(id, _)| id))
        .collect();
    for id in folders {
        let folder = format!("{FOLDER}{id}");
        let journal = journal(files, &format!("{folder}/journal.jsonl"), &paths, import);
        let of_name = id.strip_prefix("chain-").and_then(|id| id.parse().ok());
        let Some(chain) = journal.chain_id.or(of_name) else {
            let why = "is not chain-<id>, and no journal names its chain".to_owned();
            import.leave(Place::file(format!("{folder}/")), "", Why::Incomplete(why));
            continue;
        };
        let path = format!("{folder}/deployed_addresses.json");
        let mut taken = BTreeSet::new();
        if paths.contains(&path.as_str()) {
            match json::parse(files, &path) {
                Ok(value) => {
                    let root = Node::root(&path, &value);
                    match root.entries() {
                        Ok(entries) => {
                            for (future, node) in entries {
                                taken.insert(future.to_owned());
                                let told = journal.futures.get(future);
                                if let Err(problem) =
                                    take(files, &folder, (future, &node), told, chain, import)
                                {
                                    import.left_out.push(problem.left_out(future));
                                }
                            }
                        }
                        Err(problem) => import.left_out.push(problem.left_out("")),
                    }
                }
                Err(left) => import.left_out.push(left),
            }
        }
        for (id, future) in &journal.futures {
            if future.is_deployment && !taken.contains(id) {
                let why = match &future.ended {
                    Some(ended) => Why::Failed(format!("its deployment ended as {ended}")),
                    None => Why::Unfinished("its deployment has not ended".into()),
                };
                import.leave(Place::file(format!("{folder}/journal.jsonl")), id.clone(), why);
            }
        }
        if taken.is_empty() && journal.futures.is_empty() {
            let why = "holds neither deployed_addresses.json nor a journal".to_owned();
            import.leave(Place::file(format!("{folder}/")), "", Why::Foreign(why));
        }
    }
}

fn take(
    files: &dyn Files,
    folder: &str,
    (future, node): (&str, &Node<'_>),
    told: Option<&Future>,
    chain: u64,
    import: &mut Import,
) -> Result<(), Problem> {
    let address = node.address()?;
    // `Module#Name`, and `Module#Name~Other` for what one module makes out of another.
    let name = future.rsplit(['#', '~']).next().unwrap_or(future);
    let mut deployed = Deployed::new(name, Chain::Id(chain), address, node.place());
    let artefact = told.and_then(|told| told.artefact.as_deref()).unwrap_or(future);
    let path = format!("{folder}/artifacts/{artefact}.json");
    match json::parse(files, &path) {
        Ok(value) if value.get("abi").is_some_and(Value::is_array) => {
            let layout = value.get("storageLayout").filter(|layout| layout.is_object());
            deployed.layout = layout.map(Value::to_string);
            deployed.abi = Some(AbiText { json: value["abi"].to_string(), from: path });
        }
        Ok(_) => deployed.notes.push(format!("{path} has no \"abi\"")),
        Err(left) => deployed.notes.push(left.to_string()),
    }
    if let Some(told) = told {
        // The contract's own name tells a proxy from what it is called in the module.
        if let Some(own) = &told.name
            && own != name
            && own.ends_with("Proxy")
        {
            deployed.name.clone_from(own);
        }
        deployed.arguments.clone_from(&told.arguments);
        deployed.creator = told.sender;
        let created = told.created.iter().find(|(at, ..)| *at == address);
        deployed.first_block = created.and_then(|(_, block, _)| *block);
        deployed.transaction = created.and_then(|(.., hash)| *hash);
        if !told.is_deployment {
            deployed.notes.push("was there before: the module only refers to it".to_owned());
        }
    }
    import.add(deployed);
    Ok(())
}

/// Reads the journal line by line. It is written while things happen, so a last line that is cut
/// short is the mark of a run that was killed, not of a broken file.
fn journal(files: &dyn Files, path: &str, paths: &[&str], import: &mut Import) -> Journal {
    let mut journal = Journal::default();
    if !paths.contains(&path) {
        return journal;
    }
    let text = match files.text(path) {
        Ok(text) => text,
        Err(why) => {
            let why = Why::Corrupt(format!("cannot be read: {why}"));
            import.leave(Place::file(path), "", why);
            return journal;
        }
    };
    let last = text.lines().count();
    for (at, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        match json::parse_text(path, line, at + 1) {
            Ok(message) => note(&message, &mut journal),
            Err(mut left) => {
                if at + 1 == last {
                    left.why =
                        Why::Unfinished("the last line is cut short: the run was killed".into());
                }
                import.left_out.push(left);
            }
        }
    }
    journal
}

fn note(message: &Value, journal: &mut Journal) {
    let text = |value: &Value, key: &str| Some(value.get(key)?.as_str()?.to_owned());
    let address = |value: &Value, key: &str| text(value, key)?.parse::<Address>().ok();
    let kind = message.get("type").and_then(Value::as_str).unwrap_or_default();
    if kind == "DEPLOYMENT_INITIALIZE" {
        journal.chain_id = message.get("chainId").and_then(Value::as_u64);
        return;
    }
    let Some(id) = text(message, "futureId") else { return };
    match kind {
        "DEPLOYMENT_EXECUTION_STATE_INITIALIZE" | "CONTRACT_AT_EXECUTION_STATE_INITIALIZE" => {
            let arguments = message.get("constructorArgs").and_then(Value::as_array);
            let future = Future {
                arguments: arguments.into_iter().flatten().map(json::argument).collect(),
                name: text(message, "contractName").map(|n| file_name(&n).to_owned()),
                artefact: text(message, "artifactId"),
                sender: address(message, "from"),
                is_deployment: kind.starts_with("DEPLOYMENT"),
                ..Future::default()
            };
            journal.futures.insert(id, future);
        }
        "TRANSACTION_CONFIRM" => {
            let (Some(future), Some(receipt)) =
                (journal.futures.get_mut(&id), message.get("receipt"))
            else {
                return;
            };
            if let Some(at) = address(receipt, "contractAddress") {
                let hash = text(message, "hash").and_then(|hash| hash.parse().ok());
                future.created.push((at, receipt.get("blockNumber").and_then(Value::as_u64), hash));
            }
        }
        "DEPLOYMENT_EXECUTION_STATE_COMPLETE" => {
            if let Some(future) = journal.futures.get_mut(&id) {
                future.ended = message.get("result").and_then(|result| text(result, "type"));
            }
        }
        // Somebody decided to do this one again.
        "WIPE_APPLY" => {
            journal.futures.remove(&id);
        }
        _ => {}
    }
}
