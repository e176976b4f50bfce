//! From code, slots and answers to a kind of proxy.

use alloy_primitives::{Address, hex};

use super::{
    EIP1822_IMPLEMENTATION, EIP1967_ADMIN, EIP1967_BEACON, EIP1967_IMPLEMENTATION, Proxy,
    ProxyKind, SAFE_SINGLETON, ZOS_ADMIN, ZOS_IMPLEMENTATION, delegate_from_code, facets,
    implementation_from_word, is_delegation,
};
use crate::recognise::{Code, Facts, Question};

/// `implementation()`, which beacons answer.
pub const IMPLEMENTATION: [u8; 4] = hex!("5c60da1b");
/// `proxiableUUID()`.
const PROXIABLE_UUID: [u8; 4] = hex!("52d1902d");
/// `facets()`, which diamonds answer.
pub const FACETS: [u8; 4] = hex!("7a0ed627");
/// `masterCopy()`, which a Safe's proxy answers itself.
const MASTER_COPY: [u8; 4] = hex!("a619486e");
/// `owner()`.
const OWNER: [u8; 4] = hex!("8da5cb5b");

/// The selectors above with what they are the selectors of, for a test.
#[cfg(test)]
pub(crate) const SELECTORS: &[([u8; 4], &str)] = &[
    (IMPLEMENTATION, "implementation()"),
    (PROXIABLE_UUID, "proxiableUUID()"),
    (FACETS, "facets()"),
    (MASTER_COPY, "masterCopy()"),
    (OWNER, "owner()"),
    (super::safe::GET_OWNERS, "getOwners()"),
    (super::safe::GET_THRESHOLD, "getThreshold()"),
    (super::safe::GET_MODULES, "getModulesPaginated(address,uint256)"),
];

/// Most functions of its own that a proxy without standard slots has.
const OWN_FUNCTIONS_MAX: usize = 12;

/// What is known about whether an address is a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// What would have to be asked to know more. Empty when nothing would change the answer.
    pub wanted: Vec<Question>,
    /// What it is, as far as is known.
    pub found: Found,
}

/// Whether an address is a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It is.
    Proxy(Proxy),
    /// Its own code answers, as far as anything shows.
    None,
    /// Something that decides it could not be asked.
    Unknown,
}

impl Found {
    /// The proxy, if it is one.
    pub fn proxy(self) -> Option<Proxy> {
        match self {
            Self::Proxy(proxy) => Some(proxy),
            Self::None | Self::Unknown => None,
        }
    }
}

/// Asked questions and answers, with what is still missing.
struct Known<'a> {
    facts: &'a Facts,
    wanted: Vec<Question>,
}

impl Known<'_> {
    fn want(&mut self, question: Question) {
        if !self.facts.is_asked(&question) && !self.wanted.contains(&question) {
            self.wanted.push(question);
        }
    }

    fn slot(&mut self, of: Address, slot: alloy_primitives::B256) -> Option<Address> {
        self.want(Question::Storage { of, slot });
        self.facts.stored(of, slot).and_then(implementation_from_word)
    }

    fn address(&mut self, to: Address, selector: [u8; 4]) -> Option<Address> {
        self.want(Question::call(to, selector));
        self.facts.address_of_call(to, selector)
    }
}

/// Whether the contract at `address` is a proxy, as far as `facts` show, and what to ask next.
///
/// The order is that of certainty: what the bytecode says cannot change, what standard slots say is
/// what the contract runs, what a getter says is only its word.
pub fn find(address: Address, facts: &Facts) -> Look {
    let mut known = Known { facts, wanted: Vec::new() };
    let question = Question::Code(address);
    let Some(code) = facts.code(address) else {
        let found = if facts.is_asked(&question) { Found::Unknown } else { Found::None };
        known.want(question);
        return Look { wanted: known.wanted, found };
    };
    let found = look(address, code, &mut known);
    let found = match found {
        Some(proxy) => Found::Proxy(proxy),
        None if is_undecided(address, facts) => Found::Unknown,
        None => Found::None,
    };
    Look { wanted: known.wanted, found }
}

/// Whether the node refused one of the questions without which "no proxy" means nothing.
fn is_undecided(of: Address, facts: &Facts) -> bool {
    [EIP1967_IMPLEMENTATION, EIP1967_BEACON]
        .iter()
        .any(|slot| facts.is_unanswered(&Question::Storage { of, slot: *slot }))
}

fn look(address: Address, code: &Code, known: &mut Known<'_>) -> Option<Proxy> {
    let with = |kind: ProxyKind, evidence: Vec<String>| {
        let mut evidence = evidence;
        if kind.targets().contains(&address) {
            evidence.push("it points at itself: every call to it runs out of gas".to_owned());
        }
        Some(Proxy { kind, evidence })
    };
    if code.bytes().is_empty() {
        return None;
    }
    if let Some(target) = delegate_from_code(code.bytes()) {
        return if is_delegation(code.bytes()) {
            let evidence = vec![format!("its code is a delegation to {target}")];
            with(ProxyKind::Delegation { delegate: target }, evidence)
        } else {
            let evidence = vec![format!("its bytecode delegates everything to {target}")];
            with(ProxyKind::Clone { implementation: target }, evidence)
        };
    }
    // Code that never delegates is no proxy, whatever its storage happens to hold.
    if !code.has_delegatecall() {
        return None;
    }
    let implementation = known.slot(address, EIP1967_IMPLEMENTATION);
    let admin = known.slot(address, EIP1967_ADMIN);
    let beacon = known.slot(address, EIP1967_BEACON);
    if let Some(implementation) = implementation {
        let mut evidence = vec![format!("its ERC-1967 slot names {implementation}")];
        if let Some(admin) = admin {
            evidence.push(format!("its admin slot names {admin}"));
            known.want(Question::Code(admin));
            let has_code = known.facts.code(admin).is_some_and(|code| !code.bytes().is_empty());
            let admin_owner = if has_code { known.address(admin, OWNER) } else { None };
            return with(ProxyKind::Transparent { implementation, admin, admin_owner }, evidence);
        }
        known.want(Question::call(implementation, PROXIABLE_UUID));
        let uuid = known.facts.word_of_call(implementation, PROXIABLE_UUID);
        if uuid == Some(EIP1967_IMPLEMENTATION) {
            evidence.push("its implementation answers proxiableUUID() with that slot".to_owned());
            return with(ProxyKind::Uups { implementation }, evidence);
        }
        return with(ProxyKind::Erc1967 { implementation }, evidence);
    }
    if let Some(beacon) = beacon {
        let evidence = vec![format!("its ERC-1967 beacon slot names {beacon}")];
        let implementation = known.address(beacon, IMPLEMENTATION);
        let beacon_owner = known.address(beacon, OWNER);
        return with(ProxyKind::Beacon { beacon, implementation, beacon_owner }, evidence);
    }
    if let Some(implementation) = known.slot(address, EIP1822_IMPLEMENTATION) {
        let evidence = vec![format!("its ERC-1822 slot names {implementation}")];
        return with(ProxyKind::Erc1822 { implementation }, evidence);
    }
    if let Some(implementation) = known.slot(address, ZOS_IMPLEMENTATION) {
        let admin = known.slot(address, ZOS_ADMIN);
        let evidence = vec![format!("its ZeppelinOS slot names {implementation}")];
        return with(ProxyKind::ZeppelinOs { implementation, admin }, evidence);
    }
    known.want(Question::call(address, FACETS));
    let loupe = known.facts.returned(address, &FACETS).and_then(|answer| facets(answer));
    if let Some(facets) = loupe.filter(|facets| !facets.is_empty()) {
        let evidence = vec![format!("facets() names {} facets", facets.len())];
        return with(ProxyKind::Diamond { facets }, evidence);
    }
    if let Some(singleton) = known.slot(address, SAFE_SINGLETON) {
        let said = known.address(address, MASTER_COPY);
        known.want(Question::Code(singleton));
        let is_safe = known.facts.code(singleton).is_some_and(|code| {
            [super::safe::GET_OWNERS, super::safe::GET_THRESHOLD].iter().all(|s| code.answers(*s))
        });
        if said == Some(singleton) && is_safe {
            let evidence = vec![format!(
                "slot 0 and masterCopy() name {singleton}, which has owners and a threshold"
            )];
            return with(ProxyKind::Safe { singleton }, evidence);
        }
    }
    // A factory of clones says implementation() as well and may delegate to itself (multicall); a
    // proxy has few functions of its own. A fallback may answer what the dispatcher does not list,
    // so the question is asked of any of them; only an answer with code behind it counts.
    if code.functions().len() > OWN_FUNCTIONS_MAX {
        return None;
    }
    let said = known.address(address, IMPLEMENTATION)?;
    known.want(Question::Code(said));
    let has_code = known.facts.code(said).is_some_and(|code| !code.bytes().is_empty());
    if !has_code || said == address {
        return None;
    }
    with(
        ProxyKind::Getter { implementation: said },
        vec![format!("it delegates, and implementation() answers {said}")],
    )
}
