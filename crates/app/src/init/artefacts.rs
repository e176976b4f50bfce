//! Compiled contracts on disk, to be found again by their code.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;
use model::Bytes;
use registry::{
    ContractAbi,
    recognise::{Artefact, ArtefactError},
};

/// Folders below the given one that are searched: `out/File.sol/Name.json` and
/// `artifacts/contracts/a/b/File.sol/Name.json` both fit.
const DEPTH_MAX: usize = 8;
/// Most files that are read; a large protocol with its libraries has some thousand.
const FILES_MAX: usize = 20_000;

/// A compiled contract.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// What its source calls it.
    pub name: String,
    artefact: Artefact,
    abi: Arc<ContractAbi>,
}

impl Compiled {
    /// Its interface.
    pub fn abi(&self) -> Arc<ContractAbi> {
        Arc::clone(&self.abi)
    }
}

/// Everything that was compiled.
#[derive(Debug, Clone, Default)]
pub struct Artefacts {
    all: Vec<Compiled>,
}

impl Artefacts {
    /// Reads every artefact below a folder. Files that are none, and interfaces, are passed over.
    ///
    /// # Errors
    /// When the folder cannot be read, or holds no artefact at all: it is the wrong one.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let mut files = Vec::new();
        list(folder, 0, &mut files)
            .with_context(|| format!("reading the artefacts in {}", folder.display()))?;
        let mut all = Vec::new();
        for path in &files {
            let text =
                fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
            let stem = path.file_stem().and_then(|s| s.to_str()).unwrap_or_default();
            match Artefact::from_json(&text, stem) {
                Ok(artefact) => all.push(Compiled {
                    name: artefact.name.clone(),
                    abi: Arc::new(artefact.abi.clone()),
                    artefact,
                }),
                Err(ArtefactError::NoCode | ArtefactError::Abi(_) | ArtefactError::NotHex) => {}
            }
        }
        if all.is_empty() {
            anyhow::bail!(
                "{} holds no artefact with an ABI and runtime code (looked at {} files); it should be Foundry's out/ or Hardhat's artifacts/",
                folder.display(),
                files.len()
            );
        }
        Ok(Self { all })
    }

    /// The artefact whose code this is, whatever its metadata and immutables.
    pub fn matching(&self, code: &Bytes) -> Option<&Compiled> {
        self.all.iter().find(|compiled| compiled.artefact.matches(code))
    }
}

fn list(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    entries.sort();
    for path in entries {
        if files.len() == FILES_MAX {
            return Err(std::io::Error::other(format!("more than {FILES_MAX} files")));
        }
        if path.is_dir() && depth < DEPTH_MAX {
            list(&path, depth + 1, files)?;
        } else if path.extension().is_some_and(|ending| ending == "json") {
            files.push(path);
        }
    }
    Ok(())
}
