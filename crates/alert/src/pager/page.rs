//! Escalations: people are called, one after the other, until somebody is on it.

use std::{collections::BTreeSet, sync::Arc};

use model::{AlertId, Name, Severity, UnixMillis};

use super::{
    Alarm, Due, GroupId, Key, Line, MessageId, MessageKind, News, Outcome, Pager, Ruling, Verdict,
    Whom, Why, ms,
    state::{Card, Run, Try, TryState},
};
use crate::{
    plan::{Escalation, FAILOVER_S, PEOPLE_MIN, Plan, Target},
    route::Way,
};

/// Longest wait between two rounds of an escalation: an hour. It never stops by itself.
const ROUND_S_MAX: u64 = 60 * 60;

impl Run {
    /// When it has something to do.
    pub(super) fn due(&self) -> UnixMillis {
        let waiting = self.tries.iter().filter(|t| t.state == TryState::Waiting);
        let receipts = waiting.map(|t| t.at.plus(ms(FAILOVER_S)));
        receipts.chain([self.next_at]).min().unwrap_or(self.next_at)
    }
}

/// What a page is about.
struct About<'a> {
    group: GroupId,
    way: &'a Way,
    severity: Severity,
    /// Alerts that wait for somebody.
    alerts: &'a [AlertId],
}

impl Pager {
    /// Begins to call people for what is new, or begins anew for what became worse.
    pub(super) fn call(
        &mut self,
        id: GroupId,
        way: &Way,
        pending: &[AlertId],
        now: UnixMillis,
        outcome: &mut Outcome,
    ) {
        let plan = self.plan.clone();
        let Some(name) = &way.escalation else { return };
        let Some(escalation) = plan.escalations.get(name) else { return };
        let (mut fresh, mut worst) = (0, None);
        for alert in pending {
            let Some(card) = self.cards.get_mut(alert) else { continue };
            if !pages(card, id, escalation) {
                continue;
            }
            worst = worst.max(Some(card.facts.severity));
            if let Some(member) = card.groups.get_mut(&id).filter(|member| !member.is_paged) {
                member.is_paged = true;
                fresh += 1;
                self.changed.insert(Key::Card(*alert));
            }
        }
        let (Some(worst), Some(group)) = (worst, self.groups.get_mut(&id)) else { return };
        let is_worse = group.run.as_ref().is_some_and(|run| worst > run.severity);
        if !(is_worse || fresh > 0 && group.run.is_none()) {
            return;
        }
        let was = group.run.take();
        let why = match &was {
            Some(_) => Why::Worse { to: worst },
            None => Why::Unattended { alerts: fresh },
        };
        let run = Run {
            escalation: name.clone(),
            began: now,
            severity: worst,
            rung: 0,
            rounds: 0,
            next_at: now,
            tries: Vec::new(),
        };
        group.run = Some(run);
        if let Some(was) = was {
            self.forget_tries(id, &was);
            self.schedule(Due::Climb(id), Some(was.due()), None);
        }
        self.due.insert((now, Due::Climb(id)));
        outcome.rulings.push(about(id, now, Verdict::Escalating, why));
    }

    /// Something changed for those who are called.
    pub(super) fn look_at_run(&mut self, id: GroupId, now: UnixMillis) {
        let run = self.groups.get(&id).and_then(|group| group.run.as_ref());
        if let Some(was) = run.map(Run::due) {
            self.schedule(Due::Climb(id), Some(was), Some(now));
        }
    }

    pub(super) fn climb(&mut self, id: GroupId, now: UnixMillis, outcome: &mut Outcome) {
        let plan: Arc<Plan> = self.plan.clone();
        let Some(group) = self.groups.get_mut(&id) else { return };
        let Some(mut run) = group.run.take() else { return };
        self.changed.insert(Key::Group(id));
        let way = plan.tree.way(&group.path);
        let escalation = plan.escalations.get(&run.escalation);
        let (Some(way), Some(escalation)) = (way, escalation) else {
            self.forget_tries(id, &run);
            return outcome.rulings.push(about(id, now, Verdict::Ended, Why::NotPlanned));
        };
        let members = group.members.iter().filter_map(|alert| self.cards.get(alert));
        let alerts: Vec<AlertId> = members
            .clone()
            .filter(|card| pages(card, id, escalation))
            .map(|card| card.facts.alert)
            .collect();
        if alerts.is_empty() {
            let on_it = members.flat_map(|card| card.life().acknowledgements());
            let by = on_it.min_by_key(|(_, at)| *at).map(|(by, _)| by.clone());
            self.forget_tries(id, &run);
            self.call_anew_when_worse(id);
            return outcome.rulings.push(about(id, now, Verdict::Ended, Why::Attended { by }));
        }
        let about = About { group: id, way, severity: run.severity, alerts: &alerts };
        for at in 0..run.tries.len() {
            let (whom, since) = (run.tries[at].whom.clone(), run.tries[at].at);
            let is_late = now.millis_since(since) >= ms(FAILOVER_S);
            if run.tries[at].state == TryState::Waiting && is_late {
                run.tries[at].state = TryState::Failed;
                let why = Why::NoReceipt { from: whom.channel.clone() };
                self.next_channel(&about, &mut run, &whom, why, now, outcome);
            }
        }
        if run.next_at <= now {
            self.rung(&about, &mut run, escalation, now, outcome);
        }
        let due = run.due();
        if let Some(group) = self.groups.get_mut(&id) {
            group.run = Some(run);
        }
        self.schedule(Due::Climb(id), None, Some(due.max(now.plus(1))));
    }

    /// Nobody is called for the group any more. What became too mild to call for while nobody was on
    /// it calls people again should it become worse.
    fn call_anew_when_worse(&mut self, id: GroupId) {
        let Some(group) = self.groups.get(&id) else { return };
        for alert in &group.members {
            let Some(card) = self.cards.get_mut(alert) else { continue };
            let is_unattended = card.life.stage().is_unattended();
            let Some(member) = card.groups.get_mut(&id) else { continue };
            if is_unattended && std::mem::replace(&mut member.is_paged, false) {
                self.changed.insert(Key::Card(*alert));
            }
        }
    }

    /// Pages the next people.
    fn rung(
        &mut self,
        page: &About<'_>,
        run: &mut Run,
        escalation: &Escalation,
        now: UnixMillis,
        outcome: &mut Outcome,
    ) {
        let plan = self.plan.clone();
        if run.rung == 0 && run.rounds > 0 {
            let (group, rounds) = (page.group, run.rounds);
            outcome.alarms.push(Alarm::NobodyAnswers { group, rounds });
        }
        let mut people: Vec<(Name, Why)> = Vec::new();
        let step = u32::try_from(run.rung).unwrap_or(u32::MAX).saturating_add(1);
        if let Some(rung) = escalation.rungs.get(run.rung) {
            for target in &rung.to {
                match resolve(&plan, target, now) {
                    Ok((person, by)) => add(&mut people, person, Why::Turn { rung: step, by }),
                    Err(schedule) => outcome.alarms.push(Alarm::NobodyOnCall { schedule }),
                }
            }
        }
        if people.is_empty() {
            for person in &plan.fallback {
                add(&mut people, person.clone(), Why::Fallback);
            }
        }
        if run.rung == 0 && page.severity >= Severity::Critical {
            self.second_person(page, escalation, &mut people, now, outcome);
        }
        self.forget_tries(page.group, run);
        run.tries.clear();
        for (person, why) in people {
            let channels = plan.at_once(&person, page.severity);
            if channels.is_empty() {
                outcome.alarms.push(Alarm::Unreachable { person: person.clone() });
            }
            for channel in channels {
                let whom = Whom::person(&person, channel);
                self.page(page, run, whom, why.clone(), now, outcome);
            }
        }
        run.rung += 1;
        match escalation.rungs.get(run.rung) {
            Some(next) => run.next_at = run.began.plus(ms(next.after_s)).max(now.plus(1)),
            None => {
                let wait_s = escalation.repeat_s.saturating_mul(1 << run.rounds.min(16));
                run.rounds += 1;
                run.rung = 0;
                run.next_at = now.plus(ms(wait_s.min(ROUND_S_MAX)));
                run.began = run.next_at;
            }
        }
    }

    /// A critical alert reaches two people at once: where the first step has one, those of the later
    /// steps are called with them, and the last resort if there is nobody else.
    fn second_person(
        &self,
        page: &About<'_>,
        escalation: &Escalation,
        people: &mut Vec<(Name, Why)>,
        now: UnixMillis,
        outcome: &mut Outcome,
    ) {
        let readers = page.way.receivers.iter().filter_map(|name| self.plan.channels.get(name));
        let readers: BTreeSet<Name> = readers.flat_map(|channel| channel.readers.clone()).collect();
        let reached = |people: &[(Name, Why)]| {
            let called = people.iter().map(|(person, _)| person);
            readers.iter().chain(called).cloned().collect::<BTreeSet<Name>>()
        };
        let later = escalation.rungs.iter().skip(1).flat_map(|rung| &rung.to);
        for target in later {
            if reached(people).len() >= PEOPLE_MIN {
                return;
            }
            if let Ok((person, _)) = resolve(&self.plan, target, now) {
                add(people, person, Why::SecondPerson);
            }
        }
        for person in &self.plan.fallback {
            if reached(people).len() >= PEOPLE_MIN {
                return;
            }
            add(people, person.clone(), Why::Fallback);
        }
        let reached = reached(people);
        if reached.len() < PEOPLE_MIN {
            let people = reached.into_iter().collect();
            outcome.alarms.push(Alarm::TooFewPeople { group: page.group, people });
        }
    }

    /// Pages one person over one channel, or lets the page wait for a summary.
    fn page(
        &mut self,
        page: &About<'_>,
        run: &mut Run,
        whom: Whom,
        why: Why,
        now: UnixMillis,
        outcome: &mut Outcome,
    ) {
        let message = if self.has_room(&whom, page.severity, now) {
            let lines = self.page_lines(page.group, page.alerts, &whom);
            let sent = self.send(whom.clone(), MessageKind::Page, lines, why, now, outcome);
            self.pages.entry(sent).or_default().insert(page.group);
            Some(sent)
        } else {
            self.queue(page.group, &whom, page.severity, now, outcome);
            None
        };
        run.tries.push(Try { whom, message, at: now, state: TryState::Waiting });
    }

    /// What a person is called for.
    pub(super) fn page_lines(
        &self,
        group: GroupId,
        alerts: &[AlertId],
        whom: &Whom,
    ) -> Vec<(GroupId, Line)> {
        let mut lines: Vec<Line> = alerts
            .iter()
            .filter_map(|alert| self.cards.get(alert))
            .map(|card| {
                let news = match card.told.get(whom) {
                    None => News::New,
                    Some(told) if !told.is_firing => News::Again,
                    Some(told) if card.facts.severity > told.severity => News::Worse,
                    Some(_) => News::Still,
                };
                Line {
                    alert: card.facts.alert,
                    severity: card.facts.severity,
                    news,
                    sequence: card.words(whom),
                }
            })
            .collect();
        lines.sort_by_key(|line| (std::cmp::Reverse(line.severity), line.news, line.alert));
        lines.truncate(super::LINES_MAX);
        lines.into_iter().map(|line| (group, line)).collect()
    }

    /// Alerts of a group for which people are called.
    pub(super) fn called_for(&self, id: GroupId) -> Vec<AlertId> {
        let Some(group) = self.groups.get(&id) else { return Vec::new() };
        let Some(run) = &group.run else { return Vec::new() };
        let Some(escalation) = self.plan.escalations.get(&run.escalation) else {
            return Vec::new();
        };
        let members = group.members.iter().filter_map(|alert| self.cards.get(alert));
        members.filter(|card| pages(card, id, escalation)).map(|card| card.facts.alert).collect()
    }

    /// Tries the person's next channel; when none is left, somebody else's turn has come.
    fn next_channel(
        &mut self,
        page: &About<'_>,
        run: &mut Run,
        failed: &Whom,
        why: Why,
        now: UnixMillis,
        outcome: &mut Outcome,
    ) {
        let plan = self.plan.clone();
        let Some(person) = &failed.person else { return };
        let channels = plan.people.get(person).into_iter().flat_map(|person| &person.channels);
        let mut untried = channels
            .map(|channel| Whom::person(person, channel))
            .filter(|whom| !run.tries.iter().any(|t| t.whom == *whom));
        if let Some(whom) = untried.next() {
            return self.page(page, run, whom, why, now, outcome);
        }
        let has_failed = |t: &Try| t.state == TryState::Failed;
        if run.tries.iter().filter(|t| t.whom.person.as_ref() == Some(person)).all(has_failed) {
            outcome.alarms.push(Alarm::Unreachable { person: person.clone() });
        }
        // While rounds wait, nobody is left to climb to.
        if run.rung > 0 && run.tries.iter().all(has_failed) {
            run.next_at = now;
        }
    }

    pub(super) fn delivered(&mut self, message: MessageId) {
        for id in self.pages.get(&message).cloned().into_iter().flatten() {
            let Some(run) = self.groups.get_mut(&id).and_then(|group| group.run.as_mut()) else {
                continue;
            };
            let was = run.due();
            for t in run.tries.iter_mut().filter(|t| t.message == Some(message)) {
                t.state = TryState::Delivered;
            }
            let due = run.due();
            self.changed.insert(Key::Group(id));
            self.schedule(Due::Climb(id), Some(was), Some(due));
        }
    }

    pub(super) fn failed(
        &mut self,
        message: MessageId,
        whom: Whom,
        error: String,
        now: UnixMillis,
        outcome: &mut Outcome,
    ) {
        let Some(groups) = self.pages.get(&message).cloned() else {
            return outcome.alarms.push(Alarm::Undelivered { message, whom, error });
        };
        let plan = self.plan.clone();
        for id in groups {
            let alerts = self.called_for(id);
            let Some(group) = self.groups.get_mut(&id) else { continue };
            let Some(way) = plan.tree.way(&group.path) else { continue };
            let Some(mut run) = group.run.take() else { continue };
            self.changed.insert(Key::Group(id));
            let was = run.due();
            let about = About { group: id, way, severity: run.severity, alerts: &alerts };
            for at in 0..run.tries.len() {
                let is_it = run.tries[at].message == Some(message);
                if is_it && run.tries[at].state != TryState::Failed {
                    run.tries[at].state = TryState::Failed;
                    let whom = run.tries[at].whom.clone();
                    let from = whom.channel.clone();
                    let why = Why::FailedOver { from, error: error.clone() };
                    self.next_channel(&about, &mut run, &whom, why, now, outcome);
                }
            }
            let due = run.due();
            if let Some(group) = self.groups.get_mut(&id) {
                group.run = Some(run);
            }
            self.schedule(Due::Climb(id), Some(was), Some(due));
        }
    }

    pub(super) fn forget_tries(&mut self, id: GroupId, run: &Run) {
        for message in run.tries.iter().filter_map(|t| t.message) {
            if let Some(groups) = self.pages.get_mut(&message) {
                groups.remove(&id);
                if groups.is_empty() {
                    self.pages.remove(&message);
                }
            }
        }
    }
}

/// Whether people are called for an alert: it waits for somebody, is bad enough, and nothing hides
/// it.
fn pages(card: &Card, group: GroupId, escalation: &Escalation) -> bool {
    card.life.stage().is_unattended()
        && card.facts.severity >= escalation.page_from
        && card.groups.get(&group).is_some_and(|member| member.hidden.is_none())
}

/// Who is meant, and by which schedule; the schedule when it has nobody.
fn resolve(
    plan: &Plan,
    target: &Target,
    now: UnixMillis,
) -> Result<(Name, Option<(Name, super::OnCallBy)>), Name> {
    match target {
        Target::Person(person) => Ok((person.clone(), None)),
        Target::OnCall(name) => {
            let on_call = plan.schedules.get(name).and_then(|schedule| schedule.at(now));
            let (person, by) = on_call.ok_or_else(|| name.clone())?;
            Ok((person.clone(), Some((name.clone(), by.into()))))
        }
    }
}

fn add(people: &mut Vec<(Name, Why)>, person: Name, why: Why) {
    if !people.iter().any(|(other, _)| *other == person) {
        people.push((person, why));
    }
}

fn about(group: GroupId, at: UnixMillis, verdict: Verdict, why: Why) -> Ruling {
    Ruling { at, alert: None, group: Some(group), whom: None, message: None, verdict, why }
}
