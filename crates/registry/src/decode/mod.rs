//! Bytes from the chain become named values.
//!
//! Types were resolved when the ABI was loaded, so decoding is one pass over the bytes. Every input
//! is taken to be hostile: lengths and offsets are checked against what is there before anything is
//! allocated, and what does not fit is [`Undecoded::Malformed`], never a panic and never a guess.

mod call; //   calldata
mod log; //    topics and data
mod revert; // what a failed call gave back
mod word; //   values cut to the width of their type

use std::sync::Arc;

use alloy_dyn_abi::DynSolValue;

use crate::{EventAbi, FunctionAbi};

pub(crate) use log::{body_values, topic_value};
pub use revert::{RevertReason, decode_revert, panic_meaning};
pub(crate) use word::is_clean;

/// An event with its arguments.
#[derive(Debug, Clone, PartialEq)]
pub struct DecodedLog {
    /// Which event.
    pub event: Arc<EventAbi>,
    /// Arguments, in the order of the event's parameters. Of an indexed argument of dynamic type
    /// (string, bytes, array, tuple) the chain keeps the hash only: it is `FixedBytes(hash, 32)`.
    pub args: Vec<DynSolValue>,
}

impl DecodedLog {
    /// The argument with this name.
    pub fn arg(&self, name: &str) -> Option<&DynSolValue> {
        let at = self.event.params.iter().position(|param| param.name == name)?;
        self.args.get(at)
    }
}

/// A call with its arguments.
#[derive(Debug, Clone, PartialEq)]
pub struct DecodedCall {
    /// Which function.
    pub function: Arc<FunctionAbi>,
    /// Arguments, in the order of the function's inputs.
    pub args: Vec<DynSolValue>,
}

impl DecodedCall {
    /// The argument with this name.
    pub fn arg(&self, name: &str) -> Option<&DynSolValue> {
        let at = self.function.inputs.iter().position(|param| param.name == name)?;
        self.args.get(at)
    }
}

/// Why a log or call has no decoded form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undecoded {
    /// No deployment has this address.
    #[error("no deployment has this address")]
    UnknownContract,
    /// The ABI has nothing with this signature hash and number of indexed arguments.
    #[error("the ABI has nothing with this signature")]
    UnknownSignature,
    /// A log without topics, on a contract without anonymous events that fit it.
    #[error("the log has no topics")]
    NoTopics,
    /// Calldata shorter than a selector: a plain transfer, or the fallback function.
    #[error("the input has no selector")]
    NoSelector,
    /// The signature is known but the bytes do not fit it.
    #[error("malformed: {0}")]
    Malformed(String),
}

#[cfg(test)]
mod tests;
