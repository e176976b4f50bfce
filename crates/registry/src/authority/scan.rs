//! History that was read from a node, kept as a file of the user's folder: the logs themselves, not
//! what was made of them, so that any block's state can be folded from them.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes};
use model::{BlockNumber, Log, Name, UnixSeconds};
use serde::{Deserialize, Serialize};

use super::{Change, Holdings, Moment, Past, TooMany};
use crate::Undecoded;

/// Most logs in one file: a protocol changes roles a few times a day at the most, so this is decades.
const LOGS_MAX: usize = 200_000;

/// Shape of the file; another number is another shape.
const VERSION: u32 = 1;

/// Logs about authority of the contracts of one network, from a range of blocks that was read whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scan {
    version: u32,
    /// Network.
    pub network: Name,
    /// Its chain.
    pub chain_id: u64,
    /// Last block read.
    pub to_block: BlockNumber,
    /// First block read, for each contract.
    pub contracts: BTreeMap<Address, BlockNumber>,
    /// What they said, oldest first.
    pub logs: Vec<PastLog>,
}

/// A log with when it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PastLog {
    /// Block.
    pub block: BlockNumber,
    /// The block's time.
    pub at: UnixSeconds,
    /// Transaction.
    pub tx: B256,
    /// Block-wide index.
    pub index: u32,
    /// Emitter.
    pub address: Address,
    /// Topics.
    pub topics: Vec<B256>,
    /// Arguments that are not indexed.
    pub data: Bytes,
}

/// Why a scan cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// It is no scan.
    #[error("not a file that `bellwether authority scan` writes: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Written by another version of this program.
    #[error("has version {0}, this program reads {VERSION}; scan again")]
    Version(u32),
    /// It was changed by hand or by accident.
    #[error("its logs are out of order at block {0}")]
    Order(BlockNumber),
    /// Larger than any protocol's history.
    #[error("holds {0} logs, at most {LOGS_MAX} are read")]
    TooManyLogs(usize),
    /// A log that nobody can read.
    #[error("the log {index} of block {block}: {source}")]
    Log {
        /// Block.
        block: BlockNumber,
        /// Block-wide index.
        index: u32,
        /// Why not.
        source: Undecoded,
    },
    /// More than can be remembered.
    #[error(transparent)]
    TooMany(#[from] TooMany),
}

impl Scan {
    /// What was read of `contracts`, each from its block on, up to `to_block`.
    pub fn new(
        network: Name,
        chain_id: u64,
        to_block: BlockNumber,
        contracts: BTreeMap<Address, BlockNumber>,
        mut logs: Vec<PastLog>,
    ) -> Self {
        logs.sort_by_key(|log| (log.block, log.index));
        Self { version: VERSION, network, chain_id, to_block, contracts, logs }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`ScanError`] says why it cannot be used.
    pub fn from_json(text: &str) -> Result<Self, ScanError> {
        let scan: Self = serde_json::from_str(text)?;
        if scan.version != VERSION {
            return Err(ScanError::Version(scan.version));
        }
        if scan.logs.len() > LOGS_MAX {
            return Err(ScanError::TooManyLogs(scan.logs.len()));
        }
        let order = |log: &PastLog| (log.block, log.index);
        if let Some(pair) = scan.logs.windows(2).find(|pair| order(&pair[0]) >= order(&pair[1])) {
            return Err(ScanError::Order(pair[1].block));
        }
        if let Some(late) = scan.logs.iter().find(|log| log.block > scan.to_block) {
            return Err(ScanError::Order(late.block));
        }
        Ok(scan)
    }

    /// The file's text.
    ///
    /// # Errors
    /// Never for a scan that was read or made here; serialisation into memory may in theory fail.
    pub fn to_json(&self) -> Result<String, ScanError> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// What the logs before `block` say of each contract that was scanned, with how much of its past
    /// that is: whole when the scan began at or before the contract's first block and reaches up to
    /// `block`. A contract whose first block is not known must have been read from block 0.
    ///
    /// # Errors
    /// When a log cannot be read or there are too many holders.
    pub fn fold_before(
        &self,
        block: BlockNumber,
        first_block: impl Fn(Address) -> Option<BlockNumber>,
        is_treasury: impl Fn(Address) -> bool,
    ) -> Result<BTreeMap<Address, Holdings>, ScanError> {
        let past = |contract: Address, from_block: BlockNumber| {
            let begins_in_time = from_block <= first_block(contract).unwrap_or(0);
            match (self.to_block.saturating_add(1) >= block, begins_in_time) {
                (true, true) => Past::Whole,
                (true, false) => Past::UnknownBefore(from_block),
                (false, _) => Past::UnknownBefore(block),
            }
        };
        let of = |(contract, from): (&Address, &BlockNumber)| {
            (*contract, Holdings::new(past(*contract, *from)))
        };
        let mut all: BTreeMap<Address, Holdings> = self.contracts.iter().map(of).collect();
        for log in self.logs.iter().take_while(|log| log.block < block) {
            let told = log.to_log();
            let changes = Change::read(&told, &is_treasury).map_err(|source| ScanError::Log {
                block: log.block,
                index: log.index,
                source,
            })?;
            for (of, change) in changes {
                if let Some(holdings) = all.get_mut(&of) {
                    holdings.apply(&change, Moment { block: log.block, at: log.at })?;
                }
            }
        }
        Ok(all)
    }
}

impl PastLog {
    fn to_log(&self) -> Log {
        let (topics, data) = (self.topics.clone(), self.data.clone());
        Log { index: self.index, address: self.address, topics, data }
    }
}
