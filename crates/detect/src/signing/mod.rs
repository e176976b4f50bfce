//! What waits to be signed, judged before anybody signs it.
//!
//! A screen shows what the page that feeds it says. Here the hash is computed anew from the fields, the
//! calldata is read to the bottom of its batches, and what could take the Safe away is named: a second
//! look that shares nothing with the first.

mod hash; //  what signers sign (EIP-712 of Safe)
mod queue; // all that waits at one Safe

pub use hash::{Proposed, Version, safe_tx_hash};
pub use queue::{Concern, Judged, Knows, PROPOSALS_MAX, SafeNow, judge};
