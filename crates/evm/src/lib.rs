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

pub mod artifact; // the compiled contracts, embedded
pub mod devnet; // the chain and its JSON-RPC
pub mod meridian; // the protocol on it, and its everyday traffic
pub mod scenarios; // named attacks on it
