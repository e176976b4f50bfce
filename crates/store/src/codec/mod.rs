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
//! (Alerts, whose shape changed, have formats of their own.)
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
        Some((&found, _)) => Err(StoreError::UnknownFormat { table, key: key.to_string(), found }),
        None => Err(StoreError::corrupt(table, key, "empty value")),
    }
}

/// What follows the byte that names the format: one value, and nothing after it.
fn value<T: DeserializeOwned>(
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
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use super::*;
    use expect_test::expect;
    use model::{
        Action, Address, Alert, AlertId, AlertState, BlindReason, BlockBundle, Bloom, Bytes,
        ChainEvent, Confidence, Decision, Evidence, Fact, FactValue, Finding, FindingCount,
        FindingId, FindingStatus, FindingSummary, Frame, FrameKind, Header, History, I256, Level,
        Log, Measure, NotificationKind, Origin, Proof, Proven, ReadRequest, Reason, Severity,
        StateRead, TokenAmount, Told, Transaction, TxStatus, TxTrace, U256, UnixMillis,
    };

    pub(super) fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    /// A bundle in which no field is empty.
    fn bundle() -> BlockBundle {
        let header = Header {
            number: 24_000_000,
            hash: B256::repeat_byte(1),
            parent_hash: B256::repeat_byte(2),
            timestamp: UnixSeconds(1_700_000_000),
            beneficiary: Address::repeat_byte(3),
            base_fee_per_gas: Some(U256::from(1_000_000_007_u64)),
            gas_used: 21_000,
            gas_limit: 30_000_000,
            logs_bloom: Bloom::repeat_byte(4),
            receipts_root: B256::repeat_byte(5),
            transactions_root: B256::repeat_byte(6),
            state_root: B256::repeat_byte(7),
        };
        let log = Log {
            index: 9,
            address: Address::repeat_byte(8),
            topics: vec![B256::repeat_byte(9), B256::repeat_byte(10)],
            data: Bytes::from_static(b"data"),
        };
        let transaction = Transaction {
            hash: B256::repeat_byte(11),
            index: 0,
            kind: 2,
            from: Address::repeat_byte(12),
            to: Some(Address::repeat_byte(13)),
            nonce: 300,
            value: U256::MAX,
            input: Bytes::from_static(b"input"),
            gas_limit: 50_000,
            gas_used: 40_000,
            effective_gas_price: U256::from(2),
            status: TxStatus::Failed,
            created: Some(Address::repeat_byte(14)),
            logs: vec![log],
        };
        let frame = Frame {
            parent: Some(0),
            depth: 1,
            kind: FrameKind::DelegateCall,
            from: Address::repeat_byte(15),
            to: Some(Address::repeat_byte(16)),
            value: U256::from(3),
            gas_used: 4,
            input: Bytes::from_static(b"in"),
            output: Bytes::from_static(b"out"),
            error: Some("out of gas".into()),
        };
        let read = |request, result| StateRead { request, result };
        let call = || ReadRequest::Call {
            to: Address::repeat_byte(17),
            input: Bytes::from_static(b"call"),
        };
        let balance = ReadRequest::Balance(Address::repeat_byte(18));
        BlockBundle {
            network: name("mainnet"),
            endpoint: name("node-a"),
            header,
            transactions: vec![transaction],
            traces: Some(vec![TxTrace { frames: vec![frame] }]),
            reads: vec![
                read(call(), Ok(Bytes::from_static(b"answer"))),
                read(call(), Err("reverted".into())),
                read(balance, Ok(Bytes::from_static(&[7; 32]))),
            ],
            proof: Proof {
                header: Proven::Yes,
                transactions: Proven::NotAsked,
                senders: Proven::NotProvable("because".into()),
                bloom: Proven::Yes,
                receipts: Proven::Yes,
            },
        }
    }

    fn events() -> Vec<ChainEvent> {
        let block = BlockRef { number: 24_000_000, hash: B256::repeat_byte(1) };
        let network = name("mainnet");
        let level = BlindReason::LevelTooLow { needs: Level::StateDiffs, has: Level::Logs };
        vec![
            ChainEvent::Committed(Arc::new(bundle())),
            ChainEvent::Reverted { network: network.clone(), undone: vec![block], ancestor: block },
            ChainEvent::Finalized { network: network.clone(), block },
            ChainEvent::Quarantined {
                network,
                block,
                parent_hash: B256::repeat_byte(2),
                reason: level,
            },
            ChainEvent::Recovered(Arc::new(bundle())),
        ]
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
        for event in events() {
            let bytes = encode("t", &event).unwrap();
            assert_eq!(decode::<ChainEvent>(&bytes, "t", 0).unwrap(), event);
        }
        let bytes = encode("t", &finding()).unwrap();
        assert_eq!(decode::<Finding>(&bytes, "t", 0).unwrap(), finding());
        let bytes = encode("t", &decision()).unwrap();
        assert_eq!(decode::<Decision>(&bytes, "t", 0).unwrap(), decision());
    }

    /// FNV-1a: any fixed function of the bytes will do.
    pub(super) fn digest(bytes: &[u8]) -> String {
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
        let mut shown: Vec<String> =
            events().iter().map(|event| digest(&encode("t", event).unwrap())).collect();
        shown.push(digest(&encode("t", &finding()).unwrap()));
        shown.push(digest(&encode("t", &decision()).unwrap()));
        expect![[r#"
            1033 bytes df64d21afce39ae9
            85 bytes 2a894ca3ce33addd
            47 bytes 5decb25c1bc937bc
            83 bytes 72cd2cb545fb635b
            1033 bytes cad1192b9c104d35
            577 bytes c9442bae7a228904
            28 bytes dd802916e233a079"#]]
        .assert_eq(&shown.join("\n"));
        let block = ChainEvent::Finalized {
            network: name("dev"),
            block: BlockRef { number: 300, hash: B256::repeat_byte(0xcd) },
        };
        expect![
            "010203646576ac0220cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
        ]
        .assert_eq(&printed(&encode("t", &block).unwrap()));
    }

    #[test]
    fn bytes_that_were_cut_or_continued_are_corrupt_and_never_panic() {
        let bytes = encode("t", &events()[0]).unwrap();
        for end in 0..bytes.len() {
            let error = decode::<ChainEvent>(&bytes[..end], "events", "net 5").unwrap_err();
            assert!(matches!(error, StoreError::Corrupt { .. }), "{end}: {error}");
        }
        let mut longer = bytes;
        longer.push(0);
        let error = decode::<ChainEvent>(&longer, "events", "net 5").unwrap_err().to_string();
        expect!["corrupt row in events, key net 5: 1 bytes after the value"].assert_eq(&error);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_a_value_or_an_error(bytes: Vec<u8>) {
            let mut format_1 = vec![FORMAT];
            format_1.extend(bytes);
            drop(decode::<ChainEvent>(&format_1, "t", 0));
            drop(decode::<Finding>(&format_1, "t", 0));
        }
    }
}
