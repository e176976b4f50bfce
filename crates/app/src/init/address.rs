//! One contract, known by its address and by what its code answers to.
//!
//! Without source or ABI, the selectors in the bytecode still say which well-known interfaces a
//! contract has; those are what is proposed, and the proposal says so.

use alloy_json_abi::JsonAbi;

/// A well-known interface: recognised by functions, described by functions and events.
struct Standard {
    name: &'static str,
    /// The contract has it when its code compares with all of these.
    functions: &'static [&'static str],
    events: &'static [&'static str],
}

const STANDARDS: &[Standard] = &[
    Standard {
        name: "ERC-20 token",
        functions: &[
            "function totalSupply() view returns (uint256)",
            "function balanceOf(address account) view returns (uint256)",
            "function transfer(address to, uint256 value) returns (bool)",
            "function transferFrom(address from, address to, uint256 value) returns (bool)",
            "function approve(address spender, uint256 value) returns (bool)",
        ],
        events: &[
            "event Transfer(address indexed from, address indexed to, uint256 value)",
            "event Approval(address indexed owner, address indexed spender, uint256 value)",
        ],
    },
    Standard {
        name: "ERC-4626 vault",
        functions: &[
            "function totalAssets() view returns (uint256)",
            "function deposit(uint256 assets, address receiver) returns (uint256 shares)",
            "function withdraw(uint256 assets, address receiver, address owner) returns (uint256 shares)",
            "function redeem(uint256 shares, address receiver, address owner) returns (uint256 assets)",
        ],
        events: &[
            "event Deposit(address indexed sender, address indexed owner, uint256 assets, uint256 shares)",
            "event Withdraw(address indexed sender, address indexed receiver, address indexed owner, uint256 assets, uint256 shares)",
        ],
    },
    Standard {
        name: "Ownable",
        functions: &[
            "function owner() view returns (address)",
            "function transferOwnership(address newOwner)",
        ],
        events: &[
            "event OwnershipTransferred(address indexed previousOwner, address indexed newOwner)",
        ],
    },
    Standard {
        name: "AccessControl",
        functions: &[
            "function hasRole(bytes32 role, address account) view returns (bool)",
            "function grantRole(bytes32 role, address account)",
            "function revokeRole(bytes32 role, address account)",
        ],
        events: &[
            "event RoleGranted(bytes32 indexed role, address indexed account, address indexed sender)",
            "event RoleRevoked(bytes32 indexed role, address indexed account, address indexed sender)",
            "event RoleAdminChanged(bytes32 indexed role, bytes32 indexed previousAdminRole, bytes32 indexed newAdminRole)",
        ],
    },
    Standard {
        name: "Pausable",
        functions: &["function paused() view returns (bool)"],
        events: &["event Paused(address account)", "event Unpaused(address account)"],
    },
    Standard {
        name: "Chainlink-style feed",
        functions: &[
            "function latestRoundData() view returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)",
            "function decimals() view returns (uint8)",
        ],
        events: &[
            "event AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt)",
        ],
    },
    Standard {
        name: "timelock",
        functions: &[
            "function getMinDelay() view returns (uint256)",
            "function execute(address target, uint256 value, bytes payload, bytes32 predecessor, bytes32 salt) payable",
        ],
        events: &[
            "event CallScheduled(bytes32 indexed id, uint256 indexed index, address target, uint256 value, bytes data, bytes32 predecessor, uint256 delay)",
            "event CallExecuted(bytes32 indexed id, uint256 indexed index, address target, uint256 value, bytes data)",
            "event MinDelayChange(uint256 oldDuration, uint256 newDuration)",
        ],
    },
];

/// Events of an ERC-1967 proxy: it is recognised by its storage, not by its code.
const PROXY_EVENTS: &[&str] = &[
    "event Upgraded(address indexed implementation)",
    "event AdminChanged(address previousAdmin, address newAdmin)",
];

/// The ABI that bytecode gives away, with the names of the interfaces that were recognised.
/// `is_proxy` adds what an ERC-1967 proxy emits.
pub fn from_code(code: &[u8], is_proxy: bool) -> (String, Vec<&'static str>) {
    let selectors = pushed_selectors(code);
    let mut lines: Vec<&str> = Vec::new();
    let mut names = Vec::new();
    for standard in STANDARDS {
        let described = JsonAbi::parse(standard.functions.iter().copied());
        let has_all = described.is_ok_and(|abi| {
            abi.functions().all(|f| selectors.binary_search(&f.selector().0).is_ok())
        });
        if has_all {
            names.push(standard.name);
            lines.extend(standard.functions);
            lines.extend(standard.events);
        }
    }
    if is_proxy {
        names.push("ERC-1967 proxy");
        lines.extend(PROXY_EVENTS);
    }
    let abi = JsonAbi::parse(lines).expect("the lines above parse, a test says so");
    (serde_json::to_string_pretty(&abi).expect("an ABI is plain JSON"), names)
}

/// The four-byte constants that the code pushes: function selectors are among them. Sorted.
fn pushed_selectors(code: &[u8]) -> Vec<[u8; 4]> {
    const PUSH1: u8 = 0x60;
    const PUSH4: u8 = 0x63;
    const PUSH32: u8 = 0x7f;
    let mut selectors = Vec::new();
    let mut at = 0;
    while let Some(&op) = code.get(at) {
        at += 1;
        if (PUSH1..=PUSH32).contains(&op) {
            let width = usize::from(op - PUSH1) + 1;
            if op == PUSH4
                && let Some(bytes) = code.get(at..at + 4)
            {
                selectors.extend(<[u8; 4]>::try_from(bytes));
            }
            at += width;
        }
    }
    selectors.sort_unstable();
    selectors.dedup();
    selectors
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_with(functions: &[&str]) -> Vec<u8> {
        let abi = JsonAbi::parse(functions.iter().copied()).unwrap();
        abi.functions()
            .flat_map(|f| [&[0x80, 0x63], f.selector().as_slice(), &[0x14]].concat())
            .collect()
    }

    #[test]
    fn every_standard_is_recognised_by_its_own_functions_and_no_other_code() {
        for standard in STANDARDS {
            let (json, names) = from_code(&code_with(standard.functions), false);
            assert!(names.contains(&standard.name), "{}", standard.name);
            let abi: JsonAbi = serde_json::from_str(&json).unwrap();
            assert_eq!(abi.events().count(), standard.events.len(), "{}", standard.name);
            let (_, names) = from_code(&code_with(&standard.functions[1..]), false);
            assert!(!names.contains(&standard.name), "{}", standard.name);
        }
    }

    #[test]
    fn a_selector_inside_other_push_data_is_not_one() {
        let transfer = code_with(&["function transfer(address to, uint256 value) returns (bool)"]);
        let hidden = [&[0x7f][..], &[0; 26], &transfer[1..6], &[0; 1]].concat();
        assert_eq!(pushed_selectors(&transfer).len(), 1);
        assert!(pushed_selectors(&hidden).is_empty());
        assert!(pushed_selectors(&[0x63, 1, 2]).is_empty(), "cut off at the end");
    }

    #[test]
    fn an_unknown_contract_gets_an_empty_interface_and_a_proxy_its_events() {
        assert_eq!(from_code(&[], false).1, Vec::<&str>::new());
        let (json, names) = from_code(&[], true);
        assert_eq!(names, ["ERC-1967 proxy"]);
        assert!(json.contains("Upgraded"));
    }
}
