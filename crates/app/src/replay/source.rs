//! Recorded or past blocks: proven in parallel, handed out in order.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use chain::{NetworkConfig, Prove, assemble, recorded::Recording};
use model::{ChainEvent, Name, ReadPlan};
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

/// What comes next.
#[derive(Debug)]
pub enum Next {
    /// A proven block, or something that happened to the chain.
    Event(ChainEvent),
    /// A block that could not be had or did not add up.
    Refused {
        /// Height.
        number: u64,
        /// Why.
        reason: String,
    },
    /// Nothing more can come, although more was asked for.
    Broken(String),
}

/// Blocks on their way, in order.
pub struct Blocks {
    incoming: mpsc::Receiver<Next>,
}

impl Blocks {
    /// What comes next; `None` at the end.
    pub async fn next(&mut self) -> Option<Next> {
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
    pub fn open(self, reads: ReadPlan) -> Blocks {
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
fn prove_recorded(recording: Arc<Recording>, outgoing: mpsc::Sender<Next>) {
    let prove = Prove::everything().on_chain(recording.description.chain_id);
    let next = Arc::new(AtomicUsize::new(0));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let (proven_out, proven_in) = std::sync::mpsc::sync_channel::<(usize, Next)>(AHEAD_BLOCKS);
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
) -> Next {
    let network = &recording.description.network;
    let endpoint = Name::new("recorded").expect("a plain slug");
    let bundle = block.map_err(|error| chain_of(&error)).and_then(|block| {
        let raw = block.raw().map_err(|refusal| refusal.to_string())?;
        assemble(network, &endpoint, raw, prove).map_err(|refusal| refusal.to_string())
    });
    match bundle {
        // The name is what the block was asked for by; another block is not the answer.
        Ok(bundle) if bundle.header.number != number => {
            let found = bundle.header.number;
            Next::Refused {
                number,
                reason: format!("recorded as block {number}, it is block {found}"),
            }
        }
        Ok(bundle) => Next::Event(ChainEvent::Committed(Arc::new(bundle))),
        Err(reason) => Next::Refused { number, reason },
    }
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
    reads: ReadPlan,
    outgoing: mpsc::Sender<Next>,
) {
    let (events_out, mut events) = mpsc::channel(AHEAD_BLOCKS);
    let fetching = tokio::spawn(chain::range(network, from, to, reads, events_out));
    while let Some(event) = events.recv().await {
        let next = match event {
            ChainEvent::Quarantined { block, reason, .. } => {
                Next::Refused { number: block.number, reason: reason.to_string() }
            }
            event => Next::Event(event),
        };
        if outgoing.send(next).await.is_err() {
            fetching.abort();
            return;
        }
    }
    let broken = match fetching.await {
        Ok(Ok(_end)) => return,
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    };
    if outgoing.send(Next::Broken(broken)).await.is_err() {
        tracing::debug!("the replay ended before its source");
    }
}
