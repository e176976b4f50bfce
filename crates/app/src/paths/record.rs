//! A judgement written down: into the folder's own file, which people review like any other.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, bail};
use registry::threats::Day;
use tokio::sync::Notify;

use super::{FINE_FILE, FinePath, Paths, fine_file};
use crate::config::{Config, Folder, Missing};

/// The folder that a program runs on, where a page takes its judgements to.
pub struct TaughtFolder {
    root: PathBuf,
    /// Notified when the program has to read its folder again.
    taught: Arc<Notify>,
    /// Two judgements at once must not forget each other.
    writing: Mutex<()>,
}

impl TaughtFolder {
    /// The folder there; whoever runs on it waits for `taught`.
    pub fn new(root: &Path, taught: Arc<Notify>) -> Self {
        Self { root: root.to_owned(), taught, writing: Mutex::new(()) }
    }

    /// Writes a judgement down, from where it soon holds.
    ///
    /// # Errors
    /// When it says too little, the folder has mistakes, or it cannot be written.
    pub fn fine(&self, fine: &FinePath) -> anyhow::Result<()> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        // What stands in the files now counts, not what the program read when it began.
        let config = Config::load(&Folder::new(&self.root), Missing::IsFine);
        let config = config.context("the folder has mistakes, and nothing was written")?;
        let salt = config.general.path_salt.known()?.mark();
        record(&self.root, &config.paths, &FinePath { salt, ..fine.clone() })?;
        self.taught.notify_one();
        Ok(())
    }
}

/// Judgements of the file that the program writes; those of other files are people's own.
pub fn written(paths: &Paths) -> impl Iterator<Item = &FinePath> {
    paths.judged().filter(|(file, _)| file == FINE_FILE).map(|(_, fine)| fine)
}

/// Adds a judgement to the file; of two about the same, the newest counts.
///
/// # Errors
/// When it does not say who and why, holds for nothing, or cannot be written.
pub fn record(root: &Path, known: &Paths, fine: &FinePath) -> anyhow::Result<()> {
    check(fine)?;
    let is_same = |known: &&FinePath| {
        let about = |fine: &FinePath| (fine.covers, fine.salt.clone(), fine.monitors.clone());
        known.path == fine.path && about(known) == about(fine)
    };
    let kept = written(known).filter(|known| !is_same(known));
    write(&root.join(FINE_FILE), &fine_file(kept.chain([fine])))
}

fn check(fine: &FinePath) -> anyhow::Result<()> {
    if fine.until.is_some_and(|until| until < fine.judged_on) {
        bail!("its last day lies in the past: the judgement would hold for nothing");
    }
    if fine.why.trim().is_empty() || fine.judged_by.trim().is_empty() {
        bail!("who judges and why must say something: somebody will ask later");
    }
    Ok(())
}

/// Today, as judgements have it.
pub fn today() -> Day {
    Day::of(crate::words::seconds(crate::clock::now()))
}

/// Writes a file whole or not at all.
///
/// # Errors
/// When the folder cannot be made or the file not be written.
pub fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let shown = path.display();
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("making the folder of {shown}"))?;
    }
    let half = path.with_extension("toml.half");
    fs::write(&half, text).with_context(|| format!("writing {}", half.display()))?;
    fs::rename(&half, path).with_context(|| format!("writing {shown}"))
}
