//! Foundry: `broadcast/<script>/<chain>/run-latest.json` says what was deployed where, `out/` holds
//! the interfaces.

use std::{fs, path::Path};

use serde::Deserialize;

use super::{Discovery, Found};
use crate::config::parse_address;

#[derive(Deserialize)]
struct Run {
    #[serde(default)]
    transactions: Vec<RunTransaction>,
    #[serde(default)]
    receipts: Vec<RunReceipt>,
    chain: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RunTransaction {
    hash: Option<String>,
    transaction_type: Option<String>,
    contract_name: Option<String>,
    contract_address: Option<String>,
    #[serde(default)]
    additional_contracts: Vec<AdditionalContract>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AdditionalContract {
    transaction_type: Option<String>,
    contract_name: Option<String>,
    address: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RunReceipt {
    transaction_hash: Option<String>,
    block_number: Option<String>,
}

/// Whether a folder is a Foundry project.
pub fn is_project(folder: &Path) -> bool {
    folder.join("foundry.toml").is_file() || folder.join("broadcast").is_dir()
}

/// What the project's broadcasts deployed.
///
/// # Errors
/// When a folder or a broadcast that exists cannot be read.
pub fn discover(folder: &Path) -> anyhow::Result<Discovery> {
    use anyhow::Context as _;
    let mut discovery = Discovery::default();
    let broadcast = folder.join("broadcast");
    if !broadcast.is_dir() {
        discovery.left_out.push(format!(
            "{} does not exist: run your deployment script with --broadcast first",
            broadcast.display()
        ));
        return Ok(discovery);
    }
    for script in sorted(&broadcast)? {
        for chain in sorted(&script).unwrap_or_default() {
            let path = chain.join("run-latest.json");
            if !path.is_file() {
                continue;
            }
            let text =
                fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            let run: Run = serde_json::from_str(&text)
                .with_context(|| format!("reading {}", path.display()))?;
            let of_folder = chain.file_name().and_then(|n| n.to_str()).and_then(|n| n.parse().ok());
            let Some(chain_id) = run.chain.or(of_folder) else {
                discovery.left_out.push(format!("{}: names no chain", path.display()));
                continue;
            };
            take_run(&run, chain_id, folder, &mut discovery);
        }
    }
    Ok(discovery)
}

fn take_run(run: &Run, chain_id: u64, folder: &Path, discovery: &mut Discovery) {
    for transaction in &run.transactions {
        let block = run
            .receipts
            .iter()
            .find(|r| r.transaction_hash.is_some() && r.transaction_hash == transaction.hash)
            .and_then(|r| {
                u64::from_str_radix(r.block_number.as_deref()?.strip_prefix("0x")?, 16).ok()
            });
        let own = (
            &transaction.transaction_type,
            &transaction.contract_name,
            &transaction.contract_address,
        );
        let inner = transaction.additional_contracts.iter();
        let inner = inner.map(|c| (&c.transaction_type, &c.contract_name, &c.address));
        for (kind, name, address) in std::iter::once(own).chain(inner) {
            if !kind.as_deref().is_some_and(|kind| kind.starts_with("CREATE")) {
                continue;
            }
            let Some(address) = address.as_deref() else { continue };
            let name = name.clone().unwrap_or_else(|| "contract".to_owned());
            match parse_address(address) {
                Ok(address) => {
                    let abi_json = artefact(folder, &name);
                    if abi_json.is_none() {
                        discovery
                            .left_out
                            .push(format!("{name}: no artefact in out/ (run forge build)"));
                    }
                    discovery.add(Found {
                        name,
                        chain_id,
                        address,
                        abi_json,
                        first_block: block,
                        surveyed: None,
                    });
                }
                Err(why) => discovery.left_out.push(format!("{name}: {why}")),
            }
        }
    }
}

/// `out/<File>.sol/<Name>.json`, whatever the file is called.
fn artefact(folder: &Path, name: &str) -> Option<String> {
    let file = format!("{name}.json");
    sorted(&folder.join("out"))
        .ok()?
        .into_iter()
        .find_map(|source| fs::read_to_string(source.join(&file)).ok())
}

fn sorted(folder: &Path) -> std::io::Result<Vec<std::path::PathBuf>> {
    let mut paths: Vec<_> = fs::read_dir(folder)?.filter_map(|e| Some(e.ok()?.path())).collect();
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broadcast_with_its_artefact_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        at("out/Vault.sol/Vault.json", r#"{"abi":[]}"#);
        at(
            "broadcast/Deploy.s.sol/11155111/run-latest.json",
            r#"{"transactions":[
                 {"hash":"0x01","transactionType":"CREATE","contractName":"Vault","contractAddress":"0x00000000000000000000000000000000000000aa","additionalContracts":[]},
                 {"hash":"0x02","transactionType":"CALL","contractName":"Vault","contractAddress":"0x00000000000000000000000000000000000000aa"},
                 {"hash":"0x03","transactionType":"CREATE2","contractName":"Lost","contractAddress":"0x00000000000000000000000000000000000000bb"}],
               "receipts":[{"transactionHash":"0x01","blockNumber":"0x10"}],"chain":11155111}"#,
        );
        let discovery = discover(folder.path()).unwrap();
        let found: Vec<_> = discovery
            .found
            .iter()
            .map(|f| (f.name.as_str(), f.chain_id, f.first_block, f.abi_json.is_some()))
            .collect();
        assert_eq!(
            found,
            [("Vault", 11_155_111, Some(16), true), ("Lost", 11_155_111, None, false)]
        );
        assert_eq!(discovery.left_out, ["Lost: no artefact in out/ (run forge build)"]);
    }
}
