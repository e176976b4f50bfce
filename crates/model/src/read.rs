//! What detectors want to know of the state after a block.

use std::{
    hash::{Hash, Hasher},
    num::NonZeroU32,
    sync::Arc,
};

use alloy_primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};

use crate::BlockNumber;

/// A question about the state after a block, asked by the block's hash, with its answer kept in the
/// bundle.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ReadRequest {
    /// What a contract returns (`eth_call`).
    Call {
        /// Contract to ask.
        to: Address,
        /// Calldata.
        input: Bytes,
    },
    /// How much native value an account holds (`eth_getBalance`), answered as one word in wei.
    Balance(Address),
    /// A word of a contract's storage (`eth_getStorageAt`).
    Storage {
        /// Contract.
        of: Address,
        /// Slot.
        slot: B256,
    },
    /// The hash of an account's code (`eth_getCode`), answered as one word: `keccak256` of the
    /// code, which of no code is `keccak256("")`.
    CodeHash(Address),
    /// Which words of a contract's storage the transactions of the block changed
    /// (`debug_traceBlockByHash` with `prestateTracer` in `diffMode`), answered as
    /// [`StorageWrite::encode_all`] writes them. Asked for one contract at a time, because the
    /// differences of a whole block are megabytes.
    Writes(Address),
}

/// A word of storage that a transaction changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StorageWrite {
    /// Position of the transaction in the block.
    pub tx: u32,
    /// Slot.
    pub slot: B256,
    /// Word before the transaction.
    pub before: B256,
    /// Word after it.
    pub after: B256,
}

impl StorageWrite {
    /// Bytes of one write: position (4, big endian), slot, word before, word after.
    const LEN: usize = 4 + 3 * 32;

    /// The answer to [`ReadRequest::Writes`].
    pub fn encode_all(writes: &[Self]) -> Bytes {
        let mut bytes = Vec::with_capacity(writes.len() * Self::LEN);
        for write in writes {
            bytes.extend(write.tx.to_be_bytes());
            for word in [write.slot, write.before, write.after] {
                bytes.extend(word);
            }
        }
        bytes.into()
    }

    /// Reads an answer; `None` when it is none.
    pub fn decode_all(answer: &[u8]) -> Option<Vec<Self>> {
        let writes = answer.chunks_exact(Self::LEN);
        if !writes.remainder().is_empty() {
            return None;
        }
        let one = |bytes: &[u8]| {
            let (tx, words) = bytes.split_first_chunk::<4>()?;
            let (slot, words) = words.split_first_chunk::<32>()?;
            let (before, words) = words.split_first_chunk::<32>()?;
            let after = words.first_chunk::<32>()?;
            let word = |bytes: &[u8; 32]| B256::from(*bytes);
            Some(Self {
                tx: u32::from_be_bytes(*tx),
                slot: word(slot),
                before: word(before),
                after: word(after),
            })
        };
        writes.map(one).collect()
    }
}

impl ReadRequest {
    /// The request, made after every block.
    pub fn every_block(self) -> PlannedRead {
        PlannedRead { request: self, every_blocks: NonZeroU32::MIN, phase: None }
    }

    /// The request, made after one block of `every_blocks`.
    pub fn every(self, every_blocks: NonZeroU32) -> PlannedRead {
        PlannedRead { request: self, every_blocks, phase: None }
    }

    /// The request, made after one block of `every_blocks`, together with `other`: answers that are
    /// held against each other have to be of one block.
    pub fn every_with(self, every_blocks: NonZeroU32, other: &PlannedRead) -> PlannedRead {
        let phase = Some(other.phase() as u32);
        PlannedRead { request: self, every_blocks, phase }
    }
}

/// A read and how often it is made. A verification of what events told already need not be made
/// after every block; spreading such reads over blocks keeps the load on the node even.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlannedRead {
    /// What to ask.
    pub request: ReadRequest,
    /// Asked once in so many blocks.
    pub every_blocks: NonZeroU32,
    /// In which of them, when it has to be asked together with another; otherwise the request
    /// itself decides.
    pub phase: Option<u32>,
}

impl PlannedRead {
    /// Whether it is made after this block: a function of the height and the request alone, so that
    /// a replay asks, and misses, the same.
    pub fn is_due(&self, number: BlockNumber) -> bool {
        number % u64::from(self.every_blocks.get()) == self.phase()
    }

    /// The remainder that the heights of its blocks leave when they are divided by the interval.
    pub fn phase(&self) -> u64 {
        let every = u64::from(self.every_blocks.get());
        match self.phase {
            _ if every == 1 => 0,
            Some(phase) => u64::from(phase) % every,
            None => phase(&self.request) % every,
        }
    }
}

/// Spreads requests over blocks, the same on every machine and in every version.
fn phase(request: &ReadRequest) -> u64 {
    let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
    match request {
        ReadRequest::Call { to, input } => (0_u8, to.0, input.as_ref()).hash(&mut hasher),
        ReadRequest::Balance(of) => (1_u8, of.0).hash(&mut hasher),
        ReadRequest::Storage { of, slot } => (2_u8, of.0, slot.0).hash(&mut hasher),
        ReadRequest::CodeHash(of) => (3_u8, of.0).hash(&mut hasher),
        ReadRequest::Writes(of) => (4_u8, of.0).hash(&mut hasher),
    }
    hasher.finish()
}

/// FNV-1a of 64 bits: the standard library's hashers may change between versions. Source: Fowler,
/// Noll, Vo, <http://www.isthe.com/chongo/tech/comp/fnv/>.
struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        // The low bits of FNV mix badly; the remainder of a small number is taken of them.
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    // Lengths are hashed as `usize`: of one width everywhere.
    fn write_usize(&mut self, value: usize) {
        self.write(&(value as u64).to_le_bytes());
    }
}

/// All reads that the detectors of a network want.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadPlan(Arc<[PlannedRead]>);

impl ReadPlan {
    /// A plan. A read that is wanted twice is made as often as the more frequent wish says, and
    /// also where only the other falls due.
    pub fn new(mut reads: Vec<PlannedRead>) -> Self {
        reads.sort_unstable();
        reads.dedup();
        // Wishes for one request lie side by side, and every block includes all others.
        let mut kept: Vec<PlannedRead> = Vec::with_capacity(reads.len());
        for read in reads {
            let is_included = kept.last().is_some_and(|last| {
                last.request == read.request && last.every_blocks == NonZeroU32::MIN
            });
            if !is_included {
                kept.push(read);
            }
        }
        Self(kept.into())
    }

    /// Whether nothing is ever read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The reads, each with its interval.
    pub fn reads(&self) -> &[PlannedRead] {
        &self.0
    }

    /// What to ask after this block; each request once.
    pub fn due(&self, number: BlockNumber) -> Vec<ReadRequest> {
        let mut due: Vec<ReadRequest> = Vec::new();
        for read in self.0.iter().filter(|read| read.is_due(number)) {
            if due.last() != Some(&read.request) {
                due.push(read.request.clone());
            }
        }
        due
    }
}

impl FromIterator<ReadRequest> for ReadPlan {
    fn from_iter<I: IntoIterator<Item = ReadRequest>>(requests: I) -> Self {
        Self::new(requests.into_iter().map(ReadRequest::every_block).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every(blocks: u32) -> NonZeroU32 {
        NonZeroU32::new(blocks).unwrap()
    }

    fn balance(of: u8) -> ReadRequest {
        ReadRequest::Balance(Address::repeat_byte(of))
    }

    #[test]
    fn a_read_falls_due_once_in_its_interval() {
        for read in (0..50).map(|of| balance(of).every(every(7))) {
            let due = (0..70).filter(|number| read.is_due(*number)).count();
            assert_eq!(due, 10);
        }
        assert!((0..70).all(|number| balance(1).every_block().is_due(number)));
    }

    #[test]
    fn reads_of_one_interval_spread_over_blocks() {
        let plan = ReadPlan::new((0..200).map(|of| balance(of).every(every(10))).collect());
        let most = (0..10).map(|number| plan.due(number).len()).max();
        assert!(most < Some(40), "{most:?} of 200 in one block of ten");
    }

    #[test]
    fn two_wishes_for_one_read_are_one_question() {
        let often = ReadPlan::new(vec![balance(1).every(every(3)), balance(1).every_block()]);
        assert_eq!(often.reads(), [balance(1).every_block()]);
        let both = ReadPlan::new(vec![balance(1).every(every(3)), balance(1).every(every(5))]);
        for number in 0..15 {
            let wanted = both.reads().iter().any(|read| read.is_due(number));
            assert_eq!(both.due(number).len(), usize::from(wanted));
        }
    }

    #[test]
    fn writes_are_read_as_they_were_written() {
        let word = B256::repeat_byte;
        let write = |tx| StorageWrite { tx, slot: word(1), before: word(2), after: word(3) };
        let all = [write(0), write(7)];
        let bytes = StorageWrite::encode_all(&all);
        assert_eq!(StorageWrite::decode_all(&bytes), Some(all.to_vec()));
        assert_eq!(StorageWrite::decode_all(&[]), Some(Vec::new()));
        assert_eq!(StorageWrite::decode_all(&bytes[..199]), None);
    }

    #[test]
    fn the_phase_of_a_read_never_changes() {
        // Changing it would make a replay ask other questions than the run that it repeats.
        let call = ReadRequest::Call { to: Address::repeat_byte(1), input: [1, 2, 3, 4].into() };
        let slot = ReadRequest::Storage { of: Address::repeat_byte(1), slot: B256::repeat_byte(2) };
        let phases = [call, balance(1), slot, ReadRequest::CodeHash(Address::repeat_byte(1))]
            .map(|request| phase(&request) % 1_000);
        expect_test::expect!["[848, 398, 212, 382]"].assert_eq(&format!("{phases:?}"));
    }
}
