//! Recorded mainnet blocks, executed once more: gas, status and logs of every receipt, and the frames
//! that a node with tracing gave.

use std::{collections::HashMap, path::PathBuf};

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256};
use chain::{Prove, assemble, recorded::Recording};
use evm::execution::{Account, Block, Failure, Known, Missing, Rules, execute};
use model::{Frame, FrameKind, Name};
use serde::Deserialize;

use crate::{corpus::unpacked, folder};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recorded {
    balance: U256,
    nonce: u64,
    code_hash: Option<B256>,
    storage: HashMap<B256, U256>,
}

/// Transactions with another frame that are printed.
const SHOWN: usize = 6;

struct Corpus {
    folder: PathBuf,
    codes: HashMap<B256, Bytes>,
    hashes: HashMap<u64, B256>,
}

impl Corpus {
    fn open() -> Option<Self> {
        let folder = folder()?;
        let codes = serde_json::from_str(&unpacked(&folder.join("blocks/codes.json.zst"))).unwrap();
        let hashes = std::fs::read_to_string(folder.join("blocks/block_hashes.json")).unwrap();
        let hashes = serde_json::from_str(&hashes).unwrap();
        Some(Self { folder, codes, hashes })
    }

    fn known(&self, number: u64) -> Known {
        let path = self.folder.join(format!("blocks/{number}/prestate.json.zst"));
        let recorded: HashMap<Address, Recorded> = serde_json::from_str(&unpacked(&path)).unwrap();
        let mut known = Known {
            codes: self.codes.clone(),
            block_hashes: self.hashes.clone(),
            is_complete: true,
            ..Known::default()
        };
        for (address, account) in recorded {
            let code_hash = account.code_hash.unwrap_or(KECCAK256_EMPTY);
            let Recorded { balance, nonce, storage, .. } = account;
            let of = Account { balance, nonce, code_hash };
            known.accounts.insert(address, Some(of));
            let words = storage.into_iter().map(|(slot, word)| ((address, slot.into()), word));
            known.storage.extend(words);
        }
        known
    }
}

/// A frame without what nodes tell differently: the words for a failure, and the value of a delegate
/// call, which moves none (the recording has 0, others repeat that of the frame around it).
fn comparable(frame: &Frame) -> Frame {
    let mut frame = frame.clone();
    frame.error = frame.error.map(|_| "failed".to_owned());
    if frame.kind == FrameKind::DelegateCall {
        frame.value = U256::ZERO;
    }
    frame
}

#[test]
fn recorded_blocks_agree_with_their_receipts_and_give_the_frames_of_a_node_with_tracing() {
    let Some(corpus) = Corpus::open() else { return };
    let name = Name::new("mainnet").unwrap();
    let (mut blocks, mut transactions, mut frames, mut others) = (0, 0, 0, Vec::new());
    let mut wrong = Vec::new();
    for (number, recorded) in Recording::open(&corpus.folder).unwrap().blocks() {
        let recorded = recorded.unwrap();
        let raw = recorded.raw().unwrap();
        let bundle = assemble(&name, &name, raw, &Prove::nothing()).unwrap();
        let block = Block::read(&recorded.block).unwrap();
        let rules = Rules::of(1, block.number(), block.timestamp()).unwrap();
        let executed = match execute(&block, &rules, &corpus.known(number)) {
            Ok(executed) => executed,
            Err(failure) => {
                wrong.push(format!("block {number}: {failure}"));
                continue;
            }
        };
        if let Err(why) = executed.agrees(&bundle) {
            wrong.push(format!("block {number}: {why}"));
            continue;
        }
        let theirs = bundle.traces.as_ref().unwrap();
        for (at, (ours, theirs)) in executed.traces().iter().zip(theirs).enumerate() {
            frames += theirs.frames.len();
            let is_same = |at: &usize| {
                ours.frames.get(*at).map(comparable) == theirs.frames.get(*at).map(comparable)
            };
            let all = 0..ours.frames.len().max(theirs.frames.len());
            if let Some(frame) = all.into_iter().find(|at| !is_same(at)) {
                if others.len() < SHOWN {
                    println!("{number} {at} {frame}: {:?}", ours.frames.get(frame));
                    println!("   recorded {:?}", theirs.frames.get(frame));
                }
                others.push((number, at));
            }
        }
        blocks += 1;
        transactions += theirs.len();
    }
    println!(
        "{blocks} blocks, {transactions} transactions, {frames} frames: {} transactions differ in a frame: {:?}",
        others.len(),
        &others[..others.len().min(10)]
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(blocks > 50);
    assert!(others.is_empty(), "{} transactions have other frames", others.len());
}

#[test]
fn what_is_missing_is_asked_for_in_a_few_rounds() {
    let Some(corpus) = Corpus::open() else { return };
    let number = 19_426_587;
    let recording = Recording::open(&corpus.folder).unwrap();
    let recorded = recording.block(number).unwrap().unwrap();
    let block = Block::read(&recorded.block).unwrap();
    let rules = Rules::of(1, block.number(), block.timestamp()).unwrap();
    let all = corpus.known(number);
    let whole = execute(&block, &rules, &all).unwrap();
    let (mut known, mut rounds) = (Known::default(), 0);
    let executed = loop {
        match execute(&block, &rules, &known) {
            Ok(executed) => break executed,
            Err(Failure::Missing(missing)) => answer(&all, &missing, &mut known),
            Err(failure) => panic!("{failure}"),
        }
        rounds += 1;
        assert!(rounds < 64, "it never ends");
    };
    assert_eq!(executed, whole);
    assert!(rounds > 2 && !known.storage.is_empty(), "nothing had to be asked for");
    println!(
        "{rounds} rounds for {} accounts and {} words",
        known.accounts.len(),
        known.storage.len()
    );
}

/// What a node would answer.
fn answer(all: &Known, missing: &Missing, known: &mut Known) {
    for address in &missing.accounts {
        known.accounts.insert(*address, all.accounts.get(address).copied().flatten());
    }
    for (address, slots) in &missing.storage {
        for slot in slots {
            let word = all.storage.get(&(*address, *slot)).copied().unwrap_or_default();
            known.storage.insert((*address, *slot), word);
        }
    }
    known.codes.extend(missing.codes.iter().map(|hash| (*hash, all.codes[hash].clone())));
    let hashes = missing.block_hashes.iter();
    known.block_hashes.extend(hashes.map(|number| (*number, all.block_hashes[number])));
}
