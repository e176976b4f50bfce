//! The header: what the block is called, recomputed.

use std::borrow::Cow;

use alloy_consensus::Header as SealedFields;
use model::{Header, Proven, U256, UnixSeconds};

use super::{Prove, Refusal, unprovable};
use crate::wire::{Part, block::WireHeader};

/// Reads a header and recomputes its hash if asked.
pub(super) fn prove(wire: WireHeader, prove: &Prove) -> Result<(Header, Proven), Refusal> {
    let required = |key: &str| Refusal::Malformed {
        part: Part::Block,
        reason: format!("missing field `{key}`"),
    };
    let header = Header {
        number: wire.number.ok_or_else(|| required("number"))?.0,
        hash: wire.hash.ok_or_else(|| required("hash"))?.0,
        parent_hash: wire.parent_hash.ok_or_else(|| required("parentHash"))?.0,
        timestamp: UnixSeconds(wire.timestamp.ok_or_else(|| required("timestamp"))?.0),
        beneficiary: wire.beneficiary.ok_or_else(|| required("miner"))?.0.into(),
        base_fee_per_gas: wire.base_fee_per_gas.map(|fee| U256::from(fee.0)),
        gas_used: wire.gas_used.ok_or_else(|| required("gasUsed"))?.0,
        gas_limit: wire.gas_limit.ok_or_else(|| required("gasLimit"))?.0,
        logs_bloom: wire.logs_bloom.as_ref().ok_or_else(|| required("logsBloom"))?.0.into(),
        receipts_root: wire.receipts_root.ok_or_else(|| required("receiptsRoot"))?.0,
        transactions_root: wire.transactions_root.ok_or_else(|| required("transactionsRoot"))?.0,
        state_root: wire.state_root.ok_or_else(|| required("stateRoot"))?.0,
    };
    if !prove.header {
        return Ok((header, Proven::NotAsked));
    }
    let fields = match sealed_fields(&header, &wire) {
        Ok(fields) => fields,
        Err(missing) => {
            let reason = format!("the header has no {missing}");
            return Ok((header, unprovable(Part::Block, Cow::Owned(reason), prove)?));
        }
    };
    let computed = fields.hash_slow();
    if computed == header.hash {
        return Ok((header, Proven::Yes));
    }
    if wire.unknown_keys.is_empty() {
        return Err(Refusal::HeaderHash { computed, stated: header.hash });
    }
    let reason = format!("the header has fields not known here: {}", wire.unknown_keys.join(", "));
    Ok((header, unprovable(Part::Block, Cow::Owned(reason), prove)?))
}

/// All fields that go into the hash, or the key of the first that is always there on Ethereum and
/// is missing here.
fn sealed_fields(header: &Header, wire: &WireHeader) -> Result<SealedFields, &'static str> {
    Ok(SealedFields {
        parent_hash: header.parent_hash,
        ommers_hash: wire.ommers_hash.ok_or("sha3Uncles")?.0,
        beneficiary: header.beneficiary,
        state_root: header.state_root,
        transactions_root: header.transactions_root,
        receipts_root: header.receipts_root,
        logs_bloom: header.logs_bloom,
        difficulty: wire.difficulty.ok_or("difficulty")?.0,
        number: header.number,
        gas_limit: header.gas_limit,
        gas_used: header.gas_used,
        timestamp: header.timestamp.0,
        extra_data: wire.extra_data.as_ref().ok_or("extraData")?.0.clone(),
        mix_hash: wire.mix_hash.ok_or("mixHash")?.0,
        nonce: wire.nonce.ok_or("nonce")?.0,
        base_fee_per_gas: wire.base_fee_per_gas.map(|fee| fee.0),
        withdrawals_root: wire.withdrawals_root.map(|root| root.0),
        blob_gas_used: wire.blob_gas_used.map(|gas| gas.0),
        excess_blob_gas: wire.excess_blob_gas.map(|gas| gas.0),
        parent_beacon_block_root: wire.parent_beacon_block_root.map(|root| root.0),
        requests_hash: wire.requests_hash.map(|hash| hash.0),
        block_access_list_hash: wire.block_access_list_hash.map(|hash| hash.0),
        slot_number: wire.slot_number.map(|slot| slot.0),
    })
}
