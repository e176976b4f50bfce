//! `bellwether public export`: what is published, as files that anybody can serve.

use std::{fs, path::PathBuf};

use anyhow::Context;
use serde_json::json;

use super::super::{Outcome, incident::read};
use crate::{
    config::{Config, Folder, Missing},
    server,
    terminal::print_line,
};

/// Write what is published as files that anybody can serve: a list, the feeds, each signed alert,
/// the public key. Put them on another machine, a mirror or IPFS, so that what you said stays there
/// when your page does not. Works beside a running program; needs the secrets that `run` needs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  bellwether public export /srv/mirror --folder my-protocol/")]
pub(super) struct Export {
    /// Where to write; made when it is not there. Files of an earlier export are replaced.
    to: PathBuf,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
    /// The folder that holds bellwether.toml.
    #[arg(long, default_value = ".", env = "BELLWETHER_FOLDER")]
    folder: PathBuf,
}

impl Export {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let config = Config::load(&Folder::new(&self.folder), Missing::IsMistake)
            .map_err(|mistakes| anyhow::anyhow!("the folder has mistakes:\n{mistakes}"))?;
        let store = read(&self.folder, &config)?;
        let community = server::community_of(&config, &store)?
            .context("there is no public.toml, so nothing is published")?;
        let files = community.export(&store)?;
        for file in &files {
            let path = self.to.join(&file.path);
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)
                    .with_context(|| format!("making {}", folder.display()))?;
            }
            fs::write(&path, &file.text).with_context(|| format!("writing {}", path.display()))?;
        }
        let to = self.to.display();
        match self.json {
            true => print_line(&json!({ "to": to.to_string(), "files": files.len() })),
            false => print_line(&format!("{} files in {to}", files.len())),
        }
        Ok(Outcome::Fine)
    }
}
