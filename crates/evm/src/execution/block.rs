//! What is executed, and by which rules.

use std::str::FromStr;

use alloy_consensus::{Transaction, TxEnvelope, transaction::Recovered};
use alloy_primitives::{Address, B256, U64, U256};
use revm::primitives::hardfork::SpecId;
use serde::Deserialize;

use super::known::Missing;

/// Why a block cannot be executed.
#[derive(Debug, thiserror::Error)]
pub enum BlockError {
    /// It is no block with whole transactions.
    #[error("reading a block: {0}")]
    Malformed(#[from] serde_json::Error),
    /// The rules of its chain are not known here.
    #[error("the rules of the chain with id {0} are not known")]
    UnknownRules(u64),
    /// No hard fork is called so.
    #[error("unknown hard fork {0:?} (one of: {forks})", forks = HARD_FORKS.map(|(name, _)| name).join(", "))]
    UnknownFork(String),
}

/// Hard forks of Ethereum by the names people use, for chains that run one of them unchanged.
const HARD_FORKS: [(&str, SpecId); 9] = [
    ("byzantium", SpecId::BYZANTIUM),
    ("istanbul", SpecId::ISTANBUL),
    ("berlin", SpecId::BERLIN),
    ("london", SpecId::LONDON),
    ("merge", SpecId::MERGE),
    ("shanghai", SpecId::SHANGHAI),
    ("cancun", SpecId::CANCUN),
    ("prague", SpecId::PRAGUE),
    ("osaka", SpecId::OSAKA),
];

/// A hard fork of Ethereum, as the rules of a chain of one's own: a development chain, a private one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HardFork(SpecId);

impl FromStr for HardFork {
    type Err = BlockError;

    fn from_str(name: &str) -> Result<Self, BlockError> {
        let found = HARD_FORKS.iter().find(|(known, _)| *known == name);
        found.map(|(_, spec)| Self(*spec)).ok_or_else(|| BlockError::UnknownFork(name.to_owned()))
    }
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

    /// Those of a chain that runs one hard fork and nothing of its own.
    pub fn of_fork(chain_id: u64, HardFork(spec): HardFork) -> Self {
        let blob_fraction = match spec.is_enabled_in(SpecId::PRAGUE) {
            true => BLOB_FRACTIONS[1].1,
            false => BLOB_FRACTIONS[0].1,
        };
        Self { chain_id, spec, blob_fraction }
    }

    /// Whether executing a block's transactions, and what [`Block`] says beside, is all that changes
    /// the state: before proof of stake blocks and their uncles were paid for, too.
    pub(super) fn is_without_rewards(&self) -> bool {
        self.spec.is_enabled_in(SpecId::MERGE)
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
    /// Who is paid after the transactions.
    pub(super) withdrawals: Vec<Address>,
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
    #[serde(default)]
    withdrawals: Vec<WrittenWithdrawal>,
}

#[derive(Deserialize)]
struct WrittenWithdrawal {
    address: Address,
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
            withdrawals: written.withdrawals.iter().map(|paid| paid.address).collect(),
        })
    }

    /// What the block needs before anything of it was executed: those who send, those who are called,
    /// who is paid, and what transactions announce that they will read.
    pub fn announced(&self) -> Missing {
        let mut announced = Missing::default();
        announced.accounts.insert(self.beneficiary);
        for transaction in &self.transactions {
            announced.accounts.insert(transaction.signer());
            announced.accounts.extend(transaction.to());
            for item in transaction.access_list().into_iter().flat_map(|list| list.iter()) {
                announced.accounts.insert(item.address);
                if !item.storage_keys.is_empty() {
                    let words = announced.storage.entry(item.address).or_default();
                    words.extend(item.storage_keys.iter().map(|key| U256::from_be_bytes(key.0)));
                }
            }
        }
        announced
    }

    /// The block before.
    pub fn parent(&self) -> Option<(u64, B256)> {
        Some((self.number.checked_sub(1)?, self.parent_hash))
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

    #[test]
    fn a_chain_of_ones_own_runs_a_fork_by_its_name() {
        let rules = Rules::of_fork(31_337, "cancun".parse().unwrap());
        assert_eq!((rules.chain_id, rules.spec), (31_337, SpecId::CANCUN));
        let why = "london-ish".parse::<HardFork>().unwrap_err().to_string();
        assert!(why.contains("london-ish") && why.contains("prague, osaka"), "{why}");
    }
}
