//! `bellwether registry verify`: a list that somebody else signed.

use std::path::PathBuf;

use super::{
    super::{Outcome, signed},
    export::opened,
};
use crate::terminal::print_line;

/// Check an export's signature and print what it says.
///
/// Exit code 0 when the key signed exactly this, 1 when it did not, 2 when the file is no export.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  bellwether registry verify registry.json --public 5f1c… --json | jq '.deployments[].label'"
)]
pub(super) struct Verify {
    /// The export.
    file: PathBuf,
    /// The public key you expect, as `registry key` printed it. Never take it from the export.
    #[arg(long, value_name = "HEX")]
    public: String,
    /// The document instead of a line.
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let file = self.file.display();
        let read = signed::read(&self.file, "export", self.json, |envelope| {
            opened(envelope, &self.public)
        })?;
        let Some(export) = read else { return Ok(Outcome::FoundWrong) };
        match self.json {
            true => print_line(&serde_json::to_string(&export)?),
            false => print_line(&format!(
                "{file}: signed by this key; version {}, {} deployments of {}, as of {}",
                export.version,
                export.deployments.len(),
                export.name,
                export.at
            )),
        }
        Ok(Outcome::Fine)
    }
}
