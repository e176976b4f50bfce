//! Alerts, people's words and silences come in.

use std::collections::{BTreeMap, VecDeque};

use model::{AlertId, Name, UnixMillis};

use super::{
    Alarm, Due, Facts, GroupId, Key, Outcome, Pager, Refusal, Ruling, Verdict, Why,
    flush::is_much_more,
    ms,
    state::{Card, Group, Hidden, Member, Week},
};
use crate::{
    life::{Deed, Heard, Life, Stage, Truth},
    quiet::{Silence, is_attack},
    route::Subject,
};

/// So many returns within [`FLAPS_WITHIN_S`] are flapping: whoever was told three times knows.
pub const FLAPS: usize = 4;

/// The time within which returns are counted: an hour.
pub const FLAPS_WITHIN_S: u64 = 60 * 60;

/// Least time between two messages of one group that do not wait for its interval: 10 s, so that a
/// hundred critical alerts in a block and the next are two messages.
const URGENT_S: u64 = 10;

/// Silences at once.
const SILENCES_MAX: usize = 10_000;

impl Pager {
    pub(super) fn alert(&mut self, facts: Facts, now: UnixMillis, outcome: &mut Outcome) {
        let id = facts.alert;
        let Some(card) = self.cards.get_mut(&id) else {
            return self.begin(facts, now, outcome);
        };
        if card.facts == facts {
            return;
        }
        let before = card.life.stage();
        let old = std::mem::replace(&mut card.facts, facts);
        let facts = &card.facts;
        if facts.truth != card.life.truth() {
            card.life.turn(facts.truth, now, &facts.because);
        }
        let stage = card.life.stage();
        let goes_on = matches!(facts.truth, Truth::Provisional | Truth::Confirmed);
        let is_worse = facts.severity > old.severity;
        let is_more = facts.findings > old.findings;
        let is_open_again = goes_on
            && (stage == Stage::Resolved && (is_more || is_worse)
                || matches!(stage, Stage::Benign | Stage::Duplicate) && is_worse);
        if is_open_again {
            card.life.reopen(now, &facts.because);
        }
        let stage = card.life.stage();
        let began_again = !before.is_firing() && stage.is_firing();
        if began_again {
            card.returns.push_back(now);
            while card.returns.len() > FLAPS {
                card.returns.pop_front();
            }
        }
        if began_again && stage.is_unattended() {
            for member in card.groups.values_mut() {
                member.is_paged = false;
            }
        }
        if stage != before {
            let why = Why::Chain { because: card.facts.because.clone() };
            outcome.rulings.push(moved(id, now, stage, why));
        }
        let may_be_news = stage != before
            || old.truth != card.facts.truth
            || is_worse
            || card.told.values().any(|told| is_much_more(card.facts.findings, told.findings));
        let moves_on =
            old.labels != card.facts.labels || old.severity != card.facts.severity || began_again;
        card.touched_at = now;
        self.changed.insert(Key::Card(id));
        if moves_on {
            self.reroute(id, now, outcome);
        } else if stage != before {
            self.file(id);
        }
        if may_be_news {
            self.touch(id, now);
        }
    }

    fn begin(&mut self, facts: Facts, now: UnixMillis, outcome: &mut Outcome) {
        let id = facts.alert;
        if matches!(facts.truth, Truth::Ended | Truth::Retracted) {
            // Nobody was told that it began.
            return;
        }
        let life = Life::new(facts.truth, now, &facts.because);
        let card = Card {
            facts,
            life,
            groups: BTreeMap::new(),
            told: BTreeMap::new(),
            returns: VecDeque::new(),
            touched_at: now,
        };
        self.cards.insert(id, card);
        self.changed.insert(Key::Card(id));
        self.reroute(id, now, outcome);
    }

    /// Files an alert under what it could hide.
    fn file(&mut self, id: AlertId) {
        let Some(card) = self.cards.get(&id) else { return };
        let is_firing = card.life.stage().is_firing();
        let (rules, facts) = (&self.plan.inhibitions, &card.facts);
        self.sources.file(rules, id, &facts.labels, facts.severity, is_firing);
    }

    /// Finds the ways of an alert anew: it joins the groups that it is not in, and leaves those that
    /// never spoke of it. What is over stays where it is.
    pub(super) fn reroute(&mut self, id: AlertId, now: UnixMillis, outcome: &mut Outcome) {
        self.file(id);
        let plan = self.plan.clone();
        let Some(card) = self.cards.get(&id) else { return };
        let facts = &card.facts;
        let is_firing = card.life.stage().is_firing();
        let subject = Subject { labels: &facts.labels, severity: facts.severity, at: now };
        let ways = plan.tree.route(&subject);
        let mut joins = Vec::new();
        let mut stays = Vec::new();
        for way in ways {
            let (group, common) = GroupId::of(way, facts);
            stays.push(group);
            if is_firing && !card.groups.contains_key(&group) {
                joins.push((group, common, way));
            }
        }
        let speaks =
            |group: &GroupId| card.told.values().any(|told| told.is_firing && told.group == *group);
        let is_planned = |group: &GroupId| {
            self.groups.get(group).is_some_and(|group| plan.tree.way(&group.path).is_some())
        };
        let leaves: Vec<GroupId> = card
            .groups
            .keys()
            .filter(|group| {
                !is_planned(group) || is_firing && !stays.contains(group) && !speaks(group)
            })
            .copied()
            .collect();
        for (group, common, way) in joins {
            self.join(id, group, common, way, now, outcome);
        }
        for group in leaves {
            self.leave(id, group, now);
        }
    }

    fn join(
        &mut self,
        id: AlertId,
        group: GroupId,
        common: Vec<(String, String)>,
        way: &crate::route::Way,
        now: UnixMillis,
        outcome: &mut Outcome,
    ) {
        let Some(card) = self.cards.get_mut(&id) else { return };
        card.groups.insert(group, Member { is_pending: true, ..Member::default() });
        self.changed.extend([Key::Card(id), Key::Group(group)]);
        let flush_at = match self.groups.get_mut(&group) {
            Some(known) => {
                known.members.insert(id);
                known.pending.insert(id);
                self.awaken(group, now).unwrap_or(now)
            }
            None => {
                let flush_at = now.plus(ms(way.group_wait_s));
                let new = Group {
                    id: group,
                    path: way.path.clone(),
                    common,
                    flush_at,
                    told_at: BTreeMap::new(),
                    queued: Default::default(),
                    run: None,
                    members: [id].into(),
                    pending: [id].into(),
                    wakes_at: None,
                };
                self.groups.insert(group, new);
                self.rest(group);
                flush_at
            }
        };
        let until = self.hurry(id, group, now).unwrap_or(flush_at);
        outcome.rulings.push(Ruling {
            at: now,
            alert: Some(id),
            group: Some(group),
            whom: None,
            message: None,
            verdict: Verdict::Grouped { until },
            why: Why::OnTheWay { path: way.path.clone() },
        });
        self.count(way, now, outcome);
    }

    fn leave(&mut self, id: AlertId, group: GroupId, now: UnixMillis) {
        if let Some(card) = self.cards.get_mut(&id) {
            card.groups.remove(&group);
            // Who was told in a group that is no more hears the rest in another one.
            let other = card.groups.keys().next().copied();
            for told in card.told.values_mut().filter(|told| told.group == group) {
                told.group = other.unwrap_or(group);
            }
            if let Some(member) = other.and_then(|other| card.groups.get_mut(&other)) {
                member.is_pending = true;
            }
            if let Some(other) = other.and_then(|other| self.groups.get_mut(&other)) {
                other.pending.insert(id);
            }
            other.and_then(|other| self.awaken(other, now));
        }
        let Some(left) = self.groups.get_mut(&group) else { return };
        left.members.remove(&id);
        left.pending.remove(&id);
        self.changed.extend([Key::Card(id), Key::Group(group)]);
        if left.members.is_empty() {
            self.drop_group(group);
        } else {
            self.rest(group);
        }
    }

    pub(super) fn drop_group(&mut self, id: GroupId) {
        let Some(group) = self.groups.remove(&id) else { return };
        self.changed.insert(Key::Group(id));
        self.schedule(Due::Flush(id), group.wakes_at, None);
        for whom in &group.queued {
            if let Some(desk) = self.desks.get_mut(whom) {
                desk.queue.remove(&id);
            }
        }
        if let Some(run) = group.run {
            self.schedule(Due::Climb(id), Some(run.due()), None);
            self.forget_tries(id, &run);
        }
    }

    /// Counts an alert against the week's budget of its way.
    fn count(&mut self, way: &crate::route::Way, now: UnixMillis, outcome: &mut Outcome) {
        let Some(budget) = way.budget_per_week else { return };
        // 1970 began on a Thursday.
        let week = (now.0.div_euclid(86_400_000) + 3).div_euclid(7);
        let new = || Week { path: way.path.clone(), week, alerts: 0, is_told: false };
        let count = self.weeks.entry(way.path.clone()).or_insert_with(new);
        if count.week != week {
            *count = new();
        }
        count.alerts = count.alerts.saturating_add(1);
        if count.alerts > budget && !count.is_told {
            count.is_told = true;
            let (path, alerts) = (way.path.clone(), count.alerts);
            outcome.alarms.push(Alarm::OverBudget { path, alerts, budget });
        }
        self.changed.insert(Key::Week(way.path.clone()));
    }

    /// Something about an alert is news to its groups, perhaps.
    pub(super) fn touch(&mut self, id: AlertId, now: UnixMillis) {
        let Some(card) = self.cards.get_mut(&id) else { return };
        let groups: Vec<GroupId> = card.groups.keys().copied().collect();
        for group in groups {
            if let Some(member) = self.cards.get_mut(&id).and_then(|c| c.groups.get_mut(&group)) {
                member.is_pending = true;
            }
            if let Some(group) = self.groups.get_mut(&group) {
                group.pending.insert(id);
            }
            self.awaken(group, now);
            self.hurry(id, group, now);
            self.look_at_run(group, now);
        }
        self.changed.insert(Key::Card(id));
    }

    /// Lets a group speak before its time when what it has to say does not wait; when it will.
    fn hurry(&mut self, id: AlertId, group: GroupId, now: UnixMillis) -> Option<UnixMillis> {
        let (card, known) = (self.cards.get(&id)?, self.groups.get(&group)?);
        let way = self.plan.tree.way(&known.path)?;
        let escalation = way.escalation.as_ref().and_then(|n| self.plan.escalations.get(n));
        let stage = card.life.stage();
        let severity = card.facts.severity;
        let pages = escalation.is_some_and(|escalation| severity >= escalation.page_from);
        let is_void = stage == Stage::Retracted && card.told.values().any(|told| told.is_firing);
        let attack = is_attack(severity, card.facts.outflow_usd, self.plan.outflow_limit_usd);
        let is_bad = stage.is_unattended() && (attack || pages);
        let mut told = card.told.values().filter(|told| told.is_firing);
        let is_worse = stage.is_firing() && told.any(|told| severity > told.severity);
        let is_final =
            stage.is_firing() && card.told.values().any(|told| card.is_final_news(told, way));
        if !is_void && !is_bad && !is_worse && !is_final {
            return None;
        }
        let last = known.told_at.values().max();
        // What was told and is void, or certain by now, does not wait for anything.
        let is_truth = is_void || is_final;
        let free = last.filter(|_| !is_truth).map_or(now, |last| last.plus(ms(URGENT_S)).max(now));
        // Whoever asks woke the group before, so that its beat is not in the past.
        let at = known.flush_at.min(free);
        self.groups.get_mut(&group)?.flush_at = at;
        self.changed.insert(Key::Group(group));
        self.rest(group);
        Some(at)
    }

    #[allow(clippy::too_many_arguments, reason = "the fields of one input, taken apart")]
    pub(super) fn said(
        &mut self,
        id: AlertId,
        by: &Name,
        deed: &Deed,
        at: UnixMillis,
        reason: &str,
        now: UnixMillis,
        outcome: &mut Outcome,
    ) {
        let Some(card) = self.cards.get_mut(&id) else {
            return outcome.refused.push(Refusal::NoAlert(id));
        };
        let before = card.life.stage();
        let heard = card.life.hear(by, deed.clone(), at, reason);
        let stage = card.life.stage();
        if !before.is_firing() && stage.is_firing() || *deed == Deed::Reopen {
            for member in card.groups.values_mut() {
                member.is_paged = false;
            }
        }
        card.touched_at = now;
        self.changed.insert(Key::Card(id));
        let why = match heard {
            Heard::Known(_) => Why::SaidBefore { by: by.clone() },
            _ => Why::Said { by: by.clone(), reason: reason.to_owned() },
        };
        outcome.rulings.push(moved(id, now, stage, why));
        if stage != before {
            self.reroute(id, now, outcome);
            self.touch(id, now);
        }
    }

    pub(super) fn silence(&mut self, silence: Silence, outcome: &mut Outcome) {
        let faults = silence.faults();
        if !faults.is_empty() {
            return outcome.refused.extend(faults.into_iter().map(Refusal::from));
        }
        if self.silences.contains_key(&silence.id) {
            return outcome.refused.push(Refusal::SilenceExists(silence.id));
        }
        if self.silences.len() >= SILENCES_MAX {
            return outcome.refused.push(Refusal::TooManySilences(self.silences.len()));
        }
        self.due.insert((silence.until, Due::Lift(silence.id.clone())));
        self.changed.insert(Key::Silence(silence.id.clone()));
        self.silences.insert(silence.id.clone(), silence);
    }

    pub(super) fn sign(&mut self, id: &Name, by: &Name, now: UnixMillis, outcome: &mut Outcome) {
        match self.silences.get_mut(id) {
            Some(silence) => {
                silence.signed.entry(by.clone()).or_insert(now);
                self.changed.insert(Key::Silence(id.clone()));
            }
            None => outcome.refused.push(Refusal::NoSilence(id.clone())),
        }
    }

    /// A silence is over: what it hid and does not wait is told at once, the rest when its group
    /// speaks next.
    pub(super) fn lift(&mut self, id: &Name, now: UnixMillis) {
        let Some(silence) = self.silences.remove(id) else { return };
        self.changed.insert(Key::Silence(id.clone()));
        self.schedule(Due::Lift(id.clone()), Some(silence.until), None);
        let hides = |member: &Member| member.hidden == Some(Hidden::Silence(id.clone()));
        let hidden: Vec<(AlertId, GroupId)> = self
            .groups
            .values()
            .flat_map(|group| group.pending.iter().map(|alert| (*alert, group.id)))
            .filter(|(alert, group)| {
                self.cards.get(alert).and_then(|card| card.groups.get(group)).is_some_and(hides)
            })
            .collect();
        for (alert, group) in hidden {
            self.hurry(alert, group, now);
        }
    }
}

pub(super) fn moved(alert: AlertId, at: UnixMillis, to: Stage, why: Why) -> Ruling {
    let verdict = Verdict::Moved { to };
    Ruling { at, alert: Some(alert), group: None, whom: None, message: None, verdict, why }
}
