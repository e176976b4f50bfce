//! Blocks that no node traces, executed on the state that a node gives.

use std::sync::{Arc, Mutex};

use alloy_primitives::{Address, U256};
use bellwether_chain::{
    config::{NetworkConfig, TraceMode},
    execute::{Answer, Execution, Executor, Failure, Question, Step},
};
use model::{
    BlindReason, BlockBundle, BlockRef, Bytes, ChainEvent, ExecutionCost, Frame, FrameKind,
    TraceSource, TxStatus, TxTrace,
};
use serde_json::{Value, json};

use crate::{
    faulty::{Call, FaultyEndpoint, Reply},
    rig::{Rig, config},
    synthetic::{SENDER, TOKEN, World, hex},
};

/// The word that transactions depend on here: before a block it holds the height of its parent.
const SLOT: U256 = U256::from_limbs([7, 0, 0, 0]);

/// Executes what these tests call a transaction: it needs the sender, then the word.
#[derive(Debug, Default)]
struct ByTheWord {
    /// Blocks whose outcome was used.
    kept: Arc<Mutex<Vec<u64>>>,
}

struct Run {
    number: u64,
    sender: Option<(U256, u64, Bytes)>,
    word: Option<U256>,
    kept: Arc<Mutex<Vec<u64>>>,
}

impl Executor for ByTheWord {
    fn begin(&self, json: &[u8], bundle: &BlockBundle) -> Result<Box<dyn Execution>, Failure> {
        let block: Value = serde_json::from_slice(json).unwrap();
        assert_eq!(block["hash"], bundle.header.hash.to_string(), "the block as the node gave it");
        let (number, kept) = (bundle.header.number, self.kept.clone());
        Ok(Box::new(Run { number, sender: None, word: None, kept }))
    }
}

impl Execution for Run {
    fn run(&mut self, bundle: &BlockBundle) -> Step {
        let Some((balance, nonce, code)) = &self.sender else {
            return Step::Asks(vec![Question::Account(SENDER)]);
        };
        assert_eq!((*balance, *nonce), (U256::from(1_000), 5));
        assert!(code.is_empty());
        match self.word {
            None => Step::Asks(vec![Question::Storage(TOKEN, SLOT)]),
            Some(word) if word == U256::from(self.number - 1) => {
                let traces = bundle.transactions.iter().map(|tx| TxTrace {
                    frames: vec![Frame {
                        parent: None,
                        depth: 0,
                        kind: FrameKind::Call,
                        from: tx.from,
                        to: tx.to,
                        value: tx.value,
                        gas_used: tx.gas_used,
                        input: tx.input.clone(),
                        output: Bytes::new(),
                        error: (tx.status == TxStatus::Failed).then(|| "reverted".to_owned()),
                    }],
                });
                Step::Traced { traces: traces.collect(), kept: 0 }
            }
            Some(_) => Step::Failed(Failure::Disagrees("another gas than its receipt".to_owned())),
        }
    }

    fn take(&mut self, answers: Vec<(Question, Answer)>) {
        for answer in answers {
            match answer {
                (Question::Account(SENDER), Answer::Account { balance, nonce, code }) => {
                    self.sender = Some((balance, nonce, code));
                }
                (Question::Storage(TOKEN, SLOT), Answer::Storage(word)) => self.word = Some(word),
                other => panic!("{other:?} was not asked"),
            }
        }
    }

    fn keep(self: Box<Self>) {
        self.kept.lock().unwrap().push(self.number);
    }
}

/// What a node with the state of all blocks answers to a question about it.
fn state_of(world: &World, call: &Call, is_by_number: bool) -> Option<Reply> {
    let at = call.params.as_array()?.last()?;
    let number = match (&at["blockHash"], is_by_number) {
        (Value::String(hash), false) => world.find(hash.parse().ok()?)?.at.number,
        (Value::String(_), true) => return Some(Reply::Error(-32602, "invalid argument 1")),
        _ => u64::from_str_radix(at.as_str()?.strip_prefix("0x")?, 16).ok()?,
    };
    let result = match call.method.as_str() {
        "eth_getBalance" => json!(hex(1_000)),
        "eth_getTransactionCount" => json!(hex(5)),
        "eth_getCode" => json!("0x"),
        "eth_getStorageAt" => {
            assert_eq!(call.params[0].as_str()?.parse::<Address>().ok()?, TOKEN);
            json!(format!("{:#066x}", U256::from(number)))
        }
        _ => return None,
    };
    Some(Reply::Result(result))
}

fn serve_state(node: &FaultyEndpoint, world: &World) {
    let world = world.clone();
    node.fault(move |call| {
        call.method.starts_with("eth_get").then(|| state_of(&world, call, false))?
    });
}

fn settings(nodes: &[&FaultyEndpoint]) -> NetworkConfig {
    let names = ["a", "b"];
    let endpoints = nodes.iter().zip(names).map(|(node, name)| node.config(name)).collect();
    NetworkConfig {
        traces: TraceMode::Auto,
        executor: Some(Arc::new(ByTheWord::default())),
        ..config(endpoints)
    }
}

/// Who gave the frames of each block.
fn sources(rig: &Rig) -> Vec<TraceSource> {
    rig.bundles().iter().map(|bundle| bundle.traced_by.clone()).collect()
}

/// The one reason why all blocks stayed without frames.
fn why(rig: &Rig) -> String {
    let mut reasons: Vec<String> = rig
        .bundles()
        .iter()
        .map(|bundle| match &bundle.traced_by {
            TraceSource::Nobody(why) if bundle.traces.is_none() => why.clone(),
            other => panic!("block {}: {other:?}", bundle.block_ref()),
        })
        .collect();
    reasons.dedup();
    reasons.join("; ")
}

#[tokio::test]
async fn what_no_node_traces_is_executed_on_the_state_its_parent_left() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 4);
    let node = FaultyEndpoint::start(&world, tip).await;
    serve_state(&node, &world);
    let executor = ByTheWord::default();
    let kept = executor.kept.clone();
    let mut rig =
        Rig::start(NetworkConfig { executor: Some(Arc::new(executor)), ..settings(&[&node]) });
    rig.until_head(tip).await;
    let cost = ExecutionCost { reads: 4, kept: 0, rounds: 3 };
    assert_eq!(sources(&rig), vec![TraceSource::OwnExecution(cost); 4]);
    for bundle in rig.bundles() {
        let traces = bundle.traces.as_ref().expect("frames");
        assert_eq!(traces.len(), bundle.transactions.len());
    }
    let mut kept = kept.lock().unwrap().clone();
    kept.sort_unstable();
    assert_eq!(kept, [1, 2, 3, 4], "all outcomes were used");
    let status = rig.until_status(|status| status.execution.is_some()).await;
    let told = status.execution.expect("it is told");
    assert_eq!((told.blocks, told.blind, told.reads), (4, 0, 16));
    assert_eq!((told.newest, told.why_blind), (cost, None));
}

#[tokio::test]
async fn a_node_without_the_state_leaves_blocks_without_traces_and_says_why() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 4);
    let node = FaultyEndpoint::start(&world, tip).await;
    node.fault(|call| {
        let is_state = call.method.starts_with("eth_getBalance");
        is_state.then_some(Reply::Error(-32000, "missing trie node 0xabc"))
    });
    let mut rig = Rig::start(settings(&[&node]));
    rig.until_head(tip).await;
    assert_eq!(
        why(&rig),
        "the node does not give the state before the block (eth_getBalance: error -32000)"
    );
    let status = rig.until_status(|status| status.execution.is_some()).await;
    let told = status.execution.expect("it is told");
    assert_eq!((told.blocks, told.blind), (0, 4));
    assert!(told.why_blind.is_some());
    let bundle = &rig.bundles()[0];
    let reason = bundle.too_low(model::Level::Traces);
    assert!(matches!(reason, BlindReason::Untraced { .. }), "{reason}");
}

#[tokio::test]
async fn a_state_that_leads_to_another_outcome_is_not_used_and_the_next_node_is_asked() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 3);
    let liar = FaultyEndpoint::start(&world, tip).await;
    liar.fault(|call| {
        let word = json!(format!("{:#066x}", U256::from(99)));
        (call.method == "eth_getStorageAt").then_some(Reply::Result(word))
    });
    serve_state(&liar, &world);
    let mut rig = Rig::start(settings(&[&liar]));
    rig.until_head(tip).await;
    assert_eq!(why(&rig), "another gas than its receipt");

    let honest = FaultyEndpoint::start(&world, tip).await;
    serve_state(&honest, &world);
    let mut rig = Rig::start(settings(&[&liar, &honest]));
    rig.until_head(tip).await;
    let is_executed = |source: &TraceSource| matches!(source, TraceSource::OwnExecution(_));
    assert!(sources(&rig).iter().all(is_executed), "{:?}", sources(&rig));
}

#[tokio::test]
async fn a_node_that_limits_requests_is_left_alone_and_blocks_go_on() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 6);
    let node = FaultyEndpoint::start(&world, tip).await;
    node.fault(|call| {
        let is_state = call.method == "eth_getStorageAt";
        is_state.then_some(Reply::Error(-32005, "limit exceeded"))
    });
    serve_state(&node, &world);
    let mut settings = settings(&[&node]);
    settings.limits.parallel_blocks = 1;
    let mut rig = Rig::start(settings);
    rig.until_head(tip).await;
    assert_eq!(why(&rig), "the node limits requests, and executing blocks rests");
    assert_eq!(node.calls_of("eth_getStorageAt"), 1, "it was asked once");
}

#[tokio::test]
async fn a_block_that_takes_too_many_reads_stays_without_traces() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 2);
    let node = FaultyEndpoint::start(&world, tip).await;
    serve_state(&node, &world);
    let mut settings = settings(&[&node]);
    settings.limits.execution_reads_max = 3;
    let mut rig = Rig::start(settings);
    rig.until_head(tip).await;
    assert_eq!(why(&rig), "it takes more than 3 reads of the state before it");
    assert_eq!(node.calls_of("eth_getStorageAt"), 0, "what is too much is not asked for");
}

#[tokio::test]
async fn trouble_that_passes_is_waited_for() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 2);
    let node = FaultyEndpoint::start(&world, tip).await;
    let mut times = 2;
    node.fault(move |call| {
        let is_meant = call.method == "eth_getStorageAt" && times > 0;
        times -= i32::from(is_meant);
        is_meant.then_some(Reply::Http(503, None))
    });
    serve_state(&node, &world);
    let mut rig = Rig::start(settings(&[&node]));
    rig.until_head(tip).await;
    assert!(rig.bundles().iter().all(|bundle| bundle.traces.is_some()), "{:?}", sources(&rig));
}

#[tokio::test]
async fn a_block_is_not_believed_where_traces_are_required_and_it_cannot_be_executed() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 4);
    let node = FaultyEndpoint::start(&world, tip).await;
    let second = world.chain(tip, 2)[0];
    let before = hex(second.number);
    node.fault(move |call| {
        let at = call.params.as_array()?.last()?;
        let is_meant = at["blockHash"] == second.hash.to_string() || *at == json!(before);
        (call.method == "eth_getBalance" && is_meant)
            .then_some(Reply::Error(-32000, "missing trie node"))
    });
    serve_state(&node, &world);
    let mut settings = settings(&[&node]);
    settings.traces = TraceMode::Required;
    let mut rig = Rig::start(settings);
    let event = rig.until(|event| matches!(event, ChainEvent::Quarantined { .. })).await;
    let ChainEvent::Quarantined { block, reason, .. } = event else { unreachable!() };
    assert_eq!(block.number, second.number + 1);
    assert!(reason.to_string().contains("cannot be executed here"), "{reason}");
}

#[tokio::test]
async fn a_node_that_does_not_know_block_hashes_here_is_asked_by_number() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 3);
    let node = FaultyEndpoint::start(&world, tip).await;
    let known = world.clone();
    node.fault(move |call| {
        let is_state = call.method.starts_with("eth_get") && !call.method.contains("Block");
        is_state.then(|| state_of(&known, call, true))?
    });
    let mut rig = Rig::start(settings(&[&node]));
    rig.until_head(tip).await;
    assert!(rig.bundles().iter().all(|bundle| bundle.traces.is_some()), "{:?}", sources(&rig));
}

/// The chain changes while a block of it is being executed.
async fn reorganised(is_by_number: bool) {
    let (world, genesis) = World::new();
    let stem = world.grow(genesis, 0, 3);
    let (left, taken) = (world.grow(stem, 1, 1), world.grow(stem, 2, 2));
    let node = Arc::new(FaultyEndpoint::start(&world, left).await);
    let (turning, known) = (Arc::downgrade(&node), world.clone());
    node.fault(move |call| {
        if call.method.contains("Block") || !call.method.starts_with("eth_get") {
            return None;
        }
        let at = call.params.as_array()?.last()?;
        let is_of_the_stem = at["blockHash"] == stem.hash.to_string() || *at == hex(stem.number);
        if is_of_the_stem && call.method == "eth_getStorageAt" {
            turning.upgrade()?.set_tip(taken);
        }
        state_of(&known, call, is_by_number)
    });
    let mut rig = Rig::start(settings(&[&node]));
    rig.until_head(taken).await;
    let of = |block: BlockRef| {
        let bundles = rig.bundles();
        bundles.into_iter().find(|bundle| bundle.block_ref() == block)
    };
    for block in world.chain(taken, 1) {
        let bundle = of(block).expect("every block of the chain was told");
        assert!(bundle.traces.is_some(), "block {block}: {:?}", bundle.traced_by);
    }
    // What was left was told and taken back, or never told; the rig checks the order.
    assert_eq!(of(left).is_some(), rig.reverts() == 1);
}

#[tokio::test]
async fn a_reorg_in_the_middle_of_an_execution_leaves_only_the_chain_that_stands() {
    reorganised(false).await;
    reorganised(true).await;
}

#[tokio::test]
async fn nothing_is_executed_where_a_node_traces_or_nobody_may() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 2);
    let node = FaultyEndpoint::start(&world, tip).await;
    serve_state(&node, &world);
    for (traces, executes) in [(TraceMode::Off, true), (TraceMode::Auto, false)] {
        let mut settings = NetworkConfig { traces, ..settings(&[&node]) };
        if !executes {
            settings.executor = None;
        }
        let mut rig = Rig::start(settings);
        rig.until_head(tip).await;
        assert_eq!(sources(&rig), vec![TraceSource::Node; 2]);
        assert!(rig.bundles().iter().all(|bundle| bundle.traces.is_none()));
    }
    let known = world.clone();
    node.fault(move |call| {
        let block = known.find(call.params[0].as_str()?.parse().ok()?)?;
        let is_asked = call.method == "debug_traceBlockByHash";
        is_asked.then(|| Reply::Result(block.call_tracer.clone()))
    });
    let mut rig = Rig::start(settings(&[&node]));
    rig.until_head(tip).await;
    assert_eq!(sources(&rig), vec![TraceSource::Node; 2]);
    assert!(rig.bundles().iter().all(|bundle| bundle.traces.is_some()));
    assert_eq!(node.calls_of("eth_getBalance"), 0);
}
