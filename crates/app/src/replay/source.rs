//! Recorded or past blocks: proven in parallel, handed out in order.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use anyhow::Context;
use chain::{NetworkConfig, Prove, assemble, recorded::Recording};
use model::{ChainEvent, Name, Position, ReadPlan};
use store::{EmbeddedLog, EventLog, Store};
use tokio::sync::mpsc;

/// Blocks proven ahead of the one that is being judged: enough to keep every core busy, little
/// enough that traces of busy blocks (tens of megabytes each) fit.
const AHEAD_BLOCKS: usize = 16;

/// Events read from a store at once; the store bounds their bytes as well.
const STORED_EVENTS: usize = 64;

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
    /// From the event log of a store: what happened to the chain, reorgs included, as it was judged.
    Stored {
        /// The log.
        log: EmbeddedLog,
        /// Whose chain.
        network: Name,
        /// First event.
        from: Position,
        /// The event after the last one.
        end: Position,
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

    /// What the event log of a store still holds of a network; events that come meanwhile are left
    /// out.
    ///
    /// # Errors
    /// When the store cannot be read or holds nothing of this network.
    pub fn stored(store: &Store, network: Name) -> anyhow::Result<Self> {
        let log = store.event_log();
        let reading = || format!("reading the event log of {network}");
        let from = log.start(&network).with_context(reading)?;
        let end = log.end(&network).with_context(reading)?;
        if from == end {
            let known: Vec<String> = log.networks()?.iter().map(ToString::to_string).collect();
            anyhow::bail!(
                "the store holds no blocks of {network} (it holds some of: {})",
                known.join(", ")
            );
        }
        Ok(Self::Stored { log, network, from, end })
    }

    /// Whether the blocks come with word of what is final; else they are past, and final at once.
    pub fn brings_finality(&self) -> bool {
        matches!(self, Self::Stored { .. })
    }

    /// Network of the blocks.
    pub fn network(&self) -> Name {
        match self {
            Self::Stored { network, .. } => network.clone(),
            Self::Recorded(recording) => recording.description.network.clone(),
            Self::Range { network, .. } => network.name.clone(),
        }
    }

    /// How many blocks there are; of a store, how many events.
    pub fn len(&self) -> u64 {
        match self {
            Self::Stored { from, end, .. } => end.0.saturating_sub(from.0),
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
            Self::Stored { log, network, from, end } => {
                std::thread::spawn(move || read_stored(&log, &network, from, end, &outgoing));
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

/// Events of a store, in order. They were proven before they were stored.
fn read_stored(
    log: &EmbeddedLog,
    network: &Name,
    from: Position,
    end: Position,
    outgoing: &mpsc::Sender<Next>,
) {
    let mut at = from;
    while at < end {
        let events = match log.read(network, at, STORED_EVENTS) {
            Ok(events) => events,
            Err(error) => {
                // Nobody listening means nobody is misled.
                let _gone = outgoing.blocking_send(Next::Broken(chain_of(&error)));
                return;
            }
        };
        for (position, event) in events.into_iter().filter(|(position, _)| *position < end) {
            at = position.next();
            if outgoing.blocking_send(Next::Event(event)).is_err() {
                return;
            }
        }
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
