//! Blooms and the root of the receipts, recomputed from the logs.

use std::borrow::Cow;

use alloy_primitives::{
    B256, Bloom, keccak256,
    map::{AddressMap, B256Map},
};
use alloy_rlp::{BufMut, Encodable, Header as RlpHeader};
use alloy_trie::root::ordered_trie_root_with_encoder;
use model::{Header, Log, Proven, Transaction, TxStatus};

use super::{Prove, Refusal, join::Joined, unprovable};
use crate::wire::Part;

/// What was recomputed about the receipts of a block.
pub(super) struct ReceiptsProof {
    pub(super) bloom: Proven,
    pub(super) receipts: Proven,
}

const BEFORE_BYZANTIUM: &str = "receipts before Byzantium commit to state roots";

/// Recomputes bloom and root as asked.
pub(super) fn prove(
    header: &Header,
    joined: &Joined,
    prove: &Prove,
) -> Result<ReceiptsProof, Refusal> {
    if !prove.bloom && !prove.receipts {
        return Ok(ReceiptsProof { bloom: Proven::NotAsked, receipts: Proven::NotAsked });
    }
    let mut hashes = Hashes::default();
    let blooms: Vec<Bloom> = joined.transactions.iter().map(|tx| hashes.bloom(&tx.logs)).collect();
    let bloom = if prove.bloom {
        let mut computed = Bloom::ZERO;
        blooms.iter().for_each(|bloom| computed.accrue_bloom(bloom));
        if computed != header.logs_bloom {
            let (computed, committed) = (Box::new(computed), Box::new(header.logs_bloom));
            return Err(Refusal::Bloom { computed, committed });
        }
        Proven::Yes
    } else {
        Proven::NotAsked
    };
    let receipts =
        if prove.receipts { prove_root(header, joined, &blooms, prove)? } else { Proven::NotAsked };
    Ok(ReceiptsProof { bloom, receipts })
}

fn prove_root(
    header: &Header,
    joined: &Joined,
    blooms: &[Bloom],
    prove: &Prove,
) -> Result<Proven, Refusal> {
    if let Some(tx) = joined.transactions.iter().find(|tx| tx.kind > 4) {
        let (index, kind) = (tx.index, tx.kind);
        let reason =
            format!("receipt {index} has type {kind:#x}, whose encoding is not known here");
        return unprovable(Part::Receipts, Cow::Owned(reason), prove);
    }
    let is_before_byzantium = header.number < prove.byzantium;
    let mut gas_sum = 0;
    let mut receipts = Vec::with_capacity(blooms.len());
    for ((tx, state_root), bloom) in joined.transactions.iter().zip(&joined.state_roots).zip(blooms)
    {
        gas_sum += tx.gas_used;
        let outcome = match (is_before_byzantium, state_root, tx.status) {
            (true, Some(root), _) => Outcome::StateRoot(*root),
            (true, None, _) => return Ok(Proven::NotProvable(Cow::Borrowed(BEFORE_BYZANTIUM))),
            (false, _, status) => Outcome::Status(status == TxStatus::Success),
        };
        receipts.push(Receipt { tx, outcome, gas_sum, bloom });
    }
    let computed = ordered_trie_root_with_encoder(&receipts, |receipt, out| receipt.encode(out));
    let committed = header.receipts_root;
    if computed != committed {
        return Err(Refusal::ReceiptsRoot { computed, committed });
    }
    Ok(Proven::Yes)
}

/// Hashes of the addresses and topics of one block. Most of them recur: a few contracts emit most
/// logs, of a few kinds, about a few parties. Hashing each once cuts the cost of blooms to a third.
#[derive(Default)]
struct Hashes {
    addresses: AddressMap<B256>,
    topics: B256Map<B256>,
}

impl Hashes {
    /// The bloom of some logs: three bits per address and topic.
    fn bloom(&mut self, logs: &[Log]) -> Bloom {
        let mut bloom = Bloom::ZERO;
        for log in logs {
            let hash = self.addresses.entry(log.address).or_insert_with(|| keccak256(log.address));
            bloom.m3_2048_hashed(hash);
            for topic in &log.topics {
                let hash = self.topics.entry(*topic).or_insert_with(|| keccak256(topic));
                bloom.m3_2048_hashed(hash);
            }
        }
        bloom
    }
}

/// The first field of a receipt.
enum Outcome {
    /// Before Byzantium: the state after the transaction.
    StateRoot(B256),
    /// Since: whether it took effect.
    Status(bool),
}

/// A receipt as it is hashed.
struct Receipt<'a> {
    tx: &'a Transaction,
    outcome: Outcome,
    gas_sum: u64,
    bloom: &'a Bloom,
}

impl Receipt<'_> {
    fn encode(&self, out: &mut Vec<u8>) {
        if self.tx.kind != 0 {
            out.put_u8(self.tx.kind);
        }
        let logs_length = self.tx.logs.iter().map(log_length).sum();
        let logs_header = RlpHeader { list: true, payload_length: logs_length };
        let outcome_length = match &self.outcome {
            Outcome::StateRoot(root) => root.length(),
            Outcome::Status(took_effect) => took_effect.length(),
        };
        let payload_length = outcome_length
            + self.gas_sum.length()
            + self.bloom.length()
            + logs_header.length_with_payload();
        RlpHeader { list: true, payload_length }.encode(out);
        match &self.outcome {
            Outcome::StateRoot(root) => root.encode(out),
            Outcome::Status(took_effect) => took_effect.encode(out),
        }
        self.gas_sum.encode(out);
        self.bloom.encode(out);
        logs_header.encode(out);
        for log in &self.tx.logs {
            log_header(log).encode(out);
            log.address.encode(out);
            topics_header(log).encode(out);
            log.topics.iter().for_each(|topic| topic.encode(out));
            log.data.encode(out);
        }
    }
}

fn topics_header(log: &Log) -> RlpHeader {
    let payload_length = log.topics.iter().map(Encodable::length).sum();
    RlpHeader { list: true, payload_length }
}

fn log_header(log: &Log) -> RlpHeader {
    let payload_length =
        log.address.length() + topics_header(log).length_with_payload() + log.data.length();
    RlpHeader { list: true, payload_length }
}

fn log_length(log: &Log) -> usize {
    log_header(log).length_with_payload()
}
