//! Encodings of what is stored whole, and of column values.
//!
//! A stored body is one byte that names the format, then the value:
//!
//! ```text
//! ┌──────┬──────────────────────────────┐
//! │ 0x01 │ postcard of the model's type │
//! └──────┴──────────────────────────────┘
//! ```
//!
//! postcard does not describe itself, so a change of a stored type is a new format with a decoder
//! for the old one; the tests below hold format 1 to the byte.

use model::{B256, BlockRef, Name, UnixSeconds};
use serde::{Serialize, de::DeserializeOwned};

use crate::StoreError;

/// The format that is written, and the newest that is read.
pub(crate) const FORMAT: u8 = 1;

/// Encodes a value in the current format.
pub(crate) fn encode<T: Serialize>(table: &'static str, value: &T) -> Result<Vec<u8>, StoreError> {
    postcard::to_extend(value, vec![FORMAT]).map_err(|source| StoreError::Encode { table, source })
}

/// Decodes a value; `key` names the row in errors.
pub(crate) fn decode<T: DeserializeOwned>(
    bytes: &[u8],
    table: &'static str,
    key: impl ToString,
) -> Result<T, StoreError> {
    match bytes.split_first() {
        Some((&FORMAT, body)) => match postcard::take_from_bytes(body) {
            Ok((value, [])) => Ok(value),
            Ok((_, rest)) => Err(StoreError::corrupt(
                table,
                key,
                format_args!("{} bytes after the value", rest.len()),
            )),
            Err(reason) => Err(StoreError::corrupt(table, key, reason)),
        },
        Some((&found, _)) => Err(StoreError::UnknownFormat { table, key: key.to_string(), found }),
        None => Err(StoreError::corrupt(table, key, "empty value")),
    }
}

/// A column of exactly `N` bytes.
pub(crate) fn fixed<const N: usize>(
    bytes: &[u8],
    table: &'static str,
    key: impl ToString,
) -> Result<[u8; N], StoreError> {
    bytes.try_into().map_err(|_| {
        StoreError::corrupt(table, key, format_args!("{} bytes instead of {N}", bytes.len()))
    })
}

/// Height and hash columns.
pub(crate) fn block(
    number: i64,
    hash: &[u8],
    table: &'static str,
    key: impl ToString,
) -> Result<BlockRef, StoreError> {
    let key = key.to_string();
    let hash = B256::from(fixed::<32>(hash, table, &key)?);
    Ok(BlockRef { number: unsigned(number, table, key)?, hash })
}

/// A column that is never negative.
pub(crate) fn unsigned<T: TryFrom<i64>>(
    value: i64,
    table: &'static str,
    key: impl ToString,
) -> Result<T, StoreError> {
    let reason = || format!("{value} is out of range");
    T::try_from(value).map_err(|_| StoreError::corrupt(table, key, reason()))
}

/// A column that holds a name.
pub(crate) fn name(
    text: &str,
    table: &'static str,
    key: impl ToString,
) -> Result<Name, StoreError> {
    Name::new(text).map_err(|reason| StoreError::corrupt(table, key, reason))
}

/// Chain time as a column. A block may claim any time it likes; a claim beyond the year 292 billion
/// is kept as that year, because refusing it would stall the chain.
pub(crate) fn seconds(at: UnixSeconds) -> i64 {
    i64::try_from(at.0).unwrap_or(i64::MAX)
}

/// How a 16-byte id is printed in errors: as its `Display` does.
pub(crate) fn printed(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
