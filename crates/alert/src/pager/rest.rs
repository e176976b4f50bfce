//! When a group has something to say, and when it rests.
//!
//! Groups speak in a rhythm: each `group_interval` after they spoke first. A group that waits for
//! nothing does not wake with each beat: it rests until something in it changes, or until what
//! stands is told again. Ten thousand groups that everybody knows of cost nothing.

use model::UnixMillis;

use super::{
    Due, GroupId, Key, Pager, Whom, ms,
    state::{Card, Group},
};
use crate::route::Way;

impl Pager {
    /// Something in a group changed: it speaks with its next beat, which is told.
    pub(super) fn awaken(&mut self, id: GroupId, now: UnixMillis) -> Option<UnixMillis> {
        let group = self.groups.get_mut(&id)?;
        let way = self.plan.tree.way(&group.path)?;
        // It is about to speak: later than now is later than its beat.
        let is_late = group.wakes_at.is_some_and(|at| at <= now);
        let beat = if is_late { group.flush_at } else { next_beat(group.flush_at, way, now) };
        if beat != group.flush_at {
            group.flush_at = beat;
            self.changed.insert(Key::Group(id));
        }
        self.rest(id);
        Some(beat)
    }

    /// Plans when a group wakes. Follows from its row and those of its alerts.
    pub(super) fn rest(&mut self, id: GroupId) {
        let Some(group) = self.groups.get(&id) else { return };
        let wakes = self.wakes(group);
        self.wake_at(id, wakes);
    }

    fn wake_at(&mut self, id: GroupId, wakes: Option<UnixMillis>) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        let was = std::mem::replace(&mut group.wakes_at, wakes);
        if was != wakes {
            self.schedule(Due::Flush(id), was, wakes);
        }
    }

    /// The beat with which a group may have something to say; `None`: it rests until it changes.
    pub(super) fn wakes(&self, group: &Group) -> Option<UnixMillis> {
        if !group.pending.is_empty() {
            return Some(group.flush_at);
        }
        let way = self.plan.tree.way(&group.path)?;
        let readers = way.receivers.iter().map(Whom::readers);
        let repeats = readers.filter_map(|whom| {
            let last = group.told_at.get(&whom)?;
            let mut cards = group.members.iter().filter_map(|alert| self.cards.get(alert));
            cards.any(|card| card.stands_for(group.id, &whom)).then_some(last)
        });
        let repeat_at = repeats.min()?.plus(ms(way.repeat_interval_s));
        Some(next_beat(group.flush_at, way, repeat_at))
    }
}

impl Card {
    /// Whether it waits for somebody, in the open, and a reader was told so by this group.
    pub(super) fn stands_for(&self, group: GroupId, whom: &Whom) -> bool {
        self.life.stage().is_unattended()
            && self.groups.get(&group).is_some_and(|member| member.hidden.is_none())
            && self.told.get(whom).is_some_and(|told| told.is_firing && told.group == group)
    }
}

/// The first beat that is not before a time.
fn next_beat(flush_at: UnixMillis, way: &Way, not_before: UnixMillis) -> UnixMillis {
    let late_ms = not_before.millis_since(flush_at);
    if late_ms <= 0 {
        return flush_at;
    }
    let beat_ms = ms(way.group_interval_s).max(1);
    let beats = late_ms / beat_ms + i64::from(late_ms % beat_ms != 0);
    flush_at.plus(beats.saturating_mul(beat_ms))
}
