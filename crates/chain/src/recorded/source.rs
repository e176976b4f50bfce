//! A recording as a source to follow: what was recorded live is told again in the same order, by
//! the same code.
//!
//! For recordings of consecutive blocks. A block that is missing from the run, or is refused, is
//! told as quarantined, as if an endpoint could not deliver it; contract reads are not recorded,
//! so whoever needs one is blind.

use std::{sync::Arc, time::Duration};

use model::{BlockBundle, BlockNumber, BlockRef, Header, Name};

use super::{RecordedBlock, Recording, RecordingError};
use crate::{
    At, Fault, Head, Missing, Part, Prove, Refusal, Source, Tag, View, Want,
    endpoint::{EndpointState, EndpointStatus, SeenHead},
    follow::Link,
    rpc::SocketState,
    verify,
};

/// The recorded blocks of one chain, behind one name.
#[derive(Debug, Clone)]
pub struct RecordedSource {
    recording: Arc<Recording>,
    endpoint: Name,
    prove: Prove,
    head: SeenHead,
}

impl RecordedSource {
    /// A source of the blocks in `recording`, which appear under the name `endpoint`.
    ///
    /// # Errors
    /// The newest block cannot be read; without it there is no head.
    pub fn new(recording: Recording, endpoint: Name, prove: Prove) -> Result<Self, Fault> {
        let newest = recording.numbers().last().unwrap_or_default();
        let (header, _) = load(&recording, At::Number(newest), &prove)?;
        let head = SeenHead {
            link: Link::from(&header),
            timestamp: header.timestamp,
            seen_at: Duration::ZERO,
        };
        Ok(Self { recording: Arc::new(recording), endpoint, prove, head })
    }

    /// Number of the oldest block.
    pub fn oldest(&self) -> BlockNumber {
        self.recording.numbers().next().unwrap_or_default()
    }

    /// Number of the newest block.
    pub fn newest(&self) -> BlockNumber {
        self.head.link.block.number
    }

    /// Reads and verifies away from the threads that wait.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Missing> {
        let source = self.clone();
        let outcome = match tokio::task::spawn_blocking(move || work(&source)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Fault::Verification("panicked on this block".to_owned())),
        };
        outcome.map_err(|fault| Missing { faults: vec![(self.endpoint.clone(), fault)] })
    }
}

/// The block, if it is the one that is meant, and its proven header.
fn load(recording: &Recording, at: At, prove: &Prove) -> Result<(Header, RecordedBlock), Fault> {
    let recorded = recording
        .block(at.number())
        .ok_or(Refusal::NotRecorded(Part::Block))?
        .map_err(|error: RecordingError| Fault::Unreadable(error.to_string()))?;
    let (header, _) = verify::head(&recorded.block, prove)?;
    let is_meant = match at {
        At::Number(number) => header.number == number,
        At::Block(block) => header.block_ref() == block,
    };
    if is_meant {
        Ok((header, recorded))
    } else {
        Err(Fault::AnotherBlock { asked: at, found: header.block_ref() })
    }
}

impl Source for RecordedSource {
    fn heads(&self) -> Vec<Head> {
        vec![Head { endpoint: self.endpoint.clone(), seen: self.head }]
    }

    /// Never: what is recorded stays as it is.
    async fn changed(&self) {
        std::future::pending().await
    }

    async fn header(&self, at: At) -> Result<Header, Missing> {
        self.read(move |source| Ok(load(&source.recording, at, &source.prove)?.0)).await
    }

    async fn bundle(&self, at: At, want: &Want) -> Result<BlockBundle, Missing> {
        let give_up_traces = want.give_up_traces;
        self.read(move |source| {
            let network = &source.recording.description.network;
            let (_, recorded) = load(&source.recording, at, &source.prove)?;
            let mut raw = recorded.raw()?;
            let outcome = verify::assemble(network, &source.endpoint, raw, &source.prove);
            match outcome {
                Err(refusal) if give_up_traces && refusal.part() == Part::Traces => {
                    raw.traces = None;
                    Ok(verify::assemble(network, &source.endpoint, raw, &source.prove)?)
                }
                outcome => Ok(outcome?),
            }
        })
        .await
    }

    async fn views(&self, number: BlockNumber) -> Vec<View> {
        let header = self.header(At::Number(number)).await;
        let view = |header: Header| View { endpoint: self.endpoint.clone(), hash: header.hash };
        header.ok().map(view).into_iter().collect()
    }

    /// Everything recorded is past.
    async fn tagged(&self, _: Tag) -> Result<BlockRef, Missing> {
        Ok(self.head.link.block)
    }

    /// There is nobody else to ask.
    fn distrust(&self, _: &Name, _: &str) {}

    fn status(&self) -> Vec<EndpointStatus> {
        vec![EndpointStatus {
            name: self.endpoint.clone(),
            state: EndpointState::Up,
            head: Some(self.newest()),
            latency_ms: None,
            requests: 0,
            errors: 0,
            refusals: 0,
            last_error: None,
            socket: SocketState::NotConfigured,
        }]
    }
}
