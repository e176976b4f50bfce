//! hardhat-deploy: `deployments/<network>/<Name>.json` beside `.chainId`. A proxy has three files:
//! `Vault.json` (its address with the whole interface), `Vault_Proxy.json` and
//! `Vault_Implementation.json`.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    AbiText, Chain, Deployed, Files, Import, Place, ProxyKind, Why, file_name,
    json::{self, Node, Problem},
    stem,
};

const FOLDER: &str = "deployments/";

pub(super) fn read(files: &dyn Files, import: &mut Import) {
    let mut networks: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let paths = files.paths();
    for path in &paths {
        let Some((network, file)) = path.strip_prefix(FOLDER).and_then(|r| r.split_once('/'))
        else {
            continue;
        };
        if !file.contains('/') {
            networks.entry(network).or_default().insert(path);
        }
    }
    let has_ignition = paths.iter().any(|path| path.starts_with("ignition/deployments/"));
    if networks.is_empty() && !has_ignition {
        let why = "neither deployments/<network>/ nor ignition/deployments/ holds a deployment";
        import.leave(Place::file("."), "", Why::Incomplete(why.into()));
    }
    for (network, paths) in networks {
        let chain = match chain_id(files, network) {
            Ok(chain) => chain,
            Err(why) => {
                import.leave(Place::file(format!("{FOLDER}{network}/")), "", why);
                continue;
            }
        };
        for path in &paths {
            // Files with a point are the plug-in's own: .chainId, .migrations.json.
            if !path.ends_with(".json") || file_name(path).starts_with('.') {
                continue;
            }
            match json::parse(files, path) {
                Ok(value) => {
                    if let Err(problem) = take(&Node::root(path, &value), chain, &paths, import) {
                        import.left_out.push(problem.left_out(stem(path)));
                    }
                }
                Err(left) => import.left_out.push(left),
            }
        }
    }
}

/// From `.chainId` (version 1) or `.chain` (version 2).
fn chain_id(files: &dyn Files, network: &str) -> Result<u64, Why> {
    let (first, second) =
        (format!("{FOLDER}{network}/.chainId"), format!("{FOLDER}{network}/.chain"));
    let text = match (files.text(&first), files.text(&second)) {
        (Ok(text), _) => text.trim().to_owned(),
        (_, Ok(text)) => serde_json::from_str::<serde_json::Value>(&text)
            .ok()
            .and_then(|value| value.get("chainId").map(json::argument))
            .ok_or_else(|| Why::Corrupt(format!("{second} names no chainId")))?,
        _ => {
            return Err(Why::Foreign(
                "has neither .chainId nor .chain: no network's folder".into(),
            ));
        }
    };
    text.parse().map_err(|_| Why::Corrupt(format!("{first}: expected a chain id, found {text:?}")))
}

fn take(
    node: &Node<'_>,
    chain: u64,
    siblings: &BTreeSet<&str>,
    import: &mut Import,
) -> Result<(), Problem> {
    let place = node.place();
    let name = stem(&place.file).to_owned();
    let sibling = |ending: &str| {
        let path = format!("{}{ending}.json", place.file.trim_end_matches(".json"));
        siblings.contains(path.as_str())
    };
    // The proxy's own file says nothing that the contract's file does not.
    if let Some(of) = name.strip_suffix("_Proxy") {
        let whole = place.file.replace("_Proxy.json", ".json");
        if siblings.contains(whole.as_str()) {
            let why = format!("{of}.json is the same address with the whole interface");
            import.leave(place, name, Why::Superseded(why));
            return Ok(());
        }
    }
    let address = node.required("address", "the contract's address")?.address()?;
    let receipt = node.field("receipt");
    if let Some(status) = receipt.as_ref().and_then(|receipt| receipt.field("status"))
        && status.number()? == 0
    {
        import.leave(place, name, Why::Failed("the transaction that creates it failed".into()));
        return Ok(());
    }
    let mut deployed = Deployed::new(
        name.replace("_Implementation", "-implementation").replace("_DiamondProxy", ""),
        Chain::Id(chain),
        address,
        place.clone(),
    );
    if let Some(abi) = node.field("abi") {
        abi.items()?;
        deployed.abi = Some(AbiText { json: abi.value.to_string(), from: place.file.clone() });
    }
    if let Some(receipt) = receipt {
        deployed.first_block = receipt.field("blockNumber").map(|n| n.number()).transpose()?;
        deployed.creator = receipt.field("from").and_then(|from| from.address().ok());
    }
    deployed.transaction = node.field("transactionHash").map(|hash| hash.hash()).transpose()?;
    if let Some(list) = node.field("args").and_then(|list| list.items().ok()) {
        deployed.arguments = list.iter().map(|item| json::argument(item.value)).collect();
    }
    deployed.implementation = node.field("implementation").map(|a| a.address()).transpose()?;
    let is_diamond = node.field("facets").is_some_and(|facets| facets.items().is_ok());
    deployed.proxy = if is_diamond {
        Some(ProxyKind::Diamond)
    } else if deployed.implementation.is_some() || sibling("_Proxy") {
        Some(ProxyKind::Other)
    } else {
        None
    };
    deployed.layout =
        node.field("storageLayout").filter(|l| l.value.is_object()).map(|l| l.value.to_string());
    import.add(deployed);
    Ok(())
}
