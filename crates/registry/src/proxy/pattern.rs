//! Bytecode that delegates everything to one address.

use alloy_primitives::{Address, hex};

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

/// Whether this is the code of an account that delegates (EIP-7702), rather than of a contract.
pub fn is_delegation(code: &[u8]) -> bool {
    code.len() == DELEGATION_HEAD.len() + 20 && code.starts_with(&DELEGATION_HEAD)
}

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
    use alloy_primitives::address;
    use proptest::prelude::*;

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
