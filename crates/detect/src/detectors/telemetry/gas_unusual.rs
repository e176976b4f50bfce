//! Gas per call moved or scatters. The page is `gas_unusual.md`.

use std::collections::VecDeque;

use model::{Confidence, FactValue, History, Level as Depth, Measure, Severity};

use super::series::{
    BUCKET_S, CAUTION_WHILE_OPEN, Entity, GasLevel, Telemetry, WARM_UP_OBSERVATIONS, WARM_UP_S,
    entity_name,
};
use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants,
    },
    state::{Kind, StateTable},
    thresholds::{
        Episode, EwmaChart, Level, OwnLimit, Step, VarianceChart, arl, learning_pace, ln,
        shewhart_limit, special, variance_limit,
    },
    windows::LAST_CALLS_MAX,
};

/// Weight of an observation in the level that spikes are measured against.
const ETA_FAST: f64 = 0.05;
/// Weight of an observation in the level that lasting shifts are measured against: slow, so that a
/// shift is not absorbed before it is found.
const ETA_SLOW: f64 = 0.01;
/// Smoothing factor of the variance chart.
const LAMBDA_VARIANCE: f64 = 0.05;
/// False alarms of the variance chart per observation.
const ALPHA_VARIANCE: f64 = 1e-5;
/// Smallest spread of ln gas believed in: one per cent of gas.
const SPREAD_MIN: f64 = 0.01;
/// Calls before their scatter is judged.
const SCATTER_CALLS_MIN: usize = 20;
/// Keeps the logarithm of a variance of zero finite: a spread of a tenth of a per cent.
const VARIANCE_MIN: f64 = 1e-6;

static SPEC: Spec = Spec {
    id: "telemetry/gas_unusual",
    version: 1,
    needs: Depth::Logs,
    severity: Severity::Medium,
    params: &[
        BUCKET_S,
        WARM_UP_OBSERVATIONS,
        WARM_UP_S,
        ParamSpec {
            name: "arl0_buckets",
            kind: ParamKind::Number {
                default: 1e5,
                min: arl::ARL0_RANGE.0,
                max: arl::ARL0_RANGE.1,
            },
            doc: "observations of one function between two false alarms",
        },
        ParamSpec {
            name: "lambda",
            kind: ParamKind::Number {
                default: 0.1,
                min: arl::LAMBDA_RANGE.0,
                max: arl::LAMBDA_RANGE.1,
            },
            doc: "smoothing factor of the mean chart: smaller finds slower drifts",
        },
        ParamSpec {
            name: "window_variance",
            kind: ParamKind::Flag { default: false },
            doc: "whether the plotted limit of the variance of the last 60 calls raises findings too",
        },
    ],
    page: include_str!("gas_unusual.md"),
};

/// See the page.
#[derive(Debug)]
pub struct GasUnusual;

impl Detector for GasUnusual {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn watches_children(&self) -> bool {
        true
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        let (lambda, arl0) = (settings.number("lambda"), settings.number("arl0_buckets"));
        Box::new(Configured {
            charts: Charts::new(lambda, arl0, settings.flag("window_variance")),
            telemetry: Telemetry::new(settings, site, Kind::GasLevel),
        })
    }
}

struct Configured {
    telemetry: Telemetry,
    charts: Charts,
}

/// Limits of the charts over ln gas of one function.
#[derive(Debug, Clone, Copy)]
struct Charts {
    lambda: f64,
    mean_limit: f64,
    variance_limit: f64,
    spike_limit: f64,
    judges_window_variance: bool,
    /// Observations between two false alarms of one of the charts: together they keep the promise.
    arl0_of_each: f64,
    arl0: f64,
}

/// Charts that have a limit out of their own past, in the order of [`GasLevel::own`].
const CHARTS: usize = 4;

/// Observations before the charts are watched: a level that is hardly known makes anything an
/// outlier.
const SETTLED_OBSERVATIONS: u64 = 100;

/// Places in [`GasLevel::own`].
const SPIKE: usize = 0;
const MEAN: usize = 1;
const VARIANCE: usize = 2;
const SCATTER: usize = 3;

/// What the charts say about one observation.
#[derive(Debug, Clone, Copy)]
struct Verdict {
    /// Statistic over limit of the chart that is furthest out.
    score: f64,
    chart: &'static str,
    p: f64,
}

impl Verdict {
    /// Of charts that were not asked.
    const NOTHING: Self = Self { score: 0.0, chart: "none", p: 1.0 };
}

impl Charts {
    fn new(lambda: f64, arl0: f64, judges_window_variance: bool) -> Self {
        Self {
            lambda,
            mean_limit: arl::ewma_limit(lambda, arl0),
            variance_limit: variance_limit(LAMBDA_VARIANCE, ALPHA_VARIANCE),
            spike_limit: shewhart_limit(arl0),
            judges_window_variance,
            arl0_of_each: arl0 * CHARTS as f64,
            arl0,
        }
    }

    /// Limits of theory, in the order of [`GasLevel::own`].
    fn theory(&self) -> [f64; CHARTS] {
        [self.spike_limit, self.mean_limit, self.variance_limit, self.mean_limit]
    }

    /// Puts full blocks into the charts' pasts and takes the limits anew.
    fn calibrate(
        &self,
        own: &mut [OwnLimit; CHARTS],
        past: &mut [crate::thresholds::Calibration; CHARTS],
        due: [f64; CHARTS],
    ) {
        for (chart, ((own, past), due)) in own.iter_mut().zip(past).zip(due).enumerate() {
            own.calibrate(past, due, self.arl0_of_each, |arl0| match chart {
                // The statistic forgets half in fifteen observations: its alarms are about as far
                // apart as one in ten times as many independent ones.
                VARIANCE => variance_limit(LAMBDA_VARIANCE, 0.65 / arl0),
                _ => shewhart_limit(arl0),
            });
        }
    }

    /// One bucket, judged and watched. With the verdict the largest statistics of a block of buckets
    /// when it filled one: [`Charts::calibrate`] is due.
    fn observe(
        &self,
        level: &mut GasLevel,
        x: f64,
        window_variance: Option<f64>,
        is_warm: bool,
    ) -> (Verdict, Option<[f64; CHARTS]>) {
        let is_settled = level.slow.observations() >= SETTLED_OBSERVATIONS;
        if !is_settled && !is_warm {
            return (Verdict::NOTHING, None);
        }
        let (verdict, statistics) = self.judge(level, x, window_variance);
        if !is_settled {
            return (verdict, None);
        }
        let (theory, mut due) = (self.theory(), [0.0; CHARTS]);
        let mut is_due = false;
        for chart in 0..CHARTS {
            // Pushed at the same observations, they fill their blocks together.
            if let Some(largest) = level.own[chart].push(statistics[chart], theory[chart]) {
                (due[chart], is_due) = (largest, true);
            }
        }
        (verdict, is_due.then_some(due))
    }

    fn level(&self, first_at: model::UnixSeconds) -> GasLevel {
        GasLevel {
            first_at,
            calls: 0,
            sum_ln: 0.0,
            last_ln: VecDeque::new(),
            fast: Level::new(ETA_FAST, SPREAD_MIN),
            slow: Level::new(ETA_SLOW, SPREAD_MIN),
            scatter: Level::new(ETA_SLOW, SPREAD_MIN),
            mean_chart: EwmaChart::new(self.lambda),
            variance_chart: VarianceChart::new(LAMBDA_VARIANCE),
            scatter_chart: EwmaChart::new(self.lambda),
            own: Default::default(),
            episode: Episode::default(),
        }
    }

    /// Upper limit of the variance of ln gas within the last calls:
    /// exp(m_y + L s_y sqrt(l/(2-l))).
    fn window_variance_limit(&self, level: &GasLevel) -> f64 {
        let width = level.own[SCATTER].limit(self.mean_limit) * self.steady_width();
        libm::exp(level.scatter.mean() + width * level.scatter.spread())
    }

    /// Spread of the mean chart's statistic once it is steady: sqrt(l/(2-l)).
    fn steady_width(&self) -> f64 {
        libm::sqrt(self.lambda / (2.0 - self.lambda))
    }

    /// Learns from a bucket; `caution` in (0, 1] slows learning.
    fn learn(&self, level: &mut GasLevel, x: f64, window_variance: Option<f64>, caution: f64) {
        level.fast.learn(x, caution);
        let pace =
            learning_pace(level.mean_chart.statistic() / level.own[MEAN].limit(self.mean_limit));
        level.slow.learn(x, caution * pace);
        if let Some(variance) = window_variance {
            level.scatter.learn(ln(variance + VARIANCE_MIN), caution);
        }
    }

    /// What the charts say, with their statistics.
    fn judge(
        &self,
        level: &mut GasLevel,
        x: f64,
        window_variance: Option<f64>,
    ) -> (Verdict, [f64; CHARTS]) {
        let theory = self.theory();
        let limit = |chart: usize| level.own[chart].limit(theory[chart]);
        let limits: [f64; CHARTS] = std::array::from_fn(limit);
        let spike = level.fast.residual(x);
        let slow = level.slow.residual(x);
        let pulled_in = slow.winsorised();
        let mean = level.mean_chart.push(pulled_in);
        let variance = level.variance_chart.push(pulled_in);
        let degrees = (2.0 - LAMBDA_VARIANCE) / LAMBDA_VARIANCE;
        let mut verdicts = vec![
            Verdict {
                score: spike.u.abs() / limits[SPIKE],
                chart: "spike",
                p: special::normal_two_sided(spike.u),
            },
            Verdict {
                score: mean / limits[MEAN],
                chart: "lasting shift",
                p: special::normal_two_sided(mean),
            },
            Verdict {
                score: variance / limits[VARIANCE],
                chart: "wider spread",
                p: 1.0 - special::gamma_regularized(degrees / 2.0, variance * degrees / 2.0),
            },
        ];
        let mut statistics = [spike.u.abs(), mean, variance, 0.0];
        if let Some(variance) = window_variance {
            let y = ln(variance + VARIANCE_MIN);
            // Windows overlap, so neighbours resemble each other; the residual against what the last
            // one foretells does not. Only more scatter than usual is trouble.
            let scatter = level.scatter_chart.push(level.scatter.residual(y).winsorised());
            // A scatter below one per cent of gas may be many times the usual one and still harms
            // nobody: functions whose cost never changes would otherwise tell of single units.
            let is_felt = variance >= SPREAD_MIN * SPREAD_MIN;
            let is_up = is_felt && level.scatter_chart.z() > 0.0;
            statistics[SCATTER] = if is_up { scatter } else { 0.0 };
            verdicts.push(Verdict {
                score: statistics[SCATTER] / limits[SCATTER],
                chart: "scatter among the last calls",
                p: 0.5 * special::normal_two_sided(scatter),
            });
            if self.judges_window_variance {
                let over = (y - level.scatter.mean()) / level.scatter.spread();
                verdicts.push(Verdict {
                    score: (over / (self.mean_limit * self.steady_width())).max(0.0),
                    chart: "variance of the last calls",
                    p: 0.5 * special::normal_two_sided(over.max(0.0)),
                });
            }
        }
        let furthest = |a: Verdict, b: Verdict| if b.score > a.score { b } else { a };
        let verdict = verdicts.into_iter().fold(Verdict::NOTHING, furthest);
        // Where the past was wilder than normal, so is the chance.
        let p = verdict.p.max(libm::pow(self.arl0, -verdict.score));
        (Verdict { p, ..verdict }, statistics)
    }
}

/// Sample variance of the last calls' ln gas, once there are enough to speak of scatter.
fn variance_of(last: &VecDeque<f64>) -> Option<f64> {
    if last.len() < SCATTER_CALLS_MIN {
        return None;
    }
    let n = last.len() as f64;
    let mean = last.iter().sum::<f64>() / n;
    Some(last.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0))
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
            let key = self.telemetry.key(entity);
            if memory.get::<GasLevel>(&key).is_some_and(|known| known.calls > 0) {
                let known = memory.entry(key, || self.charts.level(block.at));
                if let Some(due) = self.close(block, entity, known, report) {
                    let mut own = known.own;
                    let past = self.telemetry.past(entity, memory).charts();
                    self.charts.calibrate(&mut own, past, due);
                    memory.entry(key, || self.charts.level(block.at)).own = own;
                }
            }
        }
        for (entity, tally) in self.telemetry.tallies(block) {
            if tally.gas_of_successes.is_empty() {
                continue;
            }
            let key = self.telemetry.key(entity);
            let known = memory.entry(key, || self.charts.level(block.at));
            for &gas in &tally.gas_of_successes {
                let x = ln(gas.max(1) as f64);
                known.calls += 1;
                known.sum_ln += x;
                if known.last_ln.len() == LAST_CALLS_MAX {
                    known.last_ln.pop_front();
                }
                known.last_ln.push_back(x);
            }
            let warm = self.telemetry.warm(known.slow.observations(), known.first_at, block.at);
            if let Err(reason) = warm {
                report.blind(reason);
            }
        }
    }
}

impl Configured {
    fn close(
        &self,
        block: &Block<'_>,
        entity: Entity,
        known: &mut GasLevel,
        report: &mut Report<'_>,
    ) -> Option<[f64; CHARTS]> {
        let x = known.sum_ln / known.calls as f64;
        (known.calls, known.sum_ln) = (0, 0.0);
        let window_variance = variance_of(&known.last_ln);
        let warm = self.telemetry.warm(known.slow.observations(), known.first_at, block.at);
        let usual = known.fast.residual(x);
        let (verdict, due) = self.charts.observe(known, x, window_variance, warm.is_ok());
        match warm {
            Err(reason) => report.blind(reason),
            Ok(()) => {
                let step = known.episode.step(verdict.score, block.at, self.telemetry.rules);
                match step {
                    Step::Opened { began } | Step::Escalated { began } => {
                        let again = matches!(step, Step::Escalated { .. });
                        let mut claim =
                            self.claim(block, entity, known, (x, usual), verdict, began);
                        if again {
                            claim = claim.what("worse");
                        }
                        report.claim(claim);
                    }
                    Step::Closed { .. } => {
                        known.mean_chart = EwmaChart::new(self.charts.lambda);
                        known.variance_chart = VarianceChart::new(LAMBDA_VARIANCE);
                        known.scatter_chart = EwmaChart::new(self.charts.lambda);
                    }
                    Step::Silent => {}
                }
                self.samples(block, entity, known, (x, usual), report);
            }
        }
        let caution = if known.episode.is_open() { CAUTION_WHILE_OPEN } else { 1.0 };
        self.charts.learn(known, x, window_variance, caution);
        due
    }

    fn samples(
        &self,
        block: &Block<'_>,
        entity: Entity,
        known: &GasLevel,
        (x, usual): (f64, crate::thresholds::Residual),
        report: &mut Report<'_>,
    ) {
        let width = known.own[SPIKE].limit(self.charts.spike_limit) * usual.spread;
        let values = [
            ("gas_observed_gas", libm::exp(x)),
            ("gas_usual_gas", libm::exp(usual.expected)),
            ("gas_lower_gas", libm::exp(usual.expected - width)),
            ("gas_upper_gas", libm::exp(usual.expected + width)),
            ("gas_ln_variance_upper", self.charts.window_variance_limit(known)),
        ];
        for (metric, value) in values {
            let series = self.telemetry.series(block, report.monitor(), entity, metric);
            report.sample(series, block.at, value);
        }
    }

    fn claim(
        &self,
        block: &Block<'_>,
        entity: Entity,
        known: &GasLevel,
        (x, usual): (f64, crate::thresholds::Residual),
        verdict: Verdict,
        began: model::UnixSeconds,
    ) -> Claim {
        let subject = self.telemetry.title_of(block, entity);
        let (value, typical) = (libm::exp(x), libm::exp(usual.expected));
        let spread = typical * usual.spread;
        let limit = known.own[SPIKE].limit(self.charts.spike_limit);
        let edge = usual.expected + limit * usual.spread.copysign(usual.u);
        let title = format!(
            "gas of {subject} is unusual ({}): {value:.0} gas per call, usually {typical:.0}",
            verdict.chart
        );
        Claim::about_episode(block, entity_name("gas", entity), began, title)
            .about(block, entity.0)
            .severity(self.telemetry.site.severity)
            .confidence(Confidence::Statistical { p: verdict.p })
            .measure(Measure {
                name: "mean gas per call".to_owned(),
                unit: "gas".to_owned(),
                value,
                threshold: libm::exp(edge),
                history: Some(History { usual: typical, spread, n: known.slow.observations() }),
            })
            .fact("function", FactValue::Text(subject))
            .fact("chart", FactValue::Text(verdict.chart.to_owned()))
            .fact(
                "statistic over its limit",
                FactValue::Number { value: verdict.score, unit: String::new() },
            )
    }
}

#[cfg(test)]
mod tests;
