//! A user's folder on disk, as large as the largest protocols together.

use std::{fs, path::Path};

use alloy_primitives::{Address, keccak256};

use crate::abis::{self, Alike};

/// Classes of contracts, in the shares of a lending protocol with many markets.
const CLASSES: &[&str] = &["token", "pool", "vault", "oracle", "contract", "contract"];

const MAIN: &str =
    "name = \"A thousand markets\"\nstore = \"bellwether.db\"\nlisten = \"127.0.0.1:0\"\n";

const NETWORK: &str = "chain_id = 1\nfinality = \"finalized\"\n\n[[endpoint]]\nname = \"node\"\nurl = { env = \"RPC_MAINNET\" }\n";

/// One monitor on everything and a few on something: they are compiled against every contract.
const MONITORS: &str = r#"
[[monitor]]
name = "role-change"
detector = "access/role_change"
severity = "high"

[[monitor]]
name = "proxy-upgraded"
detector = "change/proxy_upgraded"
severity = "critical"

[[monitor]]
name = "reentrant-call"
detector = "flow/reentrant_call"
severity = "critical"
on = ["contract-0", "contract-1"]
"#;

pub(super) fn address(number: usize) -> Address {
    Address::from_slice(&keccak256(format!("contract {number}"))[12..])
}

/// Writes the folder; the bytes of its ABIs.
pub(super) fn write(root: &Path, contracts: usize, alike: Alike) -> usize {
    for folder in ["networks", "deployments", "monitors", "abis"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    fs::write(root.join("bellwether.toml"), MAIN).unwrap();
    fs::write(root.join("networks/mainnet.toml"), NETWORK).unwrap();
    fs::write(root.join("monitors/all.toml"), MONITORS).unwrap();
    let mut bytes = 0;
    for number in 0..contracts {
        let abi = abis::abi(number, alike).to_string();
        bytes += abi.len();
        fs::write(root.join(format!("abis/Contract{number}.json")), abi).unwrap();
        let declared = format!(
            "network = \"mainnet\"\naddress = \"{}\"\nabi = \"abis/Contract{number}.json\"\nclass = \"{}\"\n\
             protocol = \"protocol-{}\"\nfirst_block = {}\n{}",
            address(number),
            CLASSES[number % CLASSES.len()],
            number / 100,
            18_000_000 + number,
            match CLASSES[number % CLASSES.len()] {
                "oracle" => "[oracle]\nheartbeat = \"1h\"\n",
                "token" => "[token]\nsymbol = \"TOK\"\ndecimals = 18\n",
                _ => "value_at_risk = \"1_000 ETH\"\n",
            },
        );
        fs::write(root.join(format!("deployments/contract-{number}.toml")), declared).unwrap();
    }
    bytes
}
