//! What the figures may not fall below: `quality/floors.toml`.

use std::{collections::BTreeSet, fs};

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

use super::Measured;
use crate::run;

/// Where the floors stand, from the workspace's root.
const FILE: &str = "quality/floors.toml";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Floors {
    #[serde(default)]
    floor: Vec<Floor>,
    #[serde(default)]
    score: Vec<ScoreFloor>,
}

/// What one score must keep.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScoreFloor {
    name: String,
    min: f64,
}

/// What one row of the table must keep.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Floor {
    detector: String,
    data: String,
    /// Shares, between 0 and 1.
    recall_min: Option<f64>,
    precision_min: Option<f64>,
    /// False alarms in a protocol-week.
    false_alarms_max: Option<f64>,
}

/// Fails when a figure lies below its floor, when one has no floor, or when a floor has no figure.
pub(super) fn check(measured: &Measured) -> anyhow::Result<()> {
    let path = run::root()?.join(FILE);
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let mistakes = mistakes(measured, &toml::from_str(&text).context(FILE)?);
    if !mistakes.is_empty() {
        bail!("{FILE}:\n{}", mistakes.join("\n"));
    }
    ensure!(!measured.figures.is_empty(), "nothing was measured");
    println!("\nno figure fell below {FILE}");
    Ok(())
}

fn mistakes(measured: &Measured, floors: &Floors) -> Vec<String> {
    let mut mistakes = Vec::new();
    for (name, score) in &measured.scores {
        match floors.score.iter().find(|floor| floor.name == *name) {
            None => mistakes.push(format!("{name}: measured, but it has no floor")),
            Some(floor) if *score < floor.min => {
                mistakes.push(format!("{name} is {score:.2}, the floor is {}", floor.min));
            }
            Some(_) => {}
        }
    }
    let lost = floors.score.iter().filter(|f| !measured.scores.iter().any(|s| s.0 == f.name));
    mistakes.extend(lost.map(|f| format!("{}: no longer measured", f.name)));
    let mut met = BTreeSet::new();
    for figure in &measured.figures {
        let name = format!("{}, {}", figure.detector, figure.data);
        let of_figure = |f: &&Floor| f.detector == figure.detector && f.data == figure.data;
        let Some(floor) = floors.floor.iter().find(of_figure) else {
            mistakes.push(format!("{name}: measured, but it has no floor"));
            continue;
        };
        met.insert((&floor.detector, &floor.data));
        let limits = [
            ("recall", figure.recall.map(|s| s.value()), floor.recall_min, 1.0),
            ("precision", figure.precision.map(|s| s.value()), floor.precision_min, 1.0),
            ("false alarms", figure.false_alarms.map(|f| f.value), floor.false_alarms_max, -1.0),
        ];
        for (what, found, limit, sign) in limits {
            match (found, limit) {
                (Some(found), Some(limit)) if sign * found < sign * limit => {
                    mistakes.push(format!("{name}: {what} is {found:.4}, the floor is {limit}"));
                }
                (Some(_), None) => mistakes.push(format!("{name}: {what} has no floor")),
                (None, Some(_)) => mistakes.push(format!("{name}: {what} is no longer measured")),
                _ => {}
            }
        }
    }
    let lost = floors.floor.iter().filter(|f| !met.contains(&(&f.detector, &f.data)));
    mistakes.extend(lost.map(|f| format!("{}, {}: no longer measured", f.detector, f.data)));
    mistakes
}

#[cfg(test)]
mod tests {
    use super::{
        super::figures::{Figure, PerWeek, Share},
        *,
    };

    fn told(hits: u64, floor: &str) -> Vec<String> {
        let figure = Figure {
            detector: "a/b".to_owned(),
            data: "d".to_owned(),
            n: String::new(),
            recall: Some(Share { hits, of: 10 }),
            precision: None,
            false_alarms: Some(PerWeek::counted(4, 8.0)),
            lead: String::new(),
        };
        let measured = Measured { figures: vec![figure], ..Measured::default() };
        mistakes(&measured, &toml::from_str(&format!("[[floor]]\n{floor}")).unwrap())
    }

    #[test]
    fn a_figure_that_falls_is_told_and_one_that_rises_is_not() {
        let floor = "detector = 'a/b'\ndata = 'd'\nrecall_min = 0.6\nfalse_alarms_max = 0.5";
        assert!(told(6, floor).is_empty() && told(9, floor).is_empty());
        assert_eq!(told(5, floor), ["a/b, d: recall is 0.5000, the floor is 0.6"]);
        let floor = "detector = 'a/b'\ndata = 'd'\nrecall_min = 0.6\nfalse_alarms_max = 0.4";
        assert_eq!(told(6, floor), ["a/b, d: false alarms is 0.5000, the floor is 0.4"]);
    }

    #[test]
    fn a_score_that_falls_is_told() {
        let scores = vec![("NAB".to_owned(), 67.9)];
        let measured = Measured { scores, ..Measured::default() };
        let told = |floors: &str| mistakes(&measured, &toml::from_str(floors).unwrap());
        assert!(told("[[score]]\nname = 'NAB'\nmin = 67.9").is_empty());
        let expected = ["NAB is 67.90, the floor is 68.5"];
        assert_eq!(told("[[score]]\nname = 'NAB'\nmin = 68.5"), expected);
        assert_eq!(told(""), ["NAB: measured, but it has no floor"]);
    }

    #[test]
    fn what_is_measured_has_a_floor_and_what_has_a_floor_is_measured() {
        let floor = "detector = 'a/b'\ndata = 'd'\nrecall_min = 0.6";
        assert_eq!(told(6, floor), ["a/b, d: false alarms has no floor"]);
        let other = told(6, "detector = 'a/c'\ndata = 'd'");
        assert_eq!(other, ["a/b, d: measured, but it has no floor", "a/c, d: no longer measured"]);
    }
}
