//! Transactions that would end a drift: unsigned, for people to look at, sign and send.

use std::collections::BTreeMap;

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use model::{FactValue, Name};
use serde_json::{Value, json};

use super::{Graph, Holdings, Observed, Policy, PrincipalKind, Role, reading::SENTINEL};
use crate::Registry;

/// A transaction that nobody has signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repair {
    /// Network.
    pub network: Name,
    /// Its chain, where that is known.
    pub chain_id: Option<u64>,
    /// Who must send it; `None` where the contract does not say who may.
    pub from: Option<Address>,
    /// Contract that is called.
    pub to: Address,
    /// Calldata. No repair sends money.
    pub data: Bytes,
    /// The function, as a person reads it.
    pub method: String,
    /// What it does and what must be known before signing.
    pub explanation: String,
    /// Of several that one account sends, lower numbers go first: taking entries out of a Safe's
    /// lists from the end keeps the links right that the others name.
    pub order: usize,
}

impl Repair {
    /// As JSON: to, value, data, chain id, method, explanation.
    pub fn to_json(&self) -> Value {
        json!({
            "network": self.network.as_str(),
            "chain_id": self.chain_id,
            "from": self.from,
            "to": self.to,
            "value": "0",
            "data": self.data,
            "method": self.method,
            "explanation": self.explanation,
        })
    }
}

/// One file for the Safe Transaction Builder for each chain and Safe among the senders of `repairs`,
/// with the file's name. What a single key must send is in none of them.
pub fn bundles(
    repairs: &[Repair],
    is_safe: impl Fn(&Name, Address) -> bool,
) -> Vec<(String, Value)> {
    let mut by_sender: BTreeMap<(&Name, Address), Vec<&Repair>> = BTreeMap::new();
    for repair in repairs {
        if let Some(from) = repair.from.filter(|from| is_safe(&repair.network, *from)) {
            by_sender.entry((&repair.network, from)).or_default().push(repair);
        }
    }
    let bundle = |((network, safe), mut repairs): ((&Name, Address), Vec<&Repair>)| {
        repairs.sort_by_key(|repair| repair.order);
        let transactions: Vec<Value> = repairs
            .iter()
            .map(|repair| {
                json!({
                    "to": repair.to, "value": "0", "data": repair.data,
                    "contractMethod": null, "contractInputsValues": null,
                })
            })
            .collect();
        let explained: Vec<&str> = repairs.iter().map(|r| r.explanation.as_str()).collect();
        let file = json!({
            "version": "1.0",
            "chainId": repairs[0].chain_id.map(|id| id.to_string()),
            "meta": {
                "name": format!("repairs on {network}"),
                "description": explained.join(" "),
                "createdFromSafeAddress": safe,
            },
            "transactions": transactions,
        });
        (format!("{network}-{safe}.json"), file)
    };
    by_sender.into_iter().map(bundle).collect()
}

/// What repairs are made of: who is in power now, and who should be.
#[derive(Clone, Copy)]
pub(super) struct Tools<'a> {
    pub(super) observed: &'a Observed,
    pub(super) registry: &'a Registry,
    pub(super) policy: &'a Policy,
    pub(super) graph: &'a Graph,
}

impl Tools<'_> {
    /// Takes a role from a holder, giving it to `instead` where a role cannot be without holder.
    pub(super) fn take_away(
        &self,
        contract: Address,
        role: &Role,
        holder: Address,
        instead: Option<Address>,
    ) -> Vec<Repair> {
        let Some(holdings) = self.observed.contracts.get(&contract) else { return Vec::new() };
        let who = self.graph.name(holder);
        let address = DynSolValue::Address;
        let made = match role {
            Role::Access(id) => {
                let args = [word(*id), address(holder)];
                let from = self.giver(contract, holdings, *id, holder);
                let what = format!("Takes {} from {who}.", role.words());
                self.call(from, contract, "revokeRole(bytes32,address)", &args, what)
            }
            Role::Owner => match self.rightful(contract, role).or(instead) {
                Some(owner) => {
                    let what = format!(
                        "Gives ownership back to {}. {who} holds it now and must sign; a thief will not.",
                        self.graph.name(owner)
                    );
                    let args = [address(owner)];
                    self.call(Some(holder), contract, "transferOwnership(address)", &args, what)
                }
                None => {
                    let what = format!("{who} gives up ownership, for good.");
                    self.call(Some(holder), contract, "renounceOwnership()", &[], what)
                }
            },
            Role::PendingOwner => {
                let owner = holdings.of(&Role::Owner).next();
                let what = format!("Withdraws the offer of ownership to {who}.");
                let args = [address(owner.unwrap_or_default())];
                self.call(owner, contract, "transferOwnership(address)", &args, what)
            }
            Role::Admin => {
                let Some(admin) = self.rightful(contract, role).or(instead) else {
                    return Vec::new();
                };
                return self.change_admin(contract, holder, admin);
            }
            Role::Signer => return self.remove_signer(contract, holdings, holder, instead),
            Role::Module => {
                let before = before(&holdings.modules, holder);
                let args = [address(before), address(holder)];
                let what = format!("Switches the module {who} off.");
                let method = "disableModule(address,address)";
                let made = self.call(Some(contract), contract, method, &args, what);
                Repair { order: from_the_end(&holdings.modules, holder), ..made }
            }
            Role::Guard => {
                let guard = instead.unwrap_or_default();
                let what = format!("Takes the guard {who} out of every transaction's way.");
                self.call(Some(contract), contract, "setGuard(address)", &[address(guard)], what)
            }
            Role::Spender(token) => {
                let args = [address(holder), DynSolValue::Uint(U256::ZERO, 256)];
                let what = format!("Ends the allowance of {who}.");
                self.call(Some(contract), *token, "approve(address,uint256)", &args, what)
            }
            Role::Named(name) => {
                let to = self.rightful(contract, role).or(instead).unwrap_or_default();
                return self.set_named(contract, holdings, name, to);
            }
            Role::PendingAdmin | Role::Authority => return Vec::new(),
        };
        self.through_timelock(made)
    }

    /// Gives a role to somebody who should hold it.
    pub(super) fn give(&self, contract: Address, role: &Role, holder: Address) -> Vec<Repair> {
        let Some(holdings) = self.observed.contracts.get(&contract) else { return Vec::new() };
        let who = self.graph.name(holder);
        let address = DynSolValue::Address;
        let made = match role {
            Role::Access(id) => {
                let from = self.giver(contract, holdings, *id, Address::ZERO);
                let what = format!("Gives {} to {who}.", role.words());
                let args = [word(*id), address(holder)];
                self.call(from, contract, "grantRole(bytes32,address)", &args, what)
            }
            Role::Owner => {
                let owner = holdings.of(&Role::Owner).next();
                let what = format!("Gives ownership to {who}, who may have to accept it.");
                self.call(owner, contract, "transferOwnership(address)", &[address(holder)], what)
            }
            Role::Admin => {
                let Some(admin) = holdings.of(&Role::Admin).next() else { return Vec::new() };
                return self.change_admin(contract, admin, holder);
            }
            Role::Signer => {
                let needed = self.declared_threshold(contract, holdings);
                let args = [address(holder), DynSolValue::Uint(U256::from(needed), 256)];
                let what = format!("Makes {who} a signer; {needed} signatures are needed then.");
                let method = "addOwnerWithThreshold(address,uint256)";
                self.call(Some(contract), contract, method, &args, what)
            }
            Role::Module => {
                let what = format!("Lets the module {who} act without signatures.");
                let args = [address(holder)];
                self.call(Some(contract), contract, "enableModule(address)", &args, what)
            }
            Role::Guard => {
                let what = format!("Has {who} check every transaction.");
                self.call(Some(contract), contract, "setGuard(address)", &[address(holder)], what)
            }
            Role::Named(name) => return self.set_named(contract, holdings, name, holder),
            Role::PendingOwner | Role::PendingAdmin | Role::Authority | Role::Spender(_) => {
                return Vec::new();
            }
        };
        self.through_timelock(made)
    }

    /// Hands power that one key holds to the timelock that the policy names.
    pub(super) fn hand_over(&self, contract: Address, role: &Role, holder: Address) -> Vec<Repair> {
        let network = &self.observed.network;
        let expected = self.policy.expected(network, contract, self.registry);
        let is_stranger = expected.get(role).is_none_or(|holders| !holders.contains_key(&holder));
        if is_stranger {
            // It must lose the role to whom it belongs, which is another repair.
            return Vec::new();
        }
        let timelock = self.policy.timelock.as_ref();
        let timelock = timelock.and_then(|t| self.policy.address_of(t, network, self.registry));
        let Some(timelock) = timelock.filter(|t| *t != holder && *t != contract) else {
            return Vec::new();
        };
        match role {
            Role::Admin => self.change_admin(contract, holder, timelock),
            Role::Owner => {
                let args = [DynSolValue::Address(timelock)];
                let what = "Hands ownership to the timelock.".to_owned();
                let made =
                    self.call(Some(holder), contract, "transferOwnership(address)", &args, what);
                self.through_timelock(made)
            }
            Role::Access(_) => {
                let mut both = self.give(contract, role, timelock);
                both.extend(self.take_away(contract, role, holder, None));
                both
            }
            _ => Vec::new(),
        }
    }

    /// Makes a multisig need this many signatures.
    pub(super) fn change_threshold(&self, safe: Address, needed: u64) -> Vec<Repair> {
        let args = [DynSolValue::Uint(U256::from(needed), 256)];
        let what = format!("{needed} signatures are needed from then on.");
        vec![self.call(Some(safe), safe, "changeThreshold(uint256)", &args, what)]
    }

    /// Makes a timelock hold calls back for this long.
    pub(super) fn change_delay(&self, timelock: Address, delay_s: u64) -> Vec<Repair> {
        let args = [DynSolValue::Uint(U256::from(delay_s), 256)];
        let what = format!("Calls wait {} from then on.", FactValue::Seconds(delay_s));
        let made = self.call(Some(timelock), timelock, "updateDelay(uint256)", &args, what);
        self.through_timelock(made)
    }

    /// Who should hold a role that only one can hold.
    fn rightful(&self, contract: Address, role: &Role) -> Option<Address> {
        let network = &self.observed.network;
        let expected = self.policy.expected(network, contract, self.registry);
        expected.get(role)?.keys().next().copied()
    }

    /// Who can give and take a role: a rightful holder of its admin role rather than any, and never
    /// the one it is taken from while there is another.
    fn giver(
        &self,
        contract: Address,
        holdings: &Holdings,
        role: B256,
        but: Address,
    ) -> Option<Address> {
        let admin = Role::Access(holdings.admin_of(role));
        let network = &self.observed.network;
        let expected = self.policy.expected(network, contract, self.registry);
        let is_rightful =
            |who: &Address| expected.get(&admin).is_some_and(|holders| holders.contains_key(who));
        let mut holders: Vec<Address> = holdings.of(&admin).collect();
        holders.sort_by_key(|who| (*who == but, *who == contract, !is_rightful(who)));
        holders.first().copied()
    }

    fn declared_threshold(&self, safe: Address, holdings: &Holdings) -> u64 {
        let principal = self.policy.principal_at(&self.observed.network, safe);
        principal.and_then(|p| p.threshold).or(holdings.threshold).unwrap_or(1)
    }

    /// A proxy's admin is changed by the admin itself, or by the owner of the contract that is it.
    fn change_admin(&self, proxy: Address, admin: Address, new: Address) -> Vec<Repair> {
        let what = format!("Makes {} admin of the proxy.", self.graph.name(new));
        let kind = self.graph.get(admin).map(|node| node.kind);
        let address = DynSolValue::Address;
        let made = if kind == Some(PrincipalKind::ProxyAdmin) {
            let owner = self.observed.contracts.get(&admin).and_then(|h| h.of(&Role::Owner).next());
            let args = [address(proxy), address(new)];
            self.call(owner, admin, "changeProxyAdmin(address,address)", &args, what)
        } else {
            self.call(Some(admin), proxy, "changeAdmin(address)", &[address(new)], what)
        };
        self.through_timelock(made)
    }

    fn remove_signer(
        &self,
        safe: Address,
        holdings: &Holdings,
        signer: Address,
        instead: Option<Address>,
    ) -> Vec<Repair> {
        let who = self.graph.name(signer);
        let link = before(&holdings.signers, signer);
        let address = DynSolValue::Address;
        let made = match instead {
            Some(new) => {
                let args = [address(link), address(signer), address(new)];
                let what = format!("Puts {} in the place of {who}.", self.graph.name(new));
                self.call(Some(safe), safe, "swapOwner(address,address,address)", &args, what)
            }
            None => {
                // A Safe refuses to need more signatures than it has signers.
                let left = (holdings.signers.len() as u64).saturating_sub(1).max(1);
                let needed = self.declared_threshold(safe, holdings).min(left);
                let args =
                    [address(link), address(signer), DynSolValue::Uint(U256::from(needed), 256)];
                let what =
                    format!("Removes the signer {who}; {needed} signatures are needed then.");
                self.call(Some(safe), safe, "removeOwner(address,address,uint256)", &args, what)
            }
        };
        vec![Repair { order: from_the_end(&holdings.signers, signer), ..made }]
    }

    /// Through whatever setter the contract has for a power of this name; none where it has none.
    fn set_named(
        &self,
        contract: Address,
        holdings: &Holdings,
        name: &str,
        to: Address,
    ) -> Vec<Repair> {
        let deployment = self.registry.at(&self.observed.network, contract);
        let wanted = [format!("set{name}"), format!("update{name}"), format!("change{name}")];
        let setter = deployment.and_then(|deployment| {
            deployment.abi.functions().find(|f| {
                let is_named = wanted.iter().any(|w| f.name.eq_ignore_ascii_case(w));
                let takes = f.signature.split_once('(').map(|(_, types)| types);
                is_named && matches!(takes, Some("address)" | "address,bytes32)"))
            })
        });
        let Some(setter) = setter else { return Vec::new() };
        let mut args = vec![DynSolValue::Address(to)];
        if setter.inputs.len() == 2 {
            args.push(word(B256::ZERO));
        }
        let from = holdings.of(&Role::Owner).chain(holdings.of(&Role::DEFAULT_ADMIN)).next();
        let what = format!("Makes {} the {name}.", self.graph.name(to));
        self.through_timelock(self.call(from, contract, &setter.signature, &args, what))
    }

    fn call(
        &self,
        from: Option<Address>,
        to: Address,
        signature: &str,
        args: &[DynSolValue],
        explanation: String,
    ) -> Repair {
        let mut data = keccak256(signature)[..4].to_vec();
        data.extend(DynSolValue::Tuple(args.to_vec()).abi_encode_params());
        Repair {
            network: self.observed.network.clone(),
            chain_id: self.observed.chain_id,
            from,
            to,
            data: data.into(),
            method: signature.to_owned(),
            explanation,
            order: 0,
        }
    }

    /// What a timelock must send has to be scheduled with it and executed after its delay.
    fn through_timelock(&self, repair: Repair) -> Vec<Repair> {
        let node = repair.from.and_then(|from| self.graph.get(from));
        let Some(timelock) = node.filter(|node| node.kind == PrincipalKind::Timelock) else {
            return vec![repair];
        };
        let with = timelock.address;
        let deployment = self.registry.at(&self.observed.network, with);
        let schedule = "schedule(address,uint256,bytes,bytes32,bytes32,uint256)";
        let is_standard = deployment
            .is_none_or(|deployment| deployment.abi.functions().any(|f| f.signature == schedule));
        let delay_s = timelock.delay_s.unwrap_or(0);
        let waits = FactValue::Seconds(delay_s);
        if !is_standard {
            let name = self.graph.name(with);
            let explanation = format!(
                "{} {name} must make this call: schedule it there, then wait {waits}.",
                repair.explanation
            );
            return vec![Repair { explanation, ..repair }];
        }
        let holder = |role: &str| {
            let held = self.observed.contracts.get(&with)?;
            held.of(&Role::access(role)).next()
        };
        // The salt follows from the call, so that the same repair is the same operation.
        let salt = word(keccak256(&repair.data));
        let mut args = vec![
            DynSolValue::Address(repair.to),
            DynSolValue::Uint(U256::ZERO, 256),
            DynSolValue::Bytes(repair.data.to_vec()),
            word(B256::ZERO),
            salt,
        ];
        let execute = {
            let what = format!("After {waits}, makes the scheduled call.");
            let method = "execute(address,uint256,bytes,bytes32,bytes32)";
            let from = holder("EXECUTOR_ROLE").filter(|executor| !executor.is_zero());
            self.call(from, with, method, &args, what)
        };
        args.push(DynSolValue::Uint(U256::from(delay_s), 256));
        let what = format!("Schedules with the timelock: {}", repair.explanation);
        vec![self.call(holder("PROPOSER_ROLE"), with, schedule, &args, what), execute]
    }
}

/// The link before an account in a Safe's list, which removing it needs.
fn before(list: &[Address], account: Address) -> Address {
    let place = list.iter().position(|other| *other == account);
    place.and_then(|at| at.checked_sub(1)).map_or(SENTINEL, |at| list[at])
}

/// How far from the end of a list an account is.
fn from_the_end(list: &[Address], account: Address) -> usize {
    list.iter().rev().position(|other| *other == account).unwrap_or(0)
}

fn word(value: B256) -> DynSolValue {
    DynSolValue::FixedBytes(value, 32)
}
