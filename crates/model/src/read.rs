//! What detectors want to know of the state after each block.

use alloy_primitives::{Address, Bytes};
use serde::{Deserialize, Serialize};

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
}
