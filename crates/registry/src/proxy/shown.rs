//! Which kind of proxy a contract shows itself to be, without asking it: by its interface and by
//! what was seen of its life.

use alloy_primitives::keccak256;

use crate::{
    ContractAbi,
    lineage::{Delegate, Lineage},
};

/// A kind of proxy, and what speaks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The words for it on pages and in messages.
    pub kind: &'static str,
    /// What speaks for it.
    pub why: String,
}

/// The kind of proxy; `None` when nothing speaks for one. A clone (ERC-1167), whose target is in its
/// bytecode alone, shows nothing here: `bellwether init --address` asks the chain.
pub fn shown(abi: &ContractAbi, lineage: Option<&Lineage>) -> Option<Shown> {
    let says = |signature: &str| {
        let topic0 = keccak256(signature);
        abi.events().any(|event| event.topic0 == Some(topic0)).then(|| format!("emits {signature}"))
    };
    let answers = |signatures: &[&str]| {
        let is_there = |signature: &&&str| abi.functions().any(|f| f.signature == ***signature);
        signatures.iter().find(|s| is_there(s)).map(|signature| format!("answers {signature}"))
    };
    let was_seen = |is_it: fn(&Delegate) -> bool, what: &str| {
        let now = lineage?.delegates.now()?;
        is_it(&now).then(|| format!("{what} was seen to change"))
    };
    let facets = || {
        let facets = &lineage?.facets;
        (!facets.is_empty()).then(|| format!("selectors cut into it: {}", facets.len()))
    };
    let found = |kind, why: Option<String>| why.map(|why| Shown { kind, why });
    let upgrades = ["upgradeToAndCall(address,bytes)", "upgradeTo(address)"];
    found("diamond (ERC-2535)", facets())
        .or_else(|| {
            let cut = "diamondCut((address,uint8,bytes4[])[],address,bytes)";
            found("diamond (ERC-2535)", answers(&[cut, "facets()", "facetAddress(bytes4)"]))
        })
        .or_else(|| {
            let is_beacon = |delegate: &Delegate| matches!(delegate, Delegate::Beacon(_));
            found("beacon proxy (ERC-1967)", was_seen(is_beacon, "its beacon"))
        })
        .or_else(|| found("beacon proxy (ERC-1967)", says("BeaconUpgraded(address)")))
        .or_else(|| found("Safe proxy", says("ChangedMasterCopy(address)")))
        .or_else(|| {
            answers(&upgrades)?;
            found("UUPS proxy (ERC-1967)", answers(&["proxiableUUID()"]))
        })
        .or_else(|| {
            says("Upgraded(address)")?;
            let admin = says("AdminChanged(address,address)")
                .or_else(|| answers(&["changeAdmin(address)"]));
            found("ERC-1967 proxy with an admin", admin)
        })
        .or_else(|| {
            found(
                "ERC-1967 proxy",
                says("Upgraded(address)").filter(|_| answers(&upgrades).is_some()),
            )
        })
        .or_else(|| {
            let is_code = |delegate: &Delegate| matches!(delegate, Delegate::Implementation(_));
            found("ERC-1967 proxy", was_seen(is_code, "its implementation"))
        })
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{Address, B256};
    use model::BlockRef;

    use super::*;

    fn of(items: &[&str], lineage: Option<&Lineage>) -> Option<(&'static str, String)> {
        let abi = ContractAbi::from_solidity(items.iter().copied()).unwrap();
        shown(&abi, lineage).map(|shown| (shown.kind, shown.why))
    }

    #[test]
    fn interfaces_show_their_kind_of_proxy() {
        let kind = |items: &[&str]| of(items, None).map(|(kind, _)| kind);
        assert_eq!(kind(&["function transfer(address to, uint256 amount)"]), None);
        let upgraded = "event Upgraded(address indexed implementation)";
        let upgrade = "function upgradeToAndCall(address to, bytes data) payable";
        assert_eq!(kind(&[upgraded]), None, "an event that others have as well is not enough");
        assert_eq!(kind(&[upgraded, upgrade]), Some("ERC-1967 proxy"));
        let uups = "function proxiableUUID() view returns (bytes32)";
        assert_eq!(kind(&[upgraded, upgrade, uups]), Some("UUPS proxy (ERC-1967)"));
        assert_eq!(kind(&[uups]), None, "nothing upgrades it");
        let admin = "event AdminChanged(address before, address after)";
        assert_eq!(kind(&[upgraded, admin]), Some("ERC-1967 proxy with an admin"));
        let beacon = "event BeaconUpgraded(address indexed beacon)";
        assert_eq!(kind(&[upgraded, beacon]), Some("beacon proxy (ERC-1967)"));
        let facet = "function facetAddress(bytes4 selector) view returns (address)";
        assert_eq!(kind(&[facet]), Some("diamond (ERC-2535)"));
        assert_eq!(kind(&["event ChangedMasterCopy(address singleton)"]), Some("Safe proxy"));
    }

    #[test]
    fn what_was_seen_of_its_life_speaks_as_well() {
        let (to, block) = (Address::repeat_byte(1), BlockRef { number: 1, hash: B256::ZERO });
        let mut lineage = Lineage::default();
        assert_eq!(of(&[], Some(&lineage)), None);
        lineage.delegates.note(Delegate::Implementation(to), block);
        let seen = |lineage: &Lineage| of(&[], Some(lineage)).unwrap();
        assert_eq!(
            seen(&lineage),
            ("ERC-1967 proxy", "its implementation was seen to change".to_owned())
        );
        lineage.delegates.note(Delegate::Beacon(to), block);
        assert_eq!(seen(&lineage).0, "beacon proxy (ERC-1967)");
        lineage.facets.insert([1; 4], to);
        assert_eq!(seen(&lineage), ("diamond (ERC-2535)", "selectors cut into it: 1".to_owned()));
    }
}
