//! The only code that executes EVM code: the devnet, its protocol, traffic and attack scenarios.
//!
//! Everything here is deterministic: the same configuration, seed and calls give the same blocks,
//! hash for hash. Nothing here watches or judges; the monitor meets the devnet as it meets any
//! node, through JSON-RPC.
//!
//! ```text
//!  Traffic ─┐ signed transactions
//!           ├──────────────────► Devnet ──► blocks, receipts, state, traces
//!  Scenario ┘                      │
//!                                  └──► Endpoint: JSON-RPC over HTTP and WebSocket, with Faults
//! ```
//!
//! ```
//! use bellwether_evm::{
//!     devnet::Devnet,
//!     meridian::{Meridian, Traffic},
//!     scenarios,
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let devnet = Devnet::new(Meridian::devnet_config());
//! let meridian = Meridian::deploy(&devnet)?;
//! let endpoint = devnet.serve("127.0.0.1:0".parse()?).await?; // endpoint.url(), endpoint.ws_url()
//!
//! let mut traffic = Traffic::new(7);
//! for _ in 0..3 {
//!     traffic.submit(&devnet, &meridian)?;
//!     devnet.mine()?;
//! }
//! let drain = scenarios::find("reentrant_drain").ok_or("no such scenario")?;
//! let (run, blocks) = drain.run(&devnet, &meridian, &mut traffic)?;
//! assert_eq!(run.transactions().len(), 2);
//! assert_eq!(blocks.last(), Some(&devnet.head()));
//! # drop(endpoint);
//! # Ok(())
//! # }
//! ```

pub mod artifact; // the compiled contracts, embedded
pub mod devnet; // the chain and its JSON-RPC
pub mod execution; // a block executed once more, for its call frames
pub mod harbour; // a small protocol that relies on others
pub mod meridian; // the protocol on it, and its everyday traffic
pub mod scenarios; // named attacks on it
