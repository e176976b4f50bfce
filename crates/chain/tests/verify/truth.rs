//! A block made here is believed, whole, with each type of transaction.

use bellwether_chain::{Prove, RawBlock, RawTraces, Totals, verify};
use model::{FrameKind, Proof, Proven, TxStatus, U256};
use serde_json::json;

use crate::{
    source::assembled,
    synthetic::{Era, block},
};

fn all_proven() -> Proof {
    Proof {
        header: Proven::Yes,
        transactions: Proven::Yes,
        senders: Proven::Yes,
        bloom: Proven::Yes,
        receipts: Proven::Yes,
    }
}

#[test]
fn a_block_with_every_type_of_transaction_is_proven() {
    let texts = block(Era::Status).texts();
    let bundle = assembled(texts.raw(), &Prove::everything()).unwrap();
    assert_eq!(bundle.proof, all_proven());
    let kinds: Vec<u8> = bundle.transactions.iter().map(|tx| tx.kind).collect();
    assert_eq!(kinds, [0, 0, 0, 1, 2, 3, 4, 2]);
    let failed: Vec<bool> =
        bundle.transactions.iter().map(|tx| tx.status == TxStatus::Failed).collect();
    assert_eq!(failed, [false, false, false, false, false, false, false, true]);
    let creation = &bundle.transactions[2];
    assert_eq!(creation.created, Some(creation.from.create(creation.nonce)));
    let indices: Vec<u32> =
        bundle.transactions.iter().flat_map(|tx| &tx.logs).map(|log| log.index).collect();
    assert!(indices.iter().copied().eq(0..12));
    let expected = Totals {
        blocks: 1,
        transactions: 8,
        failed_transactions: 1,
        logs: 12,
        erc20_transfers: 6,
        receipts_root_verified: 1,
    };
    assert_eq!(Totals::of(&bundle), expected);
}

#[test]
fn both_dialects_of_traces_come_to_the_same_frames() {
    let texts = block(Era::Status).texts();
    let prove = Prove::nothing();
    let mut geth = assembled(texts.raw(), &prove).unwrap().traces.unwrap();
    let parity = RawBlock { traces: Some(RawTraces::Parity(&texts.parity)), ..texts.raw() };
    let mut parity = assembled(parity, &prove).unwrap().traces.unwrap();
    assert_eq!(geth[0].frames.len(), 2);
    assert_eq!(geth[0].frames[1].kind, FrameKind::DelegateCall);
    assert_eq!(geth[0].frames[1].value, U256::ZERO, "borrowed code moves nothing");
    // The words for a failure are the client's own.
    for trace in geth.iter_mut().chain(&mut parity) {
        trace.frames[0].error = trace.frames[0].error.take().map(|_| String::new());
    }
    assert_eq!(geth, parity);
}

#[test]
fn receipts_from_before_byzantium_are_proven_where_the_node_serves_their_state_roots() {
    let mut bodies = block(Era::StateRoot);
    let prove = Prove::everything().on_chain(1);
    let texts = bodies.texts();
    let without_traces = RawBlock { traces: None, ..texts.raw() };
    let bundle = assembled(without_traces, &prove).unwrap();
    assert_eq!(bundle.proof, all_proven());
    assert!(bundle.transactions.iter().all(|tx| tx.status == TxStatus::Unknown));

    bodies.receipts[1]["root"] = json!(model::B256::ZERO);
    let refusal = assembled(bodies.texts().raw(), &prove).unwrap_err();
    assert!(refusal.to_string().starts_with("receipts root is 0x"), "{refusal}");

    // On a chain whose receipts always had a status, a root in its place is no excuse.
    let refusal = assembled(texts.raw(), &Prove::everything()).unwrap_err();
    assert_eq!(refusal.to_string(), "receipt 0 has no status");
}

#[test]
fn what_was_not_asked_for_is_recorded_as_such() {
    let texts = block(Era::Status).texts();
    let proof = assembled(texts.raw(), &Prove::nothing()).unwrap().proof;
    let not_asked = || Proven::NotAsked;
    let expected = Proof {
        header: not_asked(),
        transactions: not_asked(),
        senders: not_asked(),
        bloom: not_asked(),
        receipts: not_asked(),
    };
    assert_eq!(proof, expected);
}

#[test]
fn fields_that_nodes_leave_out_are_not_missed() {
    let mut bodies = block(Era::Status);
    let expected = assembled(bodies.texts().raw(), &Prove::everything()).unwrap();
    let drop = |document: &mut serde_json::Value, keys: &[&str]| {
        keys.iter().for_each(|key| drop(document.as_object_mut().unwrap().remove(*key)));
    };
    drop(&mut bodies.block, &["size", "uncles"]);
    bodies.block["withdrawals"] = json!([{"index": "0x1", "nested": [[[{"deep": null}]]]}]);
    for tx in bodies.block["transactions"].as_array_mut().unwrap() {
        drop(tx, &["blockHash", "blockNumber", "transactionIndex", "gasPrice_"]);
    }
    for receipt in bodies.receipts.as_array_mut().unwrap() {
        drop(receipt, &["from", "to", "type", "logsBloom", "blockHash", "transactionIndex"]);
        for log in receipt["logs"].as_array_mut().unwrap() {
            drop(log, &["removed", "transactionHash", "transactionIndex", "blockNumber"]);
        }
    }
    for trace in bodies.traces.as_array_mut().unwrap() {
        drop(trace, &["txHash"]);
    }
    assert_eq!(assembled(bodies.texts().raw(), &Prove::everything()).unwrap(), expected);
}

#[test]
fn a_header_field_of_a_future_fork_makes_the_header_unprovable_not_wrong() {
    let mut bodies = block(Era::Status);
    bodies.block["zkRoot"] = json!("0x01");
    let prove = Prove::everything();
    let bundle = assembled(bodies.texts().raw(), &prove).unwrap();
    assert_eq!(bundle.proof.header, Proven::Yes, "a field beside the hash does not matter");

    let stated = model::B256::repeat_byte(0x77);
    let body = bodies
        .block
        .to_string()
        .replace(bodies.block["hash"].as_str().unwrap(), &stated.to_string());
    let (header, proven) = verify::head(body.as_bytes(), &prove).unwrap();
    assert_eq!(header.hash, stated);
    let reason = "the header has fields not known here: zkRoot";
    assert_eq!(proven, Proven::NotProvable(reason.into()));
    let strict = Prove { refuse_unknown: true, ..prove };
    let refusal = verify::head(body.as_bytes(), &strict).unwrap_err();
    assert_eq!(refusal.to_string(), format!("cannot prove block: {reason}"));
}

#[test]
fn a_header_alone_is_proven_with_or_without_its_transactions() {
    let mut bodies = block(Era::Status);
    let prove = Prove::everything();
    for transactions in [json!(["0x01"]), json!([]), json!(null)] {
        bodies.block["transactions"] = transactions;
        let (_, proven) = verify::head(bodies.block.to_string().as_bytes(), &prove).unwrap();
        assert_eq!(proven, Proven::Yes);
    }
    bodies.block.as_object_mut().unwrap().remove("transactions");
    let body = bodies.block.to_string();
    let (header, proven) = verify::head(body.as_bytes(), &prove).unwrap();
    assert_eq!((header.number, proven), (4_370_000, Proven::Yes));
    let refusal = verify::block_alone(body.as_bytes(), &prove).unwrap_err().to_string();
    assert!(refusal.contains("missing field `transactions`"), "{refusal}");
}
