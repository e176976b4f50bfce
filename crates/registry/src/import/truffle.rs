//! Truffle: `build/contracts/<Name>.json` holds the interface and, by network, the address.

use super::{
    AbiText, Chain, Deployed, Files, Import, Place, Why,
    json::{self, Node, Problem},
    stem,
};

const FOLDER: &str = "build/contracts/";

/// Truffle's record of which migrations ran; it guards nothing.
const BOOKKEEPING: &str = "Migrations";

pub(super) fn read(files: &dyn Files, import: &mut Import) {
    let mut is_any = false;
    for path in files.paths() {
        if !path.strip_prefix(FOLDER).is_some_and(|rest| rest.ends_with(".json")) {
            continue;
        }
        is_any = true;
        match json::parse(files, path) {
            Ok(value) => {
                if let Err(problem) = take(&Node::root(path, &value), import) {
                    import.left_out.push(problem.left_out(stem(path)));
                }
            }
            Err(left) => import.left_out.push(left),
        }
    }
    if !is_any {
        let why = "holds no artefact: run truffle migrate first".to_owned();
        import.leave(Place::file(FOLDER), "", Why::Incomplete(why));
    }
}

fn take(node: &Node<'_>, import: &mut Import) -> Result<(), Problem> {
    let place = node.place();
    let Some(networks) = node.field("networks") else {
        let why = format!("is no artefact of Truffle: {}", json::shown(node.value));
        import.leave(place, "", Why::Foreign(why));
        return Ok(());
    };
    let name = node.text_of("contractName").unwrap_or_else(|| stem(node.file));
    let networks = networks.entries()?;
    if networks.is_empty() {
        let why = "compiled, and deployed nowhere".to_owned();
        import.leave(place, name, Why::Unfinished(why));
        return Ok(());
    }
    if name == BOOKKEEPING {
        let why = "Truffle's own record of migrations, not a contract of yours".to_owned();
        import.leave(place, name, Why::Foreign(why));
        return Ok(());
    }
    let abi = node.required("abi", "a list of items")?;
    abi.items()?;
    for (id, network) in networks {
        let chain: u64 =
            id.parse().map_err(|_| network.problem(format!("{id:?} is not a network id")))?;
        let Some(address) = network.field("address") else {
            let why = "has links but no address".to_owned();
            import.leave(network.place(), name, Why::Unfinished(why));
            continue;
        };
        let mut deployed =
            Deployed::new(name, Chain::Id(chain), address.address()?, network.place());
        deployed.abi = Some(AbiText { json: abi.value.to_string(), from: place.file.clone() });
        deployed.transaction = network.field("transactionHash").and_then(|hash| hash.hash().ok());
        if chain == GANACHE_NETWORK {
            let note = "5777 is Ganache's network id; its chain id is usually 1337";
            deployed.notes.push(note.to_owned());
        }
        import.add(deployed);
    }
    Ok(())
}

/// Truffle knows network ids, which are chain ids nearly everywhere but here.
const GANACHE_NETWORK: u64 = 5_777;
