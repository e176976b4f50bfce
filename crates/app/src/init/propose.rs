//! The files of a folder that works, as commented text.

use std::collections::BTreeMap;

use model::{Address, Name};
use registry::{
    Class, ContractAbi,
    recognise::{self, Recognition},
};

use super::{
    Discovery, Found, Standing, Surveyed, Wish, chain_name,
    review::{self, one_line},
    slug, wish,
};

/// Files to write, by path, and what to tell the user about them.
#[derive(Debug, Clone, Default)]
pub struct Proposal {
    /// Path relative to the folder, and content.
    pub files: Vec<(String, String)>,
    /// One line per thing that was recognised or needs a person.
    pub notes: Vec<String>,
    /// Each contract with what it was taken for and what is proposed for it.
    pub contracts: Vec<Proposed>,
}

/// A contract with what is proposed for it.
#[derive(Debug, Clone)]
pub struct Proposed {
    /// Its label in every file.
    pub label: Name,
    /// EIP-155 id of its chain.
    pub chain_id: u64,
    /// Where it is.
    pub address: Address,
    /// What it is, and why.
    pub recognition: Recognition,
    /// Whose it is.
    pub standing: Standing,
    /// What a node told about it.
    pub surveyed: Option<Box<Surveyed>>,
    /// Monitors by name, with what they look for.
    pub monitors: Vec<(String, &'static Wish)>,
}

/// The monitors of one file: by name, with the wish behind it and what it is on.
type Monitors = Vec<(String, &'static Wish, Vec<Name>)>;

/// Files for what was found.
pub fn propose(folder_name: &str, discovery: &Discovery) -> Proposal {
    let found = &discovery.found;
    let mut proposal = Proposal::default();
    let mut chains: Vec<u64> = found.iter().map(|f| f.chain_id).collect();
    chains.sort_unstable();
    chains.dedup();
    proposal.files.push(("bellwether.toml".to_owned(), general_file(folder_name)));
    for chain_id in &chains {
        let file = format!("networks/{}.toml", chain_name(*chain_id));
        proposal.files.push((file, network_file(*chain_id)));
        proposal.notes.push(format!(
            "set {} to an RPC URL of chain {chain_id} before `bellwether run`",
            rpc_variable(*chain_id)
        ));
    }
    let mut by_file: BTreeMap<&str, Monitors> = BTreeMap::new();
    let mut taken: Vec<Name> = Vec::new();
    for contract in found {
        let label = unique(slug(&contract.name), contract, &mut taken, chains.len() > 1);
        let (recognition, abi_json) = recognised(contract, &label, &mut proposal.notes);
        let standing = contract.surveyed.as_ref().map_or(Standing::Ours, |s| s.standing);
        let mut monitors = Vec::new();
        for wish in wish::wishes(&recognition, standing) {
            let name = match wish.is_single {
                true => format!("{label}-{}", wish.name),
                false => wish.name.to_owned(),
            };
            let of_file = by_file.entry(wish.file).or_default();
            match of_file.iter_mut().find(|(known, ..)| *known == name) {
                Some((_, _, on)) => on.push(label.clone()),
                None => of_file.push((name.clone(), wish, vec![label.clone()])),
            }
            monitors.push((name, wish));
        }
        let names: Vec<&str> = monitors.iter().map(|(name, _)| name.as_str()).collect();
        let depends = if standing == Standing::Ours { "" } else { "; you depend on it" };
        proposal.notes.push(format!(
            "{label}: {}, {} ({}){depends}; watched for {}",
            recognition.class.class,
            recognition.class.confidence,
            one_line(&recognition.class.why),
            names.join(", ")
        ));
        let text = deployment(contract, &label, &recognition);
        proposal.files.push((format!("abis/{label}.json"), abi_json));
        proposal.files.push((format!("deployments/{label}.toml"), text));
        proposal.contracts.push(Proposed {
            label,
            chain_id: contract.chain_id,
            address: contract.address,
            recognition,
            standing,
            surveyed: contract.surveyed.clone(),
            monitors,
        });
    }
    for (file, of_file) in &by_file {
        proposal.files.push((format!("monitors/{file}.toml"), monitors(of_file)));
    }
    proposal.files.push(("routes.toml".to_owned(), ROUTES.to_owned()));
    proposal.files.push(("labels/README.md".to_owned(), LABELS.to_owned()));
    proposal.files.extend(review::holders_csv(&proposal.contracts));
    let review = review::review(&proposal.contracts, &discovery.left_out);
    proposal.files.push(("PROPOSAL.md".to_owned(), review));
    proposal
}

/// What a contract is, and its ABI as text for a file.
fn recognised(contract: &Found, label: &Name, notes: &mut Vec<String>) -> (Recognition, String) {
    if let Some(surveyed) = &contract.surveyed {
        let recognition = surveyed.recognition.clone();
        let abi_json = recognition.interface.to_json();
        let unknown = recognition.interface.undeclared();
        if !surveyed.abi_known {
            notes.push(format!(
                "{label}: its ABI is the well-known part of its bytecode{}; put its full ABI into abis/{label}.json",
                match unknown {
                    0 => String::new(),
                    many => format!(" ({many} functions are not known)"),
                }
            ));
        }
        return (recognition, abi_json);
    }
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
    (recognise::by_abi(Some(&contract.name), &abi), abi_json)
}

/// What kind of thing an interface says a contract is.
pub(crate) fn class_of(abi: &ContractAbi) -> Class {
    recognise::by_abi(None, abi).class.class
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

/// `networks/NAME.toml` of a chain.
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
execute = "auto"                # where it offers none, blocks are executed here: off, auto
{explorer}
# A second endpoint gives failover. URLs are secrets: they come from the environment or a file.
[[endpoint]]
name = "primary"
url = {{ env = "{variable}" }}
# ws_url = {{ env = "{variable}_WS" }}     # wakes us sooner; polling goes on in any case
"#
    )
}

fn deployment(contract: &Found, label: &Name, recognition: &Recognition) -> String {
    let class = recognition.class.class;
    let mut text = String::new();
    if let Some(surveyed) = &contract.surveyed {
        text.push_str(&review::as_comment(surveyed));
    }
    text.push_str(&format!(
        "network = \"{}\"\naddress = \"{}\"\nabi = \"abis/{label}.json\"     # a list for a proxy and its implementation\nclass = \"{class}\"\n",
        chain_name(contract.chain_id),
        Address::to_checksum(&contract.address, None),
    ));
    if contract.surveyed.as_ref().is_some_and(|surveyed| !surveyed.abi_known) {
        text.push_str("abi_known = false       # only the well-known part of its bytecode; remove when the ABI is whole\n");
    }
    match contract.first_block {
        Some(block) => text.push_str(&format!("first_block = {block}\n")),
        None => text.push_str("# first_block = 19_426_587\n"),
    }
    text.push_str("# protocol = \"my-protocol\"\n# value_at_risk = \"1_000_000 USDC\"     # named in alerts; the unit is the token's below\n");
    match &recognition.token {
        Some(token) => text.push_str(&format!(
            "\n[token]\nsymbol = {}\ndecimals = {}\n",
            // The contract chose the text; TOML's own quoting keeps it a text.
            toml::Value::String(one_line(&token.symbol)),
            token.decimals
        )),
        None if class == Class::Token => {
            text.push_str("# [token]\n# symbol = \"USDC\"\n# decimals = 6\n");
        }
        None => {}
    }
    if class == Class::Oracle {
        let (heartbeat, remark) = match recognition
            .heartbeat_s
            .filter(|s| (1..=HEARTBEAT_S_MAX).contains(s))
        {
            Some(seconds) => (format!("{seconds}s"), "what the feed says; check its documentation"),
            None => ("1h".to_owned(), "what the feed promises; check its documentation"),
        };
        let decimals = recognition.feed_decimals.unwrap_or(8);
        text.push_str(&format!(
            "\n[oracle]\nheartbeat = \"{heartbeat}\"      # {remark}\ndeviation = \"0.5%\"\ndecimals = {decimals}\n"
        ));
    }
    text
}

/// Longest heartbeat that is taken from a feed's own word: a month.
const HEARTBEAT_S_MAX: u64 = 30 * 24 * 3_600;

fn monitors(of_file: &Monitors) -> String {
    let mut text = String::new();
    for (name, wish, on) in of_file {
        let settings = match wish.settings {
            "" => String::new(),
            line => format!("{line}\n"),
        };
        let labels: Vec<String> = on.iter().map(|label| format!("\"{label}\"")).collect();
        text.push_str(&format!(
            "# {}\n[[monitor]]\nname = \"{name}\"\ndetector = \"{}\"\non = [{}]\nseverity = \"{}\"\n{settings}\n",
            wish.why,
            wish.detector,
            labels.join(", "),
            wish.severity
        ));
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

# docs/receivers.md says what each kind needs and can do.
# kind = "discord"        url = { env = "DISCORD_WEBHOOK" }
# kind = "telegram"       token = { env = "TELEGRAM_TOKEN" }  chat = "-1001234567890"
# kind = "matrix"         url = "https://matrix.example.org"  token = { env = "MATRIX_TOKEN" }  room = "!id:example.org"
# kind = "teams"          url = { env = "TEAMS_WORKFLOW" }
# kind = "pagerduty"      key = { env = "PAGERDUTY_KEY" }
# kind = "opsgenie"       key = { env = "OPSGENIE_KEY" }
# kind = "alertmanager"   url = "https://alertmanager.example.org"  token = { env = "ALERTMANAGER_TOKEN" }
# kind = "sms"            account = "AC…"  token = { env = "TWILIO_TOKEN" }  from = "+49…"  to = "+49…"
# kind = "voice"          account = "AC…"  token = { env = "TWILIO_TOKEN" }  from = "+49…"  to = "+49…"

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
            surveyed: None,
        }
    }

    fn discovery(found: impl Into<Vec<Found>>) -> Discovery {
        Discovery { found: found.into(), left_out: Vec::new() }
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
        let proposal = propose("meridian", &discovery([feed, proxy]));
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
        let proposal = propose("x", &discovery([found("Vault", &[]), second]));
        let deployments: Vec<&str> = proposal
            .files
            .iter()
            .filter(|(p, _)| p.starts_with("deployments/"))
            .map(|(p, _)| p.as_str())
            .collect();
        assert_eq!(deployments, ["deployments/vault.toml", "deployments/vault-2.toml"]);
    }
}
