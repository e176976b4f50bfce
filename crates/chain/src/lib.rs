//! The only code that speaks to EVM nodes: sources, verification, reorgs, failover.
//!
//! What a node says is a claim. It becomes a [`model::BlockBundle`] only through
//! [`verify::assemble`], which checks that header, transactions, receipts and traces belong
//! together and recomputes what the header commits to. A claim that does not add up is a
//! [`Refusal`] with its reason, never an empty block.

pub mod config; //   what a person decides about a network
pub mod endpoint; // several nodes as one source, with health and failover
pub mod execute; //  executing blocks ourselves: the seam to whoever can
pub mod follow; //   every block once, in order, whatever the endpoints do
pub mod logs; //     logs of the past, in ranges that an endpoint is willing to answer
pub mod recorded; // blocks from disk, as a source like any other
pub mod rpc; //      JSON-RPC as nodes really speak it
mod source; //       the seam between following a chain and asking for it
pub mod totals; //   how much there was in some blocks
pub mod verify; //   claims in, proven blocks or refusals out
pub mod wire; //     the JSON that nodes speak, read without trust

pub use config::NetworkConfig;
pub use follow::{Cursor, NetworkStatus, follow, range};
pub use source::{At, Fault, Head, Missing, Source, Tag, View, Want};
pub use totals::Totals;
pub use verify::{Prove, Refusal, assemble};
pub use wire::{Part, RawBlock, RawTraces};
