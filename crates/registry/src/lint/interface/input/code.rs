//! Bytecode without a name: what its dispatcher answers to.

use alloy_primitives::hex;

use super::super::Surface;

/// Largest code that is read; the chain itself allows 24 KiB (EIP-170), some networks more.
const CODE_BYTES_MAX: usize = 256 * 1024;

/// Reads hex digits, with or without `0x`.
///
/// # Errors
/// What is wrong with them.
pub(in crate::lint) fn from_hex(text: &str) -> Result<Vec<u8>, String> {
    let text = text.trim();
    if text.contains("__") {
        return Err("the bytecode has unlinked libraries".to_owned());
    }
    if text.len() > 2 * CODE_BYTES_MAX + 2 {
        return Err(format!("bytecode longer than {CODE_BYTES_MAX} bytes"));
    }
    let code = hex::decode(text).map_err(|error| format!("not bytecode in hex: {error}"))?;
    if code.is_empty() { Err("empty bytecode".to_owned()) } else { Ok(code) }
}

/// The selectors that runtime code dispatches on, in order, with where each function's body begins.
pub(in crate::lint) fn entries(code: &[u8]) -> Vec<([u8; 4], usize)> {
    let arguments = evmole::ContractInfoArgs::new(code).with_selectors();
    let functions = evmole::contract_info(arguments).functions.unwrap_or_default();
    let mut entries: Vec<([u8; 4], usize)> =
        functions.iter().map(|function| (function.selector, function.bytecode_offset)).collect();
    entries.sort_unstable();
    entries.dedup_by_key(|(selector, _)| *selector);
    entries
}

/// A contract of which only the code is known.
pub(super) fn surface(name: &str, file: &str, code: &[u8]) -> Surface {
    Surface {
        name: name.to_owned(),
        file: file.to_owned(),
        is_contract: true,
        unnamed: entries(code).into_iter().map(|(selector, _)| selector).collect(),
        ..Surface::default()
    }
}
