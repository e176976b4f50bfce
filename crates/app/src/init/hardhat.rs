//! Hardhat: hardhat-deploy's `deployments/<network>/<Name>.json` and Ignition's
//! `ignition/deployments/chain-<id>/deployed_addresses.json`.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::Context;
use serde::Deserialize;

use super::{Discovery, Found};
use crate::config::parse_address;

#[derive(Deserialize)]
struct Deployed {
    address: String,
    abi: Option<serde_json::Value>,
    receipt: Option<Receipt>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Receipt {
    block_number: Option<u64>,
}

/// Whether a folder is a Hardhat project.
pub fn is_project(folder: &Path) -> bool {
    ["hardhat.config.js", "hardhat.config.ts", "hardhat.config.cjs", "hardhat.config.mjs"]
        .iter()
        .any(|file| folder.join(file).is_file())
        || folder.join("ignition/deployments").is_dir()
}

/// What the project's deployments say.
///
/// # Errors
/// When a file that exists cannot be read.
pub fn discover(folder: &Path) -> anyhow::Result<Discovery> {
    let mut discovery = Discovery::default();
    hardhat_deploy(&folder.join("deployments"), &mut discovery)?;
    ignition(&folder.join("ignition/deployments"), &mut discovery)?;
    if discovery.found.is_empty() && discovery.left_out.is_empty() {
        discovery.left_out.push(format!(
            "{}: neither deployments/<network>/ nor ignition/deployments/ holds a deployment",
            folder.display()
        ));
    }
    Ok(discovery)
}

fn hardhat_deploy(folder: &Path, discovery: &mut Discovery) -> anyhow::Result<()> {
    for network in sorted(folder).into_iter().filter(|path| path.is_dir()) {
        let chain_id =
            fs::read_to_string(network.join(".chainId")).ok().and_then(|t| t.trim().parse().ok());
        let Some(chain_id) = chain_id else {
            discovery.left_out.push(format!("{}: has no .chainId", network.display()));
            continue;
        };
        for path in sorted(&network) {
            if path.extension().is_none_or(|e| e != "json") {
                continue;
            }
            let name = stem(&path);
            let text =
                fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            let deployed: Deployed = serde_json::from_str(&text)
                .with_context(|| format!("reading {}", path.display()))?;
            match parse_address(&deployed.address) {
                Ok(address) => discovery.add(Found {
                    name,
                    chain_id,
                    address,
                    abi_json: deployed.abi.map(|abi| abi.to_string()),
                    first_block: deployed.receipt.and_then(|r| r.block_number),
                    surveyed: None,
                }),
                Err(why) => discovery.left_out.push(format!("{name}: {why}")),
            }
        }
    }
    Ok(())
}

fn ignition(folder: &Path, discovery: &mut Discovery) -> anyhow::Result<()> {
    for deployment in sorted(folder).into_iter().filter(|path| path.is_dir()) {
        let chain_id = stem(&deployment).strip_prefix("chain-").and_then(|id| id.parse().ok());
        let path = deployment.join("deployed_addresses.json");
        let Some(chain_id) = chain_id.filter(|_| path.is_file()) else {
            discovery.left_out.push(format!(
                "{}: is not chain-<id> with deployed_addresses.json",
                deployment.display()
            ));
            continue;
        };
        let text =
            fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let addresses: BTreeMap<String, String> =
            serde_json::from_str(&text).with_context(|| format!("reading {}", path.display()))?;
        for (id, address) in addresses {
            let name = id.rsplit('#').next().unwrap_or(&id).to_owned();
            match parse_address(&address) {
                Ok(address) => {
                    let abi_json =
                        fs::read_to_string(deployment.join(format!("artifacts/{id}.json"))).ok();
                    discovery.add(Found {
                        name,
                        chain_id,
                        address,
                        abi_json,
                        first_block: None,
                        surveyed: None,
                    });
                }
                Err(why) => discovery.left_out.push(format!("{name}: {why}")),
            }
        }
    }
    Ok(())
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default()
}

fn sorted(folder: &Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_deployment_are_found_once() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let vault = "0x00000000000000000000000000000000000000aa";
        at("deployments/sepolia/.chainId", "11155111");
        at(
            "deployments/sepolia/Vault.json",
            &format!(r#"{{"address":"{vault}","abi":[],"receipt":{{"blockNumber":7}}}}"#),
        );
        at(
            "ignition/deployments/chain-11155111/deployed_addresses.json",
            &format!(
                r#"{{"App#Vault":"{vault}","App#Token":"0x00000000000000000000000000000000000000bb"}}"#
            ),
        );
        at("ignition/deployments/chain-11155111/artifacts/App#Token.json", r#"{"abi":[]}"#);
        let discovery = discover(folder.path()).unwrap();
        let found: Vec<_> = discovery
            .found
            .iter()
            .map(|f| (f.name.as_str(), f.first_block, f.abi_json.is_some()))
            .collect();
        assert_eq!(found, [("Vault", Some(7), true), ("Token", None, true)]);
        assert!(discovery.left_out.is_empty());
    }
}
