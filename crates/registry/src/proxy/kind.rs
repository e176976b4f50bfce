use std::fmt;

use alloy_primitives::Address;

use super::Facet;

/// A contract that runs another contract's code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    /// Which kind, with what it points at.
    pub kind: ProxyKind,
    /// What speaks for it, in words.
    pub evidence: Vec<String>,
}

/// How a contract comes to run another contract's code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProxyKind {
    /// ERC-1967 with an admin that may replace the implementation.
    Transparent {
        /// Whose code runs.
        implementation: Address,
        /// Who may replace it: an account, a Safe, or a `ProxyAdmin`.
        admin: Address,
        /// Owner of the admin, when that is a `ProxyAdmin`.
        admin_owner: Option<Address>,
    },
    /// ERC-1967 whose implementation replaces itself (`proxiableUUID`).
    Uups {
        /// Whose code runs.
        implementation: Address,
    },
    /// ERC-1967 that asks a beacon for its implementation.
    Beacon {
        /// Who is asked.
        beacon: Address,
        /// What it answered; `None` when it did not answer with an address.
        implementation: Option<Address>,
        /// Who may change the answer, when the beacon says so.
        beacon_owner: Option<Address>,
    },
    /// ERC-1967 that shows neither an admin nor a way to replace the implementation.
    Erc1967 {
        /// Whose code runs.
        implementation: Address,
    },
    /// The slot of ERC-1822.
    Erc1822 {
        /// Whose code runs.
        implementation: Address,
    },
    /// The slots of ZeppelinOS, before ERC-1967.
    ZeppelinOs {
        /// Whose code runs.
        implementation: Address,
        /// Who may replace it, when the admin slot is set.
        admin: Option<Address>,
    },
    /// ERC-2535: each selector has its facet.
    Diamond {
        /// The facets with their selectors, by address.
        facets: Vec<Facet>,
    },
    /// ERC-1167 or alike: the address is in the bytecode and cannot change.
    Clone {
        /// Whose code runs.
        implementation: Address,
    },
    /// A Safe: the singleton is in slot 0.
    Safe {
        /// Whose code runs.
        singleton: Address,
    },
    /// An account that delegates to code (EIP-7702). Its key may change that at any time.
    Delegation {
        /// Whose code runs.
        delegate: Address,
    },
    /// It delegates and says `implementation()` in no slot of any standard.
    Getter {
        /// What it answered.
        implementation: Address,
    },
}

impl ProxyKind {
    /// Everything whose code runs here, in the order of the answer.
    pub fn targets(&self) -> Vec<Address> {
        match self {
            Self::Transparent { implementation, .. }
            | Self::Uups { implementation }
            | Self::Erc1967 { implementation }
            | Self::Erc1822 { implementation }
            | Self::ZeppelinOs { implementation, .. }
            | Self::Clone { implementation }
            | Self::Getter { implementation }
            | Self::Safe { singleton: implementation }
            | Self::Delegation { delegate: implementation } => vec![*implementation],
            Self::Beacon { implementation, .. } => implementation.iter().copied().collect(),
            Self::Diamond { facets } => facets.iter().map(|facet| facet.address).collect(),
        }
    }

    /// Those who may replace the code, with what they are called; without those that only the
    /// implementation's own rules name.
    pub fn controllers(&self) -> Vec<(&'static str, Address)> {
        let mut all = Vec::new();
        match self {
            Self::Transparent { admin, admin_owner, .. } => {
                all.push(("proxy admin", *admin));
                all.extend(admin_owner.map(|owner| ("owner of the proxy admin", owner)));
            }
            Self::ZeppelinOs { admin, .. } => all.extend(admin.map(|admin| ("proxy admin", admin))),
            Self::Beacon { beacon, beacon_owner, .. } => {
                all.push(("beacon", *beacon));
                all.extend(beacon_owner.map(|owner| ("owner of the beacon", owner)));
            }
            _ => {}
        }
        all
    }

    /// Whether the code behind it can be replaced at all.
    pub fn is_upgradeable(&self) -> bool {
        !matches!(self, Self::Clone { .. })
    }

    /// The words for it on pages and in messages.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Transparent { .. } => "ERC-1967 proxy with an admin",
            Self::Uups { .. } => "UUPS proxy (ERC-1967)",
            Self::Beacon { .. } => "beacon proxy (ERC-1967)",
            Self::Erc1967 { .. } => "ERC-1967 proxy",
            Self::Erc1822 { .. } => "ERC-1822 proxy",
            Self::ZeppelinOs { .. } => "ZeppelinOS proxy",
            Self::Diamond { .. } => "diamond (ERC-2535)",
            Self::Clone { .. } => "clone (ERC-1167)",
            Self::Safe { .. } => "Safe proxy",
            Self::Delegation { .. } => "delegating account (EIP-7702)",
            Self::Getter { .. } => "proxy that names its implementation",
        }
    }
}

impl fmt::Display for ProxyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
