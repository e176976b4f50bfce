//! Chains made up for a test, with hashes, roots and blooms that hold.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use alloy_consensus::{
    Eip658Value, Header, Receipt, ReceiptEnvelope, SignableTransaction, TxEnvelope, TxLegacy,
    proofs::{calculate_receipt_root, calculate_transaction_root},
};
use alloy_primitives::{
    Address, B256, Bloom, Bytes, Log, LogData, Signature, TxKind, U256, address, keccak256,
};
use model::BlockRef;
use serde_json::{Value, json};

pub(crate) const CHAIN_ID: u64 = 1337;
pub(crate) const SENDER: Address = address!("00000000000000000000000000000000000000aa");
pub(crate) const TOKEN: Address = address!("00000000000000000000000000000000000000bb");

const GAS_PER_TRANSACTION: u64 = 50_000;

/// A transaction to be put into a block.
#[derive(Debug, Clone)]
pub(crate) struct Tx {
    pub(crate) nonce: u64,
    pub(crate) logs: Vec<LogData>,
    pub(crate) success: bool,
}

impl Tx {
    /// A transfer-like transaction with one log of two topics.
    pub(crate) fn transfer(nonce: u64) -> Self {
        let topics = vec![keccak256("Transfer(address,address,uint256)"), B256::with_last_byte(7)];
        let log = LogData::new_unchecked(topics, Bytes::from(nonce.to_be_bytes().to_vec()));
        Self { nonce, logs: vec![log], success: true }
    }

    /// A transaction whose log has no topics.
    pub(crate) fn anonymous(nonce: u64) -> Self {
        let log = LogData::new_unchecked(Vec::new(), Bytes::from_static(b"anonymous"));
        Self { nonce, logs: vec![log], success: true }
    }

    /// A transaction that reverted.
    pub(crate) fn failed(nonce: u64) -> Self {
        Self { nonce, logs: Vec::new(), success: false }
    }
}

/// A block as a node would serve it.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) at: BlockRef,
    pub(crate) parent: B256,
    pub(crate) timestamp: u64,
    /// `eth_getBlockByHash(…, true)`.
    pub(crate) full: Value,
    /// `eth_getBlockReceipts`.
    pub(crate) receipts: Value,
    /// `debug_traceBlockByHash` with `callTracer`.
    pub(crate) call_tracer: Value,
    /// `trace_block`.
    pub(crate) parity: Value,
}

impl Block {
    /// `eth_getBlockByHash(…, false)`.
    pub(crate) fn with_hashes(&self) -> Value {
        let mut block = self.full.clone();
        let transactions = block["transactions"].as_array_mut().unwrap();
        for transaction in transactions {
            *transaction = transaction["hash"].take();
        }
        block
    }
}

/// All blocks of all forks.
#[derive(Debug, Clone, Default)]
pub(crate) struct World(Arc<Mutex<HashMap<B256, Arc<Block>>>>);

impl World {
    /// A world with block 0, and that block.
    pub(crate) fn new() -> (Self, BlockRef) {
        let world = Self::default();
        let genesis = world.insert(B256::ZERO, 0, 1_700_000_000, 0, &[]);
        (world, genesis)
    }

    /// Puts a block on `parent`. Blocks of different `fork` differ even when all else is equal.
    pub(crate) fn extend(&self, parent: BlockRef, fork: u64, transactions: &[Tx]) -> BlockRef {
        let timestamp = self.get(parent.hash).timestamp + 12;
        self.insert(parent.hash, parent.number + 1, timestamp, fork, transactions)
    }

    /// Puts `count` ordinary blocks on `parent`; the last one is returned.
    pub(crate) fn grow(&self, parent: BlockRef, fork: u64, count: u64) -> BlockRef {
        let mut tip = parent;
        for _ in 0..count {
            let nonce = (tip.number + 1) * 10;
            let transactions =
                [Tx::transfer(nonce), Tx::failed(nonce + 1), Tx::transfer(nonce + 2)];
            tip = self.extend(tip, fork, &transactions);
        }
        tip
    }

    pub(crate) fn get(&self, hash: B256) -> Arc<Block> {
        self.find(hash).expect("a block of this world")
    }

    pub(crate) fn find(&self, hash: B256) -> Option<Arc<Block>> {
        self.0.lock().unwrap().get(&hash).cloned()
    }

    /// The block at this height on the chain that ends with `tip`.
    pub(crate) fn at(&self, tip: BlockRef, number: u64) -> Option<Arc<Block>> {
        let mut block = self.find(tip.hash)?;
        while block.at.number > number {
            block = self.find(block.parent)?;
        }
        (block.at.number == number).then_some(block)
    }

    /// Hashes of the chain that ends with `tip`, from height `from`.
    pub(crate) fn chain(&self, tip: BlockRef, from: u64) -> Vec<BlockRef> {
        (from..=tip.number).map(|number| self.at(tip, number).unwrap().at).collect()
    }

    fn insert(
        &self,
        parent: B256,
        number: u64,
        timestamp: u64,
        fork: u64,
        transactions: &[Tx],
    ) -> BlockRef {
        let block = build(parent, number, timestamp, fork, transactions);
        let at = block.at;
        self.0.lock().unwrap().insert(at.hash, Arc::new(block));
        at
    }
}

fn build(parent: B256, number: u64, timestamp: u64, fork: u64, transactions: &[Tx]) -> Block {
    let mut envelopes: Vec<TxEnvelope> = Vec::new();
    let mut receipts: Vec<ReceiptEnvelope> = Vec::new();
    let mut bloom = Bloom::ZERO;
    for (place, transaction) in transactions.iter().enumerate() {
        let signature = Signature::new(U256::from(1), U256::from(1), false);
        envelopes.push(legacy(transaction.nonce).into_signed(signature).into());
        let logs: Vec<Log> = transaction
            .logs
            .iter()
            .map(|data| Log { address: TOKEN, data: data.clone() })
            .collect();
        let receipt = Receipt {
            status: Eip658Value::Eip658(transaction.success),
            cumulative_gas_used: GAS_PER_TRANSACTION * (place as u64 + 1),
            logs,
        };
        let receipt = receipt.with_bloom();
        bloom |= receipt.logs_bloom;
        receipts.push(ReceiptEnvelope::Legacy(receipt));
    }
    let header = Header {
        parent_hash: parent,
        number,
        timestamp,
        gas_limit: 30_000_000,
        gas_used: GAS_PER_TRANSACTION * transactions.len() as u64,
        logs_bloom: bloom,
        transactions_root: calculate_transaction_root(&envelopes),
        receipts_root: calculate_receipt_root(&receipts),
        extra_data: Bytes::from(fork.to_be_bytes().to_vec()),
        base_fee_per_gas: Some(7),
        withdrawals_root: None,
        ..Header::default()
    };
    let hash = header.hash_slow();
    let at = BlockRef { number, hash };

    let mut full = serde_json::to_value(&header).unwrap();
    let whole = full.as_object_mut().unwrap();
    whole.insert("hash".into(), json!(hash));
    whole.insert("size".into(), json!("0x300"));
    whole.insert("uncles".into(), json!([]));
    let mut log_index = 0_u64;
    let mut full_transactions = Vec::new();
    let mut full_receipts = Vec::new();
    let mut call_tracer = Vec::new();
    let mut parity = Vec::new();
    for (place, (transaction, envelope)) in transactions.iter().zip(&envelopes).enumerate() {
        let transaction_hash = *envelope.tx_hash();
        full_transactions.push(json!({
            "type": "0x0", "hash": transaction_hash, "nonce": hex(transaction.nonce),
            "blockHash": hash, "blockNumber": hex(number), "transactionIndex": hex(place as u64),
            "from": SENDER, "to": TOKEN, "value": "0x5", "gas": "0x186a0", "gasPrice": "0x9",
            "input": "0xa9059cbb", "v": hex(CHAIN_ID * 2 + 35), "r": "0x1", "s": "0x1",
            "chainId": hex(CHAIN_ID),
        }));
        let logs: Vec<Value> = transaction
            .logs
            .iter()
            .map(|log| {
                let json = json!({
                    "address": TOKEN, "topics": log.topics(), "data": log.data,
                    "blockHash": hash, "blockNumber": hex(number), "removed": false,
                    "transactionHash": transaction_hash, "transactionIndex": hex(place as u64),
                    "logIndex": hex(log_index),
                });
                log_index += 1;
                json
            })
            .collect();
        full_receipts.push(json!({
            "type": "0x0", "status": if transaction.success { "0x1" } else { "0x0" },
            "transactionHash": transaction_hash, "transactionIndex": hex(place as u64),
            "blockHash": hash, "blockNumber": hex(number), "from": SENDER, "to": TOKEN,
            "gasUsed": hex(GAS_PER_TRANSACTION), "effectiveGasPrice": "0x9",
            "cumulativeGasUsed": hex(GAS_PER_TRANSACTION * (place as u64 + 1)),
            "contractAddress": null, "logs": logs,
            "logsBloom": receipts[place].logs_bloom(),
        }));
        let mut frame = json!({
            "type": "CALL", "from": SENDER, "to": TOKEN, "value": "0x5", "gas": "0x186a0",
            "gasUsed": hex(GAS_PER_TRANSACTION), "input": "0xa9059cbb", "output": "0x",
        });
        let mut action = json!({
            "type": "call", "traceAddress": [], "subtraces": 0,
            "blockHash": hash, "blockNumber": number,
            "transactionHash": transaction_hash, "transactionPosition": place,
            "action": {
                "callType": "call", "from": SENDER, "to": TOKEN, "value": "0x5",
                "gas": "0x186a0", "input": "0xa9059cbb",
            },
        });
        if transaction.success {
            action["result"] = json!({ "gasUsed": hex(GAS_PER_TRANSACTION), "output": "0x" });
        } else {
            frame["error"] = json!("execution reverted");
            action["error"] = json!("Reverted");
        }
        call_tracer.push(json!({ "txHash": transaction_hash, "result": frame }));
        parity.push(action);
    }
    whole.insert("transactions".into(), Value::Array(full_transactions));
    Block {
        at,
        parent,
        timestamp,
        full,
        receipts: Value::Array(full_receipts),
        call_tracer: Value::Array(call_tracer),
        parity: Value::Array(parity),
    }
}

fn legacy(nonce: u64) -> TxLegacy {
    TxLegacy {
        chain_id: Some(CHAIN_ID),
        nonce,
        gas_price: 9,
        gas_limit: 100_000,
        to: TxKind::Call(TOKEN),
        value: U256::from(5),
        input: Bytes::from_static(&[0xa9, 0x05, 0x9c, 0xbb]),
    }
}

pub(crate) fn hex(number: u64) -> String {
    format!("{number:#x}")
}
