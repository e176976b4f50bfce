//! What a contract's code tells without running it: its instructions, and traits drawn from them.

use std::collections::BTreeSet;

use alloy_primitives::Address;

/// One instruction with what it pushes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Instruction<'c> {
    pub(super) opcode: u8,
    pub(super) pushes: &'c [u8],
}

const EQ: u8 = 0x14;
const ORIGIN: u8 = 0x32;
const CALLER: u8 = 0x33;
const COINBASE: u8 = 0x41;
const PREVRANDAO: u8 = 0x44;
const GASLIMIT: u8 = 0x45;
const PUSH1: u8 = 0x60;
const PUSH4: u8 = 0x63;
const PUSH20: u8 = 0x73;
const PUSH32: u8 = 0x7f;
const CREATE: u8 = 0xf0;
const CALL: u8 = 0xf1;
const CALLCODE: u8 = 0xf2;
const CREATE2: u8 = 0xf5;
const SELFDESTRUCT: u8 = 0xff;

impl Instruction<'_> {
    /// The address that it pushes; the mask of twenty full bytes is none.
    pub(super) fn address(&self) -> Option<Address> {
        let address = Address::try_from(self.pushes).ok()?;
        (self.opcode == PUSH20 && address != Address::repeat_byte(0xff)).then_some(address)
    }

    fn selector(&self) -> Option<[u8; 4]> {
        self.pushes.try_into().ok().filter(|_| self.opcode == PUSH4)
    }
}

/// The instructions of a code, up to the compiler's metadata.
pub(super) fn instructions(code: &[u8]) -> impl Iterator<Item = Instruction<'_>> {
    let mut rest = without_metadata(code).unwrap_or(code);
    std::iter::from_fn(move || {
        let (&opcode, after) = rest.split_first()?;
        let pushed = match opcode {
            PUSH1..=PUSH32 => usize::from(opcode - PUSH1) + 1,
            _ => 0,
        };
        let (pushes, after) = after.split_at(pushed.min(after.len()));
        rest = after;
        Some(Instruction { opcode, pushes })
    })
}

/// The code before the metadata that compilers append (CBOR: a map, then its length in two bytes);
/// `None` when there is none.
fn without_metadata(code: &[u8]) -> Option<&[u8]> {
    let (before, length) = code.split_last_chunk::<2>()?;
    let length = usize::from(u16::from_be_bytes(*length));
    let (before, metadata) = before.split_at_checked(before.len().checked_sub(length)?)?;
    let is_map = metadata.first().is_some_and(|first| first & 0xe0 == 0xa0);
    (is_map && length <= 128 && !before.is_empty()).then_some(before)
}

/// Functions by which lenders of flash loans and pools call back.
const CALLBACKS: [[u8; 4]; 12] = [
    [0x23, 0xe3, 0x0c, 0x8b], // onFlashLoan
    [0x92, 0x0f, 0x5c, 0x84], // executeOperation, many assets
    [0x1b, 0x11, 0xd0, 0xff], // executeOperation, one asset
    [0x10, 0xd1, 0xe8, 0x5c], // uniswapV2Call
    [0xe9, 0xcb, 0xaf, 0xb0], // uniswapV3FlashCallback
    [0xfa, 0x46, 0x1e, 0x33], // uniswapV3SwapCallback
    [0xf0, 0x4f, 0x27, 0x07], // receiveFlashLoan
    [0x8b, 0x41, 0x87, 0x13], // callFunction
    [0x31, 0xf5, 0x70, 0x72], // onMorphoFlashLoan
    [0x91, 0xdd, 0x73, 0x46], // unlockCallback
    [0x84, 0x80, 0x08, 0x12], // pancakeCall
    [0xeb, 0x20, 0x21, 0xc3], // DVMFlashLoanCall
];

/// `transfer`, `balanceOf`, `totalSupply`.
const TOKEN: [[u8; 4]; 3] =
    [[0xa9, 0x05, 0x9c, 0xbb], [0x70, 0xa0, 0x82, 0x31], [0x18, 0x16, 0x0d, 0xdd]];

/// Instructions around the question who calls, within which a fixed address answers it.
const GATE_REACH: usize = 4;

/// What a code is like.
#[derive(Debug, Clone, Default)]
pub(super) struct Traits {
    /// Addresses written into it.
    pub(super) addresses: BTreeSet<Address>,
    /// Functions that it calls elsewhere, as far as their selectors are written into it.
    pub(super) foreign: BTreeSet<[u8; 4]>,
    /// Functions that it answers itself.
    pub(super) own: BTreeSet<[u8; 4]>,
    pub(super) call_sites: usize,
    pub(super) answers_flash_loans: bool,
    pub(super) is_token: bool,
    pub(super) only_one_caller: bool,
    pub(super) asks_origin: bool,
    pub(super) self_destructs: bool,
    pub(super) creates: bool,
    pub(super) looks_at_block_maker: bool,
    pub(super) has_metadata: bool,
    pub(super) size_bytes: usize,
}

impl Traits {
    /// Reads a code once.
    pub(super) fn of(code: &[u8]) -> Self {
        let all: Vec<Instruction<'_>> = instructions(code).collect();
        let mut traits = Self {
            has_metadata: without_metadata(code).is_some(),
            size_bytes: code.len(),
            ..Self::default()
        };
        for (at, one) in all.iter().enumerate() {
            match one.opcode {
                CALL | CALLCODE => traits.call_sites += 1,
                SELFDESTRUCT => traits.self_destructs = true,
                CREATE | CREATE2 => traits.creates = true,
                COINBASE | PREVRANDAO | GASLIMIT => traits.looks_at_block_maker = true,
                _ => {}
            }
            traits.asks_origin |= one.opcode == ORIGIN;
            if matches!(one.opcode, ORIGIN | CALLER) {
                let around =
                    &all[at.saturating_sub(GATE_REACH)..all.len().min(at + GATE_REACH + 1)];
                traits.only_one_caller |= around.iter().any(|near| near.address().is_some())
                    && around.iter().any(|near| near.opcode == EQ);
            }
            traits.addresses.extend(one.address());
            if let Some(selector) = one.selector() {
                // A dispatcher compares the selector right away.
                let next = all[at + 1..].iter().take(2);
                match next.into_iter().any(|near| near.opcode == EQ) {
                    true => traits.own.insert(selector),
                    false => traits.foreign.insert(selector),
                };
            }
        }
        traits.foreign = traits.foreign.difference(&traits.own).copied().collect();
        traits.answers_flash_loans = CALLBACKS.iter().any(|known| traits.own.contains(known));
        traits.is_token = TOKEN.iter().all(|known| traits.own.contains(known));
        traits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn traits_are_read_from_instructions_and_not_from_what_they_push() {
        let us = Address::repeat_byte(0xa1);
        let mut code = vec![0x80, PUSH4, 0x10, 0xd1, 0xe8, 0x5c, EQ, 0x57];
        code.extend([CALLER, PUSH20]);
        code.extend(us);
        code.extend([
            EQ,
            PUSH4,
            0xde,
            0xad,
            0xbe,
            0xef,
            0x52,
            0x50,
            CALL,
            0x61,
            SELFDESTRUCT,
            CREATE,
        ]);
        let traits = Traits::of(&code);
        assert_eq!(traits.addresses, BTreeSet::from([us]));
        assert_eq!(traits.foreign, BTreeSet::from([[0xde, 0xad, 0xbe, 0xef]]));
        assert!(traits.answers_flash_loans && traits.only_one_caller && !traits.is_token);
        assert!(!traits.self_destructs && !traits.creates, "those bytes are pushed");
        assert_eq!((traits.call_sites, traits.has_metadata), (1, false));
        let mut compiled = code.clone();
        compiled.extend([0xa1, 0x61, SELFDESTRUCT, 0x00, 0x03]);
        let traits = Traits::of(&compiled);
        assert!(traits.has_metadata && !traits.self_destructs);
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_read(code in prop::collection::vec(any::<u8>(), 0..600)) {
            let traits = Traits::of(&code);
            prop_assert_eq!(traits.size_bytes, code.len());
        }
    }
}
