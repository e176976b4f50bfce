//! What people decided about who holds what: the declared side, checked and resolved when the
//! configuration loads.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::Address;
use model::{Name, UnixSeconds};

use super::{Guards, PrincipalKind, Role, Scan};
use crate::Registry;

/// Time that users need to leave before new code runs: two days.
pub const DELAY_S_DEFAULT: u64 = 48 * 3_600;

/// A policy that asks for less is no protection: a week-end night passes unseen.
pub const DELAY_FLOOR_S: u64 = 24 * 3_600;

/// Roles that one key may hold before it is told.
pub const ROLES_PER_KEY_DEFAULT: u64 = 3;

/// Everything declared about authority, with what else is needed to judge it.
#[derive(Debug, Clone, Default)]
pub struct Declared {
    /// What people decided; without, nothing is held against anything.
    pub policy: Option<Policy>,
    /// History that was read.
    pub scans: Vec<Scan>,
    /// Guarded functions of deployments whose artefacts hold a syntax tree.
    pub guards: BTreeMap<Name, Guards>,
}

/// What people decided about who holds what.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// People, by name.
    pub people: BTreeMap<Name, Person>,
    /// Who may hold power.
    pub principals: Vec<Principal>,
    /// Who holds which role of which contract.
    pub allowed: Vec<Allowed>,
    /// Roles that one key must not hold together.
    pub separations: Vec<Separation>,
    /// What deviates and is accepted for a time.
    pub exceptions: Vec<Exception>,
    /// The principal that upgrades must pass through, if there is one.
    pub timelock: Option<Name>,
    /// Least delay of an upgrade, in seconds.
    pub min_delay_s: u64,
    /// Power that is not used for so long is told, in seconds.
    pub unused_after_s: u64,
    /// Roles that one key may hold at most.
    pub roles_per_key_max: u64,
}

/// Somebody who has keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Person {
    /// When they left, if they did.
    pub departed: Option<UnixSeconds>,
}

/// Who may hold power.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// What people call it.
    pub name: Name,
    /// What it is.
    pub kind: PrincipalKind,
    /// Where it is, by network.
    pub addresses: BTreeMap<Name, Address>,
    /// Whose key it is.
    pub person: Option<Name>,
    /// Signatures that a multisig must need at least.
    pub threshold: Option<u64>,
    /// Who signs for a multisig.
    pub owners: Option<Vec<Name>>,
    /// Which modules act for a multisig.
    pub modules: Vec<Name>,
    /// Which guard checks for a multisig.
    pub guard: Option<Name>,
    /// Least delay of a timelock, in seconds.
    pub min_delay_s: Option<u64>,
    /// Whether it holds the protocol's money, so that its allowances are power.
    pub is_treasury: bool,
}

/// Who holds which role of which contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// Deployment or principal.
    pub on: Name,
    /// Role.
    pub role: Role,
    /// Who may hold it, and must unless it is optional.
    pub holders: Vec<Name>,
    /// Most holders at a time; all of them when not said.
    pub max: Option<u64>,
    /// Whether a holder may be absent.
    pub is_optional: bool,
}

/// Roles that one key must not hold together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Separation {
    /// Deployment or principal, and role.
    pub roles: Vec<(Name, Role)>,
}

/// What deviates and is accepted for a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// Class of drift, as [`super::DriftClass::as_str`] has it.
    pub class: super::DriftClass,
    /// Deployment or principal.
    pub on: Name,
    /// Holder; any when not said.
    pub principal: Option<Name>,
    /// Why it is accepted.
    pub reason: String,
    /// Until when.
    pub until: Option<UnixSeconds>,
}

impl Policy {
    /// A policy that allows nothing yet, with the default limits.
    pub fn empty() -> Self {
        Self {
            people: BTreeMap::new(),
            principals: Vec::new(),
            allowed: Vec::new(),
            separations: Vec::new(),
            exceptions: Vec::new(),
            timelock: None,
            min_delay_s: DELAY_S_DEFAULT,
            unused_after_s: super::UNUSED_AFTER_S_DEFAULT,
            roles_per_key_max: ROLES_PER_KEY_DEFAULT,
        }
    }

    /// The principal of this name.
    pub fn principal(&self, name: &Name) -> Option<&Principal> {
        self.principals.iter().find(|principal| principal.name == *name)
    }

    /// The principal at this address.
    pub fn principal_at(&self, network: &Name, address: Address) -> Option<&Principal> {
        self.principals.iter().find(|p| p.addresses.get(network) == Some(&address))
    }

    /// Where a name of the policy stands on a network: a principal, else a deployment.
    pub fn address_of(&self, name: &Name, network: &Name, registry: &Registry) -> Option<Address> {
        let principal = self.principal(name).and_then(|p| p.addresses.get(network).copied());
        principal.or_else(|| {
            let deployment = registry.get(name).filter(|d| d.network == *network)?;
            Some(deployment.address)
        })
    }

    /// Who may hold what of a contract, by role; `true` for those who must.
    pub fn expected(
        &self,
        network: &Name,
        contract: Address,
        registry: &Registry,
    ) -> BTreeMap<Role, BTreeMap<Address, bool>> {
        let mut expected: BTreeMap<Role, BTreeMap<Address, bool>> = BTreeMap::new();
        let find = |name: &Name| self.address_of(name, network, registry);
        for allowed in self.allowed.iter().filter(|a| find(&a.on) == Some(contract)) {
            let holders = expected.entry(allowed.role.clone()).or_default();
            for holder in allowed.holders.iter().filter_map(find) {
                *holders.entry(holder).or_default() |= !allowed.is_optional;
            }
        }
        if let Some(principal) = self.principal_at(network, contract) {
            let mut put = |role: Role, names: &[Name]| {
                let holders = expected.entry(role).or_default();
                holders.extend(names.iter().filter_map(find).map(|holder| (holder, true)));
            };
            if let Some(owners) = &principal.owners {
                put(Role::Signer, owners);
            }
            put(Role::Module, &principal.modules);
            put(Role::Guard, principal.guard.as_slice());
        }
        expected.retain(|_, holders| !holders.is_empty());
        expected
    }

    /// Contracts of a network whose authority is declared, deployments or not.
    pub fn contracts(&self, network: &Name, registry: &Registry) -> BTreeSet<Address> {
        let find = |name: &Name| self.address_of(name, network, registry);
        let of_roles = self.allowed.iter().filter_map(|allowed| find(&allowed.on));
        let is_contract = |p: &&Principal| {
            let has_shape = p.owners.is_some() || p.threshold.is_some() || p.min_delay_s.is_some();
            has_shape || matches!(p.kind, PrincipalKind::Safe | PrincipalKind::Timelock)
        };
        let of_principals = self.principals.iter().filter(is_contract);
        of_roles.chain(of_principals.filter_map(|p| p.addresses.get(network).copied())).collect()
    }

    /// Accounts of a network that hold the protocol's money.
    pub fn treasuries(&self, network: &Name) -> BTreeSet<Address> {
        let treasuries = self.principals.iter().filter(|p| p.is_treasury);
        treasuries.filter_map(|p| p.addresses.get(network).copied()).collect()
    }

    /// Why a drift is accepted now, if it is.
    pub fn accepted(
        &self,
        class: super::DriftClass,
        on: Option<&Name>,
        principal: Option<&Name>,
        now: UnixSeconds,
    ) -> Option<&Exception> {
        self.exceptions.iter().find(|exception| {
            exception.class == class
                && Some(&exception.on) == on
                && (exception.principal.is_none() || exception.principal.as_ref() == principal)
                && exception.until.is_none_or(|until| now < until)
        })
    }
}
