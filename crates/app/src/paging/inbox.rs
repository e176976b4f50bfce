//! Everything that the pager is told goes through here: what alerts are like now, what people said,
//! what became of messages. An input is durable before whoever brings it goes on.

use std::sync::Arc;

use alert::pager;
use model::{Provenance, UnixMillis};
use serde::{Deserialize, Serialize};
use store::{Store, StoreError, TakenInput};
use tokio::sync::Notify;

/// Version of the form of inputs; one of a later version is refused rather than misread.
pub const INPUT_VERSION: u32 = 1;

/// Something that the pager is told, as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Stored {
    version: u32,
    input: pager::Input,
}

/// An input that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableInput {
    /// Not what this program writes.
    #[error("input {sequence} of the pager cannot be read")]
    Form {
        /// Input.
        sequence: u64,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// Written by a later version of the program.
    #[error(
        "input {sequence} of the pager has version {version}; this program reads up to {INPUT_VERSION}"
    )]
    Version {
        /// Input.
        sequence: u64,
        /// Its version.
        version: u32,
    },
}

/// Where the pager's inputs are put. Clones share one inbox, and wake the same pager.
#[derive(Debug, Clone)]
pub struct Inbox {
    store: Store,
    wake: Arc<Notify>,
}

impl Inbox {
    /// The inbox of a store; `wake` wakes its pager, if one runs in this process.
    pub fn new(store: Store, wake: Arc<Notify>) -> Self {
        Self { store, wake }
    }

    /// Puts an input into the inbox and wakes the pager. Blocks for the disk. Gives its number, under
    /// which [`Inbox::outcome`] tells what became of it.
    ///
    /// # Errors
    /// When the store cannot be written; the input is not in the inbox then.
    pub fn put(&self, input: &pager::Input, at: UnixMillis) -> Result<u64, StoreError> {
        let sequence = self.store.inbox().put(&[stored(input, at)])?;
        self.wake.notify_one();
        Ok(sequence)
    }

    /// What became of an input: `None` while it waits (and when it is not kept any more), else why it
    /// was not taken, if so.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn outcome(&self, sequence: u64) -> Result<Option<Result<(), String>>, StoreError> {
        let input = self.store.inbox().get(sequence)?.filter(|input| input.is_applied);
        Ok(input.map(|input| input.refused.map_or(Ok(()), Err)))
    }

    /// What wakes the pager.
    pub fn wake(&self) -> &Arc<Notify> {
        &self.wake
    }
}

/// What was said to another installation, as it is stored here: what is passed on is not passed on
/// again.
pub fn passed_on(input: &pager::Input, at: UnixMillis) -> store::Input {
    store::Input { kind: "twin", ..stored(input, at) }
}

/// An input in the form in which it is stored.
pub fn stored(input: &pager::Input, at: UnixMillis) -> store::Input {
    let kind = kind(input);
    let stored = Stored { version: INPUT_VERSION, input: input.clone() };
    let json = serde_json::to_string(&stored).expect("inputs have text keys and no foreign types");
    store::Input { kind, at, json }
}

/// Reads an input back.
///
/// # Errors
/// [`UnreadableInput`].
pub fn read(taken: &TakenInput) -> Result<pager::Input, UnreadableInput> {
    let sequence = taken.sequence;
    let Stored { version, input } = serde_json::from_str(&taken.json)
        .map_err(|source| UnreadableInput::Form { sequence, source })?;
    if version > INPUT_VERSION {
        return Err(UnreadableInput::Version { sequence, version });
    }
    Ok(input)
}

fn kind(input: &pager::Input) -> &'static str {
    match input {
        pager::Input::Alert(facts) if facts.provenance == Provenance::Canary => {
            Provenance::CANARY_MARK
        }
        pager::Input::Alert(_) => "alert",
        pager::Input::Said { .. } => "said",
        pager::Input::Silence(_) => "silence",
        pager::Input::Sign { .. } => "sign",
        pager::Input::Unsilence { .. } => "unsilence",
        pager::Input::Delivered { .. } => "delivered",
        pager::Input::Failed { .. } => "failed",
        pager::Input::Tick => "tick",
    }
}
