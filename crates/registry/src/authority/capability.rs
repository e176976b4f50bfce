//! What a role lets its holder do, and how much that weighs.
//!
//! Weights are those by which a change of authority is scored: 10 for replacing code or giving
//! roles, 8 for making or taking money and for ending a pause, 5 for prices and parameters, 2 for
//! pausing and vetoing.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

use super::{Guards, Role};
use crate::{Class, ContractAbi};

/// One thing that power is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Capability {
    /// Replace the code.
    Upgrade,
    /// Decide who holds power.
    Administer,
    /// Create tokens.
    Mint,
    /// Take money out.
    Withdraw,
    /// End a pause.
    Unpause,
    /// Say what something costs.
    Price,
    /// Change settings.
    Parameter,
    /// Have calls made after a delay or a vote.
    Propose,
    /// Routine work.
    Operate,
    /// Stop the contract.
    Pause,
    /// Stop what others proposed.
    Veto,
}

impl Capability {
    /// All, heaviest first.
    pub const ALL: [Self; 11] = [
        Self::Upgrade,
        Self::Administer,
        Self::Mint,
        Self::Withdraw,
        Self::Unpause,
        Self::Price,
        Self::Parameter,
        Self::Propose,
        Self::Operate,
        Self::Pause,
        Self::Veto,
    ];

    /// From 0 to 10: how much harm it can do.
    pub fn weight(self) -> f64 {
        match self {
            Self::Upgrade | Self::Administer => 10.0,
            Self::Mint | Self::Withdraw | Self::Unpause => 8.0,
            Self::Price | Self::Parameter => 5.0,
            Self::Propose | Self::Operate => 3.0,
            Self::Pause | Self::Veto => 2.0,
        }
    }

    /// As in "can … the vault".
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Upgrade => "upgrade",
            Self::Administer => "decide who controls",
            Self::Mint => "mint from",
            Self::Withdraw => "take money out of",
            Self::Unpause => "unpause",
            Self::Price => "set prices of",
            Self::Parameter => "change settings of",
            Self::Propose => "have calls made by",
            Self::Operate => "operate",
            Self::Pause => "pause",
            Self::Veto => "veto calls of",
        }
    }

    /// What calling a function of this name amounts to.
    pub(super) fn of_function(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        match () {
            () if has(&["upgrade", "setimplementation", "diamondcut", "setbeacon"]) => {
                Self::Upgrade
            }
            () if has(&["grantrole", "revokerole", "transferownership", "changeadmin"])
                || has(&["setowner", "setadmin", "setauthority", "roleadmin"]) =>
            {
                Self::Administer
            }
            () if has(&["mint", "issue"]) => Self::Mint,
            () if has(&["withdraw", "sweep", "rescue", "release", "cover", "recover", "skim"])
                || has(&["transfer", "payout", "claimfor", "seize", "drain"]) =>
            {
                Self::Withdraw
            }
            () if has(&["unpause", "unfreeze", "resume"]) => Self::Unpause,
            () if has(&["pause", "freeze", "shutdown", "blacklist"]) => Self::Pause,
            () if has(&["cancel", "veto"]) => Self::Veto,
            () if has(&["schedule", "propose", "queue"]) => Self::Propose,
            () if has(&["price", "answer", "submit", "oracle", "feed"]) => Self::Price,
            () if has(&["set", "update", "change", "add", "remove", "configure", "enable"]) => {
                Self::Parameter
            }
            () => Self::Operate,
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How well it is known what a role is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Basis {
    /// Guessed from the role's name and the functions that there are.
    Names,
    /// Follows from the standard: an owner may transfer ownership, a proxy's admin may upgrade.
    Standard,
    /// Read from the modifiers in the compiler's syntax tree.
    Source,
}

impl Basis {
    /// The word used on pages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Names => "guessed from names",
            Self::Standard => "by its standard",
            Self::Source => "read from the source",
        }
    }
}

/// What one role of one contract is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// What it is good for, heaviest first.
    pub capabilities: BTreeSet<Capability>,
    /// The functions meant, where they are known.
    pub functions: Vec<String>,
    /// How well this is known.
    pub basis: Basis,
}

impl Grant {
    /// The heaviest capability's weight; 0 when there is none.
    pub fn weight(&self) -> f64 {
        self.capabilities.iter().map(|c| c.weight()).fold(0.0, f64::max)
    }
}

/// What a role of a contract is good for by itself; roles that it may give are not followed here.
/// Guards read from the source are believed before names.
pub fn capabilities(
    role: &Role,
    class: Class,
    abi: &ContractAbi,
    guards: Option<&Guards>,
) -> Grant {
    if let Some(functions) = guards.and_then(|guards| guards.of(role))
        && !functions.is_empty()
    {
        let mut capabilities: BTreeSet<Capability> =
            functions.iter().map(|name| Capability::of_function(name)).collect();
        capabilities.extend(standard(role));
        let functions = functions.iter().map(ToString::to_string).collect();
        return Grant { capabilities, functions, basis: Basis::Source };
    }
    let by_standard = standard(role);
    let is_whole =
        !matches!(role, Role::Owner | Role::Authority | Role::Named(_) | Role::Access(_));
    if is_whole || *role == Role::DEFAULT_ADMIN {
        let capabilities = by_standard.iter().copied().collect();
        return Grant { capabilities, functions: Vec::new(), basis: Basis::Standard };
    }
    let words = match role {
        Role::Access(_) => role.access_name().unwrap_or_default().to_ascii_lowercase(),
        Role::Named(name) => name.to_ascii_lowercase(),
        // Whoever owns a contract, or decides who may call it, may call all that is guarded there.
        _ => "everything".to_owned(),
    };
    let functions = guarded_by_name(&words, class, abi);
    let mut capabilities: BTreeSet<Capability> = by_standard.iter().copied().collect();
    capabilities.extend(functions.iter().map(|name| Capability::of_function(name)));
    capabilities.extend(of_words(&words, class));
    if capabilities.is_empty() {
        // An unknown role is at least good for something.
        capabilities.insert(Capability::Operate);
    }
    Grant { capabilities, functions, basis: Basis::Names }
}

/// What follows from the kind of role alone.
fn standard(role: &Role) -> &'static [Capability] {
    match role {
        Role::Owner | Role::PendingOwner | Role::Authority => &[Capability::Administer],
        Role::Admin | Role::PendingAdmin => &[Capability::Upgrade],
        Role::Module | Role::Signer => &[Capability::Administer],
        Role::Guard => &[Capability::Veto],
        Role::Spender(_) => &[Capability::Withdraw],
        Role::Access(id) if id.is_zero() => &[Capability::Administer],
        Role::Access(_) | Role::Named(_) => &[],
    }
}

/// What the words of a role's name stand for, whatever functions there are.
fn of_words(words: &str, class: Class) -> Vec<Capability> {
    const WORDS: &[(&str, &[Capability])] = &[
        ("upgrad", &[Capability::Upgrade]),
        ("timelock_admin", &[Capability::Administer]),
        ("govern", &[Capability::Administer]),
        ("owner", &[Capability::Administer]),
        ("mint", &[Capability::Mint]),
        ("issuer", &[Capability::Mint]),
        ("withdraw", &[Capability::Withdraw]),
        ("treasury", &[Capability::Withdraw]),
        ("claims", &[Capability::Withdraw]),
        ("unpauser", &[Capability::Unpause]),
        ("oracle", &[Capability::Price]),
        ("reporter", &[Capability::Price]),
        ("risk", &[Capability::Parameter]),
        ("fee", &[Capability::Parameter]),
        ("param", &[Capability::Parameter]),
        ("manager", &[Capability::Parameter]),
        ("proposer", &[Capability::Propose]),
        ("executor", &[Capability::Operate]),
        ("keeper", &[Capability::Operate]),
        ("operator", &[Capability::Operate]),
        ("pauser", &[Capability::Pause]),
        ("guardian", &[Capability::Pause]),
        ("emergency", &[Capability::Pause]),
        ("cancel", &[Capability::Veto]),
    ];
    let mut found: Vec<Capability> = WORDS
        .iter()
        .filter(|(word, _)| words.contains(word))
        .flat_map(|(_, capabilities)| capabilities.iter().copied())
        .collect();
    if words.contains("relay") || words.contains("bridge") {
        let moves_money = class == Class::Bridge;
        found.push(if moves_money { Capability::Withdraw } else { Capability::Operate });
    }
    if words.contains("guardian") && matches!(class, Class::Governor | Class::Timelock) {
        found.push(Capability::Veto);
    }
    found
}

/// The functions that a role of this name probably guards: those that belong to the same thing.
fn guarded_by_name(words: &str, class: Class, abi: &ContractAbi) -> Vec<String> {
    use alloy_json_abi::StateMutability::{NonPayable, Payable};
    let wanted: Vec<Capability> = of_words(words, class);
    let everything = words == "everything";
    let is_pauser = words.contains("pauser") || words.contains("guardian");
    let has_unpauser = abi.functions().any(|f| f.name == "UNPAUSER_ROLE");
    abi.functions()
        .filter(|f| matches!(f.mutability, NonPayable | Payable))
        .filter(|f| {
            let of_it = Capability::of_function(&f.name);
            // Transfers and deposits are everybody's; only what is not open to users counts.
            let is_users = is_users_own(&f.name);
            if everything {
                return !is_users && of_it != Capability::Operate;
            }
            let ends_pause = is_pauser && !has_unpauser && of_it == Capability::Unpause;
            !is_users && (wanted.contains(&of_it) || ends_pause)
        })
        .map(|f| f.name.clone())
        .collect()
}

/// Functions of standards that users call for themselves.
fn is_users_own(name: &str) -> bool {
    const USERS: &[&str] = &[
        "transfer",
        "transferFrom",
        "approve",
        "permit",
        "deposit",
        "withdraw",
        "redeem",
        "mint",
        "borrow",
        "repay",
        "claim",
        "claimRewards",
        "stake",
        "unstake",
        "safeTransferFrom",
        "setApprovalForAll",
        "depositEther",
        "withdrawEther",
        "increaseAllowance",
        "decreaseAllowance",
        "acceptOwnership",
        "renounceRole",
        "releaseVested",
    ];
    // `mint(address,uint256)` of a token is guarded; an ERC-4626 vault's is not, but both are
    // called so, and calling the token's harmless would be the worse mistake.
    USERS.contains(&name) && name != "mint"
}
