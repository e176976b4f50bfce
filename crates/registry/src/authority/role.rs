//! The ways in which power over a contract is held.

use std::{fmt, str::FromStr};

use alloy_primitives::{Address, B256, keccak256};
use serde::{Deserialize, Serialize};

/// One way of holding power over a contract.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Role {
    /// `owner()`.
    Owner,
    /// Was offered ownership and may accept it at any time.
    PendingOwner,
    /// Admin of a proxy (ERC-1967 slot) or `admin()`.
    Admin,
    /// Was offered to be admin.
    PendingAdmin,
    /// The contract that is asked who may call.
    Authority,
    /// A role of OpenZeppelin's AccessControl and its kin, by id.
    Access(B256),
    /// A power with a getter or an event of its own, such as `guardian`.
    Named(String),
    /// Signs for a multisig.
    Signer,
    /// Acts for a multisig without its signers.
    Module,
    /// Checks every transaction of a multisig, and can refuse all.
    Guard,
    /// May take this token out of the account.
    Spender(Address),
}

/// Longest name of a [`Role::Named`]: what fits a word.
const NAME_LEN_MAX: usize = 32;

/// Names that contracts give their roles; the id is the hash of the name.
const KNOWN: [&str; 34] = [
    "ADMIN_ROLE",
    "BLACKLISTER_ROLE",
    "BRIDGE_ROLE",
    "BURNER_ROLE",
    "CANCELLER_ROLE",
    "CLAIMS_ROLE",
    "CONTROLLER_ROLE",
    "EMERGENCY_ROLE",
    "EXECUTOR_ROLE",
    "FEE_ROLE",
    "GOVERNANCE_ROLE",
    "GOVERNOR_ROLE",
    "GUARDIAN_ROLE",
    "ISSUER_ROLE",
    "KEEPER_ROLE",
    "LIQUIDATOR_ROLE",
    "MANAGER_ROLE",
    "MINTER_ROLE",
    "OPERATOR_ROLE",
    "ORACLE_ROLE",
    "OWNER_ROLE",
    "PAUSER_ROLE",
    "PROPOSER_ROLE",
    "RELAYER_ROLE",
    "REPORTER_ROLE",
    "RISK_ROLE",
    "SNAPSHOT_ROLE",
    "STRATEGIST_ROLE",
    "TIMELOCK_ADMIN_ROLE",
    "TREASURY_ROLE",
    "UNPAUSER_ROLE",
    "UPGRADER_ROLE",
    "WHITELIST_ROLE",
    "WITHDRAWER_ROLE",
];

/// What everybody calls the role with the id zero.
const DEFAULT_ADMIN: &str = "DEFAULT_ADMIN_ROLE";

/// The name behind a role's id, when it is one that contracts usually give.
pub fn role_name(id: B256) -> Option<&'static str> {
    if id.is_zero() {
        return Some(DEFAULT_ADMIN);
    }
    KNOWN.into_iter().find(|name| keccak256(name) == id)
}

impl Role {
    /// The role with id zero, whose holders may give all roles unless the contract says otherwise.
    pub const DEFAULT_ADMIN: Self = Self::Access(B256::ZERO);

    /// The access-control role of this name; its id is the hash of the name, and zero for
    /// `DEFAULT_ADMIN_ROLE`.
    pub fn access(name: &str) -> Self {
        Self::Access(if name == DEFAULT_ADMIN { B256::ZERO } else { keccak256(name) })
    }

    /// Whether at most one account can hold it.
    pub fn is_single(&self) -> bool {
        !matches!(self, Self::Access(_) | Self::Signer | Self::Module | Self::Spender(_))
    }

    /// The role as the name of an access-control role, where it is one with a known name.
    pub fn access_name(&self) -> Option<&'static str> {
        match self {
            Self::Access(id) => role_name(*id),
            _ => None,
        }
    }

    /// As a sentence names it: `ISSUER_ROLE`, `owner`, `spender of 0x…`.
    pub fn words(&self) -> String {
        match self {
            Self::PendingOwner => "pending owner".to_owned(),
            Self::PendingAdmin => "pending admin".to_owned(),
            Self::Spender(token) => format!("spender of {token}"),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for Role {
    /// As it is written in a policy.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner => f.write_str("owner"),
            Self::PendingOwner => f.write_str("pending-owner"),
            Self::Admin => f.write_str("admin"),
            Self::PendingAdmin => f.write_str("pending-admin"),
            Self::Authority => f.write_str("authority"),
            Self::Access(id) => match role_name(*id) {
                Some(name) => f.write_str(name),
                None => write!(f, "{id}"),
            },
            Self::Named(name) => f.write_str(name),
            Self::Signer => f.write_str("signer"),
            Self::Module => f.write_str("module"),
            Self::Guard => f.write_str("guard"),
            Self::Spender(token) => write!(f, "spender:{token}"),
        }
    }
}

/// A text that names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no role (owner, admin, authority, signer, module, guard; a name such as MINTER_ROLE or its 32-byte id; spender:0x…; or a getter such as guardian)"
)]
pub struct ParseRoleError(pub String);

impl FromStr for Role {
    type Err = ParseRoleError;

    fn from_str(text: &str) -> Result<Self, ParseRoleError> {
        let wrong = || ParseRoleError(text.to_owned());
        Ok(match text {
            "owner" => Self::Owner,
            "pending-owner" => Self::PendingOwner,
            "admin" => Self::Admin,
            "pending-admin" => Self::PendingAdmin,
            "authority" => Self::Authority,
            "signer" => Self::Signer,
            "module" => Self::Module,
            "guard" => Self::Guard,
            _ if text.starts_with("0x") => Self::Access(text.parse().map_err(|_| wrong())?),
            _ if text.starts_with("spender:") => {
                Self::Spender(text["spender:".len()..].parse().map_err(|_| wrong())?)
            }
            _ => named(text).ok_or_else(wrong)?,
        })
    }
}

/// `MINTER_ROLE` is an access-control role, `guardian` a power with a getter.
fn named(text: &str) -> Option<Role> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_name = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.len() <= NAME_LEN_MAX
        && text.chars().all(is_word);
    let is_constant = text.chars().all(|c| !c.is_ascii_lowercase());
    match (is_name, is_constant) {
        (false, _) => None,
        (true, true) => Some(Role::access(text)),
        (true, false) => Some(Role::Named(text.to_owned())),
    }
}

/// The name in a word of the native `RoleChange` event: text from the left, then zeroes.
pub(super) fn name_in_word(word: B256) -> Option<String> {
    let len = word.iter().position(|byte| *byte == 0).unwrap_or(word.len());
    let (name, rest) = word.split_at(len);
    let text = std::str::from_utf8(name).ok()?;
    let is_padded = rest.iter().all(|byte| *byte == 0);
    match named(text) {
        Some(Role::Named(name)) if is_padded => Some(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_is_read_as_it_is_written() {
        let roles = [
            Role::Owner,
            Role::PendingOwner,
            Role::Admin,
            Role::PendingAdmin,
            Role::Authority,
            Role::DEFAULT_ADMIN,
            Role::access("MINTER_ROLE"),
            Role::Access(B256::repeat_byte(7)),
            Role::Named("feeSetter".into()),
            Role::Signer,
            Role::Module,
            Role::Guard,
            Role::Spender(Address::repeat_byte(9)),
        ];
        for role in roles {
            assert_eq!(role.to_string().parse(), Ok(role.clone()), "{role}");
        }
        assert_eq!("ODD_ROLE".parse(), Ok(Role::Access(keccak256("ODD_ROLE"))));
        for wrong in ["", "0x12", "two words", "spender:me", "9lives"] {
            assert!(wrong.parse::<Role>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_word_of_text_is_a_name_and_a_hash_is_not() {
        let mut word = B256::ZERO;
        word[..8].copy_from_slice(b"guardian");
        assert_eq!(name_in_word(word), Some("guardian".into()));
        assert_eq!(name_in_word(keccak256("MINTER_ROLE")), None);
        assert_eq!(name_in_word(B256::ZERO), None);
    }
}
