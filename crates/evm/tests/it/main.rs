//! The devnet from outside: what a client gets over the wire, and what attacks do on the chain.
#![allow(clippy::unwrap_used)] // clippy's exception for tests leaves out what tests share

mod attacks; // what each scenario does on the chain
mod client; // a plain JSON-RPC client
mod endpoint; // tags, faults, WebSocket
mod laws; // what holds for any history
mod protocol; // the protocol and its everyday traffic
mod rpc; // JSON-RPC answers, proven with nothing but the answers
