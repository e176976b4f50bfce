//! What is reported, into the store: alert, row and what the pager is told in one transaction.

use std::collections::BTreeMap;

use alert::{
    life::Truth,
    pager::{Facts, Input},
};
use model::{Alert, AlertId, Cause, Report, Source, UnixMillis, UnixSeconds};
use store::{Reports, Store, StoreError};

use super::{Door, MARK, Stands, Told};
use crate::{paging, words};

/// Reports of one source that go on at once: a large fleet that is down as a whole. More are refused
/// and said to be.
pub const OPEN_MAX: u64 = 10_000;

/// Ends that one look at the clock writes down at most.
const ENDS_AT_ONCE: usize = 500;

/// The label by which installations marked their alerts before there was [`MARK`].
const OLD_MARK: &str = "alert";

/// What became of the alerts of one request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Taken {
    /// Alerts that began.
    pub began: u64,
    /// Alerts that go on, as was known.
    pub go_on: u64,
    /// Alerts that ended.
    pub ended: u64,
    /// Ends of what was over already, or never began here.
    pub known_over: u64,
    /// What a Bellwether had told: it comes back, and is no news.
    pub ours: u64,
    /// What there was no room for; see [`OPEN_MAX`].
    pub refused: u64,
}

/// Takes what `door` says at `now`.
///
/// # Errors
/// When the store cannot be written; nothing is taken then.
pub fn take(
    store: &Store,
    door: &Door,
    told: &[Told],
    now: UnixMillis,
) -> Result<Taken, StoreError> {
    let source = Source::System(door.name.clone());
    store.change_reports(door.name.as_str(), |reports| {
        let mut taken = Taken::default();
        let mut open = reports.count()?;
        for told in told {
            if is_ours(reports, &told.labels)? {
                taken.ours += 1;
                continue;
            }
            match (reports.open(&told.fingerprint)?, told.is_over_at(now)) {
                (None, true) => taken.known_over += 1,
                (Some(alert), true) => {
                    let because = format!("{source} says that it is over");
                    reports.tell(&over(&alert, &because, now))?;
                    reports.forget(&told.fingerprint)?;
                    open = open.saturating_sub(1);
                    taken.ended += 1;
                }
                (Some(alert), false) => {
                    go_on(reports, alert, door, told, now)?;
                    taken.go_on += 1;
                }
                (None, false) if open >= OPEN_MAX => taken.refused += 1,
                (None, false) => {
                    begin(reports, &source, door, told, now)?;
                    open += 1;
                    taken.began += 1;
                }
            }
        }
        Ok(taken)
    })
}

/// Ends what nobody says any more at `now`. Gives how many ended.
///
/// # Errors
/// When the store cannot be written.
pub fn end_due(store: &Store, now: UnixMillis) -> Result<usize, StoreError> {
    store.end_reports(now, ENDS_AT_ONCE, |alert| {
        let because = match alert.report().is_some_and(model::Report::is_own) {
            true => "it was not noticed again".to_owned(),
            false => format!("{} does not say it any more", alert.monitor),
        };
        over(alert, &because, now)
    })
}

/// Whether a Bellwether told it: this one, or another one whose words come by here.
fn is_ours(reports: &Reports<'_>, labels: &BTreeMap<String, String>) -> Result<bool, StoreError> {
    let id = |label: &str| labels.get(label).and_then(|text| text.parse::<AlertId>().ok());
    if id(MARK).is_some() {
        return Ok(true);
    }
    id(OLD_MARK).map_or(Ok(false), |alert| reports.is_on_record(alert))
}

fn report(source: &Source, door: &Door, told: &Told, now: UnixMillis) -> (Report, model::Severity) {
    let (severity, unclear) = door.severities.of(&told.labels);
    let mut annotations = told.annotations.clone();
    if let Some(unclear) = unclear {
        annotations.insert("how bad".to_owned(), unclear);
    }
    let report = Report {
        source: source.clone(),
        fingerprint: told.fingerprint.clone(),
        rule: told.rule(),
        title: told.title(),
        began: told.began_by(now),
        times: 1,
        labels: told.labels.clone(),
        annotations,
        shown_at: told.shown_at.clone(),
    };
    (report, severity)
}

/// Until when it goes on unless it is said again.
fn until(door: &Door, told: &Told, now: UnixMillis) -> Option<UnixMillis> {
    let timeout = i64::try_from(door.resolve_timeout_ms).unwrap_or(i64::MAX);
    match told.stands {
        Stands::UntilItIsOver => told.ends,
        Stands::UntilNobodySaysIt => Some(told.ends.unwrap_or(now.plus(timeout))),
    }
}

fn begin(
    reports: &Reports<'_>,
    source: &Source,
    door: &Door,
    told: &Told,
    now: UnixMillis,
) -> Result<(), StoreError> {
    let (report, severity) = report(source, door, told, now);
    let mut alert = Alert::reported(report.clone(), severity, 0, now);
    if reports.is_on_record(alert.id)? {
        // It was over in between, and its source goes on from where it began.
        let nth = u64::try_from(now.0).unwrap_or_default();
        alert = Alert::reported(report, severity, nth, now);
    }
    reports.keep(&told.fingerprint, &alert, until(door, told, now))?;
    let because = format!("reported by {source}");
    reports.tell(&paging::stored(&Input::Alert(Facts::of(&alert, &because)), now))
}

fn go_on(
    reports: &Reports<'_>,
    mut alert: Alert,
    door: &Door,
    told: &Told,
    now: UnixMillis,
) -> Result<(), StoreError> {
    let Some(before) = alert.report() else { return Ok(()) };
    let (mut report, severity) = report(&before.source, door, told, now);
    // One alert began once, whatever is said later.
    report.began = before.began;
    let is_else_as_bad = severity != alert.severity;
    alert.severity = severity;
    alert.cause = Cause::Reported(report);
    alert.last_finding_at = seconds(now);
    reports.keep(&told.fingerprint, &alert, until(door, told, now))?;
    if is_else_as_bad {
        let because = format!("{} is {severity} for us now", alert.monitor);
        reports.tell(&paging::stored(&Input::Alert(Facts::of(&alert, &because)), now))?;
    }
    Ok(())
}

fn over(alert: &Alert, because: &str, now: UnixMillis) -> store::Input {
    let facts = Facts { truth: Truth::Ended, ..Facts::of(alert, because) };
    paging::stored(&Input::Alert(facts), now)
}

fn seconds(at: UnixMillis) -> UnixSeconds {
    words::seconds(at)
}
