//! More calls than usual. The page is `call_rate_unusual.md`.

use model::{Confidence, FactValue, History, Level, Measure, Severity};

use super::series::{
    BUCKET_S, CAUTION_WHILE_OPEN, CallRate, Entity, Telemetry, WARM_UP_OBSERVATIONS, WARM_UP_S,
    entity_name,
};
use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants, milder,
    },
    state::{Kind, StateTable},
    thresholds::{Episode, OwnLimit, Rate, Step, ln},
};

static SPEC: Spec = Spec {
    id: "telemetry/call_rate_unusual",
    version: 1,
    needs: Level::Logs,
    severity: Severity::Medium,
    params: &[
        BUCKET_S,
        WARM_UP_OBSERVATIONS,
        WARM_UP_S,
        ParamSpec {
            name: "alpha",
            kind: ParamKind::Number { default: 1e-4, min: 1e-12, max: 0.05 },
            doc: "chance of an innocent bucket that is told, one severity milder",
        },
        ParamSpec {
            name: "alpha_page",
            kind: ParamKind::Number { default: 1e-6, min: 1e-15, max: 0.05 },
            doc: "chance of an innocent bucket that is told with the full severity",
        },
    ],
    page: include_str!("call_rate_unusual.md"),
};

/// See the page.
#[derive(Debug)]
pub struct CallRateUnusual;

impl Detector for CallRateUnusual {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn watches_children(&self) -> bool {
        true
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        Box::new(Configured {
            alpha: settings.number("alpha"),
            alpha_page: settings.number("alpha_page"),
            telemetry: Telemetry::new(settings, site, Kind::CallRate),
        })
    }
}

struct Configured {
    telemetry: Telemetry,
    alpha: f64,
    alpha_page: f64,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants { every_block: true, remembers: true, ..Wants::default() }
    }

    fn judge(
        &self,
        block: &Block<'_>,
        _: &[Touch],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let now = self.telemetry.bucket(block.at);
        let (_, ended) = self.telemetry.turn_over(block, memory);
        for entity in ended {
            let key = self.telemetry.key(entity);
            if memory.get::<CallRate>(&key).is_some() {
                let known = memory.entry(key, || fresh(block, now));
                if let Some(due) = self.close(block, entity, known, report) {
                    let mut own = known.own;
                    let [past] = self.telemetry.past(entity, memory).charts();
                    // One in e^h innocent buckets exceeds h.
                    own.calibrate(past, due, 1.0 / self.alpha, ln);
                    memory.entry(key, || fresh(block, now)).own = own;
                }
            }
        }
        for (entity, tally) in self.telemetry.tallies(block) {
            let known = memory.entry(self.telemetry.key(entity), || fresh(block, now));
            if known.bucket < now {
                // The bucket itself was learned when it ended; between it and this one lie others
                // without a single call.
                let empty = now - known.bucket - 1;
                let caution = if known.episode.is_open() { CAUTION_WHILE_OPEN } else { 1.0 };
                known.rate.learn_silence(empty, caution);
                known.episode.silence(empty, block.at, self.telemetry.rules);
                known.bucket = now;
            }
            known.calls += tally.calls();
            self.judge_bucket(block, entity, known, true, report);
        }
    }
}

/// Buckets before statistics are watched: a rate that is hardly known makes anything unlikely.
const SETTLED_BUCKETS: u64 = 100;

/// How unlikely the bucket is so far, as -ln p.
fn statistic(known: &CallRate) -> f64 {
    -ln(known.rate.tail(known.calls).max(f64::MIN_POSITIVE))
}

fn fresh(block: &Block<'_>, bucket: u64) -> CallRate {
    CallRate {
        first_at: block.at,
        bucket,
        calls: 0,
        rate: Rate::default(),
        own: OwnLimit::default(),
        episode: Episode::default(),
    }
}

impl Configured {
    fn close(
        &self,
        block: &Block<'_>,
        entity: Entity,
        known: &mut CallRate,
        report: &mut Report<'_>,
    ) -> Option<f64> {
        self.judge_bucket(block, entity, known, false, report);
        let is_settled = known.rate.observations() >= SETTLED_BUCKETS;
        let statistic = statistic(known);
        let due = is_settled.then(|| known.own.push(statistic, -ln(self.alpha))).flatten();
        let caution = if known.episode.is_open() { CAUTION_WHILE_OPEN } else { 1.0 };
        known.rate.learn(known.calls, caution);
        known.calls = 0;
        let values = [
            ("calls_usual_per_bucket", known.rate.mean()),
            ("calls_upper_per_bucket", known.rate.upper(self.own_alpha(known)) as f64),
        ];
        for (metric, value) in values {
            let series = self.telemetry.series(block, report.monitor(), entity, metric);
            report.sample(series, block.at, value);
        }
        due
    }

    /// The chance of an innocent bucket, as the rate has it, that stands for `alpha` here: where the
    /// past of this function was wilder than any rate, a smaller one.
    fn own_alpha(&self, known: &CallRate) -> f64 {
        libm::exp(-known.own.limit(-ln(self.alpha)))
    }

    fn judge_bucket(
        &self,
        block: &Block<'_>,
        entity: Entity,
        known: &mut CallRate,
        is_filling: bool,
        report: &mut Report<'_>,
    ) {
        let warm = self.telemetry.warm(known.rate.observations(), known.first_at, block.at);
        if let Err(reason) = warm {
            return report.blind(reason);
        }
        let score = statistic(known) / known.own.limit(-ln(self.alpha));
        if is_filling && score < 1.0 {
            return;
        }
        let (began, again) = match known.episode.step(score, block.at, self.telemetry.rules) {
            Step::Opened { began } => (began, ""),
            Step::Escalated { began } => (began, "worse"),
            Step::Silent | Step::Closed { .. } => return,
        };
        let subject = self.telemetry.title_of(block, entity);
        let bucket_s = self.telemetry.bucket_s;
        let title = format!(
            "{subject} was called {} times within {bucket_s} s, usually {:.1} times",
            known.calls,
            known.rate.mean()
        );
        let base = self.telemetry.site.severity;
        let p = libm::pow(self.alpha, score);
        let severity = if p <= self.alpha_page { base } else { milder(base, 1) };
        report.claim(
            Claim::about_episode(block, entity_name("call rate", entity), began, title)
                .about(block, entity.0)
                .what(again)
                .severity(severity)
                .confidence(Confidence::Statistical { p })
                .measure(Measure {
                    name: format!("calls per {bucket_s} s"),
                    unit: "calls".to_owned(),
                    value: known.calls as f64,
                    threshold: known.rate.upper(self.own_alpha(known)) as f64,
                    history: Some(History {
                        usual: known.rate.mean(),
                        spread: libm::sqrt(known.rate.variance()),
                        n: known.rate.observations(),
                    }),
                })
                .fact("function", FactValue::Text(subject))
                .fact("began", FactValue::Seconds(block.at.seconds_since(began))),
        );
    }
}
