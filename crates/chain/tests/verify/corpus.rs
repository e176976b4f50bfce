//! Real blocks: all proven, and counted as an independent tool counted them.

use std::{collections::BTreeMap, fs};

use bellwether_chain::{
    Prove, Totals,
    recorded::{Description, Recording},
    verify,
};
use model::{Proven, TxStatus};
use serde::Deserialize;

use crate::source::{assembled, corpus, recording};

/// One entry of the corpus' `blocks/index.json`.
#[derive(Deserialize)]
struct Indexed {
    number: u64,
    txs: u64,
    logs: u64,
    frames: usize,
    facts: Facts,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Facts {
    failed_txs: u64,
    #[serde(rename = "erc20or721TransferLogs")]
    transfers: u64,
    max_call_depth: u16,
}

#[test]
fn every_recorded_mainnet_block_is_proven_and_counted_as_the_index_counts() {
    let Some(folder) = corpus() else { return };
    let index = fs::read(folder.join("blocks/index.json")).unwrap();
    let index: Vec<Indexed> = serde_json::from_slice(&index).unwrap();
    let index: BTreeMap<u64, Indexed> =
        index.into_iter().map(|entry| (entry.number, entry)).collect();

    let recording = Recording::open(&folder).unwrap();
    assert_eq!(recording.description.chain_id, 1);
    assert!(recording.numbers().eq(index.keys().copied()), "blocks/ alone, in order");
    let prove = Prove::everything().on_chain(recording.description.chain_id);
    for (number, block) in recording.blocks() {
        let block = block.unwrap();
        let bundle = assembled(block.raw().unwrap(), &prove)
            .unwrap_or_else(|refusal| panic!("block {number}: {refusal}"));
        assert_eq!(bundle.header.number, number);

        let is_after_byzantium = number >= 4_370_000;
        for proven in [
            &bundle.proof.header,
            &bundle.proof.transactions,
            &bundle.proof.senders,
            &bundle.proof.bloom,
        ] {
            assert_eq!(*proven, Proven::Yes, "block {number}");
        }
        let before_byzantium =
            Proven::NotProvable("receipts before Byzantium commit to state roots".into());
        let receipts = if is_after_byzantium { Proven::Yes } else { before_byzantium };
        assert_eq!(bundle.proof.receipts, receipts, "block {number}");

        let entry = &index[&number];
        let expected = Totals {
            blocks: 1,
            transactions: entry.txs,
            failed_transactions: entry.facts.failed_txs,
            logs: entry.logs,
            erc20_transfers: entry.facts.transfers,
            receipts_root_verified: u64::from(is_after_byzantium),
        };
        assert_eq!(Totals::of(&bundle), expected, "block {number}");

        let traces = bundle.traces.unwrap();
        let frames = traces.iter().flat_map(|trace| &trace.frames);
        assert_eq!(frames.clone().count(), entry.frames, "block {number}");
        let depth_max = frames.map(|frame| frame.depth + 1).max().unwrap_or(0);
        assert_eq!(depth_max, entry.facts.max_call_depth, "block {number}");
    }
}

#[test]
fn the_outcome_before_byzantium_is_unknown_unless_the_node_derived_it() {
    let Some(recording) = recording("blocks/4369999") else { return };
    let (_, block) = recording.blocks().next().unwrap();
    let mut block = block.unwrap();
    let prove = Prove::everything().on_chain(1);
    let derived = assembled(block.raw().unwrap(), &prove).unwrap();
    assert!(derived.transactions.iter().all(|tx| tx.status != TxStatus::Unknown));

    let receipts = String::from_utf8(block.receipts.take().unwrap()).unwrap();
    block.receipts = Some(receipts.replace("\"status\"", "\"noStatus\"").into());
    let silent = assembled(block.raw().unwrap(), &prove).unwrap();
    assert!(silent.transactions.iter().all(|tx| tx.status == TxStatus::Unknown));
    assert_eq!(Totals::of(&silent).failed_transactions, 0);
}

#[test]
fn consecutive_blocks_follow_each_other_and_no_others() {
    let Some(recording) = recording("l1_consecutive") else { return };
    let prove = Prove::everything().on_chain(1);
    let mut parent = None;
    let mut proven = 0;
    for (number, block) in recording.blocks() {
        let block = block.unwrap();
        let (header, proof) = verify::block_alone(&block.block, &prove).unwrap();
        assert_eq!((header.number, &proof.transactions), (number, &Proven::Yes));
        assert_eq!(proof.senders, Proven::Yes);
        if let Some(parent) = parent {
            verify::follows(&header, &parent).unwrap();
            let itself = header.block_ref();
            assert!(verify::follows(&header, &itself).is_err());
        }
        parent = Some(header.block_ref());
        match block.raw() {
            Ok(raw) => {
                assert_eq!(assembled(raw, &prove).unwrap().proof.receipts, Proven::Yes);
                proven += 1;
            }
            Err(refusal) => assert_eq!(refusal.to_string(), "no receipts recorded"),
        }
    }
    assert_eq!((recording.len(), proven), (7, 1));
}

#[test]
fn headers_of_another_chain_are_proven_and_unknown_transaction_types_are_not() {
    let Some(recording) = recording("op_mainnet") else { return };
    let prove = Prove::everything();
    for (number, block) in recording.blocks() {
        let block = block.unwrap();
        let (header, proven) = verify::head(&block.block, &prove).unwrap();
        assert_eq!((header.number, proven), (number, Proven::Yes));
        let (_, proof) = verify::block_alone(&block.block, &prove).unwrap();
        let reason = "transaction 0 has type 0x7e, whose encoding is not known here";
        assert_eq!(proof.transactions, Proven::NotProvable(reason.into()));
        let strict = Prove { refuse_unknown: true, ..prove.clone() };
        let refusal = verify::block_alone(&block.block, &strict).unwrap_err();
        assert_eq!(refusal.to_string(), format!("cannot prove block: {reason}"));
    }
    assert_eq!(recording.len(), 11);
}

#[test]
fn a_recording_is_read_back_as_it_was_written() {
    let Some(recording) = recording("blocks/24628607") else { return };
    let (number, block) = recording.blocks().next().unwrap();
    let block = block.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let description = Description { network: model::Name::new("main").unwrap(), chain_id: 1 };
    bellwether_chain::recorded::record(folder.path(), &description, number, block.raw().unwrap())
        .unwrap();
    let again = Recording::open(folder.path()).unwrap();
    assert_eq!(again.description, description);
    let (again_number, again_block) = again.blocks().next().unwrap();
    assert_eq!((again_number, again_block.unwrap()), (number, block));
}
