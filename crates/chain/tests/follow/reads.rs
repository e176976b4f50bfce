//! Contract reads: made at the very block, kept with it, never a revert that was none.

use alloy_primitives::{Address, Bytes, keccak256};
use model::{B256, BlockBundle, ReadPlan, ReadRequest, StorageWrite, U256};

use crate::{
    faulty::{FaultyEndpoint, Reply},
    rig::{Rig, config},
    synthetic::World,
};

/// Who is asked.
const TARGET: Address = Address::repeat_byte(1);

fn request(input: u8) -> ReadRequest {
    ReadRequest::Call { to: TARGET, input: vec![input; 4].into() }
}

fn answer<'a>(bundle: &'a BlockBundle, to: &ReadRequest) -> Option<&'a Result<Bytes, String>> {
    bundle.reads.iter().find(|read| read.request == *to).map(|read| &read.result)
}

/// The faulty node answers a read with the hash of the block it was made at.
fn assert_read_at_own_block(rig: &Rig, requests: &[ReadRequest]) {
    for bundle in &rig.bundles() {
        for request in requests {
            let read = answer(bundle, request).expect("the read was made");
            let hash = B256::from_slice(read.as_ref().expect("it succeeded"));
            assert_eq!(hash, bundle.header.hash);
        }
    }
}

#[tokio::test]
async fn reads_are_made_at_the_blocks_hash_and_kept_with_it() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 5);
    let node = FaultyEndpoint::start(&world, tip).await;
    let requests = vec![request(1), request(2), request(3)];
    let mut rig = Rig::with_reads(config(vec![node.config("a")]), None, requests.clone());
    rig.until_head(tip).await;
    assert_read_at_own_block(&rig, &requests);
    // Detectors change their mind: the next block carries the new reads.
    rig.reads.send_replace([request(9)].into_iter().collect());
    let tip = world.grow(tip, 0, 1);
    node.set_tip(tip);
    rig.until_head(tip).await;
    let asked: Vec<ReadRequest> =
        rig.bundles().last().unwrap().reads.iter().map(|read| read.request.clone()).collect();
    assert_eq!(asked, [request(9)]);
}

#[tokio::test]
async fn without_calls_by_hash_they_are_made_by_number_and_the_hash_is_compared() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 5);
    let node = FaultyEndpoint::start(&world, tip).await;
    node.fault(|call| {
        (call.method == "eth_call" && call.params[1].is_object())
            .then_some(Reply::Error(-32602, "invalid argument 1: expected a block number"))
    });
    let requests = vec![request(1), request(2)];
    let mut rig = Rig::with_reads(config(vec![node.config("a")]), None, requests.clone());
    rig.until_head(tip).await;
    assert_read_at_own_block(&rig, &requests);
}

#[tokio::test]
async fn reads_by_number_do_not_count_when_the_number_means_another_block_by_now() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 5);
    let node = FaultyEndpoint::start(&world, tip).await;
    node.fault(|call| {
        (call.method == "eth_call" && call.params[1].is_object())
            .then_some(Reply::Error(-32602, "invalid argument 1: expected a block number"))
    });
    let elsewhere = world.at(world.grow(genesis, 1, 3), 3).unwrap();
    node.fault(move |call| {
        let is_second_look = call.method == "eth_getBlockByNumber"
            && call.number == Some(3)
            && call.params[1] == false;
        is_second_look.then(|| Reply::Result(elsewhere.with_hashes()))
    });
    let requests = vec![request(1), request(2)];
    let mut rig = Rig::with_reads(config(vec![node.config("a")]), None, requests);
    rig.until_head(tip).await;
    let reads: Vec<_> = rig.bundles().iter().map(|bundle| bundle.reads.len()).collect();
    assert_eq!(reads, [2, 2, 0, 2, 2]);
}

#[tokio::test]
async fn a_call_that_reverts_is_an_answer() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 2);
    let node = FaultyEndpoint::start(&world, tip).await;
    node.fault(|call| {
        let is_meant = call.method == "eth_call" && call.params[0]["data"] == "0x02020202";
        is_meant.then_some(Reply::Error(3, "execution reverted: paused"))
    });
    let requests = vec![request(1), request(2)];
    let mut rig = Rig::with_reads(config(vec![node.config("a")]), None, requests);
    rig.until_head(tip).await;
    for bundle in &rig.bundles() {
        let reverted = answer(bundle, &request(2)).unwrap();
        assert_eq!(reverted, &Err("execution reverted: paused".to_owned()));
        assert!(answer(bundle, &request(1)).unwrap().is_ok());
    }
}

#[tokio::test]
async fn a_nodes_trouble_is_no_revert_and_another_node_is_asked() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 4);
    let (pruned, archive) =
        (FaultyEndpoint::start(&world, tip).await, FaultyEndpoint::start(&world, tip).await);
    pruned.fault(|call| {
        (call.method == "eth_call").then_some(Reply::Error(-32000, "missing trie node 0x1 (path )"))
    });
    let endpoints = vec![pruned.config("a"), archive.config("b")];
    let requests = vec![request(1), request(2)];
    let mut rig = Rig::with_reads(config(endpoints), None, requests.clone());
    rig.until_status_or_event(|status| status.seen.is_some()).await;
    rig.until_head(tip).await;
    assert_eq!(rig.committed(), world.chain(tip, 1));
    // The archive may not have shown its head when the first blocks came.
    let with_reads = rig.bundles().into_iter().filter(|bundle| !bundle.reads.is_empty()).count();
    assert!(with_reads > 0);
    for bundle in &rig.bundles() {
        for read in &bundle.reads {
            assert_eq!(B256::from_slice(read.result.as_ref().unwrap()), bundle.header.hash);
        }
    }
}

#[tokio::test]
async fn a_read_that_nobody_can_make_is_left_out_and_the_block_comes() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 4);
    let node = FaultyEndpoint::start(&world, tip).await;
    node.fault(|call| {
        let is_meant = call.method == "eth_call" && call.params[0]["data"] == "0x02020202";
        is_meant.then_some(Reply::Error(-32000, "header not found"))
    });
    let requests = vec![request(1), request(2)];
    let mut rig = Rig::with_reads(config(vec![node.config("a")]), None, requests);
    rig.until_head(tip).await;
    assert!(rig.quarantined().is_empty(), "{:#?}", rig.told());
    for bundle in &rig.bundles() {
        assert!(answer(bundle, &request(1)).is_some());
        assert!(answer(bundle, &request(2)).is_none());
    }
}

#[tokio::test]
async fn a_balance_is_a_read_and_one_that_fails_is_never_zero() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 3);
    let node = FaultyEndpoint::start(&world, tip).await;
    let poor = Address::repeat_byte(9);
    node.fault(move |call| {
        let is_balance = call.method == "eth_getBalance";
        let is_poor = call.params[0] == format!("{poor:#x}");
        let at_hash = call.params[1]["blockHash"].is_string();
        is_balance.then_some(match (is_poor, at_hash) {
            (true, _) => Reply::Error(-32000, "missing trie node 0x1 (path )"),
            (false, true) => Reply::Result("0xde0b6b3a7640000".into()),
            (false, false) => Reply::Error(-32602, "expected a block hash"),
        })
    });
    let requests = vec![ReadRequest::Balance(TARGET), ReadRequest::Balance(poor), request(1)];
    let mut rig = Rig::with_reads(config(vec![node.config("a")]), None, requests);
    rig.until_head(tip).await;
    for bundle in &rig.bundles() {
        assert_eq!(bundle.balance(TARGET), Some(U256::from(10).pow(U256::from(18))));
        assert_eq!(bundle.balance(poor), None);
        assert!(answer(bundle, &request(1)).is_some());
    }
}

#[tokio::test]
async fn a_node_that_knows_hashes_for_one_method_only_is_asked_the_other_by_number() {
    let ether = || Reply::Result("0xde0b6b3a7640000".into());
    let refused = || Reply::Error(-32602, "invalid argument 1: expected a block number");
    for by_number in ["eth_call", "eth_getBalance"] {
        let (world, genesis) = World::new();
        let tip = world.grow(genesis, 0, 3);
        let node = FaultyEndpoint::start(&world, tip).await;
        node.fault(move |call| {
            let is_balance = call.method == "eth_getBalance";
            if call.method == by_number && call.params[1].is_object() {
                return Some(refused());
            }
            is_balance.then(ether)
        });
        let requests = vec![request(1), request(2), ReadRequest::Balance(TARGET)];
        let mut rig = Rig::with_reads(config(vec![node.config("a")]), None, requests.clone());
        rig.until_head(tip).await;
        assert_read_at_own_block(&rig, &[request(1), request(2)]);
        for bundle in &rig.bundles() {
            let asked: Vec<_> = bundle.reads.iter().map(|read| read.request.clone()).collect();
            assert_eq!(asked, requests, "{by_number}");
            assert_eq!(bundle.balance(TARGET), Some(U256::from(10).pow(U256::from(18))));
        }
    }
}

#[tokio::test]
async fn a_balance_that_is_no_quantity_is_no_answer() {
    for nonsense in ["0x", "", "seven", "0x1_0"] {
        let (world, genesis) = World::new();
        let tip = world.grow(genesis, 0, 1);
        let node = FaultyEndpoint::start(&world, tip).await;
        node.fault(move |call| {
            (call.method == "eth_getBalance").then(|| Reply::Result(nonsense.into()))
        });
        let requests = vec![ReadRequest::Balance(TARGET)];
        let mut rig = Rig::with_reads(config(vec![node.config("a")]), None, requests);
        rig.until_head(tip).await;
        assert_eq!(rig.bundles()[0].balance(TARGET), None, "{nonsense:?}");
    }
}

#[tokio::test]
async fn storage_and_the_hash_of_code_are_one_word_each() {
    let slot = B256::with_last_byte(7);
    let storage = ReadRequest::Storage { of: TARGET, slot };
    for (word, code, expected) in [
        // Some nodes leave leading zeros out.
        ("0x2a", "0x6001", Some((B256::with_last_byte(42), keccak256([0x60, 0x01])))),
        (&slot.to_string(), "0x", Some((slot, keccak256([])))),
        ("0x", "null", None),
        ("0x1_0", "0x1", None),
    ] {
        let (world, genesis) = World::new();
        let tip = world.grow(genesis, 0, 1);
        let node = FaultyEndpoint::start(&world, tip).await;
        let (word, code) = (word.to_owned(), code.to_owned());
        let asked = slot.to_string();
        node.fault(move |call| match call.method.as_str() {
            "eth_getStorageAt" if call.params[1] == *asked => {
                Some(Reply::Result(word.clone().into()))
            }
            "eth_getCode" => Some(Reply::Result(code.clone().into())),
            _ => None,
        });
        let requests = vec![storage.clone(), ReadRequest::CodeHash(TARGET)];
        let mut rig = Rig::with_reads(config(vec![node.config("a")]), None, requests);
        rig.until_head(tip).await;
        let bundle = &rig.bundles()[0];
        let answers = (bundle.storage(TARGET, slot), bundle.code_hash(TARGET));
        assert_eq!(answers, expected.map_or((None, None), |(word, hash)| (Some(word), Some(hash))));
    }
}

#[tokio::test]
async fn a_planned_read_comes_with_the_blocks_that_it_is_due_at() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 12);
    let node = FaultyEndpoint::start(&world, tip).await;
    let seldom = request(2).every(4.try_into().unwrap());
    let plan = ReadPlan::new(vec![request(1).every_block(), seldom.clone()]);
    let mut rig = Rig::with_plan(config(vec![node.config("a")]), None, plan);
    rig.until_head(tip).await;
    for bundle in &rig.bundles() {
        let reads = 1 + usize::from(seldom.is_due(bundle.header.number));
        assert_eq!(bundle.reads.len(), reads, "block {}", bundle.header.number);
    }
    let due = rig.bundles().iter().filter(|bundle| bundle.reads.len() == 2).count();
    assert_eq!(due, 3);
}

/// A node that tells what the transactions of each block changed in the target, or cannot.
fn tell_writes(node: &FaultyEndpoint, can: bool) {
    node.fault(move |call| {
        let is_difference = call.method == "debug_traceBlockByHash"
            && call.params[1]["tracer"] == "prestateTracer"
            && call.params[1]["tracerConfig"]["diffMode"] == true;
        let storage =
            serde_json::json!({ B256::with_last_byte(1).to_string(): B256::with_last_byte(2) });
        let side = serde_json::json!({ TARGET.to_string(): { "storage": storage } });
        let answer = serde_json::json!([{ "result": { "pre": {}, "post": side } }]);
        is_difference.then_some(match can {
            true => Reply::Result(answer),
            false => Reply::Error(-32601, "the method debug_traceBlockByHash does not exist"),
        })
    });
}

#[tokio::test]
async fn what_transactions_changed_comes_with_the_block_and_beside_other_reads() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 3);
    let node = FaultyEndpoint::start(&world, tip).await;
    tell_writes(&node, true);
    let other = ReadRequest::Writes(Address::repeat_byte(9));
    let requests = vec![request(1), ReadRequest::Writes(TARGET), request(2), other.clone()];
    let mut plan = requests.clone();
    plan.sort_unstable();
    let mut rig = Rig::with_reads(config(vec![node.config("a")]), None, requests.clone());
    rig.until_head(tip).await;
    assert_read_at_own_block(&rig, &[request(1), request(2)]);
    for bundle in &rig.bundles() {
        let asked: Vec<ReadRequest> =
            bundle.reads.iter().map(|read| read.request.clone()).collect();
        assert_eq!(asked, plan, "in the order of the plan");
        let of = |request: &ReadRequest| {
            let bytes = answer(bundle, request).unwrap().as_ref().unwrap();
            StorageWrite::decode_all(bytes).unwrap()
        };
        let word = B256::with_last_byte;
        let write = StorageWrite { tx: 0, slot: word(1), before: B256::ZERO, after: word(2) };
        assert_eq!((of(&requests[1]), of(&other)), (vec![write], Vec::new()));
    }
}

#[tokio::test]
async fn a_node_without_differences_is_asked_once_and_the_read_is_missing() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 6);
    let node = FaultyEndpoint::start(&world, tip).await;
    tell_writes(&node, false);
    let requests = vec![ReadRequest::Writes(TARGET), request(1)];
    let mut rig = Rig::with_reads(config(vec![node.config("a")]), None, requests);
    rig.until_head(tip).await;
    assert_read_at_own_block(&rig, &[request(1)]);
    assert!(rig.bundles().iter().all(|bundle| bundle.reads.len() == 1));
    let asked = node.calls().into_iter().filter(|call| {
        call.method == "debug_traceBlockByHash" && call.params[1]["tracer"] == "prestateTracer"
    });
    assert!(asked.count() <= 6, "a refusal stands");
}
