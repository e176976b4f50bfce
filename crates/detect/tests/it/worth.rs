//! What the detectors of counts are worth on simulated traffic: `cargo xtask quality` reads the lines
//! that begin with `figure`.
//!
//! They judge as `telemetry/call_rate_unusual` and `telemetry/failed_calls_rise` do with their
//! defaults: one-minute buckets, told below one in 10,000, one alarm an episode.

use bellwether_detect::thresholds::{
    Calibration, Episode, EpisodeRules, FailedShare, OwnLimit, Rate, Step,
};
use model::UnixSeconds;

use super::dice::Dice;

const BUCKET_S: u64 = 60;
const WEEK: usize = 10_080;
const ALPHA: f64 = 1e-4;

/// Buckets before anything is judged: a day.
const WARM_UP: usize = 1_440;

/// Usual calls in a bucket, and the share of them that fails.
const CALLS: f64 = 5.0;
const FAILING: f64 = 0.05;

/// Traffic of one function.
#[derive(Clone, Copy)]
enum Traffic {
    /// Calls that know nothing of each other.
    Steady,
    /// A rate that is itself exponential from bucket to bucket.
    Bursty,
}

impl Dice {
    fn poisson(&mut self, mean: f64) -> u64 {
        let (mut count, mut sum) = (0, self.exponential());
        while sum < mean {
            count += 1;
            sum += self.exponential();
        }
        count
    }

    fn calls(&mut self, traffic: Traffic, times: f64) -> u64 {
        let mean = match traffic {
            Traffic::Steady => CALLS,
            Traffic::Bursty => CALLS * self.exponential(),
        };
        self.poisson(times * mean)
    }

    fn failed(&mut self, calls: u64, share: f64) -> u64 {
        (0..calls).filter(|_| self.exponential() < -(1.0 - share).ln()).count() as u64
    }
}

/// A detector of counts: judges a bucket and learns from it; whether something is told.
trait Counts: Clone {
    fn bucket(&mut self, at: usize, calls: u64, failed: u64) -> bool;
}

fn told(episode: &mut Episode, score: f64, at: usize) -> bool {
    let rules = EpisodeRules::for_baseline_span(500 * BUCKET_S);
    let step = episode.step(score, UnixSeconds(at as u64 * BUCKET_S), rules);
    matches!(step, Step::Opened { .. })
}

/// Slower while something is told, as the detectors learn.
fn caution(episode: &Episode) -> f64 {
    if episode.is_open() { 0.1 } else { 1.0 }
}

#[derive(Clone, Default)]
struct CallRate {
    rate: Rate,
    own: OwnLimit,
    past: Calibration,
    episode: Episode,
}

impl Counts for CallRate {
    fn bucket(&mut self, at: usize, calls: u64, _: u64) -> bool {
        let theory = -ALPHA.ln();
        let statistic = -self.rate.tail(calls).max(f64::MIN_POSITIVE).ln();
        let score = statistic / self.own.limit(theory);
        let told = at >= WARM_UP && told(&mut self.episode, score, at);
        if let Some(due) = self.own.push(statistic, theory) {
            self.own.calibrate(&mut self.past, due, 1.0 / ALPHA, f64::ln);
        }
        self.rate.learn(calls, caution(&self.episode));
        told
    }
}

#[derive(Clone, Default)]
struct FailedCalls {
    share: FailedShare,
    past: [Calibration; 2],
    calls: u64,
    failed: u64,
    episode: Episode,
}

impl Counts for FailedCalls {
    fn bucket(&mut self, at: usize, calls: u64, failed: u64) -> bool {
        (self.calls, self.failed) = (self.calls + calls, self.failed + failed);
        let Some(seen) = self.share.judge(self.failed, self.calls, ALPHA) else { return false };
        let told = at >= WARM_UP && told(&mut self.episode, seen.score, at);
        let caution = caution(&self.episode);
        if let Some(due) = self.share.learn(self.failed, self.calls, caution, ALPHA) {
            self.share.calibrate(&mut self.past, due, ALPHA);
        }
        (self.calls, self.failed) = (0, 0);
        told
    }
}

/// Alarms of a detector in weeks in which nothing is wrong, and how many of 500 troubles it tells
/// within ten buckets, after how many of them in the middle.
fn figure<D: Counts + Default>(
    detector: &str,
    traffic: Traffic,
    (trouble, times, failing): (&str, f64, f64),
) {
    let (mut dice, mut known) = (Dice::new(1), D::default());
    let weeks = 40;
    let (mut alarms, mut delays, mut troubles) = (0, Vec::new(), 0);
    for at in 0..WARM_UP + weeks * WEEK {
        let calls = dice.calls(traffic, 1.0);
        let failed = dice.failed(calls, FAILING);
        alarms += u32::from(known.bucket(at, calls, failed));
        if at >= WARM_UP && at % (weeks * WEEK / 500) == 0 && troubles < 500 {
            troubles += 1;
            let mut troubled = known.clone();
            delays.extend((1..=10).find(|later| {
                let calls = dice.calls(traffic, times);
                let failed = dice.failed(calls, failing);
                troubled.bucket(at + later, calls, failed)
            }));
        }
    }
    delays.sort_unstable();
    let middle = delays.get(delays.len() / 2).map_or("none".to_owned(), |d| format!("{d} min"));
    let name = match traffic {
        Traffic::Steady => "steady",
        Traffic::Bursty => "bursty",
    };
    println!(
        "\nfigure {{\"detector\":\"{detector}\",\"data\":\"simulated {name} calls, {CALLS} a \
         minute; {trouble}\",\"n\":\"{weeks} weeks of one function, {troubles} troubles\",\
         \"recall\":[{},{troubles}],\"false_alarms\":[{alarms},{weeks}],\
         \"lead\":\"{middle} after it began\"}}",
        delays.len()
    );
}

#[test]
#[ignore = "half a minute; cargo xtask quality series runs it"]
fn counts_at_length() {
    for traffic in [Traffic::Steady, Traffic::Bursty] {
        let more = ("five times the calls", 5.0, FAILING);
        figure::<CallRate>("telemetry/call_rate_unusual", traffic, more);
        let failing = ("half the calls fail", 1.0, 0.5);
        figure::<FailedCalls>("telemetry/failed_calls_rise", traffic, failing);
    }
}
