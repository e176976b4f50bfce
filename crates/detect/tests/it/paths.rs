//! Paths through protected contracts: what may differ outside never changes a fingerprint.

use std::collections::BTreeMap;

use alloy_primitives::{Address, Bytes, U256};
use bellwether_detect::trace::{Path, Protected, Scene, View, observe, weigh};
use model::{Frame, FrameKind, PathSalt, Secret, TxTrace};
use proptest::prelude::*;

/// Addresses below this are protected; all others are outside.
const PROTECTED: u8 = 3;

fn address(byte: u8) -> Address {
    Address::repeat_byte(byte + 1)
}

fn protected() -> Protected {
    (0..PROTECTED).map(address).collect()
}

/// A frame in the making: whose child, what kind, to whom, which function, how much, failed.
type Seed = (prop::sample::Index, u8, u8, u8, u64, bool);

fn tree(seeds: &[Seed]) -> TxTrace {
    let mut frames: Vec<Frame> = Vec::new();
    // The newest frame and those around it: a child may only be put below one of them.
    let mut way: Vec<u32> = Vec::new();
    for (below, kind, to, selector, value, failed) in seeds {
        let parent = (!way.is_empty()).then(|| {
            let at = below.index(way.len());
            way.truncate(at + 1);
            way[at]
        });
        let kind = match kind % 8 {
            0 => FrameKind::DelegateCall,
            1 | 2 => FrameKind::StaticCall,
            3 => FrameKind::Create,
            _ => FrameKind::Call,
        };
        let moves = matches!(kind, FrameKind::Call | FrameKind::Create);
        let from = parent.map_or(address(9), |parent| {
            let around = &frames[parent as usize];
            match around.kind {
                FrameKind::DelegateCall => around.from,
                _ => around.to.unwrap(),
            }
        });
        let mut input = vec![*selector; 4];
        if selector % 3 == 0 {
            input = vec![0xa9, 0x05, 0x9c, 0xbb];
            input.extend([0; 12]);
            input.extend(address(to % 8));
            input.extend(U256::from(*value).to_be_bytes::<32>());
        }
        way.push(frames.len() as u32);
        frames.push(Frame {
            parent,
            depth: parent.map_or(0, |parent| frames[parent as usize].depth + 1),
            kind,
            from,
            to: Some(address(to % 8)),
            value: if moves { U256::from(*value) } else { U256::ZERO },
            gas_used: *value,
            input: Bytes::from(input),
            output: Bytes::new(),
            error: failed.then(|| "execution reverted".to_owned()),
        });
    }
    TxTrace { frames }
}

/// The same calls between other people, about other amounts.
fn moved(trace: &TxTrace, to: &BTreeMap<Address, Address>, factor: u64) -> TxTrace {
    let other = |of: Address| to.get(&of).copied().unwrap_or(of);
    let frames = trace.frames.iter().map(|frame| {
        let mut input = frame.input.to_vec();
        if input.len() > 4 {
            let receiver = other(Address::from_slice(&input[16..36]));
            input[16..36].copy_from_slice(receiver.as_slice());
            let amount = U256::from_be_slice(&input[36..]) * U256::from(factor);
            input[36..].copy_from_slice(&amount.to_be_bytes::<32>());
        }
        Frame {
            from: other(frame.from),
            to: frame.to.map(other),
            value: frame.value * U256::from(factor),
            gas_used: frame.gas_used / 2,
            input: input.into(),
            ..frame.clone()
        }
    });
    TxTrace { frames: frames.collect() }
}

fn path(trace: &TxTrace) -> Option<Path> {
    let scene = Scene::new(trace, None);
    Path::of(&View::new(&scene, &protected())?)
}

proptest! {
    #[test]
    fn other_people_and_other_amounts_take_the_same_path(
        seeds in prop::collection::vec(any::<Seed>(), 1..60),
        turn in 1_u8..4,
        factor in 1_u64..1_000,
    ) {
        let trace = tree(&seeds);
        // Outsiders change places among themselves and with people never seen.
        let outside: Vec<Address> = (PROTECTED..10).map(address).collect();
        let others: Vec<Address> = outside.iter().map(|a| Address::repeat_byte(a[0] ^ (turn << 5))).collect();
        let to = outside.into_iter().zip(others).collect();
        prop_assert_eq!(path(&trace), path(&moved(&trace, &to, factor)));
    }

    #[test]
    fn any_tree_is_judged_and_the_sum_is_never_negative(
        seeds in prop::collection::vec(any::<Seed>(), 1..120),
    ) {
        let trace = tree(&seeds);
        let scene = Scene::new(&trace, None);
        if let Some(view) = View::new(&scene, &protected()) {
            let found = observe(&view);
            prop_assert!(found.iter().all(|found| found.frame < trace.frames.len()));
            prop_assert_eq!(&found, &observe(&view), "twice the same");
            prop_assert!(weigh(found).score >= 0.0);
        }
    }
}

/// `sender → helper → (vault → token)*`, with so many rounds.
fn rounds(count: usize) -> TxTrace {
    let mut trace = TxTrace::default();
    let mut push = |parent: Option<u32>, from: u8, to: u8, selector: u8| {
        trace.frames.push(Frame {
            parent,
            depth: parent.map_or(0, |_| 1),
            kind: FrameKind::Call,
            from: address(from),
            to: Some(address(to)),
            value: U256::ZERO,
            gas_used: 0,
            input: vec![selector; 4].into(),
            output: Bytes::new(),
            error: None,
        });
    };
    push(None, 9, 8, 1);
    (0..count).for_each(|_| push(Some(0), 8, 0, 2));
    trace
}

#[test]
fn repetitions_count_in_powers_of_two_and_not_at_all_in_general() {
    let of = |count: usize| path(&rounds(count)).unwrap();
    assert_eq!(of(4).exact, of(7).exact);
    assert_ne!(of(7).exact, of(8).exact);
    assert_eq!(of(64).exact, of(9_000).exact);
    assert_eq!(of(1).general, of(9_000).general);
    assert_ne!(of(1).exact, of(2).exact);
}

#[test]
fn a_salt_of_ones_own_changes_every_fingerprint() {
    let trace = rounds(1);
    let scene = Scene::new(&trace, None);
    let under = |salt: &str| {
        let salt = PathSalt::new(Secret::new(salt.to_owned()));
        Path::of(&View::salted(&scene, &protected(), &salt).unwrap()).unwrap()
    };
    let (one, other) = (under("a"), under("b"));
    assert!(one.exact != other.exact && one.general != other.general);
    assert_eq!(one, under("a"));
    assert_eq!(Path::of(&View::new(&scene, &protected()).unwrap()), Some(under("")), "no salt");
}
