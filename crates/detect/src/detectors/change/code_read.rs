//! What of a contract is read to know what code runs behind it.

use std::{collections::BTreeMap, num::NonZeroU32};

use alloy_primitives::{Address, B256};
use model::{PlannedRead, ReadRequest};
use registry::{
    Class, Deployment,
    lineage::Functions,
    proxy::{AUTHORITY_SLOTS, FACETS, IMPLEMENTATION, SAFE_SLOTS},
};
use serde::{Deserialize, Serialize};

use crate::state::{Key, Kind, MonitorKey};

/// One contract and what is read of it.
pub(super) struct Watched {
    pub(super) index: u32,
    pub(super) address: Address,
    /// Where it is remembered.
    pub(super) key: Key,
    pub(super) parts: Vec<(Part, PlannedRead)>,
}

/// Something that decides what code runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The code at the address.
    Code,
    /// A slot, with its name.
    Slot(B256, &'static str),
    /// What a beacon tells its proxies.
    Beacon,
    /// Which facets answer the functions of a diamond.
    Loupe,
}

/// What was read of a contract last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeRead {
    /// keccak256 of its code.
    pub(super) code: Option<B256>,
    /// Words of its slots.
    pub(super) slots: BTreeMap<B256, B256>,
    /// What it tells as a beacon.
    pub(super) beacon: Option<B256>,
    /// Who answers its functions as a diamond; cuts that it told since are in it.
    pub(super) functions: Option<Functions>,
}

impl Watched {
    /// Everything that can decide what runs, as far as the file and the interface tell. What cannot
    /// be there is not read: each part costs the node a request. `all_slots` reads the slots of
    /// proxies whatever the interface says.
    pub(super) fn of(
        monitor: &MonitorKey,
        (index, deployment): (u32, &Deployment),
        all_slots: bool,
        every_blocks: NonZeroU32,
    ) -> Self {
        let mut parts = vec![Part::Code];
        let slot = |(slot, name): &(B256, &'static str)| Part::Slot(*slot, name);
        if is_beacon(deployment) {
            parts.push(Part::Beacon);
        }
        if all_slots || !is_beacon(deployment) && may_be_proxy(deployment) {
            parts.extend(in_order(&AUTHORITY_SLOTS).iter().map(slot));
        }
        if has(deployment, "execTransaction") && has(deployment, "getThreshold") {
            parts.extend(in_order(&SAFE_SLOTS).iter().map(slot));
        }
        if has_signature(deployment, "facets()") {
            parts.push(Part::Loupe);
        }
        let address = deployment.address;
        let planned = |part: Part| (part, part.request(address).every(every_blocks));
        let key = Key::new(Kind::CodeRead).monitor(monitor).address(address);
        Self { index, address, key, parts: parts.into_iter().map(planned).collect() }
    }
}

/// Slots as answers lie: one after the other.
fn in_order(slots: &[(B256, &'static str)]) -> Vec<(B256, &'static str)> {
    let mut slots = slots.to_vec();
    slots.sort_unstable();
    slots
}

impl Part {
    fn request(self, of: Address) -> ReadRequest {
        let call = |selector: [u8; 4]| ReadRequest::Call { to: of, input: selector.into() };
        match self {
            Self::Code => ReadRequest::CodeHash(of),
            Self::Slot(slot, _) => ReadRequest::Storage { of, slot },
            Self::Beacon => call(IMPLEMENTATION),
            Self::Loupe => call(FACETS),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Code => "code hash",
            Self::Slot(_, name) => name,
            Self::Beacon => "beacon's implementation",
            Self::Loupe => "facets",
        }
    }
}

fn has(deployment: &Deployment, function: &str) -> bool {
    deployment.abi.functions().any(|known| known.name == function)
}

fn has_signature(deployment: &Deployment, signature: &str) -> bool {
    deployment.abi.functions().any(|known| known.signature == signature)
}

/// Whether a contract's slots can hold something: it is declared a proxy, or its interface upgrades.
fn may_be_proxy(deployment: &Deployment) -> bool {
    let speaks = |name: &str| matches!(name, "Upgraded" | "BeaconUpgraded" | "AdminChanged");
    let does = |name: &str| matches!(name, "upgradeTo" | "upgradeToAndCall" | "proxiableUUID");
    deployment.class == Class::Proxy
        || deployment.abi.events().any(|event| speaks(&event.name))
        || deployment.abi.functions().any(|function| does(&function.name))
}

/// Whether it tells others what to run: `implementation()` answers anybody. That of a transparent
/// proxy answers its admin alone, and those have a fallback.
fn is_beacon(deployment: &Deployment) -> bool {
    let may_change = has_signature(deployment, "upgradeTo(address)")
        || deployment.abi.events().any(|event| event.name == "Upgraded");
    deployment.class != Class::Proxy
        && has_signature(deployment, "implementation()")
        && may_change
        && !deployment.abi.has_fallback()
        && !has(deployment, "proxiableUUID")
        && !has(deployment, "upgradeToAndCall")
}
