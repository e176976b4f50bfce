//! Onto the disk: never over a file that is there.

use std::{fs, io::Write as _, path::Path};

use anyhow::Context;

use super::Proposal;

/// What became of one proposed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// It is new.
    New(String),
    /// A file of that name was there and stays as it is.
    Kept(String),
}

impl Written {
    /// Path relative to the folder.
    pub fn path(&self) -> &String {
        match self {
            Self::New(path) | Self::Kept(path) => path,
        }
    }
}

/// Writes the proposal into `folder`, creating it.
///
/// # Errors
/// When a folder or file cannot be written.
pub fn write(proposal: &Proposal, folder: &Path) -> anyhow::Result<Vec<Written>> {
    let mut written = Vec::new();
    for (path, text) in &proposal.files {
        let target = folder.join(path);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).with_context(|| format!("creating {}", parent.display()))?;
        }
        let file = fs::OpenOptions::new().write(true).create_new(true).open(&target);
        match file {
            Ok(mut file) => {
                file.write_all(text.as_bytes())
                    .with_context(|| format!("writing {}", target.display()))?;
                written.push(Written::New(path.clone()));
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                written.push(Written::Kept(path.clone()));
            }
            Err(error) => {
                return Err(error).with_context(|| format!("creating {}", target.display()));
            }
        }
    }
    Ok(written)
}
