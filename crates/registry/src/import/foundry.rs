//! Foundry: `broadcast/<Script>/<chain>/run-*.json` says what was deployed where, `out/` holds the
//! interfaces. Scripts that deploy to several chains write `broadcast/multi/<Script>-*/run.json`.

use std::collections::{HashMap, HashSet};

use model::Address;
use serde_json::Value;

use super::{
    Chain, Deployed, Files, Import, Options, Place, Why,
    creation::Artefacts,
    file_name,
    json::{self, Node, Problem},
    nameless, stem,
};

/// Folder of broadcasts unless `foundry.toml` names another.
pub(super) const BROADCAST: &str = "broadcast";
/// Folder of artefacts unless `foundry.toml` names another.
pub(super) const OUT: &str = "out";

/// One run of one script on one chain.
struct Run {
    script: String,
    file: String,
    value: Value,
    /// Where the run stands in its file: `None` for the file itself, else the element of
    /// `deployments` of a script for several chains.
    part: Option<usize>,
    chain_of_folder: Option<u64>,
    timestamp: u64,
}

pub(super) fn read(files: &dyn Files, options: &Options, import: &mut Import) {
    let broadcast = options.broadcast.as_deref().unwrap_or(BROADCAST);
    let out = options.out.as_deref().unwrap_or(OUT);
    let mut runs = Vec::new();
    let mut is_any = false;
    for path in files.paths() {
        let Some(rest) = path.strip_prefix(broadcast).and_then(|rest| rest.strip_prefix('/'))
        else {
            continue;
        };
        is_any = true;
        if rest.ends_with(".json") {
            load(files, path, rest, &mut runs, import);
        }
    }
    if !is_any {
        let why = "does not exist: run your deployment script with --broadcast first";
        import.leave(Place::file(format!("{broadcast}/")), "", Why::Incomplete(why.into()));
        return;
    }
    // Newest first, so that what is taken is what a name means today; `run-latest` before its copy.
    runs.sort_by(|a, b| {
        let is_copy = |run: &Run| !stem(&run.file).ends_with("-latest");
        (b.timestamp, is_copy(a), &a.file).cmp(&(a.timestamp, is_copy(b), &b.file))
    });
    let artefacts = Artefacts::below(files, out);
    let mut taken = Taken { seen: HashSet::new(), newest: HashMap::new() };
    for run in &runs {
        let root = Node::root(&run.file, &run.value);
        let node = match run.part {
            None => Ok(root),
            Some(part) => root.required("deployments", "a list").and_then(|list| {
                list.items()?
                    .into_iter()
                    .nth(part)
                    .ok_or_else(|| list.expected("one more deployment"))
            }),
        };
        if let Err(problem) =
            node.and_then(|node| take(run, &node, options, (out, &artefacts), &mut taken, import))
        {
            import.left_out.push(problem.left_out(""));
        }
    }
}

/// Reads one file of the broadcast folder; `rest` is its path below that folder.
fn load(files: &dyn Files, path: &str, rest: &str, runs: &mut Vec<Run>, import: &mut Import) {
    let parts: Vec<&str> = rest.split('/').collect();
    if parts.contains(&"dry-run") {
        let why = "a dry run: nothing was sent".to_owned();
        return import.leave(Place::file(path), "", Why::Unfinished(why));
    }
    let (script, chain) = match parts.as_slice() {
        ["multi", script, _] => (script.rsplit_once('-').map_or(*script, |(name, _)| name), None),
        [script, chain, _] => (*script, chain.parse().ok()),
        _ => {
            let why = "is not <script>/<chain>/<run>.json".to_owned();
            return import.leave(Place::file(path), "", Why::Foreign(why));
        }
    };
    let value = match json::parse(files, path) {
        Ok(value) => value,
        Err(left) => return import.left_out.push(left),
    };
    let timestamp = |value: &Value| value.get("timestamp").and_then(Value::as_u64).unwrap_or(0);
    let run = |value: Value, part, timestamp| Run {
        script: script.to_owned(),
        file: path.to_owned(),
        value,
        part,
        chain_of_folder: chain,
        timestamp,
    };
    if let Some(Value::Array(deployments)) = value.get("deployments") {
        for part in 0..deployments.len() {
            runs.push(run(value.clone(), Some(part), timestamp(&value)));
        }
    } else if value.get("transactions").is_some_and(Value::is_array) {
        let at = timestamp(&value);
        runs.push(run(value, None, at));
    } else {
        let why = format!(
            "expected a broadcast (an object with \"transactions\"), found {}",
            json::shown(&value)
        );
        import.leave(Place::file(path), "", Why::Foreign(why));
    }
}

/// What newer runs brought.
struct Taken {
    seen: HashSet<(u64, Address)>,
    /// Where a script's contract of a name is today.
    newest: HashMap<(String, u64, String), (Address, String)>,
}

/// What a transaction of the run did, by its hash.
struct Receipt {
    block: Option<u64>,
    is_success: bool,
}

fn take(
    run: &Run,
    node: &Node<'_>,
    options: &Options,
    (out, artefacts): (&str, &Artefacts<'_>),
    taken: &mut Taken,
    import: &mut Import,
) -> Result<(), Problem> {
    let chain = match node.field("chain") {
        Some(chain) => Some(chain.number()?),
        None => run.chain_of_folder.or(options.chain_id),
    };
    let Some(chain) = chain else {
        let why = "names no chain, and neither does its folder (say --chain-id)";
        import.leave(node.place(), "", Why::Incomplete(why.into()));
        return Ok(());
    };
    let receipts = receipts(node)?;
    let libraries = libraries(node)?;
    // Names of this run, so that contracts deployed twice by one run are both taken.
    let mut of_this_run: Vec<(String, Address)> = Vec::new();
    for transaction in node.required("transactions", "a list")?.items()? {
        let own = created(&transaction, "contractAddress");
        let inner = match transaction.field("additionalContracts") {
            Some(list) => list.items()?,
            None => Vec::new(),
        };
        let inner = inner.iter().map(|c| created(c, "address"));
        for contract in std::iter::once(own).chain(inner) {
            let contract = match contract {
                Ok(Some(contract)) => contract,
                Ok(None) => continue,
                Err(problem) => {
                    import.left_out.push(problem.left_out(""));
                    continue;
                }
            };
            let library = libraries.iter().find(|(_, at)| *at == contract.address);
            let name = contract.name.or_else(|| library.map(|(name, _)| name.clone()));
            let shown = name.clone().unwrap_or_else(|| nameless(contract.address));
            let hash = transaction.field("hash").and_then(|hash| hash.text().ok());
            let receipt = match state(hash, &receipts) {
                Ok(receipt) => receipt,
                Err(why) => {
                    import.leave(transaction.place(), shown, why);
                    continue;
                }
            };
            if !taken.seen.insert((chain, contract.address)) {
                continue;
            }
            let key = (run.script.clone(), chain, shown.clone());
            if let (Some((newer, file)), false) = (taken.newest.get(&key), options.superseded)
                && name.is_some()
            {
                let why = format!(
                    "{} was replaced by {newer}, deployed later by the same script ({file}); --superseded takes both",
                    contract.address
                );
                import.leave(transaction.place(), shown, Why::Superseded(why));
                continue;
            }
            of_this_run.push((shown.clone(), contract.address));
            let plain = shown.rsplit(':').next().unwrap_or(&shown);
            let mut deployed =
                Deployed::new(plain, Chain::Id(chain), contract.address, transaction.place());
            deployed.first_block = receipt.block;
            deployed.transaction = hash.and_then(|hash| hash.parse().ok());
            deployed.creator = creator(&transaction, contract.is_inner);
            if !contract.is_inner {
                deployed.arguments = arguments(&transaction);
            }
            match &name {
                None => deployed.notes.push("the broadcast does not name it".to_owned()),
                Some(name) => match artefacts.find(name, contract.init_code) {
                    Ok(artefact) => {
                        deployed.abi = Some(artefact.abi);
                        deployed.layout = artefact.layout;
                    }
                    Err(why) => deployed.notes.push(why.note(out, "forge build")),
                },
            }
            import.add(deployed);
        }
    }
    for (name, address) in of_this_run {
        let newest = || (address, file_name(&run.file).to_owned());
        taken.newest.entry((run.script.clone(), chain, name)).or_insert_with(newest);
    }
    for (name, address) in libraries {
        if taken.seen.insert((chain, address)) {
            let plain = name.rsplit(':').next().unwrap_or(&name).to_owned();
            let mut library = Deployed::new(plain, Chain::Id(chain), address, node.place());
            library.notes.push("a library that was linked, deployed elsewhere".to_owned());
            library.abi = artefacts.find(&name, None).ok().map(|artefact| artefact.abi);
            import.add(library);
        }
    }
    Ok(())
}

/// A contract that a transaction, or a factory within it, created.
struct Created<'a> {
    name: Option<String>,
    address: Address,
    init_code: Option<&'a str>,
    is_inner: bool,
}

/// The contract of this entry; `None` when it created none.
fn created<'a>(node: &Node<'a>, address: &str) -> Result<Option<Created<'a>>, Problem> {
    let kind = node.text_of("transactionType").or_else(|| node.text_of("opcode"));
    if !kind.is_some_and(|kind| kind.starts_with("CREATE")) {
        return Ok(None);
    }
    let transaction = node.value.get("transaction");
    let field = |value: &'a Value, key: &str| value.get(key).and_then(Value::as_str);
    Ok(Some(Created {
        name: node.text_of("contractName").map(str::to_owned),
        address: node.required(address, "the address of the new contract")?.address()?,
        // Through the CREATE2 factory the input begins with the salt.
        init_code: match transaction {
            Some(tx) => field(tx, "input").or_else(|| field(tx, "data")).map(|input| {
                if kind == Some("CREATE2") { input.get(66..).unwrap_or("") } else { input }
            }),
            None => node.text_of("initCode"),
        },
        is_inner: transaction.is_none(),
    }))
}

fn creator(transaction: &Node<'_>, is_inner: bool) -> Option<Address> {
    let sent = transaction.field("transaction")?;
    let key = if is_inner { "to" } else { "from" };
    sent.field(key)?.address().ok().or_else(|| transaction.field("contractAddress")?.address().ok())
}

fn arguments(transaction: &Node<'_>) -> Vec<String> {
    let items = transaction.field("arguments").and_then(|list| list.items().ok());
    items.unwrap_or_default().iter().map(|item| json::argument(item.value)).collect()
}

fn receipts(node: &Node<'_>) -> Result<HashMap<String, Receipt>, Problem> {
    let mut receipts = HashMap::new();
    let Some(list) = node.field("receipts") else { return Ok(receipts) };
    for receipt in list.items()? {
        let hash = receipt.required("transactionHash", "a hash")?.text()?.to_ascii_lowercase();
        let block = receipt.field("blockNumber").map(|block| block.number()).transpose()?;
        // Before Byzantium a receipt had no status.
        let is_success = match receipt.field("status") {
            Some(status) => status.number()? == 1,
            None => true,
        };
        receipts.insert(hash, Receipt { block, is_success });
    }
    Ok(receipts)
}

/// `src/Math.sol:Math:0x…` of each linked library.
fn libraries(node: &Node<'_>) -> Result<Vec<(String, Address)>, Problem> {
    let Some(list) = node.field("libraries") else { return Ok(Vec::new()) };
    let library = |item: Node<'_>| {
        let wrong = || item.expected("a library (file:name:address)");
        let (name, address) = item.text()?.rsplit_once(':').ok_or_else(wrong)?;
        let address = crate::address::parse_address(address).map_err(|why| item.problem(why))?;
        Ok((name.to_owned(), address))
    };
    list.items()?.into_iter().map(library).collect()
}

fn state<'a>(
    hash: Option<&str>,
    receipts: &'a HashMap<String, Receipt>,
) -> Result<&'a Receipt, Why> {
    let Some(hash) = hash else {
        return Err(Why::Unfinished("its transaction was never sent".into()));
    };
    match receipts.get(&hash.to_ascii_lowercase()) {
        None => Err(Why::Unfinished(format!(
            "transaction {hash} has no receipt (forge script --resume waits for it)"
        ))),
        Some(receipt) if !receipt.is_success => {
            Err(Why::Failed(format!("transaction {hash} failed")))
        }
        Some(receipt) => Ok(receipt),
    }
}
