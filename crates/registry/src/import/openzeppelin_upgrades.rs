//! Manifests of the OpenZeppelin upgrades plug-ins: `.openzeppelin/<network>.json`. They know
//! proxies with their kind, and implementations with their storage layout, but no names and no
//! interfaces: a name is read from the layout, an interface from artefacts beside it.

use serde_json::Value;

use super::{
    Chain, Deployed, Files, Import, Place, ProxyKind, Why,
    creation::Artefacts,
    json::{self, Node, Problem},
    nameless, stem,
};
use crate::Class;

const FOLDER: &str = ".openzeppelin/";

/// Newest form of the manifest that is known: a newer one may mean other things by its words.
const VERSION_MAX: u64 = 3;

/// The plug-ins' names of networks.
const NETWORKS: [(&str, u64); 34] = [
    ("mainnet", 1),
    ("ropsten", 3),
    ("rinkeby", 4),
    ("goerli", 5),
    ("optimism", 10),
    ("kovan", 42),
    ("bsc", 56),
    ("bsc-testnet", 97),
    ("xdai", 100),
    ("gnosis", 100),
    ("polygon", 137),
    ("fantom", 250),
    ("optimism-goerli", 420),
    ("moonbeam", 1_284),
    ("moonriver", 1_285),
    ("moonbase-alpha", 1_287),
    ("fantom-testnet", 4_002),
    ("canto", 7_700),
    ("base", 8_453),
    ("holesky", 17_000),
    ("arbitrum-one", 42_161),
    ("celo", 42_220),
    ("avalanche-fuji", 43_113),
    ("avalanche", 43_114),
    ("celo-alfajores", 44_787),
    ("polygon-mumbai", 80_001),
    ("polygon-amoy", 80_002),
    ("base-sepolia", 84_532),
    ("arbitrum-goerli", 421_613),
    ("arbitrum-sepolia", 421_614),
    ("hoodi", 560_048),
    ("sepolia", 11_155_111),
    ("optimism-sepolia", 11_155_420),
    ("aurora", 1_313_161_554),
];

pub(super) fn read(files: &dyn Files, import: &mut Import) {
    let hardhat = Artefacts::below(files, "artifacts");
    let foundry = Artefacts::below(files, "out");
    let mut is_any = false;
    for path in files.paths() {
        let Some(file) = path.strip_prefix(FOLDER) else { continue };
        if !file.ends_with(".json") {
            continue;
        }
        is_any = true;
        let network = file.trim_end_matches(".json");
        let known = NETWORKS.iter().find(|(name, _)| *name == network).map(|(_, id)| *id);
        let chain = known.or_else(|| network.strip_prefix("unknown-")?.parse().ok());
        let Some(chain) = chain else {
            let why = format!("no chain id is known for a network called {network:?}");
            import.leave(Place::file(path), "", Why::Incomplete(why));
            continue;
        };
        match json::parse(files, path) {
            Ok(value) => {
                let node = Node::root(path, &value);
                if let Err(problem) = take(&node, chain, [&hardhat, &foundry], import) {
                    import.left_out.push(problem.left_out(""));
                }
            }
            Err(left) => import.left_out.push(left),
        }
    }
    if !is_any {
        let why = "holds no manifest: the upgrades plug-in writes it at the first deployment";
        import.leave(Place::file(FOLDER), "", Why::Incomplete(why.into()));
    }
}

fn take(
    node: &Node<'_>,
    chain: u64,
    artefacts: [&Artefacts<'_>; 2],
    import: &mut Import,
) -> Result<(), Problem> {
    let place = node.place();
    let Some(version) = node.field("manifestVersion") else {
        let why = "expected a manifest (an object with \"manifestVersion\")".to_owned();
        import.leave(place, "", Why::Foreign(why));
        return Ok(());
    };
    let major = version.text()?.split('.').next().and_then(|major| major.parse::<u64>().ok());
    match major {
        Some(major) if major <= VERSION_MAX => {}
        _ => return Err(version.expected(&format!("a version up to {VERSION_MAX}"))),
    }
    let chain = Chain::Id(chain);
    if let Some(admin) = node.field("admin") {
        let address = admin.required("address", "the admin's address")?.address()?;
        let mut deployed = Deployed::new("proxy-admin", chain.clone(), address, admin.place());
        deployed.class = Some(Class::AccessControl);
        deployed.transaction = admin.field("txHash").and_then(|hash| hash.hash().ok());
        deployed.notes.push("owns the transparent proxies of this network".to_owned());
        import.add(deployed);
    }
    let mut implementations = Vec::new();
    if let Some(impls) = node.field("impls") {
        for (_, entry) in impls.entries()? {
            match implementation(&entry, &chain, artefacts) {
                Ok(deployed) => implementations.push(deployed),
                Err(problem) => import.left_out.push(problem.left_out("")),
            }
        }
    }
    let only = match implementations.as_slice() {
        [one] => Some((one.name.clone(), one.address, one.abi.clone())),
        _ => None,
    };
    if let Some(proxies) = node.field("proxies") {
        for entry in proxies.items()? {
            let proxy = match proxy(&entry, &chain) {
                Ok(proxy) => proxy,
                Err(problem) => {
                    import.left_out.push(problem.left_out(""));
                    continue;
                }
            };
            let mut proxy = proxy;
            match &only {
                // With one implementation there is nothing else that it could be.
                Some((name, address, _)) => {
                    proxy.name.clone_from(name);
                    proxy.implementation = Some(*address);
                }
                None => proxy.notes.push(
                    "the manifest does not say which implementation stands behind it".to_owned(),
                ),
            }
            import.add(proxy);
        }
    }
    for deployed in implementations {
        import.add(deployed);
    }
    Ok(())
}

fn proxy(entry: &Node<'_>, chain: &Chain) -> Result<Deployed, Problem> {
    let address = entry.required("address", "the proxy's address")?.address()?;
    let kind = match entry.field("kind") {
        Some(kind) => kind.text()?.parse().map_err(|why: String| kind.problem(why))?,
        // Before version 3.1 there were only transparent ones.
        None => ProxyKind::Transparent,
    };
    let name = nameless(address).replace("contract", "proxy");
    let mut deployed = Deployed::new(name, chain.clone(), address, entry.place());
    deployed.proxy = Some(kind);
    deployed.class = Some(Class::Proxy);
    deployed.abi = Some(kind.abi());
    deployed.transaction = entry.field("txHash").and_then(|hash| hash.hash().ok());
    Ok(deployed)
}

fn implementation(
    entry: &Node<'_>,
    chain: &Chain,
    artefacts: [&Artefacts<'_>; 2],
) -> Result<Deployed, Problem> {
    let address = entry.required("address", "the implementation's address")?.address()?;
    let layout = entry.field("layout");
    let own_name = layout.as_ref().and_then(contract_of);
    let name = own_name.clone().unwrap_or_else(|| nameless(address));
    let mut deployed = Deployed::new(name, chain.clone(), address, entry.place());
    deployed.transaction = entry.field("txHash").and_then(|hash| hash.hash().ok());
    match layout {
        Some(layout) => {
            layout.required("storage", "a list of variables")?.items()?;
            deployed.layout = Some(layout.value.to_string());
        }
        None => deployed.notes.push("the manifest holds no storage layout of it".to_owned()),
    }
    match own_name {
        None => deployed.notes.push("has no variables of its own to tell its name by".to_owned()),
        Some(name) => {
            let found = artefacts.iter().find_map(|artefacts| artefacts.find(&name, None).ok());
            match found {
                Some(artefact) => deployed.abi = Some(artefact.abi),
                None => deployed.notes.push(format!(
                    "no artefact of {name} in artifacts/ or out/, so its interface is not known"
                )),
            }
        }
    }
    Ok(deployed)
}

/// The most derived contract is the one that declares the last variable.
fn contract_of(layout: &Node<'_>) -> Option<String> {
    let storage = layout.field("storage")?;
    let last = storage.items().ok()?.into_iter().next_back()?;
    let own = last.text_of("contract").map(|c| stem(c.rsplit(':').next().unwrap_or(c)).to_owned());
    own.or_else(|| {
        let namespaces = layout.value.get("namespaces").and_then(Value::as_object)?;
        let variables = namespaces.values().next_back()?.as_array()?;
        Some(variables.last()?.get("contract")?.as_str()?.to_owned())
    })
}
