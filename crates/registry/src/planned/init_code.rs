//! Initcode out of files, for its hash.

use alloy_primitives::{B256, hex, keccak256};
use serde_json::Value;

use super::code::{BuiltCodeError, CODE_BYTES_MAX};

/// keccak256 of the initcode in a file, followed by the constructor's arguments: an artefact of
/// Foundry (`bytecode.object`) or Hardhat (`bytecode`), or plain hexadecimal.
///
/// # Errors
/// [`BuiltCodeError`] when there is no initcode, or libraries are not linked into it yet: their
/// addresses are part of the hash.
pub fn init_code_hash(text: &str, arguments: &[u8]) -> Result<B256, BuiltCodeError> {
    let text = text.trim();
    let mut code = if text.starts_with('{') {
        let artefact: Value =
            serde_json::from_str(text).map_err(|e| BuiltCodeError::NotJson(e.to_string()))?;
        let bytecode = artefact.get("bytecode").ok_or(BuiltCodeError::NoInitCode)?;
        let object = bytecode.get("object").unwrap_or(bytecode);
        decode(object.as_str().ok_or(BuiltCodeError::NoInitCode)?)?
    } else {
        decode(text)?
    };
    code.extend_from_slice(arguments);
    Ok(keccak256(code))
}

fn decode(text: &str) -> Result<Vec<u8>, BuiltCodeError> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    if digits.is_empty() {
        return Err(BuiltCodeError::Empty);
    }
    if digits.len() / 2 > CODE_BYTES_MAX {
        return Err(BuiltCodeError::TooLong(digits.len() / 2));
    }
    if digits.contains("__") {
        return Err(BuiltCodeError::NotLinked);
    }
    hex::decode(digits).map_err(|error| BuiltCodeError::NotHex(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_one_initcode_has_one_hash() {
        let expected = keccak256([0x60, 1, 0xab]);
        for text in
            ["0x6001", "6001\n", r#"{"bytecode": "0x6001"}"#, r#"{"bytecode": {"object": "6001"}}"#]
        {
            assert_eq!(init_code_hash(text, &[0xab]), Ok(expected), "{text}");
        }
        let refused = |text: &str| init_code_hash(text, &[]).unwrap_err();
        assert_eq!(refused("{}"), BuiltCodeError::NoInitCode);
        assert_eq!(refused(r#"{"bytecode": "0x"}"#), BuiltCodeError::Empty);
        assert_eq!(refused("0x60__$abc$__"), BuiltCodeError::NotLinked);
        assert!(matches!(refused("0x6"), BuiltCodeError::NotHex(_)));
    }
}
