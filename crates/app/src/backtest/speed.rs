//! How fast it went. The only part of a backtest that differs from run to run.

use std::time::Instant;

use cpu_time::ProcessTime;

use super::report::Speed;

/// Wall and CPU time since the beginning.
pub(super) struct Stopwatch {
    wall: Instant,
    cpu: ProcessTime,
}

impl Stopwatch {
    pub(super) fn start() -> Self {
        Self { wall: Instant::now(), cpu: ProcessTime::now() }
    }

    pub(super) fn stop(&self, blocks: u64) -> Speed {
        let (wall_s, cpu_s) = (self.wall.elapsed().as_secs_f64(), self.cpu.elapsed().as_secs_f64());
        let blocks_per_cpu_s = (cpu_s > 0.0).then(|| blocks as f64 / cpu_s);
        Speed { wall_s, cpu_s, blocks_per_cpu_s }
    }
}

/// Bits below the leading one that tell values of one power of two apart: steps of at most 12.5 %.
const FINE_BITS: u32 = 3;

/// Counts of durations in steps of at most 12.5 %: constant memory, however many there are.
#[derive(Debug, Clone)]
pub(super) struct Histogram {
    counts: Vec<u64>,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; (64 << FINE_BITS) as usize] }
    }
}

impl Histogram {
    pub(super) fn add(&mut self, value: u64) {
        self.counts[bucket(value)] += 1;
    }

    /// The middle of the step below which this share of the values lies; `None` without values.
    pub(super) fn quantile(&self, share: f64) -> Option<u64> {
        let total: u64 = self.counts.iter().sum();
        if total == 0 {
            return None;
        }
        let due = ((total as f64 * share).ceil() as u64).clamp(1, total);
        let mut seen = 0;
        let at = self.counts.iter().position(|count| {
            seen += count;
            seen >= due
        })?;
        Some(u64::midpoint(floor(at), floor(at + 1)))
    }
}

fn bucket(value: u64) -> usize {
    let value = value.max(1);
    let power = value.ilog2();
    let fine = if power >= FINE_BITS {
        (value >> (power - FINE_BITS)) & ((1 << FINE_BITS) - 1)
    } else {
        (value << (FINE_BITS - power)) & ((1 << FINE_BITS) - 1)
    };
    ((power << FINE_BITS) as usize) + fine as usize
}

/// The least value of a step.
fn floor(bucket: usize) -> u64 {
    let power = (bucket >> FINE_BITS) as u32;
    let fine = (bucket & ((1 << FINE_BITS) - 1)) as u64;
    let mantissa = (1 << FINE_BITS) + fine;
    match power {
        64.. => u64::MAX,
        power if power >= FINE_BITS => mantissa << (power - FINE_BITS),
        power => mantissa >> (FINE_BITS - power),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_within_a_step_of_the_exact_one() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantile(0.5), None);
        for value in 1..=10_000u64 {
            histogram.add(value * 1_000);
        }
        for (share, exact) in [(0.5, 5_000_000.0), (0.95, 9_500_000.0), (0.99, 9_900_000.0)] {
            let found = histogram.quantile(share).unwrap() as f64;
            assert!((found / exact - 1.0).abs() <= 0.125, "{share}: {found} for {exact}");
        }
        histogram.add(u64::MAX);
        assert!(histogram.quantile(1.0).unwrap() >= 1 << 63);
    }
}
