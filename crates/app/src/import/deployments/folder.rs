//! What the user's folder holds already.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::bail;
use model::Name;
use registry::Deployment;

use crate::config::{Config, Folder, Missing};

/// Folders whose files an import may add to.
const FOLDERS: [&str; 4] = ["networks", "deployments", "abis", "layouts"];

/// What is there: networks, deployments and the paths that are taken.
#[derive(Debug, Clone, Default)]
pub struct Existing {
    /// Networks with the ids of their chains.
    pub networks: Vec<(Name, u64)>,
    /// What is registered.
    pub deployments: Vec<Deployment>,
    /// Paths of files that are there, relative to the folder.
    pub paths: BTreeSet<String>,
    /// Whether there is a folder that works; if not, the import makes it one.
    pub is_folder: bool,
}

impl Existing {
    /// Reads a folder; one that is not there, or has no `bellwether.toml`, is empty.
    ///
    /// # Errors
    /// When the folder has mistakes: then it is not known what is registered.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let mut existing = Self::default();
        for below in FOLDERS {
            let Ok(entries) = fs::read_dir(folder.join(below)) else { continue };
            for entry in entries {
                if let Some(name) = entry?.file_name().to_str() {
                    existing.paths.insert(format!("{below}/{name}"));
                }
            }
        }
        if !folder.join("bellwether.toml").is_file() {
            return Ok(existing);
        }
        match Config::load(&Folder::new(folder), Missing::IsFine) {
            Ok(config) => {
                existing.is_folder = true;
                existing.networks = config
                    .networks
                    .iter()
                    .map(|n| (n.chain.name.clone(), n.chain.chain_id))
                    .collect();
                existing.deployments = config.registry.deployments().to_vec();
                Ok(existing)
            }
            Err(mistakes) => bail!(
                "{} has mistakes, so what is registered there is not known\n\n{mistakes}",
                folder.display()
            ),
        }
    }
}
