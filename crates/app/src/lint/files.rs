//! The files that a lint is given, or finds in the folders it is given.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};

/// A file with its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path as the user would type it.
    pub path: String,
    /// Its text.
    pub text: String,
    /// Whether the user named it, so that it has to be what was asked for.
    pub is_named: bool,
}

/// Largest file that is read; build information of a large project is some 100 MB.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Most files that a search takes; the artefacts of a large project are some thousands.
const FILES_MAX: usize = 100_000;

/// Endings that can hold an interface.
const ENDINGS: [&str; 5] = ["json", "sol", "txt", "bin", "hex"];

/// Folders that hold other people's sources, or nothing that was built.
const PASSED_OVER: [&str; 3] = ["node_modules", ".git", "cache"];

/// Reads the files, and all of their kind below the folders, in the order of their names.
///
/// # Errors
/// When a path does not exist or cannot be read, or a search finds more than it should.
pub fn find(paths: &[PathBuf]) -> anyhow::Result<Vec<File>> {
    let mut files = Vec::new();
    for path in paths {
        let is_folder =
            fs::metadata(path).with_context(|| format!("reading {}", path.display()))?.is_dir();
        if is_folder {
            search(path, &mut files)?;
        } else {
            files.push(read(path, true)?);
        }
    }
    Ok(files)
}

fn search(folder: &Path, files: &mut Vec<File>) -> anyhow::Result<()> {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries =
            fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
        let mut paths: Vec<PathBuf> = Vec::new();
        for entry in entries {
            paths.push(entry.with_context(|| format!("reading {}", folder.display()))?.path());
        }
        paths.sort();
        let mut below = Vec::new();
        for path in paths {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let is_link = path.is_symlink();
            if path.is_dir() {
                // A link could lead back up.
                if !is_link && !PASSED_OVER.contains(&name) {
                    below.push(path);
                }
            } else if ENDINGS.iter().any(|ending| name.ends_with(&format!(".{ending}"))) {
                if files.len() == FILES_MAX {
                    bail!("{}: more than {FILES_MAX} files", folder.display());
                }
                files.push(read(&path, false)?);
            }
        }
        folders.extend(below.into_iter().rev());
    }
    Ok(())
}

fn read(path: &Path, is_named: bool) -> anyhow::Result<File> {
    let shown = path.display();
    let length = fs::metadata(path).with_context(|| format!("reading {shown}"))?.len();
    if length > FILE_BYTES_MAX {
        bail!("{shown}: larger than {FILE_BYTES_MAX} bytes");
    }
    let text = fs::read_to_string(path).with_context(|| format!("reading {shown}"))?;
    Ok(File { path: shown.to_string(), text, is_named })
}
