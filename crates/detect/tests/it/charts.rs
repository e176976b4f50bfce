//! The promises of the charts, checked with dice: how long until a false alarm, how soon a true one.

use bellwether_detect::thresholds::{
    EwmaChart, Level, VarianceChart, arl::ewma_limit, learning_pace, shewhart_limit, variance_limit,
};
use rand::{Rng, SeedableRng, rngs::StdRng};

/// Standard normal numbers, two at a time (Box and Muller).
struct Normal {
    rng: StdRng,
    spare: Option<f64>,
}

impl Normal {
    fn new(seed: u64) -> Self {
        Self { rng: StdRng::seed_from_u64(seed), spare: None }
    }

    fn draw(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let radius = (-2.0 * (1.0 - self.rng.random::<f64>()).ln()).sqrt();
        let (sin, cos) = (std::f64::consts::TAU * self.rng.random::<f64>()).sin_cos();
        self.spare = Some(radius * sin);
        radius * cos
    }
}

/// Mean run length of a chart with known parameters and steady limits until it alarms.
fn run_length(lambda: f64, limit: f64, shift: f64, runs: u32) -> f64 {
    let mut normal = Normal::new(1);
    let edge = limit * (lambda / (2.0 - lambda)).sqrt();
    let mut total = 0u64;
    for _ in 0..runs {
        let mut chart = EwmaChart::new(lambda);
        loop {
            chart.push(normal.draw() + shift);
            total += 1;
            if chart.z().abs() > edge {
                break;
            }
        }
    }
    total as f64 / f64::from(runs)
}

/// ARL0, lambda, then (shift in sigma, ARL1).
type Row = (f64, f64, &'static [(f64, f64)]);

#[test]
fn a1_run_lengths_are_those_of_the_published_table() {
    let table: [Row; 4] = [
        (370.0, 0.1, &[(0.5, 28.2), (1.0, 9.7), (1.5, 5.8), (2.0, 4.2), (3.0, 2.8), (5.0, 1.9)]),
        (1e4, 0.05, &[(0.5, 59.0), (1.0, 17.5), (2.0, 7.3), (3.0, 4.8)]),
        (1e4, 0.1, &[(0.5, 90.0), (1.0, 16.9), (2.0, 6.0), (3.0, 3.8), (5.0, 2.3)]),
        (1e4, 0.2, &[(0.5, 201.0), (1.0, 21.7), (2.0, 5.3), (3.0, 3.1)]),
    ];
    let close = |found: f64, expected: f64, what: &str| {
        assert!((found / expected - 1.0).abs() < 0.05, "{what}: {found}, published {expected}");
    };
    close(run_length(0.1, ewma_limit(0.1, 370.0), 0.0, 6_000), 370.0, "ARL0 370");
    close(run_length(0.1, ewma_limit(0.1, 1e4), 0.0, 1_000), 1e4, "ARL0 10,000");
    for (arl0, lambda, shifts) in table {
        for (shift, arl1) in shifts {
            let found = run_length(lambda, ewma_limit(lambda, arl0), *shift, 6_000);
            close(found, *arl1, &format!("ARL0 {arl0} lambda {lambda} shift {shift}"));
        }
    }
}

/// The three charts over baselines that are learned, as the gas detector runs them.
struct Pipeline {
    fast: Level,
    slow: Level,
    mean: EwmaChart,
    variance: VarianceChart,
    limits: (f64, f64, f64),
}

impl Pipeline {
    fn learned(arl0: f64, normal: &mut Normal, observations: u32) -> Self {
        let mut pipeline = Self {
            fast: Level::new(0.05, 1e-6),
            slow: Level::new(0.01, 1e-6),
            mean: EwmaChart::new(0.1),
            variance: VarianceChart::new(0.05),
            limits: (shewhart_limit(arl0), ewma_limit(0.1, arl0), variance_limit(0.05, 1e-5)),
        };
        for _ in 0..observations {
            let x = normal.draw();
            pipeline.fast.learn(x, 1.0);
            pipeline.slow.learn(x, 1.0);
        }
        pipeline
    }

    fn alarms(&mut self, x: f64) -> bool {
        let spike = self.fast.residual(x).u.abs();
        let pulled_in = self.slow.residual(x).winsorised();
        let mean = self.mean.push(pulled_in);
        let variance = self.variance.push(pulled_in);
        self.fast.learn(x, 1.0);
        self.slow.learn(x, learning_pace(mean / self.limits.1));
        spike > self.limits.0 || mean > self.limits.1 || variance > self.limits.2
    }
}

#[test]
fn a5_a_lasting_shift_of_one_sigma_is_found_within_300_buckets() {
    let mut normal = Normal::new(5);
    let found = (0..400)
        .filter(|_| {
            let mut pipeline = Pipeline::learned(1e4, &mut normal, 1_440);
            (0..300).any(|_| pipeline.alarms(1.0 + normal.draw()))
        })
        .count();
    assert!(found >= 392, "{found} of 400");
}

#[test]
fn in_control_the_pipeline_alarms_about_as_rarely_as_designed() {
    let mut normal = Normal::new(7);
    let mut pipeline = Pipeline::learned(1e4, &mut normal, 1_000);
    let mut alarms = 0;
    let mut resting = 0;
    for _ in 0..400_000 {
        // One alarm is one episode, however long the statistic stays out.
        let is_out = pipeline.alarms(normal.draw());
        alarms += u32::from(is_out && resting == 0);
        resting = if is_out { 30 } else { resting.max(1) - 1 };
    }
    // Two charts with ARL0 10,000 each and one with 55,556: 87 expected.
    assert!((30..=174).contains(&alarms), "{alarms} alarms in 400,000 observations");
}
