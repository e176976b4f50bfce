//! The canaries of all networks, shared by the tasks that they come past.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use model::{AlertId, BlockRef, ChainEvent, Name, UnixMillis};

use super::{CanaryState, Point, Settings, Track};
use crate::{
    clock,
    snapshot::{Code, Reason, Verdict},
    words::{grouped, span},
};

/// When the canaries of each network came past which point. Clones share everything.
#[derive(Debug, Clone)]
pub struct Canaries {
    tracks: Arc<RwLock<BTreeMap<Name, Track>>>,
    /// Wall time: stages stamp when they are done, not when they began.
    clock: fn() -> UnixMillis,
}

impl Default for Canaries {
    fn default() -> Self {
        Self { tracks: Arc::default(), clock: clock::now }
    }
}

impl Canaries {
    /// Without any, by another clock.
    pub fn by(clock: fn() -> UnixMillis) -> Self {
        Self { clock, ..Self::default() }
    }

    /// With these, as they are.
    #[must_use]
    pub fn with(self, tracks: impl IntoIterator<Item = (Name, Track)>) -> Self {
        let tracks = Arc::new(RwLock::new(tracks.into_iter().collect()));
        Self { tracks, ..self }
    }

    /// These networks are followed from now on, and no others. What is known of how long canaries
    /// took stays.
    pub fn start(&self, networks: impl IntoIterator<Item = Name>, settings: Settings) {
        let mut tracks = self.tracks.write().unwrap_or_else(PoisonError::into_inner);
        let mut known = std::mem::take(&mut *tracks);
        for network in networks {
            let mut track = known.remove(&network).unwrap_or_default();
            track.begin_again(settings);
            tracks.insert(network, track);
        }
    }

    /// The follower brought blocks.
    pub fn saw(&self, network: &Name, events: &[ChainEvent]) {
        let now = (self.clock)();
        self.change(network, |track| {
            for event in events {
                if let ChainEvent::Committed(bundle) | ChainEvent::Recovered(bundle) = event {
                    track.saw(bundle.block_ref().hash, now);
                }
            }
        });
    }

    /// Whether the next judged block of a network should bring a canary.
    pub fn is_due(&self, network: &Name) -> bool {
        let tracks = self.tracks.read().unwrap_or_else(PoisonError::into_inner);
        tracks.get(network).is_some_and(|track| track.is_due((self.clock)()))
    }

    /// A canary was made of a judged block.
    pub fn made(&self, network: &Name, alert: AlertId, block: BlockRef) {
        let now = (self.clock)();
        self.change(network, |track| track.made(alert, block, now));
    }

    /// Canaries came past a point. Those that nobody awaits are of an earlier process, and arrive in
    /// silence.
    pub fn pass(&self, alerts: impl IntoIterator<Item = AlertId>, point: Point) {
        let mut alerts = alerts.into_iter().peekable();
        if alerts.peek().is_none() {
            return;
        }
        let now = (self.clock)();
        let mut tracks = self.tracks.write().unwrap_or_else(PoisonError::into_inner);
        for alert in alerts {
            // The first that awaits it takes it; an alert is of one network.
            let _is_awaited = tracks.values_mut().any(|track| track.pass(alert, point, now));
        }
    }

    /// All networks as they are now, by name.
    pub fn states(&self, now: UnixMillis) -> Vec<CanaryState> {
        let tracks = self.tracks.read().unwrap_or_else(PoisonError::into_inner);
        tracks.iter().filter_map(|(network, track)| track.state(network, now)).collect()
    }

    fn change(&self, network: &Name, change: impl FnOnce(&mut Track)) {
        let mut tracks = self.tracks.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(track) = tracks.get_mut(network) {
            change(track);
        }
    }
}

/// The canaries that do not arrive, for the snapshot.
pub fn reasons(states: &[CanaryState]) -> Vec<Reason> {
    let reason = |state: &CanaryState| {
        let hanging = state.hanging.as_ref()?;
        let text = format!(
            "no canary comes through: that of block {} of {} left {} ago; {}",
            grouped(hanging.block.number),
            state.network,
            span(hanging.age_ms / 1_000),
            hanging.point.missing()
        );
        let network = (!hanging.point.is_shared()).then(|| state.network.clone());
        Some(Reason { network, code: Code::CanaryLate, verdict: Verdict::No, text })
    };
    states.iter().filter_map(reason).collect()
}
