//! Files below a folder: found once, read when asked for.

use std::{
    borrow::Cow,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use registry::import::{Files, Format, Options};

/// Largest file that is read: a build output of a large protocol with all its sources is some 60 MB.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Most files that are looked at: all artefacts of the largest protocols, ten times over.
const FILES_MAX: usize = 200_000;

/// Deepest folder that is entered.
const DEPTH_MAX: usize = 24;

/// Folders of other people's code.
const NOT_ENTERED: [&str; 2] = ["node_modules", ".git"];

/// Folders that people name instead of the one that holds them.
const INNER: [(Format, &[&str]); 4] = [
    (Format::Foundry, &["broadcast"]),
    (Format::Hardhat, &["deployments", "ignition"]),
    (Format::OpenzeppelinUpgrades, &[".openzeppelin"]),
    (Format::Sourcify, &["full_match", "partial_match"]),
];

/// The files of a format below a folder, or one file alone.
#[derive(Debug)]
pub struct Disk {
    root: PathBuf,
    paths: Vec<String>,
}

impl Disk {
    /// Lists what matters for a format. Foundry's own settings say where its folders are.
    ///
    /// # Errors
    /// When `path` is not there, a folder cannot be listed, or there are too many files.
    pub fn open(path: &Path, format: Format, options: &mut Options) -> anyhow::Result<Self> {
        let kind = fs::metadata(path).with_context(|| format!("opening {}", path.display()))?;
        if kind.is_file() {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            let root = path.parent().map(Path::to_owned).unwrap_or_default();
            return Ok(Self { root, paths: name.into_iter().collect() });
        }
        let root = root_of(path, format);
        if format == Format::Foundry {
            foundry_folders(&root, options)?;
        }
        let mut disk = Self { root, paths: Vec::new() };
        match format.folders(options) {
            Some(folders) => {
                for folder in folders {
                    if disk.root.join(&folder).is_dir() {
                        disk.walk(&folder, 0)?;
                    }
                }
            }
            None => disk.walk("", 0)?,
        }
        disk.paths.sort();
        disk.paths.dedup();
        Ok(disk)
    }

    fn walk(&mut self, folder: &str, depth: usize) -> anyhow::Result<()> {
        let at = self.root.join(folder);
        if depth > DEPTH_MAX {
            bail!("{} is more than {DEPTH_MAX} folders deep", at.display());
        }
        let listing = || format!("listing {}", at.display());
        for entry in fs::read_dir(&at).with_context(listing)? {
            let entry = entry.with_context(listing)?;
            // A name that is no text cannot be one that a tool of ours wrote.
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            // Links to folders are not followed: they may lead in circles.
            if entry.file_type().with_context(listing)?.is_dir() {
                if !NOT_ENTERED.contains(&name.as_str()) {
                    self.walk(&path, depth + 1)?;
                }
            } else if entry.path().is_file() {
                self.paths.push(path);
                if self.paths.len() > FILES_MAX {
                    bail!("{} holds more than {FILES_MAX} files", self.root.display());
                }
            }
        }
        Ok(())
    }
}

impl Files for Disk {
    fn paths(&self) -> Vec<&str> {
        self.paths.iter().map(String::as_str).collect()
    }

    fn text(&self, path: &str) -> Result<Cow<'_, str>, String> {
        let path = self.root.join(path);
        let length = fs::metadata(&path).map_err(|error| error.to_string())?.len();
        if length > FILE_BYTES_MAX {
            return Err(format!("larger than {} MiB", FILE_BYTES_MAX >> 20));
        }
        fs::read_to_string(&path).map(Cow::Owned).map_err(|error| error.to_string())
    }
}

fn root_of(path: &Path, format: Format) -> PathBuf {
    let inner = INNER.iter().find(|(of, _)| *of == format).map_or(&[][..], |(_, names)| names);
    let is_inner = path.file_name().and_then(|n| n.to_str()).is_some_and(|n| inner.contains(&n));
    match path.parent() {
        Some(parent) if is_inner && parent.as_os_str().is_empty() => PathBuf::from("."),
        Some(parent) if is_inner => parent.to_owned(),
        _ => path.to_owned(),
    }
}

/// `broadcast` and `out` of the default profile of `foundry.toml`.
fn foundry_folders(root: &Path, options: &mut Options) -> anyhow::Result<()> {
    let path = root.join("foundry.toml");
    if !path.is_file() {
        return Ok(());
    }
    let reading = || format!("reading {}", path.display());
    let text = fs::read_to_string(&path).with_context(reading)?;
    let settings: toml::Table = text.parse().with_context(reading)?;
    let folder = |key: &str| {
        let profile = settings.get("profile")?.get("default")?;
        let folder = profile.get(key)?.as_str()?.trim_start_matches("./").trim_end_matches('/');
        Some(folder.to_owned())
    };
    options.broadcast = folder("broadcast").or(options.broadcast.take());
    options.out = folder("out").or(options.out.take());
    Ok(())
}
