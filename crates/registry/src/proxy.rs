//! Where a proxy keeps its implementation: storage slots and bytecode patterns.

use alloy_primitives::{Address, B256, b256, hex};

/// EIP-1967 implementation: `keccak256("eip1967.proxy.implementation") - 1`.
pub const EIP1967_IMPLEMENTATION: B256 =
    b256!("360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc");
/// EIP-1967 admin: `keccak256("eip1967.proxy.admin") - 1`.
pub const EIP1967_ADMIN: B256 =
    b256!("b53127684a568b3173ae13b9f8a6016e243e63b6e8ee1178d6a717850b5d6103");
/// EIP-1967 beacon: `keccak256("eip1967.proxy.beacon") - 1`.
pub const EIP1967_BEACON: B256 =
    b256!("a3f0ad74e5423aebfd80d3ef4346578335a9a72aeaee59ff6cb3582b35133d50");
/// EIP-1822 (first form of UUPS): `keccak256("PROXIABLE")`.
pub const EIP1822_IMPLEMENTATION: B256 =
    b256!("c5f16f0fcc639fa48a6947836d9850f504798523bf8c9a3a87d5876cf622bcf7");
/// OpenZeppelin before EIP-1967: `keccak256("org.zeppelinos.proxy.implementation")`.
pub const ZOS_IMPLEMENTATION: B256 =
    b256!("7050c9e0f4ca769c69bd3a8ef740bc37934f8e2c036e5a723fd8ee048ed3f8c3");

/// Slots that hold an implementation, most usual first.
pub const IMPLEMENTATION_SLOTS: [B256; 3] =
    [EIP1967_IMPLEMENTATION, EIP1822_IMPLEMENTATION, ZOS_IMPLEMENTATION];

/// Slots whose change is a change of who is in control, with their names.
pub const AUTHORITY_SLOTS: [(B256, &str); 5] = [
    (EIP1967_IMPLEMENTATION, "EIP-1967 implementation"),
    (EIP1967_ADMIN, "EIP-1967 admin"),
    (EIP1967_BEACON, "EIP-1967 beacon"),
    (EIP1822_IMPLEMENTATION, "EIP-1822 implementation"),
    (ZOS_IMPLEMENTATION, "zos implementation"),
];

/// The address in a slot's word; `None` when the slot is empty or holds something else.
pub fn implementation_from_word(word: B256) -> Option<Address> {
    let (high, low) = word.split_at(12);
    let address = Address::from_slice(low);
    (high.iter().all(|byte| *byte == 0) && !address.is_zero()).then_some(address)
}

/// `CALLDATACOPY` of the input, before the address, of an EIP-1167 clone.
const CLONE_HEAD: [u8; 9] = hex!("363d3d373d3d3d363d");
/// `DELEGATECALL` and return, after the address. The jump target depends on the address' length.
const CLONE_CALL: [u8; 12] = hex!("5af43d82803e903d91602b57");
/// `REVERT`, or jump here and `RETURN`.
const CLONE_TAIL: [u8; 3] = hex!("fd5bf3");
/// The same with `PUSH0` (ERC-7511).
const PUSH0_HEAD: [u8; 9] = hex!("365f5f375f5f365f73");
/// After the address of the form with `PUSH0`.
const PUSH0_CALL: [u8; 15] = hex!("5af43d5f5f3e5f3d91602a57fd5bf3");
/// An account that delegates to code (EIP-7702).
const DELEGATION_HEAD: [u8; 3] = hex!("ef0100");

/// The contract that this bytecode delegates everything to: an EIP-1167 clone (also with a shortened
/// address, with `PUSH0`, or with immutable arguments behind it), or an EIP-7702 delegation.
pub fn delegate_from_code(code: &[u8]) -> Option<Address> {
    if let Some(rest) = code.strip_prefix(&DELEGATION_HEAD) {
        return (rest.len() == 20).then(|| Address::from_slice(rest));
    }
    if let Some(rest) = code.strip_prefix(&PUSH0_HEAD) {
        let (address, rest) = rest.split_at_checked(20)?;
        return rest.starts_with(&PUSH0_CALL).then(|| Address::from_slice(address));
    }
    let rest = code.strip_prefix(&CLONE_HEAD)?;
    // PUSH20 is 0x73; an address with leading zero bytes may be pushed with a shorter one.
    let (push, rest) = rest.split_first()?;
    let len = usize::from(push.checked_sub(0x5f)?);
    if len == 0 || len > 20 {
        return None;
    }
    let (address, rest) = rest.split_at_checked(len)?;
    let mut call = CLONE_CALL;
    // The jump goes 20 - len bytes less far.
    call[10] = 0x2b - (20 - len) as u8;
    let is_clone = rest.strip_prefix(&call)?.starts_with(&CLONE_TAIL);
    is_clone.then(|| Address::left_padding_from(address))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{U256, address, keccak256};
    use proptest::prelude::*;

    #[test]
    fn slots_are_the_hashes_they_claim_to_be() {
        let less_one =
            |text: &str| B256::from(U256::from_be_bytes(keccak256(text).0).wrapping_sub(U256::ONE));
        assert_eq!(EIP1967_IMPLEMENTATION, less_one("eip1967.proxy.implementation"));
        assert_eq!(EIP1967_ADMIN, less_one("eip1967.proxy.admin"));
        assert_eq!(EIP1967_BEACON, less_one("eip1967.proxy.beacon"));
        assert_eq!(EIP1822_IMPLEMENTATION, keccak256("PROXIABLE"));
        assert_eq!(ZOS_IMPLEMENTATION, keccak256("org.zeppelinos.proxy.implementation"));
    }

    #[test]
    fn a_word_is_an_implementation_only_if_it_is_a_clean_address() {
        let target = address!("bebebebebebebebebebebebebebebebebebebebe");
        assert_eq!(implementation_from_word(target.into_word()), Some(target));
        assert_eq!(implementation_from_word(B256::ZERO), None);
        assert_eq!(implementation_from_word(B256::repeat_byte(1)), None);
    }

    #[test]
    fn clones_are_recognised_in_every_form() {
        let target = address!("bebebebebebebebebebebebebebebebebebebebe");
        let clone = hex!(
            "363d3d373d3d3d363d73bebebebebebebebebebebebebebebebebebebebe5af43d82803e903d91602b57fd5bf3"
        );
        assert_eq!(delegate_from_code(&clone), Some(target));
        assert_eq!(delegate_from_code(&[&clone[..], b"immutable"].concat()), Some(target));
        assert_eq!(delegate_from_code(&clone[..44]), None, "a cut clone is no clone");

        // From the text of EIP-1167: an address with four zero bytes is pushed with PUSH16.
        let vanity = hex!(
            "363d3d373d3d3d363d6fbebebebebebebebebebebebebebebebe5af43d82803e903d91602757fd5bf3"
        );
        let short = address!("00000000bebebebebebebebebebebebebebebebe");
        assert_eq!(delegate_from_code(&vanity), Some(short));

        let push0 = hex!(
            "365f5f375f5f365f73bebebebebebebebebebebebebebebebebebebebe5af43d5f5f3e5f3d91602a57fd5bf3"
        );
        assert_eq!(delegate_from_code(&push0), Some(target));
        let delegation = hex!("ef0100bebebebebebebebebebebebebebebebebebebebe");
        assert_eq!(delegate_from_code(&delegation), Some(target));
    }

    proptest! {
        #[test]
        fn no_code_makes_the_patterns_panic(
            head in prop::sample::select(vec![&CLONE_HEAD[..], &PUSH0_HEAD[..], &DELEGATION_HEAD[..], &[]]),
            tail in prop::collection::vec(any::<u8>(), 0..64),
        ) {
            delegate_from_code(&[head, &tail].concat());
        }
    }
}
