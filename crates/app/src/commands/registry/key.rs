//! `bellwether registry key`: a key to sign exports with.

use std::path::PathBuf;

use super::super::Outcome;
use crate::{signature::SigningKey, terminal::print_line};

/// Make a key to sign exports with: the private part goes into a file that only you can read, the
/// public part is printed. Never overwrites a file.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  bellwether registry key registry.key")]
pub(super) struct Key {
    /// File to write.
    file: PathBuf,
}

impl Key {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let key = SigningKey::generate()?;
        key.write(&self.file)?;
        print_line(&key.public());
        Ok(Outcome::Fine)
    }
}
