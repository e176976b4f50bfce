//! The charts as the detector runs them: on dice, with what they learn of themselves.

use rand::{Rng, SeedableRng, rngs::StdRng};

use super::*;
use crate::thresholds::Calibration;

/// A function's charts with their past.
#[derive(Clone)]
struct Watched {
    charts: Charts,
    level: GasLevel,
    past: [Calibration; CHARTS],
}

/// Observations before anything is told, as by default.
const WARM_UP: u64 = 200;

impl Watched {
    fn new(arl0: f64) -> Self {
        let charts = Charts::new(0.1, arl0, false);
        let level = charts.level(model::UnixSeconds(0));
        Self { charts, level, past: Default::default() }
    }

    /// One bucket whose mean is `x`; how far out it is.
    fn observe(&mut self, x: f64, window_variance: Option<f64>) -> f64 {
        let is_warm = self.level.slow.observations() >= WARM_UP;
        let (verdict, due) = self.charts.observe(&mut self.level, x, window_variance, is_warm);
        if let Some(due) = due {
            self.charts.calibrate(&mut self.level.own, &mut self.past, due);
        }
        self.charts.learn(&mut self.level, x, window_variance, 1.0);
        if is_warm { verdict.score } else { 0.0 }
    }

    /// One bucket of eight calls whose ln gas scatters by a fifth, times `factor`.
    fn bucket(&mut self, rng: &mut StdRng, factor: f64) -> f64 {
        let mut sum = 0.0;
        for _ in 0..8 {
            let x = 11.0 + 0.2 * factor * normal(rng);
            sum += x;
            if self.level.last_ln.len() == LAST_CALLS_MAX {
                self.level.last_ln.pop_front();
            }
            self.level.last_ln.push_back(x);
        }
        let variance = variance_of(&self.level.last_ln);
        self.observe(sum / 8.0, variance)
    }
}

fn normal(rng: &mut StdRng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.random::<f64>()).sin()
}

/// Alarms, each with what follows it within half an hour.
#[derive(Default)]
struct Alarms {
    count: u32,
    resting: u32,
}

impl Alarms {
    fn push(&mut self, score: f64) {
        let is_out = score >= 1.0;
        self.count += u32::from(is_out && self.resting == 0);
        self.resting = if is_out { 30 } else { self.resting.saturating_sub(1) };
    }
}

/// A series in which nothing is wrong, one value a bucket.
fn in_control(kind: &str, rng: &mut StdRng, state: &mut f64, row: usize) -> f64 {
    match kind {
        "normal" => normal(rng),
        "student t3" => {
            let squares: f64 = (0..3).map(|_| normal(rng).powi(2)).sum();
            normal(rng) / (squares / 3.0).sqrt()
        }
        "lognormal" => normal(rng).exp(),
        "exponential" => -(1.0 - rng.random::<f64>()).ln(),
        "ar .5" | "ar .8" => {
            let phi = if kind == "ar .5" { 0.5 } else { 0.8 };
            *state = phi * *state + normal(rng);
            *state
        }
        "daily" => {
            3.0 * (std::f64::consts::TAU * (row % 1_440) as f64 / 1_440.0).sin() + normal(rng)
        }
        other => panic!("no series {other}"),
    }
}

const KINDS: [&str; 7] =
    ["normal", "student t3", "lognormal", "exponential", "ar .5", "ar .8", "daily"];

/// Realised over designed false alarms of all charts together, from the end of the warm-up on: what
/// they need to learn of themselves is counted.
fn realised(kind: &str, seed: u64, arl0: f64, rows: usize) -> f64 {
    let (mut rng, mut watched, mut alarms) =
        (StdRng::seed_from_u64(seed), Watched::new(arl0), Alarms::default());
    let mut state = 0.0;
    for row in 0..rows {
        let x = 11.0 + 0.1 * in_control(kind, &mut rng, &mut state, row);
        alarms.push(watched.observe(x, None));
    }
    f64::from(alarms.count) / (rows as f64 / arl0)
}

#[test]
fn a4_as_run_the_detector_keeps_within_twice_its_design_whatever_the_series() {
    // 100 by design: three standard errors are 30 %.
    for kind in KINDS {
        let ratio = realised(kind, 1, 1_000.0, 100_000);
        assert!(ratio <= 2.0, "{kind}: {ratio:.2} times the design");
    }
}

#[test]
#[ignore = "a minute; cargo xtask quality series runs it"]
fn a4_as_run_at_length() {
    println!(
        "false alarms of telemetry/gas_unusual over design, ARL0 10,000, 500,000 observations"
    );
    let mut outside = Vec::new();
    for kind in KINDS {
        let ratio = realised(kind, 2, 1e4, 500_000);
        println!("{kind:14} {ratio:>6.2}");
        if ratio > 2.0 {
            outside.push(kind);
        }
    }
    assert!(outside.is_empty(), "beyond twice the design: {outside:?}");
}

#[test]
fn a3_three_times_the_scatter_is_found_within_six_buckets() {
    let mut rng = StdRng::seed_from_u64(3);
    let found = (0..400)
        .filter(|_| {
            let mut watched = Watched::new(1e5);
            for _ in 0..300 {
                watched.bucket(&mut rng, 1.0);
            }
            (0..6).any(|_| watched.bucket(&mut rng, 3.0) >= 1.0)
        })
        .count();
    assert!(found >= 380, "{found} of 400");
}

#[test]
fn a_lasting_shift_is_found_in_about_the_delays_of_the_table() {
    // ARL0 1e5, lambda .1: two, three and five sigma after 7.2, 4.4 and 2.6 observations with known
    // parameters and one chart. Here they are learned, and four charts share the promise.
    let mut rng = StdRng::seed_from_u64(9);
    let mut watched = Watched::new(1e5);
    for _ in 0..20_000 {
        watched.observe(11.0 + 0.1 * normal(&mut rng), None);
    }
    for (shift, table) in [(2.0, 7.2), (3.0, 4.4), (5.0, 2.6)] {
        let mut delays = 0;
        for _ in 0..200 {
            let mut shifted = watched.clone();
            let x = |rng: &mut StdRng| 11.0 + 0.1 * (normal(rng) + shift);
            for _ in 0..20 {
                shifted.observe(11.0 + 0.1 * normal(&mut rng), None);
            }
            delays += (1..300).find(|_| shifted.observe(x(&mut rng), None) >= 1.0).unwrap_or(300);
        }
        let mean = f64::from(delays) / 200.0;
        assert!(mean < 1.5 * table, "{shift} sigma after {mean:.1} observations");
    }
}

#[test]
fn in_control_false_alarms_are_no_more_than_designed() {
    let mut rng = StdRng::seed_from_u64(4);
    let (mut watched, mut alarms) = (Watched::new(1e4), Alarms::default());
    (0..100_000).for_each(|_| alarms.push(watched.bucket(&mut rng, 1.0)));
    // One in ten thousand of a hundred thousand.
    assert!(alarms.count <= 20, "{} alarms", alarms.count);
}

/// `cargo xtask quality` reads the line that begins with `figure`.
#[test]
#[ignore = "half a minute; cargo xtask quality series runs it"]
fn gas_at_length() {
    let mut rng = StdRng::seed_from_u64(5);
    let (mut watched, mut alarms, mut delays) = (Watched::new(1e5), Alarms::default(), Vec::new());
    let (weeks, week) = (40, 10_080);
    for i in 0..weeks * week {
        alarms.push(watched.bucket(&mut rng, 1.0));
        if i >= week && i % (weeks * week / 520) == 0 && delays.len() < 500 && alarms.resting == 0 {
            let mut troubled = watched.clone();
            let found = (1..=10).find(|_| troubled.bucket(&mut rng, 3.0) >= 1.0);
            delays.push(found.unwrap_or(u32::MAX));
        }
    }
    delays.sort_unstable();
    let found = delays.iter().filter(|delay| **delay <= 10).count();
    println!(
        "\nfigure {{\"detector\":\"telemetry/gas_unusual\",\"data\":\"simulated normal ln \
         gas, eight calls a minute; scatter times three\",\"n\":\"{weeks} weeks of one \
         function, {} troubles\",\"recall\":[{found},{}],\"false_alarms\":[{},{weeks}],\
         \"lead\":\"{} min after it began\"}}",
        delays.len(),
        delays.len(),
        alarms.count,
        delays[delays.len() / 2]
    );
    assert!(found > 0, "nothing was found");
}
