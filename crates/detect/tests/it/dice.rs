//! Numbers of known distributions, and series in which nothing is wrong.

use rand::{Rng, SeedableRng, rngs::StdRng};

/// Values of a day, one every five minutes.
pub(crate) const DAY: usize = 288;

/// Numbers of known distributions.
pub(crate) struct Dice(StdRng);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// Standard normal (Box and Muller).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.0.random::<f64>()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.0.random::<f64>()).cos()
    }

    /// Student's t.
    pub(crate) fn student(&mut self, degrees: u32) -> f64 {
        let squares: f64 = (0..degrees).map(|_| self.normal().powi(2)).sum();
        self.normal() / (squares / f64::from(degrees)).sqrt()
    }

    /// Exponential with mean one.
    pub(crate) fn exponential(&mut self) -> f64 {
        -(1.0 - self.0.random::<f64>()).ln()
    }
}

/// What time of day it is, as a wave.
pub(crate) fn daily(row: usize) -> f64 {
    (std::f64::consts::TAU * (row % DAY) as f64 / DAY as f64).sin()
}

/// Series in which nothing is wrong, by name: light and heavy tails, skewed, autocorrelated,
/// seasonal.
pub(crate) const IN_CONTROL: [&str; 12] = [
    "normal",
    "student t4",
    "student t3",
    "lognormal",
    "exponential",
    "gamma 2",
    "ar .5",
    "ar .8",
    "ar .9",
    "lognormal ar .5",
    "daily",
    "daily ar .5",
];

/// Values of one of [`IN_CONTROL`].
pub(crate) fn in_control(kind: &str, rows: usize, seed: u64) -> Vec<f64> {
    let mut dice = Dice::new(seed);
    let mut x = 0.0;
    let mut correlated = |phi: f64, dice: &mut Dice| {
        x = phi * x + dice.normal();
        x
    };
    (0..rows)
        .map(|row| match kind {
            "normal" => dice.normal(),
            "student t4" => dice.student(4),
            "student t3" => dice.student(3),
            "lognormal" => dice.normal().exp(),
            "exponential" => dice.exponential(),
            "gamma 2" => dice.exponential() + dice.exponential(),
            "ar .5" => correlated(0.5, &mut dice),
            "ar .8" => correlated(0.8, &mut dice),
            "ar .9" => correlated(0.9, &mut dice),
            "lognormal ar .5" => correlated(0.5, &mut dice).exp(),
            "daily" => 3.0 * daily(row) + dice.normal(),
            "daily ar .5" => 4.0 * daily(row) + correlated(0.5, &mut dice),
            other => panic!("no series {other}"),
        })
        .collect()
}
