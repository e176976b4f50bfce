//! Detectors of the benchmark's own table, to show that the scorer scores as the published one does.

/// Says the same always.
pub(crate) fn null(values: &[f64]) -> Vec<f64> {
    vec![0.5; values.len()]
}

/// Window and step of the published `windowedGaussian`.
const WINDOW: usize = 6_400;
const STEP: usize = 100;

/// One minus the normal tail probability of a value, with mean and spread of a window of the values
/// before it: the window grows to [`WINDOW`] and then moves on by [`STEP`].
pub(crate) fn windowed_gaussian(values: &[f64]) -> Vec<f64> {
    let mut scores = Vec::with_capacity(values.len());
    let (mut from, mut mean, mut spread) = (0, 0.0, 1.0);
    let mut known = 0;
    for (i, value) in values.iter().enumerate() {
        scores.push(if i == 0 {
            0.0
        } else {
            let z = (value - mean).abs() / spread;
            1.0 - 0.5 * libm::erfc(z / std::f64::consts::SQRT_2)
        });
        let is_growing = i < WINDOW;
        let is_step = !is_growing && i + 1 - known == STEP;
        if is_growing || is_step {
            known = i + 1;
            from = known.saturating_sub(WINDOW).max(from);
            let window = &values[from..known];
            let n = window.len() as f64;
            mean = window.iter().sum::<f64>() / n;
            let variance = window.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n;
            spread = if variance == 0.0 { 1e-6 } else { variance.sqrt() };
        }
    }
    scores
}
