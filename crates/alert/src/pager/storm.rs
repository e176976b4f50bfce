//! What a reader bears. Beyond it nothing is dropped: what waits is summarised, critical alerts
//! first and soon; what does not even fit into a summary is counted, alarmed and told later.

use std::cmp::Reverse;

use model::{Severity, UnixMillis};

use super::{
    Alarm, Due, GroupId, Key, LINES_MAX, MessageKind, Outcome, Pager, Ruling, Verdict, Whom, Why,
    ms,
    state::{Desk, TryState},
};
use crate::plan::{Channel, ChannelKind};

/// How long what waits for a summary waits at most: a minute.
pub const SUMMARY_S: u64 = 60;

/// The same when something critical is among it: 10 s.
pub const SUMMARY_CRITICAL_S: u64 = 10;

/// Groups that wait for one summary: more than one attack makes. Beyond it the mildest are put off
/// until their group speaks again.
pub const QUEUE_MAX: usize = 10_000;

/// A message, in the thousandths in which room is counted.
const MESSAGE: u64 = 1_000;

impl Pager {
    fn channel(&self, whom: &Whom) -> Channel {
        let known = self.plan.channels.get(&whom.channel).cloned();
        known.unwrap_or_else(|| Channel::new(ChannelKind::Log))
    }

    fn desk(&mut self, whom: &Whom, now: UnixMillis) -> &mut Desk {
        let channel = self.channel(whom);
        self.changed.insert(Key::Desk(whom.clone()));
        let most = u64::from(channel.burst.max(1)) * MESSAGE;
        let desk = self.desks.entry(whom.clone()).or_insert_with(|| Desk {
            whom: whom.clone(),
            room_milli: most,
            filled_at: now,
            summary_at: None,
            shed: Default::default(),
            queue: Default::default(),
        });
        let since_ms = now.millis_since(desk.filled_at).max(0).unsigned_abs();
        let gain = since_ms.saturating_mul(u64::from(channel.per_minute.max(1))) / 60;
        if gain > 0 {
            desk.room_milli = desk.room_milli.saturating_add(gain).min(most);
            desk.filled_at = now;
        }
        desk
    }

    /// Takes room for a message, if there is some. Half of it is kept for what is critical, and what
    /// is not does not overtake what waits.
    pub(super) fn has_room(&mut self, whom: &Whom, severity: Severity, now: UnixMillis) -> bool {
        let burst = u64::from(self.channel(whom).burst);
        let desk = self.desk(whom, now);
        let is_critical = severity >= Severity::Critical;
        let kept = if is_critical { 0 } else { burst / 2 * MESSAGE };
        let has_room = desk.room_milli >= MESSAGE + kept && (is_critical || desk.queue.is_empty());
        if has_room {
            desk.room_milli -= MESSAGE;
        }
        has_room
    }

    /// Lets a group wait for the reader's next summary.
    pub(super) fn queue(
        &mut self,
        id: GroupId,
        whom: &Whom,
        severity: Severity,
        now: UnixMillis,
        outcome: &mut Outcome,
    ) {
        let is_critical = severity >= Severity::Critical;
        let wait_s = if is_critical { SUMMARY_CRITICAL_S } else { SUMMARY_S };
        let desk = self.desk(whom, now);
        let was = desk.summary_at;
        let at = was.map_or(now.plus(ms(wait_s)), |was| was.min(now.plus(ms(wait_s))));
        desk.summary_at = Some(at);
        let is_new = desk.queue.insert(id);
        let is_full = desk.queue.len() > QUEUE_MAX;
        self.schedule(Due::Summary(whom.clone()), was, Some(at));
        if let Some(group) = self.groups.get_mut(&id) {
            group.queued.insert(whom.clone());
        }
        self.changed.insert(Key::Group(id));
        if is_new {
            let verdict = Verdict::Summarised { until: at };
            outcome.rulings.push(waits(id, whom, now, verdict, Why::Storm));
        }
        if is_full {
            self.shed(whom, now, outcome);
        }
    }

    /// Puts off the mildest of what waits, a tenth at once so that a full queue is not searched for
    /// each group. What is critical is never put off.
    fn shed(&mut self, whom: &Whom, now: UnixMillis, outcome: &mut Outcome) {
        let Some(desk) = self.desks.get(whom) else { return };
        let mut mildest: Vec<(Option<Severity>, GroupId)> = desk
            .queue
            .iter()
            .map(|id| (self.worst(*id), *id))
            .filter(|(worst, _)| *worst < Some(Severity::Critical))
            .collect();
        mildest.sort_unstable();
        mildest.truncate(QUEUE_MAX / 10);
        for (_, id) in mildest {
            let Some(group) = self.groups.get_mut(&id) else { continue };
            group.queued.remove(whom);
            let pending = group.pending.iter().filter_map(|alert| self.cards.get(alert));
            let severities: Vec<Severity> = pending.map(|card| card.facts.severity).collect();
            if let Some(desk) = self.desks.get_mut(whom) {
                desk.queue.remove(&id);
                for severity in severities {
                    *desk.shed.entry(severity).or_default() += 1;
                }
            }
            self.changed.insert(Key::Group(id));
            outcome.rulings.push(waits(id, whom, now, Verdict::Shed, Why::SummaryFull));
        }
    }

    /// Tells a reader at once what waited.
    pub(super) fn summarise(&mut self, whom: &Whom, now: UnixMillis, outcome: &mut Outcome) {
        let plan = self.plan.clone();
        let desk = self.desk(whom, now);
        desk.summary_at = None;
        desk.room_milli = desk.room_milli.saturating_sub(MESSAGE);
        let shed = std::mem::take(&mut desk.shed);
        let mut queue: Vec<GroupId> = desk.queue.iter().copied().collect();
        queue.sort_by_key(|id| (Reverse(self.worst(*id)), *id));
        let mut lines = Vec::new();
        let mut spoke = Vec::new();
        for id in queue {
            if lines.len() >= LINES_MAX {
                break;
            }
            let Some(group) = self.groups.get(&id) else { continue };
            let Some(way) = plan.tree.way(&group.path) else { continue };
            let pending: Vec<_> = group.pending.iter().copied().collect();
            let news = self.lines(&pending, id, way, whom);
            let mut own: Vec<_> = news.into_iter().map(|line| (id, line)).collect();
            if whom.person.is_some() {
                let calls = self.page_lines(id, &self.called_for(id), whom);
                own.extend(calls.into_iter().filter(|(_, call)| {
                    !lines.iter().any(|(_, line): &(_, super::Line)| line.alert == call.alert)
                }));
            }
            lines.extend(own);
            spoke.push(id);
        }
        // One group's news may be more than there is room for; the rest stays pending.
        lines.sort_by_key(|(_, line)| (Reverse(line.severity), line.news, line.alert));
        lines.dedup_by_key(|(_, line)| line.alert);
        lines.truncate(LINES_MAX);
        let (groups, alerts) = (spoke.len() as u64, lines.len() as u64);
        let has_news = !lines.is_empty() || !shed.is_empty();
        let sent = has_news.then(|| {
            let why = Why::Summary { groups, alerts };
            let sent = self.send(whom.clone(), MessageKind::Summary, lines, why, now, outcome);
            if let Some(message) = outcome.messages.last_mut() {
                message.shed.clone_from(&shed);
            }
            sent
        });
        if !shed.is_empty() {
            outcome.alarms.push(Alarm::Shed { whom: whom.clone(), alerts: shed });
        }
        for id in spoke {
            self.spoken(id, whom, sent, now);
        }
        let Some(desk) = self.desks.get_mut(whom) else { return };
        if !desk.queue.is_empty() {
            let at = now.plus(ms(SUMMARY_CRITICAL_S));
            desk.summary_at = Some(at);
            self.schedule(Due::Summary(whom.clone()), None, Some(at));
        }
    }

    /// A summary spoke of a group: it waits no more, and who was to be called by it was.
    fn spoken(
        &mut self,
        id: GroupId,
        whom: &Whom,
        sent: Option<super::MessageId>,
        now: UnixMillis,
    ) {
        if let Some(desk) = self.desks.get_mut(whom) {
            desk.queue.remove(&id);
        }
        let Some(group) = self.groups.get_mut(&id) else { return };
        group.queued.remove(whom);
        group.told_at.insert(whom.clone(), now);
        let tries = group.run.iter_mut().flat_map(|run| &mut run.tries);
        for t in tries.filter(|t| t.whom == *whom && t.message.is_none()) {
            t.message = sent;
            if let Some(sent) = sent.filter(|_| t.state == TryState::Waiting) {
                self.pages.entry(sent).or_default().insert(id);
            }
        }
        self.changed.insert(Key::Group(id));
    }
}

fn waits(id: GroupId, whom: &Whom, at: UnixMillis, verdict: Verdict, why: Why) -> Ruling {
    let whom = Some(whom.clone());
    Ruling { at, alert: None, group: Some(id), whom, message: None, verdict, why }
}
