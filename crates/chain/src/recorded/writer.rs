//! Recording blocks of one's own, in the form that is read back: a folder per block, plain JSON.

use std::path::{Path, PathBuf};

use model::BlockNumber;

use super::{Description, RecordingError};
use crate::{RawBlock, RawTraces};

/// Writes the bodies of one block under `folder/NUMBER/` and returns that folder. The bodies are
/// written as they came, proven or not, so that a refused block can be looked at later.
///
/// `description` is written beside the blocks; it must not change within a folder.
///
/// # Errors
/// The file system's.
pub fn record(
    folder: &Path,
    description: &Description,
    number: BlockNumber,
    raw: RawBlock<'_>,
) -> Result<PathBuf, RecordingError> {
    let of_block = folder.join(number.to_string());
    std::fs::create_dir_all(&of_block).map_err(|source| {
        let path = of_block.clone();
        RecordingError::Io { action: "create", path, source }
    })?;
    let text = serde_json::to_vec(description)
        .expect("a name and a number serialise, and the keys are texts");
    write(&folder.join(Description::FILE), &text)?;
    write(&of_block.join("receipts.json"), raw.receipts)?;
    match raw.traces {
        Some(RawTraces::CallTracer(traces)) => write(&of_block.join("calltraces.json"), traces)?,
        Some(RawTraces::Parity(traces)) => write(&of_block.join("paritytraces.json"), traces)?,
        None => {}
    }
    // Last, because a folder without it is not taken for a block.
    write(&of_block.join("block.json"), raw.block)?;
    Ok(of_block)
}

/// Writes a file whole or not at all.
fn write(path: &Path, body: &[u8]) -> Result<(), RecordingError> {
    let unfinished = path.with_extension("unfinished");
    std::fs::write(&unfinished, body)
        .and_then(|()| std::fs::rename(&unfinished, path))
        .map_err(|source| RecordingError::Io { action: "write", path: path.to_owned(), source })
}
