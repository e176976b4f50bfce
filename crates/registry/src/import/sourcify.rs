//! Sourcify: a repository tree (`full_match/<chain>/<address>/metadata.json`, also `partial_match`)
//! and answers of its API (`/v2/contract/<chain>/<address>?fields=all`).

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    AbiText, Chain, Deployed, Files, Import, Place, ProxyKind, Why, file_name,
    json::{self, Node, Problem},
    nameless, stem,
};
use crate::address::parse_address;

const MATCHES: [&str; 2] = ["full_match", "partial_match"];

pub(super) fn read(files: &dyn Files, import: &mut Import) {
    let paths = files.paths();
    let trees: BTreeSet<&str> =
        paths.iter().filter(|path| in_tree(path).is_some()).copied().collect();
    for path in &paths {
        // Sources of the tree are JSON at times, and say nothing about a deployment.
        let is_source = trees.contains(path) && file_name(path) != "metadata.json";
        if !path.ends_with(".json") || is_source {
            continue;
        }
        let value = match json::parse(files, path) {
            Ok(value) => value,
            Err(left) => {
                import.left_out.push(left);
                continue;
            }
        };
        let node = Node::root(path, &value);
        let result = match in_tree(path) {
            Some(at) => from_tree(files, &node, at, import),
            None => from_answer(&node, import),
        };
        if let Err(problem) = result {
            import.left_out.push(problem.left_out(""));
        }
    }
    if import.deployed.is_empty() && import.left_out.is_empty() {
        let why =
            "holds neither full_match/<chain>/<address>/metadata.json nor an answer of the API";
        import.leave(Place::file("."), "", Why::Incomplete(why.into()));
    }
}

/// Where in a repository tree a file lies.
#[derive(Clone, Copy)]
struct InTree<'a> {
    is_full: bool,
    chain: &'a str,
    address: &'a str,
    folder: &'a str,
}

fn in_tree(path: &str) -> Option<InTree<'_>> {
    let parts: Vec<&str> = path.split('/').collect();
    let at = parts.iter().position(|part| MATCHES.contains(part))?;
    let (chain, address) = (*parts.get(at + 1)?, *parts.get(at + 2)?);
    // There is a file below the address' folder.
    parts.get(at + 3)?;
    let folder_len: usize = parts[..at + 3].iter().map(|part| part.len() + 1).sum();
    let folder = &path[..folder_len];
    Some(InTree { is_full: parts[at] == MATCHES[0], chain, address, folder })
}

fn from_tree(
    files: &dyn Files,
    node: &Node<'_>,
    at: InTree<'_>,
    import: &mut Import,
) -> Result<(), Problem> {
    let chain: u64 = at
        .chain
        .parse()
        .map_err(|_| node.problem(format!("folder {:?} is not a chain id", at.chain)))?;
    let address = parse_address(at.address).map_err(|why| node.problem(format!("folder {why}")))?;
    let abi =
        node.required("output", "what the compiler said")?.required("abi", "a list of items")?;
    abi.items()?;
    let mut deployed = Deployed::new(
        target_of(node.value).unwrap_or_else(|| nameless(address)),
        Chain::Id(chain),
        address,
        node.place(),
    );
    deployed.abi = Some(AbiText { json: abi.value.to_string(), from: node.place().file });
    let hash = files.text(&format!("{}creator-tx-hash.txt", at.folder)).ok();
    deployed.transaction = hash.and_then(|hash| hash.trim().parse().ok());
    if let Ok(arguments) = files.text(&format!("{}constructor-args.txt", at.folder)) {
        deployed.arguments = vec![arguments.trim().to_owned()];
    }
    if !at.is_full {
        deployed.notes.push("a partial match: the sources may differ in comments and names".into());
    }
    import.add(deployed);
    Ok(())
}

/// The contract that the compiler's settings name: `{"src/Vault.sol": "Vault"}`.
fn target_of(metadata: &Value) -> Option<String> {
    let target = metadata.get("settings")?.get("compilationTarget")?.as_object()?;
    Some(target.values().next()?.as_str()?.to_owned())
}

fn from_answer(node: &Node<'_>, import: &mut Import) -> Result<(), Problem> {
    // A list of contracts (`/v2/contracts/<chain>`) and saved answers side by side.
    if let Ok(items) = node.items() {
        for item in items {
            from_answer(&item, import)?;
        }
        return Ok(());
    }
    if let Some(results) = node.field("results") {
        return from_answer(&results, import);
    }
    let (Some(chain), Some(address)) = (node.field("chainId"), node.field("address")) else {
        let why = format!(
            "expected an answer of Sourcify (an object with \"chainId\" and \"address\"), found {}",
            json::shown(node.value)
        );
        import.leave(node.place(), "", Why::Foreign(why));
        return Ok(());
    };
    let (chain, address) = (chain.number()?, address.address()?);
    if node.value.get("match").is_some_and(Value::is_null) {
        let why = format!("{address} is not verified there");
        import.leave(node.place(), "", Why::Incomplete(why));
        return Ok(());
    }
    let compilation = node.field("compilation");
    let name = compilation
        .as_ref()
        .and_then(|c| c.text_of("name"))
        .map(str::to_owned)
        .or_else(|| target_of(node.value.get("metadata")?))
        .unwrap_or_else(|| nameless(address));
    let mut deployed = Deployed::new(stem(&name), Chain::Id(chain), address, node.place());
    match node.field("abi") {
        Some(abi) => {
            abi.items()?;
            deployed.abi = Some(AbiText { json: abi.value.to_string(), from: node.place().file });
        }
        None => deployed.notes.push("the answer has no ABI: ask with ?fields=all".to_owned()),
    }
    if let Some(deployment) = node.field("deployment") {
        deployed.first_block = deployment.field("blockNumber").map(|n| n.number()).transpose()?;
        deployed.creator = deployment.field("deployer").map(|a| a.address()).transpose()?;
        deployed.transaction = deployment.field("transactionHash").map(|h| h.hash()).transpose()?;
    }
    if let Some(proxy) = node.field("proxyResolution")
        && proxy.value.get("isProxy") == Some(&Value::Bool(true))
    {
        deployed.proxy = Some(match proxy.text_of("proxyType").unwrap_or_default() {
            "DiamondProxy" => ProxyKind::Diamond,
            "EIP1967BeaconProxy" => ProxyKind::Beacon,
            "EIP1167Proxy" => ProxyKind::Clone,
            "UUPSProxy" | "EIP1822Proxy" => ProxyKind::Uups,
            _ => ProxyKind::Other,
        });
        if let Some(behind) = proxy.field("implementations") {
            let behind = behind.items()?;
            if let [one] = behind.as_slice() {
                deployed.implementation = Some(one.required("address", "an address")?.address()?);
            }
        }
    }
    deployed.layout =
        node.field("storageLayout").filter(|l| l.value.is_object()).map(|l| l.value.to_string());
    if node.text_of("match") == Some("match") {
        deployed.notes.push("a partial match: the sources may differ in comments and names".into());
    }
    import.add(deployed);
    Ok(())
}
