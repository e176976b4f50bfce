//! What was measured of a detector, and what that says: shares with Wilson's interval, rates with
//! Poisson's.

use anyhow::Context;
use serde_json::Value;

/// Two-sided 95 % of a normal distribution.
const Z: f64 = 1.96;

/// Calls of a protected contract in the week of a protocol, for figures that are counted per call.
pub(crate) const CALLS_PER_WEEK: f64 = 1_000.0;

/// Hits among tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) hits: u64,
    pub(crate) of: u64,
}

impl Share {
    pub(crate) fn value(self) -> f64 {
        self.hits as f64 / self.of.max(1) as f64
    }

    /// Wilson's 95 % interval.
    pub(crate) fn interval(self) -> (f64, f64) {
        if self.of == 0 {
            return (0.0, 1.0);
        }
        let (n, p) = (self.of as f64, self.value());
        let centre = p + Z * Z / (2.0 * n);
        let spread = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        let scale = 1.0 / (1.0 + Z * Z / n);
        (((centre - spread) * scale).max(0.0), ((centre + spread) * scale).min(1.0))
    }

    fn shown(self) -> String {
        let (low, high) = self.interval();
        let Self { hits, of } = self;
        let percent = 100.0 * self.value();
        format!("{hits}/{of} = {percent:.1} % ({:.1} to {:.1})", 100.0 * low, 100.0 * high)
    }
}

/// False alarms in a protocol-week.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct PerWeek {
    pub(crate) value: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl PerWeek {
    /// Of a count over so many weeks: Poisson's 95 % interval (Wilson and Hilferty's approximation).
    pub(crate) fn counted(count: u64, weeks: f64) -> Self {
        let edge = |n: f64, sign: f64| {
            (n * (1.0 - 1.0 / (9.0 * n) + sign * Z / (3.0 * n.sqrt())).powi(3)).max(0.0)
        };
        let n = count as f64;
        let low = if count == 0 { 0.0 } else { edge(n, -1.0) };
        Self { value: n / weeks, low: low / weeks, high: edge(n + 1.0, 1.0) / weeks }
    }

    fn shown(self) -> String {
        format!("{:.2} ({:.2} to {:.2})", self.value, self.low, self.high)
    }
}

/// One row of the table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Figure {
    /// Detector's id, or the command's name.
    pub(crate) detector: String,
    /// What it was measured on.
    pub(crate) data: String,
    /// How much of it.
    pub(crate) n: String,
    /// Of what should be found, what was.
    pub(crate) recall: Option<Share>,
    /// Of what was told, what should have been.
    pub(crate) precision: Option<Share>,
    pub(crate) false_alarms: Option<PerWeek>,
    /// How long before the loss, or after the beginning.
    pub(crate) lead: String,
}

impl Figure {
    /// The figure of a line that a measuring test printed; `None` for every other line.
    pub(crate) fn of_line(line: &str) -> anyhow::Result<Option<Self>> {
        let Some(text) = line.strip_prefix("figure ") else { return Ok(None) };
        let value: Value = serde_json::from_str(text).with_context(|| format!("line {line:?}"))?;
        let word = |key: &str| {
            let found = value[key].as_str().with_context(|| format!("no {key} in {line:?}"))?;
            anyhow::Ok(found.to_owned())
        };
        let pair = |key: &str| Some((value[key][0].as_u64()?, value[key][1].as_u64()?));
        let share = |key: &str| pair(key).map(|(hits, of)| Share { hits, of });
        let per_week = pair("false_alarms").map(|(count, weeks)| (count, weeks as f64));
        let per_call =
            pair("false_per_call").map(|(count, calls)| (count, calls as f64 / CALLS_PER_WEEK));
        Ok(Some(Self {
            detector: word("detector")?,
            data: word("data")?,
            n: word("n")?,
            recall: share("recall"),
            precision: share("precision"),
            false_alarms: per_week.or(per_call).map(|(n, weeks)| PerWeek::counted(n, weeks)),
            lead: word("lead")?,
        }))
    }

    /// The row in Markdown.
    pub(crate) fn row(&self) -> String {
        let share = |share: Option<Share>| share.map_or("–".to_owned(), Share::shown);
        let false_alarms = self.false_alarms.map_or("–".to_owned(), PerWeek::shown);
        let (recall, precision) = (share(self.recall), share(self.precision));
        let Self { detector, data, n, lead, .. } = self;
        format!(
            "| `{detector}` | {data} | {n} | {recall} | {precision} | {false_alarms} | {lead} |"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_of_the_books() {
        // Wilson, 8 of 10: 49.0 to 94.3 %. Poisson, 0 and 10 events: 0 to 3.69, 4.80 to 18.39.
        let (low, high) = Share { hits: 8, of: 10 }.interval();
        assert!((low - 0.490).abs() < 1e-3 && (high - 0.943).abs() < 1e-3, "{low} {high}");
        let none = PerWeek::counted(0, 1.0);
        assert!(none.low == 0.0 && (none.high - 3.69).abs() < 0.05, "{none:?}");
        let ten = PerWeek::counted(10, 1.0);
        assert!((ten.low - 4.80).abs() < 0.02 && (ten.high - 18.39).abs() < 0.02, "{ten:?}");
    }

    #[test]
    fn a_line_of_a_test_becomes_a_row() {
        let line = r#"figure {"detector":"a/b","data":"d","n":"9","recall":[1,2],"false_per_call":[0,2000],"lead":"1 min"}"#;
        let figure = Figure::of_line(line).unwrap().unwrap();
        let row =
            "| `a/b` | d | 9 | 1/2 = 50.0 % (9.5 to 90.5) | – | 0.00 (0.00 to 1.83) | 1 min |";
        assert_eq!(figure.row(), row);
        assert_eq!(Figure::of_line("test a ... ok").unwrap(), None);
        assert!(Figure::of_line("figure {}").is_err());
    }
}
