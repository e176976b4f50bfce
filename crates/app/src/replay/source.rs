//! Recorded or past blocks: proven in parallel, handed out in order.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use chain::{NetworkConfig, Prove, assemble, recorded::Recording};
use model::{BlockBundle, Name, ReadRequest};
use tokio::sync::mpsc;

/// Blocks proven ahead of the one that is being judged: enough to keep every core busy, little
/// enough that traces of busy blocks (tens of megabytes each) fit.
const AHEAD_BLOCKS: usize = 16;

/// Where past blocks come from.
pub enum Source {
    /// From disk.
    Recorded(Arc<Recording>),
    /// From a network's endpoints.
    Range {
        /// How to ask.
        network: Box<NetworkConfig>,
        /// First block.
        from: u64,
        /// Last block.
        to: u64,
    },
}

/// Blocks on their way.
pub struct Blocks {
    incoming: mpsc::Receiver<Numbered>,
}

type Numbered = (u64, Result<Arc<BlockBundle>, String>);

impl Blocks {
    /// The next block by number, proven, or why it was refused.
    pub async fn next(&mut self) -> Option<Numbered> {
        self.incoming.recv().await
    }
}

impl Source {
    /// Opens a folder of recorded blocks.
    ///
    /// # Errors
    /// When the folder holds no blocks or cannot be listed.
    pub fn recorded(folder: &Path) -> anyhow::Result<Self> {
        Ok(Self::Recorded(Arc::new(Recording::open(folder)?)))
    }

    /// Blocks `from..=to` of a network.
    pub fn range(network: NetworkConfig, from: u64, to: u64) -> Self {
        Self::Range { network: Box::new(network), from, to }
    }

    /// Network of the blocks.
    pub fn network(&self) -> Name {
        match self {
            Self::Recorded(recording) => recording.description.network.clone(),
            Self::Range { network, .. } => network.name.clone(),
        }
    }

    /// How many blocks there are.
    pub fn len(&self) -> u64 {
        match self {
            Self::Recorded(recording) => recording.len() as u64,
            Self::Range { from, to, .. } => (to + 1).saturating_sub(*from),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Starts reading. `reads` are made at each block where there is a node to ask.
    pub fn open(self, reads: Arc<[ReadRequest]>) -> Blocks {
        let (outgoing, incoming) = mpsc::channel(AHEAD_BLOCKS);
        match self {
            Self::Recorded(recording) => prove_recorded(recording, outgoing),
            Self::Range { network, from, to } => {
                tokio::spawn(fetch_range(*network, from, to, reads, outgoing));
            }
        }
        Blocks { incoming }
    }
}

/// One thread per core takes the next block; a last thread puts them back into order.
fn prove_recorded(recording: Arc<Recording>, outgoing: mpsc::Sender<Numbered>) {
    let prove = Prove::everything().on_chain(recording.description.chain_id);
    let next = Arc::new(AtomicUsize::new(0));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let (proven_out, proven_in) = std::sync::mpsc::sync_channel::<(usize, Numbered)>(AHEAD_BLOCKS);
    for _ in 0..workers {
        let (recording, next, prove) = (recording.clone(), next.clone(), prove.clone());
        let proven_out = proven_out.clone();
        std::thread::spawn(move || {
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let Some(block) = recording.blocks().nth(place) else { return };
                if proven_out.send((place, prove_one(&recording, block, &prove))).is_err() {
                    return;
                }
            }
        });
    }
    drop(proven_out);
    std::thread::spawn(move || {
        let mut waiting = std::collections::BTreeMap::new();
        let mut due = 0;
        for (place, block) in proven_in {
            waiting.insert(place, block);
            while let Some(block) = waiting.remove(&due) {
                due += 1;
                if outgoing.blocking_send(block).is_err() {
                    return;
                }
            }
        }
    });
}

fn prove_one(
    recording: &Recording,
    (number, block): (u64, Result<chain::recorded::RecordedBlock, chain::recorded::RecordingError>),
    prove: &Prove,
) -> Numbered {
    let network = &recording.description.network;
    let endpoint = Name::new("recorded").expect("a plain slug");
    let bundle = block.map_err(|error| chain_of(&error)).and_then(|block| {
        let raw = block.raw().map_err(|refusal| refusal.to_string())?;
        assemble(network, &endpoint, raw, prove).map_err(|refusal| refusal.to_string())
    });
    (number, bundle.map(Arc::new))
}

/// An error with its causes, in one line.
fn chain_of(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

async fn fetch_range(
    network: NetworkConfig,
    from: u64,
    to: u64,
    reads: Arc<[ReadRequest]>,
    outgoing: mpsc::Sender<Numbered>,
) {
    let (events_out, mut events) = mpsc::channel(AHEAD_BLOCKS);
    let fetching = tokio::spawn(chain::range(network, from, to, reads, events_out));
    while let Some((number, fetched)) = events.recv().await {
        let block = fetched.map(Arc::new).map_err(|missing| missing.to_string());
        if outgoing.send((number, block)).await.is_err() {
            break;
        }
    }
    fetching.abort();
}
