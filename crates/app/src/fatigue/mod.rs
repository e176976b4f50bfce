//! How much people bear, from what is on record: who was told and called, when somebody answered, what
//! it turned out to be.
//!
//! Drills are not in it: they are asked for.

mod told; // in lines of text

use std::collections::BTreeMap;

use alert::{
    fatigue::{Fatigue, Heard, Suppressed, fatigue},
    pager::{Ruling, Why},
    plan::Plan,
    route::Path,
};
use model::{AlertId, Assessment, Name, UnixMillis};
use store::{HeardAlert, HeardRow, Store, StoreError};

pub use told::lines;

/// Weeks that are looked at unless somebody says otherwise: a month, in which most rotas come round.
pub const WEEKS_DEFAULT: u64 = 4;

/// Most weeks that are looked at: a year.
pub const WEEKS_MAX: u64 = 53;

const WEEK_MS: i64 = 7 * 24 * 60 * 60 * 1_000;

/// How much people bore, and what it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// From when on.
    pub from: UnixMillis,
    /// Until when; not within.
    pub to: UnixMillis,
    /// There was more than one look goes through: it is whole only from then on.
    pub whole_since: Option<UnixMillis>,
    /// The figures.
    pub fatigue: Fatigue,
}

/// Looks at the weeks before `now`.
///
/// # Errors
/// When the store cannot be read.
pub fn look(store: &Store, plan: &Plan, weeks: u64, now: UnixMillis) -> Result<Report, StoreError> {
    let weeks = weeks.clamp(1, WEEKS_MAX) as i64;
    let (from, to) = (now.plus(-weeks * WEEK_MS), now.plus(1));
    let found = store.heard_of(from, to)?;
    let verdicts: BTreeMap<AlertId, Option<Assessment>> =
        store.verdicts()?.into_iter().map(|(alert, verdict)| (alert, verdict.assessment)).collect();
    let known: BTreeMap<AlertId, Known> = found
        .alerts
        .iter()
        .filter(|(_, about)| about.alert.provenance().is_live())
        .map(|(id, about)| (*id, Known::of(about, verdicts.get(id).copied().flatten())))
        .collect();
    let heard: Vec<Heard> = found
        .rows
        .iter()
        .filter_map(|row| Some(known.get(&row.alert)?.heard(row, &found.alerts[&row.alert])))
        .collect();
    let suppressed = suppressed(&known, &found.rows, &found.alerts);
    let from = found.whole_since.map_or(from, |since| since.max(from));
    let fatigue = fatigue(&heard, &suppressed, plan, from, to);
    Ok(Report { from, to, whole_since: found.whole_since, fatigue })
}

/// What the account says of an alert.
struct Known {
    /// When a person first said something about it.
    answered_at: Option<UnixMillis>,
    was_actionable: Option<bool>,
    /// The way of each of its groups.
    routes: BTreeMap<[u8; 16], Path>,
    /// The way it took first, for words of several groups together.
    first: Path,
    flaps: u64,
    repeats: u64,
}

impl Known {
    fn of(about: &HeardAlert, verdict: Option<Assessment>) -> Self {
        let mut known = Self {
            answered_at: None,
            was_actionable: was_actionable(verdict, about.stage.as_deref()),
            routes: BTreeMap::new(),
            first: Path::from("unknown"),
            flaps: 0,
            repeats: 0,
        };
        for row in &about.rulings {
            let ruling: Ruling = match serde_json::from_str(&row.json) {
                Ok(ruling) => ruling,
                Err(error) => {
                    tracing::error!(alert = %about.alert.id, %error, "a ruling cannot be read");
                    continue;
                }
            };
            match ruling.why {
                Why::Said { .. } => {
                    known.answered_at.get_or_insert(ruling.at);
                }
                Why::Flapping { .. } => known.flaps += 1,
                Why::ToldIn { .. } => known.repeats += 1,
                Why::OnTheWay { path } => {
                    if known.routes.is_empty() {
                        known.first = path.clone();
                    }
                    known.routes.extend(ruling.group.map(|group| (group.0, path)));
                }
                _ => {}
            }
        }
        known
    }

    fn heard(&self, row: &HeardRow, about: &HeardAlert) -> Heard {
        let route = row.team.and_then(|team| self.routes.get(&team)).unwrap_or(&self.first);
        Heard {
            at: row.at,
            person: row.person.clone(),
            alert: row.alert,
            monitor: about.alert.monitor.clone(),
            detector: about.alert.rule().to_owned(),
            network: about.alert.place().clone(),
            route: route.clone(),
            acknowledged: self.answered_at,
            was_actionable: self.was_actionable,
        }
    }
}

/// What people said it was; `None`: nobody can tell.
fn was_actionable(verdict: Option<Assessment>, stage: Option<&str>) -> Option<bool> {
    match (verdict, stage) {
        (Some(Assessment::TruePositive), _) => Some(true),
        (Some(Assessment::BenignTrue | Assessment::FalsePositive | Assessment::Duplicate), _) => {
            Some(false)
        }
        (Some(Assessment::Unknown), _) => None,
        (None, Some("promoted")) => Some(true),
        (None, Some("benign" | "duplicate")) => Some(false),
        (None, _) => None,
    }
}

/// What was not told because it would have repeated something, by rule: findings that joined an alert
/// that everybody knew of, words that the same people had heard in another group, and returns of what
/// flaps.
fn suppressed(
    known: &BTreeMap<AlertId, Known>,
    rows: &[HeardRow],
    alerts: &BTreeMap<AlertId, HeardAlert>,
) -> Vec<Suppressed> {
    let mut words: BTreeMap<AlertId, BTreeMap<(&Name, Option<&Name>), u64>> = BTreeMap::new();
    for row in rows {
        let reader = (&row.receiver, row.person.as_ref());
        *words.entry(row.alert).or_default().entry(reader).or_default() += 1;
    }
    let mut by_rule: BTreeMap<&Name, Suppressed> = BTreeMap::new();
    for (id, known) in known {
        let about = &alerts[id];
        let most = words.get(id).and_then(|readers| readers.values().max()).copied().unwrap_or(0);
        let joined = about.alert.findings_total().saturating_sub(most.max(1));
        let monitor = &about.alert.monitor;
        let of_rule = by_rule.entry(monitor).or_insert_with(|| Suppressed {
            monitor: monitor.clone(),
            duplicates: 0,
            flaps: 0,
        });
        of_rule.duplicates += joined + known.repeats;
        of_rule.flaps += known.flaps;
    }
    by_rule.into_values().collect()
}

#[cfg(test)]
mod tests;
