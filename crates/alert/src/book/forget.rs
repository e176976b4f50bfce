//! What the book lets go of: alerts that nothing can change any more.

use model::{Alert, AlertId, AlertState, Name, UnixSeconds};

use super::AlertBook;
use crate::{Policy, membership};

/// How long the book keeps an alert after its last finding: 7 days of chain time. It must know a
/// retracted alert when its transaction is mined after all, and a transaction that waited for a week
/// is a new event to people anyway.
pub const KEPT_S: u64 = 7 * 24 * 60 * 60;

/// Alerts in the book before final ones leave early, oldest first, once their window is closed: at
/// an alert a minute, two months. Alerts that can still change their state are never among them;
/// those are bounded by how far the chain can be reverted, and by [`KEPT_S`].
pub const ALERTS_MAX: usize = 100_000;

/// How much chain time passes between two looks for alerts to let go: one hour.
const SWEEP_S: u64 = 60 * 60;

impl AlertBook {
    /// Lets go of alerts that nothing can change any more.
    pub(super) fn forget(&mut self, network: &Name, policy: &Policy) {
        let Some((newest, swept)) = self.newest.get_mut(network) else { return };
        if newest.seconds_since(*swept) >= SWEEP_S {
            *swept = *newest;
            self.forget_old(network);
        }
        if self.alerts.len() > ALERTS_MAX {
            self.forget_final(policy.group_window_s);
        }
    }

    pub(super) fn forget_old(&mut self, network: &Name) {
        let Some((newest, _)) = self.newest.get(network).copied() else { return };
        self.forget_if(usize::MAX, |alert| {
            alert.network.as_ref() == Some(network)
                && newest.seconds_since(alert.last_finding_at) > KEPT_S
        });
    }

    fn forget_final(&mut self, window_s: u64) {
        // A tenth at once, so that a full book is not searched for each finding.
        let surplus = self.alerts.len() - ALERTS_MAX + ALERTS_MAX / 10;
        let newest = self.newest.clone();
        self.forget_if(surplus, |alert| {
            let newest = alert.network.as_ref().and_then(|network| newest.get(network));
            let newest = newest.map_or(UnixSeconds(0), |newest| newest.0);
            alert.state == AlertState::Confirmed
                && newest.seconds_since(alert.last_finding_at) > window_s
        });
    }

    /// Removes at most `most` alerts that pass the test, have no finding that can be reverted and
    /// keep nobody waiting, oldest first.
    fn forget_if(&mut self, most: usize, test: impl Fn(&Alert) -> bool) {
        let is_still = |alert: &&Alert| {
            !membership::is_unsettled(alert) && !self.waiting.contains(&alert.id) && test(alert)
        };
        let mut old: Vec<(UnixSeconds, AlertId)> = self
            .alerts
            .values()
            .filter(is_still)
            .map(|alert| (alert.last_finding_at, alert.id))
            .collect();
        old.sort_unstable();
        for (_, id) in old.into_iter().take(most) {
            let Some(alert) = self.alerts.remove(&id) else { continue };
            for finding in &alert.findings {
                if self.standing.get(&finding.id) == Some(&id) {
                    self.standing.remove(&finding.id);
                }
            }
            if let Some(ids) = self.by_fingerprint.get_mut(&alert.fingerprint) {
                ids.retain(|other| *other != id);
                if ids.is_empty() {
                    self.by_fingerprint.remove(&alert.fingerprint);
                }
            }
        }
    }
}
