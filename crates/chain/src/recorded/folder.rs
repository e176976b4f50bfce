//! Which files belong to which block.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
};

use model::BlockNumber;

use super::{Files, RecordingError, read_body};
use crate::{Part, verify};

/// Folder that a corpus keeps its blocks in.
const BLOCKS: &str = "blocks";

/// What a body's file is called before `.json`.
const STEMS: [&str; 4] = ["block", "receipts", "calltraces", "paritytraces"];

/// All blocks of a folder, by ascending number.
pub(super) fn find(folder: &Path) -> Result<Vec<Files>, RecordingError> {
    let names = list(folder)?;
    if has(&names, "block.json") || has(&names, "block.json.zst") {
        return Ok(vec![single(folder, &names)?]);
    }
    let corpus = folder.join(BLOCKS);
    if has(&names, BLOCKS) && corpus.is_dir() {
        return find_many(&corpus, &list(&corpus)?);
    }
    find_many(folder, &names)
}

/// Folders named by number, and flat files named by number and body.
fn find_many(folder: &Path, names: &[OsString]) -> Result<Vec<Files>, RecordingError> {
    let mut blocks: BTreeMap<BlockNumber, Files> = BTreeMap::new();
    for name in names {
        let Some(name) = name.to_str() else { continue };
        let path = folder.join(name);
        if let Ok(number) = name.parse() {
            if path.is_dir() {
                let names = list(&path)?;
                let in_folder = |stem| body(&path, &names, stem);
                blocks.insert(number, files(number, &path, in_folder));
            }
            continue;
        }
        let number = name.split_once('.').and_then(|(number, body)| {
            let stem = body.strip_suffix(".zst").unwrap_or(body).strip_suffix(".json")?;
            STEMS.contains(&stem).then_some(())?;
            number.parse().ok()
        });
        if let Some(number) = number {
            let flat = |stem| body(folder, names, &format!("{number}.{stem}"));
            blocks.entry(number).or_insert_with(|| files(number, folder, flat));
        }
    }
    Ok(blocks.into_values().collect())
}

/// The folder of one block, numbered by its name or else by its header.
fn single(folder: &Path, names: &[OsString]) -> Result<Files, RecordingError> {
    let in_folder = |stem| body(folder, names, stem);
    let named = folder.file_name().and_then(|name| name.to_str()?.parse().ok());
    let mut files = files(named.unwrap_or_default(), folder, in_folder);
    if let (None, Some(path)) = (named, &files.block) {
        let body = read_body(Part::Block, path)?;
        let (header, _) = verify::head(&body, &verify::Prove::nothing()).map_err(|reason| {
            RecordingError::NoNumber { path: path.clone(), reason: Box::new(reason) }
        })?;
        files.number = header.number;
    }
    Ok(files)
}

fn files(
    number: BlockNumber,
    folder: &Path,
    body: impl Fn(&'static str) -> Option<PathBuf>,
) -> Files {
    let [block, receipts, call_tracer, parity] = STEMS.map(body);
    Files { number, folder: folder.to_owned(), block, receipts, call_tracer, parity }
}

/// The file of a body: the plain one if there is one.
fn body(folder: &Path, names: &[OsString], stem: &str) -> Option<PathBuf> {
    [format!("{stem}.json"), format!("{stem}.json.zst")]
        .into_iter()
        .find(|file| has(names, file))
        .map(|file| folder.join(file))
}

/// Whether a name is among the sorted names of a folder.
fn has(names: &[OsString], name: &str) -> bool {
    names.binary_search_by(|other| other.as_os_str().cmp(name.as_ref())).is_ok()
}

/// Names of everything in a folder, sorted so that nothing depends on the file system's order.
fn list(folder: &Path) -> Result<Vec<OsString>, RecordingError> {
    let failed = |source| RecordingError::Io { action: "list", path: folder.to_owned(), source };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        names.push(entry.map_err(failed)?.file_name());
    }
    names.sort_unstable();
    Ok(names)
}
