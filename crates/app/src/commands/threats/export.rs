//! `bellwether threats export`: requirements for those who write the contracts.

use std::io::Write as _;

use anyhow::Context;

use super::{FolderArgument, Outcome, loaded};

/// Write monitoring requirements as a section of a specification (Markdown), or the required events
/// as a Solidity interface.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  bellwether threats export my-protocol --format markdown > spec/monitoring.md\n  bellwether threats export my-protocol --format solidity > src/IRiskEvents.sol"
)]
pub(super) struct Export {
    #[command(flatten)]
    folder: FolderArgument,
    /// Form of the export.
    #[arg(long, value_enum)]
    format: Form,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Form {
    /// A section with traceable requirements.
    Markdown,
    /// An interface of events.
    Solidity,
}

impl Export {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let threats = loaded(&self.folder)?;
        let text = match self.format {
            Form::Markdown => threats.map.markdown(),
            Form::Solidity => threats.map.solidity(),
        };
        // This is a file: half of it would be worse than none.
        std::io::stdout().write_all(text.as_bytes()).context("writing the export")?;
        Ok(Outcome::Fine)
    }
}
