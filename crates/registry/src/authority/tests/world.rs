//! The protocol, as declared.

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::Address;
use model::{Name, UnixSeconds};

use super::*;

pub(super) const DAY: u64 = 86_400;
pub(super) const NOW: u64 = 1_800_000_000;

pub(super) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(super) fn at(byte: u8) -> Address {
    Address::repeat_byte(byte)
}

pub(super) const TOKEN: u8 = 0x10;
pub(super) const VAULT: u8 = 0x11;
pub(super) const FEED: u8 = 0x12;
pub(super) const TIMELOCK: u8 = 0x13;
pub(super) const PROXY_ADMIN: u8 = 0x14;
pub(super) const SAFE: u8 = 0x20;
pub(super) const SAFE_ON_BASE: u8 = 0x21;
pub(super) const TREASURY: u8 = 0x22;
pub(super) const GUARD: u8 = 0x23;
pub(super) const ISSUER: u8 = 0x30;
pub(super) const REPORTER: u8 = 0x31;
pub(super) const GUARDIAN: u8 = 0x32;
pub(super) const ADA: u8 = 0x40;
pub(super) const BEN: u8 = 0x41;
pub(super) const CYD: u8 = 0x42;
pub(super) const MALLORY: u8 = 0x66;

pub(super) const ROLES: [&str; 4] = [
    "function hasRole(bytes32 role, address account) view returns (bool)",
    "function grantRole(bytes32 role, address account)",
    "function revokeRole(bytes32 role, address account)",
    "function DEFAULT_ADMIN_ROLE() view returns (bytes32)",
];

pub(super) fn deployment(label: &str, byte: u8, class: Class, items: &[&str]) -> Deployment {
    let all = ROLES.iter().chain(items).copied();
    Deployment {
        label: name(label),
        network: name("main"),
        address: at(byte),
        protocol: Some(name("acme")),
        class,
        abi: Arc::new(ContractAbi::from_solidity(all).unwrap()),
        abi_known: true,
        first_block: Some(1),
        value_at_risk: None,
        token: None,
        oracle: None,
    }
}

pub(super) fn registry() -> Registry {
    let list = vec![
        deployment(
            "token",
            TOKEN,
            Class::Token,
            &[
                "function issue(address to, uint256 amount)",
                "function ISSUER_ROLE() view returns (bytes32)",
                "function PAUSER_ROLE() view returns (bytes32)",
            ],
        ),
        deployment(
            "vault",
            VAULT,
            Class::Vault,
            &[
                "function upgradeToAndCall(address implementation, bytes data) payable",
                "function changeAdmin(address admin)",
                "function guardian() view returns (address)",
                "function setGuardian(address who)",
            ],
        ),
        deployment(
            "feed",
            FEED,
            Class::Oracle,
            &[
                "function owner() view returns (address)",
                "function transferOwnership(address owner)",
                "function REPORTER_ROLE() view returns (bytes32)",
            ],
        ),
        deployment(
            "timelock",
            TIMELOCK,
            Class::Timelock,
            &[
                "function getMinDelay() view returns (uint256)",
                "function schedule(address target, uint256 value, bytes data, bytes32 predecessor, bytes32 salt, uint256 delay)",
                "function PROPOSER_ROLE() view returns (bytes32)",
            ],
        ),
    ];
    Registry::new(list, Labels::default()).unwrap()
}

pub(super) fn principal(text: &str, kind: PrincipalKind, byte: u8) -> Principal {
    Principal {
        name: name(text),
        kind,
        addresses: BTreeMap::from([(name("main"), at(byte))]),
        person: None,
        threshold: None,
        owners: None,
        modules: Vec::new(),
        guard: None,
        min_delay_s: None,
        is_treasury: false,
    }
}

pub(super) fn allowed(on: &str, role: &str, holders: &[&str]) -> Allowed {
    Allowed {
        on: name(on),
        role: role.parse().unwrap(),
        holders: holders.iter().map(|holder| name(holder)).collect(),
        max: None,
        is_optional: false,
    }
}

pub(super) fn policy() -> Policy {
    use PrincipalKind::*;
    let both = |byte| BTreeMap::from([(name("main"), at(byte)), (name("base"), at(byte))]);
    let of = |person: &str, byte| Principal {
        person: Some(name(person)),
        addresses: both(byte),
        ..principal(&format!("{person}-key"), Key, byte)
    };
    let safe = Principal {
        addresses: BTreeMap::from([(name("main"), at(SAFE)), (name("base"), at(SAFE_ON_BASE))]),
        threshold: Some(2),
        owners: Some(["ada-key", "ben-key", "cyd-key"].map(name).into()),
        guard: Some(name("tx-guard")),
        ..principal("ops", Safe, SAFE)
    };
    Policy {
        people: ["ada", "ben", "cyd"].map(|who| (name(who), Person::default())).into(),
        principals: vec![
            of("ada", ADA),
            of("ben", BEN),
            of("cyd", CYD),
            safe,
            Principal { addresses: both(GUARD), ..principal("tx-guard", Contract, GUARD) },
            principal("proxy-admin", ProxyAdmin, PROXY_ADMIN),
            principal("issuer", Key, ISSUER),
            principal("reporter", Key, REPORTER),
            principal("guardian", Key, GUARDIAN),
            Principal { is_treasury: true, ..principal("treasury", Key, TREASURY) },
        ],
        allowed: vec![
            allowed("token", "DEFAULT_ADMIN_ROLE", &["timelock"]),
            Allowed { max: Some(1), ..allowed("token", "ISSUER_ROLE", &["issuer", "reporter"]) },
            allowed("vault", "DEFAULT_ADMIN_ROLE", &["timelock"]),
            allowed("vault", "admin", &["proxy-admin"]),
            allowed("vault", "guardian", &["guardian"]),
            allowed("proxy-admin", "owner", &["timelock"]),
            allowed("feed", "owner", &["ops"]),
            allowed("feed", "REPORTER_ROLE", &["reporter"]),
            allowed("timelock", "DEFAULT_ADMIN_ROLE", &["timelock"]),
            allowed("timelock", "PROPOSER_ROLE", &["ops"]),
            allowed("timelock", "CANCELLER_ROLE", &["guardian"]),
            allowed("treasury", &format!("spender:{}", at(TOKEN)), &["vault"]),
        ],
        separations: vec![Separation {
            roles: vec![
                (name("token"), Role::access("ISSUER_ROLE")),
                (name("feed"), Role::access("REPORTER_ROLE")),
            ],
        }],
        timelock: Some(name("timelock")),
        ..Policy::empty()
    }
}

/// Everything as declared, until somebody changes it.
pub(super) struct World {
    pub(super) observed: Vec<Observed>,
    pub(super) registry: Registry,
    pub(super) declared: Declared,
    pub(super) history: History,
}

impl World {
    pub(super) fn new() -> Self {
        let moment = Moment { block: 100, at: UnixSeconds(NOW) };
        let mut main = Observed::new(name("main"), Some(1), moment);
        let mut base = Observed::new(name("base"), Some(8453), moment);
        for key in [ISSUER, REPORTER, GUARDIAN, ADA, BEN, CYD, TREASURY, MALLORY] {
            main.kinds.insert(at(key), PrincipalKind::Key);
            base.kinds.insert(at(key), PrincipalKind::Key);
        }
        let mut policy = policy();
        // `issuer` and `reporter` may both issue, one at a time, and either may be absent.
        policy.allowed[1].is_optional = true;
        let declared = Declared { policy: Some(policy), ..Declared::default() };
        let mut world = Self {
            observed: vec![main, base],
            registry: registry(),
            declared,
            history: History::default(),
        };
        let admin = Role::DEFAULT_ADMIN;
        let access = Role::access;
        for (on, role, who) in [
            (TOKEN, admin.clone(), TIMELOCK),
            (TOKEN, access("ISSUER_ROLE"), ISSUER),
            (VAULT, admin.clone(), TIMELOCK),
            (VAULT, Role::Admin, PROXY_ADMIN),
            (VAULT, Role::Named("guardian".into()), GUARDIAN),
            (PROXY_ADMIN, Role::Owner, TIMELOCK),
            (FEED, Role::Owner, SAFE),
            (FEED, access("REPORTER_ROLE"), REPORTER),
            (TIMELOCK, admin, TIMELOCK),
            (TIMELOCK, access("PROPOSER_ROLE"), SAFE),
            (TIMELOCK, access("CANCELLER_ROLE"), GUARDIAN),
            (TREASURY, Role::Spender(at(TOKEN)), VAULT),
        ] {
            world.gain(on, &role, who);
        }
        world.held(TIMELOCK).min_delay_s = Some(2 * DAY);
        world.safe(0, SAFE);
        world.safe(1, SAFE_ON_BASE);
        world
    }

    pub(super) fn safe(&mut self, network: usize, byte: u8) {
        let held = self.observed[network].contracts.entry(at(byte));
        let held = held.or_insert_with(|| Holdings::new(Past::Whole));
        let when = Moment { block: 5, at: UnixSeconds(NOW - 400 * DAY) };
        for signer in [CYD, BEN, ADA] {
            let change = Change::Gained { role: Role::Signer, account: at(signer) };
            held.apply(&change, when).unwrap();
        }
        let guard = Change::Gained { role: Role::Guard, account: at(GUARD) };
        held.apply(&guard, when).unwrap();
        held.apply(&Change::Threshold(2), when).unwrap();
    }

    pub(super) fn held(&mut self, on: u8) -> &mut Holdings {
        let contracts = &mut self.observed[0].contracts;
        contracts.entry(at(on)).or_insert_with(|| Holdings::new(Past::Whole))
    }

    pub(super) fn gain(&mut self, on: u8, role: &Role, who: u8) {
        let change = Change::Gained { role: role.clone(), account: at(who) };
        let when = Moment { block: 5, at: UnixSeconds(NOW - 400 * DAY) };
        self.held(on).apply(&change, when).unwrap();
    }

    pub(super) fn policy(&mut self) -> &mut Policy {
        self.declared.policy.as_mut().unwrap()
    }

    pub(super) fn drift_at(&self, now: u64) -> Vec<DriftItem> {
        drift(&self.observed, &self.registry, &self.declared, UnixSeconds(now), &self.history)
    }

    pub(super) fn drift(&self) -> Vec<DriftItem> {
        self.drift_at(NOW)
    }

    pub(super) fn graph(&self) -> Graph {
        Graph::new(&self.observed[0], &self.registry, &self.declared)
    }
}

pub(super) fn lines(items: &[DriftItem]) -> String {
    let line = |item: &DriftItem| format!("{} {}: {}", item.severity, item.key.class, item.title);
    items.iter().map(line).collect::<Vec<_>>().join("\n")
}
