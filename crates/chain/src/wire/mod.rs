//! The JSON that nodes speak, read without trust.
//!
//! Bodies are read straight into the types that judging and proving need, in one pass and without
//! a document tree in between. Reading is lenient about what is not needed (unknown and missing
//! optional fields) and strict about what is: a field that is relied on and is absent, of the
//! wrong type or out of range makes the whole part [`Malformed`](crate::Refusal::Malformed).
//!
//! Nothing here decides whether the parts belong together; that is [`crate::verify`].
//!
//! Hostile input is bounded: [`Part::bytes_max`] before reading, [`FRAMES_MAX`] and
//! [`CALL_DEPTH_MAX`] while reading traces, and no nesting of anything overflows the stack.

#[macro_use]
pub(crate) mod record; //      objects, lists and values to be skipped
pub(crate) mod block; //       header and transactions list
mod call_tracer; //            Geth's `callTracer`
mod forest; //                 a transaction's frames while they are read in passes
pub(crate) mod hex; //         quantities and data
mod nesting; //                how deep a body is nested, before anything recurses into it
mod parity; //                 Parity's `trace_block`
pub(crate) mod receipt; //     receipts and logs
pub(crate) mod state_diff; //  Geth's `prestateTracer` in `diffMode`
mod text; //                   words of a node, kept short
pub(crate) mod trace; //       what both dialects of traces come to
pub(crate) mod transaction; // types 0 to 4, and what is common to all others

use std::fmt;

pub use self::{
    nesting::is_nested_at_most,
    trace::{TraceOf, read_traces},
};
use crate::Refusal;

/// The deepest call the EVM allows is 1024 frames below the outermost.
pub const CALL_DEPTH_MAX: usize = 1025;

/// Most call frames read from one block: some 40 times the busiest mainnet blocks of 2016's
/// denial-of-service attacks. A block with more is refused at trace level, never cut short.
pub const FRAMES_MAX: usize = 2_000_000;

/// The JSON of one block as three RPC `result`s, borrowed from whatever holds the bodies.
#[derive(Debug, Clone, Copy)]
pub struct RawBlock<'a> {
    /// `eth_getBlockByHash` or `eth_getBlockByNumber` with full transactions.
    pub block: &'a [u8],
    /// `eth_getBlockReceipts`: an array in block order.
    pub receipts: &'a [u8],
    /// Call traces, where the node offers them.
    pub traces: Option<RawTraces<'a>>,
}

/// Call traces in one of the two dialects that nodes speak.
#[derive(Debug, Clone, Copy)]
pub enum RawTraces<'a> {
    /// `debug_traceBlockByHash` or `debug_traceBlockByNumber` with `callTracer`.
    CallTracer(&'a [u8]),
    /// `trace_block`.
    Parity(&'a [u8]),
}

/// Which of a block's bodies something is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// Header and transactions.
    Block,
    /// Receipts and logs.
    Receipts,
    /// Call traces.
    Traces,
}

impl Part {
    /// Largest body that is read, in bytes.
    ///
    /// A mainnet block of 60 M gas cannot carry more than about 30 MB of calldata or log data as
    /// hex, so twice that is out of this world. Traces repeat calldata per frame and may
    /// legitimately be larger.
    pub const fn bytes_max(self) -> usize {
        match self {
            Self::Block | Self::Receipts => 64 << 20,
            Self::Traces => 256 << 20,
        }
    }

    /// The word used in messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Receipts => "receipts",
            Self::Traces => "traces",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Refuses a body that is too large to be read, is empty, or is JSON `null` (which is how nodes
/// say "no such block").
pub(crate) fn check_body(part: Part, body: &[u8]) -> Result<(), Refusal> {
    if body.len() > part.bytes_max() {
        let (bytes, bytes_max) = (body.len(), part.bytes_max());
        return Err(Refusal::TooLarge { part, bytes, bytes_max });
    }
    match body.trim_ascii() {
        b"null" => Err(Refusal::Null(part)),
        b"" => Err(Refusal::Malformed { part, reason: "the body is empty".to_owned() }),
        _ => Ok(()),
    }
}

/// Checks and reads a body.
pub(crate) fn read<'a, T: serde::Deserialize<'a>>(
    part: Part,
    body: &'a [u8],
) -> Result<T, Refusal> {
    check_body(part, body)?;
    sonic_rs::from_slice(body).map_err(|error| malformed(part, &error))
}

/// A refusal with the first line of the parser's complaint: the lines after it quote the body.
pub(crate) fn malformed(part: Part, error: &sonic_rs::Error) -> Refusal {
    let text = error.to_string();
    let reason = text.lines().next().unwrap_or("not JSON").trim_end().to_owned();
    Refusal::Malformed { part, reason }
}
