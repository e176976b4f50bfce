//! A larger share of calls fails than usual. The page is `failed_calls_rise.md`.

use model::{Confidence, FactValue, History, Level, Measure, Severity, UnixSeconds};

use super::series::{
    BUCKET_S, CAUTION_WHILE_OPEN, Entity, FailedCalls, Telemetry, WARM_UP_OBSERVATIONS, WARM_UP_S,
    entity_name,
};
use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants, milder,
    },
    state::{Kind, StateTable},
    thresholds::{Episode, FailedShare, Step},
};

static SPEC: Spec = Spec {
    id: "telemetry/failed_calls_rise",
    version: 1,
    needs: Level::Logs,
    severity: Severity::High,
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
    page: include_str!("failed_calls_rise.md"),
};

/// See the page.
#[derive(Debug)]
pub struct FailedCallsRise;

impl Detector for FailedCallsRise {
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
            telemetry: Telemetry::new(settings, site, Kind::FailedCalls),
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
        let (_, ended) = self.telemetry.turn_over(block, memory);
        for entity in ended {
            self.close(block, entity, memory, report);
        }
        for (entity, tally) in self.telemetry.tallies(block) {
            let known = memory.entry(self.telemetry.key(entity), || fresh(block.at));
            known.calls += tally.calls();
            known.failed += tally.failed;
            // A bucket that is still filling can already be impossible; it is never a sign of calm.
            self.judge_bucket(block, entity, known, true, report);
        }
    }
}

impl Configured {
    fn close(
        &self,
        block: &Block<'_>,
        entity: Entity,
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let key = self.telemetry.key(entity);
        if memory
            .get::<FailedCalls>(&key)
            .is_none_or(|known| known.share.ratio().tail(0, known.calls).is_none())
        {
            // Too few calls to judge: they wait for the next bucket.
            return;
        }
        let known = memory.entry(key, || fresh(block.at));
        self.judge_bucket(block, entity, known, false, report);
        let caution = if known.episode.is_open() { CAUTION_WHILE_OPEN } else { 1.0 };
        let due = known.share.learn(known.failed, known.calls, caution, self.alpha);
        let names = ["failed_ratio_usual", "failed_ratio_upper"];
        let upper = known.share.upper(known.calls, self.alpha).min(1.0);
        let values = [known.share.ratio().mean(), upper];
        (known.calls, known.failed) = (0, 0);
        if let Some(due) = due {
            let mut share = known.share.clone();
            share.calibrate(self.telemetry.past(entity, memory).charts(), due, self.alpha);
            memory.entry(key, || fresh(block.at)).share = share;
        }
        for (metric, value) in names.into_iter().zip(values) {
            let series = self.telemetry.series(block, report.monitor(), entity, metric);
            report.sample(series, block.at, value);
        }
    }

    fn judge_bucket(
        &self,
        block: &Block<'_>,
        entity: Entity,
        known: &mut FailedCalls,
        is_filling: bool,
        report: &mut Report<'_>,
    ) {
        let warm =
            self.telemetry.warm(known.share.ratio().observations(), known.first_at, block.at);
        if let Err(reason) = warm {
            return report.blind(reason);
        }
        let Some(seen) = known.share.judge(known.failed, known.calls, self.alpha) else { return };
        if is_filling && seen.score < 1.0 {
            return;
        }
        let (began, again) = match known.episode.step(seen.score, block.at, self.telemetry.rules) {
            Step::Opened { began } => (began, ""),
            Step::Escalated { began } => (began, "worse"),
            Step::Closed { .. } => return known.share.settle(),
            Step::Silent => return,
        };
        let subject = self.telemetry.title_of(block, entity);
        let (failed, calls) = (known.failed, known.calls);
        let ratio = known.share.ratio();
        let lasting = if seen.is_lasting { ", and so for a while" } else { "" };
        let title = format!(
            "{failed} of {calls} calls to {subject} failed, usually {:.1} % do{lasting}",
            ratio.mean() * 100.0
        );
        let base = self.telemetry.site.severity;
        // A limit stands for the chance alpha, twice as far out for its square.
        let p = libm::pow(self.alpha, seen.score);
        let severity = if p <= self.alpha_page { base } else { milder(base, 1) };
        report.claim(
            Claim::about_episode(block, entity_name("failed calls", entity), began, title)
                .about(block, entity.0)
                .what(again)
                .severity(severity)
                .confidence(Confidence::Statistical { p })
                .measure(Measure {
                    name: "failed calls of all calls".to_owned(),
                    unit: String::new(),
                    value: failed as f64 / calls as f64,
                    threshold: known.share.upper(calls, self.alpha),
                    history: Some(History {
                        usual: ratio.mean(),
                        spread: ratio.spread(),
                        n: ratio.observations(),
                    }),
                })
                .fact("function", FactValue::Text(subject))
                .fact("failed", FactValue::Number { value: failed as f64, unit: "calls".into() })
                .fact("calls", FactValue::Number { value: calls as f64, unit: "calls".into() })
                .fact("began", FactValue::Seconds(block.at.seconds_since(began))),
        );
    }
}

fn fresh(at: UnixSeconds) -> FailedCalls {
    FailedCalls {
        first_at: at,
        calls: 0,
        failed: 0,
        share: FailedShare::default(),
        episode: Episode::default(),
    }
}
