//! One stretch of a slot, and what the code uses it as.

use std::fmt;

use alloy_primitives::U256;

use crate::layout::{storage::slot_text, type_id::elementary_bytes};

/// A stretch of storage that code reads or writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// The slot.
    pub slot: U256,
    /// Bytes from the low-order end.
    pub offset: u8,
    /// What it is used as.
    pub used_as: Use,
    /// The same as text.
    pub spelled: String,
    /// Whether a followed path writes it.
    pub is_written: bool,
}

/// What code uses a stretch of storage as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Use {
    /// Entries are found by hashing a key with the slot.
    Mapping {
        /// As what keys are masked.
        key: String,
        /// As what entries are used.
        value: Box<Use>,
    },
    /// The slot holds a length and elements begin at its hash.
    Array,
    /// `string` or `bytes`.
    Text,
    /// A value of this type.
    Value(String),
}

impl Use {
    pub(super) fn parse(spelled: &str) -> Self {
        if let Some(inside) = spelled.strip_prefix("mapping(").and_then(|s| s.strip_suffix(')'))
            && let Some((key, value)) = inside.split_once(" => ")
        {
            return Self::Mapping { key: key.to_owned(), value: Box::new(Self::parse(value)) };
        }
        match spelled {
            "string" | "bytes" => Self::Text,
            _ if spelled.ends_with(']') => Self::Array,
            _ => Self::Value(spelled.to_owned()),
        }
    }

    /// Whether it is what an analysis says when it knows nothing: a whole word.
    pub(super) fn is_plain_word(&self) -> bool {
        matches!(self, Self::Value(name) if matches!(name.as_str(), "uint256" | "bytes32" | "int256"))
    }

    /// Bytes that a value takes; a head of one slot for all else.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Value(name) => elementary_bytes(name).unwrap_or(32),
            Self::Mapping { .. } | Self::Array | Self::Text => 32,
        }
    }
}

impl Cell {
    /// The first byte and the one after the last, within the slot.
    pub(super) fn span(&self) -> (u64, u64) {
        let start = u64::from(self.offset);
        (start, (start + self.used_as.bytes()).min(32))
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = self.span();
        write!(f, "slot {}", slot_text(self.slot))?;
        if (from, to) != (0, 32) {
            write!(f, " bytes {from}..{to}")?;
        }
        write!(f, " as {}", self.spelled)
    }
}
