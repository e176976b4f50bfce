//! Where a lint without a folder of bellwether's takes its waivers from.

use std::{fs, io, path::PathBuf};

use anyhow::bail;
use registry::lint::Waiver;

use crate::config;

/// What is accepted for a while.
#[derive(Debug, Clone, clap::Args)]
pub(in crate::commands) struct WaiversArgument {
    /// The file of waivers; lints.toml of the current folder where there is one.
    #[arg(long, value_name = "FILE")]
    waivers: Option<PathBuf>,
}

impl WaiversArgument {
    /// Reads them.
    pub(in crate::commands) fn load(&self) -> anyhow::Result<Vec<Waiver>> {
        let default = PathBuf::from("lints.toml");
        let path = self.waivers.as_ref().unwrap_or(&default);
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if self.waivers.is_none() && error.kind() == io::ErrorKind::NotFound => {
                return Ok(Vec::new());
            }
            Err(error) => bail!("reading {}: {error}", path.display()),
        };
        let file = config::SourceFile { path: path.display().to_string(), text };
        match config::read_lints(&file) {
            Ok(lints) => Ok(lints.waivers),
            Err(mistakes) => bail!("{mistakes}"),
        }
    }
}
