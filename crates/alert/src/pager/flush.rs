//! A group speaks: what is news to whom, and what is hidden.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use model::{AlertId, Severity, UnixMillis};

use super::{
    GroupId, Key, LINES_MAX, Line, Message, MessageId, MessageKind, News, Outcome, Pager, Ruling,
    Verdict, Whom, Why, ms, own,
    state::{Card, Group, Hidden, Told},
    take::{FLAPS, FLAPS_WITHIN_S},
};
use crate::{
    life::{Stage, Truth},
    plan::Plan,
    quiet::{Veil, is_attack},
    route::Way,
};

impl Pager {
    /// The worst that a group has to say.
    pub(super) fn worst(&self, id: GroupId) -> Option<Severity> {
        let group = self.groups.get(&id)?;
        group.pending.iter().filter_map(|alert| Some(self.cards.get(alert)?.facts.severity)).max()
    }

    pub(super) fn flush(&mut self, id: GroupId, now: UnixMillis, outcome: &mut Outcome) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        let plan: Arc<Plan> = self.plan.clone();
        let Some(way) = plan.tree.way(&group.path) else { return };
        group.flush_at = now.plus(ms(way.group_interval_s));
        let pending: Vec<AlertId> = group.pending.iter().copied().collect();
        for alert in &pending {
            self.veil(*alert, id, way, now, outcome);
        }
        for whom in self.listeners(id, way, &pending) {
            let lines = self.lines(&pending, id, way, &whom);
            let lines = match lines.is_empty() {
                true => self.repeats(id, way, &whom, now),
                false => lines,
            };
            if !lines.is_empty() {
                self.speak(id, whom, lines, now, outcome);
            }
        }
        self.tell_others(id, way, &pending, now, outcome);
        self.call(id, way, &pending, now, outcome);
        self.settle(id, way, &pending, now, outcome);
        self.changed.insert(Key::Group(id));
        if self.groups.get(&id).is_some_and(|group| group.members.is_empty()) {
            self.drop_group(id);
        } else {
            self.rest(id);
        }
    }

    /// What is about a channel that fails is never told over that channel alone.
    fn tell_others(
        &mut self,
        id: GroupId,
        way: &Way,
        pending: &[AlertId],
        now: UnixMillis,
        outcome: &mut Outcome,
    ) {
        for alert in pending {
            let Some(card) = self.cards.get(alert) else { continue };
            let Some(failing) = own::failing(&card.facts.labels) else { continue };
            if way.receivers.iter().any(|name| name.as_str() != failing) {
                continue;
            }
            let is_hidden = card.groups.get(&id).is_none_or(|member| member.hidden.is_some());
            if is_hidden || !card.life.stage().is_firing() {
                continue;
            }
            let severity = card.facts.severity;
            // Whoever was told once hears of it as all others do.
            let mut whom = own::others(&self.plan, failing);
            whom.retain(|whom| !card.told.contains_key(whom));
            for whom in whom {
                let line = Line { alert: *alert, severity, news: News::New, sequence: 0 };
                self.speak(id, whom, vec![line], now, outcome);
            }
        }
    }

    /// Looks whether something hides an alert, and says so when that changed.
    fn veil(
        &mut self,
        alert: AlertId,
        group: GroupId,
        way: &Way,
        now: UnixMillis,
        outcome: &mut Outcome,
    ) {
        let Some(card) = self.cards.get(&alert) else { return };
        let (hidden, why, unsigned) = self.hidden(card, way, now);
        let is_firing = card.life.stage().is_firing();
        let Some(member) = self.cards.get_mut(&alert).and_then(|c| c.groups.get_mut(&group)) else {
            return;
        };
        let ruling = |verdict, why| Ruling {
            at: now,
            alert: Some(alert),
            group: Some(group),
            whom: None,
            message: None,
            verdict,
            why,
        };
        if unsigned.is_some() && unsigned != member.unsigned {
            let why = unsigned.clone().map(|silence| Why::NotHiddenBy { silence });
            outcome.rulings.extend(why.map(|why| ruling(Verdict::NotSent, why)));
        }
        // What is over comes out from behind nothing.
        if hidden != member.hidden && is_firing {
            let verdict = match &hidden {
                Some(Hidden::Silence(_)) => Verdict::Silenced,
                Some(Hidden::Inhibited { .. }) => Verdict::Inhibited,
                Some(Hidden::Quiet | Hidden::Flapping { .. }) => Verdict::NotSent,
                None => Verdict::Shown,
            };
            outcome.rulings.push(ruling(verdict, why.unwrap_or(Why::Unhidden)));
        }
        // What comes out from behind it pages anew.
        member.is_paged &= hidden.is_none();
        (member.hidden, member.unsigned) = (hidden, unsigned);
        self.changed.insert(Key::Card(alert));
    }

    /// What hides an alert on a way, why, and the silence that would if two had signed it.
    fn hidden(
        &self,
        card: &Card,
        way: &Way,
        now: UnixMillis,
    ) -> (Option<Hidden>, Option<Why>, Option<model::Name>) {
        let facts = &card.facts;
        if !card.life.stage().is_firing() {
            return (None, None, None);
        }
        let attack = is_attack(facts.severity, facts.outflow_usd, self.plan.outflow_limit_usd);
        let mut unsigned = None;
        for silence in self.silences.values() {
            match silence.veil(&facts.labels, attack, now) {
                Veil::None => {}
                Veil::Unsigned => unsigned = Some(silence.id.clone()),
                Veil::Hides => {
                    let why = Why::SilencedBy { silence: silence.id.clone(), until: silence.until };
                    return (Some(Hidden::Silence(silence.id.clone())), Some(why), None);
                }
            }
        }
        let from = attack.then_some(facts.severity.max(Severity::High));
        let is_heard = |source: AlertId| {
            source != facts.alert
                && self.cards.get(&source).is_some_and(|c| !self.is_silenced(c, now))
        };
        if let Some((rule, by)) =
            self.sources.hides(&self.plan.inhibitions, &facts.labels, from, is_heard)
        {
            let hidden = Hidden::Inhibited { rule: rule.clone(), by };
            let why = Why::InhibitedBy { rule: rule.clone(), alert: by };
            return (Some(hidden), Some(why), unsigned);
        }
        let is_critical = facts.severity >= Severity::Critical;
        if !is_critical && way.muted.iter().any(|hours| hours.contain(now)) {
            return (Some(Hidden::Quiet), Some(Why::QuietHours), unsigned);
        }
        let oldest = card.returns.front().filter(|_| card.returns.len() >= FLAPS);
        let is_flapping = oldest.is_some_and(|at| now.millis_since(*at) <= ms(FLAPS_WITHIN_S));
        if is_flapping && !is_critical {
            let times = card.returns.len() as u64;
            return (Some(Hidden::Flapping { times }), Some(Why::Flapping { times }), unsigned);
        }
        (None, None, unsigned)
    }

    fn is_silenced(&self, card: &Card, now: UnixMillis) -> bool {
        let facts = &card.facts;
        let attack = is_attack(facts.severity, facts.outflow_usd, self.plan.outflow_limit_usd);
        let mut silences = self.silences.values();
        silences.any(|silence| silence.veil(&facts.labels, attack, now) == Veil::Hides)
    }

    /// Who may hear of these alerts: the way's receivers, and the people who were told.
    fn listeners(&self, id: GroupId, way: &Way, pending: &[AlertId]) -> BTreeSet<Whom> {
        let mut listeners: BTreeSet<Whom> = way.receivers.iter().map(Whom::readers).collect();
        for card in pending.iter().filter_map(|alert| self.cards.get(alert)) {
            let told = card.told.iter().filter(|(_, told)| told.group == id);
            listeners.extend(told.map(|(whom, _)| whom.clone()));
        }
        listeners
    }

    /// What is news to somebody, the worst first.
    pub(super) fn lines(
        &self,
        alerts: &[AlertId],
        group: GroupId,
        way: &Way,
        whom: &Whom,
    ) -> Vec<Line> {
        let mut lines: Vec<Line> = alerts
            .iter()
            .filter_map(|alert| {
                let card = self.cards.get(alert)?;
                let news = self.news(card, group, way, whom)?;
                Some(Line {
                    alert: *alert,
                    severity: card.facts.severity,
                    news,
                    sequence: card.words(whom),
                })
            })
            .collect();
        lines.sort_by_key(|line| (Reverse(line.severity), line.news, line.alert));
        lines.truncate(LINES_MAX);
        lines
    }

    fn news(&self, card: &Card, group: GroupId, way: &Way, whom: &Whom) -> Option<News> {
        let stage = card.life.stage();
        let told = card.told.get(whom);
        if !stage.is_firing() {
            told.filter(|told| told.is_firing && told.group == group)?;
            if stage == Stage::Retracted {
                return Some(News::Void);
            }
            let wants = self.plan.channels.get(&whom.channel).is_some_and(|c| c.tells_closed);
            return wants.then_some(News::Over(stage));
        }
        if card.groups.get(&group)?.hidden.is_some() {
            return None;
        }
        let Some(told) = told else {
            // People are called, and who is not on the way hears only of what they know.
            let is_on_the_way = whom.person.is_none() && way.receivers.contains(&whom.channel);
            return is_on_the_way.then_some(News::New);
        };
        if told.group != group && told.is_firing {
            return None;
        }
        let is_attended = !stage.is_unattended();
        match whom.person {
            None if !told.is_firing => Some(News::Again),
            // Who was told that it is void hears that it stands; a call is made besides, if it pages.
            Some(_) if !told.is_firing => is_attended.then_some(News::Again),
            Some(_) if !is_attended => None,
            _ if card.facts.severity > told.severity => Some(News::Worse),
            None if card.is_final_news(told, way) => Some(News::Confirmed),
            None if !is_attended && is_much_more(card.facts.findings, told.findings) => {
                Some(News::More)
            }
            _ => None,
        }
    }

    /// What stands unattended and was told so long ago that it is told again.
    fn repeats(&self, id: GroupId, way: &Way, whom: &Whom, now: UnixMillis) -> Vec<Line> {
        let Some(group) = self.groups.get(&id) else { return Vec::new() };
        let last = group.told_at.get(whom).filter(|_| whom.person.is_none());
        let is_due = last.is_some_and(|last| now.millis_since(*last) >= ms(way.repeat_interval_s));
        if !is_due {
            return Vec::new();
        }
        let mut lines: Vec<Line> = group
            .members
            .iter()
            .filter_map(|alert| self.cards.get(alert))
            .filter(|card| card.stands_for(id, whom))
            // What was told before somebody asked for quiet is not told again until it ends.
            .filter(|card| self.hidden(card, way, now).0.is_none())
            .map(|card| Line {
                alert: card.facts.alert,
                severity: card.facts.severity,
                news: News::Still,
                sequence: card.words(whom),
            })
            .collect();
        lines.sort_by_key(|line| (Reverse(line.severity), line.alert));
        lines.truncate(LINES_MAX);
        lines
    }

    /// Sends a notice, or lets it wait for a summary.
    fn speak(
        &mut self,
        id: GroupId,
        whom: Whom,
        lines: Vec<Line>,
        now: UnixMillis,
        outcome: &mut Outcome,
    ) {
        let severity = lines.iter().map(|line| line.severity).max().unwrap_or_default();
        let why = match lines.first().map(|line| line.news) {
            Some(News::Still) => {
                let last = self.groups.get(&id).and_then(|group| group.told_at.get(&whom));
                let after_ms = last.map_or(0, |last| now.millis_since(*last));
                Why::Still { after_s: after_ms.unsigned_abs() / 1_000 }
            }
            _ => reason(&lines, &self.cards),
        };
        if !self.has_room(&whom, severity, now) {
            return self.queue(id, &whom, severity, now, outcome);
        }
        let lines = lines.into_iter().map(|line| (id, line)).collect();
        self.send(whom, MessageKind::Notice, lines, why, now, outcome);
    }

    /// Puts a message into the outbox and notes what people know by it. Each line comes with the
    /// group that speaks of it.
    pub(super) fn send(
        &mut self,
        whom: Whom,
        kind: MessageKind,
        lines: Vec<(GroupId, Line)>,
        why: Why,
        now: UnixMillis,
        outcome: &mut Outcome,
    ) -> MessageId {
        let mut words = Vec::with_capacity(lines.len());
        for (group, line) in &lines {
            let Some(card) = self.cards.get_mut(&line.alert) else { continue };
            let sequence = card.words(&whom);
            let told = Told {
                severity: card.facts.severity,
                findings: card.facts.findings,
                is_firing: card.life.stage().is_firing(),
                is_final: card.facts.truth == Truth::Confirmed,
                group: *group,
                sequence,
            };
            let before = card.told.insert(whom.clone(), told).map(|told| told.group);
            // The group that told it before has less to repeat.
            if let Some(before) = before.filter(|before| before != group) {
                self.rest(before);
            }
            words.push((line.alert, sequence));
            self.changed.insert(Key::Card(line.alert));
        }
        let group = match kind {
            MessageKind::Summary => None,
            _ => lines.first().map(|(group, _)| *group),
        };
        if let Some(group) = group.and_then(|id| self.groups.get_mut(&id)) {
            group.told_at.insert(whom.clone(), now);
        }
        let id = MessageId::derive(&whom, words);
        let lines: Vec<Line> = lines.into_iter().map(|(_, line)| line).collect();
        let severity = lines.iter().map(|line| line.severity).max().unwrap_or_default();
        outcome.rulings.push(Ruling {
            at: now,
            alert: lines.first().filter(|_| lines.len() == 1).map(|line| line.alert),
            group,
            whom: Some(whom.clone()),
            message: Some(id),
            verdict: Verdict::Sent,
            why: why.clone(),
        });
        let shed = BTreeMap::new();
        let message = Message { id, to: whom, kind, severity, group, lines, shed, why, at: now };
        outcome.messages.push(message);
        id
    }

    /// After the group spoke: what everybody knows is not pending any more, and what is over and
    /// known leaves.
    pub(super) fn settle(
        &mut self,
        id: GroupId,
        way: &Way,
        pending: &[AlertId],
        now: UnixMillis,
        outcome: &mut Outcome,
    ) {
        for alert in pending {
            let Some(card) = self.cards.get(alert) else { continue };
            let is_firing = card.life.stage().is_firing();
            let waits = card.told.keys().cloned().chain(way.receivers.iter().map(Whom::readers));
            let mut waits = waits.filter(|whom| self.news(card, id, way, whom).is_some());
            let is_hidden = card.groups.get(&id).is_some_and(|member| member.hidden.is_some());
            let is_pending = waits.next().is_some() || is_hidden;
            self.say_what_was_not_sent(*alert, id, way, now, outcome);
            let (Some(card), Some(group)) = (self.cards.get_mut(alert), self.groups.get_mut(&id))
            else {
                continue;
            };
            if !is_pending {
                group.pending.remove(alert);
            }
            if let Some(member) = card.groups.get_mut(&id) {
                (member.is_pending, member.is_seen) = (is_pending, true);
            }
            if !is_pending && !is_firing {
                group.members.remove(alert);
                card.groups.remove(&id);
            }
            self.changed.insert(Key::Card(*alert));
        }
    }

    /// Who would expect a message and does not get one hears why, in the account.
    fn say_what_was_not_sent(
        &mut self,
        alert: AlertId,
        id: GroupId,
        way: &Way,
        now: UnixMillis,
        outcome: &mut Outcome,
    ) {
        let Some(card) = self.cards.get_mut(&alert) else { return };
        let is_new = card.groups.get(&id).is_some_and(|member| !member.is_seen);
        let ruling = |whom: &Whom, why| Ruling {
            at: now,
            alert: Some(alert),
            group: Some(id),
            whom: Some(whom.clone()),
            message: None,
            verdict: Verdict::NotSent,
            why,
        };
        if card.life.stage().is_firing() {
            for whom in way.receivers.iter().map(Whom::readers).filter(|_| is_new) {
                let elsewhere =
                    card.told.get(&whom).filter(|told| told.is_firing && told.group != id);
                outcome
                    .rulings
                    .extend(elsewhere.map(|told| ruling(&whom, Why::ToldIn { group: told.group })));
            }
            return;
        }
        // Told that it is over, without a message: the channel did not want one.
        for (whom, told) in card.told.iter_mut().filter(|(_, t)| t.is_firing && t.group == id) {
            let wants = self.plan.channels.get(&whom.channel).is_some_and(|c| c.tells_closed);
            if !wants && card.life.stage() != Stage::Retracted {
                told.is_firing = false;
                outcome.rulings.push(ruling(whom, Why::ClosedNotWanted));
            }
        }
    }
}

/// More of the same is news each time it has doubled.
pub(super) fn is_much_more(findings: u64, told: u64) -> bool {
    findings > told && findings >= told.saturating_mul(2)
}

/// The strongest reason among the lines.
pub(super) fn reason(lines: &[Line], cards: &BTreeMap<AlertId, Card>) -> Why {
    let count = |news: News| lines.iter().filter(|line| line.news == news).count() as u64;
    let severity = lines.iter().map(|line| line.severity).max().unwrap_or_default();
    let over = lines.iter().filter(|line| matches!(line.news, News::Over(_))).count() as u64;
    let most = || {
        let findings = |line: &Line| cards.get(&line.alert).map(|card| card.facts.findings);
        lines.iter().filter_map(findings).max().unwrap_or_default()
    };
    let strongest = [News::New, News::Again, News::Worse, News::More, News::Confirmed, News::Void];
    match strongest.into_iter().find(|news| count(*news) > 0) {
        Some(News::New) => Why::New { alerts: count(News::New) },
        Some(News::Again) => Why::Again { alerts: count(News::Again) },
        Some(News::Worse) => Why::Worse { to: severity },
        Some(News::More) => Why::More { findings: most() },
        Some(News::Confirmed) => Why::Final { alerts: count(News::Confirmed) },
        Some(News::Void) => Why::Void { alerts: count(News::Void) },
        _ => Why::Over { alerts: over },
    }
}

impl Card {
    /// How many words about it somebody had.
    pub(super) fn words(&self, whom: &Whom) -> u32 {
        self.told.get(whom).map_or(0, |told| told.sequence + 1)
    }

    /// Whether it became final since somebody was told, on a way that wants to hear that.
    pub(super) fn is_final_news(&self, told: &Told, way: &Way) -> bool {
        self.facts.truth == Truth::Confirmed
            && told.is_firing
            && !told.is_final
            && way.confirmed_from.is_some_and(|from| self.facts.severity >= from)
    }
}

impl Group {
    /// When it speaks next.
    pub fn flush_at(&self) -> UnixMillis {
        self.flush_at
    }
}
