//! From what a team already has (an address, a Foundry or a Hardhat folder) to a folder that works.
//!
//! Discovery reads files or asks a node; what a contract is, is decided in `registry::recognise`;
//! proposing is pure over what was discovered; only [`write`] touches the disk, and it never
//! overwrites a file.

mod artefacts; // compiled contracts on disk, to be found again by their code
mod project; //   the folder of a development tool
mod propose; //   the files, as text
mod review; //    what was found and proposed, for a person to read
mod survey; //    from one address to everything that belongs to it
mod wish; //      what is worth watching on which kind of contract
mod write; //     onto the disk, showing each

use model::{Address, BlockNumber, Name};

pub use artefacts::{Artefacts, Compiled};
pub use project::{discover as discover_project, formats as formats_of};
pub use propose::{Proposal, Proposed, propose};
pub(crate) use propose::{ROUTES, class_of, general_file, network_file, rpc_variable};
pub use survey::{Holder, HolderKind, Reason, Standing, Survey, Surveyed, survey};
pub use wish::Wish;
pub use write::{Written, write};

/// A contract that was found.
#[derive(Debug, Clone)]
pub struct Found {
    /// What the sources call it.
    pub name: String,
    /// EIP-155 id of its chain.
    pub chain_id: u64,
    /// Address.
    pub address: Address,
    /// Its ABI as JSON text, when one lies beside it.
    pub abi_json: Option<String>,
    /// Block that created it, when known.
    pub first_block: Option<BlockNumber>,
    /// What a node told about it, when one was asked.
    pub surveyed: Option<Box<Surveyed>>,
}

/// What discovery brought, with what it had to leave out.
#[derive(Debug, Clone, Default)]
pub struct Discovery {
    /// Contracts, in the order of the files; one entry per chain and address.
    pub found: Vec<Found>,
    /// What was seen and not taken, or could not be found out, with the reason.
    pub left_out: Vec<String>,
}

impl Discovery {
    /// What a survey found, but for contracts that are only run by others: they are part of those.
    pub fn of_survey(survey: Survey) -> Self {
        let mut discovery = Self { found: Vec::new(), left_out: survey.gaps };
        for contract in survey.contracts {
            if contract.reasons.iter().any(|reason| matches!(reason, Reason::RunsAt(_))) {
                continue;
            }
            discovery.add(Found {
                name: contract.usual_name(),
                chain_id: survey.chain_id,
                address: contract.address,
                abi_json: Some(contract.recognition.interface.to_json()),
                first_block: contract.created_in,
                surveyed: Some(Box::new(contract)),
            });
        }
        discovery
    }

    fn add(&mut self, found: Found) {
        let is_known =
            self.found.iter().any(|f| (f.chain_id, f.address) == (found.chain_id, found.address));
        if !is_known {
            self.found.push(found);
        }
    }
}

/// A slug from a contract's name: `MeridianVault` → `meridian-vault`.
pub fn slug(name: &str) -> Name {
    let mut slug = String::new();
    let mut is_word_open = false;
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            if c.is_ascii_uppercase() && is_word_open {
                slug.push('-');
            }
            slug.push(c.to_ascii_lowercase());
            is_word_open = !c.is_ascii_uppercase();
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
            is_word_open = false;
        }
    }
    slug.truncate(Name::LEN_MAX);
    let slug = slug.trim_end_matches('-');
    Name::new(slug).unwrap_or_else(|_| Name::new("contract").expect("a plain slug"))
}

/// The usual name of a chain; `chain-<id>` for others.
pub fn chain_name(chain_id: u64) -> Name {
    let known = match chain_id {
        1 => "mainnet",
        10 => "optimism",
        56 => "bsc",
        100 => "gnosis",
        137 => "polygon",
        324 => "zksync",
        8453 => "base",
        17_000 => "holesky",
        31_337 => "local",
        42_161 => "arbitrum",
        43_114 => "avalanche",
        560_048 => "hoodi",
        11_155_111 => "sepolia",
        _ => return Name::new(&format!("chain-{chain_id}")).expect("letters, digits and a dash"),
    };
    Name::new(known).expect("a plain slug")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contract_names_become_slugs() {
        let slugs: Vec<String> = ["MeridianVault", "ERC20Token", "vault_v2", "  ", "USDC (proxy)"]
            .map(|name| slug(name).to_string())
            .to_vec();
        assert_eq!(slugs, ["meridian-vault", "erc20-token", "vault-v2", "contract", "usdc-proxy"]);
    }
}
