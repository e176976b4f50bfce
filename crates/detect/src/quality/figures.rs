//! The figures of one monitor in one version, from what was told, what people said of it, and what
//! really happened.

use std::collections::{BTreeMap, BTreeSet};

use model::{Assessment, Incident, Name, Severity, Stage, UnixSeconds};

use super::interval::{Interval, Share, poisson_rate};

/// Seconds of a week.
const WEEK_S: f64 = 604_800.0;

/// Time over which contextual precision is asked: a deployment on which a monitor was never wrong in
/// so long is one that it does not tire (the measure of Forta's attack detector, 2023).
pub const CONTEXT_S: u64 = 60 * 24 * 3_600;

/// An alert as figures see it. One that left the chain is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Monitor.
    pub monitor: Name,
    /// Detector, or `expression`.
    pub detector: String,
    /// Version of detector and configuration together.
    pub version: u32,
    /// Network.
    pub network: Name,
    /// Deployment it is about.
    pub deployment: Option<Name>,
    /// Severity.
    pub severity: Severity,
    /// Block time of its first finding.
    pub opened_at: UnixSeconds,
    /// Block time of its newest finding.
    pub last_at: UnixSeconds,
    /// From the first block's time to the alert, if it was made while the block was new: an alert
    /// about a block that is judged later says nothing of speed.
    pub latency_ms: Option<u64>,
    /// What a person found it to be; `None`: nobody said.
    pub assessment: Option<Assessment>,
}

/// What one monitor watched, whether it said anything or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// Monitor.
    pub monitor: Name,
    /// Detector, or `expression`.
    pub detector: String,
    /// Version as it is configured now.
    pub version: u32,
    /// How far it may go now.
    pub stage: Stage,
    /// Severity as declared.
    pub severity: Severity,
    /// Whether it is deterministic: it says what the chain itself says, not what is unusual.
    pub is_deterministic: bool,
    /// Chain time that was judged, all its networks together, in seconds.
    pub seconds: u64,
    /// Blocks that were judged, by anybody.
    pub blocks: u64,
    /// Blocks of them that it could not judge.
    pub blocks_blind: u64,
    /// Deployments that it is on, by label.
    pub deployments: BTreeSet<Name>,
}

/// How many false alarms people are ready to bear.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// False alarms that wake people, a week.
    pub page_per_week: f64,
    /// False alarms that people are told of, a day.
    pub notify_per_day: f64,
}

impl Default for Budget {
    /// A team of one to five: one false page a week, five false messages a day.
    fn default() -> Self {
        Self { page_per_week: 1.0, notify_per_day: 5.0 }
    }
}

impl Budget {
    /// What is allowed a week in all at a stage; nothing is told in shadow, so nothing is allowed.
    pub fn per_week(&self, stage: Stage) -> f64 {
        match stage {
            Stage::Shadow => 0.0,
            Stage::Notify => self.notify_per_day * 7.0,
            Stage::Page | Stage::Act => self.page_per_week,
        }
    }
}

/// Half of them are at most `p50`, 95 of 100 at most `p95`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantiles {
    /// Median.
    pub p50: f64,
    /// 95 of 100.
    pub p95: f64,
    /// How many there are.
    pub n: u64,
}

/// Counts of what people said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Verdicts {
    /// Attacks.
    pub true_positive: u64,
    /// Happened, and was meant to.
    pub benign_true: u64,
    /// Not so, or nothing unusual.
    pub false_positive: u64,
    /// Said by another alert.
    pub duplicate: u64,
    /// Looked at, and nobody can tell.
    pub unknown: u64,
    /// Nobody said anything.
    pub unlabelled: u64,
}

/// Everything that is measured of one monitor in one version.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// Monitor.
    pub monitor: Name,
    /// Detector, or `expression`.
    pub detector: String,
    /// Version of detector and configuration together.
    pub version: u32,
    /// Whether this is the version that judges now.
    pub is_current: bool,
    /// How far it may go now; of a version of the past, of the monitor today.
    pub stage: Stage,
    /// Alerts.
    pub alerts: u64,
    /// What people said of them.
    pub verdicts: Verdicts,
    /// Attacks of all that could be told to be one, or not: `tp / (tp + benign-true + fp)`.
    pub precision: Share,
    /// True of all: `(tp + benign-true) / (tp + benign-true + fp)`, what it claims is so.
    pub truth: Share,
    /// Deployments with no false alarm in the last [`CONTEXT_S`], of those it was on. A deployment
    /// with alerts that nobody judged is left out: silence of people is no praise.
    pub contextual: Share,
    /// Chain time that was judged, in seconds; 0 for a version of the past.
    pub seconds: u64,
    /// Alerts a week of judged chain time.
    pub alerts_per_week: Option<(f64, Interval)>,
    /// False alarms a week: the judged ones, counted up to all by the share that was judged.
    pub false_per_week: Option<(f64, Interval)>,
    /// False alarms a week that its share of the budget allows.
    pub designed_per_week: f64,
    /// From a block's time to the alert, in milliseconds.
    pub latency_ms: Option<Quantiles>,
    /// Blocks that it could not judge, of those that were judged at all.
    pub blind: Share,
}

/// Whether a class of incidents was noticed.
#[derive(Debug, Clone, PartialEq)]
pub struct Recall {
    /// Class, in the team's own words.
    pub class: Name,
    /// Whether these were drills.
    pub is_drill: bool,
    /// Incidents that at least one alert told of.
    pub noticed: Share,
    /// From the first alert to the first loss in seconds, of those with a loss; negative: too late.
    pub lead_s: Option<(f64, u64)>,
    /// Incidents that nothing told of.
    pub missed: Vec<Name>,
    /// Incidents by the monitors that told of them.
    pub by_monitor: BTreeMap<Name, u64>,
}

/// Figures per monitor and version, the monitors that are watched now first and in their order.
pub fn figures(
    watched: &[Watched],
    told: &[Told],
    budget: Budget,
    now: UnixSeconds,
) -> Vec<Figures> {
    let mut groups: BTreeMap<(&Name, u32), Vec<&Told>> = BTreeMap::new();
    for alert in told {
        groups.entry((&alert.monitor, alert.version)).or_default().push(alert);
    }
    let mut all = Vec::new();
    for one in watched {
        let alerts = groups.remove(&(&one.monitor, one.version)).unwrap_or_default();
        let peers = watched.iter().filter(|other| other.stage == one.stage).count();
        let share = budget.per_week(one.stage) / peers.max(1) as f64;
        all.push(of_current(one, &alerts, share, now));
    }
    for ((monitor, version), alerts) in groups {
        let stage = watched.iter().find(|one| one.monitor == *monitor).map(|one| one.stage);
        all.push(of_past(monitor, version, stage.unwrap_or_default(), &alerts));
    }
    all
}

fn of_current(one: &Watched, alerts: &[&Told], designed: f64, now: UnixSeconds) -> Figures {
    let weeks = one.seconds as f64 / WEEK_S;
    let verdicts = count(alerts);
    let judged = verdicts.true_positive + verdicts.benign_true + verdicts.false_positive;
    let total = alerts.len() as u64;
    let per_week = |count: u64, up: f64| {
        let interval = poisson_rate(count, weeks)?;
        let (low, high) = (interval.low * up, interval.high * up);
        Some((count as f64 / weeks * up, Interval { low, high }))
    };
    // Those that nobody judged are taken to be as those that were; without any, nothing is known.
    let up = if judged > 0 { total as f64 / judged as f64 } else { 1.0 };
    let false_per_week = match (judged, total) {
        (0, 1..) => None,
        _ => per_week(verdicts.false_positive, up.max(1.0)),
    };
    Figures {
        is_current: true,
        stage: one.stage,
        contextual: contextual(one, alerts, now),
        seconds: one.seconds,
        alerts_per_week: per_week(total, 1.0),
        false_per_week,
        designed_per_week: designed,
        blind: Share::new(one.blocks_blind, one.blocks),
        ..of_past(&one.monitor, one.version, one.stage, alerts).named(&one.detector)
    }
}

impl Figures {
    fn named(self, detector: &str) -> Self {
        Self { detector: detector.to_owned(), ..self }
    }
}

fn of_past(monitor: &Name, version: u32, stage: Stage, alerts: &[&Told]) -> Figures {
    let verdicts = count(alerts);
    let Verdicts { true_positive: tp, benign_true, false_positive, .. } = verdicts;
    let judged = tp + benign_true + false_positive;
    Figures {
        monitor: monitor.clone(),
        detector: alerts.first().map_or_else(String::new, |alert| alert.detector.clone()),
        version,
        is_current: false,
        stage,
        alerts: alerts.len() as u64,
        verdicts,
        precision: Share::new(tp, judged),
        truth: Share::new(tp + benign_true, judged),
        contextual: Share::default(),
        seconds: 0,
        alerts_per_week: None,
        false_per_week: None,
        designed_per_week: 0.0,
        latency_ms: quantiles(alerts.iter().filter_map(|alert| alert.latency_ms).collect()),
        blind: Share::default(),
    }
}

fn count(alerts: &[&Told]) -> Verdicts {
    let mut verdicts = Verdicts::default();
    for alert in alerts {
        *match alert.assessment {
            Some(Assessment::TruePositive) => &mut verdicts.true_positive,
            Some(Assessment::BenignTrue) => &mut verdicts.benign_true,
            Some(Assessment::FalsePositive) => &mut verdicts.false_positive,
            Some(Assessment::Duplicate) => &mut verdicts.duplicate,
            Some(Assessment::Unknown) => &mut verdicts.unknown,
            None => &mut verdicts.unlabelled,
        } += 1;
    }
    verdicts
}

fn contextual(one: &Watched, alerts: &[&Told], now: UnixSeconds) -> Share {
    let recent = |alert: &&&Told| now.seconds_since(alert.opened_at) <= CONTEXT_S;
    let mut clean = 0;
    let mut known = 0;
    for deployment in &one.deployments {
        let own = || {
            let of_it = |alert: &&&Told| alert.deployment.as_ref() == Some(deployment);
            alerts.iter().filter(recent).filter(of_it)
        };
        let is_wrong = own().any(|a| a.assessment == Some(Assessment::FalsePositive));
        let is_open = own().any(|a| a.assessment.is_none());
        if is_wrong || !is_open {
            known += 1;
            clean += u64::from(!is_wrong);
        }
    }
    Share::new(clean, known)
}

fn quantiles(mut values: Vec<u64>) -> Option<Quantiles> {
    values.sort_unstable();
    let n = values.len();
    let at = |share: f64| {
        let place = ((n as f64 * share).ceil() as usize).clamp(1, n.max(1)) - 1;
        values.get(place).map(|value| *value as f64)
    };
    Some(Quantiles { p50: at(0.5)?, p95: at(0.95)?, n: n as u64 })
}

/// Which incidents were noticed, by class, drills apart.
///
/// An alert tells of an incident when it is of the same network, about one of its deployments (if it
/// names any), has a moment in common with it, and no person called it false.
pub fn recall(incidents: &[Incident], told: &[Told]) -> Vec<Recall> {
    let mut classes: BTreeMap<(&Name, bool), Vec<&Incident>> = BTreeMap::new();
    for incident in incidents {
        classes.entry((&incident.class, incident.is_drill)).or_default().push(incident);
    }
    let of_class = |((class, is_drill), incidents): ((&Name, bool), Vec<&Incident>)| {
        let mut missed = Vec::new();
        let mut leads = Vec::new();
        let mut by_monitor: BTreeMap<Name, u64> = BTreeMap::new();
        for incident in &incidents {
            let telling: Vec<&Told> = told.iter().filter(|a| tells_of(a, incident)).collect();
            let first = telling.iter().map(|alert| alert.opened_at.0.max(incident.from.0)).min();
            let monitors: BTreeSet<&Name> = telling.iter().map(|alert| &alert.monitor).collect();
            for monitor in monitors {
                *by_monitor.entry(monitor.clone()).or_default() += 1;
            }
            match (first, incident.loss_at) {
                (None, _) => missed.push(incident.name.clone()),
                (Some(first), Some(loss)) => leads.push(loss.0 as f64 - first as f64),
                (Some(_), None) => {}
            }
        }
        leads.sort_by(f64::total_cmp);
        let n = incidents.len() as u64;
        Recall {
            class: class.clone(),
            is_drill,
            noticed: Share::new(n - missed.len() as u64, n),
            lead_s: leads.get(leads.len() / 2).map(|median| (*median, leads.len() as u64)),
            missed,
            by_monitor,
        }
    };
    classes.into_iter().map(of_class).collect()
}

fn tells_of(alert: &Told, incident: &Incident) -> bool {
    let is_there = match &alert.deployment {
        Some(deployment) if !incident.deployments.is_empty() => {
            incident.deployments.contains(deployment)
        }
        // About the network as a whole, or about an incident that says not where it was.
        _ => true,
    };
    let is_refuted =
        matches!(alert.assessment, Some(Assessment::FalsePositive | Assessment::BenignTrue));
    alert.network == incident.network
        && is_there
        && !is_refuted
        && alert.opened_at <= incident.to
        && alert.last_at >= incident.from
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::UnixMillis;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn told(at: u64, on: &str, assessment: Option<Assessment>) -> Told {
        Told {
            monitor: name("drain"),
            detector: "liquidity/outflow_exceeds_share".into(),
            version: 1_001,
            network: name("mainnet"),
            deployment: Some(name(on)),
            severity: Severity::High,
            opened_at: UnixSeconds(at),
            last_at: UnixSeconds(at + 60),
            latency_ms: Some(at),
            assessment,
        }
    }

    fn watched(weeks: u64) -> Watched {
        Watched {
            monitor: name("drain"),
            detector: "liquidity/outflow_exceeds_share".into(),
            version: 1_001,
            stage: Stage::Page,
            severity: Severity::High,
            is_deterministic: false,
            seconds: weeks * 604_800,
            blocks: 1_000,
            blocks_blind: 50,
            deployments: ["vault", "pool", "fund"].map(name).into(),
        }
    }

    fn incident(id: &str, from: u64, loss_at: Option<u64>, on: &[&str]) -> Incident {
        Incident {
            name: name(id),
            class: name("key-theft"),
            is_drill: false,
            network: name("mainnet"),
            from: UnixSeconds(from),
            to: UnixSeconds(from + 600),
            loss_at: loss_at.map(UnixSeconds),
            deployments: on.iter().map(|on| name(on)).collect(),
            attacker: None,
            by: "ada".into(),
            because: "seen".into(),
            at: UnixMillis(0),
            is_withdrawn: false,
        }
    }

    use Assessment::{BenignTrue, Duplicate, FalsePositive, TruePositive, Unknown};

    #[test]
    fn figures_count_what_people_said_and_nothing_else() {
        let now = UnixSeconds(20_000_000);
        let recent = now.0 - 1_000;
        let alerts = [
            told(recent, "vault", Some(TruePositive)),
            told(recent + 1, "vault", Some(BenignTrue)),
            told(recent + 2, "pool", Some(FalsePositive)),
            told(recent + 3, "pool", Some(Duplicate)),
            told(recent + 4, "fund", Some(Unknown)),
            told(recent + 5, "fund", None),
        ];
        let all = figures(&[watched(2)], &alerts, Budget::default(), now);
        let [only] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!((only.alerts, only.verdicts.unlabelled), (6, 1));
        assert_eq!(only.precision, Share::new(1, 3), "neither duplicates nor unknown ones count");
        assert_eq!(only.truth, Share::new(2, 3));
        // The fund has an alert that nobody judged: it neither praises nor blames.
        assert_eq!(only.contextual, Share::new(1, 2));
        assert_eq!(only.alerts_per_week.unwrap().0, 3.0);
        // One of three judged alerts is false, so two of six are taken to be.
        assert!((only.false_per_week.unwrap().0 - 1.0).abs() < 1e-12);
        assert_eq!(only.designed_per_week, 1.0);
        assert_eq!(only.blind, Share::new(50, 1_000));
        let latency = only.latency_ms.unwrap();
        assert_eq!((latency.p50, latency.p95), ((recent + 2) as f64, (recent + 5) as f64));
    }

    #[test]
    fn alerts_that_nobody_judged_give_no_rate_of_false_ones() {
        let alerts = [told(100, "vault", None)];
        let all = figures(&[watched(1)], &alerts, Budget::default(), UnixSeconds(200));
        assert_eq!(all[0].false_per_week, None, "unknown, not zero");
        assert_eq!(all[0].precision.value(), None);
        let silent = figures(&[watched(1)], &[], Budget::default(), UnixSeconds(200));
        let (rate, interval) = silent[0].false_per_week.unwrap();
        assert!(rate == 0.0 && interval.high > 3.6, "nothing in a week may still be three");
    }

    #[test]
    fn a_version_of_the_past_keeps_its_own_alerts() {
        let old = Told { version: 1_000, ..told(100, "vault", Some(FalsePositive)) };
        let all = figures(&[watched(1)], &[old], Budget::default(), UnixSeconds(200));
        assert_eq!(all.len(), 2);
        assert!(all[0].is_current && all[0].alerts == 0 && all[0].precision.n == 0);
        assert!(!all[1].is_current && all[1].precision == Share::new(0, 1));
    }

    #[test]
    fn recall_counts_incidents_and_lead_counts_up_to_the_loss() {
        let incidents = [
            incident("early", 1_000, Some(1_200), &["vault"]),
            incident("late", 10_000, Some(9_990), &[]),
            incident("elsewhere", 20_000, None, &["pool"]),
            incident("refuted", 30_000, None, &[]),
        ];
        let alerts = [
            told(1_080, "vault", None),
            told(10_100, "pool", Some(TruePositive)),
            told(20_100, "vault", Some(TruePositive)),
            told(30_100, "vault", Some(FalsePositive)),
        ];
        let all = recall(&incidents, &alerts);
        let [class] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!(class.noticed, Share::new(2, 4));
        assert_eq!(class.missed, ["elsewhere", "refuted"].map(name));
        assert_eq!(class.by_monitor, BTreeMap::from([(name("drain"), 2)]));
        // 120 s early and 110 s late: of two, the later one in order stands.
        assert_eq!(class.lead_s, Some((120.0, 2)));
    }
}
