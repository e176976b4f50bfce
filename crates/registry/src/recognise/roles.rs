//! What roles are called, and the usual ways to ask whether somebody is a member.

use std::{collections::BTreeMap, sync::LazyLock};

use alloy_primitives::{B256, keccak256};

/// Usual words before `_ROLE`. A role's id is the hash of its name, so a name can only be found by
/// trying.
const WORDS: &str = "ADMIN OWNER PAUSER UNPAUSER MINTER BURNER ISSUER REDEEMER TRANSFER SNAPSHOT \
    UPGRADER UPGRADE PROPOSER EXECUTOR CANCELLER CANCELER TIMELOCK_ADMIN GUARDIAN KEEPER OPERATOR \
    MANAGER RELAYER RELAY REPORTER CLAIMS CLAIM RISK RISK_MANAGER RISK_ADMIN GOVERNOR GOVERNANCE \
    DAO COUNCIL LIQUIDATOR LIQUIDATION ORACLE FEED PRICE BRIDGE VALIDATOR SIGNER VERIFIER \
    SEQUENCER SUBMITTER CHALLENGER EMERGENCY EMERGENCY_ADMIN EMERGENCY_PAUSER POOL_ADMIN \
    ASSET_LISTING_ADMIN FLASH_BORROWER BRIDGER TREASURY TREASURER FEE FEE_MANAGER FEE_SETTER \
    FEE_COLLECTOR REWARDER REWARDS DISTRIBUTOR STRATEGIST STRATEGY ALLOCATOR CURATOR REBALANCER \
    HARVESTER DEPOSITOR WITHDRAWER WITHDRAWAL CONTROLLER CONFIGURATOR CONFIG SETTER PARAMETER \
    BLACKLISTER BLACKLIST WHITELISTER WHITELIST COMPLIANCE FREEZER SEIZER RESCUER RECOVERY \
    SUPPLIER BORROWER LENDER TRADER SWAPPER ROUTER FACTORY CREATOR DEPLOYER REGISTRAR REGISTRY \
    MODERATOR ARBITER RESOLVER AUDITOR WATCHER MONITOR SECURITY MULTISIG SPENDER PAYER PAYOUT";

static NAMES: LazyLock<BTreeMap<B256, String>> = LazyLock::new(|| {
    let mut names = BTreeMap::from([(B256::ZERO, "DEFAULT_ADMIN_ROLE".to_owned())]);
    for word in WORDS.split_whitespace() {
        // Most hash the name of the constant; some leave the ending away.
        for name in [format!("{word}_ROLE"), word.to_owned()] {
            names.insert(keccak256(&name), name);
        }
        // A few write the name itself into the word.
        for name in [format!("{word}_ROLE"), word.to_owned(), word.to_lowercase()] {
            if name.len() <= 32 {
                names.insert(B256::right_padding_from(name.as_bytes()), name);
            }
        }
    }
    names
});

/// The name of a role, when its id is the hash of a usual one or a text by itself.
pub fn role_name(role: B256) -> Option<String> {
    if let Some(name) = NAMES.get(&role) {
        return Some(name.clone());
    }
    let text = role.as_slice();
    let end = text.iter().position(|byte| *byte == 0)?;
    let (text, padding) = text.split_at(end);
    let is_text = text.len() >= 3
        && text.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_' || *b == b'-')
        && padding.iter().all(|byte| *byte == 0);
    is_text.then(|| String::from_utf8_lossy(text).into_owned())
}

/// Functions of one address that answer whether it is a member of something, with the word for
/// such a member.
pub const MEMBERSHIPS: [(&str, &str); 12] = [
    ("isMember(address)", "member"),
    ("isOwner(address)", "owner"),
    ("isSigner(address)", "signer"),
    ("isGuardian(address)", "guardian"),
    ("isKeeper(address)", "keeper"),
    ("isOperator(address)", "operator"),
    ("isRelayer(address)", "relayer"),
    ("isAdmin(address)", "admin"),
    ("isMinter(address)", "minter"),
    ("minters(address)", "minter"),
    ("isAuthorized(address)", "authorised"),
    ("wards(address)", "ward"),
];

/// Getters of one address that name somebody who may do something, rather than something that is
/// used.
pub const AUTHORITY_GETTERS: &[&str] = &[
    "owner",
    "pendingOwner",
    "admin",
    "pendingAdmin",
    "authority",
    "governance",
    "governor",
    "gov",
    "dao",
    "council",
    "multisig",
    "guardian",
    "pauseGuardian",
    "emergencyAdmin",
    "operator",
    "keeper",
    "strategist",
    "manager",
    "controller",
    "management",
    "curator",
    "relayer",
    "sequencer",
    "proposer",
    "challenger",
    "signer",
    "validator",
    "minter",
    "masterMinter",
    "blacklister",
    "rescuer",
    "feeToSetter",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_named_by_hash_by_text_or_not_at_all() {
        assert_eq!(role_name(B256::ZERO).as_deref(), Some("DEFAULT_ADMIN_ROLE"));
        assert_eq!(role_name(keccak256("CLAIMS_ROLE")).as_deref(), Some("CLAIMS_ROLE"));
        let text = B256::right_padding_from(b"council-member");
        assert_eq!(role_name(text).as_deref(), Some("council-member"));
        assert_eq!(role_name(keccak256("a name nobody would guess")), None);
        assert_eq!(role_name(B256::with_last_byte(7)), None);
    }
}
