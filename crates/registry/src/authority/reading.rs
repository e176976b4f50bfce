//! What a contract says of itself when asked, and where that differs from what its logs said.

use std::collections::{BTreeMap, BTreeSet};

use alloy_dyn_abi::{DynSolType, DynSolValue};
use alloy_json_abi::StateMutability;
use alloy_primitives::{Address, B256, U256, b256, keccak256};
use model::{Bytes, ReadRequest};
use serde::{Deserialize, Serialize};

use super::{HOLDERS_MAX, Holdings, Past, PrincipalKind, Role};
use crate::{Class, ContractAbi, FunctionAbi, proxy};

/// Where a Safe keeps its guard: `keccak256("guard_manager.guard.address")`.
const SAFE_GUARD: B256 = b256!("4a204f620c8c5ccdca3fd54d003badd85ba500436a431f0cbda4f558c93c34c8");

/// First link of a Safe's lists, which stands for "before the first".
pub(super) const SENTINEL: Address = Address::with_last_byte(1);

/// Modules asked for at once; nobody has more.
const MODULES_MAX: u64 = 64;

/// Members of an enumerable role that are asked for one by one.
const MEMBERS_ASKED_MAX: u64 = HOLDERS_MAX as u64;

/// Getters without arguments whose answer is who holds a power of that name.
const GETTERS: [&str; 18] = [
    "blacklister",
    "controller",
    "emergencyAdmin",
    "executor",
    "feeSetter",
    "feeTo",
    "governance",
    "governor",
    "guardian",
    "keeper",
    "manager",
    "masterMinter",
    "minter",
    "operator",
    "pauser",
    "relayer",
    "rescuer",
    "strategist",
];

/// A question to a contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Contract whose authority it is about.
    pub contract: Address,
    /// What is asked.
    pub request: ReadRequest,
    /// What the answer will mean.
    pub meaning: Meaning,
}

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// The one holder of a role; zero for none.
    Holder(Role),
    /// All signers of a multisig, in its order.
    Signers,
    /// All modules of a multisig, in its order.
    Modules,
    /// Whether an account holds a role.
    Holds(Role, Address),
    /// How many hold a role.
    Count(Role),
    /// One of those who hold a role.
    Member(Role),
    /// Which role gives this one.
    RoleAdmin(B256),
    /// How many must sign.
    Threshold,
    /// How long calls are held back.
    MinDelay,
    /// Votes that a decision needs.
    Quorum,
    /// Money that an account may take; zero for none.
    Allowance(Role, Address),
}

/// What a contract said when asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// All holders of a role, where the contract could name them all; in its order.
    pub all: BTreeMap<Role, Vec<Address>>,
    /// Whether this account holds this role, where only that can be asked.
    pub each: BTreeMap<(Role, Address), bool>,
    /// How many hold a role.
    pub counts: BTreeMap<Role, u64>,
    /// Members of a role that were asked for one by one.
    members: BTreeMap<Role, BTreeSet<Address>>,
    /// Which role gives which.
    pub role_admins: BTreeMap<B256, B256>,
    /// Signatures needed.
    pub threshold: Option<u64>,
    /// Delay in seconds.
    pub min_delay_s: Option<u64>,
    /// Votes that a decision needs.
    pub quorum: Option<u64>,
    /// What could not be asked, in words. Such a thing is unknown, not absent.
    pub failed: Vec<String>,
}

/// Where logs and answers differ: something changed without an event, or an event lied.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Mismatch {
    /// The contract says that the account holds the role, no log ever said so.
    HoldsWithoutLog(Role, Address),
    /// Logs say that the account holds the role, the contract denies it.
    LogWithoutHolding(Role, Address),
    /// The numbers of holders differ: as logs have it, as the contract says.
    Count(Role, u64, u64),
    /// The numbers of signatures differ: as logs have it, as the contract says.
    Threshold(u64, u64),
    /// The delays differ, in seconds: as logs have it, as the contract says.
    MinDelay(u64, u64),
}

impl Mismatch {
    /// The role and account that it is about.
    pub fn about(&self) -> (Option<&Role>, Option<Address>) {
        match self {
            Self::HoldsWithoutLog(role, account) | Self::LogWithoutHolding(role, account) => {
                (Some(role), Some(*account))
            }
            Self::Count(role, _, _) => (Some(role), None),
            Self::Threshold(_, _) | Self::MinDelay(_, _) => (None, None),
        }
    }

    /// In words, with what to call the account.
    pub fn words(&self, name: impl Fn(Address) -> String) -> String {
        match self {
            Self::HoldsWithoutLog(role, who) => {
                format!("{} is {}, but no event said so", name(*who), role.words())
            }
            Self::LogWithoutHolding(role, who) => {
                format!(
                    "events say that {} is {}, the contract denies it",
                    name(*who),
                    role.words()
                )
            }
            Self::Count(role, logged, read) => {
                format!("{} has {read} holders, events know of {logged}", role.words())
            }
            Self::Threshold(logged, read) => {
                format!("{read} signatures are enough, events said {logged}")
            }
            Self::MinDelay(logged, read) => {
                format!("the delay is {read} s, events said {logged} s")
            }
        }
    }
}

/// What to ask a contract. `known` names accounts for the roles that cannot be listed: those that a
/// policy allows and those that logs gave.
pub fn questions(
    contract: Address,
    class: Class,
    kind: Option<PrincipalKind>,
    abi: &ContractAbi,
    known: &BTreeMap<Role, BTreeSet<Address>>,
) -> Vec<Question> {
    let mut asked = Vec::new();
    let call = |signature: &str, args: &[DynSolValue]| {
        let mut input = keccak256(signature)[..4].to_vec();
        input.extend(DynSolValue::Tuple(args.to_vec()).abi_encode_params());
        ReadRequest::Call { to: contract, input: Bytes::from(input) }
    };
    let mut ask = |request: ReadRequest, meaning: Meaning| {
        asked.push(Question { contract, request, meaning });
    };
    let is = |wanted: Option<PrincipalKind>| kind.is_some() && kind == wanted;
    let has = |signature: &str| abi.functions().any(|f| f.signature == signature);
    let is_safe = is(Some(PrincipalKind::Safe)) || has("getOwners()");
    let is_proxy = class == Class::Proxy
        || has("upgradeToAndCall(address,bytes)")
        || has("upgradeTo(address)")
        || has("changeAdmin(address)");
    for (role, getter) in [
        (Role::Owner, "owner()"),
        (Role::PendingOwner, "pendingOwner()"),
        (Role::PendingAdmin, "pendingAdmin()"),
        (Role::Authority, "authority()"),
    ] {
        let is_admin_of_proxies = role == Role::Owner && is(Some(PrincipalKind::ProxyAdmin));
        if has(getter) || is_admin_of_proxies {
            ask(call(getter, &[]), Meaning::Holder(role));
        }
    }
    if is_proxy {
        let request = ReadRequest::Storage { of: contract, slot: proxy::EIP1967_ADMIN };
        ask(request, Meaning::Holder(Role::Admin));
    } else if has("admin()") {
        ask(call("admin()", &[]), Meaning::Holder(Role::Admin));
    }
    for getter in abi.functions().filter(|f| is_address_getter(f)) {
        if GETTERS.contains(&getter.name.as_str()) {
            ask(call(&getter.signature, &[]), Meaning::Holder(Role::Named(getter.name.clone())));
        }
    }
    if is_safe {
        ask(call("getOwners()", &[]), Meaning::Signers);
        ask(call("getThreshold()", &[]), Meaning::Threshold);
        let from =
            [DynSolValue::Address(SENTINEL), DynSolValue::Uint(U256::from(MODULES_MAX), 256)];
        ask(call("getModulesPaginated(address,uint256)", &from), Meaning::Modules);
        let guard = ReadRequest::Storage { of: contract, slot: SAFE_GUARD };
        ask(guard, Meaning::Holder(Role::Guard));
    }
    if has("getMinDelay()") || is(Some(PrincipalKind::Timelock)) && !has("minDelay()") {
        ask(call("getMinDelay()", &[]), Meaning::MinDelay);
    } else if has("minDelay()") {
        ask(call("minDelay()", &[]), Meaning::MinDelay);
    } else if has("delay()") && class == Class::Timelock {
        ask(call("delay()", &[]), Meaning::MinDelay);
    }
    if has("quorum()") {
        ask(call("quorum()", &[]), Meaning::Quorum);
    }
    let has_roles = has("hasRole(bytes32,address)") || is(Some(PrincipalKind::Timelock));
    if has_roles {
        let mut roles: BTreeSet<B256> = role_ids(abi);
        roles.extend(known.keys().filter_map(|role| match role {
            Role::Access(id) => Some(*id),
            _ => None,
        }));
        for id in roles {
            let (role, id) = (Role::Access(id), DynSolValue::FixedBytes(id, 32));
            if has("getRoleMemberCount(bytes32)") {
                let one = std::slice::from_ref(&id);
                ask(call("getRoleMemberCount(bytes32)", one), Meaning::Count(role.clone()));
            }
            if has("getRoleAdmin(bytes32)")
                && let Role::Access(word) = role
            {
                let one = std::slice::from_ref(&id);
                ask(call("getRoleAdmin(bytes32)", one), Meaning::RoleAdmin(word));
            }
            for account in known.get(&role).into_iter().flatten() {
                let args = [id.clone(), DynSolValue::Address(*account)];
                let request = call("hasRole(bytes32,address)", &args);
                ask(request, Meaning::Holds(role.clone(), *account));
            }
        }
    }
    for (role, accounts) in known {
        let Role::Spender(token) = role else { continue };
        for account in accounts {
            let args = [DynSolValue::Address(contract), DynSolValue::Address(*account)];
            if let ReadRequest::Call { input, .. } = call("allowance(address,address)", &args) {
                let request = ReadRequest::Call { to: *token, input };
                ask(request, Meaning::Allowance(role.clone(), *account));
            }
        }
    }
    asked
}

/// Questions that follow from how many hold a role: who they are.
pub(super) fn members(contract: Address, role: &Role, count: u64) -> Vec<Question> {
    let Role::Access(id) = role else { return Vec::new() };
    (0..count.min(MEMBERS_ASKED_MAX))
        .map(|at| {
            let mut input = keccak256("getRoleMember(bytes32,uint256)")[..4].to_vec();
            let args =
                vec![DynSolValue::FixedBytes(*id, 32), DynSolValue::Uint(U256::from(at), 256)];
            input.extend(DynSolValue::Tuple(args).abi_encode_params());
            let request = ReadRequest::Call { to: contract, input: input.into() };
            Question { contract, request, meaning: Meaning::Member(role.clone()) }
        })
        .collect()
}

/// Ids of the roles that the interface names by constants, `MINTER_ROLE()`.
pub(super) fn role_ids(abi: &ContractAbi) -> BTreeSet<B256> {
    let is_constant = |f: &&std::sync::Arc<FunctionAbi>| {
        f.inputs.is_empty() && f.name.ends_with("_ROLE") && f.signature.ends_with("()")
    };
    abi.functions()
        .filter(is_constant)
        .filter_map(|f| match Role::access(&f.name) {
            Role::Access(id) => Some(id),
            _ => None,
        })
        .collect()
}

fn is_address_getter(function: &FunctionAbi) -> bool {
    let is_read = matches!(function.mutability, StateMutability::View | StateMutability::Pure);
    let is_address = matches!(&function.outputs[..], [only] if only.ty == DynSolType::Address);
    is_read && is_address && function.inputs.is_empty()
}

impl Reading {
    /// Takes in an answer. What cannot be understood is noted as failed, never as "nobody".
    pub fn take(&mut self, question: &Question, answer: Result<&[u8], &str>) {
        let bytes = match answer {
            Ok(bytes) => bytes,
            Err(reason) => {
                return self.failed.push(format!("{}: {reason}", question.meaning.words()));
            }
        };
        if self.understand(&question.meaning, bytes).is_none() {
            let words = question.meaning.words();
            self.failed.push(format!("{words}: {} bytes were answered", bytes.len()));
        }
    }

    fn understand(&mut self, meaning: &Meaning, bytes: &[u8]) -> Option<()> {
        let word = || -> Option<U256> { Some(U256::from_be_slice(bytes.get(..32)?)) };
        let address = || proxy::implementation_from_word(B256::from(word()?));
        let addresses = |types: &str| -> Option<Vec<Address>> {
            let decoded = types.parse::<DynSolType>().ok()?.abi_decode_params(bytes).ok()?;
            let list = match decoded {
                DynSolValue::Array(list) => list,
                DynSolValue::Tuple(parts) => parts.into_iter().next()?.as_array()?.to_vec(),
                _ => return None,
            };
            list.iter().map(DynSolValue::as_address).collect()
        };
        match meaning {
            Meaning::Holder(role) => {
                let holder = address();
                if holder.is_none() && !word()?.is_zero() {
                    return None;
                }
                self.all.insert(role.clone(), holder.into_iter().collect());
            }
            Meaning::Signers => {
                self.all.insert(Role::Signer, addresses("(address[])")?);
            }
            Meaning::Modules => {
                self.all.insert(Role::Module, addresses("(address[],address)")?);
            }
            Meaning::Holds(role, account) => {
                self.each.insert((role.clone(), *account), !word()?.is_zero());
            }
            Meaning::Allowance(role, account) => {
                self.each.insert((role.clone(), *account), !word()?.is_zero());
            }
            Meaning::Count(role) => {
                self.counts.insert(role.clone(), word()?.saturating_to());
            }
            Meaning::Member(role) => {
                let of_role = self.members.entry(role.clone()).or_default();
                of_role.insert(proxy::implementation_from_word(B256::from(word()?))?);
                let is_whole = self.counts.get(role) == Some(&(of_role.len() as u64));
                if is_whole {
                    self.all.insert(role.clone(), of_role.iter().copied().collect());
                }
            }
            Meaning::RoleAdmin(role) => {
                self.role_admins.insert(*role, B256::from(word()?));
            }
            Meaning::Threshold => self.threshold = Some(word()?.saturating_to()),
            Meaning::MinDelay => self.min_delay_s = Some(word()?.saturating_to()),
            Meaning::Quorum => self.quorum = Some(word()?.saturating_to()),
        }
        Some(())
    }

    /// What to ask next, now that the numbers of members are known.
    pub fn follow_up(&self, contract: Address) -> Vec<Question> {
        self.counts.iter().flat_map(|(role, count)| members(contract, role, *count)).collect()
    }

    /// Whether the contract named all holders of this role.
    pub fn knows_all(&self, role: &Role) -> bool {
        self.all.contains_key(role)
    }

    /// Where this differs from what logs said. Where logs were not read from the beginning, a holder
    /// they never named is news, not a contradiction.
    pub fn mismatches(&self, logged: &Holdings) -> Vec<Mismatch> {
        let is_whole = logged.past == Past::Whole;
        let mut found = Vec::new();
        for (role, read) in &self.all {
            // Access control tells of every grant by its standard; a getter of its own may never
            // have told anything, and is news when it is first read.
            let is_told_by_standard = matches!(role, Role::Access(_)) && is_whole;
            let speaks = is_told_by_standard || logged.holders.contains_key(role);
            let unlogged = read.iter().filter(|who| !logged.holds(role, **who));
            if speaks && (is_whole || role.is_single()) {
                found.extend(unlogged.map(|who| Mismatch::HoldsWithoutLog(role.clone(), *who)));
            }
            let denied = logged.of(role).filter(|who| !read.contains(who));
            found.extend(denied.map(|who| Mismatch::LogWithoutHolding(role.clone(), who)));
        }
        for ((role, who), holds) in &self.each {
            match (*holds, logged.holds(role, *who)) {
                (true, false) if is_whole => {
                    found.push(Mismatch::HoldsWithoutLog(role.clone(), *who));
                }
                // An allowance is used up without an event.
                (false, true) if !matches!(role, Role::Spender(_)) => {
                    found.push(Mismatch::LogWithoutHolding(role.clone(), *who));
                }
                _ => {}
            }
        }
        for (role, read) in self.counts.iter().filter(|(role, _)| !self.all.contains_key(role)) {
            let known = logged.of(role).count() as u64;
            if is_whole && known != *read || known > *read {
                found.push(Mismatch::Count(role.clone(), known, *read));
            }
        }
        if let (Some(said), Some(read)) = (logged.threshold, self.threshold)
            && said != read
        {
            found.push(Mismatch::Threshold(said, read));
        }
        if let (Some(said), Some(read)) = (logged.min_delay_s, self.min_delay_s)
            && said != read
        {
            found.push(Mismatch::MinDelay(said, read));
        }
        found.sort();
        found.dedup();
        found
    }

    /// The contract's own word put over what logs say: for everything that was answered, the answer.
    pub fn over(&self, logged: &Holdings) -> Holdings {
        let mut now = logged.clone();
        for (role, read) in &self.all {
            let gone: Vec<Address> = now.of(role).filter(|who| !read.contains(who)).collect();
            gone.into_iter().for_each(|who| now.lose(role, Some(who)));
            for who in read {
                // More holders than can be remembered were refused when logs were folded.
                if now.gain(role, *who, None).is_err() {
                    break;
                }
            }
            now.holders.entry(role.clone()).or_default();
            now.listed.insert(role.clone());
            match role {
                Role::Signer => now.signers.clone_from(read),
                Role::Module => now.modules.clone_from(read),
                _ => {}
            }
        }
        for ((role, who), holds) in &self.each {
            if !holds {
                now.lose(role, Some(*who));
            } else if now.gain(role, *who, None).is_err() {
                break;
            }
        }
        now.role_admins.extend(&self.role_admins);
        now.threshold = self.threshold.or(now.threshold);
        now.min_delay_s = self.min_delay_s.or(now.min_delay_s);
        now
    }
}

impl Meaning {
    /// What was asked, for people.
    pub fn words(&self) -> String {
        match self {
            Self::Holder(role) => role.words(),
            Self::Signers => "signers".to_owned(),
            Self::Modules => "modules".to_owned(),
            Self::Holds(role, who) => format!("whether {who} holds {}", role.words()),
            Self::Count(role) => format!("how many hold {}", role.words()),
            Self::Member(role) => format!("who holds {}", role.words()),
            Self::RoleAdmin(role) => format!("who gives {}", Role::Access(*role).words()),
            Self::Threshold => "threshold".to_owned(),
            Self::MinDelay => "delay".to_owned(),
            Self::Quorum => "quorum".to_owned(),
            Self::Allowance(role, who) => format!("what {who} may take as {}", role.words()),
        }
    }
}
