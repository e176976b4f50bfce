//! `bellwether registry predict`: where a contract will be.

use std::path::PathBuf;

use anyhow::Context;
use model::{Address, B256};
use registry::{Recipe, parse_address, planned::init_code_hash};
use serde_json::json;

use super::super::Outcome;
use crate::terminal::print_line;

/// Compute the address that a contract will have, to guard it before it exists.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether registry predict create --creator 0x6ac7…dbf0 --nonce 7\n  bellwether registry predict create2 --factory 0x4e59…956C --salt 0x00…01 --init-code out/Vault.sol/Vault.json"
)]
pub(super) struct Predict {
    #[command(subcommand)]
    opcode: Opcode,
    /// One JSON object instead of the address alone.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Opcode {
    /// By an account or contract with this nonce.
    #[command(
        after_help = "Example:\n  bellwether registry predict create --creator 0x6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0 --nonce 7"
    )]
    Create {
        /// Account or contract that creates.
        #[arg(long, value_parser = parse_address)]
        creator: Address,
        /// Its nonce at that moment; a contract's first creation has nonce 1.
        #[arg(long)]
        nonce: u64,
    },
    /// By a contract that executes CREATE2.
    #[command(
        after_help = "Example:\n  bellwether registry predict create2 --factory 0x4e59b44847b379578588920cA78FbF26c0B4956C --salt 0x0000000000000000000000000000000000000000000000000000000000000001 --init-code out/Vault.sol/Vault.json"
    )]
    Create2 {
        /// Contract that executes the opcode.
        #[arg(long, value_parser = parse_address)]
        factory: Address,
        /// Salt as the opcode sees it, 32 bytes.
        #[arg(long)]
        salt: B256,
        /// keccak256 of the initcode with its constructor arguments.
        #[arg(long, required_unless_present = "init_code", conflicts_with = "init_code")]
        init_code_hash: Option<B256>,
        /// File with the initcode: hexadecimal, or an artefact of Foundry or Hardhat.
        #[arg(long, value_name = "FILE")]
        init_code: Option<PathBuf>,
        /// ABI-encoded constructor arguments that follow the initcode.
        #[arg(long, value_name = "HEX", requires = "init_code")]
        arguments: Option<String>,
    },
}

impl Predict {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let recipe = self.opcode.recipe()?;
        let address = recipe.address();
        if !self.json {
            print_line(&address);
            return Ok(Outcome::Fine);
        }
        print_line(&match recipe {
            Recipe::Create { creator, nonce } => {
                json!({"address": address.to_string(), "creator": creator.to_string(), "nonce": nonce})
            }
            Recipe::Create2 { creator, salt, init_code_hash } => json!({
                "address": address.to_string(),
                "factory": creator.to_string(),
                "salt": salt,
                "init_code_hash": init_code_hash,
            }),
        });
        Ok(Outcome::Fine)
    }
}

impl Opcode {
    fn recipe(self) -> anyhow::Result<Recipe> {
        match self {
            Self::Create { creator, nonce } => Ok(Recipe::Create { creator, nonce }),
            Self::Create2 { factory, salt, init_code_hash: hash, init_code, arguments } => {
                let init_code_hash = match (hash, init_code) {
                    (Some(hash), _) => hash,
                    (None, Some(path)) => {
                        let shown = path.display();
                        let text = std::fs::read_to_string(&path)
                            .with_context(|| format!("reading {shown}"))?;
                        let arguments = arguments.unwrap_or_default();
                        let digits = arguments.strip_prefix("0x").unwrap_or(&arguments);
                        let arguments = hex::decode(digits)
                            .context("--arguments must be hexadecimal (0x and pairs of digits)")?;
                        init_code_hash(&text, &arguments).with_context(|| format!("in {shown}"))?
                    }
                    (None, None) => anyhow::bail!("give --init-code-hash or --init-code"),
                };
                Ok(Recipe::Create2 { creator: factory, salt, init_code_hash })
            }
        }
    }
}
