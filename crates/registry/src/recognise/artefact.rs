//! Whether bytecode on the chain is what a compiler's artefact says.

use alloy_primitives::hex;
use serde_json::Value;

use super::code::metadata_length;
use crate::{AbiError, ContractAbi};

/// A compiled contract on disk: a Foundry or Hardhat artefact, or any JSON with `abi` and
/// `deployedBytecode`.
#[derive(Debug, Clone)]
pub struct Artefact {
    /// What the source calls it.
    pub name: String,
    /// Its interface.
    pub abi: ContractAbi,
    /// The artefact's `abi` as JSON text.
    pub abi_json: String,
    /// Runtime code without metadata; places that are filled in later are zero.
    code: Vec<u8>,
    /// Which bytes are filled in later: immutables and addresses of libraries.
    is_open: Vec<bool>,
}

/// Why a file is no artefact that code can be held against.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArtefactError {
    /// The file is no JSON, or has no ABI.
    #[error(transparent)]
    Abi(#[from] AbiError),
    /// It has an ABI but no runtime code: an interface, or another kind of file.
    #[error("no runtime code (deployedBytecode) in it")]
    NoCode,
    /// The runtime code is not hex.
    #[error("its runtime code is not hex")]
    NotHex,
}

impl Artefact {
    /// Reads an artefact. `file_stem` is its name when the JSON does not say one.
    ///
    /// # Errors
    /// [`ArtefactError`] says what is missing.
    pub fn from_json(text: &str, file_stem: &str) -> Result<Self, ArtefactError> {
        let abi = ContractAbi::from_json(text)?;
        let value: Value =
            serde_json::from_str(text).map_err(|e| AbiError::NotJson(e.to_string()))?;
        let deployed = value.get("deployedBytecode").ok_or(ArtefactError::NoCode)?;
        let object = match deployed {
            Value::String(object) => object.as_str(),
            other => other.get("object").and_then(Value::as_str).ok_or(ArtefactError::NoCode)?,
        };
        let (code, mut is_open) = runtime(object.trim_start_matches("0x"))?;
        if code.is_empty() {
            return Err(ArtefactError::NoCode);
        }
        for (start, length) in immutables(deployed) {
            let end = start.saturating_add(length).min(is_open.len());
            if let Some(open) = is_open.get_mut(start..end) {
                open.fill(true);
            }
        }
        open_immutables(&code, &mut is_open);
        let body = code.len() - metadata_length(&code);
        let name = value.get("contractName").and_then(Value::as_str).unwrap_or(file_stem);
        let abi_json = value.get("abi").map(|abi| format!("{abi:#}\n")).unwrap_or_default();
        is_open.truncate(body);
        Ok(Self { name: name.to_owned(), abi, abi_json, code: code[..body].to_vec(), is_open })
    }

    /// Whether this is its code: equal but for metadata and for what is filled in later.
    pub fn matches(&self, code: &[u8]) -> bool {
        let body = &code[..code.len() - metadata_length(code)];
        body.len() == self.code.len()
            && body.iter().zip(&self.code).zip(&self.is_open).all(|((a, b), open)| *open || a == b)
    }
}

/// Hex with placeholders of libraries (`__$…$__`) in it.
fn runtime(text: &str) -> Result<(Vec<u8>, Vec<bool>), ArtefactError> {
    const ADDRESS_BYTES: usize = 20;
    let (mut code, mut is_open) = (Vec::new(), Vec::new());
    let mut left_open = 0;
    for pair in text.as_bytes().chunks(2) {
        // A placeholder is forty characters and begins with an underscore; what is inside may be hex.
        left_open = if pair.contains(&b'_') && left_open == 0 { ADDRESS_BYTES } else { left_open };
        if left_open > 0 {
            left_open -= 1;
            code.push(0);
            is_open.push(true);
        } else {
            code.extend(hex::decode(pair).map_err(|_| ArtefactError::NotHex)?);
            is_open.push(false);
        }
    }
    Ok((code, is_open))
}

/// Foundry's `immutableReferences`: start and length in bytes.
fn immutables(deployed: &Value) -> Vec<(usize, usize)> {
    let references = deployed.get("immutableReferences").and_then(Value::as_object);
    let lists = references.into_iter().flat_map(|r| r.values()).filter_map(Value::as_array);
    let number = |value: &Value, key: &str| usize::try_from(value.get(key)?.as_u64()?).ok();
    lists.flatten().filter_map(|r| Some((number(r, "start")?, number(r, "length")?))).collect()
}

/// Artefacts without references leave a word of zeros where an immutable will be: no compiler pushes
/// one otherwise.
fn open_immutables(code: &[u8], is_open: &mut [bool]) {
    const PUSH1: u8 = 0x60;
    const PUSH32: u8 = 0x7f;
    let mut at = 0;
    while let Some(&op) = code.get(at) {
        at += 1;
        if (PUSH1..=PUSH32).contains(&op) {
            let width = usize::from(op - PUSH1) + 1;
            let is_empty_word =
                width == 32 && code.get(at..at + 32).is_some_and(|w| w.iter().all(|b| *b == 0));
            if is_empty_word && let Some(open) = is_open.get_mut(at..at + 32) {
                open.fill(true);
            }
            at += width;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artefact(deployed: &str) -> Result<Artefact, ArtefactError> {
        Artefact::from_json(
            &format!(r#"{{"contractName":"Vault","abi":[],"deployedBytecode":{deployed}}}"#),
            "File",
        )
    }

    #[test]
    fn metadata_immutables_and_libraries_do_not_matter_and_everything_else_does() {
        let zeros = "00".repeat(32);
        let immutable = artefact(&format!(r#""0x7f{zeros}6001a1aabb0003""#)).unwrap();
        let on_chain = [&[0x7f][..], &[7; 32], &[0x60, 1, 0xa1, 0xcc, 0xdd, 0, 3]].concat();
        assert!(immutable.matches(&on_chain));
        let mut other = on_chain.clone();
        other[34] = 2;
        assert!(!immutable.matches(&other));
        assert!(!immutable.matches(&on_chain[..20]));

        let library = artefact(r#"{"object":"0x73__$1234567890abcdef1234567890abcdef12$__6001"}"#);
        let linked = [&[0x73][..], &[0xbe; 20], &[0x60, 1]].concat();
        assert!(library.unwrap().matches(&linked));

        let references = r#"{"object":"0x6001620000006002","immutableReferences":{"3":[{"start":3,"length":3}]}}"#;
        let references = artefact(references).unwrap();
        assert!(references.matches(&hex!("6001620102036002")));
        assert!(!references.matches(&hex!("6001620102036003")));
    }

    #[test]
    fn an_interface_or_another_file_is_no_artefact() {
        assert_eq!(artefact(r#""0x""#).unwrap_err(), ArtefactError::NoCode);
        assert_eq!(artefact("7").unwrap_err(), ArtefactError::NoCode);
        assert_eq!(artefact(r#""0xzz""#).unwrap_err(), ArtefactError::NotHex);
        assert!(matches!(Artefact::from_json("{}", "x"), Err(ArtefactError::Abi(_))));
    }
}
