//! `bellwether registry verify`: a list that somebody else signed.

use std::{fs, path::PathBuf};

use anyhow::Context;
use serde_json::json;

use super::{super::Outcome, export::opened};
use crate::{signature::Envelope, terminal::print_line};

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
        let text = fs::read_to_string(&self.file).with_context(|| format!("reading {file}"))?;
        let envelope: Envelope = serde_json::from_str(&text)
            .with_context(|| format!("{file} is no signed export (a DSSE envelope)"))?;
        let export = match opened(&envelope, &self.public) {
            Ok(export) => export,
            Err(error) => {
                match self.json {
                    true => print_line(&json!({"ok": false, "why": format!("{error:#}")})),
                    false => print_line(&format!("{file}: {error:#}")),
                }
                return Ok(Outcome::FoundWrong);
            }
        };
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
