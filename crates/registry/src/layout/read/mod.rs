//! One contract as a file tells of it: its layout, its code, what its source says.
//!
//! Compilers and tools write the same facts in many shapes. Each is recognised by what it holds,
//! not by its file name, and what cannot be used says what was expected and what was there.

mod ast; //    what only the source tells: namespaces, annotations, enum values, constructors
mod select;
mod solc; //   the layout itself, as solc writes it and as OpenZeppelin's tools keep it // one contract out of many

use alloy_primitives::{Address, Bytes, hex};
use serde_json::Value;

pub use ast::{Constructor, Initialiser, SourceFacts, StateInitialiser};

use super::storage::Layout;

/// Most fields in one list: ten times the largest contract seen, and what an alignment of two
/// lists can be computed for in a second.
pub const FIELDS_MAX: usize = 2048;

/// Longest runtime code that is analysed: five times what EIP-170 allows on Ethereum, which some
/// rollups allow too.
pub const CODE_BYTES_MAX: usize = 5 * 24_576;

/// One contract, as much as its file tells.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Build {
    /// Its name, where the file says it.
    pub name: Option<String>,
    /// Where it keeps what.
    pub layout: Option<Layout>,
    /// Its runtime code.
    pub code: Option<Code>,
    /// Canonical signatures of its external functions, where the file has an ABI.
    pub functions: Option<Vec<String>>,
    /// What its source says, where the file has a syntax tree.
    pub source: Option<SourceFacts>,
}

/// Runtime code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Code {
    /// The bytes; zero where a library's address or an immutable will be.
    pub bytes: Bytes,
    /// How many immutable values the constructor writes into it, where the file says it.
    pub immutables: Option<usize>,
}

/// Why a file could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Neither JSON nor hex.
    #[error("neither JSON nor hex code: {0}")]
    NotJson(String),
    /// JSON that holds nothing of a contract.
    #[error(
        "no storage layout and no code here: expected solc's storageLayout, an artefact of Foundry or \
         Hardhat, build info, solc's standard output, an OpenZeppelin manifest, or runtime code as hex; \
         found {found}"
    )]
    NoContract {
        /// What the file holds instead.
        found: String,
    },
    /// Several contracts, and none was asked for.
    #[error("{count} contracts here, name one as FILE.json:NAME (one of: {})", shown(.choices, *.count))]
    Several {
        /// How many.
        count: usize,
        /// Their names, at most [`CHOICES_SHOWN_MAX`].
        choices: Vec<String>,
    },
    /// The contract that was asked for is not here.
    #[error("no contract {wanted:?} here (one of: {})", shown(.choices, *.count))]
    NotHere {
        /// What was asked for.
        wanted: String,
        /// How many there are.
        count: usize,
        /// What there is, at most [`CHOICES_SHOWN_MAX`].
        choices: Vec<String>,
    },
    /// A layout with parts that cannot be read.
    #[error("bad storage layout: {at}: expected {expected}, found {found}")]
    Bad {
        /// Where in the file.
        at: String,
        /// What should be there.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// More than is compared.
    #[error("{what} has {count}, at most {limit} are read")]
    TooMany {
        /// What.
        what: String,
        /// How many it has.
        count: usize,
        /// The limit.
        limit: usize,
    },
}

/// Most names in a message.
pub const CHOICES_SHOWN_MAX: usize = 24;

fn shown(choices: &[String], count: usize) -> String {
    let more = count.saturating_sub(choices.len());
    let list = choices.join(", ");
    if more > 0 { format!("{list} and {more} more") } else { list }
}

impl Build {
    /// Reads one contract from a file's text. `wanted` names it where the file holds several: its
    /// name, `path/File.sol:Name`, or an address or hash of an OpenZeppelin manifest. `stem` is the
    /// file's name without its ending, which Foundry gives the contract's name.
    pub fn read(text: &str, wanted: Option<&str>, stem: Option<&str>) -> Result<Self, ReadError> {
        let text = text.trim_start_matches('\u{feff}').trim();
        if let Some(bytes) = hex_code(text) {
            return Ok(Self { code: Some(checked_code(bytes, None)?), ..Self::default() });
        }
        let value: Value =
            serde_json::from_str(text).map_err(|error| ReadError::NotJson(error.to_string()))?;
        select::contract(&value, wanted, stem)
    }

    /// The name, or what stands for one.
    pub fn called(&self) -> &str {
        self.name.as_deref().unwrap_or("the contract")
    }
}

fn hex_code(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let is_hex = !digits.is_empty()
        && digits.len() % 2 == 0
        && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    // A bare number is JSON, and code that short is no contract.
    (is_hex && (text.starts_with("0x") || digits.len() > 16)).then(|| hex::decode(digits).ok())?
}

fn checked_code(bytes: Vec<u8>, immutables: Option<usize>) -> Result<Code, ReadError> {
    if bytes.len() > CODE_BYTES_MAX {
        let (count, limit) = (bytes.len(), CODE_BYTES_MAX);
        return Err(ReadError::TooMany { what: "the code (bytes)".to_owned(), count, limit });
    }
    Ok(Code { bytes: bytes.into(), immutables })
}

/// Code as artefacts write it: hex, with `__$…$__` where a library's address will be.
fn linked_code(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    if digits.is_empty() {
        return None;
    }
    let mut plain = String::with_capacity(digits.len());
    let mut rest = digits;
    while let Some(at) = rest.find("__") {
        // A placeholder is as long as the address it stands for: 40 digits.
        let end = at + Address::len_bytes() * 2;
        plain.push_str(&rest[..at]);
        plain.push_str(&"0".repeat(Address::len_bytes() * 2));
        rest = rest.get(end..)?;
    }
    plain.push_str(rest);
    hex::decode(plain).ok()
}

/// What a JSON value is, for a message.
fn describe(value: &Value) -> String {
    /// Most keys in a message: enough to recognise a file by.
    const KEYS_SHOWN_MAX: usize = 8;
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "a boolean".to_owned(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) if text.chars().count() <= 40 => format!("{text:?}"),
        Value::String(_) => "a long string".to_owned(),
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Object(object) if object.is_empty() => "an empty object".to_owned(),
        Value::Object(object) => {
            let keys: Vec<String> =
                object.keys().take(KEYS_SHOWN_MAX).map(|key| format!("{key:?}")).collect();
            let more = if object.len() > KEYS_SHOWN_MAX { ", …" } else { "" };
            format!("an object with the keys {}{more}", keys.join(", "))
        }
    }
}
