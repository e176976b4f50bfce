use alloy_consensus::{Transaction, TxEnvelope, Typed2718};
use alloy_primitives::{Log, U256};
use serde_json::{Value, json};

use crate::devnet::{Block, Included};

/// A quantity: hex without leading zeros.
pub(super) fn quantity(number: impl TryInto<U256>) -> Value {
    // Everything passed here is an unsigned integer of at most 256 bits.
    json!(format!("{:#x}", number.try_into().unwrap_or(U256::ZERO)))
}

pub(super) fn header(block: &Block) -> Value {
    let header = &block.header;
    json!({
        "number": quantity(header.number),
        "hash": block.hash,
        "parentHash": header.parent_hash,
        "nonce": header.nonce,
        "mixHash": header.mix_hash,
        "sha3Uncles": header.ommers_hash,
        "logsBloom": header.logs_bloom,
        "transactionsRoot": header.transactions_root,
        "stateRoot": header.state_root,
        "receiptsRoot": header.receipts_root,
        "miner": header.beneficiary,
        "difficulty": quantity(header.difficulty),
        "extraData": header.extra_data,
        "gasLimit": quantity(header.gas_limit),
        "gasUsed": quantity(header.gas_used),
        "timestamp": quantity(header.timestamp),
        "baseFeePerGas": header.base_fee_per_gas.map(quantity),
        "withdrawalsRoot": header.withdrawals_root,
        "blobGasUsed": header.blob_gas_used.map(quantity),
        "excessBlobGas": header.excess_blob_gas.map(quantity),
        "parentBeaconBlockRoot": header.parent_beacon_block_root,
        "requestsHash": header.requests_hash,
    })
}

pub(super) fn block(block: &Block, is_full: bool) -> Value {
    let mut value = header(block);
    let transactions: Value = if is_full {
        (0..block.transactions.len()).map(|index| transaction(block, index)).collect()
    } else {
        let hashes = block.transactions.iter().map(|tx| json!(tx.transaction.inner().tx_hash()));
        hashes.collect()
    };
    value["size"] = quantity(block.size_bytes);
    value["uncles"] = json!([]);
    value["withdrawals"] = json!([]);
    value["transactions"] = transactions;
    value
}

pub(super) fn transaction(block: &Block, index: usize) -> Value {
    let included = &block.transactions[index];
    let mut value = signed_transaction(included);
    value["blockHash"] = json!(block.hash);
    value["blockNumber"] = quantity(block.header.number);
    value["transactionIndex"] = quantity(index);
    value
}

fn signed_transaction(included: &Included) -> Value {
    let signed: &TxEnvelope = included.transaction.inner();
    let signature = signed.signature();
    let parity = u64::from(signature.v());
    let mut value = json!({
        "from": included.transaction.signer(),
        "gas": quantity(signed.gas_limit()),
        "gasPrice": quantity(included.effective_gas_price),
        "hash": signed.tx_hash(),
        "input": signed.input(),
        "nonce": quantity(signed.nonce()),
        "to": signed.to(),
        "value": quantity(signed.value()),
        "type": quantity(u64::from(signed.ty())),
        "r": quantity(signature.r()),
        "s": quantity(signature.s()),
    });
    if let Some(chain_id) = signed.chain_id() {
        value["chainId"] = quantity(chain_id);
    }
    if signed.is_legacy() {
        // EIP-155: the chain id is part of v.
        let v = signed.chain_id().map_or(27 + parity, |chain_id| 35 + 2 * chain_id + parity);
        value["v"] = quantity(v);
        return value;
    }
    value["v"] = quantity(parity);
    value["yParity"] = quantity(parity);
    value["accessList"] = json!(signed.access_list().cloned().unwrap_or_default());
    if let Some(tip) = signed.max_priority_fee_per_gas() {
        value["maxFeePerGas"] = quantity(signed.max_fee_per_gas());
        value["maxPriorityFeePerGas"] = quantity(tip);
    }
    if let Some(authorizations) = signed.authorization_list() {
        value["authorizationList"] = json!(authorizations);
    }
    value
}

pub(super) fn receipt(block: &Block, index: usize) -> Value {
    let included = &block.transactions[index];
    let logs = included.receipt.logs().iter().enumerate();
    json!({
        "blockHash": block.hash,
        "blockNumber": quantity(block.header.number),
        "contractAddress": included.created,
        "cumulativeGasUsed": quantity(included.receipt.cumulative_gas_used()),
        "effectiveGasPrice": quantity(included.effective_gas_price),
        "from": included.transaction.signer(),
        "gasUsed": quantity(included.gas_used),
        "logs": logs.map(|(at, entry)| log(block, index, at, entry)).collect::<Value>(),
        "logsBloom": included.receipt.logs_bloom(),
        "status": quantity(u64::from(included.receipt.is_success())),
        "to": included.transaction.inner().to(),
        "transactionHash": included.transaction.inner().tx_hash(),
        "transactionIndex": quantity(index),
        "type": quantity(u64::from(included.transaction.inner().ty())),
    })
}

/// The log at position `at` inside the transaction at position `index`.
pub(super) fn log(block: &Block, index: usize, at: usize, log: &Log) -> Value {
    let included = &block.transactions[index];
    json!({
        "address": log.address,
        "topics": log.data.topics(),
        "data": log.data.data,
        "blockNumber": quantity(block.header.number),
        "blockHash": block.hash,
        "blockTimestamp": quantity(block.header.timestamp),
        "transactionHash": included.transaction.inner().tx_hash(),
        "transactionIndex": quantity(index),
        "logIndex": quantity(included.first_log_index + at),
        "removed": false,
    })
}
