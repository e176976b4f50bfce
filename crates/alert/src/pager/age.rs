//! What is let go: alerts that are over for long, and those that nobody closed and nothing renewed.
//!
//! No alert is forgotten while people think that it stands. One that grew stale is closed first, with
//! a step in its account, a word to everybody who was told of it, and an alarm that counts; a finding
//! that renews it opens it again. Only what is over leaves the memory, and its account stays on record.

use model::{AlertId, UnixMillis};

use super::{Alarm, Key, Outcome, Pager, Why, ms, take::moved};
use crate::life::Stage;

/// How long an alert that is over is remembered: 7 days, as long as the book of alerts keeps it.
pub const CARD_KEPT_S: u64 = crate::KEPT_S;

/// How long an alert stands that nothing renews and about which nobody says anything: 30 days, as long
/// as a silence lasts at most. Then it is closed as stale.
pub const STALE_S: u64 = 30 * 24 * 60 * 60;

/// Alerts remembered at once: twice what the book of one network keeps. Beyond it, those that are over
/// leave before their time, and then the mildest that were longest without a word are closed as stale;
/// critical ones only by [`STALE_S`].
pub const CARDS_MAX: usize = 200_000;

/// How often what is over is let go: each hour.
const SWEEP_S: u64 = 60 * 60;

/// How old alerts are handled when there are too many: a tenth at once, so that it is seldom.
const SURPLUS: usize = CARDS_MAX / 10;

impl Pager {
    /// Lets go of what is over for long and closes what is stale, each full hour and when there is too
    /// much.
    pub(super) fn sweep(&mut self, now: UnixMillis, outcome: &mut Outcome) {
        let hour = now.0.div_euclid(ms(SWEEP_S));
        let is_crowded = self.cards.len() > CARDS_MAX && self.crowded != Some(hour);
        if hour == self.swept && !is_crowded {
            return;
        }
        self.swept = hour;
        let since = UnixMillis(hour.saturating_mul(ms(SWEEP_S)));
        self.forget(since, CARD_KEPT_S);
        self.close_stale(since, now, outcome);
        if self.cards.len() > CARDS_MAX {
            self.make_room(hour, now, outcome);
        }
    }

    /// Lets go of what has been over for so long before `since`.
    fn forget(&mut self, since: UnixMillis, kept_s: u64) {
        let is_old = |card: &&super::Card| {
            card.groups.is_empty() && since.millis_since(card.touched_at) > ms(kept_s)
        };
        let old: Vec<AlertId> =
            self.cards.values().filter(is_old).map(|card| card.facts.alert).collect();
        for id in old {
            self.cards.remove(&id);
            self.changed.insert(Key::Card(id));
        }
    }

    fn close_stale(&mut self, since: UnixMillis, now: UnixMillis, outcome: &mut Outcome) {
        let is_stale = |card: &&super::Card| {
            card.life.stage().is_firing() && since.millis_since(card.touched_at) > ms(STALE_S)
        };
        let stale: Vec<AlertId> =
            self.cards.values().filter(is_stale).map(|card| card.facts.alert).collect();
        let days = STALE_S / 86_400;
        let reason = format!("stale: no finding and no word about it for {days} days");
        self.close(&stale, &reason, now, outcome);
    }

    /// Too many alerts at once, even for a storm.
    fn make_room(&mut self, hour: i64, now: UnixMillis, outcome: &mut Outcome) {
        self.forget(now, 0);
        let Some(surplus) = (self.cards.len() + SURPLUS).checked_sub(CARDS_MAX) else { return };
        if self.cards.len() <= CARDS_MAX {
            return;
        }
        // Once an hour: what was closed leaves only when its groups said so.
        self.crowded = Some(hour);
        let is_mild = |card: &&super::Card| {
            card.life.stage().is_firing() && card.facts.severity < model::Severity::Critical
        };
        let mut mildest: Vec<_> = self
            .cards
            .values()
            .filter(is_mild)
            .map(|card| (card.facts.severity, card.touched_at, card.facts.alert))
            .collect();
        mildest.sort_unstable();
        mildest.truncate(surplus);
        let ids: Vec<AlertId> = mildest.into_iter().map(|(.., alert)| alert).collect();
        let reason = format!("stale: more than {CARDS_MAX} alerts stand at once");
        self.close(&ids, &reason, now, outcome);
    }

    fn close(&mut self, ids: &[AlertId], reason: &str, now: UnixMillis, outcome: &mut Outcome) {
        for id in ids {
            let Some(card) = self.cards.get_mut(id) else { continue };
            card.life.expire(now, reason);
            card.touched_at = now;
            self.changed.insert(Key::Card(*id));
            let why = Why::Chain { because: reason.to_owned() };
            outcome.rulings.push(moved(*id, now, Stage::Resolved, why));
            self.reroute(*id, now, outcome);
            self.touch(*id, now);
        }
        if !ids.is_empty() {
            let alerts = ids.len() as u64;
            outcome.alarms.push(Alarm::Stale { alerts, because: reason.to_owned() });
        }
    }
}
