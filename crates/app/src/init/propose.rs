//! The files of a folder that works, as commented text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use model::{Address, Name};
use registry::{Class, ContractAbi};

use super::{Found, chain_name, slug};

/// Files to write, by path, and what to tell the user about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Path relative to the folder, and content.
    pub files: Vec<(String, String)>,
    /// One line per thing that was recognised or needs a person.
    pub notes: Vec<String>,
}

/// A detector that is worth having on a contract, with the reason in plain words.
struct Wish {
    file: &'static str,
    name: &'static str,
    detector: &'static str,
    severity: &'static str,
    why: &'static str,
}

/// The monitors of one file, with what each is on.
#[derive(Default)]
struct Wishes {
    list: Vec<&'static Wish>,
    on: BTreeMap<&'static str, Vec<Name>>,
}

const ROLE_CHANGE: Wish = Wish {
    file: "access",
    name: "role-change",
    detector: "access/role_change",
    severity: "high",
    why: "Who may do what has changed. Expected changes are announced; the others are how protocols are lost.",
};
const PARAMETER_UPDATE: Wish = Wish {
    file: "access",
    name: "parameter-update",
    detector: "change/parameter_update",
    severity: "high",
    why: "A setting of the protocol was changed: fee, cap, oracle, delay.",
};
const PROXY_UPGRADED: Wish = Wish {
    file: "access",
    name: "proxy-upgraded",
    detector: "change/proxy_upgraded",
    severity: "critical",
    why: "The code behind a proxy was replaced.",
};
const FEED_LATE: Wish = Wish {
    file: "oracle",
    name: "feed-late",
    detector: "oracle/feed_late",
    severity: "high",
    why: "A price is older than its heartbeat allows: everything priced by it is wrong.",
};
const OUTFLOW: Wish = Wish {
    file: "money",
    name: "large-outflow",
    detector: "liquidity/outflow_exceeds_share",
    severity: "high",
    why: "A large share of what is there leaves in one transaction, or within an hour.",
};
const KNOWN_BAD: Wish = Wish {
    file: "reputation",
    name: "known-bad-address",
    detector: "reputation/known_bad_address",
    severity: "high",
    why: "An address on a list in labels/ (exploiter, mixer, sanctioned …) touches the contract.",
};
const FAILED_CALLS: Wish = Wish {
    file: "telemetry",
    name: "failed-calls",
    detector: "telemetry/failed_calls_rise",
    severity: "medium",
    why: "More calls fail than usual: something is broken, or somebody is probing.",
};
const GAS: Wish = Wish {
    file: "telemetry",
    name: "unusual-gas",
    detector: "telemetry/gas_unusual",
    severity: "low",
    why: "Calls cost unusually much or little gas: they take another path than usual.",
};

/// Files for what was found. `endpoints` gives the name of the environment variable that holds the
/// RPC URL of each chain.
pub fn propose(folder_name: &str, found: &[Found]) -> Proposal {
    let mut files = Vec::new();
    let mut notes = Vec::new();
    files.push(("bellwether.toml".to_owned(), general_file(folder_name)));
    let mut chains: Vec<u64> = found.iter().map(|f| f.chain_id).collect();
    chains.sort_unstable();
    chains.dedup();
    for chain_id in &chains {
        files.push((format!("networks/{}.toml", chain_name(*chain_id)), network_file(*chain_id)));
        notes.push(format!(
            "set {} to an RPC URL of chain {chain_id} before `bellwether run`",
            rpc_variable(*chain_id)
        ));
    }
    let mut wishes: BTreeMap<&str, Wishes> = BTreeMap::new();
    let mut taken: Vec<Name> = Vec::new();
    for contract in found {
        let label = unique(slug(&contract.name), contract, &mut taken, chains.len() > 1);
        let abi = contract.abi_json.as_deref().map(ContractAbi::from_json);
        let (abi, abi_json) = match abi {
            Some(Ok(abi)) => (abi, contract.abi_json.clone().unwrap_or_default()),
            Some(Err(why)) => {
                notes.push(format!(
                    "{label}: its ABI cannot be read ({why}); an empty one stands in its place"
                ));
                (ContractAbi::default(), "[]".to_owned())
            }
            None => {
                notes.push(format!("{label}: no ABI was found; put it into abis/{label}.json"));
                (ContractAbi::default(), "[]".to_owned())
            }
        };
        let class = class_of(&abi);
        let wanted = wanted(&abi, class);
        notes.push(format!(
            "{label}: {class}; watched for {}",
            wanted.iter().map(|w| w.name).collect::<Vec<_>>().join(", ")
        ));
        for wish in wanted {
            let of_file = wishes.entry(wish.file).or_default();
            if !of_file.list.iter().any(|w| w.name == wish.name) {
                of_file.list.push(wish);
            }
            of_file.on.entry(wish.name).or_default().push(label.clone());
        }
        files.push((format!("abis/{label}.json"), abi_json));
        files.push((format!("deployments/{label}.toml"), deployment(contract, &label, class)));
    }
    for (file, of_file) in &wishes {
        files.push((format!("monitors/{file}.toml"), monitors(of_file)));
    }
    files.push(("routes.toml".to_owned(), ROUTES.to_owned()));
    files.push(("labels/README.md".to_owned(), LABELS.to_owned()));
    Proposal { files, notes }
}

/// Name of the environment variable for a chain's RPC URL.
pub(crate) fn rpc_variable(chain_id: u64) -> String {
    format!("RPC_{}", chain_name(chain_id).as_str().to_ascii_uppercase().replace(['-', '.'], "_"))
}

fn unique(label: Name, contract: &Found, taken: &mut Vec<Name>, many_chains: bool) -> Name {
    let with_chain = format!("{label}-{}", chain_name(contract.chain_id));
    let mut candidate = if many_chains && taken.contains(&label) {
        Name::new(&with_chain).unwrap_or_else(|_| label.clone())
    } else {
        label.clone()
    };
    let mut number = 2;
    while taken.contains(&candidate) {
        candidate = Name::new(&format!("{label}-{number}")).unwrap_or_else(|_| label.clone());
        number += 1;
    }
    taken.push(candidate.clone());
    candidate
}

fn has_event(abi: &ContractAbi, names: &[&str]) -> bool {
    abi.events().any(|event| names.contains(&event.name.as_str()))
}

fn has_function(abi: &ContractAbi, names: &[&str]) -> bool {
    names.iter().all(|name| abi.functions().any(|function| function.name == *name))
}

/// What kind of thing an interface says a contract is.
pub(crate) fn class_of(abi: &ContractAbi) -> Class {
    let is = |names: &[&str]| has_function(abi, names);
    if is(&["latestRoundData"]) {
        Class::Oracle
    } else if is(&["getMinDelay", "execute"]) || has_event(abi, &["CallScheduled"]) {
        Class::Timelock
    } else if is(&["propose", "castVote"]) {
        Class::Governor
    } else if is(&["deposit", "withdraw", "totalAssets"]) {
        Class::Vault
    } else if is(&["getReserves", "swap"]) {
        Class::Pool
    } else if is(&["getOwners", "getThreshold"]) {
        Class::Multisig
    } else if is(&["balanceOf", "transfer", "totalSupply"]) {
        Class::Token
    } else if has_event(abi, &["Upgraded"]) {
        Class::Proxy
    } else {
        Class::Contract
    }
}

fn wanted(abi: &ContractAbi, class: Class) -> Vec<&'static Wish> {
    let mut wanted = vec![&ROLE_CHANGE, &PARAMETER_UPDATE];
    if has_event(abi, &["Upgraded", "BeaconUpgraded", "DiamondCut"]) {
        wanted.push(&PROXY_UPGRADED);
    }
    match class {
        Class::Oracle => wanted.push(&FEED_LATE),
        Class::Vault | Class::Pool | Class::Bridge | Class::InsuranceFund => wanted.push(&OUTFLOW),
        _ => {}
    }
    wanted.extend([&KNOWN_BAD, &FAILED_CALLS, &GAS]);
    wanted
}

/// `bellwether.toml` of a new folder.
pub(crate) fn general_file(name: &str) -> String {
    format!(
        r#"# Bellwether watches the contracts in deployments/ on the networks in networks/.
# `bellwether check` reads this folder and reports every mistake at once; it needs no network.
name = {name:?}

# Everything that happens is kept here.
store = "bellwether.db"

# The page, the JSON API and the metrics. Only this machine can reach it.
listen = "127.0.0.1:7410"
"#
    )
}

/// `networks/<name>.toml` of a chain that is new to a folder.
pub(crate) fn network_file(chain_id: u64) -> String {
    let variable = rpc_variable(chain_id);
    let explorer = match chain_id {
        1 => "explorer = \"https://etherscan.io\"\n",
        10 => "explorer = \"https://optimistic.etherscan.io\"\n",
        8453 => "explorer = \"https://basescan.org\"\n",
        42_161 => "explorer = \"https://arbiscan.io\"\n",
        11_155_111 => "explorer = \"https://sepolia.etherscan.io\"\n",
        _ => "# explorer = \"https://…\"     # links in messages and pages go only here\n",
    };
    format!(
        r#"chain_id = {chain_id}

# An alert is provisional until its block is final, and is retracted if the block leaves the chain.
finality = "finalized"          # latest, safe, finalized, or "12 blocks"
start = "head"                  # or "block 19_426_587", to judge history first
traces = "auto"                 # call traces where the node offers them: off, auto, required
{explorer}
# A second endpoint gives failover. URLs are secrets: they come from the environment or a file.
[[endpoint]]
name = "primary"
url = {{ env = "{variable}" }}
# ws_url = {{ env = "{variable}_WS" }}     # wakes us sooner; polling goes on in any case
"#
    )
}

fn deployment(contract: &Found, label: &Name, class: Class) -> String {
    let mut text = format!(
        "network = \"{}\"\naddress = \"{}\"\nabi = \"abis/{label}.json\"     # a list for a proxy and its implementation\nclass = \"{class}\"\n",
        chain_name(contract.chain_id),
        Address::to_checksum(&contract.address, None),
    );
    match contract.first_block {
        Some(block) => writeln!(text, "first_block = {block}"),
        None => writeln!(text, "# first_block = 19_426_587"),
    }
    .expect("writing to a String cannot fail");
    text.push_str("# protocol = \"my-protocol\"\n# value_at_risk = \"1_000_000 USDC\"     # named in alerts; the unit is the token's below\n");
    if class == Class::Token {
        text.push_str("# [token]\n# symbol = \"USDC\"\n# decimals = 6\n");
    }
    if class == Class::Oracle {
        text.push_str("\n[oracle]\nheartbeat = \"1h\"      # what the feed promises; check its documentation\ndeviation = \"0.5%\"\ndecimals = 8\n");
    }
    text
}

fn monitors(wishes: &Wishes) -> String {
    let mut text = String::new();
    for wish in &wishes.list {
        let labels = wishes.on.get(wish.name).into_iter().flatten();
        let labels: Vec<String> = labels.map(|label| format!("\"{label}\"")).collect();
        write!(
            text,
            "# {}\n[[monitor]]\nname = \"{}\"\ndetector = \"{}\"\non = [{}]\nseverity = \"{}\"\n\n",
            wish.why,
            wish.name,
            wish.detector,
            labels.join(", "),
            wish.severity
        )
        .expect("writing to a String cannot fail");
    }
    text
}

/// `routes.toml` of a new folder.
pub(crate) const ROUTES: &str = r#"# Who hears what. The first route that matches decides.
group_window = "15m"        # findings of one monitor on one contract within this time are one alert
update_interval = "5m"      # at most one update per alert and receiver within this time

[[receiver]]
name = "terminal"
kind = "stdout"

# [[receiver]]
# name = "team-mail"
# kind = "mail"
# host = "smtp.example.org"
# tls = "starttls"                          # none, starttls, tls
# username = "bellwether"
# password = { env = "SMTP_PASSWORD" }
# from = "Bellwether <bellwether@example.org>"
# to = ["security@example.org"]

# [[receiver]]
# name = "chat"
# kind = "slack"
# url = { env = "SLACK_WEBHOOK" }

# [[receiver]]
# name = "pager"
# kind = "webhook"                          # signed: X-Bellwether-Signature
# url = { env = "PAGER_URL" }
# secret = { env = "PAGER_SECRET" }

[[route]]
name = "everything"
severity = "info"                           # at least
receivers = ["terminal"]
"#;

const LABELS: &str = "\
Files in this folder say what is known about addresses. The file's name is the set's name.

- `exploiter.txt`, `mixer.txt`, `sanctioned.txt`, `phishing.txt`: one address a line, `#` begins a comment.
  The detector `reputation/known_bad_address` reads them.
- any other name is a set of your own, for match expressions: `holder in labels.treasury` reads `treasury.txt`.
";

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, abi: &[&str]) -> Found {
        let abi = alloy_json_abi::JsonAbi::parse(abi.iter().copied()).unwrap();
        Found {
            name: name.into(),
            chain_id: 1,
            address: Address::repeat_byte(name.len() as u8),
            abi_json: Some(serde_json::to_string(&abi).unwrap()),
            first_block: None,
        }
    }

    #[test]
    fn a_contract_is_watched_for_what_its_interface_can_do() {
        let feed = found(
            "EthUsdFeed",
            &["function latestRoundData() view returns (uint80, int256, uint256, uint256, uint80)"],
        );
        let proxy = found(
            "Vault",
            &[
                "event Upgraded(address indexed implementation)",
                "function deposit(uint256 a)",
                "function withdraw(uint256 a)",
                "function totalAssets() view returns (uint256)",
            ],
        );
        let proposal = propose("meridian", &[feed, proxy]);
        let file = |path: &str| &proposal.files.iter().find(|(p, _)| p == path).unwrap().1;
        assert!(file("monitors/oracle.toml").contains(r#"on = ["eth-usd-feed"]"#));
        assert!(file("monitors/money.toml").contains(r#"on = ["vault"]"#));
        assert!(file("monitors/access.toml").contains("change/proxy_upgraded"));
        assert!(file("deployments/eth-usd-feed.toml").contains("heartbeat"));
        assert!(file("networks/mainnet.toml").contains("RPC_MAINNET"));
    }

    #[test]
    fn contracts_of_one_name_get_labels_of_their_own() {
        let mut second = found("Vault", &[]);
        second.address = Address::repeat_byte(0xee);
        let proposal = propose("x", &[found("Vault", &[]), second]);
        let deployments: Vec<&str> = proposal
            .files
            .iter()
            .filter(|(p, _)| p.starts_with("deployments/"))
            .map(|(p, _)| p.as_str())
            .collect();
        assert_eq!(deployments, ["deployments/vault.toml", "deployments/vault-2.toml"]);
    }
}
