//! The state of everything at one moment: what page, API, metrics and readiness all tell.
//!
//! There is one way to take it, so that no two of them can disagree, and one judgement on it: can
//! what is seen be trusted ([`trust`])? A failed read fails the whole snapshot; it never becomes a
//! zero.

mod network; // one network: head, judged, lag, coverage, endpoints
mod trust; //   yes, partly, no, with reasons

use model::{AlertState, Name, Severity, UnixMillis, UnixSeconds};
use store::{AlertCount, FindingCount, OutboxCounts, Settled, Store, StoreError};

use crate::{
    canary::{self, CanaryState},
    pulse::{Stage, StageState, stalled},
};

pub use network::{
    BlindMonitor, COVERAGE_BLOCKS_MAX, Coverage, EndpointHealth, Filling, Judged, NetworkHealth,
    NetworkState, RECENT_BLOCKS,
};
pub use trust::{Code, Reason, Trust, TrustLimits, Verdict};

/// How far back "lately" reaches in counts of alerts, findings and messages: a day.
pub const WINDOW_S: u64 = 86_400;

/// Everything at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// When it was taken, by the machine's clock.
    pub at: UnixMillis,
    /// Networks, in the order of the configuration.
    pub networks: Vec<NetworkState>,
    /// Messages on their way.
    pub outbox: OutboxState,
    /// Alerts that opened within [`WINDOW_S`], by state and severity.
    pub alerts: Vec<AlertCount>,
    /// Findings made within [`WINDOW_S`], by status and severity.
    pub findings: Vec<FindingCount>,
    /// Whether all this can be trusted.
    pub trust: Trust,
    /// The stages from blocks to people, and how long ago each came round.
    pub stages: Vec<StageState>,
    /// Canaries through all of them, by network.
    pub canaries: Vec<CanaryState>,
}

/// What the program knows of itself, without its store.
#[derive(Debug, Clone, Default)]
pub struct Own {
    /// What is wrong with it, beside what follows from the rest.
    pub reasons: Vec<Reason>,
    /// How long ago each stage came round.
    pub stages: Vec<StageState>,
    /// How canaries fare.
    pub canaries: Vec<CanaryState>,
}

/// Messages on their way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OutboxState {
    /// How many are where, since the store began.
    pub counts: OutboxCounts,
    /// Delivered and given up within [`WINDOW_S`].
    pub lately: Settled,
    /// How long the oldest message has been waiting, in seconds; `None` when none waits.
    pub oldest_due_s: Option<u64>,
    /// How long the pager has had something to decide, in seconds; `None` when it decided everything.
    pub undecided_s: Option<u64>,
}

impl Snapshot {
    /// Reads everything from the store and judges it. `health` is what the followers say, one entry
    /// for each configured network.
    ///
    /// Blocks: call it where blocking is allowed.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn take(
        store: &Store,
        health: &[NetworkHealth],
        own: Own,
        limits: &TrustLimits,
        now: UnixMillis,
    ) -> Result<Self, StoreError> {
        let Own { mut reasons, stages, canaries } = own;
        reasons.extend(stalled(&stages));
        let is_pager_stalled =
            stages.iter().any(|state| state.stage == Stage::Pager && state.is_stalled());
        reasons.extend(canary::reasons(&canaries));
        let mut networks = Vec::with_capacity(health.len());
        for health in health {
            networks.push(NetworkState::read(store, health, limits, now)?);
        }
        let counts = store.outbox().counts()?;
        let since_ms = UnixMillis(now.0.saturating_sub(WINDOW_S as i64 * 1_000));
        let since = crate::words::seconds(since_ms);
        let waiting = |decided: UnixMillis| (now.millis_since(decided).max(0) / 1_000) as u64;
        let outbox = OutboxState {
            counts,
            lately: store.outbox().settled_since(since_ms)?,
            oldest_due_s: counts.oldest_due_decided_at.map(waiting),
            undecided_s: store.inbox().backlog()?.1.map(waiting),
        };
        let trust = trust::overall(&networks, &outbox, reasons, is_pager_stalled, limits);
        Ok(Self {
            at: now,
            networks,
            outbox,
            alerts: store.alert_counts(since)?,
            findings: store.finding_counts(since)?,
            trust,
            stages,
            canaries,
        })
    }

    /// Alerts of the last day in these states, at least this bad.
    pub fn alerts_where(&self, states: &[AlertState], at_least: Severity) -> u64 {
        let counted = |c: &&AlertCount| states.contains(&c.state) && c.severity >= at_least;
        self.alerts.iter().filter(counted).map(|count| count.alerts).sum()
    }

    /// The network with this name.
    pub fn network(&self, name: &Name) -> Option<&NetworkState> {
        self.networks.iter().find(|network| network.health.name == *name)
    }

    /// Whether any block of any network was judged: before that, silence means nothing.
    pub fn is_watching(&self) -> bool {
        self.networks.iter().any(|network| network.judged.is_some())
    }

    /// The newest moment that any network's judged chain has reached, or the machine's clock if
    /// that is later: where charts end.
    pub fn chain_now(&self) -> UnixSeconds {
        let judged = self.networks.iter().filter_map(|network| network.judged?.at).max();
        crate::words::seconds(self.at).max(judged.unwrap_or_default())
    }

    /// Why the program should not be relied on at the moment; empty when every network is judged
    /// recently and messages leave. Stricter than [`Snapshot::trust`] in scope (each network must
    /// be fine), milder in kind (a monitor that is blind does not count).
    pub fn not_ready(&self) -> Vec<Reason> {
        let networks = self.networks.iter().flat_map(|network| &network.trust.reasons);
        let all = networks.chain(&self.trust.reasons);
        let mut reasons: Vec<Reason> =
            all.filter(|reason| reason.code.is_about_readiness()).cloned().collect();
        reasons.sort_by(|a, b| (&a.network, a.code).cmp(&(&b.network, b.code)));
        reasons.dedup();
        reasons
    }
}

#[cfg(test)]
mod tests;
