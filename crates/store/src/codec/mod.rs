//! Encodings of what is stored whole, and of column values.
//!
//! A stored body is one byte that names the format, then the value:
//!
//! ```text
//! ┌──────┬──────────────────────────────┐
//! │ 0x01 │ postcard of the model's type │
//! └──────┴──────────────────────────────┘
//! ```
//!
//! (Alerts and chain events, whose shapes changed, have formats of their own.)
//! postcard does not describe itself, so a change of a stored type is a new format with a decoder
//! for the old one; the tests below hold format 1 to the byte.

mod alert;

use model::{B256, BlockRef, Name, UnixSeconds};
use serde::{Serialize, de::DeserializeOwned};

use crate::StoreError;

pub(crate) use alert::{decode_alert, encode_alert};

/// The format that is written, and the newest that is read.
pub(crate) const FORMAT: u8 = 1;

/// Encodes a value in the current format.
pub(crate) fn encode<T: Serialize>(table: &'static str, value: &T) -> Result<Vec<u8>, StoreError> {
    postcard::to_extend(value, vec![FORMAT]).map_err(|source| StoreError::Encode { table, source })
}

/// Decodes a value; `key` names the row in errors.
pub(crate) fn decode<T: DeserializeOwned>(
    bytes: &[u8],
    table: &'static str,
    key: impl ToString,
) -> Result<T, StoreError> {
    match bytes.split_first() {
        Some((&FORMAT, body)) => value(body, table, key),
        Some((&found, _)) => Err(unknown_format(table, key, found, FORMAT)),
        None => Err(StoreError::corrupt(table, key, "empty value")),
    }
}

/// The error of a row in a format beyond `known`.
pub(crate) fn unknown_format(
    table: &'static str,
    key: impl ToString,
    found: u8,
    known: u8,
) -> StoreError {
    StoreError::UnknownFormat { table, key: key.to_string(), found, known }
}

/// What follows the byte that names the format: one value, and nothing after it.
pub(crate) fn value<T: DeserializeOwned>(
    body: &[u8],
    table: &'static str,
    key: impl ToString,
) -> Result<T, StoreError> {
    match postcard::take_from_bytes(body) {
        Ok((value, [])) => Ok(value),
        Ok((_, rest)) => Err(StoreError::corrupt(
            table,
            key,
            format_args!("{} bytes after the value", rest.len()),
        )),
        Err(reason) => Err(StoreError::corrupt(table, key, reason)),
    }
}

/// A column of exactly `N` bytes.
pub(crate) fn fixed<const N: usize>(
    bytes: &[u8],
    table: &'static str,
    key: impl ToString,
) -> Result<[u8; N], StoreError> {
    bytes.try_into().map_err(|_| {
        StoreError::corrupt(table, key, format_args!("{} bytes instead of {N}", bytes.len()))
    })
}

/// Height and hash columns.
pub(crate) fn block(
    number: i64,
    hash: &[u8],
    table: &'static str,
    key: impl ToString,
) -> Result<BlockRef, StoreError> {
    let key = key.to_string();
    let hash = B256::from(fixed::<32>(hash, table, &key)?);
    Ok(BlockRef { number: unsigned(number, table, key)?, hash })
}

/// A column that is never negative.
pub(crate) fn unsigned<T: TryFrom<i64>>(
    value: i64,
    table: &'static str,
    key: impl ToString,
) -> Result<T, StoreError> {
    let reason = || format!("{value} is out of range");
    T::try_from(value).map_err(|_| StoreError::corrupt(table, key, reason()))
}

/// A column that holds a name.
pub(crate) fn name(
    text: &str,
    table: &'static str,
    key: impl ToString,
) -> Result<Name, StoreError> {
    Name::new(text).map_err(|reason| StoreError::corrupt(table, key, reason))
}

/// Chain time as a column. A block may claim any time it likes; a claim beyond the year 292 billion
/// is kept as that year, because refusing it would stall the chain.
pub(crate) fn seconds(at: UnixSeconds) -> i64 {
    i64::try_from(at.0).unwrap_or(i64::MAX)
}

/// How a 16-byte id is printed in errors: as its `Display` does.
pub(crate) fn printed(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use expect_test::expect;
    use model::{
        Action, Address, Alert, AlertId, AlertState, Bytes, Confidence, Decision, Evidence, Fact,
        FactValue, Finding, FindingCount, FindingId, FindingStatus, FindingSummary, History, I256,
        Measure, NotificationKind, Origin, Reason, Severity, TokenAmount, Told, U256, UnixMillis,
    };

    pub(super) fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn finding() -> Finding {
        let every_fact = vec![
            FactValue::Text("ours".into()),
            FactValue::Untrusted("theirs".into()),
            FactValue::Address { address: Address::repeat_byte(1), label: Some("vault".into()) },
            FactValue::Transaction(B256::repeat_byte(2)),
            FactValue::Block(BlockRef { number: 1, hash: B256::repeat_byte(3) }),
            FactValue::Uint(U256::MAX),
            FactValue::Int(I256::MIN),
            FactValue::Amount(TokenAmount::ether(U256::from(5))),
            FactValue::Bytes(Bytes::from_static(b"bytes")),
            FactValue::Bool(true),
            FactValue::Ratio(0.5),
            FactValue::Number { value: -1.5, unit: "gas".into() },
            FactValue::Seconds(60),
            FactValue::List(vec![FactValue::Bool(false)]),
        ];
        let fact = |value| Fact { name: "fact".into(), value };
        let history = Some(History { usual: 1.0, spread: 0.1, n: 9 });
        Finding {
            id: FindingId([7; 16]),
            detector: "telemetry/gas".into(),
            monitor: name("gas"),
            version: 3,
            network: name("mainnet"),
            deployment: Some(name("vault")),
            address: Some(Address::repeat_byte(8)),
            severity: Severity::High,
            confidence: Confidence::Statistical { p: 1e-9 },
            title: "gas".into(),
            origin: Origin {
                block: BlockRef { number: 2, hash: B256::repeat_byte(9) },
                timestamp: UnixSeconds(3),
                tx: Some(B256::repeat_byte(10)),
                log_index: Some(4),
                frame: Some(5),
            },
            evidence: Evidence {
                measure: Some(Measure {
                    name: "gas".into(),
                    unit: "gas".into(),
                    value: 2.0,
                    threshold: 1.3,
                    history,
                }),
                facts: every_fact.into_iter().map(fact).collect(),
            },
            value_at_risk: Some(TokenAmount::ether(U256::from(6))),
            runbook: Some("gas.md".into()),
        }
    }

    pub(super) fn alert() -> Alert {
        let first = finding();
        let block = first.origin.block;
        let told = Told {
            kind: NotificationKind::Updated,
            sequence: 2,
            at: UnixMillis(-3),
            severity: Severity::Critical,
            findings: 4,
        };
        Alert {
            id: AlertId([5; 16]),
            fingerprint: "gas/mainnet/vault".into(),
            network: Some(name("mainnet")),
            monitor: name("gas"),
            deployment: Some(name("vault")),
            state: AlertState::Retracted,
            severity: Severity::Medium,
            findings: vec![FindingSummary {
                id: first.id,
                block,
                at: UnixSeconds(6),
                status: FindingStatus::Retracted,
                severity: Severity::Low,
            }],
            more: vec![FindingCount {
                block,
                at: UnixSeconds(7),
                status: FindingStatus::Confirmed,
                severity: Severity::High,
                count: 8,
                digest: u64::MAX,
            }],
            opened_at: UnixSeconds(9),
            last_finding_at: UnixSeconds(10),
            created_at: UnixMillis(11),
            told: BTreeMap::from([(name("ops"), told)]),
            cause: first.into(),
        }
    }

    fn decision() -> Decision {
        Decision {
            alert: AlertId([5; 16]),
            receiver: Some(name("ops")),
            at: UnixMillis(12),
            action: Action::Hold { until: UnixMillis(13) },
            reason: Reason::SeverityRose { from: Severity::Info, to: Severity::High },
        }
    }

    #[test]
    fn every_kind_of_body_survives() {
        let bytes = encode("t", &finding()).unwrap();
        assert_eq!(decode::<Finding>(&bytes, "t", 0).unwrap(), finding());
        let bytes = encode("t", &decision()).unwrap();
        assert_eq!(decode::<Decision>(&bytes, "t", 0).unwrap(), decision());
    }

    /// FNV-1a: any fixed function of the bytes will do.
    pub(crate) fn digest(bytes: &[u8]) -> String {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for byte in bytes {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        format!("{} bytes {hash:016x}", bytes.len())
    }

    /// If this fails, a stored type has changed: databases written so far cannot be read by it.
    /// Give the new shape a new format number and keep a decoder for the old one.
    #[test]
    fn format_1_is_held_to_the_byte() {
        let shown =
            [digest(&encode("t", &finding()).unwrap()), digest(&encode("t", &decision()).unwrap())];
        expect![[r#"
            577 bytes c9442bae7a228904
            28 bytes dd802916e233a079"#]]
        .assert_eq(&shown.join("\n"));
    }

    #[test]
    fn bytes_that_were_cut_or_continued_are_corrupt_and_never_panic() {
        let bytes = encode("t", &finding()).unwrap();
        for end in 0..bytes.len() {
            let error = decode::<Finding>(&bytes[..end], "events", "net 5").unwrap_err();
            assert!(matches!(error, StoreError::Corrupt { .. }), "{end}: {error}");
        }
        let mut longer = bytes;
        longer.push(0);
        let error = decode::<Finding>(&longer, "events", "net 5").unwrap_err().to_string();
        expect!["corrupt row in events, key net 5: 1 bytes after the value"].assert_eq(&error);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_a_value_or_an_error(bytes: Vec<u8>) {
            let mut format_1 = vec![FORMAT];
            format_1.extend(bytes);
            drop(decode::<Finding>(&format_1, "t", 0));
        }
    }
}
