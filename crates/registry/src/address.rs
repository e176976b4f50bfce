//! Addresses as people and tools write them.

use std::str::FromStr;

use model::Address;

/// Reads an address; mixed case must carry the right EIP-55 checksum.
///
/// # Errors
/// Says what the text is instead, and the right checksum when only that is wrong.
pub fn parse_address(text: &str) -> Result<Address, String> {
    let digits = text.strip_prefix("0x").unwrap_or_default();
    if digits.len() != 40 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(format!("{text:?} is not an address (0x and 40 hex digits)"));
    }
    let address = Address::from_str(text).map_err(|e| format!("{text:?}: {e}"))?;
    let is_mixed = digits.bytes().any(|b| b.is_ascii_lowercase())
        && digits.bytes().any(|b| b.is_ascii_uppercase());
    if is_mixed && address.to_checksum(None) != text {
        return Err(format!("{text} has a wrong checksum; did you mean {address}?"));
    }
    Ok(address)
}
