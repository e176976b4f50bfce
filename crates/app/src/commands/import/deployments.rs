//! Contracts that other tools know: what was deployed where, with which interface.

use std::path::{Path, PathBuf};

use registry::import::{Format, Options};
use serde_json::json;

use super::{Outcome, Target};
use crate::import::deployments::{Disk, Existing, plan};

/// Where contracts are read from.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Source {
    /// Contracts that Foundry scripts deployed: broadcast/ with the interfaces of out/.
    #[command(after_help = "Example:\n  bellwether import foundry ../contracts --into my-protocol")]
    Foundry {
        #[command(flatten)]
        from: Place,
        /// Also take contracts that a later run of the same script replaced.
        #[arg(long)]
        superseded: bool,
    },
    /// Contracts that hardhat-deploy or Hardhat Ignition deployed.
    #[command(after_help = "Example:\n  bellwether import hardhat ../contracts --into my-protocol")]
    Hardhat {
        #[command(flatten)]
        from: Place,
    },
    /// Contracts that Truffle deployed: build/contracts/.
    #[command(after_help = "Example:\n  bellwether import truffle ../contracts --into my-protocol")]
    Truffle {
        #[command(flatten)]
        from: Place,
    },
    /// Proxies and implementations with their storage layouts, from .openzeppelin/.
    #[command(
        after_help = "Example:\n  bellwether import openzeppelin-upgrades ../contracts --into my-protocol"
    )]
    OpenzeppelinUpgrades {
        #[command(flatten)]
        from: Place,
    },
    /// Verified contracts from a Sourcify tree (full_match/, partial_match/) or saved API answers.
    #[command(
        after_help = "Example:\n  curl 'https://sourcify.dev/server/v2/contract/1/0x…?fields=all' > vault.json\n  bellwether import sourcify vault.json --into my-protocol"
    )]
    Sourcify {
        #[command(flatten)]
        from: Place,
    },
    /// Saved answers of an API in Etherscan's form: getsourcecode, getabi, getcontractcreation.
    ///
    /// Most of them do not say which contract they are about: name the files after the address, in a
    /// folder named after the chain (1/0x….json), or say --chain-id.
    #[command(
        after_help = "Example:\n  bellwether import etherscan answers/ --chain-id 1 --into my-protocol"
    )]
    Etherscan {
        #[command(flatten)]
        from: Place,
        /// Chain of all answers.
        #[arg(long, value_name = "ID")]
        chain_id: Option<u64>,
    },
    /// The Safe, its targets and what it will create, from batches of the Safe transaction builder.
    #[command(after_help = "Example:\n  bellwether import safe-bundle batches/ --into my-protocol")]
    SafeBundle {
        #[command(flatten)]
        from: Place,
    },
    /// A list of contracts as CSV or JSON: label, network or chain_id, address, class, abi, first_block.
    #[command(after_help = "Example:\n  bellwether import list contracts.csv --into my-protocol")]
    List {
        #[command(flatten)]
        from: Place,
    },
}

/// From where to where.
#[derive(Debug, clap::Args)]
pub(super) struct Place {
    /// Folder or file to read.
    path: PathBuf,
    #[command(flatten)]
    target: Target,
}

impl Source {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let mut options = Options::default();
        let (format, from) = match self {
            Self::Foundry { from, superseded } => {
                options.superseded = superseded;
                (Format::Foundry, from)
            }
            Self::Hardhat { from } => (Format::Hardhat, from),
            Self::Truffle { from } => (Format::Truffle, from),
            Self::OpenzeppelinUpgrades { from } => (Format::OpenzeppelinUpgrades, from),
            Self::Sourcify { from } => (Format::Sourcify, from),
            Self::Etherscan { from, chain_id } => {
                options.chain_id = chain_id;
                (Format::Etherscan, from)
            }
            Self::SafeBundle { from } => (Format::SafeBundle, from),
            Self::List { from } => (Format::List, from),
        };
        let disk = Disk::open(&from.path, format, &mut options)?;
        let read = format.read(&disk, &options);
        let existing = Existing::read(&from.target.into)?;
        let import = plan(&read, &existing, &name_of(&from.target.into));
        from.target.settle(import, json!({ "format": format.as_str() }))
    }
}

/// What a new folder is called: by its own name, also when it was written as `.`.
fn name_of(folder: &Path) -> String {
    let whole = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    whole.file_name().map_or("my-protocol".into(), |name| name.to_string_lossy().into_owned())
}
