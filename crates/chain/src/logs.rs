//! Logs of the past, from one endpoint, in ranges that it is willing to answer.
//!
//! Providers limit `eth_getLogs` by blocks, by results, by time and by bytes, each with words of its
//! own, so no words are read: a range that is refused is halved, one that is answered lets the next
//! be twice as long. What comes back is a node's claim. It is checked against what was asked, but
//! not proven against headers as followed blocks are; whoever uses it verifies what follows from it
//! by reads.

use std::{ops::RangeInclusive, time::Duration};

use model::{Address, B256, BlockNumber, Log, UnixSeconds};
use tokio::time::sleep;

use crate::{
    rpc::{ErrorClass, HttpRpc, Request, RpcError},
    wire::{
        hex::{Fixed, Quantity},
        receipt::WireLog,
        record::List,
    },
};

/// First range asked for: what the stingiest providers allow.
const RANGE_BLOCKS_FIRST: u64 = 2_000;

/// Longest range asked for: a fortnight of Ethereum.
const RANGE_BLOCKS_MAX: u64 = 100_000;

/// Addresses named in one question; more are asked for in groups.
const ADDRESSES_MAX: usize = 200;

/// Times that one question is asked when the endpoint is busy or silent.
const ATTEMPTS_MAX: u32 = 5;

/// Rest before asking again, growing with each time.
const REST: Duration = Duration::from_millis(500);

/// What to look for.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// Emitters.
    pub addresses: &'a [Address],
    /// Signatures, any of them.
    pub topics: &'a [B256],
    /// Most logs worth having; more are an error.
    pub logs_max: usize,
}

/// A log with where and when it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundLog {
    /// Block.
    pub block: BlockNumber,
    /// Its time.
    pub at: UnixSeconds,
    /// Transaction.
    pub tx: B256,
    /// The log.
    pub log: Log,
}

/// Why logs of the past could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogsError {
    /// The endpoint refused even a single block, or does not answer.
    #[error("logs of blocks {from} to {to}")]
    Rpc {
        /// First block of the range.
        from: BlockNumber,
        /// Last block.
        to: BlockNumber,
        /// Why.
        #[source]
        source: RpcError,
    },
    /// The answer is not what was asked for.
    #[error("logs of blocks {from} to {to}: {why}")]
    Wrong {
        /// First block of the range.
        from: BlockNumber,
        /// Last block.
        to: BlockNumber,
        /// What is wrong with it.
        why: String,
    },
    /// There are more than was said to be worth having.
    #[error("there are more than {0} logs")]
    TooMany(usize),
}

/// All logs of a range of blocks that are wanted, oldest first. `progress` hears of each block up to
/// which everything is read.
///
/// # Errors
/// [`LogsError`]; then nothing is known, because a part would look like the whole.
pub async fn logs(
    node: &HttpRpc,
    wanted: &Wanted<'_>,
    blocks: RangeInclusive<BlockNumber>,
    mut progress: impl FnMut(BlockNumber),
) -> Result<Vec<FoundLog>, LogsError> {
    let mut found: Vec<(BlockNumber, B256, Log)> = Vec::new();
    let (mut from, last) = blocks.into_inner();
    let mut length = RANGE_BLOCKS_FIRST;
    while from <= last {
        let to = last.min(from.saturating_add(length - 1));
        match range(node, wanted, from, to).await {
            Ok(logs) => {
                found.extend(logs);
                if found.len() > wanted.logs_max {
                    return Err(LogsError::TooMany(wanted.logs_max));
                }
                progress(to);
                from = to.saturating_add(1);
                length = (length * 2).min(RANGE_BLOCKS_MAX);
            }
            // Whatever it says about limits, less may be within them.
            Err(LogsError::Rpc { .. }) if to > from => length = (to - from + 1).div_ceil(2),
            Err(error) => return Err(error),
        }
    }
    found.sort_by_key(|(block, _, log)| (*block, log.index));
    found.dedup_by_key(|(block, _, log)| (*block, log.index));
    with_times(node, found).await
}

async fn range(
    node: &HttpRpc,
    wanted: &Wanted<'_>,
    from: BlockNumber,
    to: BlockNumber,
) -> Result<Vec<(BlockNumber, B256, Log)>, LogsError> {
    let wrong = |why: String| LogsError::Wrong { from, to, why };
    let mut found = Vec::new();
    for addresses in wanted.addresses.chunks(ADDRESSES_MAX) {
        let quoted = |words: Vec<String>| words.join(",");
        let emitters = quoted(addresses.iter().map(|a| format!("\"{a:#x}\"")).collect());
        let topics = quoted(wanted.topics.iter().map(|t| format!("\"{t:#x}\"")).collect());
        let params = format!(
            r#"[{{"fromBlock":"{from:#x}","toBlock":"{to:#x}","address":[{emitters}],"topics":[[{topics}]]}}]"#
        );
        let answer = ask(node, &Request::new("eth_getLogs", params)).await;
        let answer = answer.map_err(|source| LogsError::Rpc { from, to, source })?;
        let answer = answer.ok_or_else(|| wrong("null was answered".to_owned()))?;
        let List(logs): List<WireLog> =
            sonic_rs::from_slice(&answer).map_err(|error| wrong(error.to_string()))?;
        for log in logs {
            let block = log.block_number.map(|Quantity(number)| number);
            let tx = log.transaction_hash.map(|Fixed(hash)| hash);
            let (Some(block), Some(tx)) = (block, tx) else {
                return Err(wrong("a log without block or transaction".to_owned()));
            };
            let Fixed(emitter) = log.address;
            let address = Address::from(emitter.0);
            let is_asked = (from..=to).contains(&block)
                && addresses.contains(&address)
                && log.topics.0.first().is_some_and(|topic| wanted.topics.contains(topic));
            if !is_asked {
                return Err(wrong(format!("a log of {address} in block {block} was not asked for")));
            }
            let Quantity(index) = log.index;
            let index = u32::try_from(index).map_err(|_| wrong(format!("log index {index}")))?;
            found.push((block, tx, Log { index, address, topics: log.topics.0, data: log.data.0 }));
        }
    }
    Ok(found)
}

async fn with_times(
    node: &HttpRpc,
    found: Vec<(BlockNumber, B256, Log)>,
) -> Result<Vec<FoundLog>, LogsError> {
    let mut numbers: Vec<BlockNumber> = found.iter().map(|(block, _, _)| *block).collect();
    numbers.dedup();
    let mut times: Vec<(BlockNumber, UnixSeconds)> = Vec::with_capacity(numbers.len());
    for number in numbers {
        times.push((number, time_of(node, number).await?));
    }
    let at = |block: BlockNumber| {
        let place = times.binary_search_by_key(&block, |(number, _)| *number);
        place.map_or(UnixSeconds(0), |place| times[place].1)
    };
    Ok(found.into_iter().map(|(block, tx, log)| FoundLog { block, at: at(block), tx, log }).collect())
}

/// When a block was made.
///
/// # Errors
/// When the node does not have it or cannot be asked.
pub async fn time_of(node: &HttpRpc, number: BlockNumber) -> Result<UnixSeconds, LogsError> {
    let wrong = |why: String| LogsError::Wrong { from: number, to: number, why };
    let request = Request::new("eth_getBlockByNumber", format!(r#"["{number:#x}",false]"#));
    let answer = ask(node, &request).await;
    let answer = answer.map_err(|source| LogsError::Rpc { from: number, to: number, source })?;
    let answer = answer.ok_or_else(|| wrong("the block is not there".to_owned()))?;
    let time = sonic_rs::get(answer.as_ref(), &["timestamp"]);
    let time = time.map_err(|error| wrong(error.to_string()))?;
    let Quantity(seconds): Quantity<u64> =
        sonic_rs::from_str(time.as_raw_str()).map_err(|error| wrong(error.to_string()))?;
    Ok(UnixSeconds(seconds))
}

/// Asks until there is an answer or a refusal, a few times.
async fn ask(node: &HttpRpc, request: &Request) -> Result<Option<bytes::Bytes>, RpcError> {
    let mut attempt = 1;
    loop {
        let error = match node.call(request).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let rest = match error.class() {
            ErrorClass::RateLimited(rest) => rest,
            ErrorClass::Retryable => REST * attempt,
            ErrorClass::NotSupported | ErrorClass::Refused => return Err(error),
        };
        if attempt == ATTEMPTS_MAX {
            return Err(error);
        }
        attempt += 1;
        sleep(rest).await;
    }
}
