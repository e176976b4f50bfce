//! The alarms as a user gets them, at the program's own threshold: found, wrong, how soon.

use super::{
    super::figures::{Figure, PerWeek, Share},
    score::{Scored, probation},
};

/// Score from which the program calls a row an alarm.
const ALARM_SCORE: f64 = 0.5;

/// Repetitions of the bootstrap of the series.
const REPETITIONS: usize = 2_000;

const WEEK_S: f64 = 604_800.0;

/// A series' alarms.
#[derive(Debug, Default)]
struct Alarms {
    windows: u64,
    found: u64,
    /// Rows that are alarms within windows, and outside.
    inside: u64,
    outside: u64,
    /// Time outside windows that counts, in weeks.
    weeks: f64,
    /// From the first alarm of each window that was found to the window's middle, which is the
    /// moment that people labelled.
    leads_s: Vec<f64>,
}

/// What the alarms of all series are worth. `moments` are the rows' times in seconds.
pub(super) fn figure(scored: &[Scored], moments: &[Vec<i64>]) -> Figure {
    let each: Vec<Alarms> = scored.iter().zip(moments).map(|(s, m)| alarms(s, m)).collect();
    let sum = |of: fn(&Alarms) -> u64| each.iter().map(of).sum::<u64>();
    let (windows, found) = (sum(|a| a.windows), sum(|a| a.found));
    let (inside, outside) = (sum(|a| a.inside), sum(|a| a.outside));
    let mut leads: Vec<f64> = each.iter().flat_map(|a| a.leads_s.iter().copied()).collect();
    leads.sort_unstable_by(f64::total_cmp);
    let quartile = |share: f64| leads.get((share * leads.len() as f64) as usize).copied();
    let lead = match (quartile(0.25), quartile(0.5), quartile(0.75)) {
        (Some(low), Some(middle), Some(high)) => format!(
            "{:.1} h before the labelled moment in the middle (quartiles {:.1} to {:.1})",
            middle / 3_600.0,
            low / 3_600.0,
            high / 3_600.0
        ),
        _ => "–".to_owned(),
    };
    Figure {
        detector: "anomaly".to_owned(),
        data:
            "series of the Numenta Anomaly Benchmark, threshold 0.5; constants chosen on 21 of them"
                .to_owned(),
        n: format!("{} series, {windows} windows, {} alarms", scored.len(), inside + outside),
        recall: Some(Share { hits: found, of: windows }),
        precision: Some(Share { hits: inside, of: inside + outside }),
        false_alarms: Some(per_week(&each)),
        lead,
    }
}

fn alarms(series: &Scored, moments: &[i64]) -> Alarms {
    let from = probation(series.scores.len());
    let is_alarm = |row: &usize| series.scores[*row] >= ALARM_SCORE;
    let mut alarms = Alarms::default();
    for &(first, last) in series.windows.iter().filter(|window| window.1 >= from) {
        let within = || (first.max(from)..=last).filter(is_alarm);
        alarms.windows += 1;
        alarms.inside += within().count() as u64;
        if let Some(row) = within().next() {
            alarms.found += 1;
            let middle = (moments[first] + moments[last]) as f64 / 2.0;
            alarms.leads_s.push(middle - moments[row] as f64);
        }
    }
    let is_outside = |row: &usize| !series.windows.iter().any(|w| (w.0..=w.1).contains(row));
    for row in (from.max(1)..series.scores.len()).filter(is_outside) {
        alarms.outside += u64::from(is_alarm(&row));
        // Times step back where clocks are set; that is no time.
        alarms.weeks += (moments[row] - moments[row - 1]).max(0) as f64 / WEEK_S;
    }
    alarms
}

/// False alarms in a week of one series; the interval from drawing the series again, because their
/// alarms are not alike.
fn per_week(each: &[Alarms]) -> PerWeek {
    let rate = |drawn: &[usize]| {
        let (alarms, weeks) = drawn.iter().fold((0, 0.0), |(alarms, weeks), i| {
            (alarms + each[*i].outside, weeks + each[*i].weeks)
        });
        alarms as f64 / weeks
    };
    // Knuth's generator (MMIX): the same draws every time.
    let mut state = 1_u64;
    let mut draw = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % each.len()
    };
    let mut again: Vec<f64> = (0..REPETITIONS)
        .map(|_| rate(&(0..each.len()).map(|_| draw()).collect::<Vec<_>>()))
        .collect();
    again.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| again[(share * REPETITIONS as f64) as usize];
    PerWeek { value: rate(&(0..each.len()).collect::<Vec<_>>()), low: at(0.025), high: at(0.975) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alarms_are_counted_where_they_lie() {
        // A thousand rows, an hour apart; the first 150 do not count.
        let mut scores = vec![0.0; 1_000];
        for row in [100, 300, 520, 540, 700] {
            scores[row] = 0.6;
        }
        let windows = vec![(500, 600), (800, 900)];
        let series = Scored { file: "a.csv".to_owned(), scores, windows };
        let moments: Vec<i64> = (0..1_000).map(|row| row * 3_600).collect();
        let found = figure(&[series], &[moments]);
        assert_eq!(found.recall, Some(Share { hits: 1, of: 2 }));
        assert_eq!(found.precision, Some(Share { hits: 2, of: 4 }));
        // Two alarms in 850 rows less 202 in windows.
        let per_week = found.false_alarms.unwrap();
        assert!((per_week.value - 2.0 / (648.0 / 168.0)).abs() < 1e-9, "{per_week:?}");
        assert!(found.lead.starts_with("30.0 h before"), "{}", found.lead);
    }
}
