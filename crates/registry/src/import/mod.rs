//! What a team already wrote down about its contracts, read in the formats of the tools that wrote
//! it.
//!
//! Every format is a pure parser over [`Files`]: texts in, an [`Import`] out. Nothing that was seen
//! is dropped in silence: it is either [`Deployed`] or [`LeftOut`] with the place and the reason. A
//! file that cannot be read never hides the others.

mod creation; //              which artefact a deployed contract was compiled from
mod etherscan; //             answers of an explorer's API
mod foundry; //               broadcast/ and out/
mod hardhat; //               deployments/ of hardhat-deploy
mod ignition; //              ignition/deployments/
mod json; //                  JSON that knows where it stands
mod list; //                  plain CSV and JSON
mod openzeppelin_upgrades; // .openzeppelin/
mod place; //                 where something was read, and why it was not taken
mod proxies; //               a proxy and what stands behind it
mod safe_bundle; //           batches of the Safe transaction builder
mod sourcify; //              full_match trees and API answers
#[cfg(test)]
mod tests;
mod truffle; //               build/contracts

use std::{borrow::Cow, collections::BTreeMap, fmt, str::FromStr};

use model::{Address, B256, Name};

use crate::Class;

pub use place::{At, LeftOut, Place, Why};
pub use proxies::ProxyKind;

/// A view of files, by path relative to what the user named, with `/` between the parts.
pub trait Files {
    /// All paths, sorted.
    fn paths(&self) -> Vec<&str>;

    /// The text of a file.
    ///
    /// # Errors
    /// Why it cannot be read, in words.
    fn text(&self, path: &str) -> Result<Cow<'_, str>, String>;
}

impl Files for BTreeMap<String, String> {
    fn paths(&self) -> Vec<&str> {
        self.keys().map(String::as_str).collect()
    }

    fn text(&self, path: &str) -> Result<Cow<'_, str>, String> {
        let text = self.get(path).ok_or("there is no such file")?;
        Ok(Cow::Borrowed(text))
    }
}

/// The chain a contract is on, as far as its source says.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Chain {
    /// EIP-155 id.
    Id(u64),
    /// A network of the user's own folder.
    Network(Name),
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "chain {id}"),
            Self::Network(name) => write!(f, "network {name}"),
        }
    }
}

/// An ABI with the file it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AbiText {
    /// A JSON array of items; not yet checked item by item.
    pub json: String,
    /// File it was found in.
    pub from: String,
}

/// A contract that its source says is deployed, or will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployed {
    /// What the source calls it; may be empty of meaning when the source knows no name.
    pub name: String,
    /// Chain.
    pub chain: Chain,
    /// Address.
    pub address: Address,
    /// Where it was read.
    pub place: Place,
    /// Its interface, when it lies beside it.
    pub abi: Option<AbiText>,
    /// How it delegates, when it is a proxy.
    pub proxy: Option<ProxyKind>,
    /// What stands behind it, when it is a proxy.
    pub implementation: Option<Address>,
    /// Class, when the source states it.
    pub class: Option<Class>,
    /// Block that created it.
    pub first_block: Option<u64>,
    /// Who created it: the sender, or the factory.
    pub creator: Option<Address>,
    /// Transaction that created it.
    pub transaction: Option<B256>,
    /// Constructor arguments, as the source writes them.
    pub arguments: Vec<String>,
    /// Storage layout in the form of `solc`, when the source has it.
    pub layout: Option<String>,
    /// Whether nothing is there yet: the transaction that creates it is still to be sent.
    pub is_planned: bool,
    /// What a reviewer should know about it.
    pub notes: Vec<String>,
}

impl Deployed {
    fn new(name: impl Into<String>, chain: Chain, address: Address, place: Place) -> Self {
        Self {
            name: name.into(),
            chain,
            address,
            place,
            abi: None,
            proxy: None,
            implementation: None,
            class: None,
            first_block: None,
            creator: None,
            transaction: None,
            arguments: Vec::new(),
            layout: None,
            is_planned: false,
            notes: Vec::new(),
        }
    }
}

/// What an import brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Import {
    /// Contracts in the order of the files; one for each chain and address.
    pub deployed: Vec<Deployed>,
    /// What was seen and not taken.
    pub left_out: Vec<LeftOut>,
}

impl Import {
    /// Adds a contract. One that is known already lends what the first telling did not have.
    fn add(&mut self, new: Deployed) {
        let is_same = |d: &&mut Deployed| d.chain == new.chain && d.address == new.address;
        let Some(known) = self.deployed.iter_mut().find(is_same) else {
            self.deployed.push(new);
            return;
        };
        known.abi = known.abi.take().or(new.abi);
        known.proxy = known.proxy.or(new.proxy);
        known.implementation = known.implementation.or(new.implementation);
        known.class = known.class.or(new.class);
        known.first_block = known.first_block.or(new.first_block);
        known.creator = known.creator.or(new.creator);
        known.transaction = known.transaction.or(new.transaction);
        known.layout = known.layout.take().or(new.layout);
        if known.arguments.is_empty() {
            known.arguments = new.arguments;
        }
    }

    fn leave(&mut self, place: Place, what: impl Into<String>, why: Why) {
        self.left_out.push(LeftOut { place, what: what.into(), why });
    }

    /// Whether something could not be read that should have been.
    pub fn has_mistakes(&self) -> bool {
        self.left_out.iter().any(|left| left.why.is_mistake())
    }
}

/// What a reader may be told beyond the files.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Chain of contracts whose source does not say it.
    pub chain_id: Option<u64>,
    /// Whether contracts that a later run of the same script replaced are taken as well.
    pub superseded: bool,
    /// Foundry's folder of broadcasts, when it is not `broadcast`.
    pub broadcast: Option<String>,
    /// Foundry's folder of artefacts, when it is not `out`.
    pub out: Option<String>,
}

/// A format that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// A Foundry project: `broadcast/` and `out/`.
    Foundry,
    /// A Hardhat project: hardhat-deploy and Ignition.
    Hardhat,
    /// A Truffle project: `build/contracts/`.
    Truffle,
    /// Manifests of the OpenZeppelin upgrades plug-ins: `.openzeppelin/`.
    OpenzeppelinUpgrades,
    /// Sourcify: a repository tree or answers of its API.
    Sourcify,
    /// Answers of an API in Etherscan's form.
    Etherscan,
    /// Batches of the Safe transaction builder.
    SafeBundle,
    /// A list, as CSV or JSON.
    List,
}

/// A word that names no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown format {0:?} (one of: {allowed})", allowed = Format::ALL.map(Format::as_str).join(", "))]
pub struct ParseFormatError(pub String);

impl Format {
    /// All formats, in the order of the documentation.
    pub const ALL: [Self; 8] = [
        Self::Foundry,
        Self::Hardhat,
        Self::Truffle,
        Self::OpenzeppelinUpgrades,
        Self::Sourcify,
        Self::Etherscan,
        Self::SafeBundle,
        Self::List,
    ];

    /// The word used on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Foundry => "foundry",
            Self::Hardhat => "hardhat",
            Self::Truffle => "truffle",
            Self::OpenzeppelinUpgrades => "openzeppelin-upgrades",
            Self::Sourcify => "sourcify",
            Self::Etherscan => "etherscan",
            Self::SafeBundle => "safe-bundle",
            Self::List => "list",
        }
    }

    /// Folders that matter below the one the user names; `None` when all of it does.
    pub fn folders(self, options: &Options) -> Option<Vec<String>> {
        let folders: Vec<&str> = match self {
            Self::Foundry => vec![
                options.broadcast.as_deref().unwrap_or(foundry::BROADCAST),
                options.out.as_deref().unwrap_or(foundry::OUT),
            ],
            Self::Hardhat => vec!["deployments", "ignition/deployments", "artifacts"],
            Self::Truffle => vec!["build/contracts"],
            Self::OpenzeppelinUpgrades => vec![".openzeppelin", "artifacts", "out"],
            Self::Sourcify | Self::Etherscan | Self::SafeBundle | Self::List => return None,
        };
        Some(folders.into_iter().map(str::to_owned).collect())
    }

    /// Reads everything of this format that the files hold.
    pub fn read(self, files: &dyn Files, options: &Options) -> Import {
        let mut import = Import::default();
        match self {
            Self::Foundry => foundry::read(files, options, &mut import),
            Self::Hardhat => {
                hardhat::read(files, &mut import);
                ignition::read(files, &mut import);
            }
            Self::Truffle => truffle::read(files, &mut import),
            Self::OpenzeppelinUpgrades => openzeppelin_upgrades::read(files, &mut import),
            Self::Sourcify => sourcify::read(files, &mut import),
            Self::Etherscan => etherscan::read(files, options, &mut import),
            Self::SafeBundle => safe_bundle::read(files, &mut import),
            Self::List => list::read(files, &mut import),
        }
        proxies::join(&mut import.deployed);
        import
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Format {
    type Err = ParseFormatError;
    fn from_str(text: &str) -> Result<Self, ParseFormatError> {
        Self::ALL
            .into_iter()
            .find(|format| format.as_str() == text)
            .ok_or_else(|| ParseFormatError(text.to_owned()))
    }
}

/// The file's name without its folders.
fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The file's name up to its first point.
fn stem(path: &str) -> &str {
    let name = file_name(path);
    name.split_once('.').map_or(name, |(stem, _)| stem)
}

/// What to call a contract of which only the address is known: `contract-1a2b3c4d`.
fn nameless(address: Address) -> String {
    let text = format!("{address:#x}");
    format!("contract-{}", &text[2..10])
}
