//! What bytecode gives away: the functions it dispatches, the constants it pushes.

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
};

use alloy_dyn_abi::DynSolType;
use alloy_primitives::{Address, B256, Bytes, keccak256};
use evmole::{ContractInfoArgs, StateMutability, contract_info};

/// Longest code that is analysed: four times what EIP-170 allows. Longer code still shows its
/// constants, but not its functions.
const ANALYSED_BYTES_MAX: usize = 4 * 24_576;
/// Fewest bytes of a 20-byte constant that are not zero before it is taken for an address: masks and
/// small numbers are pushed with the same instructions.
const ADDRESS_BYTES_MIN: usize = 10;

/// A function that the code dispatches.
#[derive(Debug, Clone, PartialEq)]
pub struct CodeFunction {
    /// Its selector.
    pub selector: [u8; 4],
    /// Types of its arguments as the code unpacks them; a guess.
    pub inputs: Vec<DynSolType>,
    /// Whether it only reads, as far as the code shows.
    pub is_view: bool,
}

/// Bytecode with what it gives away.
#[derive(Debug, Clone)]
pub struct Code {
    bytes: Bytes,
    hash: B256,
    functions: Vec<CodeFunction>,
    words: BTreeSet<B256>,
    addresses: Vec<Address>,
    has_delegatecall: bool,
    has_selfdestruct: bool,
}

impl Code {
    /// Reads code as it lies on the chain.
    pub fn read(bytes: Bytes) -> Self {
        let mut code = Self {
            hash: keccak256(&bytes),
            functions: Vec::new(),
            words: BTreeSet::new(),
            addresses: Vec::new(),
            has_delegatecall: false,
            has_selfdestruct: false,
            bytes,
        };
        code.walk();
        if code.bytes.len() <= ANALYSED_BYTES_MAX {
            code.functions = functions(&code.bytes);
        }
        code
    }

    /// The code itself.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Hash of the code, as `EXTCODEHASH` gives it.
    pub fn hash(&self) -> B256 {
        self.hash
    }

    /// The functions that it dispatches, by selector.
    pub fn functions(&self) -> &[CodeFunction] {
        &self.functions
    }

    /// Whether it dispatches this selector.
    pub fn answers(&self, selector: [u8; 4]) -> bool {
        self.functions.binary_search_by_key(&selector, |f| f.selector).is_ok()
    }

    /// Whether it pushes this word: topics of events and ids of roles are constants of the code.
    pub fn pushes(&self, word: B256) -> bool {
        self.words.contains(&word)
    }

    /// The 32-byte constants it pushes.
    pub fn words(&self) -> impl Iterator<Item = B256> {
        self.words.iter().copied()
    }

    /// Addresses in the code itself: constants and immutables.
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// Whether it can run another contract's code as its own.
    pub fn has_delegatecall(&self) -> bool {
        self.has_delegatecall
    }

    /// Whether it can destroy itself, which together with `CREATE2` lets it come back as another.
    pub fn has_selfdestruct(&self) -> bool {
        self.has_selfdestruct
    }

    fn walk(&mut self) {
        const PUSH1: u8 = 0x60;
        const PUSH20: usize = 20;
        const PUSH32: u8 = 0x7f;
        const DELEGATECALL: u8 = 0xf4;
        const SELFDESTRUCT: u8 = 0xff;
        let body = self.bytes.slice(..self.bytes.len() - metadata_length(&self.bytes));
        let mut addresses = BTreeSet::new();
        let mut at = 0;
        while let Some(&op) = body.get(at) {
            at += 1;
            self.has_delegatecall |= op == DELEGATECALL;
            self.has_selfdestruct |= op == SELFDESTRUCT;
            if !(PUSH1..=PUSH32).contains(&op) {
                continue;
            }
            let width = usize::from(op - PUSH1) + 1;
            let Some(data) = body.get(at..at + width) else { break };
            at += width;
            // solc leaves room for a whole word for each immutable.
            let address = match width {
                PUSH20 => Some(data),
                32 => data.split_at(12).0.iter().all(|b| *b == 0).then(|| &data[12..]),
                _ => None,
            };
            if let Some(address) = address {
                let is_likely = address.iter().filter(|b| **b != 0).count() >= ADDRESS_BYTES_MIN
                    && address.iter().filter(|b| **b == 0xff).count() < ADDRESS_BYTES_MIN;
                if is_likely {
                    addresses.insert(Address::from_slice(address));
                }
            }
            if width == 32 {
                self.words.insert(B256::from_slice(data));
            }
        }
        self.addresses = addresses.into_iter().collect();
    }
}

/// Bytes at the end of the code that solc's metadata takes up: CBOR, then its length in two bytes.
pub(super) fn metadata_length(code: &[u8]) -> usize {
    let Some((rest, [high, low])) = code.split_last_chunk::<2>() else { return 0 };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    // A CBOR map of one to four entries.
    let first = rest.len().checked_sub(length).and_then(|start| rest.get(start));
    match first {
        Some(0xa1..=0xa4) => length + 2,
        _ => 0,
    }
}

fn functions(bytes: &Bytes) -> Vec<CodeFunction> {
    if bytes.is_empty() {
        return Vec::new();
    }
    let args =
        ContractInfoArgs::new(bytes).with_selectors().with_arguments().with_state_mutability();
    // The analyser runs code that its author may have written against it. Should it ever panic, the
    // contract is one whose functions are not known.
    let read = catch_unwind(AssertUnwindSafe(|| contract_info(args).functions));
    let mut functions: Vec<CodeFunction> = read
        .ok()
        .flatten()
        .unwrap_or_default()
        .into_iter()
        .map(|f| CodeFunction {
            selector: f.selector,
            inputs: f.arguments.unwrap_or_default(),
            is_view: matches!(
                f.state_mutability,
                Some(StateMutability::Pure | StateMutability::View)
            ),
        })
        .collect();
    functions.sort_by_key(|f| f.selector);
    functions.dedup_by_key(|f| f.selector);
    functions
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::hex;
    use proptest::prelude::*;

    #[test]
    fn immutables_are_addresses_and_masks_are_not() {
        let address = [0xbe; 20];
        let code = [
            &[0x73][..],
            &[0xff; 20],
            &[0x7f],
            &[0; 12],
            &address,
            &[0x7f],
            &[0; 31],
            &[1],
            &[0x73],
            &[0; 19],
            &[4],
        ]
        .concat();
        let code = Code::read(code.into());
        assert_eq!(code.addresses(), [Address::from(address)]);
        assert!(!code.has_delegatecall());
    }

    #[test]
    fn an_instruction_inside_push_data_or_metadata_is_none() {
        let pushed = Code::read(hex!("62f4ff00").into());
        assert!(!pushed.has_delegatecall() && !pushed.has_selfdestruct());
        let run = Code::read(hex!("f4ff").into());
        assert!(run.has_delegatecall() && run.has_selfdestruct());
        let metadata = Code::read(hex!("00a1f4ff0003").into());
        assert!(!metadata.has_delegatecall() && !metadata.has_selfdestruct());
        assert_eq!(metadata_length(&hex!("00a1f4ff0003")), 5);
        assert_eq!(metadata_length(&hex!("ffff")), 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_code_makes_reading_panic(code in prop::collection::vec(any::<u8>(), 0..256)) {
            Code::read(code.into());
        }
    }
}
