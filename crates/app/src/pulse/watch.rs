//! The task: takes the vital signs, asks the others, pings the switch.

use std::{path::PathBuf, sync::Arc, time::Duration};

use model::{BlockNumber, BlockRef, UnixMillis};
use reqwest::Url;
use store::{Store, StoreError};
use tokio::sync::watch;

use super::{
    Disk, Heartbeat, PeerSettings, PeerState, Settings, Vitals, disagreements, peer, ping, probe,
};
use crate::{
    clock,
    snapshot::Snapshot,
    web::{ReadError, Site},
};

/// Longest time between two rounds.
const BEAT: Duration = Duration::from_secs(15);

/// Time between two looks at clocks and certificates: neither changes fast, and whoever is asked
/// should hardly notice.
const PROBE_EVERY_MS: i64 = 10 * 60 * 1_000;

/// Servers whose clock and certificate are looked at; further ones would tell nothing new of the
/// clock.
const PROBED_MAX: usize = 32;

/// Keeps the vital signs up to date.
pub(crate) struct Beat {
    site: Site,
    /// What the store's disk is found by; `None` for a store in memory.
    file: Option<PathBuf>,
    vitals: watch::Sender<Vitals>,
    client: reqwest::Client,
    probed_at: Option<UnixMillis>,
    pinged_at: Option<UnixMillis>,
    /// Of which configuration all this is.
    settings: Arc<Settings>,
}

/// Runs until it is dropped.
///
/// # Errors
/// When TLS cannot be set up.
pub(crate) async fn keep(
    site: Site,
    file: Option<PathBuf>,
    vitals: watch::Sender<Vitals>,
) -> anyhow::Result<()> {
    let settings = site.info().pulse.clone();
    let client = probe::client()?;
    let (probed_at, pinged_at) = (None, None);
    let mut beat = Beat { site, file, vitals, client, probed_at, pinged_at, settings };
    loop {
        beat.once().await;
        tokio::time::sleep(beat.rest()).await;
    }
}

impl Beat {
    /// One round. What fails in it is a vital sign itself.
    async fn once(&mut self) {
        self.read_settings();
        let mut vitals = self.vitals.borrow().clone();
        vitals.disk = self.file.as_deref().and_then(|file| match Disk::of(file) {
            Ok(disk) => Some(disk),
            Err(error) => {
                tracing::warn!(%error, "cannot tell how full the store's disk is");
                None
            }
        });
        self.probe(&mut vitals).await;
        self.ask_peers(&mut vitals).await;
        self.vitals.send_replace(vitals);
        // After the rest, so that the switch is told of it.
        self.ping().await;
    }

    /// Until the next round: in time for the switch, and twice before anybody counts as silent.
    fn rest(&self) -> Duration {
        let Settings { ping, peers, .. } = &*self.settings;
        let ping_ms = ping.iter().map(|ping| ping.every_ms);
        let wanted_ms = ping_ms.chain(peers.iter().map(|peer| peer.stale_after_ms / 2)).min();
        wanted_ms.map_or(BEAT, |ms| BEAT.min(Duration::from_millis(ms)))
    }

    fn read_settings(&mut self) {
        let settings = self.site.info().pulse.clone();
        if !Arc::ptr_eq(&settings, &self.settings) {
            self.probed_at = None;
            self.settings = settings;
        }
    }

    async fn probe(&mut self, vitals: &mut Vitals) {
        let now = clock::now();
        if self.probed_at.is_some_and(|at| now.millis_since(at) < PROBE_EVERY_MS) {
            return;
        }
        self.probed_at = Some(now);
        let mut origins: Vec<Url> =
            self.settings.asked.iter().filter_map(|url| probe::origin(url.reveal())).collect();
        origins.sort_unstable();
        origins.dedup();
        origins.truncate(PROBED_MAX);
        let probes = origins.iter().map(|origin| probe::probe(&self.client, origin, clock::now));
        let answers = futures_util::future::join_all(probes).await;
        let answers: Vec<_> = answers.into_iter().flatten().collect();
        // A server that does not answer is the endpoints' business; what was known stays known.
        if !answers.is_empty() {
            vitals.clocks = answers.iter().filter_map(|answer| answer.clock).collect();
            vitals.certificates =
                answers.into_iter().filter_map(|answer| answer.certificate).collect();
        }
    }

    async fn ask_peers(&self, vitals: &mut Vitals) {
        let settings = &self.settings.peers;
        vitals.peers.retain(|peer| settings.iter().any(|known| known.name == peer.name));
        let answers = settings.iter().map(|settings| peer::ask(&self.client, settings));
        let answers = futures_util::future::join_all(answers).await;
        for (settings, answer) in settings.iter().zip(answers) {
            let now = clock::now();
            let mut state = known(vitals, settings, now);
            state.hear(answer, now);
            if let Some((beat, _)) = &state.newest {
                match self.compare(beat.clone()).await {
                    Ok(found) => state.disagreements = found,
                    Err(error) => {
                        tracing::warn!(peer = %settings.name, %error, "cannot compare blocks");
                    }
                }
            }
            vitals.peers.push(state);
        }
    }

    async fn compare(&self, beat: Heartbeat) -> Result<Vec<super::Disagreement>, ReadError> {
        let info = self.site.info();
        self.site
            .read(move |store| {
                disagreements(&beat, |chain_id, number| {
                    let network = info.networks.iter().find(|known| known.chain_id == chain_id);
                    network.map_or(Ok(None), |known| judged(store, &known.name, number))
                })
            })
            .await
    }

    async fn ping(&mut self) {
        let Some(settings) = &self.settings.ping else { return };
        let now = clock::now();
        let every_ms = settings.every_ms as i64;
        // A round comes a little early or late; the switch should not wait a whole one more.
        let slack_ms = every_ms / 10;
        if self.pinged_at.is_some_and(|at| now.millis_since(at) < every_ms - slack_ms) {
            return;
        }
        self.pinged_at = Some(now);
        let missing = missing(self.site.snapshot().await);
        if let Some(outcome) = ping::ping(&self.client, settings, &missing).await {
            self.vitals.send_modify(|vitals| vitals.ping.note(outcome, clock::now()));
        }
    }
}

/// Codes of what keeps the program from doing its job.
fn missing(snapshot: Result<Arc<Snapshot>, ReadError>) -> Vec<&'static str> {
    match snapshot {
        Ok(snapshot) => {
            let mut codes: Vec<&str> =
                snapshot.not_ready().iter().map(|reason| reason.code.as_str()).collect();
            codes.dedup();
            codes
        }
        Err(error) => {
            tracing::error!(%error, "the store cannot be read, the switch is not pinged");
            vec!["store_unreadable"]
        }
    }
}

/// Takes out what is known of an installation.
fn known(vitals: &mut Vitals, settings: &PeerSettings, now: UnixMillis) -> PeerState {
    match vitals.peers.iter().position(|peer| peer.name == settings.name) {
        Some(at) => vitals.peers.remove(at),
        None => PeerState::new(settings.name.clone(), now),
    }
}

/// The block that was judged at a height.
fn judged(
    store: &Store,
    network: &model::Name,
    number: BlockNumber,
) -> Result<Option<BlockRef>, StoreError> {
    let rows = store.coverage(network, number, 1)?;
    Ok(rows.first().map(|row| row.block).filter(|block| block.number == number))
}
