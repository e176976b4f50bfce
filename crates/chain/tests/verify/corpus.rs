//! Real blocks: all proven, and counted as an independent tool counted them.

use std::{collections::BTreeMap, fs};

use bellwether_chain::{
    Prove, RawBlock, RawTraces, Totals,
    recorded::{Description, Recording},
    verify, wire,
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

#[test]
fn corrupted_copies_of_real_blocks_are_refused_with_the_reason() {
    let Some(recording) = recording("blocks/24628607") else { return };
    let Some(other) = self::recording("blocks/24628608") else { return };
    let (_, block) = recording.blocks().next().unwrap();
    let (_, other) = other.blocks().next().unwrap();
    let (block, other) = (block.unwrap(), other.unwrap());
    let truth = block.raw().unwrap();
    let foreign = other.raw().unwrap();
    let prove = Prove { senders: false, ..Prove::everything().on_chain(1) };
    let reason = |raw: RawBlock<'_>| assembled(raw, &prove).unwrap_err().to_string();

    let text = reason(RawBlock { receipts: foreign.receipts, ..truth });
    assert!(text.ends_with("receipts for 66 transactions"), "{text}");
    let text = reason(RawBlock { traces: foreign.traces, ..truth });
    assert!(text.ends_with("traces for 66 transactions"), "{text}");
    let text = reason(RawBlock { receipts: &truth.receipts[..truth.receipts.len() / 2], ..truth });
    assert!(text.starts_with("cannot read receipts: "), "{text}");

    // One hexadecimal digit of the first value under a key, in each body.
    let bent = |body: &[u8], key: &str| -> Vec<u8> {
        let text = std::str::from_utf8(body).unwrap();
        let key = format!("\"{key}\"");
        let start = text.find(&key).unwrap() + key.len();
        let at = start + text[start..].find("0x").unwrap() + 4;
        let mut bent = body.to_vec();
        bent[at] = if bent[at] == b'1' { b'2' } else { b'1' };
        bent
    };
    for (key, expected) in [
        ("data", "receipts root is 0x"),
        ("topics", "bloom of the logs is 0x"),
        ("address", "bloom of the logs is 0x"),
        ("gasUsed", "gas of receipts 0 to 0 adds up to "),
        ("cumulativeGasUsed", "gas of receipts 0 to 0 adds up to "),
        ("transactionHash", "receipt 0 has transactionHash 0x"),
        ("blockHash", "receipt 0 has blockHash 0x"),
        ("blockNumber", "receipt 0 has blockNumber "),
        ("from", "receipt 0 has from 0x"),
    ] {
        let receipts = bent(truth.receipts, key);
        let text = reason(RawBlock { receipts: &receipts, ..truth });
        assert!(text.starts_with(expected), "{key}: {text}");
    }
    for (key, expected) in [
        ("stateRoot", "header hashes to 0x"),
        ("excessBlobGas", "header hashes to 0x"),
        ("input", "transaction 0 hashes to 0x"),
        ("maxFeePerGas", "transaction 0 hashes to 0x"),
        ("s", "transaction 0 hashes to 0x"),
    ] {
        let block = bent(truth.block, key);
        let text = reason(RawBlock { block: &block, ..truth });
        assert!(text.starts_with(expected), "{key}: {text}");
    }
}

/// Traces of one block in both dialects; the frames of `NUMBER.calltraces.json.zst` were converted
/// from the same source by another program.
#[test]
fn real_parity_traces_come_to_the_frames_that_another_program_made_of_them() {
    let Some(folder) = corpus() else { return };
    let mut checked = 0;
    for entry in fs::read_dir(folder.join("parity_blocks")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let Some(number) = name.strip_suffix(".calltraces.json.zst") else { continue };
        let unpacked = |path: &std::path::Path| {
            let mut body = Vec::new();
            let file = fs::File::open(path).unwrap();
            let mut zstd = ruzstd::decoding::StreamingDecoder::new(file).unwrap();
            std::io::Read::read_to_end(&mut zstd, &mut body).unwrap();
            body
        };
        let geth = unpacked(&path);
        let parity = unpacked(&path.with_file_name(format!("{number}.json.zst")));
        // The recording spells the fields of `trace_block` in its own way.
        let parity: serde_json::Value = serde_json::from_slice(&parity).unwrap();
        let parity = parity["traces"]
            .to_string()
            .replace("\"trace_address\"", "\"traceAddress\"")
            .replace("\"transaction_hash\"", "\"transactionHash\"");
        let geth = wire::read_traces(RawTraces::CallTracer(&geth)).unwrap();
        let parity = wire::read_traces(RawTraces::Parity(parity.as_bytes())).unwrap();
        assert_eq!(geth.len(), parity.len(), "block {number}");
        let mut frames = 0;
        for ((hash, geth), (other_hash, parity)) in geth.into_iter().zip(parity) {
            assert_eq!(hash, other_hash, "block {number}");
            let shape = |trace: model::TxTrace| -> Vec<_> {
                let frames = trace.frames.into_iter();
                frames
                    .map(|f| (f.parent, f.depth, f.kind, f.from, f.to, f.value, f.input))
                    .collect()
            };
            let (geth, parity) = (shape(geth.unwrap()), shape(parity.unwrap()));
            frames += geth.len();
            assert_eq!(geth, parity, "block {number}, transaction {hash:?}");
        }
        assert!(frames > 0);
        checked += 1;
    }
    assert_eq!(checked, 11);
}
