//! Contract reads that detectors want with each block.

use alloy_primitives::{Address, Bytes};
use serde::{Deserialize, Serialize};

/// A call to be made at every block, by the block's hash, with its answer kept in the bundle.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ReadRequest {
    /// Contract to ask.
    pub to: Address,
    /// Calldata.
    pub input: Bytes,
}
