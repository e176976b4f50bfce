//! `bellwether anomaly`: what is unusual in any series of moments and values.

use std::{
    fs,
    io::{self, BufWriter, Read as _, Write as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use detect::series::{ALARM_SCORE, Rhythm, Scored, Scorer};
use model::UnixSeconds;
use serde_json::json;

use super::Outcome;
use crate::{
    chart::{BandPoint, LineChart, Marker, Palette, Point},
    series_file::{self, Row},
    terminal::{note, print_line},
};

/// Alarms that are listed for a person; all of them are in --json and --scores.
const LISTED_MAX: usize = 40;

/// Points that a chart can show apart.
const CHART_COLUMNS: usize = 600;

/// Spreads on either side of the expectation that count as usual in text and chart.
const BAND_SPREADS: f64 = 3.0;

/// Find what is unusual in any series: a CSV file of moments and values, judged row by row as if it
/// arrived live, with no training, no settings and nothing known of later rows.
///
/// Moments are ISO 8601, `YYYY-MM-DD HH:MM:SS` or a count since 1970 (s, ms, us, ns); a header is
/// optional; empty, NaN, NA and null are missing values, which are not judged. FILE may be - for
/// standard input. Exit code 0 when the file was judged, 1 when --fail was given and an alarm found,
/// 2 when the file cannot be used (each mistake is told with file, line and column).
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  bellwether anomaly gas.csv --chart gas.svg\n  bellwether anomaly gas.csv --scores > scored.csv\n  psql -c \"copy (select at, price from quotes order by at) to stdout csv\" | bellwether anomaly - --json"
)]
pub(super) struct Anomaly {
    /// CSV file of moments and values, or - for standard input.
    file: PathBuf,
    /// Print timestamp,value,score for each row, in the file's order and words.
    #[arg(long, conflicts_with = "json")]
    scores: bool,
    /// Score from which a row is an alarm, between 0 and 1.
    #[arg(long, value_name = "SCORE", default_value_t = ALARM_SCORE, value_parser = threshold)]
    threshold: f64,
    /// Draw the series, its usual range and the alarms.
    #[arg(long, value_name = "FILE.svg")]
    chart: Option<PathBuf>,
    /// Exit code 1 when there is an alarm.
    #[arg(long)]
    fail: bool,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
}

fn threshold(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(score) if score > 0.0 && score < 1.0 => Ok(score),
        _ => Err("a score lies between 0 and 1".to_owned()),
    }
}

/// What is odd about the file, without being wrong.
#[derive(Debug)]
struct Oddities {
    missing: usize,
    repeated: usize,
    out_of_order: usize,
}

impl Anomaly {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let name = self.file.display().to_string();
        let text = read(&self.file)?;
        let rows = series_file::read(&name, &text)?;
        let mut scorer = Scorer::new();
        let scored: Vec<Scored> =
            rows.iter().map(|row| scorer.push(row.at.seconds, row.value)).collect();
        let alarms: Vec<usize> =
            (0..rows.len()).filter(|i| scored[*i].score >= self.threshold).collect();
        if let Some(path) = &self.chart {
            let svg = chart(&name, &rows, &scored, &alarms).svg(Palette::Print);
            fs::write(path, svg).with_context(|| format!("writing {}", path.display()))?;
        }
        let oddities = oddities(&rows);
        if self.scores {
            print_scores(&rows, &scored)?;
            tell(&name, &oddities, &note);
        } else if self.json {
            print_line(&as_json(&name, self.threshold, &rows, &scored, &alarms, &oddities));
        } else {
            print_text(&name, &rows, &scored, &alarms);
            tell(&name, &oddities, &print_line);
        }
        let is_wrong = self.fail && !alarms.is_empty();
        Ok(if is_wrong { Outcome::FoundWrong } else { Outcome::Fine })
    }
}

fn read(file: &Path) -> anyhow::Result<String> {
    let bytes = if file.as_os_str() == "-" {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).context("reading standard input")?;
        bytes
    } else {
        fs::read(file).with_context(|| format!("reading {}", file.display()))?
    };
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.iter().filter(|b| **b == b'\n').count() + 1;
        anyhow::anyhow!("{}:{line}:1: not UTF-8 text", file.display())
    })
}

fn oddities(rows: &[Row<'_>]) -> Oddities {
    let missing = rows.iter().filter(|row| row.value.is_nan()).count();
    let mut odd = Oddities { missing, repeated: 0, out_of_order: 0 };
    for pair in rows.windows(2) {
        odd.repeated += usize::from(pair[1].at == pair[0].at);
        odd.out_of_order += usize::from(pair[1].at < pair[0].at);
    }
    odd
}

fn tell(name: &str, odd: &Oddities, say: &dyn Fn(&dyn std::fmt::Display)) {
    let counts = [
        (odd.missing, "missing values, which were not judged"),
        (odd.repeated, "rows repeat the moment before; each was judged"),
        (
            odd.out_of_order,
            "rows are earlier than the one before; they were judged in the file's order",
        ),
    ];
    for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
        say(&format!("{name}: {count} {what}"));
    }
}

fn print_scores(rows: &[Row<'_>], scored: &[Scored]) -> anyhow::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut print = || -> io::Result<()> {
        writeln!(out, "timestamp,value,score")?;
        for (row, scored) in rows.iter().zip(scored) {
            writeln!(out, "{},{},{:.6}", row.moment_text, row.value_text, scored.score)?;
        }
        out.flush()
    };
    match print() {
        // The reader has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("writing scores"),
    }
}

fn headline(rows: &[Row<'_>], alarms: &[usize]) -> String {
    let first = rows.first().map_or("", |row| row.moment_text);
    let last = rows.last().map_or("", |row| row.moment_text);
    let what = match alarms.len() {
        0 => "nothing unusual".to_owned(),
        1 => "1 alarm".to_owned(),
        n => format!("{n} alarms"),
    };
    format!("{what} in {} rows from {first} to {last}", rows.len())
}

fn print_text(name: &str, rows: &[Row<'_>], scored: &[Scored], alarms: &[usize]) {
    print_line(&format!("{name}: {}", headline(rows, alarms)));
    for i in alarms.iter().take(LISTED_MAX) {
        print_line(&format!("  {}", sentence(&rows[*i], &scored[*i])));
    }
    if alarms.len() > LISTED_MAX {
        print_line(&format!("  and {} more (--json has them all)", alarms.len() - LISTED_MAX));
    }
}

/// An alarm in one line: when, what, how unusual, and against what.
fn sentence(row: &Row<'_>, scored: &Scored) -> String {
    let sign = scored.sign.map_or("", |sign| sign.as_str());
    let usual = scored.usual.map_or(String::new(), |usual| {
        let when = match usual.rhythm {
            Some(Rhythm::Day) => " at this time of day",
            Some(Rhythm::Week) => " at this hour of the week",
            None => "",
        };
        let (low, high) = band(usual.expected, usual.spread);
        format!(", usual{when}: {} to {}", shown(low), shown(high))
    });
    format!("{}  {:<10}  score {:.2}  {sign}{usual}", row.moment_text, row.value_text, scored.score)
}

fn band(expected: f64, spread: f64) -> (f64, f64) {
    (expected - BAND_SPREADS * spread, expected + BAND_SPREADS * spread)
}

/// Four digits are what a person compares.
fn shown(x: f64) -> String {
    if x != 0.0 && !(1e-3..1e6).contains(&x.abs()) {
        return format!("{x:.3e}");
    }
    let digits = if x.abs() >= 1_000.0 { 0 } else { 3 };
    format!("{x:.digits$}")
}

fn as_json(
    name: &str,
    threshold: f64,
    rows: &[Row<'_>],
    scored: &[Scored],
    alarms: &[usize],
    odd: &Oddities,
) -> serde_json::Value {
    let listed: Vec<_> = alarms
        .iter()
        .map(|i| {
            let (row, scored) = (&rows[*i], &scored[*i]);
            json!({
                "line": row.line,
                "timestamp": row.moment_text,
                "unix_s": row.at.seconds,
                "value": row.value,
                "score": scored.score,
                "sign": scored.sign,
                "surprise": scored.surprise,
                "tail_probability": scored.tail,
                "expected": scored.usual.map(|u| u.expected),
                "usual_low": scored.usual.map(|u| band(u.expected, u.spread).0),
                "usual_high": scored.usual.map(|u| band(u.expected, u.spread).1),
                "rhythm": scored.usual.and_then(|u| u.rhythm),
            })
        })
        .collect();
    let regimes: Vec<_> = rows
        .iter()
        .zip(scored)
        .filter(|(_, scored)| scored.is_new_regime)
        .map(|(row, _)| json!({ "line": row.line, "timestamp": row.moment_text }))
        .collect();
    json!({
        "file": name,
        "rows": rows.len(),
        "missing": odd.missing,
        "repeated": odd.repeated,
        "out_of_order": odd.out_of_order,
        "threshold": threshold,
        "alarms": listed,
        "new_regimes": regimes,
    })
}

/// The series as a chart: of each column the lowest and the highest value, so that no spike is lost.
fn chart(name: &str, rows: &[Row<'_>], scored: &[Scored], alarms: &[usize]) -> LineChart {
    let at = |row: &Row<'_>| UnixSeconds(u64::try_from(row.at.seconds).unwrap_or(0));
    let mut order: Vec<usize> = (0..rows.len()).filter(|i| rows[*i].value.is_finite()).collect();
    order.sort_by_key(|i| rows[*i].at);
    let (mut points, mut usual_range) = (Vec::new(), Vec::new());
    for column in order.chunks(order.len().div_ceil(CHART_COLUMNS).max(1)) {
        let by_value = |a: &&usize, b: &&usize| rows[**a].value.total_cmp(&rows[**b].value);
        let ends = [column.iter().min_by(by_value), column.iter().max_by(by_value)];
        let mut ends: Vec<usize> = ends.into_iter().flatten().copied().collect();
        ends.sort_by_key(|i| rows[*i].at);
        ends.dedup();
        points.extend(ends.iter().map(|i| Point { at: at(&rows[*i]), value: rows[*i].value }));
        if let Some((first, usual)) = column.first().and_then(|i| Some((i, scored[*i].usual?))) {
            let (low, high) = band(usual.expected, usual.spread);
            usual_range.push(BandPoint { at: at(&rows[*first]), low, high });
        }
    }
    let markers = alarms
        .iter()
        .map(|i| Marker {
            at: at(&rows[*i]),
            label: scored[*i].sign.map_or("unusual", |sign| sign.as_str()).to_owned(),
        })
        .collect();
    let (from, to) = (order.first().map(|i| at(&rows[*i])), order.last().map(|i| at(&rows[*i])));
    LineChart {
        title: format!("{name}: {}", headline(rows, alarms)),
        unit: "value".to_owned(),
        from: from.unwrap_or(UnixSeconds(0)),
        to: to.unwrap_or(UnixSeconds(0)),
        gap_s: gap_s(&points),
        points,
        band: usual_range,
        markers,
        width_px: 960,
        height_px: 280,
    }
}

/// Five times the usual distance of the chart's points: more is a time without data.
fn gap_s(points: &[Point]) -> u64 {
    let mut apart: Vec<u64> =
        points.windows(2).map(|pair| pair[1].at.seconds_since(pair[0].at)).collect();
    apart.sort_unstable();
    apart.get(apart.len() / 2).map_or(1, |usual| (5 * usual).max(1))
}
