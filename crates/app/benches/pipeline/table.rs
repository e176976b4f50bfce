//! Rows, goals, verdicts.

use std::{process::ExitCode, time::Duration};

/// Prints rows as they come and remembers whether anything was missed.
#[derive(Default)]
pub(super) struct Table {
    missed: usize,
}

/// Measurements of one thing.
#[derive(Debug, Clone)]
pub(super) struct Sample(Vec<f64>);

impl Sample {
    pub(super) fn new(mut values: Vec<f64>) -> Self {
        assert!(!values.is_empty(), "nothing was measured");
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    /// Milliseconds per block.
    pub(super) fn per_block(times: &[Duration], blocks: usize) -> Self {
        Self::new(times.iter().map(|time| time.as_secs_f64() * 1e3 / blocks as f64).collect())
    }

    /// This over that, repeat by repeat. Both must be in the order in which they were measured.
    pub(super) fn ratios(times: &[Duration], over: &[Duration]) -> Self {
        let pairs = times.iter().zip(over);
        Self::new(pairs.map(|(a, b)| a.as_secs_f64() / b.as_secs_f64()).collect())
    }

    /// The value below which this share lies.
    pub(super) fn quantile(&self, share: f64) -> f64 {
        let last = self.0.len() - 1;
        self.0[(share * last as f64).round() as usize]
    }

    fn n(&self) -> usize {
        self.0.len()
    }
}

impl Table {
    /// Begins a part.
    pub(super) fn heading(&mut self, text: &str) {
        println!("\n{text}");
        println!(
            "  {:58} {:>4} {:>9} {:>9} {:>9}  {:8}",
            "", "n", "median", "25 %", "75 %", "unit"
        );
    }

    /// A figure without a goal.
    pub(super) fn row(&mut self, label: &str, sample: &Sample, unit: &str) {
        println!("{}", line(label, sample, unit));
    }

    /// A figure that must not lie above its goal by more than it varies.
    pub(super) fn goal(&mut self, label: &str, sample: &Sample, unit: &str, most: f64) {
        let verdict = match self.verdict(sample.quantile(0.25) <= most) {
            "PASS" if sample.quantile(0.5) > most => "AT THE GOAL (within what varies)",
            verdict => verdict,
        };
        println!("{} <= {most:<6} {verdict}", line(label, sample, unit));
    }

    /// A single value with a goal; `misses_at` is where it counts as missed.
    pub(super) fn single(
        &mut self,
        label: &str,
        value: f64,
        unit: &str,
        most: f64,
        misses_at: f64,
    ) {
        let verdict = match self.verdict(value <= misses_at) {
            "PASS" if value > most => "OVER (wall time: not counted)",
            verdict => verdict,
        };
        println!(
            "  {label:58} {:>4} {value:9.3} {:>9} {:>9}  {unit:8} <= {most:<6} {verdict}",
            1, "", ""
        );
    }

    /// Something to know.
    pub(super) fn note(&mut self, text: &str) {
        println!("  {text}");
    }

    fn verdict(&mut self, is_met: bool) -> &'static str {
        self.missed += usize::from(!is_met);
        if is_met { "PASS" } else { "MISS" }
    }

    /// The exit code.
    pub(super) fn finish(self) -> ExitCode {
        match self.missed {
            0 => {
                println!("\nall goals met");
                ExitCode::SUCCESS
            }
            missed => {
                println!("\n{missed} goals missed");
                ExitCode::FAILURE
            }
        }
    }
}

fn line(label: &str, sample: &Sample, unit: &str) -> String {
    let [low, middle, high] = [0.25, 0.5, 0.75].map(|share| sample.quantile(share));
    format!("  {label:58} {:>4} {middle:9.3} {low:9.3} {high:9.3}  {unit:8}", sample.n())
}
