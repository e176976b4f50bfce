//! Measurements, confidence, state and time in words.

use model::{Alert, AlertState, Confidence, FactValue, Finding, Measure, UnixMillis, UnixSeconds};
use registry::Explorer;

pub(super) fn state(state: AlertState) -> &'static str {
    match state {
        AlertState::Provisional => "provisional: its block can still be reverted",
        AlertState::Confirmed => "confirmed: its block is final",
        AlertState::Retracted => {
            "retracted: it does not hold any more, what was told before is void"
        }
    }
}

pub(super) fn place(alert: &Alert) -> String {
    match (&alert.deployment, alert.first.address) {
        (Some(deployment), Some(address)) => {
            format!("{deployment} ({address}) on {}", alert.network)
        }
        (Some(deployment), None) => format!("{deployment} on {}", alert.network),
        (None, Some(address)) => format!("{address} on {}", alert.network),
        (None, None) => alert.network.to_string(),
    }
}

pub(super) fn block(finding: &Finding) -> String {
    format!("{} at {}", finding.origin.block, utc(finding.origin.timestamp))
}

fn utc(at: UnixSeconds) -> String {
    let timestamp = i64::try_from(at.0).ok().and_then(|s| jiff::Timestamp::from_second(s).ok());
    match timestamp {
        Some(timestamp) => timestamp.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        // A block can claim any time.
        None => format!("second {}", at.0),
    }
}

pub(super) fn age(block_time: UnixSeconds, at: UnixMillis) -> String {
    let age_ms = at.millis_since(block_time.into());
    if age_ms < 0 {
        return format!("the block's clock is {} s ahead of ours", age_ms.unsigned_abs() / 1000);
    }
    FactValue::Seconds(age_ms.unsigned_abs() / 1000).to_string()
}

pub(super) fn confidence(confidence: Confidence) -> String {
    match confidence {
        Confidence::Proven => "proven: the verified block says so".to_owned(),
        Confidence::Statistical { p } if p > 0.0 && p < 0.5 => {
            let once_in = 1.0 / p;
            format!(
                "statistical: by chance about once in {} observations (p = {p:.1e})",
                number(once_in)
            )
        }
        Confidence::Statistical { p } => format!("statistical: p = {p:.1e}"),
        Confidence::Heuristic => "rule of thumb: look before you act".to_owned(),
    }
}

pub(super) fn findings(alert: &Alert) -> String {
    let (standing, total) = (alert.findings_standing(), alert.findings_total());
    match (standing, total - standing) {
        (0, gone) => format!("none stands, {} left the chain", grouped(gone)),
        (standing, 0) => format!("this one and {} more", grouped(standing - 1)),
        (standing, gone) => {
            format!("{} stand, {} left the chain", grouped(standing), grouped(gone))
        }
    }
}

/// `93 %, 23 × usual: 4 % ± 2 % over n = 812; threshold 20 %`.
pub(super) fn measure(measure: &Measure) -> String {
    let values = [Some(measure.value), Some(measure.threshold), measure.history.map(|h| h.usual)];
    let show = |value: f64| {
        if is_share(&measure.unit, values.into_iter().flatten()) {
            format!("{} %", number(value * 100.0))
        } else if measure.unit.is_empty() {
            number(value)
        } else {
            format!("{} {}", number(value), measure.unit)
        }
    };
    let mut text = show(measure.value);
    if let Some(history) = measure.history {
        let times = measure.value / history.usual;
        if times.is_finite() && times >= 1.05 {
            text.push_str(&format!(", {} × usual", number(times)));
        }
        text.push_str(&format!(
            ": usually {} ± {} over n = {}",
            show(history.usual),
            show(history.spread),
            grouped(history.n)
        ));
    }
    text.push_str(&format!("; threshold {}", show(measure.threshold)));
    text
}

/// Without a unit a measurement is a count or a share; whole numbers and numbers above one are no
/// shares.
fn is_share(unit: &str, values: impl Iterator<Item = f64> + Clone) -> bool {
    unit.is_empty()
        && values.clone().all(|value| (0.0..=1.0).contains(&value))
        && values.into_iter().any(|value| value.fract() != 0.0)
}

/// A number as a person would write it down: three digits that matter, thousands grouped.
fn number(value: f64) -> String {
    if !value.is_finite() {
        return "not a number".to_owned();
    }
    let size = value.abs();
    if size >= 1e15 || (size > 0.0 && size < 1e-3) {
        return format!("{value:.2e}");
    }
    if size >= 100.0 {
        let sign = if value < 0.0 { "-" } else { "" };
        return format!("{sign}{}", grouped(size.round() as u64));
    }
    let decimals = if size >= 10.0 {
        1
    } else if size >= 1.0 {
        2
    } else {
        3
    };
    let text = format!("{value:.decimals$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.char_indices() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A fact that the explorer knows has a page there.
pub(super) fn fact_link(value: &FactValue, explorer: Option<&Explorer>) -> Option<String> {
    let explorer = explorer?;
    match value {
        FactValue::Address { address, .. } => Some(explorer.address(*address)),
        FactValue::Transaction(hash) => Some(explorer.transaction(*hash)),
        FactValue::Block(block) => Some(explorer.block(block.number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use model::History;

    #[test]
    fn a_measurement_tells_what_is_usual() {
        let with = |unit: &str, value, threshold, history: Option<(f64, f64, u64)>| Measure {
            name: "m".into(),
            unit: unit.into(),
            value,
            threshold,
            history: history.map(|(usual, spread, n)| History { usual, spread, n }),
        };
        let text: Vec<String> = [
            with("", 0.93, 0.2, Some((0.04, 0.02, 812))),
            with("gas", 1_234_567.0, 500_000.0, Some((90_000.0, 1_234.5, 12_000))),
            with("", 12.0, 3.0, Some((0.4, 0.6, 50))),
            with("s", 7_200.0, 3_600.0, None),
            with("", f64::NAN, 1.0, Some((0.0, 0.0, 0))),
        ]
        .iter()
        .map(measure)
        .collect();
        expect![[r#"
            93 %, 23.2 × usual: usually 4 % ± 2 % over n = 812; threshold 20 %
            1,234,567 gas, 13.7 × usual: usually 90,000 gas ± 1,235 gas over n = 12,000; threshold 500,000 gas
            12, 30 × usual: usually 0.4 ± 0.6 over n = 50; threshold 3
            7,200 s; threshold 3,600 s
            not a number: usually 0 ± 0 over n = 0; threshold 1"#]]
        .assert_eq(&text.join("\n"));
    }

    #[test]
    fn confidence_is_said_in_words() {
        let text: Vec<String> = [
            Confidence::Proven,
            Confidence::Statistical { p: 1e-6 },
            Confidence::Statistical { p: 0.0 },
            Confidence::Heuristic,
        ]
        .into_iter()
        .map(confidence)
        .collect();
        expect![[r#"
            proven: the verified block says so
            statistical: by chance about once in 1,000,000 observations (p = 1.0e-6)
            statistical: p = 0.0e0
            rule of thumb: look before you act"#]]
        .assert_eq(&text.join("\n"));
    }

    #[test]
    fn a_block_may_claim_any_time() {
        assert_eq!(utc(UnixSeconds(0)), "1970-01-01 00:00:00 UTC");
        assert_eq!(utc(UnixSeconds(u64::MAX)), format!("second {}", u64::MAX));
        assert_eq!(
            age(UnixSeconds(10), UnixMillis(3_000)),
            "the block's clock is 7 s ahead of ours"
        );
    }
}
