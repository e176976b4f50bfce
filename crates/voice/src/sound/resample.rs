//! Any rate to 8 kHz: a low-pass of a windowed sinc, evaluated where a sample is wanted.

use std::f64::consts::PI;

use super::RATE;

/// Zero crossings of the sinc on each side: beyond them it is below what 16 bits show of speech.
const CROSSINGS: f64 = 16.0;

/// Samples of another rate at [`RATE`]. Frequencies that do not fit are removed before they can fold
/// back (Shannon 1949).
pub(super) fn to_8_khz(samples: &[f64], rate: u32) -> Vec<f64> {
    if rate == RATE || samples.is_empty() || rate == 0 {
        return samples.to_vec();
    }
    let step = f64::from(rate) / f64::from(RATE);
    // Share of the input's band that is kept; a little below the edge, where the window is not steep.
    let band = (1.0 / step).min(1.0) * 0.95;
    let reach = CROSSINGS / band;
    let taps_each_side = reach.ceil() as i64;
    // Where a sample is wanted between two given ones repeats after so many samples.
    let phases = u64::from(RATE / gcd(rate, RATE));
    let kernels: Vec<Vec<f64>> = (0..phases)
        .map(|phase| {
            let between = (phase * u64::from(rate) % u64::from(RATE)) as f64 / f64::from(RATE);
            (-taps_each_side..=taps_each_side + 1)
                .map(|tap| {
                    let distance = tap as f64 - between;
                    band * sinc(distance * band) * hann(distance / reach)
                })
                .collect()
        })
        .collect();
    let len = samples.len() as u64 * u64::from(RATE) / u64::from(rate);
    (0..len)
        .map(|at| {
            let before = (at * u64::from(rate) / u64::from(RATE)) as i64;
            let kernel = &kernels[(at % phases) as usize];
            (before - taps_each_side..)
                .zip(kernel)
                .filter_map(|(i, weight)| Some(samples.get(usize::try_from(i).ok()?)? * weight))
                .sum()
        })
        .collect()
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn sinc(x: f64) -> f64 {
    if x.abs() < 1e-9 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

/// Window of Hann on −1…1.
fn hann(x: f64) -> f64 {
    if x.abs() >= 1.0 { 0.0 } else { 0.5 * (1.0 + (PI * x).cos()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hz: f64, rate: u32) -> Vec<f64> {
        (0..rate).map(|i| (2.0 * PI * hz * f64::from(i) / f64::from(rate)).sin()).collect()
    }

    fn loudness(samples: &[f64]) -> f64 {
        let middle = &samples[samples.len() / 4..samples.len() * 3 / 4];
        (middle.iter().map(|s| s * s).sum::<f64>() / middle.len() as f64).sqrt()
    }

    #[test]
    fn what_a_telephone_carries_stays_and_what_it_does_not_goes() {
        for rate in [11_025, 16_000, 22_050, 44_100, 48_000] {
            let kept = to_8_khz(&tone(1_000.0, rate), rate);
            assert!((kept.len() as i64 - 8_000).abs() <= 1, "{rate}: {}", kept.len());
            assert!((loudness(&kept) - 0.707).abs() < 0.01, "{rate}: {}", loudness(&kept));
            if rate > 11_025 {
                let folded = loudness(&to_8_khz(&tone(5_000.0, rate), rate));
                assert!(folded < 0.01, "{rate}: {folded}");
            }
        }
        let upward = to_8_khz(&tone(1_000.0, 4_000), 4_000);
        assert!((loudness(&upward) - 0.707).abs() < 0.01, "{}", loudness(&upward));
    }
}
