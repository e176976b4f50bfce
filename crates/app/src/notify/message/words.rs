//! State, place, time and measurements in the words of a message.

use model::{Alert, AlertState, FactValue, Finding, Measure, UnixMillis, UnixSeconds};
use registry::Explorer;

use crate::words::{self, MeasureWords, grouped, utc};

pub(super) fn state(state: AlertState) -> &'static str {
    match state {
        AlertState::Provisional => "provisional: its block can still be reverted",
        AlertState::Confirmed => "confirmed: its block is final",
        AlertState::Reported => "reported: no chain says so, and none can take it back",
        AlertState::Retracted => {
            "retracted: it does not hold any more, what was told before is void"
        }
    }
}

pub(super) fn place(alert: &Alert) -> String {
    let place = alert.place();
    match (&alert.deployment, alert.finding().and_then(|first| first.address)) {
        (Some(deployment), Some(address)) => {
            format!("{deployment} ({address}) on {place}")
        }
        (Some(deployment), None) => format!("{deployment} on {place}"),
        (None, Some(address)) => format!("{address} on {place}"),
        (None, None) => place.to_string(),
    }
}

pub(super) fn block(finding: &Finding) -> String {
    format!("{} at {}", finding.origin.block, utc(finding.origin.timestamp))
}

pub(super) fn age(block_time: UnixSeconds, at: UnixMillis) -> String {
    let age_ms = at.millis_since(block_time.into());
    if age_ms < 0 {
        return format!("the block's clock is {} s ahead of ours", age_ms.unsigned_abs() / 1000);
    }
    FactValue::Seconds(age_ms.unsigned_abs() / 1000).to_string()
}

/// When it began and how long ago that was.
pub(super) fn since(began: UnixSeconds, at: UnixMillis) -> String {
    let age_ms = at.millis_since(began.into()).max(0);
    format!("{}, {} ago", utc(began), FactValue::Seconds(age_ms.unsigned_abs() / 1000))
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

/// `93 %, 23 × usual: usually 4 % ± 2 % over n = 812; threshold 20 %`.
pub(super) fn measure(measure: &Measure) -> String {
    let MeasureWords { value, threshold, usual } = words::measure(measure);
    let usual = usual.map(|usual| format!(": usually {usual}")).unwrap_or_default();
    format!("{value}{usual}; threshold {threshold}")
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
    fn a_block_may_be_ahead_of_our_clock() {
        assert_eq!(
            age(UnixSeconds(10), UnixMillis(3_000)),
            "the block's clock is 7 s ahead of ours"
        );
    }
}
