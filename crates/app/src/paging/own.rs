//! What is wrong with the paging itself goes the way of every alert, in the transaction in which it
//! was noticed.

use std::collections::{BTreeMap, BTreeSet};

use alert::{
    life::Truth,
    pager::{Alarm, Facts, Input, Pager, Stands, Trouble},
};
use model::{Alert, Cause, Report, Source, UnixMillis};
use store::{ReportStep, Store, StoreError};

use super::stored;
use crate::words;

/// Messages that wait longer than this are an alarm: as long as the trust in silence lasts.
const WAITING_MS_MAX: i64 = 120 * 1_000;

/// Time between two looks at what waits.
const LOOK_MS: i64 = 10 * 1_000;

/// Own alerts that stand until a look says that their cause is gone.
#[derive(Debug, Default)]
pub(super) struct Own {
    until_mended: BTreeSet<String>,
    looked_at: Option<UnixMillis>,
}

impl Own {
    /// Those that go on, as the store knows them.
    pub(super) fn read(store: &Store) -> Result<Self, StoreError> {
        let until_mended = store.reports_without_end(Source::OWN)?.into_iter().collect();
        Ok(Self { until_mended, looked_at: None })
    }

    /// What waits for too long at `now`. Looks once in [`LOOK_MS`].
    pub(super) fn waiting(
        &mut self,
        store: &Store,
        now: UnixMillis,
    ) -> Result<Option<Alarm>, StoreError> {
        if self.looked_at.is_some_and(|at| (0..LOOK_MS).contains(&now.millis_since(at))) {
            return Ok(None);
        }
        self.looked_at = Some(now);
        let oldest = store.outbox().oldest_due()?;
        let late = oldest.filter(|(_, since)| now.millis_since(*since) > WAITING_MS_MAX);
        Ok(late.map(|(channel, since)| Alarm::Waiting { channel, since }))
    }

    /// Whether the cause of one of them is gone.
    pub(super) fn has_mended(&self, pager: &Pager, now: UnixMillis) -> bool {
        self.until_mended.iter().any(|key| pager.is_mended(key, now))
    }

    /// What these alarms, and the end of their causes, change on record; nothing is remembered of it
    /// before [`Own::took`].
    pub(super) fn steps(
        &mut self,
        store: &Store,
        pager: &Pager,
        alarms: &[Alarm],
        now: UnixMillis,
    ) -> Result<Vec<ReportStep>, StoreError> {
        let mut troubles: BTreeMap<String, (Trouble, u64)> = BTreeMap::new();
        for alarm in alarms.iter().filter(|alarm| pager.is_news_of_itself(alarm)) {
            let trouble = alarm.trouble(now);
            let counts = u64::from(!alarm.is_state());
            let known = troubles.entry(trouble.key.clone());
            let (newest, count) = known.or_insert_with(|| (trouble.clone(), 0));
            (*newest, *count) = (trouble, *count + counts);
        }
        let mut steps = Vec::new();
        for (trouble, count) in troubles.values() {
            let open = store.open_report(Source::OWN, &trouble.key)?;
            steps.push(match open {
                Some(alert) => goes_on(alert, trouble, *count, now),
                None => begins(trouble, *count, now),
            });
        }
        let is_over = |key: &&String| !troubles.contains_key(*key) && pager.is_mended(key, now);
        let mended: Vec<String> = self.until_mended.iter().filter(is_over).cloned().collect();
        for key in mended {
            let Some(alert) = store.open_report(Source::OWN, &key)? else {
                self.until_mended.remove(&key);
                continue;
            };
            let facts = Facts { truth: Truth::Ended, ..Facts::of(&alert, "its cause is gone") };
            let input = Some(stored(&Input::Alert(facts), now));
            steps.push(ReportStep { fingerprint: key, alert, goes_on: None, input });
        }
        Ok(steps)
    }

    /// These steps are on record.
    pub(super) fn took(&mut self, steps: &[ReportStep]) {
        for step in steps {
            match step.goes_on {
                Some(None) => self.until_mended.insert(step.fingerprint.clone()),
                Some(Some(_)) | None => self.until_mended.remove(&step.fingerprint),
            };
        }
    }
}

fn until(trouble: &Trouble) -> Option<UnixMillis> {
    match trouble.stands {
        Stands::UntilMended => None,
        Stands::Until(at) => Some(at),
    }
}

fn report(trouble: &Trouble, began: UnixMillis, times: u64) -> Report {
    let about = trouble.about.iter().map(|(name, it)| ((*name).to_owned(), it.clone()));
    let named = [("alertname".to_owned(), trouble.rule.to_owned())];
    Report {
        source: Source::Bellwether,
        fingerprint: trouble.key.clone(),
        rule: trouble.rule.to_owned(),
        title: trouble.title.clone(),
        began,
        times,
        labels: about.chain(named).collect(),
        annotations: BTreeMap::new(),
        shown_at: None,
    }
}

fn begins(trouble: &Trouble, count: u64, now: UnixMillis) -> ReportStep {
    let report = report(trouble, now, count.max(1));
    let alert = Alert::reported(report, trouble.severity, 0, now);
    step(alert, trouble, true, now)
}

fn goes_on(mut alert: Alert, trouble: &Trouble, count: u64, now: UnixMillis) -> ReportStep {
    let known = alert.report().map_or((now, 0), |report| (report.began, report.times));
    let report = report(trouble, known.0, known.1.saturating_add(count).max(1));
    alert.cause = Cause::Reported(report);
    alert.severity = alert.severity.max(trouble.severity);
    alert.last_finding_at = words::seconds(now);
    step(alert, trouble, count > 0, now)
}

fn step(alert: Alert, trouble: &Trouble, is_told: bool, now: UnixMillis) -> ReportStep {
    let facts = || Input::Alert(Facts::of(&alert, "noticed by the pager itself"));
    let input = is_told.then(|| stored(&facts(), now));
    let (fingerprint, goes_on) = (trouble.key.clone(), Some(until(trouble)));
    ReportStep { fingerprint, alert, goes_on, input }
}
