//! Where an alert would go, now or at a time, and why: what `routes test` shows. It decides with the
//! same functions as the pager, on an empty history.

use model::{Name, Severity, UnixMillis};

use super::{Escalation, Plan, Target};
use crate::{
    oncall::By,
    pager::{Facts, GroupId},
    quiet::{Silence, Veil, is_attack},
    route::{Subject, Visit},
};

/// One way that the alert takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hearing {
    /// Branch.
    pub path: crate::route::Path,
    /// The group that it joins.
    pub group: GroupId,
    /// What its group has in common.
    pub grouped_by: Vec<(String, String)>,
    /// Seconds until its first notice; a page and a critical alert do not wait.
    pub wait_s: u64,
    /// Who gets notices.
    pub receivers: Vec<Name>,
    /// Whether notices wait for the end of the branch's quiet hours.
    pub is_muted: bool,
    /// Who is paged: seconds from now, the person, over which channels at once, and why them.
    pub pages: Vec<(u64, Name, Vec<Name>, Option<By>)>,
    /// Schedules by which nobody is on call when their turn comes.
    pub nobody: Vec<(u64, Name)>,
}

/// Where an alert would go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The walk down the tree.
    pub walk: Vec<Visit>,
    /// The ways that it takes.
    pub ways: Vec<Hearing>,
    /// The silence that would hide it.
    pub silenced_by: Option<Name>,
    /// Silences that would, were they signed by two.
    pub unsigned: Vec<Name>,
}

impl Preview {
    /// Everybody who hears of it within the first minute: receivers and persons.
    pub fn hear(&self) -> std::collections::BTreeSet<&Name> {
        let receivers = self.ways.iter().flat_map(|way| &way.receivers);
        let pages = self.ways.iter().flat_map(|way| &way.pages);
        let pages = pages.filter(|page| page.0 < 60).map(|page| &page.1);
        receivers.chain(pages).collect()
    }
}

impl Plan {
    /// Those who are called at once because a critical alert must reach two.
    fn add_seconds(&self, hearing: &mut Hearing, escalation: &Escalation, at: UnixMillis) {
        let readers = hearing.receivers.iter().filter_map(|name| self.channels.get(name));
        let readers = readers.flat_map(|channel| &channel.readers);
        let at_once = hearing.pages.iter().filter(|page| page.0 == 0).map(|page| &page.1);
        let reached = readers.chain(at_once).cloned().collect();
        let place = hearing.pages.iter().filter(|page| page.0 == 0).count();
        for (nth, person) in self.seconds(escalation, reached, at).into_iter().enumerate() {
            let channels = self.at_once(&person, Severity::Critical).into_iter().cloned().collect();
            hearing.pages.insert(place + nth, (0, person, channels, None));
        }
    }

    /// Where an alert would go at a moment, were it the first one.
    pub fn preview<'a>(
        &self,
        facts: &Facts,
        silences: impl IntoIterator<Item = &'a Silence>,
        at: UnixMillis,
    ) -> Preview {
        let subject = Subject { labels: &facts.labels, severity: facts.severity, at };
        let ways = self.tree.route(&subject).into_iter().map(|way| {
            let (group, grouped_by) = GroupId::of(way, facts);
            let escalation = way.escalation.as_ref().and_then(|name| self.escalations.get(name));
            let pages = escalation.filter(|escalation| facts.severity >= escalation.page_from);
            let is_urgent = pages.is_some() || facts.severity >= Severity::Critical;
            let mut hearing = Hearing {
                path: way.path.clone(),
                group,
                grouped_by,
                wait_s: if is_urgent { 0 } else { way.group_wait_s },
                receivers: way.receivers.clone(),
                is_muted: facts.severity < Severity::Critical
                    && way.muted.iter().any(|hours| hours.contain(at)),
                pages: Vec::new(),
                nobody: Vec::new(),
            };
            for rung in pages.into_iter().flat_map(|escalation| &escalation.rungs) {
                let then = at.plus(i64::try_from(rung.after_s).unwrap_or(i64::MAX) * 1_000);
                for target in &rung.to {
                    let (person, by) = match target {
                        Target::Person(person) => (person, None),
                        Target::OnCall(name) => {
                            match self.schedules.get(name).and_then(|s| s.at(then)) {
                                Some((person, by)) => (person, Some(by)),
                                None => {
                                    hearing.nobody.push((rung.after_s, name.clone()));
                                    continue;
                                }
                            }
                        }
                    };
                    let channels = self.at_once(person, facts.severity);
                    let channels = channels.into_iter().cloned().collect();
                    hearing.pages.push((rung.after_s, person.clone(), channels, by));
                }
            }
            if let Some(escalation) = pages.filter(|_| facts.severity >= Severity::Critical) {
                self.add_seconds(&mut hearing, escalation, at);
            }
            hearing
        });
        let ways = ways.collect();
        let attack = is_attack(facts.severity, facts.outflow_usd, self.outflow_limit_usd);
        let (mut silenced_by, mut unsigned) = (None, Vec::new());
        for silence in silences {
            match silence.veil(&facts.labels, attack, at) {
                Veil::Hides if silenced_by.is_none() => silenced_by = Some(silence.id.clone()),
                Veil::Unsigned => unsigned.push(silence.id.clone()),
                Veil::Hides | Veil::None => {}
            }
        }
        Preview { walk: self.tree.explain(&subject), ways, silenced_by, unsigned }
    }
}
