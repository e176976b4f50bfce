//! Saved answers of an API in Etherscan's form: `getsourcecode`, `getabi` and
//! `getcontractcreation`. Only the last names its contract; of the others the address must stand in
//! the file's path, as in `1/0x….json` or `vault-0x….json`.

use model::Address;
use serde_json::Value;

use super::{
    AbiText, Chain, Deployed, Files, Import, Options, Place, ProxyKind, Why,
    json::{self, Node, Problem},
    nameless,
};
use crate::address::parse_address;

pub(super) fn read(files: &dyn Files, options: &Options, import: &mut Import) {
    for path in files.paths() {
        if !path.ends_with(".json") {
            continue;
        }
        match json::parse(files, path) {
            Ok(value) => {
                if let Err(problem) = take(&Node::root(path, &value), path, options, import) {
                    import.left_out.push(problem.left_out(""));
                }
            }
            Err(left) => import.left_out.push(left),
        }
    }
    // One contract is often told by three answers; the name stands in only one of them.
    for deployed in &mut import.deployed {
        if deployed.abi.is_none() && deployed.notes.is_empty() {
            deployed.notes.push("no answer holds its ABI (getabi or getsourcecode)".to_owned());
        }
    }
    if import.deployed.is_empty() && import.left_out.is_empty() {
        let why = "holds no answer (*.json) of getsourcecode, getabi or getcontractcreation";
        import.leave(Place::file("."), "", Why::Incomplete(why.into()));
    }
}

fn take(
    node: &Node<'_>,
    path: &str,
    options: &Options,
    import: &mut Import,
) -> Result<(), Problem> {
    let Some(result) = node.value.get("result") else {
        let why = format!(
            "expected an answer (an object with \"status\" and \"result\"), found {}",
            json::shown(node.value)
        );
        import.leave(node.place(), "", Why::Foreign(why));
        return Ok(());
    };
    let said = result.as_str().unwrap_or_default();
    if node.text_of("status") == Some("0") {
        let message = node.text_of("message").unwrap_or("status 0");
        let why = format!(
            "the API refused: {message}{}",
            if said.is_empty() { String::new() } else { format!(" ({said})") }
        );
        import.leave(node.place(), "", Why::Incomplete(why));
        return Ok(());
    }
    let chain = match options.chain_id.or_else(|| chain_of(path)) {
        Some(chain) => Chain::Id(chain),
        None => {
            let why = "which chain? say --chain-id, or name a folder after it (1/0x….json)";
            import.leave(node.place(), "", Why::Incomplete(why.into()));
            return Ok(());
        }
    };
    let result = node.required("result", "the answer")?;
    if let Value::String(abi) = result.value {
        let address = address_of(path, &result)?;
        let deployed = Deployed::new(nameless(address), chain, address, node.place());
        return with_abi(deployed, abi, &result, path).map(|deployed| merge(deployed, import));
    }
    for item in result.items()? {
        if let Some(address) = item.field("contractAddress") {
            let address = address.address()?;
            let mut deployed =
                Deployed::new(nameless(address), chain.clone(), address, item.place());
            deployed.creator = item
                .field("contractFactory")
                .filter(|f| f.value != "")
                .or_else(|| item.field("contractCreator"))
                .map(|a| a.address())
                .transpose()?;
            deployed.transaction = item.field("txHash").map(|hash| hash.hash()).transpose()?;
            deployed.first_block = item.field("blockNumber").map(|n| n.number()).transpose()?;
            merge(deployed, import);
            continue;
        }
        let Some(abi) = item.text_of("ABI") else {
            let why = format!(
                "expected \"ABI\" or \"contractAddress\", found {}",
                json::shown(item.value)
            );
            import.leave(item.place(), "", Why::Foreign(why));
            continue;
        };
        let address = address_of(path, &item)?;
        let name = item.text_of("ContractName").map_or_else(|| nameless(address), str::to_owned);
        let mut deployed = Deployed::new(name, chain.clone(), address, item.place());
        if let Some(behind) = item.text_of("Implementation") {
            deployed.implementation = Some(
                parse_address(behind)
                    .map_err(|why| item.problem(format!("Implementation: {why}")))?,
            );
        }
        if item.text_of("Proxy") == Some("1") {
            deployed.proxy = Some(ProxyKind::Other);
        }
        if let Some(arguments) = item.text_of("ConstructorArguments") {
            deployed.arguments = vec![arguments.to_owned()];
        }
        if let Some(similar) = item.text_of("SimilarMatch") {
            deployed.notes.push(format!("verified only as similar to {similar}"));
        }
        let deployed = with_abi(deployed, abi, &item, path)?;
        merge(deployed, import);
    }
    Ok(())
}

/// An ABI is a text within the JSON; where there is none, the API writes a sentence in its place.
fn with_abi(
    mut deployed: Deployed,
    abi: &str,
    node: &Node<'_>,
    path: &str,
) -> Result<Deployed, Problem> {
    if abi.to_ascii_lowercase().contains("not verified") {
        deployed.notes.push("its source is not verified, so its interface is not known".to_owned());
        return Ok(deployed);
    }
    match serde_json::from_str::<Value>(abi) {
        Ok(Value::Array(_)) => {
            deployed.abi = Some(AbiText { json: abi.to_owned(), from: path.to_owned() });
            Ok(deployed)
        }
        Ok(other) => {
            Err(node.problem(format!("ABI: expected a list, found {}", json::shown(&other))))
        }
        Err(error) => Err(node.problem(format!("ABI: not JSON: {error}"))),
    }
}

/// Adds what one answer tells; a name replaces an address that stood in its place.
fn merge(deployed: Deployed, import: &mut Import) {
    let address = deployed.address;
    let chain = deployed.chain.clone();
    let name = deployed.name.clone();
    let notes = deployed.notes.clone();
    import.add(deployed);
    let known = import.deployed.iter_mut().find(|d| d.address == address && d.chain == chain);
    if let Some(known) = known {
        if known.name == nameless(address) {
            known.name = name;
        }
        for note in notes {
            if !known.notes.contains(&note) {
                known.notes.push(note);
            }
        }
    }
}

fn address_of(path: &str, node: &Node<'_>) -> Result<Address, Problem> {
    let text = path.find("0x").and_then(|at| path.get(at..at + 42));
    let address = text.and_then(|text| parse_address(text).ok());
    address.ok_or_else(|| {
        node.problem(
            "this answer does not say which address it is about; name the file after it (0x….json)",
        )
    })
}

/// A folder called `1`, `chain-1` or `chain_1`.
fn chain_of(path: &str) -> Option<u64> {
    let folders = path.rsplit_once('/').map_or("", |(folders, _)| folders);
    folders.split('/').rev().find_map(|folder| {
        let digits = folder.strip_prefix("chain-").or_else(|| folder.strip_prefix("chain_"));
        digits.unwrap_or(folder).parse().ok()
    })
}
