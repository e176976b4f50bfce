//! Numbers to pixels, and the ticks people read.

use model::UnixSeconds;

/// A linear map from a range of values to a range of pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) from_px: f64,
    pub(super) to_px: f64,
}

impl Scale {
    /// The pixel of a value; values outside the range land on its edge.
    pub(super) fn px(self, value: f64) -> f64 {
        let span = self.high - self.low;
        let share = if span > 0.0 { (value - self.low) / span } else { 0.5 };
        self.from_px + share.clamp(0.0, 1.0) * (self.to_px - self.from_px)
    }
}

/// Round values that cover `low..=high` in about `count` steps, at least two.
pub fn value_ticks(low: f64, high: f64, count: usize) -> Vec<f64> {
    let (low, high) = if high > low { (low, high) } else { (low - 0.5, low + 0.5) };
    let raw = (high - low) / count.max(1) as f64;
    let magnitude = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|m| m * magnitude)
        .find(|step| *step >= raw * 0.999)
        .unwrap_or(10.0 * magnitude);
    let first = (low / step).floor() as i64;
    let last = (high / step).ceil() as i64;
    (first..=last).map(|i| i as f64 * step).collect()
}

/// Round moments inside `from..=to`, at most `count_max`, with the label each carries.
pub fn time_ticks(
    from: UnixSeconds,
    to: UnixSeconds,
    count_max: usize,
) -> Vec<(UnixSeconds, String)> {
    const STEPS_S: [u64; 15] = [
        1, 5, 10, 30, 60, 300, 600, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400, 604_800,
        2_592_000,
    ];
    let span_s = to.seconds_since(from);
    let fits = |step: &&u64| span_s / **step <= count_max.max(1) as u64;
    let step_s = STEPS_S.iter().find(fits).copied().unwrap_or(31_536_000);
    let first = from.0.div_ceil(step_s);
    (first..=to.0 / step_s)
        .map(|i| {
            let at = UnixSeconds(i * step_s);
            (at, time_label(at, step_s))
        })
        .collect()
}

fn time_label(at: UnixSeconds, step_s: u64) -> String {
    let second = i64::try_from(at.0).unwrap_or(i64::MAX);
    let Ok(moment) = jiff::Timestamp::from_second(second) else { return String::new() };
    let format = match step_s {
        0..60 => "%H:%M:%S",
        60..86_400 => "%H:%M",
        _ => "%d %b",
    };
    moment.strftime(format).to_string()
}

/// A number as people say it: `1.2M`, `35k`, `0.04`.
pub fn format_si(value: f64) -> String {
    let size = value.abs();
    let (divisor, suffix) = match size {
        s if s >= 1e12 => (1e12, "T"),
        s if s >= 1e9 => (1e9, "G"),
        s if s >= 1e6 => (1e6, "M"),
        s if s >= 1e4 => (1e3, "k"),
        _ => (1.0, ""),
    };
    let scaled = value / divisor;
    let text = match scaled.abs() {
        0.0 => "0".to_owned(),
        s if s >= 100.0 || scaled.fract() == 0.0 => format!("{scaled:.0}"),
        s if s >= 1.0 => format!("{scaled:.1}"),
        s if s >= 0.001 => format!("{scaled:.3}").trim_end_matches('0').to_owned(),
        _ => format!("{scaled:.1e}"),
    };
    format!("{text}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ticks_are_round_and_cover_the_range() {
        assert_eq!(value_ticks(0.0, 97.0, 4), [0.0, 50.0, 100.0]);
        assert_eq!(value_ticks(3.0, 3.0, 4), [2.5, 3.0, 3.5], "a constant still has an axis");
        let labels: Vec<String> =
            time_ticks(UnixSeconds(0), UnixSeconds(3_600), 6).into_iter().map(|(_, l)| l).collect();
        assert_eq!(labels, ["00:00", "00:10", "00:20", "00:30", "00:40", "00:50", "01:00"]);
    }

    #[test]
    fn numbers_read_like_a_person_says_them() {
        let said: Vec<String> = [0.0, 0.04, 3.0, 12.34, 1234.0, 35_000.0, 1_250_000.0]
            .into_iter()
            .map(format_si)
            .collect();
        assert_eq!(said, ["0", "0.04", "3", "12.3", "1234", "35k", "1.2M"]);
    }

    proptest! {
        #[test]
        fn ticks_never_explode_and_always_cover(low in -1e12f64..1e12, width in 1e-6f64..1e12) {
            let ticks = value_ticks(low, low + width, 5);
            prop_assert!((2..=9).contains(&ticks.len()), "{} ticks", ticks.len());
            let slack = width * 1e-3 + low.abs() * 1e-12;
            prop_assert!(ticks[0] <= low + slack && ticks[ticks.len() - 1] >= low + width - slack);
        }
    }
}
