//! Alerts, and what was decided about them.

use std::collections::BTreeMap;

use model::{
    Alert, AlertId, AlertState, Decision, Name, Notification, Severity, UnixMillis, UnixSeconds,
};
use rusqlite::{OptionalExtension, Row, Transaction, named_params, params};

use super::{
    findings::{self, FindingRecord},
    page::{self, Cursor, Page},
    severity_rank,
};
use crate::{
    Attempt, RulingRow, Store, StoreError,
    codec::{self, printed},
    outbox, paging,
};

const TABLE: &str = "alerts";
const DECISIONS: &str = "decisions";

/// What stands for the network of an alert that has none. No network is called so.
const NO_NETWORK: &str = "";

/// Whether drills are listed. What does not ask for them does not get them, so that no figure counts
/// one by mistake. Canaries are in no list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Drills {
    /// Only what is real.
    #[default]
    Without,
    /// Both.
    With,
    /// Only drills.
    Only,
}

/// Which alerts to list; what is `None` does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlertFilter {
    /// Of this network.
    pub network: Option<Name>,
    /// Of this monitor.
    pub monitor: Option<Name>,
    /// About this deployment.
    pub deployment: Option<Name>,
    /// In this state.
    pub state: Option<AlertState>,
    /// At least this bad.
    pub severity_min: Option<Severity>,
    /// Opened (block time) not before this.
    pub since: Option<UnixSeconds>,
    /// Opened before this.
    pub until: Option<UnixSeconds>,
    /// Only those that go on, among people.
    pub only_open: bool,
    /// Real ones, drills, or both.
    pub drills: Drills,
}

/// Everything on record about one alert.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertDetails {
    /// The alert.
    pub alert: Alert,
    /// Its findings, in the alert's order; those the alert only counts are not among them.
    pub findings: Vec<FindingRecord>,
    /// Messages about it, by receiver, person and sequence; each with what it says of this alert.
    pub notifications: Vec<Notification>,
    /// Attempts to deliver them, in order of their start.
    pub attempts: Vec<Attempt>,
    /// What was decided about its findings, in order.
    pub decisions: Vec<Decision>,
    /// What was decided about who hears of it, in order.
    pub rulings: Vec<RulingRow>,
    /// What the pager remembers of it, as JSON; `None`: it was not told of it.
    pub card: Option<String>,
}

/// Where an alert is among people, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertStage {
    /// In one word.
    pub stage: String,
    /// Since when.
    pub at: UnixMillis,
    /// The person who put it there, if one did.
    pub by: Option<Name>,
}

impl Store {
    /// Alerts by the block time they opened at, newest first.
    ///
    /// # Errors
    /// When `limit` is 0 or more than [`crate::PAGE_MAX`], or a row is corrupt.
    pub fn alerts(
        &self,
        filter: &AlertFilter,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Page<Alert>, StoreError> {
        let fetch = page::fetch(limit)?;
        let before = page::before(after);
        self.read("list alerts", |tx| {
            let mut statement = tx.prepare_cached(&listing(filter))?;
            let mut rows = statement.query(named_params! {
                ":at": before.at,
                ":id": before.id.as_slice(),
                ":since": filter.since.map_or(0, codec::seconds),
                ":until": filter.until.map_or(i64::MAX, codec::seconds),
                ":network": filter.network.as_ref().map(Name::as_str),
                ":monitor": filter.monitor.as_ref().map(Name::as_str),
                ":deployment": filter.deployment.as_ref().map(Name::as_str),
                ":state": filter.state.map(state_column),
                ":severity_min": filter.severity_min.map_or(0, severity_rank),
                ":drills": match filter.drills {
                    Drills::Without => 0,
                    Drills::With => 1,
                    Drills::Only => 2,
                },
                ":fetch": fetch,
            })?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let alert = alert(row)?;
                found.push((Cursor { at: row.get(2)?, id: alert.id.0 }, alert));
            }
            Ok(page::page(found, limit))
        })
    }

    /// The alerts that an alert engine must know to go on: those that are provisional still, and
    /// those with a finding at or after `since` (block time), which new findings may join. Oldest
    /// first.
    ///
    /// # Errors
    /// When the database cannot be read or a row is corrupt.
    pub fn alerts_to_restore(&self, since: UnixSeconds) -> Result<Vec<Alert>, StoreError> {
        self.read("read the open alerts", |tx| {
            let mut statement = tx.prepare_cached(
                "SELECT id, body FROM alerts WHERE id IN (
                     SELECT id FROM alerts WHERE state = 0
                     UNION SELECT id FROM alerts WHERE last_finding_at >= ?1)
                   AND source IS NULL
                 ORDER BY opened_at, id",
            )?;
            let mut rows = statement.query([codec::seconds(since)])?;
            let mut alerts = Vec::new();
            while let Some(row) = rows.next()? {
                alerts.push(alert(row)?);
            }
            Ok(alerts)
        })
    }

    /// The alerts of a network that an alert engine must know to go on: those that are provisional
    /// still, and those with a finding in the last `kept_s` seconds before the network's newest one
    /// (block time), which new findings may join. Oldest first.
    ///
    /// # Errors
    /// When the database cannot be read or a row is corrupt.
    pub fn open_alerts(&self, network: &Name, kept_s: u64) -> Result<Vec<Alert>, StoreError> {
        self.read("read the open alerts", |tx| {
            let mut statement = tx.prepare_cached(
                "SELECT id, body FROM alerts WHERE id IN (
                     SELECT id FROM alerts WHERE network = ?1 AND state = 0
                     UNION SELECT id FROM alerts WHERE network = ?1 AND last_finding_at >= (
                         SELECT max(last_finding_at) - ?2 FROM alerts
                         WHERE network = ?1 AND apart IS NULL))
                   AND apart IS NULL
                 ORDER BY opened_at, id",
            )?;
            let kept_s = codec::seconds(UnixSeconds(kept_s));
            let mut rows = statement.query(params![network.as_str(), kept_s])?;
            let mut alerts = Vec::new();
            while let Some(row) = rows.next()? {
                alerts.push(alert(row)?);
            }
            Ok(alerts)
        })
    }

    /// How many real alerts there are on record, in whatever state.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn alerts_total(&self) -> Result<u64, StoreError> {
        self.read("count alerts", |tx| {
            let total =
                tx.query_row("SELECT count(*) FROM alerts WHERE apart IS NULL", [], |row| {
                    row.get(0)
                })?;
            codec::unsigned(total, TABLE, "count")
        })
    }

    /// Where alerts are among people; those that the pager was not told of are left out.
    ///
    /// # Errors
    /// When the database cannot be read or a row is corrupt.
    pub fn stages(
        &self,
        alerts: impl IntoIterator<Item = AlertId>,
    ) -> Result<BTreeMap<AlertId, AlertStage>, StoreError> {
        self.read("read the stages of alerts", |tx| {
            let mut statement = tx.prepare_cached(
                "SELECT stage, stage_at, stage_by FROM alerts WHERE id = ?1 AND stage IS NOT NULL",
            )?;
            let mut stages = BTreeMap::new();
            for id in alerts {
                let mut rows = statement.query([id.0.as_slice()])?;
                let Some(row) = rows.next()? else { continue };
                let by: Option<String> = row.get(2)?;
                let by = by.map(|by| codec::name(&by, TABLE, id)).transpose()?;
                let at = UnixMillis(row.get(1)?);
                stages.insert(id, AlertStage { stage: row.get(0)?, at, by });
            }
            Ok(stages)
        })
    }

    /// What receivers were told last of alerts; those of which nobody was told are left out.
    ///
    /// # Errors
    /// When the database cannot be read or a row is corrupt.
    pub fn told(
        &self,
        alerts: impl IntoIterator<Item = AlertId>,
    ) -> Result<BTreeMap<AlertId, BTreeMap<Name, Notification>>, StoreError> {
        self.read("read who was told of alerts", |tx| {
            let mut told: BTreeMap<AlertId, BTreeMap<Name, Notification>> = BTreeMap::new();
            for id in alerts {
                // In their order: the last word of each stays.
                for notification in outbox::of_alert(tx, id)? {
                    let receiver = notification.receiver.clone();
                    told.entry(id).or_default().insert(receiver, notification);
                }
            }
            Ok(told)
        })
    }

    /// One alert with its findings, messages, attempts and decisions.
    ///
    /// # Errors
    /// When the database cannot be read or a row is corrupt.
    pub fn alert(&self, id: AlertId) -> Result<Option<AlertDetails>, StoreError> {
        self.read("read an alert", |tx| {
            let mut statement = tx.prepare_cached("SELECT id, body FROM alerts WHERE id = ?1")?;
            let mut rows = statement.query([id.0.as_slice()])?;
            let Some(row) = rows.next()? else { return Ok(None) };
            let alert = alert(row)?;
            let mut findings = Vec::with_capacity(alert.findings.len());
            for summary in &alert.findings {
                findings.extend(findings::load(tx, summary.id)?);
            }
            Ok(Some(AlertDetails {
                findings,
                notifications: outbox::of_alert(tx, id)?,
                attempts: outbox::attempts_of_alert(tx, id)?,
                decisions: decisions(tx, id)?,
                rulings: paging::of_alert(tx, id)?,
                card: tx
                    .prepare_cached("SELECT row FROM pager_rows WHERE key IN (?1, ?2, ?3)")?
                    .query_row(
                        ["", "drill/", "canary/"].map(|side| format!("{side}card/{id}")),
                        |row| row.get(0),
                    )
                    .optional()?,
                alert,
            }))
        })
    }
}

/// The statement that lists alerts. Which index serves depends on what is asked for; each holds all
/// that may be asked about, so that only the alerts of the page itself are read.
fn listing(filter: &AlertFilter) -> String {
    let index = match filter {
        AlertFilter { monitor: Some(_), .. } => "alerts_by_monitor",
        AlertFilter { deployment: Some(_), .. } => "alerts_by_deployment",
        AlertFilter { only_open: true, .. } => "alerts_open",
        _ => "alerts_by_time",
    };
    // What an index begins with must stand alone to be looked up in it.
    let monitor = match filter.monitor {
        Some(_) => "monitor = :monitor",
        None => ":monitor IS NULL",
    };
    let deployment = match filter.deployment {
        Some(_) => "deployment = :deployment",
        None => ":deployment IS NULL",
    };
    let open = if filter.only_open { "is_open = 1" } else { "1" };
    format!(
        "WITH listed AS MATERIALIZED (
             SELECT id FROM alerts INDEXED BY {index}
             WHERE {monitor} AND {deployment} AND {open}
               AND (opened_at, id) < (:at, :id)
               AND opened_at >= :since AND opened_at < :until
               AND (:network IS NULL OR network = :network)
               AND (:state IS NULL OR state = :state)
               AND severity >= :severity_min
               AND (:drills = 1 OR (apart IS NOT NULL) = (:drills = 2)) AND apart IS NOT 'canary'
             ORDER BY opened_at DESC, id DESC LIMIT :fetch)
         SELECT alerts.id, body, opened_at FROM listed CROSS JOIN alerts USING (id)
         ORDER BY opened_at DESC, alerts.id DESC"
    )
}

/// Records an alert, replacing what was on record.
pub(crate) fn upsert(tx: &Transaction<'_>, alert: &Alert) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO alerts
         (id, network, monitor, deployment, state, severity, opened_at, last_finding_at, body,
          is_open, apart, source)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?5 <> 2, ?10, ?11)
         ON CONFLICT DO UPDATE SET network = excluded.network, monitor = excluded.monitor,
             deployment = excluded.deployment, state = excluded.state,
             severity = excluded.severity, opened_at = excluded.opened_at,
             last_finding_at = excluded.last_finding_at, body = excluded.body,
             apart = excluded.apart, source = excluded.source,
             is_open = iif(alerts.stage IS NULL, excluded.is_open, alerts.is_open)",
    )?
    .execute(params![
        alert.id.0.as_slice(),
        alert.network.as_ref().map_or(NO_NETWORK, Name::as_str),
        alert.monitor.as_str(),
        alert.deployment.as_ref().map(Name::as_str),
        state_column(alert.state),
        severity_rank(alert.severity),
        codec::seconds(alert.opened_at),
        codec::seconds(alert.last_finding_at),
        codec::encode_alert(TABLE, alert)?,
        alert.provenance().mark(),
        alert.source().map(ToString::to_string),
    ])?;
    Ok(())
}

/// Appends a decision.
pub(crate) fn append_decision(tx: &Transaction<'_>, decision: &Decision) -> Result<(), StoreError> {
    tx.prepare_cached("INSERT INTO decisions (alert, action, at, body) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![
        decision.alert.0.as_slice(),
        decision.action.as_str(),
        decision.at.0,
        codec::encode(DECISIONS, decision)?,
    ])?;
    Ok(())
}

/// Decodes every alert and decision; calls `problem` for each that cannot be.
pub(crate) fn check(
    tx: &Transaction<'_>,
    problem: &mut impl FnMut(StoreError),
) -> Result<u64, StoreError> {
    let mut statement = tx.prepare("SELECT id, body FROM alerts")?;
    let mut rows = statement.query([])?;
    let mut checked = 0;
    while let Some(row) = rows.next()? {
        checked += 1;
        if let Err(error) = alert(row) {
            problem(error);
        }
    }
    let mut statement = tx.prepare("SELECT id, body FROM decisions")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if let Err(error) = decision(row) {
            problem(error);
        }
    }
    Ok(checked)
}

/// A row of `id, body`.
pub(crate) fn alert(row: &Row<'_>) -> Result<Alert, StoreError> {
    let id: Vec<u8> = row.get(0)?;
    let body = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
    let alert: Alert = codec::decode_alert(body, TABLE, printed(&id))?;
    if alert.id.0 != *id {
        let reason = format_args!("body is of alert {}", alert.id);
        return Err(StoreError::corrupt(TABLE, printed(&id), reason));
    }
    Ok(alert)
}

fn decisions(tx: &Transaction<'_>, id: AlertId) -> Result<Vec<Decision>, StoreError> {
    let mut statement =
        tx.prepare_cached("SELECT id, body FROM decisions WHERE alert = ?1 ORDER BY id")?;
    let mut rows = statement.query([id.0.as_slice()])?;
    let mut decisions = Vec::new();
    while let Some(row) = rows.next()? {
        decisions.push(decision(row)?);
    }
    Ok(decisions)
}

/// A row of `id, body`.
fn decision(row: &Row<'_>) -> Result<Decision, StoreError> {
    let id: i64 = row.get(0)?;
    let body = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
    codec::decode(body, DECISIONS, id)
}

fn state_column(state: AlertState) -> i64 {
    match state {
        AlertState::Provisional => 0,
        AlertState::Confirmed => 1,
        AlertState::Retracted => 2,
        AlertState::Reported => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How SQLite says that it will list.
    fn plan(filter: &AlertFilter) -> Vec<String> {
        let store = Store::in_memory().unwrap();
        let explained = store.read("explain a list", |tx| {
            let mut statement = tx.prepare(&format!("EXPLAIN QUERY PLAN {}", listing(filter)))?;
            // Unbound parameters are NULL, which does not matter to a plan.
            let mut rows = statement.raw_query();
            let mut steps = Vec::new();
            while let Some(row) = rows.next()? {
                steps.push(row.get::<_, String>(3)?);
            }
            Ok(steps)
        });
        explained.unwrap()
    }

    #[test]
    fn a_page_is_found_in_an_index_alone_whatever_is_asked_for() {
        let name = |text: &str| Some(Name::new(text).unwrap());
        let all = AlertFilter::default();
        let open = AlertFilter { only_open: true, ..all.clone() };
        for (filter, index) in [
            (AlertFilter { severity_min: Some(Severity::Critical), ..open.clone() }, "alerts_open"),
            (AlertFilter { network: name("mainnet"), ..open.clone() }, "alerts_open"),
            (AlertFilter { monitor: name("drain"), ..open.clone() }, "alerts_by_monitor"),
            (AlertFilter { deployment: name("vault"), ..open }, "alerts_by_deployment"),
            (AlertFilter { state: Some(AlertState::Retracted), ..all }, "alerts_by_time"),
        ] {
            let plan = plan(&filter);
            let found = format!("SEARCH alerts USING COVERING INDEX {index}");
            assert!(plan.iter().any(|step| step.starts_with(&found)), "{plan:#?}");
            let sorts = plan.iter().filter(|step| step.contains("TEMP B-TREE")).count();
            assert_eq!(sorts, 1, "only the page itself is sorted: {plan:#?}");
        }
    }
}
