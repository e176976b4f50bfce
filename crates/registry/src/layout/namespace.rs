//! Where namespaces lie, and which slots belong to proxies.

use alloy_primitives::{B256, U256, b256, keccak256};

/// Where a namespace begins by ERC-7201: `keccak256(keccak256(id) - 1)` with its last byte cleared,
/// so that 256 slots of it share what a verkle tree warms together.
/// <https://eips.ethereum.org/EIPS/eip-7201>
pub fn erc7201(id: &str) -> B256 {
    let inner = U256::from_be_bytes(keccak256(id).0).wrapping_sub(U256::ONE);
    let mut root = keccak256(inner.to_be_bytes::<32>());
    root[31] = 0;
    root
}

/// Whether a `@custom:storage-location` is of a form that says where it lies.
pub fn is_known_form(location: &str) -> bool {
    root(location).is_some()
}

/// Where the namespace with this location begins: `erc7201:<id>`.
pub fn root(location: &str) -> Option<B256> {
    location.strip_prefix("erc7201:").map(erc7201)
}

/// Slots that proxies use, by what they hold. A contract behind a proxy that keeps a variable of its
/// own there takes the proxy's place.
pub const RESERVED: &[(B256, &str)] = &[
    (
        b256!("360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc"),
        "the EIP-1967 implementation",
    ),
    (
        b256!("b53127684a568b3173ae13b9f8a6016e243e63b6e8ee1178d6a717850b5d6103"),
        "the EIP-1967 admin",
    ),
    (
        b256!("a3f0ad74e5423aebfd80d3ef4346578335a9a72aeaee59ff6cb3582b35133d50"),
        "the EIP-1967 beacon",
    ),
    (
        b256!("4910fdfa16fed3260ed0e7147f7cc6da11a60208b5b9406d12a635614ffd9143"),
        "the EIP-1967 rollback flag",
    ),
    (
        b256!("c5f16f0fcc639fa48a6947836d9850f504798523bf8c9a3a87d5876cf622bcf7"),
        "the EIP-1822 implementation",
    ),
    (
        b256!("7050c9e0f4ca769c69bd3a8ef740bc37934f8e2c036e5a723fd8ee048ed3f8c3"),
        "the zeppelinos implementation",
    ),
    (
        b256!("10d6a54a4754c8869d6886b5f5d7fbfa5b4522237ea5c60d11bc4e7a1ff9390b"),
        "the zeppelinos admin",
    ),
    (
        b256!("c8fcad8db84d3cc18b4c41d551ea0ee66dd599cde068d998e57d5e09332c131c"),
        "the facets of an EIP-2535 diamond",
    ),
];

/// What a proxy keeps in the slots from `start` up to `end`, if anything.
pub fn reserved_in(start: U256, slots: U256) -> Option<&'static str> {
    let end = start.saturating_add(slots);
    let found = RESERVED.iter().find(|(slot, _)| {
        let slot = U256::from_be_bytes(slot.0);
        slot >= start && slot < end
    });
    found.map(|(_, what)| *what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_the_one_of_the_proposals_example() {
        let expected = b256!("183a6125c38840424c4a85fa12bab2ab606c4b6d0e7cc73c0c06ba5300eab500");
        assert_eq!(erc7201("example.main"), expected);
        assert_eq!(root("erc7201:example.main"), Some(expected));
        assert_eq!(root("example.main"), None);
    }

    #[test]
    fn reserved_slots_are_what_their_proposals_derive() {
        let minus_one =
            |text: &str| B256::from(U256::from_be_bytes(keccak256(text).0).wrapping_sub(U256::ONE));
        let derived = [
            minus_one("eip1967.proxy.implementation"),
            minus_one("eip1967.proxy.admin"),
            minus_one("eip1967.proxy.beacon"),
            minus_one("eip1967.proxy.rollback"),
            keccak256("PROXIABLE"),
            keccak256("org.zeppelinos.proxy.implementation"),
            keccak256("org.zeppelinos.proxy.admin"),
            keccak256("diamond.standard.diamond.storage"),
        ];
        let listed: Vec<B256> = RESERVED.iter().map(|(slot, _)| *slot).collect();
        assert_eq!(listed, derived);
    }

    #[test]
    fn a_stretch_that_covers_a_reserved_slot_is_found() {
        let implementation = U256::from_be_bytes(RESERVED[0].0.0);
        let what = reserved_in(implementation - U256::from(3), U256::from(4));
        assert_eq!(what, Some("the EIP-1967 implementation"));
        assert_eq!(reserved_in(implementation - U256::from(3), U256::from(3)), None);
    }
}
