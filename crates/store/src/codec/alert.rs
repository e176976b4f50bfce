//! Alerts have a format of their own: what began one need not be a finding any more.
//!
//! ```text
//! ┌──────┬─────────────────────────────────────────────────────────┐
//! │ 0x01 │ postcard of `Alert1`: each is of a network, of a finding │
//! │ 0x02 │ postcard of `model::Alert`                              │
//! └──────┴─────────────────────────────────────────────────────────┘
//! ```

use std::collections::BTreeMap;

use model::{
    Alert, AlertId, AlertState, Cause, Finding, FindingCount, FindingSummary, Name, Severity, Told,
    UnixMillis, UnixSeconds,
};
use serde::{Deserialize, Serialize};

use super::{FORMAT, unknown_format, value};
use crate::StoreError;

/// The format in which alerts are written, and the newest that is read.
const ALERT_FORMAT: u8 = 2;

/// An alert as it was before there were reports.
#[derive(Debug, Serialize, Deserialize)]
struct Alert1 {
    id: AlertId,
    fingerprint: String,
    network: Name,
    monitor: Name,
    deployment: Option<Name>,
    state: AlertState,
    severity: Severity,
    first: Finding,
    findings: Vec<FindingSummary>,
    more: Vec<FindingCount>,
    opened_at: UnixSeconds,
    last_finding_at: UnixSeconds,
    created_at: UnixMillis,
    told: BTreeMap<Name, Told>,
}

impl From<Alert1> for Alert {
    fn from(old: Alert1) -> Self {
        Self {
            id: old.id,
            fingerprint: old.fingerprint,
            network: Some(old.network),
            monitor: old.monitor,
            deployment: old.deployment,
            state: old.state,
            severity: old.severity,
            cause: Cause::Found(old.first),
            findings: old.findings,
            more: old.more,
            opened_at: old.opened_at,
            last_finding_at: old.last_finding_at,
            created_at: old.created_at,
            told: old.told,
        }
    }
}

/// Encodes an alert in the current format.
pub(crate) fn encode_alert(table: &'static str, alert: &Alert) -> Result<Vec<u8>, StoreError> {
    postcard::to_extend(alert, vec![ALERT_FORMAT])
        .map_err(|source| StoreError::Encode { table, source })
}

/// Decodes an alert of any format; `key` names the row in errors.
pub(crate) fn decode_alert(
    bytes: &[u8],
    table: &'static str,
    key: impl ToString,
) -> Result<Alert, StoreError> {
    match bytes.split_first() {
        Some((&ALERT_FORMAT, body)) => value(body, table, key),
        Some((&FORMAT, body)) => value::<Alert1>(body, table, key).map(Alert::from),
        Some((&found, _)) => Err(unknown_format(table, key, found, ALERT_FORMAT)),
        None => Err(StoreError::corrupt(table, key, "empty value")),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{alert, digest, name},
        *,
    };
    use expect_test::expect;
    use model::{Bytes, Report, Source};

    /// What the program wrote before alerts could come from elsewhere than a chain.
    const FORMAT_1: &str = include_str!("alert_format_1.hex");

    fn reported() -> Alert {
        let text = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
        };
        let report = Report {
            source: Source::System(name("prometheus")),
            fingerprint: "a3f0".into(),
            rule: "NodeDown".into(),
            title: "node 7 is down".into(),
            began: UnixMillis(1_700_000_000_123),
            times: 1,
            labels: text(&[("alertname", "NodeDown"), ("severity", "page")]),
            annotations: text(&[("summary", "node 7 is down")]),
            shown_at: Some("http://prometheus:9090/graph".into()),
        };
        Alert::reported(report, Severity::Critical, 0, UnixMillis(1_700_000_001_000))
    }

    #[test]
    fn an_alert_that_was_stored_before_there_were_reports_is_the_same_alert() {
        let hex: String = FORMAT_1.split_whitespace().collect();
        let bytes: Bytes = hex.parse().unwrap();
        assert_eq!(digest(&bytes), "748 bytes 44f3a204a67ede86", "as it was written then");
        assert_eq!(decode_alert(&bytes, "alerts", 0).unwrap(), alert());
    }

    #[test]
    fn format_2_is_held_to_the_byte() {
        let shown: Vec<String> = [alert(), reported()]
            .iter()
            .map(|alert| digest(&encode_alert("t", alert).unwrap()))
            .collect();
        expect![[r#"
            750 bytes 95ea68bf16481954
            204 bytes 5345d2ac2bf3ba45"#]]
        .assert_eq(&shown.join("\n"));
        for alert in [alert(), reported()] {
            let bytes = encode_alert("t", &alert).unwrap();
            assert_eq!(decode_alert(&bytes, "t", 0).unwrap(), alert);
        }
    }

    #[test]
    fn an_alert_of_a_later_format_is_refused_rather_than_misread() {
        let error = decode_alert(&[3, 0, 0], "alerts", "ab").unwrap_err();
        assert!(matches!(error, StoreError::UnknownFormat { found: 3, .. }), "{error}");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_an_alert_or_an_error(format in 0..4_u8, bytes: Vec<u8>) {
            drop(decode_alert(&[&[format], &bytes[..]].concat(), "t", 0));
        }
    }
}
