//! How good detection is.

use detect::quality::{Figures, Proposal as Proposed, Recall, Share as Counted};
use serde::Serialize;

use crate::{
    feedback::{Quality as Gathered, rate, share},
    words,
};

/// Figures of all monitors.
#[derive(Debug, Clone, Serialize)]
pub struct Quality {
    /// Per monitor and version, those that judge now first.
    pub monitors: Vec<Monitor>,
    /// Per class of incidents, drills apart.
    pub recall: Vec<Class>,
    /// What the figures speak for.
    pub proposals: Vec<Proposal>,
    /// False alarms that people are ready to bear.
    pub budget: Budget,
    /// What the figures are and are not.
    pub caveat: &'static str,
}

/// What the figures are and are not, for whoever reads them.
const CAVEAT: &str = "Measured on this installation's own alerts and by its own people's verdicts. Intervals are 95 % (Wilson for shares, exact Poisson for rates). Thresholds may have been chosen with the same alerts in view. What no incident or drill was declared for is not in recall.";

/// False alarms that people are ready to bear.
#[derive(Debug, Clone, Serialize)]
pub struct Budget {
    /// That wake people, a week.
    pub page_per_week: f64,
    /// That people are told of, a day.
    pub notify_per_day: f64,
}

/// A share with what it rests on.
#[derive(Debug, Clone, Serialize)]
pub struct Share {
    /// Of the kind.
    pub k: u64,
    /// Of how many.
    pub n: u64,
    /// `k / n`; none of nothing.
    pub value: Option<f64>,
    /// Lower end of the 95 % interval (Wilson).
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// The same as people read it.
    pub text: String,
}

impl From<Counted> for Share {
    fn from(counted: Counted) -> Self {
        let interval = counted.wilson();
        Self {
            k: counted.k,
            n: counted.n,
            value: counted.value(),
            low: interval.low,
            high: interval.high,
            text: share(counted),
        }
    }
}

/// A rate a week with its interval.
#[derive(Debug, Clone, Serialize)]
pub struct Rate {
    /// As counted.
    pub per_week: f64,
    /// Lower end of the 95 % interval (exact Poisson).
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Quantiles in milliseconds.
#[derive(Debug, Clone, Serialize)]
pub struct Latency {
    /// Half are at most so.
    pub p50_ms: f64,
    /// 95 of 100 are at most so.
    pub p95_ms: f64,
    /// Of so many alerts.
    pub n: u64,
}

/// What people said.
#[derive(Debug, Clone, Serialize)]
pub struct Verdicts {
    /// Attacks.
    pub true_positive: u64,
    /// Happened, and was meant to.
    pub benign_true: u64,
    /// Not so, or nothing unusual.
    pub false_positive: u64,
    /// Said by another alert.
    pub duplicate: u64,
    /// Nobody can tell.
    pub unknown: u64,
    /// Nobody said anything.
    pub unlabelled: u64,
}

/// One monitor in one version.
#[derive(Debug, Clone, Serialize)]
pub struct Monitor {
    /// Monitor.
    pub monitor: String,
    /// Detector, or `expression`.
    pub detector: String,
    /// Version of detector and configuration together.
    pub version: u32,
    /// Whether this version judges now.
    pub is_current: bool,
    /// `shadow`, `notify`, `page` or `act`.
    pub stage: &'static str,
    /// Alerts that stand.
    pub alerts: u64,
    /// What people said of them.
    pub verdicts: Verdicts,
    /// Attacks, of all that could be told to be one or not.
    pub precision: Share,
    /// What is so, of the same.
    pub truth: Share,
    /// Deployments without a false alarm in 60 days.
    pub contextual_precision: Share,
    /// Chain time that was judged, in seconds.
    pub judged_s: u64,
    /// Alerts a week.
    pub alerts_per_week: Option<Rate>,
    /// False alarms a week, those that nobody judged taken to be as those that were.
    pub false_per_week: Option<Rate>,
    /// False alarms a week that its share of the budget allows.
    pub designed_per_week: f64,
    /// From a block's time to the alert.
    pub latency: Option<Latency>,
    /// Blocks that it could not judge.
    pub blind: Share,
}

impl Monitor {
    fn new(figures: &Figures) -> Self {
        let rate = |rate: Option<(f64, detect::quality::Interval)>| {
            rate.map(|(per_week, interval)| Rate {
                per_week,
                low: interval.low,
                high: interval.high,
            })
        };
        let verdicts = figures.verdicts;
        Self {
            monitor: figures.monitor.to_string(),
            detector: figures.detector.clone(),
            version: figures.version,
            is_current: figures.is_current,
            stage: figures.stage.as_str(),
            alerts: figures.alerts,
            verdicts: Verdicts {
                true_positive: verdicts.true_positive,
                benign_true: verdicts.benign_true,
                false_positive: verdicts.false_positive,
                duplicate: verdicts.duplicate,
                unknown: verdicts.unknown,
                unlabelled: verdicts.unlabelled,
            },
            precision: figures.precision.into(),
            truth: figures.truth.into(),
            contextual_precision: figures.contextual.into(),
            judged_s: figures.seconds,
            alerts_per_week: rate(figures.alerts_per_week),
            false_per_week: rate(figures.false_per_week),
            designed_per_week: figures.designed_per_week,
            latency: figures.latency_ms.map(|l| Latency { p50_ms: l.p50, p95_ms: l.p95, n: l.n }),
            blind: figures.blind.into(),
        }
    }

    /// The figures in words, for the command.
    pub(crate) fn lines(&self) -> Vec<(&'static str, String)> {
        let of = |rate_of: &Option<Rate>| {
            rate(
                rate_of
                    .as_ref()
                    .map(|r| (r.per_week, detect::quality::Interval { low: r.low, high: r.high })),
            )
        };
        let v = &self.verdicts;
        let mut lines = vec![
            (
                "alerts",
                format!(
                    "{}: {} attacks, {} benign, {} false, {} duplicate, {} unknown, {} not judged",
                    words::grouped(self.alerts),
                    v.true_positive,
                    v.benign_true,
                    v.false_positive,
                    v.duplicate,
                    v.unknown,
                    v.unlabelled
                ),
            ),
            ("precision", self.precision.text.clone()),
            ("what it says is so", self.truth.text.clone()),
        ];
        if self.is_current {
            let designed = words::number(self.designed_per_week);
            lines.extend([
                ("deployments never troubled", self.contextual_precision.text.clone()),
                ("alerts a week", of(&self.alerts_per_week)),
                ("false a week, of budget", format!("{} of {designed}", of(&self.false_per_week))),
                ("blocks it could not judge", self.blind.text.clone()),
            ]);
        }
        if let Some(latency) = &self.latency {
            lines.push((
                "block to alert",
                format!(
                    "p50 {} s, p95 {} s of {}",
                    words::number(latency.p50_ms / 1e3),
                    words::number(latency.p95_ms / 1e3),
                    latency.n
                ),
            ));
        }
        lines
    }
}

/// Median lead.
#[derive(Debug, Clone, Serialize)]
pub struct Lead {
    /// From the first alert to the first loss, in seconds; negative: too late.
    pub median_s: f64,
    /// Of so many incidents with a loss.
    pub n: u64,
}

/// One class of incidents.
#[derive(Debug, Clone, Serialize)]
pub struct Class {
    /// Class.
    pub class: String,
    /// Whether these were drills.
    pub is_drill: bool,
    /// Those that an alert told of.
    pub noticed: Share,
    /// How early.
    pub lead: Option<Lead>,
    /// Those that nothing told of.
    pub missed: Vec<String>,
}

impl Class {
    fn new(recall: &Recall) -> Self {
        Self {
            class: recall.class.to_string(),
            is_drill: recall.is_drill,
            noticed: recall.noticed.into(),
            lead: recall.lead_s.map(|(median_s, n)| Lead { median_s, n }),
            missed: recall.missed.iter().map(ToString::to_string).collect(),
        }
    }
}

/// A change of stage that the figures speak for, or what is missing for one.
#[derive(Debug, Clone, Serialize)]
pub struct Proposal {
    /// Monitor.
    pub monitor: String,
    /// Where it is.
    pub from: &'static str,
    /// Where it should be; as `from` when it should stay.
    pub to: &'static str,
    /// Why, or what is missing.
    pub because: Vec<String>,
    /// What a person runs to confirm it; empty when it should stay.
    pub command: String,
}

impl Proposal {
    fn new(proposed: &Proposed) -> Self {
        let command = if proposed.to == proposed.from {
            String::new()
        } else {
            format!(
                "bellwether quality promote {} {} --by NAME --because TEXT --write",
                proposed.monitor, proposed.to
            )
        };
        Self {
            monitor: proposed.monitor.to_string(),
            from: proposed.from.as_str(),
            to: proposed.to.as_str(),
            because: proposed.because.clone(),
            command,
        }
    }
}

impl Quality {
    pub(crate) fn new(quality: &Gathered) -> Self {
        Self {
            monitors: quality.figures.iter().map(Monitor::new).collect(),
            recall: quality.recall.iter().map(Class::new).collect(),
            proposals: quality.proposals.iter().map(Proposal::new).collect(),
            budget: Budget {
                page_per_week: quality.budget.page_per_week,
                notify_per_day: quality.budget.notify_per_day,
            },
            caveat: CAVEAT,
        }
    }
}
