//! Valid bytes give their values back; hostile bytes give an error.

use std::sync::Arc;

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, B256, Bytes, Function, I256, U256, hex, keccak256};
use expect_test::expect;
use model::Log;
use proptest::prelude::*;

use super::*;
use crate::ContractAbi;

fn log(topics: Vec<B256>, data: impl Into<Bytes>) -> Log {
    Log { index: 0, address: Address::repeat_byte(0xcc), topics, data: data.into() }
}

fn event(text: &str) -> Arc<EventAbi> {
    EventAbi::parse(text).unwrap()
}

fn word(number: u64) -> B256 {
    U256::from(number).into()
}

#[test]
fn a_transfer_gives_its_arguments_in_the_order_of_the_source() {
    let swapped = event("Paid(uint256 value, address indexed to, string memo, uint8 indexed kind)");
    let body = DynSolValue::Tuple(vec![
        DynSolValue::Uint(U256::from(5), 256),
        DynSolValue::String("rent".into()),
    ]);
    let topics = vec![swapped.topic0.unwrap(), Address::repeat_byte(1).into_word(), word(7)];
    let decoded = swapped.decode(&log(topics, body.abi_encode_sequence().unwrap())).unwrap();
    let expected = [
        DynSolValue::Uint(U256::from(5), 256),
        DynSolValue::Address(Address::repeat_byte(1)),
        DynSolValue::String("rent".into()),
        DynSolValue::Uint(U256::from(7), 8),
    ];
    assert_eq!(decoded.args, expected);
    assert_eq!(decoded.arg("memo"), Some(&expected[2]));
    assert_eq!(decoded.arg("nothing"), None);
}

#[test]
fn an_nft_transfer_is_no_token_transfer() {
    let token = event("Transfer(address indexed from, address indexed to, uint256 value)");
    let nft = event("Transfer(address indexed from, address indexed to, uint256 indexed tokenId)");
    assert_eq!(token.topic0, nft.topic0);
    let sold = log(vec![nft.topic0.unwrap(), word(1), word(2), word(3)], Bytes::new());
    assert!(nft.decode(&sold).is_ok());
    let refusal = token.decode(&sold).unwrap_err().to_string();
    expect!["malformed: Transfer(address,address,uint256) has 2 indexed arguments, the log has 3"]
        .assert_eq(&refusal);
    let paid = log(vec![token.topic0.unwrap(), word(1), word(2)], word(3).to_vec());
    assert!(token.decode(&paid).is_ok() && nft.decode(&paid).is_err());
}

#[test]
fn a_log_that_does_not_fit_says_why() {
    let token = event("Transfer(address indexed from, address indexed to, uint256 value)");
    let topic0 = token.topic0.unwrap();
    let explain = |log: Log| token.decode(&log).unwrap_err();
    assert_eq!(explain(log(vec![], vec![])), Undecoded::NoTopics);
    assert_eq!(explain(log(vec![word(1)], vec![])), Undecoded::UnknownSignature);
    let cut = explain(log(vec![topic0, word(1), word(2)], vec![0; 31]));
    expect!["malformed: data of Transfer(address,address,uint256): ABI decoding failed: buffer overrun while deserializing"]
        .assert_eq(&cut.to_string());
}

#[test]
fn only_the_hash_is_left_of_an_indexed_string() {
    let named = event("Named(string indexed name, uint256[] indexed list)");
    let hash = keccak256("bellwether");
    let decoded = named.decode(&log(vec![named.topic0.unwrap(), hash, hash], vec![])).unwrap();
    assert_eq!(
        decoded.args,
        [DynSolValue::FixedBytes(hash, 32), DynSolValue::FixedBytes(hash, 32)]
    );
}

#[test]
fn words_are_cut_to_the_width_of_their_type() {
    let wide = event("E(uint8 a, int16 b, bytes2 c, address d, bool e, uint8 indexed f)");
    let all = B256::repeat_byte(0xff);
    let data: Vec<u8> = [all; 5].concat();
    let decoded = wide.decode(&log(vec![wide.topic0.unwrap(), all], data)).unwrap();
    let mut two = B256::ZERO;
    two[..2].fill(0xff);
    let expected = [
        DynSolValue::Uint(U256::from(255), 8),
        DynSolValue::Int(I256::MINUS_ONE, 16),
        DynSolValue::FixedBytes(two, 2),
        DynSolValue::Address(Address::repeat_byte(0xff)),
        DynSolValue::Bool(true),
        DynSolValue::Uint(U256::from(255), 8),
    ];
    assert_eq!(decoded.args, expected);
}

#[test]
fn a_length_beyond_the_data_is_refused_without_allocating_it() {
    let list = event("E(uint256[] list)");
    let mut data = word(32).to_vec();
    for length in [U256::MAX, U256::from(u64::MAX), U256::from(1u64 << 40), U256::from(3)] {
        data.truncate(32);
        data.extend(length.to_be_bytes::<32>());
        data.extend(word(1).0);
        let hostile = log(vec![list.topic0.unwrap()], data.clone());
        assert!(matches!(list.decode(&hostile), Err(Undecoded::Malformed(_))), "{length}");
    }
}

/// Arrays of arrays whose offsets all point at the same bytes describe far more elements than the
/// data has; decoding must not follow them into gigabytes.
#[test]
fn arrays_that_share_their_bytes_do_not_multiply() {
    let nested = event("E(uint256[][][][][][][][][] list)");
    let (width, levels) = (32usize, 9);
    let mut data = word(32).to_vec();
    for _ in 1..levels {
        data.extend(word(width as u64).0);
        // Every element points behind the heads, to the one list of the next level.
        for _ in 0..width {
            data.extend(word(32 * width as u64).0);
        }
    }
    data.extend(word(0).0);
    let hostile = log(vec![nested.topic0.unwrap()], data);
    assert!(matches!(nested.decode(&hostile), Err(Undecoded::Malformed(_))));
}

#[test]
fn a_call_is_read_by_its_selector() {
    let abi = ContractAbi::from_solidity(["function transfer(address to, uint256 value)"]).unwrap();
    let transfer = abi.find_function("transfer").unwrap();
    let mut input = transfer.selector.to_vec();
    input.extend(Address::repeat_byte(9).into_word().0);
    input.extend(word(77).0);
    let decoded = transfer.decode(&input).unwrap();
    assert_eq!(decoded.arg("value"), Some(&DynSolValue::Uint(U256::from(77), 256)));
    assert_eq!(transfer.decode(&input[..3]), Err(Undecoded::NoSelector));
    assert_eq!(transfer.decode(&[0; 4]), Err(Undecoded::UnknownSignature));
    let cut = transfer.decode(&input[..67]).unwrap_err().to_string();
    expect!["malformed: arguments of transfer(address,uint256): ABI decoding failed: buffer overrun while deserializing"]
        .assert_eq(&cut);
    input.push(0);
    assert!(transfer.decode(&input).is_ok(), "contracts ignore what follows the arguments");
}

#[test]
fn a_revert_tells_its_reason() {
    let abi =
        ContractAbi::from_solidity(["error InsufficientBalance(address account, uint256 missing)"])
            .unwrap();
    let error = abi.errors().next().unwrap();
    let mut custom = error.selector.to_vec();
    custom.extend(Address::repeat_byte(1).into_word().0);
    custom.extend(word(12).0);
    let told = DynSolValue::String("not\u{202e} yours\n".into());
    let message = [&hex!("08c379a0")[..], &told.abi_encode()].concat();
    let panic = |code: u64| [&hex!("4e487b71")[..], word(code).as_slice()].concat();
    let cases: [&[u8]; 9] = [
        &[],
        &message,
        &panic(0x11),
        &panic(0x99),
        &custom,
        &custom[..40],
        &hex!("deadbeef00"),
        &[0x08],
        &hex!("08c379a0ffff"),
    ];
    let told = cases.map(|output| {
        let reason = decode_revert(output, Some(&abi));
        format!("{}: {reason}", reason.kind())
    });
    expect![[r#"
        empty: reverted without a reason
        Error: reverted: "not yours"
        Panic(0x11): panic 0x11: arithmetic overflow or underflow
        Panic(0x99): panic 0x99: unknown code
        InsufficientBalance: reverted: InsufficientBalance(account: 0x0101010101010101010101010101010101010101, missing: 12)
        0xf6deaa04: reverted with 0xf6deaa040000000000000000000000000101010101010101010101010101010101010101… (40 bytes)
        0xdeadbeef: reverted with 0xdeadbeef00
        0x08: reverted with 0x08
        0x08c379a0: reverted with 0x08c379a0ffff"#]].assert_eq(&told.join("\n"));
    assert!(matches!(decode_revert(&custom, None), RevertReason::Raw(_)));
}

#[test]
fn every_code_of_the_documentation_has_a_meaning() {
    let codes: Vec<u64> = (0..=255).filter(|c| panic_meaning(U256::from(*c)).is_some()).collect();
    assert_eq!(codes, [0x00, 0x01, 0x11, 0x12, 0x21, 0x22, 0x31, 0x32, 0x41, 0x51]);
    assert_eq!(panic_meaning(U256::MAX), None);
}

/// Types of bounded depth, and a value of each.
fn typed_value() -> impl Strategy<Value = DynSolValue> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(DynSolValue::Bool),
        any::<[u8; 20]>().prop_map(|bytes| DynSolValue::Address(bytes.into())),
        (any::<[u64; 4]>(), 1usize..=32).prop_map(|(limbs, bytes)| {
            let value = U256::from_limbs(limbs) >> (256 - bytes * 8);
            DynSolValue::Uint(value, bytes * 8)
        }),
        (any::<[u64; 4]>(), 1usize..=32).prop_map(|(limbs, bytes)| {
            let value = I256::from_raw(U256::from_limbs(limbs)).asr(256 - bytes * 8);
            DynSolValue::Int(value, bytes * 8)
        }),
        (any::<[u8; 32]>(), 1usize..=32).prop_map(|(mut bytes, len)| {
            bytes[len..].fill(0);
            DynSolValue::FixedBytes(bytes.into(), len)
        }),
        any::<[u8; 24]>().prop_map(|bytes| DynSolValue::Function(Function::from(bytes))),
        prop::collection::vec(any::<u8>(), 0..70).prop_map(DynSolValue::Bytes),
        "\\PC{0,40}".prop_map(DynSolValue::String),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(DynSolValue::Tuple),
            // Elements of an array must have one type, so they are one value repeated.
            (inner.clone(), 1usize..4).prop_map(|(value, n)| DynSolValue::Array(vec![value; n])),
            (inner, 1usize..4).prop_map(|(value, n)| DynSolValue::FixedArray(vec![value; n])),
        ]
    })
}

/// An event with these arguments, of which the first ones that fit a topic are indexed, and the log
/// of one occurrence.
fn occurrence(values: &[DynSolValue], indexed: usize) -> (Arc<EventAbi>, Log) {
    let mut left = indexed;
    let (mut params, mut words, mut body) = (Vec::new(), Vec::new(), Vec::new());
    for value in values {
        let ty = value.sol_type_name().unwrap().replace(",)", ")");
        match value.as_word().filter(|_| left > 0) {
            Some(word) => {
                left -= 1;
                words.push(word);
                params.push(format!("{ty} indexed"));
            }
            None => {
                body.push(value.clone());
                params.push(ty);
            }
        }
    }
    let event = event(&format!("E({})", params.join(",")));
    let mut topics = vec![event.topic0.unwrap()];
    topics.extend(words);
    let data = DynSolValue::Tuple(body).abi_encode_sequence().unwrap();
    (event, log(topics, data))
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(values in prop::collection::vec(typed_value(), 1..6), indexed in 0usize..4) {
        let (event, log) = occurrence(&values, indexed);
        prop_assert_eq!(event.decode(&log).unwrap().args, values);
    }

    #[test]
    fn a_damaged_log_never_panics(
        values in prop::collection::vec(typed_value(), 1..6),
        indexed in 0usize..4,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in prop::option::of(any::<prop::sample::Index>()),
        drop_topics in 0usize..3,
    ) {
        let (event, mut log) = occurrence(&values, indexed);
        let mut data = log.data.to_vec();
        for (at, byte) in damage.iter().filter(|_| !log.data.is_empty()) {
            data[at.index(log.data.len())] = *byte;
        }
        if let Some(cut) = cut.filter(|_| !data.is_empty()) {
            data.truncate(cut.index(data.len()));
        }
        log.data = data.into();
        log.topics.truncate(log.topics.len().saturating_sub(drop_topics).max(1));
        if let Ok(decoded) = event.decode(&log) {
            prop_assert_eq!(decoded.args.len(), event.params.len());
        }
        event.decode_exactly(&log);
    }

    #[test]
    fn random_bytes_never_panic(
        topics in prop::collection::vec(any::<[u8; 32]>(), 0..6),
        data in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let event = event("E(uint8 a, (bytes,string[2])[] b, int64[][3] c, address indexed d)");
        let topics: Vec<B256> = topics.into_iter().map(B256::from).collect();
        let _random = event.decode(&log(topics, data.clone())).is_ok();
        let known = vec![event.topic0.unwrap(), B256::ZERO];
        let _known = event.decode(&log(known, data.clone())).is_ok();
        for selector in [hex!("08c379a0"), hex!("4e487b71"), hex!("01020304")] {
            let output = [&selector[..], &data].concat();
            let _told = decode_revert(&output, None).to_string();
        }
    }
}
