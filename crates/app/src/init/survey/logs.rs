//! Events over long ranges, in pieces as large as the node gives.

use std::ops::RangeInclusive;

use chain::rpc::Request;
use model::{Address, B256, BlockNumber, Bytes, Log};
use serde::Deserialize;

use super::node::{Node, Quantity};

/// Most requests for one range: at 10,000 blocks a request, 20 million blocks.
const REQUESTS_MAX: usize = 2_000;
/// Most events of one range that are kept.
const LOGS_MAX: usize = 200_000;
/// Most blocks of the first request.
const SPAN_FIRST: u64 = 1 << 20;

/// Events with where they were found.
#[derive(Debug, Clone, Default)]
pub(super) struct LogsRead {
    /// In order.
    pub(super) logs: Vec<Seen>,
    /// Why some blocks were not read; nothing may be concluded from what is missing.
    pub(super) not_read: Option<String>,
}

/// How much of a range is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it.
    All,
    /// Only as far as the first event.
    First,
}

/// One event.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) log: Log,
    pub(super) block: BlockNumber,
    pub(super) transaction: B256,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    address: Address,
    topics: Vec<B256>,
    data: Bytes,
    block_number: Quantity,
    transaction_hash: B256,
    log_index: Quantity,
}

impl Node {
    /// Events of these contracts with one of these first topics. The span of a request shrinks when
    /// the node refuses and grows again when it does not.
    pub(super) async fn logs(
        &self,
        of: &[Address],
        topics: &[B256],
        blocks: RangeInclusive<BlockNumber>,
        wanted: Wanted,
        mut progress: impl FnMut(BlockNumber),
    ) -> LogsRead {
        let mut read = LogsRead::default();
        let (mut from, to) = (*blocks.start(), *blocks.end());
        let (mut span, mut span_max, mut requests) = (SPAN_FIRST, SPAN_FIRST, 0);
        while from <= to {
            if requests == REQUESTS_MAX || read.logs.len() > LOGS_MAX {
                read.not_read = Some(format!(
                    "events of blocks {from} to {to} were not read: more than {REQUESTS_MAX} requests or {LOGS_MAX} events"
                ));
                return read;
            }
            requests += 1;
            progress(from);
            let until = from.saturating_add(span - 1).min(to);
            let filter = serde_json::json!([{
                "address": of,
                "topics": [topics],
                "fromBlock": format!("{from:#x}"),
                "toBlock": format!("{until:#x}"),
            }]);
            let request = Request::new("eth_getLogs", filter.to_string());
            // Nodes have many words for "too much at once", so any refusal is taken for it until a
            // single block is refused as well.
            let answer = if span == 1 {
                self.all(vec![request]).await.pop()
            } else {
                Some(self.once(&request).await)
            };
            let found = answer.and_then(Result::ok).flatten();
            let found = found.and_then(|body| serde_json::from_slice::<Vec<Wire>>(&body).ok());
            match found {
                Some(found) => {
                    read.logs.extend(found.into_iter().map(Wire::seen));
                    if wanted == Wanted::First && !read.logs.is_empty() {
                        break;
                    }
                    from = until.saturating_add(1);
                    // What was refused once is neared again only slowly.
                    span_max = (span_max + span_max / 8).min(SPAN_FIRST);
                    span = span.saturating_mul(2).min(span_max);
                }
                None if span == 1 => {
                    read.not_read = Some(format!(
                        "events of blocks {from} to {to} were not read: the node does not give them"
                    ));
                    return read;
                }
                None => {
                    let asked = span.min(to - from + 1);
                    span_max = (asked / 2).max(1);
                    span = (asked / 4).max(1);
                }
            }
        }
        read.logs.sort_by_key(|seen| (seen.block, seen.log.index));
        read
    }
}

impl Wire {
    fn seen(self) -> Seen {
        let index = u32::try_from(self.log_index.0).unwrap_or(u32::MAX);
        let log = Log { index, address: self.address, topics: self.topics, data: self.data };
        Seen { log, block: self.block_number.0, transaction: self.transaction_hash }
    }
}
