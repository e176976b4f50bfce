//! What a failed call gave back.

use std::{fmt, sync::Arc};

use alloy_dyn_abi::{DynSolType, DynSolValue};
use alloy_primitives::{Bytes, U256};
use model::FactValue;

use super::body_values;
use crate::{ContractAbi, ErrorAbi};

/// Why a call failed, as far as the bytes it returned tell.
#[derive(Debug, Clone, PartialEq)]
pub enum RevertReason {
    /// Nothing came back: a bare `revert()`, out of gas, or a failed low-level check.
    Empty,
    /// `require(…, "message")` or `revert("message")`. The message is the contract's, not ours.
    Message(String),
    /// A check of the compiler's own failed; see [`panic_meaning`].
    Panic(U256),
    /// An error that the ABI declares.
    Custom {
        /// Which error.
        error: Arc<ErrorAbi>,
        /// Arguments, in the order of its parameters.
        args: Vec<DynSolValue>,
    },
    /// Bytes that nothing here explains; the first four are usually a custom error's selector.
    Raw(Bytes),
}

/// `Error(string)`.
const ERROR_SELECTOR: [u8; 4] = [0x08, 0xc3, 0x79, 0xa0];
/// `Panic(uint256)`.
const PANIC_SELECTOR: [u8; 4] = [0x4e, 0x48, 0x7b, 0x71];

/// Reads the output of a failed call, with the errors of the contract's ABI if there is one.
pub fn decode_revert(output: &[u8], abi: Option<&ContractAbi>) -> RevertReason {
    let raw = || RevertReason::Raw(Bytes::copy_from_slice(output));
    if output.is_empty() {
        return RevertReason::Empty;
    }
    let Some((selector, data)) = output.split_first_chunk::<4>() else { return raw() };
    match *selector {
        ERROR_SELECTOR => match single(DynSolType::String, data) {
            Some(DynSolValue::String(message)) => RevertReason::Message(message),
            _ => raw(),
        },
        PANIC_SELECTOR => match single(DynSolType::Uint(256), data) {
            Some(DynSolValue::Uint(code, _)) => RevertReason::Panic(code),
            _ => raw(),
        },
        selector => {
            let Some(error) = abi.and_then(|abi| abi.error_by_selector(selector)) else {
                return raw();
            };
            match body_values(&error.body, data) {
                Ok(args) => RevertReason::Custom { error: Arc::clone(error), args },
                Err(_) => raw(),
            }
        }
    }
}

fn single(ty: DynSolType, data: &[u8]) -> Option<DynSolValue> {
    body_values(&DynSolType::Tuple(vec![ty]), data).ok()?.pop()
}

/// What a code of `Panic(uint256)` stands for, after the Solidity documentation ("Panic via assert
/// and Error via require"); `None` for a code that the compiler does not use.
pub fn panic_meaning(code: U256) -> Option<&'static str> {
    Some(match u8::try_from(code).ok()? {
        0x00 => "generic panic inserted by the compiler",
        0x01 => "assertion failed",
        0x11 => "arithmetic overflow or underflow",
        0x12 => "division or modulo by zero",
        0x21 => "value out of range of the enum",
        0x22 => "storage byte array incorrectly encoded",
        0x31 => "pop on an empty array",
        0x32 => "array index out of bounds",
        0x41 => "too much memory allocated",
        0x51 => "call of an uninitialised internal function",
        _ => return None,
    })
}

impl RevertReason {
    /// Short name for counting and grouping: `Error`, `Panic(0x11)`, the custom error's name, the
    /// selector, or `empty`. Never holds text from the chain.
    pub fn kind(&self) -> String {
        match self {
            Self::Empty => "empty".to_owned(),
            Self::Message(_) => "Error".to_owned(),
            Self::Panic(code) => format!("Panic({code:#04x})"),
            Self::Custom { error, .. } => error.name.clone(),
            Self::Raw(bytes) => {
                alloy_primitives::hex::encode_prefixed(&bytes[..bytes.len().min(4)])
            }
        }
    }
}

impl fmt::Display for RevertReason {
    /// One line; a message from the chain is quoted, cut and stripped of control characters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("reverted without a reason"),
            Self::Message(message) => {
                write!(f, "reverted: {}", FactValue::Untrusted(message.clone()))
            }
            Self::Panic(code) => {
                let meaning = panic_meaning(*code).unwrap_or("unknown code");
                write!(f, "panic {code:#04x}: {meaning}")
            }
            Self::Custom { error, args } => {
                write!(f, "reverted: {}(", error.name)?;
                for (i, (param, value)) in error.params.iter().zip(args).enumerate() {
                    let comma = if i > 0 { ", " } else { "" };
                    let colon = if param.name.is_empty() { "" } else { ": " };
                    let value = crate::fact::plain(value);
                    write!(f, "{comma}{}{colon}{value}", param.name)?;
                }
                f.write_str(")")
            }
            Self::Raw(bytes) => write!(f, "reverted with {}", FactValue::Bytes(bytes.clone())),
        }
    }
}
