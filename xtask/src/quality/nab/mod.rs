//! The Numenta Anomaly Benchmark: `bellwether anomaly --scores` on each of the corpus' series, held
//! against the benchmark's windows by its own scoring rules.
//!
//! What is scored is what a user gets: the program's printed scores. No label is known to it. The
//! scorer proves itself first: the published `windowedGaussian` detector must get its published
//! result on every file ([`published`]).
//!
//! One file in three is held out, by a hash of its path ([`is_held_out`]): constants were chosen on
//! the others, and the held-out figure uses their threshold.

mod alarms; //    as a user gets them: found, wrong, how soon
mod published; // results of reference detectors, file by file
mod reference; // detectors of the published table
mod score; //     the benchmark's scoring rules

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail};
use serde_json::Value;

use super::Measured;

use self::score::{PROFILES, Profile, Scored, at_threshold, best, normalised};

/// A series of the benchmark.
struct Series {
    file: String,
    csv: String,
    values: Vec<f64>,
    /// Times of the rows, in seconds.
    moments: Vec<i64>,
    windows: Vec<(usize, usize)>,
}

/// Runs and prints everything; fails when the scorer does not reproduce what was published.
pub(super) fn run(_: bool) -> anyhow::Result<Measured> {
    let series = corpus()?;
    validate(&series)?;
    let program = super::program()?;
    let scored =
        series.iter().map(|one| judge(&program, one)).collect::<anyhow::Result<Vec<Scored>>>()?;
    print_files(&scored);
    let (held_out, tuned): (Vec<Scored>, Vec<Scored>) =
        scored.iter().cloned().partition(|s| is_held_out(&s.file));
    println!(
        "\n{:32} {:>9} {:>14} {:>14}",
        "", PROFILES[0].name, PROFILES[1].name, PROFILES[2].name
    );
    let row = |name: &str, cell: &dyn Fn(&Profile) -> f64| {
        let cells = PROFILES.map(|profile| cell(&profile));
        println!("{name:32} {:>9.1} {:>14.1} {:>14.1}", cells[0], cells[1], cells[2]);
    };
    let own = |set: &[Scored], p: &Profile| normalised(set, p, best(set, p).raw);
    row(&format!("all {} series", scored.len()), &|p| own(&scored, p));
    row(&format!("{} series chosen on", tuned.len()), &|p| own(&tuned, p));
    row(&format!("{} set aside, threshold of those", held_out.len()), &|p| {
        let threshold = best(&tuned, p).threshold;
        normalised(&held_out, p, at_threshold(&held_out, p, threshold).raw)
    });
    row(&format!("{} set aside, own threshold", held_out.len()), &|p| own(&held_out, p));
    println!("\non the same series:");
    let by = |f: fn(&[f64]) -> Vec<f64>| -> Vec<Scored> {
        series.iter().map(|s| with_scores(s, f(&s.values))).collect()
    };
    let (null, gaussian) = (by(reference::null), by(reference::windowed_gaussian));
    row("windowedGaussian", &|p| own(&gaussian, p));
    row("null", &|p| own(&null, p));
    let windows: usize = series.iter().map(|s| s.windows.len()).sum();
    for (name, results) in published::OTHERS {
        let raw: f64 = scored.iter().filter_map(|s| published::result(results, &s.file)).sum();
        println!("{name:32} {:>9.1}", 50.0 * (raw + windows as f64) / windows as f64);
    }
    let moments: Vec<Vec<i64>> = series.into_iter().map(|s| s.moments).collect();
    let score = |name: &str, p: &Profile, set: &[Scored]| (format!("NAB {name}"), own(set, p));
    let mut scores: Vec<(String, f64)> = PROFILES
        .iter()
        .map(|p| score(&format!("{}, all {}", p.name, scored.len()), p, &scored))
        .collect();
    let standard = &PROFILES[0];
    scores.push(score(&format!("standard, {} chosen on", tuned.len()), standard, &tuned));
    let of_tuned = at_threshold(&held_out, standard, best(&tuned, standard).threshold).raw;
    let name = format!("NAB standard, {} set aside, threshold of the others", held_out.len());
    scores.push((name, normalised(&held_out, standard, of_tuned)));
    let figures = vec![alarms::figure(&scored, &moments)];
    Ok(Measured { figures, scores, ..Measured::default() })
}

/// Whether a series is held out: FNV-1a, 64 bits, of its path below `data/`, divisible by three.
fn is_held_out(file: &str) -> bool {
    let hash = file.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash.is_multiple_of(3)
}

fn print_files(scored: &[Scored]) {
    let standard = &PROFILES[0];
    let threshold = best(scored, standard).threshold;
    println!("\nstandard profile, one threshold for all: {threshold:.6}\n");
    println!("{:60} {:>6} {:>7} {:>6} {:>6} {:>5}", "", "rows", "windows", "found", "false", "raw");
    for one in scored {
        let result = at_threshold(std::slice::from_ref(one), standard, threshold);
        let held_out = if is_held_out(&one.file) { "  set aside" } else { "" };
        println!(
            "{:60} {:>6} {:>7} {:>6} {:>6} {:>5.2}{held_out}",
            one.file,
            one.scores.len(),
            result.windows,
            result.found,
            result.false_rows,
            result.raw
        );
    }
    let all = at_threshold(scored, standard, threshold);
    let outside: usize = scored.iter().map(score::rows_outside_windows).sum();
    println!(
        "\n{} of {} windows found, {} false rows of {outside} that count and lie outside windows",
        all.found, all.windows, all.false_rows
    );
}

/// The published detector gets its published result on each file.
fn validate(series: &[Series]) -> anyhow::Result<()> {
    let mut largest: f64 = 0.0;
    let mut known = 0;
    for one in series {
        let Some(expected) = published::result(published::WINDOWED_GAUSSIAN, &one.file) else {
            continue;
        };
        let scores = reference::windowed_gaussian(&one.values);
        // The published files hold twelve digits, and the published threshold is 1.
        let rounded = scores.into_iter().map(|s| (s * 1e12).round() / 1e12).collect();
        let scored = with_scores(one, rounded);
        let found = at_threshold(&[scored], &PROFILES[0], 1.0).raw;
        let off = (found - expected).abs();
        if off > 1e-6 {
            bail!("{}: windowedGaussian scores {found}, published {expected}", one.file);
        }
        largest = largest.max(off);
        known += 1;
    }
    println!(
        "scorer: windowedGaussian as published on {known} of {} series, largest difference {largest:.0e}",
        series.len()
    );
    Ok(())
}

fn with_scores(series: &Series, scores: Vec<f64>) -> Scored {
    Scored { file: series.file.clone(), scores, windows: series.windows.clone() }
}

/// The program's scores, as it prints them.
fn judge(program: &Path, series: &Series) -> anyhow::Result<Scored> {
    let folder = tempfile::tempdir().context("making a folder")?;
    // The program learns nothing from the name either.
    let file = folder.path().join("series.csv");
    fs::write(&file, &series.csv).with_context(|| format!("writing {}", file.display()))?;
    let mut command = Command::new(program);
    let printed = crate::run::read(command.arg("anomaly").arg(&file).arg("--scores"))?;
    let scores = printed
        .lines()
        .skip(1)
        .map(|line| line.rsplit(',').next().unwrap_or_default().parse::<f64>())
        .collect::<Result<Vec<f64>, _>>()
        .with_context(|| format!("scores of {}", series.file))?;
    if scores.len() != series.values.len() {
        bail!("{}: {} scores for {} rows", series.file, scores.len(), series.values.len());
    }
    Ok(with_scores(series, scores))
}

/// Every labelled series, in the order of their names.
fn corpus() -> anyhow::Result<Vec<Series>> {
    let folder = super::corpus()?.join("timeseries/NAB");
    let labels = folder.join("labels/combined_windows.json");
    let text =
        fs::read_to_string(&labels).with_context(|| format!("reading {}", labels.display()))?;
    let labels: Value = serde_json::from_str(&text).context("reading the benchmark's labels")?;
    let labels = labels.as_object().context("labels are not an object")?;
    labels.iter().map(|(file, windows)| one(&folder, file, windows)).collect()
}

fn one(folder: &Path, file: &str, windows: &Value) -> anyhow::Result<Series> {
    let csv = text(&folder.join("data").join(file))?;
    let rows: Vec<(&str, &str)> =
        csv.lines().skip(1).filter_map(|line| line.trim_end().split_once(',')).collect();
    let values = rows
        .iter()
        .map(|(_, value)| value.parse::<f64>())
        .collect::<Result<Vec<f64>, _>>()
        .with_context(|| format!("values of {file}"))?;
    let moments = rows
        .iter()
        .map(|(at, _)| seconds(at).with_context(|| format!("{at:?} in {file} is no moment")))
        .collect::<anyhow::Result<Vec<i64>>>()?;
    let row_of = |moment: &Value| {
        let moment = moment.as_str().unwrap_or_default();
        let seconds = moment.split('.').next().unwrap_or_default();
        rows.iter()
            .position(|(at, _)| *at == seconds)
            .with_context(|| format!("{file} has no row at {moment}, where a window ends"))
    };
    let windows = windows
        .as_array()
        .with_context(|| format!("windows of {file}"))?
        .iter()
        .map(|window| Ok((row_of(&window[0])?, row_of(&window[1])?)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    Ok(Series { file: file.to_owned(), values, moments, windows, csv })
}

/// Seconds since 1970 of `2014-04-01 00:05:00` (days from the civil calendar, Hinnant's algorithm).
fn seconds(moment: &str) -> Option<i64> {
    let parts: Vec<i64> =
        moment.split(['-', ' ', ':']).map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let [year, month, day, hour, minute, second] = parts[..] else { return None };
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(days * 86_400 + hour * 3_600 + minute * 60 + second)
}

/// A file's text, plain or compressed.
fn text(path: &Path) -> anyhow::Result<String> {
    if path.exists() {
        return fs::read_to_string(path).with_context(|| format!("reading {}", path.display()));
    }
    let mut compressed = path.as_os_str().to_owned();
    compressed.push(".zst");
    let compressed = PathBuf::from(compressed);
    let what = || format!("reading {}", compressed.display());
    let file = fs::File::open(&compressed).with_context(what)?;
    let mut decoder = ruzstd::decoding::StreamingDecoder::new(file)
        .map_err(|error| anyhow::anyhow!("{}: {error}", compressed.display()))?;
    let mut text = String::new();
    decoder.read_to_string(&mut text).with_context(what)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STANDARD: Profile = PROFILES[0];

    /// A hundred rows with one window, whose detections are the rows named.
    fn scored(detections: &[usize]) -> [Scored; 1] {
        let scores = (0..100).map(|i| if detections.contains(&i) { 0.9 } else { 0.1 }).collect();
        [Scored { file: "a.csv".to_owned(), scores, windows: vec![(50, 59)] }]
    }

    fn raw(detections: &[usize]) -> f64 {
        at_threshold(&scored(detections), &STANDARD, 0.9).raw
    }

    #[test]
    fn the_earliest_detection_in_a_window_counts_and_only_once() {
        assert!((raw(&[50]) - 1.0).abs() < 1e-12, "at the left edge it is worth all");
        assert_eq!(raw(&[50, 53, 59]), raw(&[50]));
        assert!(raw(&[53]) < raw(&[51]) && raw(&[59]) > 0.0);
        // Half-way: (2 / (1 + e^-2.5) - 1) / (2 / (1 + e^-5) - 1).
        assert!((raw(&[55]) - 0.859_792).abs() < 1e-5, "{}", raw(&[55]));
        assert_eq!(raw(&[]), -1.0, "a miss");
    }

    #[test]
    fn a_false_detection_costs_more_the_further_it_lies_behind_a_window() {
        let cost = |row: usize| 1.0 + raw(&[row]);
        assert!((cost(30) + 0.11).abs() < 1e-12, "before any window it costs all");
        assert!(cost(60) > cost(64) && cost(64) > cost(90));
        assert!((cost(95) + 0.11).abs() < 1e-12, "beyond three windows' length it costs all");
        assert_eq!(cost(14), 0.0, "the first 15 % do not count");
    }

    #[test]
    fn zero_is_silence_and_a_hundred_is_perfection() {
        let set = scored(&[50]);
        for profile in &PROFILES {
            let silent = at_threshold(&set, profile, 1.0);
            assert_eq!(normalised(&set, profile, silent.raw), 0.0);
            let best = best(&set, profile);
            assert_eq!((best.threshold, best.found, best.false_rows), (0.9, 1, 0));
            assert!((normalised(&set, profile, best.raw) - 100.0).abs() < 1e-9);
        }
    }

    #[test]
    fn one_threshold_serves_all_series() {
        let mut quiet = scored(&[50])[0].clone();
        let mut loud = scored(&[])[0].clone();
        // What is a detection in one series is everyday in the other.
        loud.scores[20..45].fill(0.95);
        quiet.file = "b.csv".to_owned();
        let together = best(&[quiet.clone(), loud], &STANDARD).raw;
        assert!(together < 1.0 - 1.0, "{together}");
        assert!((best(&[quiet], &STANDARD).raw - 1.0).abs() < 1e-12);
    }

    #[test]
    fn moments_are_seconds_since_1970() {
        assert_eq!(seconds("1970-01-01 00:00:00"), Some(0));
        assert_eq!(seconds("2014-04-01 00:05:30"), Some(1_396_310_730));
        assert_eq!(seconds("2000-02-29 12:00:00"), Some(951_825_600));
        assert_eq!(seconds("yesterday"), None);
    }

    #[test]
    fn the_split_depends_on_nothing_but_the_path() {
        assert!(is_held_out("realTraffic/TravelTime_451.csv"));
        assert!(!is_held_out("realTweets/Twitter_volume_AAPL.csv"));
    }
}
