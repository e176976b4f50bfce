//! Who may do what, from what contracts say and from the events that gave and took it.

use std::collections::{BTreeMap, BTreeSet};

use model::{Address, B256};
use registry::{
    recognise::{AUTHORITY_GETTERS, Recognition, role_name},
    risk::{self, RiskKind, RoleChangeKind},
};

use super::logs::Seen;

/// Somebody who may do something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    /// What of: `RISK_ROLE`, `owner`, `proxy admin`.
    pub role: String,
    /// Id of the role, where roles have ids.
    pub role_id: Option<B256>,
    /// Who.
    pub account: Address,
    /// What stands at the address.
    pub kind: HolderKind,
    /// How it is known, in words.
    pub source: String,
}

/// What stands at a holder's address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum HolderKind {
    /// Nobody looked.
    #[default]
    Unseen,
    /// An account: whoever has its key.
    Account,
    /// A contract.
    Contract,
}

impl HolderKind {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unseen => "unseen",
            Self::Account => "account",
            Self::Contract => "contract",
        }
    }
}

/// What a contract calls a role.
pub(super) fn name_of_role(recognition: &Recognition, role: B256) -> String {
    let own = recognition.roles.iter().find(|(_, id)| *id == role).map(|(name, _)| name.clone());
    own.or_else(|| role_name(role)).unwrap_or_else(|| {
        let text = format!("{role:#x}");
        format!("role {}…", &text[..10])
    })
}

/// Topics of the events that give or take power.
pub(super) fn topics() -> Vec<B256> {
    let is_about_power = |name: &str| {
        ["Role", "Owner", "Admin", "Authority", "Module", "Guardian", "Signer", "Rely", "Deny"]
            .iter()
            .any(|word| name.contains(word))
    };
    let mut topics: Vec<B256> = risk::sources()
        .iter()
        .filter(|source| is_about_power(&source.event.name))
        .filter_map(|source| source.event.topic0)
        .collect();
    topics.sort_unstable();
    topics.dedup();
    topics
}

/// Everybody who ever got something and did not lose it, by contract, from events in order.
pub(super) fn from_events(
    logs: &[Seen],

    name: impl Fn(Address, B256) -> String,
) -> BTreeMap<Address, Vec<Holder>> {
    let mut held: BTreeMap<(Address, String, Option<B256>, Address), String> = BTreeMap::new();
    for seen in logs {
        let of = seen.log.address;
        let Some(event) = risk::normalize(&seen.log) else { continue };
        let RiskKind::RoleChange(change) = &event.kind else { continue };
        let (role, is_single) = match change.what {
            RoleChangeKind::Role => match change.role {
                Some(role) => (name(of, role), false),
                None => continue,
            },
            RoleChangeKind::Owner => ("owner".to_owned(), true),
            // What proxies call their admin in the event is the admin of their storage.
            RoleChangeKind::Admin if event.source.event.name == "AdminChanged" => {
                ("proxy admin".to_owned(), true)
            }
            RoleChangeKind::Admin => ("admin".to_owned(), true),
            RoleChangeKind::Authority => ("authority".to_owned(), true),
            RoleChangeKind::Signer => ("signer".to_owned(), false),
            RoleChangeKind::Module => ("module".to_owned(), false),
            _ => continue,
        };
        let Some(account) = change.account.or(change.previous) else { continue };
        if is_single {
            held.retain(|(contract, known, _, _), _| (*contract, known) != (of, &role));
        }
        let key = (of, role, change.role, account);
        if change.granted {
            let source = format!("{} in block {}", event.source.event.name, seen.block);
            held.entry(key).or_insert(source);
        } else {
            held.remove(&key);
        }
    }
    let mut by_contract: BTreeMap<Address, Vec<Holder>> = BTreeMap::new();
    for ((of, role, role_id, account), source) in held {
        let holder = Holder { role, role_id, account, kind: HolderKind::Unseen, source };
        by_contract.entry(of).or_default().push(holder);
    }
    by_contract
}

/// Everybody whom the contract itself names as holding something.
pub(super) fn from_answers(recognition: &Recognition) -> Vec<Holder> {
    let mut holders = Vec::new();
    let mut add = |role: &str, role_id, account: Address, source: String| {
        if !account.is_zero() {
            let kind = HolderKind::Unseen;
            holders.push(Holder { role: role.to_owned(), role_id, account, kind, source });
        }
    };
    for (what, who) in recognition.proxy.iter().flat_map(|proxy| proxy.kind.controllers()) {
        add(what, None, who, "the proxy's storage".to_owned());
    }
    for listed in &recognition.members {
        let role = name_of_role(recognition, listed.role);
        for member in &listed.members {
            add(&role, Some(listed.role), *member, "getRoleMember()".to_owned());
        }
    }
    for getter in &recognition.getters {
        if AUTHORITY_GETTERS.contains(&getter.name.as_str()) {
            add(&getter.name, None, getter.target, format!("{}()", getter.name));
        }
    }
    if let Some(safe) = &recognition.safe {
        let role = format!("signer ({} of {})", safe.threshold, safe.owners.len());
        for owner in &safe.owners {
            add(&role, None, *owner, "getOwners()".to_owned());
        }
        for module in safe.modules.iter().flatten() {
            add("module", None, *module, "getModulesPaginated()".to_owned());
        }
        if let Some(guard) = safe.guard {
            add("guard", None, guard, "the guard slot".to_owned());
        }
    }
    holders
}

/// One entry for each role and account; of several sources the first stays.
pub(super) fn joined(holders: Vec<Holder>) -> Vec<Holder> {
    let mut known = BTreeSet::new();
    let mut joined: Vec<Holder> = Vec::new();
    for holder in holders {
        if known.insert((holder.role.clone(), holder.account)) {
            joined.push(holder);
        }
    }
    joined.sort();
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Bytes, Log};

    const VAULT: Address = Address::repeat_byte(0xaa);

    fn seen(block: u64, signature: &str, words: &[B256]) -> Seen {
        let topic0 = alloy_primitives::keccak256(signature);
        let topics = [&[topic0][..], words].concat();
        let log = Log { index: 0, address: VAULT, topics, data: Bytes::new() };
        Seen { log, block, transaction: B256::ZERO }
    }

    fn held(logs: &[Seen]) -> Vec<(String, Address)> {
        let of = from_events(logs, |_, role| role_name(role).unwrap());
        of.into_values().flatten().map(|h| (h.role, h.account)).collect()
    }

    #[test]
    fn what_was_given_and_not_taken_is_held() {
        let role = alloy_primitives::keccak256("PAUSER_ROLE");
        let who = |byte| Address::repeat_byte(byte).into_word();
        let given = "RoleGranted(bytes32,address,address)";
        let taken = "RoleRevoked(bytes32,address,address)";
        let logs = [
            seen(1, given, &[role, who(1), who(9)]),
            seen(2, given, &[role, who(2), who(9)]),
            seen(3, taken, &[role, who(1), who(9)]),
            seen(3, given, &[B256::ZERO, who(3), who(9)]),
        ];
        assert_eq!(
            held(&logs),
            [
                ("DEFAULT_ADMIN_ROLE".to_owned(), Address::repeat_byte(3)),
                ("PAUSER_ROLE".to_owned(), Address::repeat_byte(2)),
            ]
        );
    }

    #[test]
    fn an_owner_follows_another() {
        let moved = "OwnershipTransferred(address,address)";
        let who = |byte| Address::repeat_byte(byte).into_word();
        let logs = [seen(1, moved, &[B256::ZERO, who(1)]), seen(2, moved, &[who(1), who(2)])];
        assert_eq!(held(&logs), [("owner".to_owned(), Address::repeat_byte(2))]);
        let gone = [&logs[..], &[seen(3, moved, &[who(2), B256::ZERO])]].concat();
        assert_eq!(held(&gone), []);
    }
}
