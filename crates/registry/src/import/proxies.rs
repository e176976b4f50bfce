//! A proxy and what stands behind it, as far as names and constructor arguments tell.

use std::{fmt, str::FromStr};

use model::Address;

use super::{AbiText, Deployed};
use crate::address::parse_address;

/// How a contract delegates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProxyKind {
    /// An admin, kept by the proxy itself, replaces the implementation (ERC-1967).
    Transparent,
    /// The implementation replaces itself (ERC-1822, ERC-1967).
    Uups,
    /// A beacon names the implementation of many proxies.
    Beacon,
    /// Many facets behind one address (ERC-2535).
    Diamond,
    /// A fixed target (ERC-1167).
    Clone,
    /// It delegates; how the implementation is replaced is not known.
    Other,
}

impl ProxyKind {
    /// The word used in files and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transparent => "transparent",
            Self::Uups => "uups",
            Self::Beacon => "beacon",
            Self::Diamond => "diamond",
            Self::Clone => "clone",
            Self::Other => "unknown kind",
        }
    }

    /// The events that a proxy of this kind emits itself, as an ABI: enough to watch its upgrades
    /// when nothing else about it is known.
    pub fn abi(self) -> AbiText {
        let json = match self {
            Self::Beacon => concat!("[", include_str!("proxies/beacon.json"), "]"),
            Self::Diamond => concat!("[", include_str!("proxies/diamond.json"), "]"),
            Self::Clone => "[]",
            Self::Transparent | Self::Uups | Self::Other => {
                concat!("[", include_str!("proxies/erc1967.json"), "]")
            }
        };
        AbiText { json: json.to_owned(), from: "ERC-1967".to_owned() }
    }

    /// What the contract's own name says: the names of OpenZeppelin and hardhat-deploy.
    fn of_name(name: &str) -> Option<Self> {
        Some(match name {
            "TransparentUpgradeableProxy"
            | "AdminUpgradeabilityProxy"
            | "OptimizedTransparentProxy"
            | "EIP173Proxy"
            | "EIP173ProxyWithReceive" => Self::Transparent,
            "ERC1967Proxy" | "UUPSProxy" | "ERC1967ProxyWithReceive" => Self::Uups,
            "BeaconProxy" => Self::Beacon,
            "Diamond" | "DiamondProxy" => Self::Diamond,
            "Proxy" | "UpgradeableProxy" => Self::Other,
            _ => return None,
        })
    }
}

impl fmt::Display for ProxyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for ProxyKind {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "transparent" => Ok(Self::Transparent),
            "uups" => Ok(Self::Uups),
            "beacon" => Ok(Self::Beacon),
            "diamond" => Ok(Self::Diamond),
            "clone" => Ok(Self::Clone),
            other => Err(format!(
                "unknown kind of proxy {other:?} (one of: transparent, uups, beacon, diamond, clone)"
            )),
        }
    }
}

/// What follows the name of a contract that stands behind a proxy of this name.
const IMPLEMENTATION: &str = "-implementation";

/// Joins proxies with their implementations: a contract with a proxy's name, created with the
/// address of another contract as its first argument, is called what that one is called, because
/// that is what people mean by the name.
pub(super) fn join(deployed: &mut [Deployed]) {
    for at in 0..deployed.len() {
        let contract = &mut deployed[at];
        if contract.proxy.is_none() {
            contract.proxy = ProxyKind::of_name(&contract.name);
        }
        let Some(kind) = contract.proxy else { continue };
        if contract.implementation.is_none() && kind != ProxyKind::Diamond {
            contract.implementation =
                contract.arguments.first().and_then(|first| parse_address(first).ok());
        }
        let (chain, name) = (contract.chain.clone(), contract.name.clone());
        let Some(behind) = contract.implementation else { continue };
        let has_name_of_kind = ProxyKind::of_name(&name).is_some();
        let position = |deployed: &[Deployed], address: Address| {
            deployed.iter().position(|d| d.chain == chain && d.address == address)
        };
        // The argument of a beacon proxy is the beacon, whose argument is the implementation.
        let behind = match position(deployed, behind) {
            Some(beacon) if kind == ProxyKind::Beacon => deployed[beacon]
                .arguments
                .first()
                .and_then(|first| parse_address(first).ok())
                .unwrap_or(behind),
            _ => behind,
        };
        deployed[at].implementation = Some(behind);
        let Some(target) = position(deployed, behind).filter(|target| *target != at) else {
            continue;
        };
        // Another proxy of the same implementation may have renamed it already.
        let behind = &deployed[target].name;
        let name = behind.strip_suffix(IMPLEMENTATION).unwrap_or(behind).to_owned();
        if deployed[at].name == name || has_name_of_kind {
            deployed[target].name = format!("{name}{IMPLEMENTATION}");
            deployed[at].name = name;
        }
    }
}
