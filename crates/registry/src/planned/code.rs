//! The code that was built, against the code that runs.
//!
//! Three things differ between a build and its deployment without being a difference: immutables
//! (zeros in the build), addresses of linked libraries, and the metadata that solc appends (a hash
//! that changes with a comment). The first two are masked, the third is cut off on both sides.

use std::ops::Range;

use alloy_primitives::{B256, hex, keccak256};
use serde_json::Value;

/// Largest runtime code that is read from an artefact: twenty times what EIP-170 lets exist.
pub(super) const CODE_BYTES_MAX: usize = 20 * 24_576;

/// Runtime code as built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltCode {
    code: Vec<u8>,
    /// Bytes that only the deployment decides; sorted.
    masked: Vec<Range<usize>>,
}

/// Where running code is not what was built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodeDifference {
    /// There is no code at all.
    #[error("there is no code")]
    Empty,
    /// Another length, without metadata.
    #[error("its code has {found} bytes without metadata, built were {built}")]
    Length {
        /// Bytes that run.
        found: usize,
        /// Bytes that were built.
        built: usize,
    },
    /// Another byte outside of what is masked.
    #[error("its code differs from the build from byte {0} on")]
    At(usize),
}

/// Why an artefact gives no code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuiltCodeError {
    /// Not JSON.
    #[error("not JSON: {0}")]
    NotJson(String),
    /// No runtime code in it.
    #[error(
        "no runtime code here: expected an artefact of Foundry or Hardhat with the key \"deployedBytecode\""
    )]
    NoCode,
    /// No initcode in it.
    #[error(
        "no initcode here: expected hexadecimal, or an artefact of Foundry or Hardhat with the key \"bytecode\""
    )]
    NoInitCode,
    /// Placeholders where addresses of libraries belong.
    #[error(
        "libraries are not linked into the initcode yet, and their addresses are part of its hash"
    )]
    NotLinked,
    /// Interfaces and abstract contracts have none.
    #[error("the code is empty: an interface or abstract contract cannot be deployed")]
    Empty,
    /// Something that is no hexadecimal code.
    #[error("the code is not hexadecimal: {0}")]
    NotHex(String),
    /// A range that lies outside of the code.
    #[error("the artefact's references lie outside of its code of {0} bytes")]
    BadReference(usize),
    /// More bytes than any contract can have.
    #[error("the code has {0} bytes, at most {CODE_BYTES_MAX} are read")]
    TooLong(usize),
}

impl BuiltCode {
    /// Code with the ranges that are not compared.
    pub fn new(code: Vec<u8>, mut masked: Vec<Range<usize>>) -> Self {
        masked.sort_unstable_by_key(|range| range.start);
        Self { code, masked }
    }

    /// Reads an artefact of Foundry (`deployedBytecode.object`) or Hardhat (`deployedBytecode`).
    ///
    /// # Errors
    /// [`BuiltCodeError`] says what is missing or unreadable.
    pub fn from_artefact(text: &str) -> Result<Self, BuiltCodeError> {
        let artefact: Value =
            serde_json::from_str(text).map_err(|e| BuiltCodeError::NotJson(e.to_string()))?;
        let deployed = artefact.get("deployedBytecode").ok_or(BuiltCodeError::NoCode)?;
        let object = deployed.get("object").unwrap_or(deployed);
        let object = object.as_str().ok_or(BuiltCodeError::NoCode)?;
        let (code, mut masked) = read_code(object)?;
        let places = [
            deployed.get("immutableReferences"),
            deployed.get("linkReferences"),
            artefact.get("immutableReferences"),
            artefact.get("deployedLinkReferences"),
        ];
        let mut names_immutables = false;
        for (at, references) in places.into_iter().enumerate() {
            let Some(references) = references else { continue };
            names_immutables |= at % 2 == 0;
            collect_ranges(references, &mut masked);
        }
        if !names_immutables {
            masked.extend(zero_pushes(&code));
        }
        if masked.iter().any(|range| range.end > code.len()) {
            return Err(BuiltCodeError::BadReference(code.len()));
        }
        masked.extend(own_address_of_library(&code));
        Ok(Self::new(code, masked))
    }

    /// keccak256 of the code exactly as built.
    pub fn hash(&self) -> B256 {
        keccak256(&self.code)
    }

    /// Holds running code against it.
    ///
    /// # Errors
    /// The first difference that matters.
    pub fn compare(&self, running: &[u8]) -> Result<(), CodeDifference> {
        if running.is_empty() {
            return Err(CodeDifference::Empty);
        }
        let (built, found) = (without_metadata(&self.code), without_metadata(running));
        if built.len() != found.len() {
            return Err(CodeDifference::Length { found: found.len(), built: built.len() });
        }
        let mut at = 0;
        for range in &self.masked {
            differ_within(built, found, at..range.start.min(built.len()))?;
            at = at.max(range.end.min(built.len()));
        }
        differ_within(built, found, at..built.len())
    }
}

fn differ_within(built: &[u8], found: &[u8], range: Range<usize>) -> Result<(), CodeDifference> {
    for at in range {
        if built[at] != found[at] {
            return Err(CodeDifference::At(at));
        }
    }
    Ok(())
}

/// Bytes of hexadecimal code; placeholders of libraries that are not linked yet (`__$…$__`, 20
/// bytes) become zeros that are masked.
fn read_code(text: &str) -> Result<(Vec<u8>, Vec<Range<usize>>), BuiltCodeError> {
    const PLACEHOLDER_DIGITS: usize = 40;
    let text = text.strip_prefix("0x").unwrap_or(text);
    if text.is_empty() {
        return Err(BuiltCodeError::Empty);
    }
    if text.len() / 2 > CODE_BYTES_MAX {
        return Err(BuiltCodeError::TooLong(text.len() / 2));
    }
    let mut digits = text.as_bytes().to_vec();
    let mut masked = Vec::new();
    let mut at = 0;
    while at + PLACEHOLDER_DIGITS <= digits.len() {
        if at % 2 == 0 && digits[at..].starts_with(b"__") {
            digits[at..at + PLACEHOLDER_DIGITS].fill(b'0');
            masked.push(at / 2..(at + PLACEHOLDER_DIGITS) / 2);
            at += PLACEHOLDER_DIGITS;
        } else {
            at += 1;
        }
    }
    let code = hex::decode(&digits).map_err(|error| BuiltCodeError::NotHex(error.to_string()))?;
    Ok((code, masked))
}

/// All `{start, length}` objects below a value, however they are nested by file, library or number.
fn collect_ranges(value: &Value, out: &mut Vec<Range<usize>>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect_ranges(item, out)),
        Value::Object(object) => {
            let number = |key: &str| object.get(key).and_then(Value::as_u64);
            match (number("start"), number("length")) {
                (Some(start), Some(length)) => {
                    let start = usize::try_from(start).unwrap_or(usize::MAX);
                    let length = usize::try_from(length).unwrap_or(usize::MAX);
                    out.push(start..start.saturating_add(length));
                }
                _ => object.values().for_each(|inner| collect_ranges(inner, out)),
            }
        }
        _ => {}
    }
}

const PUSH1: u8 = 0x60;
const PUSH20: u8 = 0x73;
const PUSH32: u8 = 0x7f;

/// Pushes of a whole word of zeros. An artefact that does not say where its immutables are has them
/// there: solc writes zero itself in one or two bytes.
fn zero_pushes(code: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < code.len() {
        let pushed = usize::from(code[at].wrapping_sub(PUSH1 - 1));
        let is_push = (PUSH1..=PUSH32).contains(&code[at]);
        let data = at + 1..at + 1 + if is_push { pushed } else { 0 };
        if code[at] == PUSH32
            && code.get(data.clone()).is_some_and(|word| word.iter().all(|b| *b == 0))
        {
            found.push(data.clone());
        }
        at = data.end;
    }
    found
}

/// A library begins with a push of its own address, zero in the build, to tell calls from delegate
/// calls.
fn own_address_of_library(code: &[u8]) -> Option<Range<usize>> {
    let (head, rest) = code.split_at_checked(21)?;
    let is_library =
        head[0] == PUSH20 && head[1..].iter().all(|b| *b == 0) && rest.starts_with(&[0x30, 0x14]);
    is_library.then_some(1..21)
}

/// Code without the CBOR map that solc and vyper append: two bytes at the end tell its length.
fn without_metadata(code: &[u8]) -> &[u8] {
    let Some((rest, length)) = code.split_last_chunk::<2>() else { return code };
    let length = usize::from(u16::from_be_bytes(*length));
    let Some(start) = rest.len().checked_sub(length) else { return code };
    let map = &rest[start..];
    // A map of one to four entries whose first key is a text.
    let is_map = matches!(map, [0xa1..=0xa4, 0x60..=0x77, ..]);
    let has = |word: &[u8]| map.windows(word.len()).any(|window| window == word);
    let is_metadata = is_map && (has(b"solc") || has(b"ipfs") || has(b"bzzr") || has(b"vyper"));
    if is_metadata { &code[..start] } else { code }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn metadata(seed: u8) -> Vec<u8> {
        let mut map = vec![0xa2, 0x64];
        map.extend(b"ipfs");
        map.extend([0x58, 0x22]);
        map.extend([seed; 34]);
        map.push(0x64);
        map.extend(b"solc");
        map.extend([0x43, 0, 8, 30]);
        let length = map.len() as u16;
        map.extend(length.to_be_bytes());
        map
    }

    #[test]
    fn metadata_immutables_and_libraries_are_no_difference() {
        let artefact = |code: &str, immutables: &str| {
            format!(
                r#"{{"abi": [], "deployedBytecode": {{"object": "{code}", "immutableReferences": {immutables}}}}}"#
            )
        };
        let body = "6001600255__$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa$__7f00000000";
        let code = format!("0x{body}{}", hex::encode(metadata(1)));
        let built =
            BuiltCode::from_artefact(&artefact(&code, r#"{"7": [{"start": 26, "length": 4}]}"#))
                .unwrap();
        let mut running = hex::decode("6001600255").unwrap();
        running.extend([0xbb; 20]);
        running.extend([0x7f, 1, 2, 3, 4]);
        running.extend(metadata(2));
        assert_eq!(built.compare(&running), Ok(()));
        running[3] ^= 1;
        assert_eq!(built.compare(&running), Err(CodeDifference::At(3)));
        running[3] ^= 1;
        running.insert(0, 0);
        let length = CodeDifference::Length { found: 31, built: 30 };
        assert_eq!(built.compare(&running), Err(length));
        assert_eq!(built.compare(&[]), Err(CodeDifference::Empty));
    }

    #[test]
    fn an_artefact_without_references_hides_its_words_of_zeros() {
        let zeros = "7f".to_owned() + &"00".repeat(32);
        let built =
            BuiltCode::from_artefact(&format!(r#"{{"deployedBytecode": "0x6001{zeros}00"}}"#))
                .unwrap();
        let with = |word: &str| hex::decode(format!("60017f{}00", word.repeat(32))).unwrap();
        assert_eq!(built.compare(&with("ab")), Ok(()));
        let mut other = with("ab");
        other[35] = 1;
        assert_eq!(built.compare(&other), Err(CodeDifference::At(35)));
    }

    #[test]
    fn unusable_artefacts_say_why() {
        let read = |text: &str| BuiltCode::from_artefact(text).unwrap_err();
        assert!(matches!(read("x"), BuiltCodeError::NotJson(_)));
        assert_eq!(read("[]"), BuiltCodeError::NoCode);
        assert_eq!(read(r#"{"deployedBytecode": "0x"}"#), BuiltCodeError::Empty);
        assert!(matches!(read(r#"{"deployedBytecode": "0xzz"}"#), BuiltCodeError::NotHex(_)));
        let outside = r#"{"deployedBytecode": {"object": "0x6001", "immutableReferences": {"1": [{"start": 1, "length": 32}]}}}"#;
        assert_eq!(read(outside), BuiltCodeError::BadReference(2));
    }

    proptest! {
        #[test]
        fn a_changed_byte_outside_of_masks_and_metadata_is_always_found(
            code in prop::collection::vec(any::<u8>(), 1..300),
            mask in 0usize..300, length in 0usize..40, at in 0usize..300, change in 1u8..,
        ) {
            let mask = mask.min(code.len())..(mask + length).min(code.len());
            let built = BuiltCode::new(code.clone(), vec![mask.clone()]);
            let at = at % code.len();
            let mut running = code.clone();
            running[at] ^= change;
            let is_compared = at < without_metadata(&code).len() && !mask.contains(&at);
            if is_compared {
                prop_assert!(built.compare(&running).is_err());
            }
            prop_assert_eq!(built.compare(&code), Ok(()));
        }
    }
}
