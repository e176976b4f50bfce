//! What is stored, and how it comes back.

use std::sync::Arc;

use super::{Due, Key, Outcome, Pager, ROWS_VERSION, RestoreError, Row, Stored, state::TryState};
use crate::plan::Plan;

impl Row {
    /// With the version of its form.
    pub fn stored(self) -> Stored {
        Stored { version: ROWS_VERSION, row: self }
    }
}

impl Pager {
    /// The pager as it was when these rows were stored.
    pub fn restore(
        plan: Arc<Plan>,
        rows: impl IntoIterator<Item = Stored>,
    ) -> Result<Self, RestoreError> {
        let mut pager = Self::new(plan);
        for Stored { version, row } in rows {
            if version > ROWS_VERSION {
                return Err(RestoreError::Version { key: row.key(), version });
            }
            match row {
                Row::Card(card) => {
                    pager.cards.insert(card.facts.alert, *card);
                }
                Row::Group(mut group) => {
                    // A row that never left the memory has what follows from the others.
                    group.members.clear();
                    group.pending.clear();
                    group.wakes_at = None;
                    pager.groups.insert(group.id, *group);
                }
                Row::Desk(desk) => {
                    pager.desks.insert(desk.whom.clone(), desk);
                }
                Row::Silence(silence) => {
                    pager.silences.insert(silence.id.clone(), silence);
                }
                Row::Week(week) => {
                    pager.weeks.insert(week.path.clone(), week);
                }
            }
        }
        pager.recollect();
        Ok(pager)
    }

    /// All that follows from the rows.
    fn recollect(&mut self) {
        for (id, card) in &self.cards {
            for (group, member) in &card.groups {
                let Some(group) = self.groups.get_mut(group) else { continue };
                group.members.insert(*id);
                if member.is_pending {
                    group.pending.insert(*id);
                }
            }
            let (rules, facts) = (&self.plan.inhibitions, &card.facts);
            let is_firing = card.life.stage().is_firing();
            self.sources.file(rules, *id, &facts.labels, facts.severity, is_firing);
        }
        let groups: Vec<_> = self.groups.keys().copied().collect();
        for group in groups {
            self.rest(group);
        }
        for (id, group) in &self.groups {
            for whom in &group.queued {
                if let Some(desk) = self.desks.get_mut(whom) {
                    desk.queue.insert(*id);
                }
            }
            let Some(run) = &group.run else { continue };
            self.due.insert((run.due(), Due::Climb(*id)));
            for t in run.tries.iter().filter(|t| t.state != TryState::Failed || t.message.is_some())
            {
                if let Some(message) = t.message {
                    self.pages.entry(message).or_default().insert(*id);
                }
            }
        }
        for (whom, desk) in &self.desks {
            self.due.extend(desk.summary_at.map(|at| (at, Due::Summary(whom.clone()))));
        }
        for (id, silence) in &self.silences {
            self.due.insert((silence.until, Due::Lift(id.clone())));
        }
    }

    /// What all its rows are filed under.
    pub(super) fn keys(&self) -> Vec<Key> {
        let cards = self.cards.keys().copied().map(Key::Card);
        let groups = self.groups.keys().copied().map(Key::Group);
        let desks = self.desks.keys().cloned().map(Key::Desk);
        let silences = self.silences.keys().cloned().map(Key::Silence);
        let weeks = self.weeks.keys().cloned().map(Key::Week);
        cards.chain(groups).chain(desks).chain(silences).chain(weeks).collect()
    }

    /// The row of a key, as it is now.
    pub fn row(&self, key: &Key) -> Option<Row> {
        match key {
            Key::Card(id) => self.cards.get(id).cloned().map(Box::new).map(Row::Card),
            Key::Group(id) => self.groups.get(id).cloned().map(Box::new).map(Row::Group),
            Key::Desk(whom) => self.desks.get(whom).cloned().map(Row::Desk),
            Key::Silence(id) => self.silences.get(id).cloned().map(Row::Silence),
            Key::Week(path) => self.weeks.get(path).cloned().map(Row::Week),
        }
    }

    pub(super) fn write_rows(&mut self, outcome: &mut Outcome) {
        for key in std::mem::take(&mut self.changed) {
            match self.row(&key) {
                Some(row) => outcome.rows.push(row),
                None => outcome.gone.push(key),
            }
        }
    }
}
