//! `bellwether registry export`: what is guarded, signed, for others to use.

use std::path::PathBuf;

use anyhow::Context;
use store::Store;

use super::super::{Outcome, loaded_from};
use crate::{
    clock,
    export::Export as Exported,
    signature::{Envelope, SigningKey},
    terminal::print_line,
};

/// Print what is guarded as one JSON document that others can use and check: a DSSE envelope when a
/// key is given, the plain document otherwise.
///
/// Only what anybody could read from the chain and your labels for it are in it: kinds of proxies,
/// implementations, creators and hashes of code as far as they were seen. Monitors, coverage, stages,
/// holders of power and money at risk stay private.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether registry key registry.key\n  bellwether registry export --key registry.key > registry.json\n  bellwether registry verify registry.json --public 5f1c…"
)]
pub(super) struct Export {
    /// Sign with this key.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Also tell functions and events of each contract.
    #[arg(long)]
    interfaces: bool,
    /// The folder that holds bellwether.toml.
    #[arg(long, default_value = ".", env = "BELLWETHER_FOLDER")]
    folder: PathBuf,
}

impl Export {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let config = loaded_from(&self.folder)?;
        let path = self.folder.join(&config.general.store);
        let store = match path.exists() {
            true => Some(
                Store::open_to_read(&path)
                    .with_context(|| format!("reading the store {}", path.display()))?,
            ),
            false => None,
        };
        let export = Exported::new(&config, store.as_ref(), self.interfaces, clock::now())
            .context("reading what was seen of the contracts")?;
        match &self.key {
            Some(file) => {
                let envelope = SigningKey::read(file)?.seal(Exported::PAYLOAD_TYPE, &export)?;
                print_line(&serde_json::to_string_pretty(&envelope)?);
            }
            None => print_line(&serde_json::to_string_pretty(&export)?),
        }
        Ok(Outcome::Fine)
    }
}

/// What `verify` reads back.
pub(super) fn opened(envelope: &Envelope, public: &str) -> anyhow::Result<Exported> {
    envelope.open(Exported::PAYLOAD_TYPE, public)
}
