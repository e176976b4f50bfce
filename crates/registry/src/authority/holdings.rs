//! Who holds what in one contract, folded from its logs.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256};
use model::{BlockNumber, UnixSeconds};
use serde::{Deserialize, Serialize};

use super::{Change, Role};

/// Most holders of one role that are remembered: several times the largest role of any protocol that
/// is governed by people. A contract that gives its roles to the public is not governed by them.
pub const HOLDERS_MAX: usize = 256;

/// Most roles of one contract that are remembered.
const ROLES_MAX: usize = 256;

/// When something happened on a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Moment {
    /// Block.
    pub block: BlockNumber,
    /// Its time.
    pub at: UnixSeconds,
}

/// How much is known of the time before the fold began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Past {
    /// Every log since the contract's creation was read.
    Whole,
    /// Logs before this block were not read: there may be holders that nobody knows.
    UnknownBefore(BlockNumber),
}

/// A role has more holders, or a contract more roles, than are remembered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} has more holders than can be remembered ({HOLDERS_MAX} of a role, {ROLES_MAX} roles)")]
pub struct TooMany(pub String);

/// Who holds what in one contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holdings {
    /// Holders of each role, with the moment from which; `None` for one who held it before logs
    /// were read. A role without holders is one that was heard of and that nobody holds.
    pub holders: BTreeMap<Role, BTreeMap<Address, Option<Moment>>>,
    /// Which role gives which; one that is not listed is given by `DEFAULT_ADMIN_ROLE`.
    pub role_admins: BTreeMap<B256, B256>,
    /// Signatures that a multisig needs.
    pub threshold: Option<u64>,
    /// How long a timelock holds calls back, in seconds.
    pub min_delay_s: Option<u64>,
    /// Signers of a multisig in the order in which the contract links them, which removing one needs.
    pub signers: Vec<Address>,
    /// Modules in the order in which the contract links them.
    pub modules: Vec<Address>,
    /// Roles whose holders the contract itself has listed, all of them.
    pub listed: BTreeSet<Role>,
    /// Accounts that are known not to hold a role, by a log or an answer. What is neither held nor
    /// denied is unknown unless the past is.
    pub denied: BTreeSet<(Role, Address)>,
    /// How much is known of the time before the fold began.
    pub past: Past,
}

impl Holdings {
    /// Nobody holds anything, as far as logs say that were read so far.
    pub fn new(past: Past) -> Self {
        Self {
            holders: BTreeMap::new(),
            role_admins: BTreeMap::new(),
            threshold: None,
            min_delay_s: None,
            signers: Vec::new(),
            modules: Vec::new(),
            listed: BTreeSet::new(),
            denied: BTreeSet::new(),
            past,
        }
    }

    /// Takes in one change.
    ///
    /// # Errors
    /// When it would be one holder too many; nothing is changed then.
    pub fn apply(&mut self, change: &Change, when: Moment) -> Result<(), TooMany> {
        match change {
            Change::Gained { role, account } => self.gain(role, *account, Some(when)),
            Change::Lost { role, account } => {
                self.lose(role, *account);
                Ok(())
            }
            Change::RoleAdmin { role, admin } => {
                if self.role_admins.len() >= ROLES_MAX && !self.role_admins.contains_key(role) {
                    return Err(TooMany(Role::Access(*role).words()));
                }
                self.role_admins.insert(*role, *admin);
                Ok(())
            }
            Change::Threshold(signatures) => {
                self.threshold = Some(*signatures);
                Ok(())
            }
            Change::MinDelay(seconds) => {
                self.min_delay_s = Some(*seconds);
                Ok(())
            }
        }
    }

    /// Notes that an account holds a role, since `when` if that is known. Who holds it already keeps
    /// the earlier moment.
    ///
    /// # Errors
    /// When it would be one holder too many.
    pub fn gain(
        &mut self,
        role: &Role,
        account: Address,
        when: Option<Moment>,
    ) -> Result<(), TooMany> {
        let too_many = || Err(TooMany(role.words()));
        if self.holders.len() >= ROLES_MAX && !self.holders.contains_key(role) {
            return too_many();
        }
        let holders = self.holders.entry(role.clone()).or_default();
        if holders.len() >= HOLDERS_MAX && !holders.contains_key(&account) {
            return too_many();
        }
        if role.is_single() {
            holders.retain(|holder, _| *holder == account);
        }
        self.denied.remove(&(role.clone(), account));
        let is_new = !holders.contains_key(&account);
        holders.entry(account).or_insert(when);
        // A Safe puts whom it adds in front.
        match role {
            Role::Signer if is_new => self.signers.insert(0, account),
            Role::Module if is_new => self.modules.insert(0, account),
            _ => {}
        }
        Ok(())
    }

    /// Notes that an account holds a role no more; without an account, that nobody does.
    pub fn lose(&mut self, role: &Role, account: Option<Address>) {
        let is_heard_of = self.holders.len() < ROLES_MAX || self.holders.contains_key(role);
        if is_heard_of && role.is_single() {
            self.holders.entry(role.clone()).or_default();
        }
        if let Some(account) = account.filter(|_| self.denied.len() < HOLDERS_MAX) {
            self.denied.insert((role.clone(), account));
        }
        let is_lost = |holder: &Address| account.is_none_or(|account| account == *holder);
        if let Some(holders) = self.holders.get_mut(role) {
            holders.retain(|holder, _| !is_lost(holder));
        }
        match role {
            Role::Signer => self.signers.retain(|signer| !is_lost(signer)),
            Role::Module => self.modules.retain(|module| !is_lost(module)),
            _ => {}
        }
    }

    /// Whether an account holds a role.
    pub fn holds(&self, role: &Role, account: Address) -> bool {
        self.holders.get(role).is_some_and(|holders| holders.contains_key(&account))
    }

    /// Whether it is known that an account does not hold a role: of roles that a standard tells by
    /// logs because all of these were read, of all because the contract listed or denied them.
    pub fn lacks(&self, role: &Role, account: Address) -> bool {
        let is_told_by_standard = matches!(role, Role::Access(_) | Role::Spender(_));
        let is_known = match is_told_by_standard {
            true => self.past == Past::Whole || self.listed.contains(role),
            false => self.holders.contains_key(role),
        };
        let is_denied = || self.denied.contains(&(role.clone(), account));
        !self.holds(role, account) && (is_known || is_denied())
    }

    /// Holders of a role.
    pub fn of(&self, role: &Role) -> impl Iterator<Item = Address> + '_ {
        self.holders.get(role).into_iter().flat_map(|holders| holders.keys().copied())
    }

    /// Every role with each of its holders, and since when.
    pub fn all(&self) -> impl Iterator<Item = (&Role, Address, Option<Moment>)> {
        let each = |(role, holders)| {
            let holders: &BTreeMap<Address, Option<Moment>> = holders;
            holders.iter().map(move |(account, since)| (role, *account, *since))
        };
        self.holders.iter().flat_map(each)
    }

    /// The role whose holders may give this one: `DEFAULT_ADMIN_ROLE` unless the contract said
    /// otherwise.
    pub fn admin_of(&self, role: B256) -> B256 {
        self.role_admins.get(&role).copied().unwrap_or(B256::ZERO)
    }

    /// Whether nobody holds anything here.
    pub fn is_empty(&self) -> bool {
        self.holders.values().all(BTreeMap::is_empty)
    }
}
