//! Invariants of a database at rest: what must hold whatever happened before.

use model::Name;
use rusqlite::Transaction;

use crate::{
    Store, StoreError, codec,
    event_log::FORMATS as EVENT_FORMATS,
    outbox, paging,
    records::{alerts, coverage, feedback, findings, state},
    series,
};

/// Problems that one verification lists at most; beyond it they are only counted. One is enough to
/// stop trusting the file.
const PROBLEMS_LISTED_MAX: usize = 100;

/// What a verification found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// What does not hold, in words; the first hundred.
    pub problems: Vec<String>,
    /// Problems beyond those listed.
    pub more_problems: u64,
    /// Findings that were read.
    pub findings: u64,
    /// Alerts that were read.
    pub alerts: u64,
    /// Messages that were read.
    pub notifications: u64,
}

/// Statements that list what must not be, each row one text.
const INVARIANTS: &[&str] = &[
    // Where the embedded log is not used (Kafka), there is no topic to compare with.
    "SELECT 'checkpoint of ' || network || ' is ' || position || ', beyond the end of its event log, '
         || next_position
     FROM checkpoints JOIN log_topics USING (network) WHERE position > next_position",
    "SELECT 'event log of ' || network || ' begins at ' || first_position
         || ', beyond the checkpoint, ' || position || ': events were removed unjudged'
     FROM checkpoints JOIN log_topics USING (network) WHERE position < first_position",
    "SELECT 'event log of ' || network || ' says ' || first_position || '..' || next_position
         || ', but holds ' || count(position) || ' events, '
         || ifnull(min(position) || '..=' || max(position), 'none')
     FROM log_topics LEFT JOIN log_events USING (network) GROUP BY network
     HAVING count(position) <> next_position - first_position
         OR min(position) <> first_position OR max(position) <> next_position - 1",
    "SELECT 'coverage of ' || network || ' has block 0x' || lower(hex(block_hash)) || ' at '
         || count(*) || ' heights'
     FROM coverage GROUP BY network, block_hash HAVING count(*) > 1",
    // Every row is in exactly one run, and says what the run says. Below the lowest height whose row
    // is kept, only what is in quarantine has one.
    "WITH floors AS (SELECT network, ifnull((SELECT block FROM forgotten
         WHERE forgotten.network = checkpoints.network AND what = 'coverage'), 0) AS floor
         FROM checkpoints)
     SELECT 'coverage of ' || network || ' has ' || rows || ' rows and runs over ' || blocks || ' blocks'
     FROM (SELECT network, sum(block_number >= floor OR quarantine IS NOT NULL) AS rows
         FROM coverage JOIN floors USING (network) GROUP BY network)
     JOIN (SELECT network, sum(iif(quarantine IS NULL, max(0, last - max(first, floor) + 1),
             last - first + 1)) AS blocks
         FROM coverage_runs JOIN floors USING (network) GROUP BY network)
         USING (network)
     WHERE rows <> blocks",
    "SELECT 'run of ' || coverage_runs.network || ' from block ' || first
         || ' differs from the row of block ' || block_number
     FROM coverage_runs JOIN coverage
         ON coverage.network = coverage_runs.network AND block_number BETWEEN first AND last
     WHERE coverage.monitors_version <> coverage_runs.monitors_version
         OR coverage.quarantine IS NOT coverage_runs.quarantine",
    "SELECT 'way back from block ' || block_number || ' of ' || network
         || ', which is final (' || finalized_number || ')'
     FROM undo JOIN checkpoints USING (network) WHERE block_number <= finalized_number",
    "SELECT 'message ' || lower(hex(notifications.id)) || ' counts ' || attempts || ' attempts, '
         || count(attempts.number) || ' are on record'
     FROM notifications JOIN attempts ON notification = notifications.id
     GROUP BY notifications.id HAVING count(attempts.number) <> attempts",
    "SELECT 'message ' || lower(hex(id)) || ' speaks of ' || alerts || ' alerts, '
         || count(line.alert) || ' are on record'
     FROM notifications LEFT JOIN notification_alerts AS line ON line.notification = id
     GROUP BY id HAVING count(line.alert) <> alerts",
    "SELECT 'the pager applied input ' || applied || ', but there were ' || seq
     FROM pager_checkpoint JOIN sqlite_sequence ON name = 'pager_inbox' WHERE applied > seq",
];

impl Store {
    /// Checks the file and the invariants of what is in it. Reads everything but the bodies of
    /// events: seconds for a day, minutes for a year.
    ///
    /// # Errors
    /// When the database cannot be read at all. What is wrong with its content is in the report.
    pub fn verify(&self) -> Result<VerifyReport, StoreError> {
        self.read("verify the database", |tx| {
            let mut report = VerifyReport::default();
            integrity(tx, &mut report)?;
            // Queries on a damaged file would only fail: its problems are known by now.
            if !report.problems.is_empty() {
                return Ok(report);
            }
            for sql in INVARIANTS {
                report.add_all(texts(tx, sql)?);
            }
            let formats = EVENT_FORMATS.map(|format| format!("x'{format:02x}'")).join(", ");
            let strange = format!(
                "SELECT 'event of ' || network || ' at position ' || position
                     || ' has format ' || ifnull(hex(substr(event, 1, 1)), 'none')
                 FROM log_events WHERE substr(event, 1, 1) NOT IN ({formats})"
            );
            report.add_all(texts(tx, &strange)?);
            bodies(tx, &mut report)?;
            Ok(report)
        })
    }
}

impl VerifyReport {
    /// Whether everything holds.
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }

    fn add(&mut self, problem: String) {
        if self.problems.len() < PROBLEMS_LISTED_MAX {
            self.problems.push(problem);
        } else {
            self.more_problems += 1;
        }
    }

    fn add_all(&mut self, problems: Vec<String>) {
        for problem in problems {
            self.add(problem);
        }
    }
}

fn integrity(tx: &Transaction<'_>, report: &mut VerifyReport) -> Result<(), StoreError> {
    let answers = texts(tx, "PRAGMA integrity_check")?;
    report.add_all(answers.into_iter().filter(|answer| answer != "ok").collect());
    let dangling = "SELECT 'row of ' || \"table\" || ' points to a missing row of ' || parent
                    FROM pragma_foreign_key_check";
    report.add_all(texts(tx, dangling)?);
    Ok(())
}

fn bodies(tx: &Transaction<'_>, report: &mut VerifyReport) -> Result<(), StoreError> {
    let mut found = Vec::new();
    let mut problem = |error: StoreError| found.push(error.to_string());
    report.findings = findings::check(tx, &mut problem)?;
    report.alerts = alerts::check(tx, &mut problem)?;
    feedback::check(tx, &mut problem)?;
    report.notifications = outbox::check(tx, &mut problem)?;
    paging::check(tx, &mut problem)?;
    coverage::check(tx, &mut problem)?;
    series::check(tx, &mut problem)?;
    for text in texts(tx, "SELECT DISTINCT network FROM undo")? {
        match codec::name(&text, "undo", &text) {
            Ok(network) => check_undo(tx, &network, &mut problem)?,
            Err(error) => problem(error),
        }
    }
    report.add_all(found);
    Ok(())
}

fn check_undo(
    tx: &Transaction<'_>,
    network: &Name,
    problem: &mut impl FnMut(StoreError),
) -> Result<(), StoreError> {
    state::check(tx, network, problem)
}

fn texts(tx: &Transaction<'_>, sql: &str) -> Result<Vec<String>, StoreError> {
    let mut statement = tx.prepare(sql)?;
    let texts = statement.query_map([], |row| row.get(0))?;
    Ok(texts.collect::<Result<Vec<_>, _>>()?)
}
