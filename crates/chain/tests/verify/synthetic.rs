//! A block made here, with a transaction of every type, for machines without the corpus and for
//! lies that are told on purpose. Roots, hashes and signatures are made by alloy and k256, not by
//! the code under test.

use alloy_consensus::{
    Eip658Value, EthereumTxEnvelope, Header, Receipt, ReceiptEnvelope, SignableTransaction, Signed,
    TxEip1559, TxEip2930, TxEip4844, TxEip7702, TxLegacy, TxType, proofs,
};
use alloy_eips::{
    eip2930::{AccessList, AccessListItem},
    eip7702::Authorization,
};
use alloy_primitives::{
    Address, B256, Bloom, Bytes, Log, LogData, Signature, TxKind, U256, address, b256, keccak256,
};
use bellwether_chain::{RawBlock, RawTraces};
use k256::ecdsa::SigningKey;
use serde_json::{Value, json};

type Envelope = EthereumTxEnvelope<TxEip4844>;

const TOKEN: Address = address!("0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48");
const TRANSFER: B256 = b256!("0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");

/// The three bodies as documents, so that a test can bend them.
#[derive(Clone)]
pub(crate) struct Bodies {
    pub(crate) block: Value,
    pub(crate) receipts: Value,
    pub(crate) traces: Value,
    pub(crate) parity: Value,
}

/// The same as text.
pub(crate) struct Texts {
    pub(crate) block: Vec<u8>,
    pub(crate) receipts: Vec<u8>,
    pub(crate) traces: Vec<u8>,
    pub(crate) parity: Vec<u8>,
}

impl Bodies {
    pub(crate) fn texts(&self) -> Texts {
        Texts {
            block: self.block.to_string().into(),
            receipts: self.receipts.to_string().into(),
            traces: self.traces.to_string().into(),
            parity: self.parity.to_string().into(),
        }
    }
}

impl Texts {
    pub(crate) fn raw(&self) -> RawBlock<'_> {
        RawBlock {
            block: &self.block,
            receipts: &self.receipts,
            traces: Some(RawTraces::CallTracer(&self.traces)),
        }
    }
}

/// Which receipts a block has.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Era {
    /// They say whether the transaction took effect.
    Status,
    /// They commit to the state after each transaction, and the node serves those roots.
    StateRoot,
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32].into()).unwrap()
}

fn sender(key: &SigningKey) -> Address {
    let point = key.verifying_key().to_encoded_point(false);
    Address::from_slice(&keccak256(&point.as_bytes()[1..])[12..])
}

fn sign(hash: B256, key: &SigningKey) -> Signature {
    key.sign_prehash_recoverable(hash.as_slice()).unwrap().into()
}

fn signed<T: SignableTransaction<Signature>>(tx: T, key: &SigningKey) -> Signed<T> {
    let signature = sign(tx.signature_hash(), key);
    tx.into_signed(signature)
}

/// One transaction of every type, and beside them one from before EIP-155, a creation and a
/// failure.
fn transactions(era: Era) -> Vec<(Envelope, Address)> {
    let key = key(7);
    let from = sender(&key);
    let to = TxKind::Call(TOKEN);
    let input = Bytes::from_static(&[0xa9, 0x05, 0x9c, 0xbb, 0, 1, 2, 3]);
    let value = U256::from(1_000_000_007_u64);
    let legacy = |chain_id, nonce, to| TxLegacy {
        chain_id,
        nonce,
        gas_price: 20_000_000_000,
        gas_limit: 100_000,
        to,
        value,
        input: input.clone(),
    };
    let mut transactions = vec![
        Envelope::Legacy(signed(legacy(None, 0, to), &key)),
        Envelope::Legacy(signed(legacy(Some(1), 1, to), &key)),
        Envelope::Legacy(signed(legacy(Some(1), 2, TxKind::Create), &key)),
    ];
    if era == Era::Status {
        let access_list = AccessList(vec![AccessListItem {
            address: TOKEN,
            storage_keys: vec![B256::with_last_byte(1), B256::repeat_byte(0xfe)],
        }]);
        let authorization = Authorization { chain_id: U256::from(1), address: TOKEN, nonce: 3 };
        let signature = sign(authorization.signature_hash(), &key);
        let eip1559 = |nonce| TxEip1559 {
            chain_id: 1,
            nonce,
            gas_limit: 100_000,
            max_fee_per_gas: 40_000_000_000,
            max_priority_fee_per_gas: 1_000_000_000,
            to,
            value: U256::ZERO,
            access_list: AccessList::default(),
            input: input.clone(),
        };
        transactions.extend([
            Envelope::Eip2930(signed(
                TxEip2930 {
                    chain_id: 1,
                    nonce: 3,
                    gas_price: 21_000_000_000,
                    gas_limit: 100_000,
                    to,
                    value,
                    access_list: access_list.clone(),
                    input: input.clone(),
                },
                &key,
            )),
            Envelope::Eip1559(signed(eip1559(4), &key)),
            Envelope::Eip4844(signed(
                TxEip4844 {
                    chain_id: 1,
                    nonce: 5,
                    gas_limit: 100_000,
                    max_fee_per_gas: 40_000_000_000,
                    max_priority_fee_per_gas: 1_000_000_000,
                    to: TOKEN,
                    value: U256::ZERO,
                    access_list: access_list.clone(),
                    blob_versioned_hashes: vec![B256::repeat_byte(1)],
                    max_fee_per_blob_gas: 7,
                    input: input.clone(),
                },
                &key,
            )),
            Envelope::Eip7702(signed(
                TxEip7702 {
                    chain_id: 1,
                    nonce: 6,
                    gas_limit: 100_000,
                    max_fee_per_gas: 40_000_000_000,
                    max_priority_fee_per_gas: 1_000_000_000,
                    to: TOKEN,
                    value: U256::ZERO,
                    access_list,
                    authorization_list: vec![authorization.into_signed(signature)],
                    input: input.clone(),
                },
                &key,
            )),
            Envelope::Eip1559(signed(eip1559(7), &key)),
        ]);
    }
    transactions.into_iter().map(|tx| (tx, from)).collect()
}

/// What the transaction at an index emitted.
fn logs(index: usize, count: usize) -> Vec<Log> {
    let party = |byte| Address::repeat_byte(byte).into_word();
    let data = Bytes::from(vec![index as u8; 32]);
    let transfer = LogData::new_unchecked(vec![TRANSFER, party(1), party(2)], data.clone());
    let anonymous = LogData::new_unchecked(vec![], data);
    let is_silent = index == 2 || index + 1 == count && count > 3;
    if is_silent {
        return vec![];
    }
    vec![
        Log { address: TOKEN, data: transfer },
        Log { address: Address::repeat_byte(index as u8), data: anonymous },
    ]
}

/// A block of the chosen era.
pub(crate) fn block(era: Era) -> Bodies {
    use alloy_consensus::Transaction as _;

    let transactions = transactions(era);
    let count = transactions.len();
    // The last transaction of a block with all types fails.
    let is_failed = |index: usize| era == Era::Status && index + 1 == count;
    let gas_used = 50_000_u64;
    let receipts: Vec<ReceiptEnvelope> = (0..count)
        .map(|index| {
            let status = match era {
                Era::Status => Eip658Value::Eip658(!is_failed(index)),
                Era::StateRoot => Eip658Value::PostState(B256::repeat_byte(index as u8)),
            };
            let cumulative_gas_used = gas_used * (index as u64 + 1);
            let receipt = Receipt { status, cumulative_gas_used, logs: logs(index, count) };
            let receipt = receipt.with_bloom();
            match transactions[index].0.tx_type() {
                TxType::Legacy => ReceiptEnvelope::Legacy(receipt),
                TxType::Eip2930 => ReceiptEnvelope::Eip2930(receipt),
                TxType::Eip1559 => ReceiptEnvelope::Eip1559(receipt),
                TxType::Eip4844 => ReceiptEnvelope::Eip4844(receipt),
                TxType::Eip7702 => ReceiptEnvelope::Eip7702(receipt),
            }
        })
        .collect();
    let mut logs_bloom = Bloom::ZERO;
    receipts.iter().for_each(|receipt| logs_bloom.accrue_bloom(receipt.logs_bloom()));
    let envelopes: Vec<Envelope> = transactions.iter().map(|(tx, _)| tx.clone()).collect();
    let is_modern = era == Era::Status;
    let header = Header {
        number: 4_369_999 + u64::from(is_modern),
        parent_hash: B256::repeat_byte(0xaa),
        timestamp: 1_700_000_000,
        gas_limit: 30_000_000,
        gas_used: gas_used * count as u64,
        transactions_root: proofs::calculate_transaction_root(&envelopes),
        receipts_root: proofs::calculate_receipt_root(&receipts),
        logs_bloom,
        extra_data: Bytes::from_static(b"made here"),
        base_fee_per_gas: is_modern.then_some(9_000_000_000),
        withdrawals_root: is_modern.then_some(B256::repeat_byte(0xbb)),
        blob_gas_used: is_modern.then_some(131_072),
        excess_blob_gas: is_modern.then_some(0),
        parent_beacon_block_root: is_modern.then_some(B256::repeat_byte(0xcc)),
        requests_hash: is_modern.then_some(B256::repeat_byte(0xdd)),
        ..Header::default()
    };
    let hash = header.hash_slow();
    let quantity = |number: u64| format!("{number:#x}");

    let mut block = serde_json::to_value(&header).unwrap();
    block["hash"] = json!(hash);
    block["size"] = json!("0x1234");
    block["uncles"] = json!([]);
    block["transactions"] = json!([]);
    let (mut all_receipts, mut traces, mut parity) = (vec![], vec![], vec![]);
    let mut log_index = 0;
    for (index, (tx, from)) in transactions.iter().enumerate() {
        let place = json!({
            "blockHash": hash,
            "blockNumber": quantity(header.number),
            "transactionIndex": quantity(index as u64),
        });
        let with_place = |mut value: Value| {
            value.as_object_mut().unwrap().extend(place.as_object().unwrap().clone());
            value
        };
        let mut document = with_place(serde_json::to_value(tx).unwrap());
        document["from"] = json!(from);
        block["transactions"].as_array_mut().unwrap().push(document);

        let logs: Vec<Value> = logs(index, count)
            .iter()
            .map(|log| {
                log_index += 1;
                with_place(json!({
                    "address": log.address,
                    "topics": log.topics(),
                    "data": log.data.data,
                    "logIndex": quantity(log_index - 1),
                    "transactionHash": tx.tx_hash(),
                    "removed": false,
                }))
            })
            .collect();
        let created = tx.to().is_none().then(|| from.create(tx.nonce()));
        let mut receipt = with_place(json!({
            "transactionHash": tx.tx_hash(),
            "from": from,
            "to": tx.to(),
            "type": quantity(tx.tx_type() as u64),
            "gasUsed": quantity(gas_used),
            "cumulativeGasUsed": quantity(gas_used * (index as u64 + 1)),
            "effectiveGasPrice": quantity(10_000_000_000),
            "contractAddress": created,
            "logs": logs,
            "logsBloom": receipts[index].logs_bloom(),
        }));
        match era {
            Era::Status => receipt["status"] = json!(quantity(u64::from(!is_failed(index)))),
            Era::StateRoot => receipt["root"] = json!(B256::repeat_byte(index as u8)),
        }
        all_receipts.push(receipt);

        let value = format!("{:#x}", tx.value());
        let mut frame = json!({
            "type": if tx.to().is_some() { "CALL" } else { "CREATE" },
            "from": from,
            "to": tx.to().or(created),
            "value": value,
            "gas": "0x1000",
            "gasUsed": quantity(gas_used),
            "input": tx.input(),
            "output": "0x01",
            "calls": [{
                "type": "DELEGATECALL", "from": TOKEN, "to": from, "value": value,
                "gasUsed": "0x7", "input": "0x11223344", "gas": "0x8", "output": "0x02",
            }],
        });
        let parity_action = if tx.to().is_some() {
            json!({"callType": "call", "from": from, "to": tx.to(), "value": value, "input": tx.input(), "gas": "0x1"})
        } else {
            json!({"from": from, "value": value, "init": tx.input(), "gas": "0x1", "creationMethod": "create"})
        };
        let mut outer = json!({
            "type": if tx.to().is_some() { "call" } else { "create" },
            "action": parity_action,
            "traceAddress": [],
            "subtraces": 1,
            "transactionHash": tx.tx_hash(),
            "transactionPosition": index,
            "blockHash": hash,
            "result": {"gasUsed": quantity(gas_used), "output": "0x01", "code": "0x01", "address": created},
        });
        let inner = json!({
            "type": "call",
            "action": {"callType": "delegatecall", "from": TOKEN, "to": from, "value": value, "input": "0x11223344", "gas": "0x8"},
            "traceAddress": [0],
            "subtraces": 0,
            "transactionHash": tx.tx_hash(),
            "result": {"gasUsed": "0x7", "output": "0x02"},
        });
        if is_failed(index) {
            frame["error"] = json!("execution reverted");
            outer["error"] = json!("Reverted");
        }
        traces.push(json!({"txHash": tx.tx_hash(), "result": frame}));
        parity.extend([outer, inner]);
    }
    parity.push(json!({
        "type": "reward", "traceAddress": [], "result": null, "transactionHash": null,
        "action": {"author": TOKEN, "rewardType": "block", "value": "0x1"},
    }));
    Bodies { block, receipts: json!(all_receipts), traces: json!(traces), parity: json!(parity) }
}
