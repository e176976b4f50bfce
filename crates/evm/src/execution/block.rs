//! What is executed, and by which rules.

use alloy_consensus::{TxEnvelope, transaction::Recovered};
use alloy_primitives::{Address, B256, U64, U256};
use revm::primitives::hardfork::SpecId;
use serde::Deserialize;

/// Why a block cannot be executed.
#[derive(Debug, thiserror::Error)]
pub enum BlockError {
    /// It is no block with whole transactions.
    #[error("reading a block: {0}")]
    Malformed(#[from] serde_json::Error),
    /// The rules of its chain are not known here.
    #[error("the rules of the chain with id {0} are not known")]
    UnknownRules(u64),
}

/// The rules that a block is executed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Chain's id.
    pub chain_id: u64,
    /// What the machine does.
    pub spec: SpecId,
    /// How fast the price of blobs moves.
    pub blob_fraction: u64,
}

/// Mainnet's forks by block. Source: the execution specifications of Ethereum.
const BY_NUMBER: [(u64, SpecId); 11] = [
    (0, SpecId::FRONTIER),
    (1_150_000, SpecId::HOMESTEAD),
    (2_463_000, SpecId::TANGERINE),
    (2_675_000, SpecId::SPURIOUS_DRAGON),
    (4_370_000, SpecId::BYZANTIUM),
    (7_280_000, SpecId::PETERSBURG),
    (9_069_000, SpecId::ISTANBUL),
    (12_244_000, SpecId::BERLIN),
    (12_965_000, SpecId::LONDON),
    (15_537_394, SpecId::MERGE),
    (u64::MAX, SpecId::MERGE),
];

/// And by time, in seconds.
const BY_TIME: [(u64, SpecId); 4] = [
    (1_681_338_455, SpecId::SHANGHAI),
    (1_710_338_135, SpecId::CANCUN),
    (1_746_612_311, SpecId::PRAGUE),
    (1_764_798_551, SpecId::OSAKA),
];

/// Update fractions of the blob fee by time: EIP-4844, EIP-7691, and the forks that changed nothing but
/// blobs.
const BLOB_FRACTIONS: [(u64, u64); 5] = [
    (0, 3_338_477),
    (1_746_612_311, 5_007_716),
    (1_765_290_071, 8_346_193),
    (1_767_747_671, 11_684_671),
    (u64::MAX, 11_684_671),
];

impl Rules {
    /// Those of a block of a chain: Ethereum's mainnet with its forks. Chains that make their own rules
    /// (rollups) are refused rather than executed wrongly.
    ///
    /// # Errors
    /// When they are not known.
    pub fn of(chain_id: u64, number: u64, timestamp: u64) -> Result<Self, BlockError> {
        if chain_id != 1 {
            return Err(BlockError::UnknownRules(chain_id));
        }
        let newest = |forks: &[(u64, SpecId)], at: u64| {
            forks.iter().rev().find(|(from, _)| *from <= at).map(|(_, spec)| *spec)
        };
        let by_time = newest(&BY_TIME, timestamp);
        let spec = by_time.or_else(|| newest(&BY_NUMBER, number)).unwrap_or(SpecId::FRONTIER);
        let fraction = BLOB_FRACTIONS.iter().rev().find(|(from, _)| *from <= timestamp);
        let blob_fraction = fraction.map_or(BLOB_FRACTIONS[0].1, |(_, fraction)| *fraction);
        Ok(Self { chain_id, spec, blob_fraction })
    }
}

/// A block to be executed.
#[derive(Debug, Clone)]
pub struct Block {
    pub(super) number: u64,
    pub(super) timestamp: u64,
    pub(super) beneficiary: Address,
    pub(super) gas_limit: u64,
    pub(super) base_fee: u64,
    pub(super) difficulty: U256,
    pub(super) mix_hash: B256,
    pub(super) excess_blob_gas: Option<u64>,
    pub(super) beacon_root: Option<B256>,
    pub(super) parent_hash: B256,
    pub(super) transactions: Vec<Recovered<TxEnvelope>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    number: U64,
    timestamp: U64,
    miner: Address,
    gas_limit: U64,
    base_fee_per_gas: Option<U64>,
    #[serde(default)]
    difficulty: U256,
    #[serde(default)]
    mix_hash: B256,
    excess_blob_gas: Option<U64>,
    parent_beacon_block_root: Option<B256>,
    parent_hash: B256,
    transactions: Vec<WrittenTransaction>,
}

#[derive(Deserialize)]
struct WrittenTransaction {
    from: Address,
    #[serde(flatten)]
    signed: TxEnvelope,
}

impl Block {
    /// Reads the answer to `eth_getBlockByNumber` with whole transactions. Senders are taken as they
    /// stand there: whoever proves blocks has proven them.
    ///
    /// # Errors
    /// When it is something else, or holds a kind of transaction that is not known.
    pub fn read(json: &[u8]) -> Result<Self, BlockError> {
        let written: Written = serde_json::from_slice(json)?;
        let number = |value: U64| value.to::<u64>();
        let transactions = written.transactions.into_iter();
        Ok(Self {
            number: number(written.number),
            timestamp: number(written.timestamp),
            beneficiary: written.miner,
            gas_limit: number(written.gas_limit),
            base_fee: written.base_fee_per_gas.map_or(0, number),
            difficulty: written.difficulty,
            mix_hash: written.mix_hash,
            excess_blob_gas: written.excess_blob_gas.map(number),
            beacon_root: written.parent_beacon_block_root,
            parent_hash: written.parent_hash,
            transactions: transactions
                .map(|tx| Recovered::new_unchecked(tx.signed, tx.from))
                .collect(),
        })
    }

    /// Height.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Time in seconds.
    pub fn timestamp(&self) -> u64 {
        self.timestamp
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forks_begin_where_they_did_and_other_chains_are_refused() {
        let spec = |number, time| Rules::of(1, number, time).unwrap().spec;
        assert_eq!(spec(1_149_999, 0), SpecId::FRONTIER);
        assert_eq!(spec(1_150_000, 0), SpecId::HOMESTEAD);
        assert_eq!(spec(12_965_000, 1_628_166_822), SpecId::LONDON);
        assert_eq!(spec(17_034_870, 1_681_338_455), SpecId::SHANGHAI);
        assert_eq!(spec(24_000_000, 1_764_798_551), SpecId::OSAKA);
        assert!(matches!(Rules::of(10, 1, 1), Err(BlockError::UnknownRules(10))));
        assert_eq!(Rules::of(1, 0, 1_746_612_311).unwrap().blob_fraction, 5_007_716);
    }
}
