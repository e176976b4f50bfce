//! Events that are read without an ABI of their own: those of the user's `--abi` files, and those of
//! standards, which everybody declares alike.
//!
//! A signature such as `Transfer(address,address,uint256)` does not say which arguments are indexed,
//! and without that a log cannot be read. Guessing would show wrong values as evidence.

use std::sync::Arc;

use alloy_primitives::B256;
use registry::{ContractAbi, EventAbi};

use super::assemble::normal;

/// Events of EIPs and of OpenZeppelin Contracts.
const STANDARD: &[&str] = &[
    "event Transfer(address indexed from, address indexed to, uint256 value)",
    "event Approval(address indexed owner, address indexed spender, uint256 value)",
    "event ApprovalForAll(address indexed owner, address indexed operator, bool approved)",
    "event TransferSingle(address indexed operator, address indexed from, address indexed to, uint256 id, uint256 value)",
    "event OwnershipTransferred(address indexed previousOwner, address indexed newOwner)",
    "event OwnershipTransferStarted(address indexed previousOwner, address indexed newOwner)",
    "event RoleGranted(bytes32 indexed role, address indexed account, address indexed sender)",
    "event RoleRevoked(bytes32 indexed role, address indexed account, address indexed sender)",
    "event RoleAdminChanged(bytes32 indexed role, bytes32 indexed previousAdminRole, bytes32 indexed newAdminRole)",
    "event Paused(address account)",
    "event Unpaused(address account)",
    "event Upgraded(address indexed implementation)",
    "event AdminChanged(address previousAdmin, address newAdmin)",
    "event BeaconUpgraded(address indexed beacon)",
    "event Initialized(uint64 version)",
    "event Deposit(address indexed sender, address indexed owner, uint256 assets, uint256 shares)",
    "event Withdraw(address indexed sender, address indexed receiver, address indexed owner, uint256 assets, uint256 shares)",
    "event ExecutionSuccess(bytes32 indexed txHash, uint256 payment)",
    "event ExecutionFailure(bytes32 indexed txHash, uint256 payment)",
    "event AddedOwner(address indexed owner)",
    "event RemovedOwner(address indexed owner)",
    "event ChangedThreshold(uint256 threshold)",
];

/// Events by signature and by topic.
#[derive(Debug, Clone)]
pub struct KnownEvents {
    events: Vec<Arc<EventAbi>>,
}

impl KnownEvents {
    /// The standard ones behind those of the user's own ABIs.
    pub fn new<'a>(own: impl IntoIterator<Item = &'a ContractAbi>) -> Self {
        let own: Vec<Arc<EventAbi>> =
            own.into_iter().flat_map(ContractAbi::events).cloned().collect();
        let standard = STANDARD.iter().filter_map(|text| EventAbi::parse(text).ok());
        Self { events: own.into_iter().chain(standard).collect() }
    }

    /// By canonical signature.
    pub(crate) fn by_signature(&self, signature: &str) -> Option<&Arc<EventAbi>> {
        let wanted = normal(signature);
        self.events.iter().find(|event| normal(&event.signature) == wanted)
    }

    /// By the hash of the signature.
    pub(crate) fn by_topic(&self, topic0: B256) -> Option<&Arc<EventAbi>> {
        self.events.iter().find(|event| event.topic0 == Some(topic0))
    }
}

/// An ABI of these events alone, as JSON.
pub(crate) fn abi_json(events: &[Arc<EventAbi>]) -> String {
    let items: Vec<serde_json::Value> = events
        .iter()
        .map(|event| {
            let inputs: Vec<_> = event
                .params
                .iter()
                .map(|param| {
                    let mut input = part_json(param);
                    input["indexed"] = param.indexed.into();
                    input
                })
                .collect();
            serde_json::json!({
                "type": "event", "name": event.name, "anonymous": event.topic0.is_none(),
                "inputs": inputs,
            })
        })
        .collect();
    format!("{:#}\n", serde_json::Value::Array(items))
}

/// A parameter. Tuples are spelled by their shape here, `(address,uint256)[]`, and by `tuple[]` with
/// components there.
fn part_json(part: &registry::Param) -> serde_json::Value {
    let name = part.type_name();
    if part.components.is_empty() {
        return serde_json::json!({ "name": part.name, "type": name });
    }
    let ending = name.rsplit_once(')').map_or("", |(_, ending)| ending);
    let parts: Vec<serde_json::Value> = part.components.iter().map(part_json).collect();
    serde_json::json!({
        "name": part.name, "type": format!("tuple{ending}"), "components": parts,
    })
}
