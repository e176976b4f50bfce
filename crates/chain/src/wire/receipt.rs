//! Receipts and logs.

use std::fmt;

use alloy_primitives::{B256, U256};
use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};

use super::{
    hex::{Data, Fixed, Quantity},
    record::{Flag, List},
};

record! {
    /// A receipt as a node states it. Its own `logsBloom` is not read: it follows from the logs.
    WireReceipt {
        required {
            transaction_hash: Fixed<32> = "transactionHash",
            gas_used: Quantity<u64> = "gasUsed",
            cumulative_gas_used: Quantity<u64> = "cumulativeGasUsed",
            logs: List<WireLog> = "logs",
        }
        optional {
            kind: Quantity<u64> = "type",
            index: Quantity<u64> = "transactionIndex",
            block_hash: Fixed<32> = "blockHash",
            block_number: Quantity<u64> = "blockNumber",
            from: Fixed<20> = "from",
            to: Fixed<20> = "to",
            /// After Byzantium; before it only where the node derived it.
            status: Quantity<u64> = "status",
            /// The intermediate state root that receipts before Byzantium commit to.
            root: Fixed<32> = "root",
            effective_gas_price: Quantity<U256> = "effectiveGasPrice",
            contract_address: Fixed<20> = "contractAddress",
        }
    }
}

record! {
    /// A log as a node states it.
    WireLog {
        required {
            address: Fixed<20> = "address",
            topics: Topics = "topics",
            data: Data = "data",
            index: Quantity<u64> = "logIndex",
        }
        optional {
            transaction_hash: Fixed<32> = "transactionHash",
            transaction_index: Quantity<u64> = "transactionIndex",
            block_hash: Fixed<32> = "blockHash",
            block_number: Quantity<u64> = "blockNumber",
            removed: Flag = "removed",
        }
    }
}

/// None to four words: the EVM has no instruction for more.
#[derive(Debug)]
pub(crate) struct Topics(pub(crate) Vec<B256>);

impl Topics {
    const MAX: usize = 4;
}

struct TopicsVisitor;

impl<'de> Visitor<'de> for TopicsVisitor {
    type Value = Topics;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {} topics", Topics::MAX)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Topics, A::Error> {
        let mut topics = [B256::ZERO; Topics::MAX];
        let mut count = 0;
        while let Some(Fixed(topic)) = items.next_element()? {
            *topics.get_mut(count).ok_or_else(|| A::Error::invalid_length(count + 1, &self))? =
                topic;
            count += 1;
        }
        Ok(Topics(topics[..count].to_vec()))
    }
}

impl<'de> Deserialize<'de> for Topics {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TopicsVisitor)
    }
}
