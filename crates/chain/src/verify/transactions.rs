//! Transactions: hashes and their root.

use std::{borrow::Cow, ops::Range};

use alloy_consensus::{
    EthereumTxEnvelope, Signed, TxEip1559, TxEip2930, TxEip4844, TxEip7702, TxLegacy,
};
use alloy_eips::{
    eip2718::Encodable2718,
    eip2930::{AccessList, AccessListItem},
    eip7702::{Authorization, SignedAuthorization},
};
use alloy_primitives::{Address, Signature, TxKind, keccak256};
use alloy_trie::root::ordered_trie_root_with_encoder;
use model::{Header, Proven};

use super::{
    Prove, Refusal,
    senders::{self, SignedHash},
    unprovable,
};
use crate::wire::{Part, record::List, transaction::WireTransaction};

type Envelope = EthereumTxEnvelope<TxEip4844>;

/// EIP-2718 type of a transaction; nodes older than types leave it out.
pub(super) fn kind(transaction: &WireTransaction) -> u64 {
    transaction.kind.map_or(0, |kind| kind.0)
}

/// What was recomputed about the transactions of a block.
pub(super) struct TransactionsProof {
    pub(super) transactions: Proven,
    pub(super) senders: Proven,
}

/// Recomputes each hash and the root over all, and recovers the senders, as asked.
pub(super) fn prove(
    header: &Header,
    transactions: &[WireTransaction],
    prove: &Prove,
) -> Result<TransactionsProof, Refusal> {
    if !prove.transactions && !prove.senders {
        let (transactions, senders) = (Proven::NotAsked, Proven::NotAsked);
        return Ok(TransactionsProof { transactions, senders });
    }
    let mut encoded = Vec::new();
    let mut places: Vec<Range<usize>> = Vec::with_capacity(transactions.len());
    let mut unknown: Option<String> = None;
    let mut signed = Vec::new();
    for (index, transaction) in transactions.iter().enumerate() {
        let envelope = match envelope(transaction) {
            Ok(envelope) => envelope,
            Err(Unencodable::Malformed(reason)) => {
                let reason = format!("transaction {index} {reason}");
                return Err(Refusal::Malformed { part: Part::Block, reason });
            }
            Err(Unencodable::UnknownShape(reason)) => {
                unknown.get_or_insert_with(|| format!("transaction {index} {reason}"));
                continue;
            }
        };
        let start = encoded.len();
        envelope.encode_2718(&mut encoded);
        let computed = keccak256(&encoded[start..]);
        let stated = transaction.hash.0;
        if computed != stated {
            return Err(Refusal::TransactionHash { index, computed, stated });
        }
        places.push(start..encoded.len());
        if prove.senders {
            signed.push(SignedHash {
                index,
                hash: envelope.signature_hash(),
                signature: *envelope.signature(),
                stated: transaction.from.0.into(),
            });
        }
    }
    senders::check(&signed)?;
    let outcome = match unknown {
        Some(reason) => unprovable(Part::Block, Cow::Owned(reason), prove)?,
        None => {
            let computed = ordered_trie_root_with_encoder(&places, |place, out| {
                out.extend_from_slice(&encoded[place.clone()]);
            });
            let committed = header.transactions_root;
            if computed != committed {
                return Err(Refusal::TransactionsRoot { computed, committed });
            }
            Proven::Yes
        }
    };
    let senders = if prove.senders { outcome.clone() } else { Proven::NotAsked };
    Ok(TransactionsProof { transactions: outcome, senders })
}

/// Why a transaction cannot be encoded.
enum Unencodable {
    /// The type is known and a field that it has is missing.
    Malformed(String),
    /// Nobody here knows how this one is encoded.
    UnknownShape(String),
}

/// The signed transaction as it is hashed.
fn envelope(transaction: &WireTransaction) -> Result<Envelope, Unencodable> {
    let kind = kind(transaction);
    if kind > 4 {
        let reason = format!("has type {kind:#x}, whose encoding is not known here");
        return Err(Unencodable::UnknownShape(reason));
    }
    let missing =
        |key: &str| Unencodable::Malformed(format!("is of type {kind:#x} and has no {key}"));
    let r = transaction.r.ok_or_else(|| missing("r"))?.0;
    let s = transaction.s.ok_or_else(|| missing("s"))?.0;
    let v = transaction.v.map(|v| v.0);

    let nonce = transaction.nonce.0;
    let gas_limit = transaction.gas_limit.0;
    let value = transaction.value.0;
    let input = transaction.input.0.clone();
    let callee = transaction.to.map(|to| Address::from(to.0));
    let to = callee.map_or(TxKind::Create, TxKind::Call);
    let gas_price =
        || transaction.gas_price.map(|price| price.0).ok_or_else(|| missing("gasPrice"));

    if kind == 0 {
        let v = v.ok_or_else(|| missing("v"))?;
        if v == 0 && r.is_zero() && s.is_zero() {
            // What some chains put into blocks by themselves, under a rule of their own.
            return Err(Unencodable::UnknownShape("has no signature".to_owned()));
        }
        let (chain_id, y_parity) = legacy_v(v)?;
        let gas_price = gas_price()?;
        let legacy = TxLegacy { chain_id, nonce, gas_price, gas_limit, to, value, input };
        let signature = Signature::new(r, s, y_parity);
        return Ok(Envelope::Legacy(Signed::new_unhashed(legacy, signature)));
    }

    let y_parity = match (transaction.y_parity.map(|parity| u128::from(parity.0)), v) {
        (Some(parity @ (0 | 1)), _) | (None, Some(parity @ (0 | 1))) => parity == 1,
        (None, None) => return Err(missing("yParity")),
        _ => return Err(Unencodable::Malformed("has a yParity other than 0 and 1".to_owned())),
    };
    let signature = Signature::new(r, s, y_parity);
    let chain_id = transaction.chain_id.ok_or_else(|| missing("chainId"))?.0;
    let access_list = access_list(transaction);
    if kind == 1 {
        let gas_price = gas_price()?;
        let tx = TxEip2930 { chain_id, nonce, gas_price, gas_limit, to, value, access_list, input };
        return Ok(Envelope::Eip2930(Signed::new_unhashed(tx, signature)));
    }

    let max_fee_per_gas = transaction.max_fee_per_gas.ok_or_else(|| missing("maxFeePerGas"))?.0;
    let max_priority_fee_per_gas =
        transaction.max_priority_fee_per_gas.ok_or_else(|| missing("maxPriorityFeePerGas"))?.0;
    if kind == 2 {
        let tx = TxEip1559 {
            chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas,
            max_priority_fee_per_gas,
            to,
            value,
            access_list,
            input,
        };
        return Ok(Envelope::Eip1559(Signed::new_unhashed(tx, signature)));
    }

    let to = callee.ok_or_else(|| missing("to"))?;
    if kind == 3 {
        let blobs =
            transaction.blob_hashes.as_ref().ok_or_else(|| missing("blobVersionedHashes"))?;
        let max_fee_per_blob_gas =
            transaction.max_fee_per_blob_gas.ok_or_else(|| missing("maxFeePerBlobGas"))?.0;
        let tx = TxEip4844 {
            chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas,
            max_priority_fee_per_gas,
            to,
            value,
            access_list,
            blob_versioned_hashes: blobs.0.iter().map(|hash| hash.0).collect(),
            max_fee_per_blob_gas,
            input,
        };
        return Ok(Envelope::Eip4844(Signed::new_unhashed(tx, signature)));
    }

    let tx = TxEip7702 {
        chain_id,
        nonce,
        gas_limit,
        max_fee_per_gas,
        max_priority_fee_per_gas,
        to,
        value,
        access_list,
        authorization_list: authorizations(transaction)?
            .ok_or_else(|| missing("authorizationList"))?,
        input,
    };
    Ok(Envelope::Eip7702(Signed::new_unhashed(tx, signature)))
}

/// Chain id and parity from a legacy signature's `v`: 27 and 28 before EIP-155, chain id doubled
/// plus 35 or 36 since.
fn legacy_v(v: u128) -> Result<(Option<u64>, bool), Unencodable> {
    let unknown = || Unencodable::Malformed(format!("has signature v {v:#x}, which no chain has"));
    match v {
        27 | 28 => Ok((None, v == 28)),
        35.. => {
            let chain_id = u64::try_from((v - 35) / 2).map_err(|_| unknown())?;
            Ok((Some(chain_id), (v - 35) % 2 == 1))
        }
        _ => Err(unknown()),
    }
}

fn access_list(transaction: &WireTransaction) -> AccessList {
    let items =
        transaction.access_list.iter().flat_map(|list| &list.0).map(|item| AccessListItem {
            address: item.address.0.into(),
            storage_keys: item.storage_keys.0.iter().map(|key| key.0).collect(),
        });
    AccessList(items.collect())
}

fn authorizations(
    transaction: &WireTransaction,
) -> Result<Option<Vec<SignedAuthorization>>, Unencodable> {
    let Some(List(list)) = &transaction.authorizations else { return Ok(None) };
    let mut signed = Vec::with_capacity(list.len());
    for item in list {
        let authorization = Authorization {
            chain_id: item.chain_id.0,
            address: item.address.0.into(),
            nonce: item.nonce.0,
        };
        let y_parity = u8::try_from(item.y_parity.0).map_err(|_| {
            Unencodable::Malformed("has an authorization with a yParity above 255".to_owned())
        })?;
        let (r, s) = (item.r.0, item.s.0);
        signed.push(SignedAuthorization::new_unchecked(authorization, y_parity, r, s));
    }
    Ok(Some(signed))
}
