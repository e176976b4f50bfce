//! The compiled contracts, embedded so that the program needs no files beside it.

use alloy_json_abi::JsonAbi;
use alloy_primitives::Bytes;
use serde::Deserialize;

/// A compiled contract: its name and the artefact's JSON text (`contractName`, `abi`, `bytecode`,
/// `deployedBytecode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Artifact {
    /// Name of the contract.
    pub name: &'static str,
    /// The artefact file.
    pub json: &'static str,
}

#[derive(Deserialize)]
struct Fields {
    abi: JsonAbi,
    bytecode: Bytes,
}

impl Artifact {
    /// Its ABI.
    pub fn abi(&self) -> JsonAbi {
        self.fields().abi
    }

    /// Its initcode, without constructor arguments.
    pub fn bytecode(&self) -> Bytes {
        self.fields().bytecode
    }

    fn fields(&self) -> Fields {
        serde_json::from_str(self.json).expect("embedded artefacts are checked by a test")
    }
}

macro_rules! artifacts {
    ($($constant:ident = $name:literal, $doc:literal;)*) => {
        $(
            #[doc = $doc]
            pub const $constant: Artifact = Artifact {
                name: $name,
                json: include_str!(concat!("../../../contracts/artifacts/", $name, ".json")),
            };
        )*

        /// All of them.
        pub const ALL: &[Artifact] = &[$($constant),*];
    };
}

artifacts! {
    RISK_EVENTS = "IRiskEvents", "The three native risk events (interface).";
    MERIDIAN_TOKEN = "MeridianToken", "mUSD, the token that is issued and redeemed.";
    VAULT = "Vault", "Implementation of the vault.";
    PROXY = "Proxy", "The upgradeable proxy before the vault.";
    PRICE_ORACLE = "PriceOracle", "Price feed with a heartbeat.";
    PAIR = "Pair", "Market between mUSD and ether.";
    FLASH_LENDER = "FlashLender", "Loans for the length of one call.";
    TIMELOCK = "Timelock", "Delay between decision and execution.";
    GOVERNOR = "Governor", "The council.";
    INSURANCE_FUND = "InsuranceFund", "Money put aside for users.";
    BRIDGE_LOCKER = "BridgeLocker", "Locks what travels to other chains.";
    CHILD_FACTORY = "ChildFactory", "Creates pools by the thousand.";
    CHILD_POOL = "ChildPool", "A pool as the factory makes them.";
    HARBOUR = "Harbour", "A small protocol that owns nothing it relies on.";
    STABLECOIN = "Stablecoin", "Somebody else's dollar, with a pause and a blacklist.";
    LENDING_MARKET = "LendingMarket", "Somebody else's lending pool, with a freeze.";
    FEED_PROXY = "FeedProxy", "Somebody else's price feed, with an aggregator that may be swapped.";
    MESSAGE_BRIDGE = "MessageBridge", "Somebody else's bridge.";
    REENTRANCY_ATTACKER = "ReentrancyAttacker", "Drains the vault's ether by calling back.";
    FLASH_ATTACKER = "FlashAttacker", "Empties the vault at a price it made itself.";
    MALICIOUS_IMPLEMENTATION = "MaliciousImplementation", "The vault with a back door.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_artefact_reads_and_only_the_interface_has_no_code() {
        for artifact in ALL {
            let fields: Fields = serde_json::from_str(artifact.json).unwrap();
            assert_eq!(fields.bytecode.is_empty(), *artifact == RISK_EVENTS, "{}", artifact.name);
            assert!(artifact.json.contains(&format!("\"contractName\": \"{}\"", artifact.name)));
        }
    }
}
