//! `bellwether path withdraw`: a judgement is taken back.

use anyhow::bail;

use super::{At, READ_AGAIN, write_fine, written};
use crate::{
    commands::{Outcome, loaded_from},
    paths::{FINE_FILE, PathFingerprint},
    terminal::print_line,
};

/// Take back that a path is fine: it is told again.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  bellwether path withdraw ddb0b5602b7a9884")]
pub(super) struct Withdraw {
    /// The fingerprint.
    path: PathFingerprint,
    #[command(flatten)]
    at: At,
}

impl Withdraw {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let config = loaded_from(&self.at.folder)?;
        let of_it = || config.paths.judged().filter(|(_, fine)| fine.path == self.path);
        if of_it().next().is_none() {
            bail!("nobody judged {} to be fine", self.path.as_str());
        }
        if let Some((file, _)) = of_it().find(|(file, _)| file != FINE_FILE) {
            bail!(
                "{} is judged in {file}, which people write: take it out there",
                self.path.as_str()
            );
        }
        write_fine(&self.at.folder, written(&config.paths).filter(|fine| fine.path != self.path))?;
        print_line(&format!(
            "{} is told again; {FINE_FILE} says so, and {READ_AGAIN}",
            self.path.as_str()
        ));
        Ok(Outcome::Fine)
    }
}
