//! The folder of a development tool: which tools used it, and what they deployed.

use std::path::Path;

use registry::import::{Chain, Format, Options};

use super::{Discovery, Found};
use crate::import::deployments::Disk;

/// What shows that a tool was at work in a folder.
const MARKS: [(Format, &[&str]); 4] = [
    (Format::Foundry, &["foundry.toml", "broadcast"]),
    (
        Format::Hardhat,
        &[
            "hardhat.config.js",
            "hardhat.config.ts",
            "hardhat.config.cjs",
            "hardhat.config.mjs",
            "ignition/deployments",
        ],
    ),
    (Format::Truffle, &["truffle-config.js", "truffle.js", "build/contracts"]),
    (Format::OpenzeppelinUpgrades, &[".openzeppelin"]),
];

/// The tools that a folder shows, in the order in which they are asked.
pub fn formats(folder: &Path) -> Vec<Format> {
    let is_at_work = |marks: &[&str]| marks.iter().any(|mark| folder.join(mark).exists());
    MARKS.iter().filter(|(_, marks)| is_at_work(marks)).map(|(format, _)| *format).collect()
}

/// What the project's tools deployed.
///
/// # Errors
/// When a folder cannot be listed. A file that cannot be read is told among what was left out.
pub fn discover(folder: &Path) -> anyhow::Result<Discovery> {
    let mut discovery = Discovery::default();
    for format in formats(folder) {
        let mut options = Options::default();
        let disk = Disk::open(folder, format, &mut options)?;
        let read = format.read(&disk, &options);
        for contract in read.deployed {
            let name = contract.name;
            let notes = contract.notes.iter().map(|note| format!("{name}: {note}"));
            discovery.left_out.extend(notes);
            // None of these tools names a network of ours.
            let Chain::Id(chain_id) = contract.chain else { continue };
            discovery.add(Found {
                name,
                chain_id,
                address: contract.address,
                abi_json: contract.abi.map(|abi| abi.json),
                first_block: contract.first_block,
                surveyed: None,
            });
        }
        discovery.left_out.extend(read.left_out.iter().map(ToString::to_string));
    }
    Ok(discovery)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    #[test]
    fn a_broadcast_with_its_artefact_is_found_where_the_settings_say() {
        let folder = folder(&[
            ("foundry.toml", "[profile.default]\nout = \"./build/out/\"\n"),
            ("build/out/Vault.sol/Vault.json", r#"{"abi":[]}"#),
            (
                "broadcast/Deploy.s.sol/11155111/run-latest.json",
                r#"{"transactions":[
                     {"hash":"0x01","transactionType":"CREATE","contractName":"Vault","contractAddress":"0x00000000000000000000000000000000000000aa","additionalContracts":[]},
                     {"hash":"0x02","transactionType":"CREATE2","contractName":"Lost","contractAddress":"0x00000000000000000000000000000000000000bb"}],
                   "receipts":[{"transactionHash":"0x01","blockNumber":"0x10"}],"chain":11155111}"#,
            ),
        ]);
        let discovery = discover(folder.path()).unwrap();
        let found: Vec<_> = discovery
            .found
            .iter()
            .map(|f| (f.name.as_str(), f.chain_id, f.first_block, f.abi_json.is_some()))
            .collect();
        assert_eq!(found, [("Vault", 11_155_111, Some(16), true)]);
        assert_eq!(
            discovery.left_out,
            [
                "broadcast/Deploy.s.sol/11155111/run-latest.json: $.transactions[1]: Lost: transaction 0x02 has no receipt (forge script --resume waits for it)"
            ]
        );
    }

    #[test]
    fn what_several_tools_know_is_found_once() {
        let vault = "0x00000000000000000000000000000000000000aa";
        let folder = folder(&[
            ("hardhat.config.ts", ""),
            ("deployments/sepolia/.chainId", "11155111"),
            (
                "deployments/sepolia/Vault.json",
                &format!(r#"{{"address":"{vault}","abi":[],"receipt":{{"blockNumber":7}}}}"#),
            ),
            (
                "ignition/deployments/chain-11155111/deployed_addresses.json",
                &format!(
                    r#"{{"App#Vault":"{vault}","App#Token":"0x00000000000000000000000000000000000000bb"}}"#
                ),
            ),
            ("ignition/deployments/chain-11155111/artifacts/App#Token.json", r#"{"abi":[]}"#),
            (
                ".openzeppelin/sepolia.json",
                &format!(
                    r#"{{"manifestVersion":"3.2","proxies":[{{"address":"{vault}","kind":"uups"}}]}}"#
                ),
            ),
        ]);
        let discovery = discover(folder.path()).unwrap();
        let found: Vec<_> = discovery
            .found
            .iter()
            .map(|f| (f.name.as_str(), f.first_block, f.abi_json.is_some()))
            .collect();
        assert_eq!(found, [("Vault", Some(7), true), ("Token", None, true)]);
    }
}
