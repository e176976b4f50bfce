//! Storage slots in which proxies keep who is in control.

use alloy_primitives::{Address, B256, b256};

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

/// Slots of upgradeable proxies whose change is a change of who is in control, with their names.
pub const AUTHORITY_SLOTS: [(B256, &str); 6] = [
    (EIP1967_IMPLEMENTATION, "EIP-1967 implementation"),
    (EIP1967_ADMIN, "EIP-1967 admin"),
    (EIP1967_BEACON, "EIP-1967 beacon"),
    (EIP1822_IMPLEMENTATION, "EIP-1822 implementation"),
    (ZOS_IMPLEMENTATION, "zos implementation"),
    (ZOS_ADMIN, "zos admin"),
];

/// The slot of a Safe's proxy that decides what runs, with its name.
pub const SAFE_SLOTS: [(B256, &str); 1] = [(SAFE_SINGLETON, "Safe singleton")];

/// The address in a slot's word; `None` when the slot is empty or holds something else.
pub fn implementation_from_word(word: B256) -> Option<Address> {
    let (high, low) = word.split_at(12);
    let address = Address::from_slice(low);
    (high.iter().all(|byte| *byte == 0) && !address.is_zero()).then_some(address)
}

/// OpenZeppelin before EIP-1967: `keccak256("org.zeppelinos.proxy.admin")`.
pub const ZOS_ADMIN: B256 =
    b256!("10d6a54a4754c8869d6886b5f5d7fbfa5b4522237ea5c60d11bc4e7a1ff9390b");
/// Slot 0, where a Safe's proxy keeps its singleton.
pub const SAFE_SINGLETON: B256 = B256::ZERO;
/// A Safe's guard: `keccak256("guard_manager.guard.address")`.
pub const SAFE_GUARD: B256 =
    b256!("4a204f620c8c5ccdca3fd54d003badd85ba500436a431f0cbda4f558c93c34c8");

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{U256, address, keccak256};

    #[test]
    fn slots_are_the_hashes_they_claim_to_be() {
        let less_one =
            |text: &str| B256::from(U256::from_be_bytes(keccak256(text).0).wrapping_sub(U256::ONE));
        assert_eq!(EIP1967_IMPLEMENTATION, less_one("eip1967.proxy.implementation"));
        assert_eq!(EIP1967_ADMIN, less_one("eip1967.proxy.admin"));
        assert_eq!(EIP1967_BEACON, less_one("eip1967.proxy.beacon"));
        assert_eq!(EIP1822_IMPLEMENTATION, keccak256("PROXIABLE"));
        assert_eq!(ZOS_IMPLEMENTATION, keccak256("org.zeppelinos.proxy.implementation"));
        assert_eq!(ZOS_ADMIN, keccak256("org.zeppelinos.proxy.admin"));
        assert_eq!(SAFE_GUARD, keccak256("guard_manager.guard.address"));
    }

    #[test]
    fn a_word_is_an_implementation_only_if_it_is_a_clean_address() {
        let target = address!("bebebebebebebebebebebebebebebebebebebebe");
        assert_eq!(implementation_from_word(target.into_word()), Some(target));
        assert_eq!(implementation_from_word(B256::ZERO), None);
        assert_eq!(implementation_from_word(B256::repeat_byte(1)), None);
    }
}
