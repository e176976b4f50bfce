//! The header, with the list of transactions or without.

use std::{fmt, marker::PhantomData};

use alloy_primitives::U256;
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};

use super::{
    hex::{Data, Fixed, Quantity},
    record::Skipped,
};

/// Keys of a block that are not part of the header's hash.
const BESIDE_THE_HEADER: [&str; 6] =
    ["size", "totalDifficulty", "uncles", "withdrawals", "author", "sealFields"];

/// Most unknown keys that are remembered for a message.
const UNKNOWN_KEYS_MAX: usize = 8;

/// Longest unknown key that is remembered, in characters.
const UNKNOWN_KEY_CHARS_MAX: usize = 40;

/// A block: its header, and its transactions as `T` (or [`Skipped`] for the header alone).
#[derive(Debug)]
pub(crate) struct WireBlock<T> {
    pub(crate) header: WireHeader,
    pub(crate) transactions: T,
}

/// A header as a node states it.
#[derive(Debug, Default)]
pub(crate) struct WireHeader {
    pub(crate) hash: Option<Fixed<32>>,
    pub(crate) parent_hash: Option<Fixed<32>>,
    pub(crate) ommers_hash: Option<Fixed<32>>,
    pub(crate) beneficiary: Option<Fixed<20>>,
    pub(crate) state_root: Option<Fixed<32>>,
    pub(crate) transactions_root: Option<Fixed<32>>,
    pub(crate) receipts_root: Option<Fixed<32>>,
    pub(crate) logs_bloom: Option<Box<Fixed<256>>>,
    pub(crate) difficulty: Option<Quantity<U256>>,
    pub(crate) number: Option<Quantity<u64>>,
    pub(crate) gas_limit: Option<Quantity<u64>>,
    pub(crate) gas_used: Option<Quantity<u64>>,
    pub(crate) timestamp: Option<Quantity<u64>>,
    pub(crate) extra_data: Option<Data>,
    pub(crate) mix_hash: Option<Fixed<32>>,
    pub(crate) nonce: Option<Fixed<8>>,
    pub(crate) base_fee_per_gas: Option<Quantity<u64>>,
    pub(crate) withdrawals_root: Option<Fixed<32>>,
    pub(crate) blob_gas_used: Option<Quantity<u64>>,
    pub(crate) excess_blob_gas: Option<Quantity<u64>>,
    pub(crate) parent_beacon_block_root: Option<Fixed<32>>,
    pub(crate) requests_hash: Option<Fixed<32>>,
    pub(crate) block_access_list_hash: Option<Fixed<32>>,
    pub(crate) slot_number: Option<Quantity<u64>>,
    /// Keys that mean nothing to us, shortened; perhaps header fields of a future fork.
    pub(crate) unknown_keys: Vec<String>,
}

struct BlockVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for BlockVisitor<T> {
    type Value = WireBlock<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a block")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<WireBlock<T>, A::Error> {
        let mut header = WireHeader::default();
        let mut transactions = None;
        while let Some(Key(key)) = entries.next_key()? {
            match key {
                "hash" => header.hash = entries.next_value()?,
                "parentHash" => header.parent_hash = entries.next_value()?,
                "sha3Uncles" => header.ommers_hash = entries.next_value()?,
                "miner" => header.beneficiary = entries.next_value()?,
                "stateRoot" => header.state_root = entries.next_value()?,
                "transactionsRoot" => header.transactions_root = entries.next_value()?,
                "receiptsRoot" => header.receipts_root = entries.next_value()?,
                "logsBloom" => header.logs_bloom = entries.next_value()?,
                "difficulty" => header.difficulty = entries.next_value()?,
                "number" => header.number = entries.next_value()?,
                "gasLimit" => header.gas_limit = entries.next_value()?,
                "gasUsed" => header.gas_used = entries.next_value()?,
                "timestamp" => header.timestamp = entries.next_value()?,
                "extraData" => header.extra_data = entries.next_value()?,
                "mixHash" => header.mix_hash = entries.next_value()?,
                "nonce" => header.nonce = entries.next_value()?,
                "baseFeePerGas" => header.base_fee_per_gas = entries.next_value()?,
                "withdrawalsRoot" => header.withdrawals_root = entries.next_value()?,
                "blobGasUsed" => header.blob_gas_used = entries.next_value()?,
                "excessBlobGas" => header.excess_blob_gas = entries.next_value()?,
                "parentBeaconBlockRoot" => {
                    header.parent_beacon_block_root = entries.next_value()?
                }
                "requestsHash" => header.requests_hash = entries.next_value()?,
                "blockAccessListHash" => header.block_access_list_hash = entries.next_value()?,
                "slotNumber" => header.slot_number = entries.next_value()?,
                "transactions" => transactions = Some(entries.next_value()?),
                other => {
                    if !BESIDE_THE_HEADER.contains(&other)
                        && header.unknown_keys.len() < UNKNOWN_KEYS_MAX
                    {
                        let key = other.chars().take(UNKNOWN_KEY_CHARS_MAX).collect();
                        header.unknown_keys.push(key);
                    }
                    entries.next_value::<Skipped>()?;
                }
            }
        }
        let transactions = match transactions {
            Some(transactions) => transactions,
            // A `newHeads` message has no list. Whoever needs one says so through `T`.
            None => T::deserialize(serde::de::value::UnitDeserializer::<A::Error>::new())
                .map_err(|_| A::Error::missing_field("transactions"))?,
        };
        Ok(WireBlock { header, transactions })
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for WireBlock<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BlockVisitor(PhantomData))
    }
}

/// A key without escapes, borrowed from the body.
struct Key<'a>(&'a str);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&str>::deserialize(deserializer).map(Key)
    }
}
