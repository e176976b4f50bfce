//! Recorded mainnet blocks, executed once more: gas, status and logs of every receipt, and the frames
//! that a node with tracing gave.

use std::{collections::HashMap, path::PathBuf};

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256};
use bellwether::execution::OwnExecution;
use chain::{
    Prove, assemble,
    execute::{Answer, Executor, Question, Step},
    recorded::{RecordedBlock, Recording},
};
use evm::execution::{Account, Block, Known, Rules, execute};
use model::{Frame, FrameKind, Name, TxTrace};
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

/// Blocks whose parent is recorded, too.
const FOLLOWING: [u64; 2] = [19_426_587, 24_628_608];

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

impl Corpus {
    /// What a node would answer about the state before a block. The recording of the block after it
    /// says what of the other parts did not change meanwhile.
    fn answers(&self, number: u64) -> Known {
        let mut known = self.known(number);
        if FOLLOWING.contains(&(number + 1)) {
            let next = self.known(number + 1);
            for (address, account) in next.accounts {
                known.accounts.entry(address).or_insert(account);
            }
            for (word, value) in next.storage {
                known.storage.entry(word).or_insert(value);
            }
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

/// What executing a block on the answers of a node took.
struct Cost {
    number: u64,
    transactions: usize,
    /// Requests, as `chain` makes them: three of an account, one of everything else.
    reads: usize,
    rounds: usize,
    kept: u32,
}

/// Executes a block as the follower does, with the recording in the place of the node.
fn followed(
    executor: &OwnExecution,
    recorded: &RecordedBlock,
    all: &Known,
) -> Result<Cost, String> {
    let name = Name::new("mainnet").unwrap();
    let bundle = assemble(&name, &name, recorded.raw().unwrap(), &Prove::nothing()).unwrap();
    let mut execution = executor.begin(&recorded.block, &bundle).map_err(|why| why.to_string())?;
    let (mut reads, mut rounds) = (0, 0);
    loop {
        rounds += 1;
        assert!(rounds < 512, "it never ends");
        match execution.run(&bundle) {
            Step::Asks(questions) => {
                let is_account = |question: &&Question| matches!(question, Question::Account(_));
                reads += questions.len() + 2 * questions.iter().filter(is_account).count();
                let answers = questions.iter().map(|asked| (*asked, answer(all, *asked)));
                execution.take(answers.collect());
            }
            Step::Traced { traces, kept } => {
                execution.keep();
                let of = |trace: &TxTrace| trace.frames.iter().map(comparable).collect::<Vec<_>>();
                let recorded = bundle.traces.as_ref().unwrap();
                assert!(traces.iter().map(of).eq(recorded.iter().map(of)));
                let (number, transactions) = (bundle.header.number, bundle.transactions.len());
                return Ok(Cost { number, transactions, reads, rounds, kept });
            }
            Step::Failed(why) => return Err(why.to_string()),
        }
    }
}

/// What a node would answer.
fn answer(all: &Known, question: Question) -> Answer {
    match question {
        Question::Account(of) => {
            let account = all.accounts.get(&of).copied().flatten();
            let code = account.and_then(|account| all.codes.get(&account.code_hash));
            Answer::Account {
                balance: account.map_or(U256::ZERO, |account| account.balance),
                nonce: account.map_or(0, |account| account.nonce),
                code: code.cloned().unwrap_or_default(),
            }
        }
        Question::Storage(of, slot) => {
            Answer::Storage(all.storage.get(&(of, slot)).copied().unwrap_or_default())
        }
        Question::BlockHash(number) => Answer::BlockHash(all.block_hashes[&number]),
    }
}

#[test]
fn a_block_is_executed_on_what_a_node_answers_and_the_next_one_asks_for_less() {
    let Some(corpus) = Corpus::open() else { return };
    let executor = OwnExecution::new(1, None);
    let (mut costs, mut wrong) = (Vec::new(), Vec::new());
    for (number, recorded) in Recording::open(&corpus.folder).unwrap().blocks() {
        let recorded = recorded.unwrap();
        let all = corpus.answers(number);
        match followed(&executor, &recorded, &all) {
            Ok(cost) => costs.push(cost),
            // Before Spurious Dragon accounts with nothing in them could exist, which cost another
            // gas, and no node can be asked which ones: it is noticed, and not used.
            Err(why) if number < 2_675_000 => println!("{number}: {why}"),
            Err(why) => wrong.push(format!("block {number}: {why}")),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    for Cost { number, transactions, reads, rounds, kept } in &costs {
        println!(
            "{number}: {transactions} transactions, {reads} reads, {rounds} rounds, {kept} kept"
        );
    }
    let alone = costs.iter().filter(|cost| cost.kept == 0 && cost.transactions >= 100);
    let mut reads: Vec<usize> = alone.clone().map(|cost| cost.reads).collect();
    let mut rounds: Vec<usize> = alone.map(|cost| cost.rounds).collect();
    reads.sort_unstable();
    rounds.sort_unstable();
    let (middle, last) = (reads.len() / 2, reads.len() - 1);
    println!(
        "full blocks without one before: {} reads (median), {} at most; {} rounds (median), {} at most",
        reads[middle], reads[last], rounds[middle], rounds[last]
    );
    let limits = chain::config::Limits::default();
    assert!(
        reads[last] < limits.execution_reads_max as usize / 2,
        "the limit is far from real blocks"
    );
    // Of blocks that follow each other, the second begins with what the first one left.
    for second in FOLLOWING {
        let of = |number| costs.iter().find(|cost| cost.number == number).unwrap();
        let (first, second) = (of(second - 1), of(second));
        assert!(second.kept > 0, "block {}", second.number);
        let per_transaction = |cost: &Cost| cost.reads as f64 / cost.transactions as f64;
        let ratio = per_transaction(second) / per_transaction(first);
        println!(
            "block {}: {ratio:.2} of the reads of the one before, by transaction",
            second.number
        );
        assert!(ratio < 0.9, "block {}: {ratio}", second.number);
    }
}

#[test]
fn a_wrong_word_of_a_nodes_state_is_noticed() {
    let Some(corpus) = Corpus::open() else { return };
    let number = 19_426_587;
    let recording = Recording::open(&corpus.folder).unwrap();
    let recorded = recording.block(number).unwrap().unwrap();
    let mut all = corpus.known(number);
    let executor = OwnExecution::new(1, None);
    followed(&executor, &recorded, &all).unwrap();
    let lies = all.storage.values_mut().filter(|word| !word.is_zero()).take(200);
    for word in lies {
        *word >>= 1;
    }
    let why = followed(&OwnExecution::new(1, None), &recorded, &all).err().unwrap();
    assert!(why.contains("than its receipt") || why.contains("cannot be executed"), "{why}");
}
