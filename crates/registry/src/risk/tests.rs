//! One log of every event becomes one record, whichever arguments are indexed.

use std::collections::HashSet;

use alloy_dyn_abi::{DynSolType, DynSolValue};
use alloy_primitives::{Address, I256, U256, hex};
use expect_test::expect_file;
use proptest::prelude::*;

use super::*;
use crate::EventAbi;

/// A value of the type that shows where it came from: the n-th argument is made of n.
fn sample(ty: &DynSolType, n: u8) -> DynSolValue {
    match ty {
        DynSolType::Bool => DynSolValue::Bool(true),
        DynSolType::Address => DynSolValue::Address(Address::with_last_byte(n)),
        DynSolType::Uint(bits) => DynSolValue::Uint(U256::from(n), *bits),
        DynSolType::Int(bits) => DynSolValue::Int(I256::unchecked_from(-i64::from(n)), *bits),
        DynSolType::FixedBytes(len) => {
            let mut word = B256::ZERO;
            word[..*len].fill(n);
            DynSolValue::FixedBytes(word, *len)
        }
        DynSolType::Bytes => DynSolValue::Bytes(vec![n; 3]),
        DynSolType::String => DynSolValue::String(format!("text {n}")),
        DynSolType::Array(inner) => DynSolValue::Array(vec![sample(inner, n)]),
        DynSolType::Tuple(parts) => {
            DynSolValue::Tuple(parts.iter().map(|part| sample(part, n)).collect())
        }
        other => panic!("no event of the table has a {other:?}"),
    }
}

/// The log of an event with these arguments indexed.
fn emit(event: &EventAbi, indexed: &[bool]) -> Log {
    let mut topics = vec![event.topic0.unwrap()];
    let mut body = Vec::new();
    for (at, (param, indexed)) in event.params.iter().zip(indexed).enumerate() {
        let value = sample(&param.ty, at as u8 + 1);
        if *indexed { topics.push(value.as_word().unwrap()) } else { body.push(value) }
    }
    let data = DynSolValue::Tuple(body).abi_encode_sequence().unwrap();
    Log { index: 0, address: Address::repeat_byte(0xcc), topics, data: data.into() }
}

fn declared(event: &EventAbi) -> Vec<bool> {
    event.params.iter().map(|param| param.indexed).collect()
}

fn show(value: &Option<DynSolValue>) -> String {
    value.as_ref().map_or_else(|| "-".to_owned(), |value| crate::fact::plain(value).to_string())
}

/// One line a record; what is not there is left out.
fn describe(event: &RiskEvent) -> String {
    let mut parts = Vec::new();
    let mut part = |name: &str, value: Option<String>| {
        parts.extend(value.map(|value| format!("{name}={value}")));
    };
    fn address(value: &Option<Address>) -> Option<String> {
        value.map(|a| format!("@{}", a[19]))
    }
    fn word(value: &Option<B256>) -> Option<String> {
        value.map(|w| hex::encode(&w[28..]))
    }
    match &event.kind {
        RiskKind::RoleChange(change) => {
            part("what", Some(format!("{:?}", change.what)));
            part("granted", Some(change.granted.to_string()));
            part("role", word(&change.role));
            part("account", address(&change.account));
            part("previous", address(&change.previous));
            part("sender", address(&change.sender));
            part("reason", word(&change.reason));
        }
        RiskKind::ParameterUpdate(update) => {
            part("what", Some(format!("{:?}", update.parameter)));
            part("sender", address(&update.sender));
            match &update.call {
                None => {
                    part("old", Some(show(&update.old)));
                    part("new", Some(show(&update.new)));
                }
                Some(call) => {
                    part("target", address(&call.target));
                    part("value_wei", call.value_wei.map(|v| v.to_string()));
                    part("signature", call.signature.clone());
                    part("data", call.data.as_ref().map(|v| v.to_string()));
                    part("delay_s", call.delay_s.map(|v| v.to_string()));
                    part("ready_at_s", call.ready_at_s.map(|v| v.to_string()));
                }
            }
        }
        RiskKind::Oracle(update) => {
            part("what", Some(format!("{:?}", update.what)));
            part("feed", word(&update.feed));
            part("round", update.round.map(|v| v.to_string()));
            part("answer", update.answer.map(|v| v.to_string()));
            part("updated_at_s", update.updated_at_s.map(|v| v.to_string()));
            part("lag_s", update.lag_s.map(|v| v.to_string()));
            part("heartbeat_s", update.heartbeat_s.map(|v| v.to_string()));
        }
    }
    let text = parts.join(" ");
    // Words of one repeated byte, as they appear in debug output.
    let zeros = "0".repeat(38);
    format!("{} {}", event.indicator().as_str(), text.replace(&format!("0x{zeros}"), "0x…"))
}

#[test]
fn every_source_event_becomes_one_record() {
    let mut golden = String::new();
    for source in sources() {
        let log = emit(&source.event, &declared(&source.event));
        let event = read(&log).unwrap().unwrap();
        assert_eq!(event.source, source);
        assert_eq!(event.contract, log.address);
        golden += &format!("{} | {}\n    {}\n", source.family, source.event, describe(&event));
    }
    expect_file!["golden.txt"].assert_eq(&golden);
}

#[test]
fn native_events_have_the_published_topics() {
    let topic = |text: &str| EventAbi::parse(text).unwrap().topic0.unwrap();
    let role_change = topic(ROLE_CHANGE);
    assert!(role_change.starts_with(&hex!("c43a0dce")), "{role_change}");
    assert!(hex::encode(role_change).ends_with("acc4a"), "{role_change}");
    let parameter_update = topic(PARAMETER_UPDATE);
    assert!(parameter_update.starts_with(&hex!("a9d4e0f3")), "{parameter_update}");
    assert!(hex::encode(parameter_update).ends_with("967c"), "{parameter_update}");
}

#[test]
fn well_known_topics_are_recognised() {
    let known = [
        ("RoleGranted(bytes32,address,address)", hex!("2f878811")),
        ("RoleRevoked(bytes32,address,address)", hex!("f6391f5c")),
        ("RoleAdminChanged(bytes32,bytes32,bytes32)", hex!("bd79b86f")),
        ("OwnershipTransferred(address,address)", hex!("8be0079c")),
        ("OwnershipTransferStarted(address,address)", hex!("38d16b8c")),
        ("AdminChanged(address,address)", hex!("7e644d79")),
        ("AnswerUpdated(int256,uint256,uint256)", hex!("0559884f")),
        ("Upgraded(address)", hex!("bc7cd75a")),
        ("BeaconUpgraded(address)", hex!("1cf3b03a")),
        ("MinDelayChange(uint256,uint256)", hex!("11c24f4e")),
        ("Paused(address)", hex!("62e78cea")),
        ("Unpaused(address)", hex!("5db9ee0a")),
    ];
    for (signature, prefix) in known {
        let source = sources().iter().find(|source| source.event.signature == signature).unwrap();
        assert!(source.event.topic0.unwrap().starts_with(&prefix), "{signature}");
    }
}

#[test]
fn no_two_sources_share_a_topic_and_masks_stay_small() {
    let topics: HashSet<_> = sources().iter().map(|source| source.event.topic0).collect();
    assert_eq!(topics.len(), sources().len());
    assert!(sources().iter().all(|source| source.event.params.len() <= 7));
}

#[test]
fn an_old_ownable_without_indexed_arguments_is_read_too() {
    let event =
        EventAbi::parse("OwnershipTransferred(address previousOwner, address newOwner)").unwrap();
    for indexed in [[false, false], [true, false], [true, true]] {
        let found = read(&emit(&event, &indexed)).unwrap().unwrap();
        let RiskKind::RoleChange(change) = found.kind else { panic!("a role change") };
        assert_eq!(change.account, Some(Address::with_last_byte(2)), "{indexed:?}");
        assert_eq!(change.previous, Some(Address::with_last_byte(1)), "{indexed:?}");
    }
}

#[test]
fn renouncing_ownership_is_a_loss_of_the_previous_owner() {
    let event = EventAbi::parse("OwnershipTransferred(address indexed a, address indexed b)");
    let mut log = emit(&event.unwrap(), &[true, true]);
    log.topics[2] = B256::ZERO;
    let Some(RiskEvent { kind: RiskKind::RoleChange(change), .. }) = normalize(&log) else {
        panic!("a role change")
    };
    assert_eq!((change.account, change.granted), (Some(Address::with_last_byte(1)), false));
}

#[test]
fn a_known_signature_that_does_not_fit_is_an_error_and_an_unknown_one_is_nothing() {
    let event =
        EventAbi::parse("RoleGranted(bytes32 indexed r, address indexed a, address indexed s)");
    let good = emit(&event.unwrap(), &[true, true, true]);
    let mut dirty = good.clone();
    dirty.topics[2] = B256::repeat_byte(0xff);
    let mut cut = good.clone();
    cut.topics.truncate(2);
    for bad in [&dirty, &cut] {
        assert!(matches!(read(bad), Err(Undecoded::Malformed(_))));
        assert_eq!(normalize(bad), None);
    }
    let mut unknown = good;
    unknown.topics[0] = B256::repeat_byte(1);
    assert_eq!(read(&unknown), Ok(None));
    unknown.topics.clear();
    assert_eq!(read(&unknown), Ok(None));
}

#[test]
fn a_hostile_time_is_clamped() {
    let event = EventAbi::parse(ORACLE_LAG).unwrap();
    let mut log = emit(&event, &declared(&event));
    log.data = vec![0xff; 96].into();
    let Some(RiskEvent { kind: RiskKind::Oracle(update), .. }) = normalize(&log) else {
        panic!("an oracle event")
    };
    assert_eq!(update.lag_s, Some(u64::MAX));
}

proptest! {
    #[test]
    fn damaged_logs_of_known_events_never_panic(
        at in any::<prop::sample::Index>(),
        words in prop::collection::vec(any::<[u8; 32]>(), 0..5),
        data in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let source = &sources()[at.index(sources().len())];
        let mut topics = vec![source.event.topic0.unwrap()];
        topics.extend(words.into_iter().map(B256::from));
        let log = Log { index: 0, address: Address::ZERO, topics, data: data.into() };
        let _read = read(&log).is_ok();
    }

    /// Whichever single-word arguments are indexed, as long as the words tell the split apart, the
    /// native role change is the same record.
    #[test]
    fn any_split_of_the_native_role_change_is_read(indexed: [bool; 5]) {
        prop_assume!(indexed.iter().filter(|i| **i).count() <= 3);
        let event = EventAbi::parse(ROLE_CHANGE).unwrap();
        let found = read(&emit(&event, &indexed)).unwrap().unwrap();
        prop_assert_eq!(found.indicator(), Indicator::RoleChange);
    }
}
