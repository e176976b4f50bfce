//! Functions that give or use power over a contract, by selector.

use std::sync::LazyLock;

use alloy_primitives::keccak256;
use rustc_hash::FxHashMap;

/// What owners, governors and first callers may do. Signatures that many protocols share.
const SIGNATURES: &[&str] = &[
    "initialize()",
    "initialize(address)",
    "initialize(address,address)",
    "initialize(address,address,address)",
    "initialize(address,address,address,address)",
    "initialize(address,bytes)",
    "initialize(string,string)",
    "initialize(address,uint256)",
    "initialize(uint256)",
    "initialize(address[],uint256,uint256)",
    "init()",
    "init(address)",
    "init(address,address)",
    "initWallet(address[],uint256,uint256)",
    "initMultiowned(address[],uint256)",
    "transferOwnership(address)",
    "acceptOwnership()",
    "claimOwnership()",
    "takeOwnership()",
    "setOwner(address)",
    "changeOwner(address)",
    "addOwner(address)",
    "setAdmin(address)",
    "changeAdmin(address)",
    "setPendingAdmin(address)",
    "setGovernance(address)",
    "setGovernor(address)",
    "setOperator(address)",
    "setController(address)",
    "setManager(address)",
    "setMinter(address)",
    "addMinter(address)",
    "grantRole(bytes32,address)",
    "upgradeTo(address)",
    "upgradeToAndCall(address,bytes)",
    "setImplementation(address)",
    "setOracle(address)",
    "setPriceOracle(address)",
    "setPrice(uint256)",
    "setPrice(address,uint256)",
    "setRouter(address)",
    "setStrategy(address)",
    "setTreasury(address)",
    "setFeeTo(address)",
    "setSigner(address)",
    "kill(address)",
    "destroy(address)",
    "sweep(address)",
    "emergencyWithdraw(address)",
    "rescueTokens(address,uint256)",
    "recoverERC20(address,uint256)",
    "inCaseTokensGetStuck(address)",
];

/// The signature behind a selector that gives or uses power.
pub(super) fn named(selector: [u8; 4]) -> Option<&'static str> {
    static BY_SELECTOR: LazyLock<FxHashMap<[u8; 4], &'static str>> = LazyLock::new(|| {
        let selector = |signature: &str| {
            let hash = keccak256(signature);
            [hash[0], hash[1], hash[2], hash[3]]
        };
        SIGNATURES.iter().map(|signature| (selector(signature), *signature)).collect()
    });
    BY_SELECTOR.get(&selector).copied()
}
