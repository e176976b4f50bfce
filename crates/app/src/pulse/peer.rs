//! What another installation says of itself, and whether it can be true together with what we see.

use std::time::Duration;

use anyhow::{Context, ensure};
use model::{BlockNumber, BlockRef, Name, UnixMillis};

use super::{HEARTBEAT_TYPE, Heartbeat, PeerSettings};
use crate::signature::Envelope;

/// Bytes of a heartbeat: a thousand networks.
const HEARTBEAT_BYTES_MAX: usize = 256 * 1024;

/// Longest exchange with another installation.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(10);

/// What is known of another installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerState {
    /// What people call it.
    pub name: Name,
    /// Its newest heartbeat that its key signed, and when it came.
    pub newest: Option<(Heartbeat, UnixMillis)>,
    /// When it was first asked: one that never answered is missed from then on.
    pub asked_since: UnixMillis,
    /// Why the last question has no answer.
    pub error: Option<String>,
    /// On which blocks it is on another chain than we.
    pub disagreements: Vec<Disagreement>,
}

/// Two installations call different blocks final.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disagreement {
    /// EIP-155 id.
    pub chain_id: u64,
    /// The block that is final for the other one.
    pub theirs: BlockRef,
    /// The block that we judged at that height.
    pub ours: BlockRef,
}

impl PeerState {
    /// One that is about to be asked for the first time.
    pub fn new(name: Name, now: UnixMillis) -> Self {
        Self { name, newest: None, asked_since: now, error: None, disagreements: Vec::new() }
    }

    /// When it was last heard, or first asked if never.
    pub fn heard_at(&self) -> UnixMillis {
        self.newest.as_ref().map_or(self.asked_since, |(_, at)| *at)
    }

    /// Takes an answer. A heartbeat that is older than the newest known one proves nothing: somebody
    /// may have kept it.
    pub fn hear(&mut self, answer: anyhow::Result<Heartbeat>, now: UnixMillis) {
        match answer {
            Ok(beat) => {
                let is_newer = self.newest.as_ref().is_none_or(|(known, _)| beat.at > known.at);
                if is_newer {
                    self.error = None;
                    self.newest = Some((beat, now));
                } else {
                    self.error = Some("it repeats an old heartbeat".to_owned());
                }
            }
            Err(error) => self.error = Some(format!("{error:#}")),
        }
    }
}

/// Where `theirs` calls final what is not the block that we judged at its height. `ours` gives the
/// block of a chain that we judged at a height, if any.
pub fn disagreements<E>(
    theirs: &Heartbeat,
    mut ours: impl FnMut(u64, BlockNumber) -> Result<Option<BlockRef>, E>,
) -> Result<Vec<Disagreement>, E> {
    let mut found = Vec::new();
    for head in &theirs.heads {
        let Some(finalized) = head.finalized else { continue };
        if let Some(ours) = ours(head.chain_id, finalized.number)?
            && ours.hash != finalized.hash
        {
            found.push(Disagreement { chain_id: head.chain_id, theirs: finalized, ours });
        }
    }
    Ok(found)
}

/// Asks another installation for its heartbeat.
pub(super) async fn ask(
    client: &reqwest::Client,
    peer: &PeerSettings,
) -> anyhow::Result<Heartbeat> {
    let request = client.get(format!("{}/api/v1/heartbeat", peer.url)).timeout(EXCHANGE_TIMEOUT);
    let mut response = request
        .send()
        .await
        .map_err(reqwest::Error::without_url)
        .context("it cannot be reached")?;
    let status = response.status();
    ensure!(status.is_success(), "it answers HTTP {}", status.as_u16());
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(reqwest::Error::without_url)
        .context("its answer broke off")?
    {
        ensure!(body.len() + chunk.len() <= HEARTBEAT_BYTES_MAX, "its answer does not end");
        body.extend_from_slice(&chunk);
    }
    let envelope: Envelope =
        serde_json::from_slice(&body).context("its answer is no signed document")?;
    envelope.open(HEARTBEAT_TYPE, &peer.key).context("its heartbeat is not to be believed")
}
