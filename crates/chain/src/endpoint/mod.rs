//! Several endpoints of one network, as one source.
//!
//! ```text
//!   look (one task per endpoint)          pool (asked by the follower)
//!   ── eth_chainId, once and after         ── who has block n? preferred first,
//!      each outage                            down, resting, distrusted left out
//!   ── eth_getBlockByNumber(latest)        ── block → receipts, traces → assemble
//!      every poll interval, or when a      ── next endpoint on any fault
//!      WebSocket wakes it                  ── state reads at the block's hash
//!            └── health, head ──► shared ──►┘
//! ```
//!
//! A block that no endpoint traces is executed here where the configuration says who can
//! ([`crate::execute`]), on the state that one of them gives.
//!
//! What an endpoint can do (batches, receipts by block, traces and in which dialect, calls at a
//! block hash) is learned from its refusals and remembered for an hour.

mod abilities; // what an endpoint turned out to offer
mod call; //      one endpoint: metered, rate-limited requests
mod execution; // blocks that no node traces, executed here
mod fetch; //     blocks, receipts and traces of one endpoint
mod health; //    how an endpoint is doing
mod look; //      keeps an eye on the head
mod pool; //      all endpoints as one source
mod rate; //      token bucket
mod reads; //     contract reads at a block
mod state; //     the state before a block
mod status; //    what people get to see

pub use health::{EndpointState, SeenHead};
pub use pool::Pool;
pub use status::EndpointStatus;
