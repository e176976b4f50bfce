//! What a chart says, in a sentence.

use model::{Alert, AlertState, UnixSeconds};

use super::line::{Kind, Line};
use crate::{chart::format_si, words};

/// The newest value against what is usual; `alerts` are those marked in the chart.
pub(super) fn of(line: &Line, alerts: &[&Alert]) -> String {
    let subject = format!("{}.{}", line.subject.contract, line.subject.function);
    let Some(newest) = line.newest() else { return format!("{subject}: no data") };
    let measured = measured(line.kind, newest.value);
    let is_old = line.range.to.seconds_since(newest.at) > line.range.gap_s();
    if is_old {
        let at = words::clock(newest.at);
        return format!("{subject}: {measured} when last called, at {at}");
    }
    match line.unusual_since() {
        Some(since) => {
            let since = since_when(line, since, alerts);
            format!("{subject}: {measured}, {} since {since}", against(line, newest.value))
        }
        None if line.band.is_empty() => {
            format!("{subject}: {measured}; what is usual is not known yet")
        }
        None => format!("{subject}: {measured}, as usual"),
    }
}

fn measured(kind: Kind, value: f64) -> String {
    match kind {
        Kind::Failures if value == 0.0 => "no call fails".to_owned(),
        Kind::Failures => format!("{} % of calls fail", words::number(value)),
        Kind::Gas => format!("{} gas per call", format_si(value)),
    }
}

/// How far the value is from what is usual.
fn against(line: &Line, value: f64) -> String {
    let usual = line.usual.filter(|usual| *usual > 0.0);
    match usual.map(|usual| value / usual) {
        Some(times) if times.is_finite() && times >= 1.05 => {
            format!("{} × usual", words::number(times))
        }
        Some(times) if times.is_finite() && times <= 0.95 => {
            format!("{} of usual", words::percent(times))
        }
        Some(_) => "outside its usual range".to_owned(),
        None if line.kind == Kind::Failures => "where usually none does,".to_owned(),
        None => "outside its usual range".to_owned(),
    }
}

/// The block in which it was first seen, when an alert of the same monitor names it; else the time.
fn since_when(line: &Line, since: UnixSeconds, alerts: &[&Alert]) -> String {
    let is_same = |alert: &&&Alert| {
        alert.state != AlertState::Retracted
            && Some(alert.monitor.as_str()) == line.monitor.as_deref()
            && alert.opened_at.0.abs_diff(since.0) <= line.range.gap_s()
    };
    match alerts.iter().find(is_same).and_then(|alert| alert.finding()) {
        Some(first) => format!("block {}", words::grouped(first.origin.block.number)),
        None => words::clock(since),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use model::Name;

    use super::*;
    use crate::{
        chart::{BandPoint, Point},
        web::charts::{Subject, line::Range},
    };

    fn line(kind: Kind, values: &[f64], high: Option<f64>, usual: Option<f64>) -> Line {
        let step_s = 60;
        let at = |i: usize| UnixSeconds(1_700_000_000 + i as u64 * step_s);
        let to = at(values.len() - 1);
        let band = |i| high.map(|high| BandPoint { at: at(i), low: high / 4.0, high });
        Line {
            subject: Subject {
                network: Name::new("mainnet").unwrap(),
                contract: "vault".into(),
                function: "withdraw".into(),
            },
            kind,
            range: Range { from: UnixSeconds(to.0 - 3_600), to, step_s },
            points: values
                .iter()
                .enumerate()
                .map(|(i, v)| Point { at: at(i), value: *v })
                .collect(),
            band: (0..values.len()).filter_map(band).collect(),
            usual,
            monitor: None,
        }
    }

    #[test]
    fn a_title_is_the_finding() {
        let gas = Kind::Gas;
        let failures = Kind::Failures;
        let mut old = line(failures, &[2.1], Some(4.0), Some(2.0));
        old.range.to = UnixSeconds(old.range.to.0 + 3_000);
        let said: Vec<String> = [
            line(failures, &[2.1, 2.0, 34.0, 28.4], Some(4.0), Some(2.0)),
            line(failures, &[2.1], Some(4.0), Some(2.0)),
            line(failures, &[2.1], None, None),
            line(failures, &[9.0], Some(4.0), Some(0.0)),
            line(failures, &[0.0], None, None),
            line(gas, &[812_000.0], Some(120_000.0), Some(81_000.0)),
            line(gas, &[20_000.0], Some(120_000.0), Some(81_000.0)),
            line(gas, &[81_000.0], Some(120_000.0), Some(81_000.0)),
            old,
        ]
        .iter()
        .map(|line| of(line, &[]))
        .collect();
        expect![[r#"
            vault.withdraw: 28.4 % of calls fail, 14.2 × usual since 22:15 UTC
            vault.withdraw: 2.1 % of calls fail, as usual
            vault.withdraw: 2.1 % of calls fail; what is usual is not known yet
            vault.withdraw: 9 % of calls fail, where usually none does, since 22:13 UTC
            vault.withdraw: no call fails; what is usual is not known yet
            vault.withdraw: 812k gas per call, 10 × usual since 22:13 UTC
            vault.withdraw: 20k gas per call, 24.7 % of usual since 22:13 UTC
            vault.withdraw: 81k gas per call, as usual
            vault.withdraw: 2.1 % of calls fail when last called, at 22:13 UTC"#]]
        .assert_eq(&said.join("\n"));
    }
}
