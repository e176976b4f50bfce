//! The benchmark's scoring rules, as published: A. Lavin and S. Ahmad, "Evaluating Real-time Anomaly
//! Detection Algorithms: the Numenta Anomaly Benchmark", ICMLA 2015 (arXiv 1510.03336).
//!
//! Within a labelled window the earliest detection counts, the earlier the better; each detection
//! outside is a false one and costs the more the further it lies behind a window; a window without
//! any detection costs a miss. The first rows of a series (15 %, at most 750) are not scored. One
//! threshold serves the whole corpus and is the one that scores best. 0 is a detector that never
//! speaks, 100 one that speaks at the first row of each window and nowhere else.

/// What a detection, a false one and a miss are worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Profile {
    pub(crate) name: &'static str,
    pub(crate) detection: f64,
    pub(crate) false_detection: f64,
    pub(crate) miss: f64,
}

/// The three profiles of the benchmark.
pub(crate) const PROFILES: [Profile; 3] = [
    Profile { name: "standard", detection: 1.0, false_detection: 0.11, miss: 1.0 },
    Profile { name: "reward low FP", detection: 1.0, false_detection: 0.22, miss: 1.0 },
    Profile { name: "reward low FN", detection: 1.0, false_detection: 0.11, miss: 2.0 },
];

/// Share of a series that is not scored, and the most rows that it can be.
const PROBATION_SHARE: f64 = 0.15;
const PROBATION_ROWS_MAX: usize = 750;

/// A series as a detector scored it.
#[derive(Debug, Clone)]
pub(crate) struct Scored {
    /// Path below the benchmark's data folder.
    pub(crate) file: String,
    /// One per row.
    pub(crate) scores: Vec<f64>,
    /// First and last row of each labelled window, in order.
    pub(crate) windows: Vec<(usize, usize)>,
}

/// A row that counts.
#[derive(Debug, Clone, Copy)]
struct Row {
    score: f64,
    /// Number of the labelled window it lies in.
    window: Option<usize>,
    /// What detecting it is worth under the profile.
    worth: f64,
}

/// Rows before the first that counts.
pub(crate) fn probation(rows: usize) -> usize {
    ((PROBATION_SHARE * rows as f64).floor() as usize).min(PROBATION_ROWS_MAX)
}

/// Rows that count and lie in no labelled window: those on which a detection is a false one.
pub(crate) fn rows_outside_windows(series: &Scored) -> usize {
    let worths = rows(series, &PROFILES[0], 0);
    worths.iter().filter(|row| row.window.is_none()).count()
}

/// Worth of a detection at a place relative to a window: -1 its left edge, 0 just behind its right.
fn sigmoid_worth(place: f64) -> f64 {
    if place > 3.0 { -1.0 } else { 2.0 / (1.0 + (5.0 * place).exp()) - 1.0 }
}

/// The rows of a series that count, with their worth. Windows of other series are kept apart by
/// `first_window`.
fn rows(series: &Scored, profile: &Profile, first_window: usize) -> Vec<Row> {
    let best = sigmoid_worth(-1.0);
    let mut rows = Vec::with_capacity(series.scores.len());
    let mut next = 0;
    for (i, score) in series.scores.iter().enumerate() {
        while series.windows.get(next).is_some_and(|w| w.1 < i) {
            next += 1;
        }
        let inside = series.windows.get(next).filter(|w| (w.0..=w.1).contains(&i));
        let (window, worth) = if let Some(&(from, to)) = inside {
            let place = -((to - i + 1) as f64) / (to - from + 1) as f64;
            (Some(first_window + next), sigmoid_worth(place) / best * profile.detection)
        } else {
            // Far behind any window where none has passed yet.
            let place = next.checked_sub(1).map_or(f64::INFINITY, |last| {
                let (from, to) = series.windows[last];
                (i - to) as f64 / (to - from) as f64
            });
            (None, sigmoid_worth(place) * profile.false_detection)
        };
        if i >= probation(series.scores.len()) {
            rows.push(Row { score: *score, window, worth });
        }
    }
    rows
}

/// What was found at one threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Result {
    /// Rows with this score or more are detections.
    pub(crate) threshold: f64,
    /// Sum of worths before normalisation.
    pub(crate) raw: f64,
    /// Windows with a detection, and all that have a row that counts.
    pub(crate) found: usize,
    pub(crate) windows: usize,
    /// Rows outside of windows that are detections.
    pub(crate) false_rows: usize,
}

/// Result of one series, or of a corpus, at a given threshold.
pub(crate) fn at_threshold(series: &[Scored], profile: &Profile, threshold: f64) -> Result {
    sweep(series, profile, |_, next_score| next_score < threshold)
}

/// The threshold that scores best over all of `series` together, and what it scores.
pub(crate) fn best(series: &[Scored], profile: &Profile) -> Result {
    let mut best: Option<Result> = None;
    sweep(series, profile, |result, _| {
        if best.is_none_or(|b| result.raw > b.raw) {
            best = Some(*result);
        }
        false
    });
    best.unwrap_or(Result {
        threshold: f64::INFINITY,
        raw: 0.0,
        found: 0,
        windows: 0,
        false_rows: 0,
    })
}

/// Lowers the threshold from above every score, one distinct score at a time, until `stop` says so;
/// it is asked with the result so far and the next lower score.
fn sweep(
    series: &[Scored],
    profile: &Profile,
    mut stop: impl FnMut(&Result, f64) -> bool,
) -> Result {
    let mut all = Vec::new();
    let mut first_window = 0;
    for one in series {
        all.extend(rows(one, profile, first_window));
        first_window += one.windows.len();
    }
    all.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut of_window: Vec<Option<f64>> = vec![None; first_window];
    for row in &all {
        if let Some(window) = row.window {
            of_window[window] = Some(-profile.miss);
        }
    }
    let windows = of_window.iter().flatten().count();
    let mut is_found = vec![false; first_window];
    let raw = of_window.iter().flatten().sum();
    let mut result = Result { threshold: f64::INFINITY, raw, found: 0, windows, false_rows: 0 };
    let mut i = 0;
    loop {
        let next_score = all.get(i).map_or(f64::NEG_INFINITY, |row| row.score);
        if stop(&result, next_score) || i == all.len() {
            return result;
        }
        result.threshold = next_score;
        while i < all.len() && all[i].score == next_score {
            let row = all[i];
            match row.window {
                None => {
                    result.raw += row.worth;
                    result.false_rows += 1;
                }
                Some(window) => {
                    let so_far = of_window[window].unwrap_or(-profile.miss);
                    if row.worth > so_far {
                        result.raw += row.worth - so_far;
                        of_window[window] = Some(row.worth);
                    }
                    if !is_found[window] {
                        is_found[window] = true;
                        result.found += 1;
                    }
                }
            }
            i += 1;
        }
    }
}

/// 0 for a detector that never speaks, 100 for a perfect one.
pub(crate) fn normalised(series: &[Scored], profile: &Profile, raw: f64) -> f64 {
    let windows: usize = series.iter().map(|s| s.windows.len()).sum();
    let (null, perfect) = (-profile.miss * windows as f64, profile.detection * windows as f64);
    100.0 * (raw - null) / (perfect - null)
}
