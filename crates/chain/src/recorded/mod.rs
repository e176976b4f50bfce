//! Blocks from disk, as a source like any other: they are claims until [`crate::assemble`] has
//! proven them.
//!
//! # What is read
//!
//! A body is `NAME.json`, or `NAME.json.zst` (Zstandard), or both, in which case the plain file
//! counts. [`Recording::open`] takes one of:
//!
//! ```text
//! FOLDER/block.json  FOLDER/receipts.json  FOLDER/calltraces.json         one block
//! FOLDER/18090205/block.json …                                            a folder per block
//! FOLDER/18090205.block.json  FOLDER/18090205.receipts.json …             flat files
//! FOLDER/blocks/18090205/block.json …                                     a corpus: blocks/ only
//! ```
//!
//! - `block`: result of `eth_getBlockByHash` with full transactions
//! - `receipts`: result of `eth_getBlockReceipts`
//! - `calltraces`: result of `debug_traceBlockByHash` with `callTracer`; or
//! - `paritytraces`: result of `trace_block`
//!
//! In a folder with a `blocks` folder only that is walked: what lies beside it (other networks,
//! other experiments) is a recording of its own and is read when it is named itself. A recording
//! says which chain it is of in `recording.json`: `{"network": "mainnet", "chainId": 1}`; without
//! the file it is taken for Ethereum mainnet.
//!
//! Blocks come in the order of their numbers. A body that is missing, unreadable or not Zstandard
//! is an error of that block, not the end of the recording and never an empty block.

mod folder; // which files belong to which block
mod source; // a recording as a source to follow
mod writer; // recording blocks of one's own

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use model::{BlockNumber, Name};
use serde::{Deserialize, Serialize};

pub use self::{source::RecordedSource, writer::record};
use crate::{Part, RawBlock, RawTraces, Refusal};

/// Why a recording, or one block of it, cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The file system says no.
    #[error("cannot {action} {}", .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The file system's reason.
        #[source]
        source: std::io::Error,
    },
    /// The folder holds nothing that looks like a block.
    #[error(
        "no recorded blocks in {} (expected block.json, NUMBER/block.json, NUMBER.block.json or blocks/NUMBER/block.json, each plain or .zst)",
        .0.display()
    )]
    Empty(PathBuf),
    /// A block's folder or files lack the block itself.
    #[error("no block recorded for {number} in {}", .path.display())]
    NoBlock {
        /// From the name of the folder or of its other files.
        number: BlockNumber,
        /// Where it was looked for.
        path: PathBuf,
    },
    /// `recording.json` is not as it should be.
    #[error("cannot read {}: {reason}", .path.display())]
    BadDescription {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column.
        reason: String,
    },
    /// The folder of one block has a name without a number, and its block cannot be read either.
    #[error("cannot tell the number of the block in {}: {reason}", .path.display())]
    NoNumber {
        /// The body.
        path: PathBuf,
        /// Why not.
        reason: Box<Refusal>,
    },
}

/// Which chain a recording is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Description {
    /// Name of the network.
    pub network: Name,
    /// EIP-155 chain id.
    pub chain_id: u64,
}

impl Description {
    /// File name inside the recording's folder.
    pub const FILE: &'static str = "recording.json";

    fn mainnet() -> Self {
        let network = Name::new("mainnet").expect("the literal is a slug");
        Self { network, chain_id: 1 }
    }
}

/// A folder of recorded blocks. Knows the files; reads a body only when its block's turn comes.
#[derive(Debug, Clone)]
pub struct Recording {
    /// Which chain the blocks are of.
    pub description: Description,
    blocks: Vec<Files>,
}

/// The files of one block.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Files {
    number: BlockNumber,
    /// The block's folder, or the folder of the flat files.
    folder: PathBuf,
    block: Option<PathBuf>,
    receipts: Option<PathBuf>,
    call_tracer: Option<PathBuf>,
    parity: Option<PathBuf>,
}

/// The bodies of one recorded block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedBlock {
    /// Height, from the file's or folder's name.
    pub number: BlockNumber,
    /// Header and transactions.
    pub block: Vec<u8>,
    /// Receipts, if they were recorded.
    pub receipts: Option<Vec<u8>>,
    /// Call traces, if they were recorded.
    pub traces: Option<RecordedTraces>,
}

/// Recorded call traces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordedTraces {
    /// `callTracer`.
    CallTracer(Vec<u8>),
    /// `trace_block`.
    Parity(Vec<u8>),
}

impl RecordedBlock {
    /// The bodies as [`crate::assemble`] takes them.
    ///
    /// # Errors
    /// [`Refusal::NotRecorded`] without receipts: a block whose receipts nobody saw is not a block
    /// without logs.
    pub fn raw(&self) -> Result<RawBlock<'_>, Refusal> {
        let receipts = self.receipts.as_deref().ok_or(Refusal::NotRecorded(Part::Receipts))?;
        let traces = self.traces.as_ref().map(|traces| match traces {
            RecordedTraces::CallTracer(body) => RawTraces::CallTracer(body),
            RecordedTraces::Parity(body) => RawTraces::Parity(body),
        });
        Ok(RawBlock { block: &self.block, receipts, traces })
    }
}

impl Recording {
    /// Finds the blocks of a folder; the module's documentation shows the shapes.
    ///
    /// # Errors
    /// The folder cannot be listed, holds no block, or has a `recording.json` that is wrong.
    pub fn open(folder: &Path) -> Result<Self, RecordingError> {
        let blocks = folder::find(folder)?;
        if blocks.is_empty() {
            return Err(RecordingError::Empty(folder.to_owned()));
        }
        Ok(Self { description: describe(folder)?, blocks })
    }

    /// How many blocks there are, readable or not.
    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Never true for an opened recording.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Numbers of the blocks, ascending.
    pub fn numbers(&self) -> impl ExactSizeIterator<Item = BlockNumber> + '_ {
        self.blocks.iter().map(|files| files.number)
    }

    /// One block; `None` when it was not recorded.
    pub fn block(&self, number: BlockNumber) -> Option<Result<RecordedBlock, RecordingError>> {
        let place = self.blocks.binary_search_by_key(&number, |files| files.number).ok()?;
        Some(load(&self.blocks[place]))
    }

    /// The blocks by ascending number, each read when it is asked for. An error is about that
    /// block alone.
    pub fn blocks(
        &self,
    ) -> impl ExactSizeIterator<Item = (BlockNumber, Result<RecordedBlock, RecordingError>)> + '_
    {
        self.blocks.iter().map(|files| (files.number, load(files)))
    }
}

fn describe(folder: &Path) -> Result<Description, RecordingError> {
    let path = folder.join(Description::FILE);
    match std::fs::read(&path) {
        Ok(text) => serde_json::from_slice(&text)
            .map_err(|error| RecordingError::BadDescription { path, reason: error.to_string() }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Description::mainnet()),
        Err(source) => Err(RecordingError::Io { action: "read", path, source }),
    }
}

fn load(files: &Files) -> Result<RecordedBlock, RecordingError> {
    let number = files.number;
    let Some(path) = &files.block else {
        return Err(RecordingError::NoBlock { number, path: files.folder.clone() });
    };
    let body = |part, path: &Option<PathBuf>| match path {
        Some(path) => read_body(part, path).map(Some),
        None => Ok(None),
    };
    let traces = match body(Part::Traces, &files.call_tracer)? {
        Some(traces) => Some(RecordedTraces::CallTracer(traces)),
        None => body(Part::Traces, &files.parity)?.map(RecordedTraces::Parity),
    };
    let receipts = body(Part::Receipts, &files.receipts)?;
    Ok(RecordedBlock { number, block: read_body(Part::Block, path)?, receipts, traces })
}

/// Reads a plain or compressed body, at most one byte more than will be accepted: a small
/// Zstandard file may unpack to anything.
fn read_body(part: Part, path: &Path) -> Result<Vec<u8>, RecordingError> {
    let failed =
        |action| move |source| RecordingError::Io { action, path: path.to_owned(), source };
    let file = File::open(path).map_err(failed("open"))?;
    let bytes_max = part.bytes_max() as u64 + 1;
    let mut body = Vec::new();
    if path.extension().is_some_and(|extension| extension == "zst") {
        let unpacked = ruzstd::decoding::StreamingDecoder::new(file)
            .map_err(std::io::Error::other)
            .map_err(failed("unpack"))?;
        unpacked.take(bytes_max).read_to_end(&mut body).map_err(failed("unpack"))?;
    } else {
        file.take(bytes_max).read_to_end(&mut body).map_err(failed("read"))?;
    }
    Ok(body)
}
