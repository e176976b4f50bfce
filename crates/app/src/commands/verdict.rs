//! `bellwether verdict`: what an alert turned out to be.

use std::path::PathBuf;

use anyhow::anyhow;
use model::AlertId;

use super::{Outcome, loaded_from};
use crate::{
    clock,
    feedback::{Desk, Said, parse_assessment},
    terminal::print_line,
};

/// Say what an alert turned out to be. What was said before stays on record; the last word holds.
///
/// true-positive: an attack, or the beginning of one. benign-true: it did happen, and it was meant
/// to. false-positive: it is not so, or it is nothing unusual. duplicate: another alert said so
/// already. unknown: looked at, and nobody can tell. withdraw: takes back what was said.
///
/// Works beside a running `bellwether run` when bellwether.toml names a write_key.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  bellwether verdict 3f6c0a9d5b1e4c7a8d2f90b1c3e5a7f9 benign-true --by ada --because \"planned upgrade, change 214\""
)]
pub(super) struct Verdict {
    /// The alert's id, as its page and its messages show it.
    alert: String,
    /// One of: true-positive, benign-true, false-positive, duplicate, unknown, withdraw.
    verdict: String,
    /// Who says so.
    #[arg(long, value_name = "NAME")]
    by: String,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    because: String,
    /// The folder that holds bellwether.toml.
    #[arg(long, default_value = ".", env = "BELLWETHER_FOLDER")]
    folder: PathBuf,
}

impl Verdict {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let alert: AlertId = self
            .alert
            .parse()
            .map_err(|_| anyhow!("{:?} is no alert's id (32 hex digits)", self.alert))?;
        let assessment = parse_assessment(&self.verdict).map_err(|error| anyhow!(error))?;
        let config = loaded_from(&self.folder)?;
        let desk = Desk::open(&self.folder, &config)?;
        let said = Said { alert, assessment, by: self.by, because: self.because };
        desk.say(&said, clock::now()).await?;
        print_line(&match assessment {
            Some(assessment) => format!("{alert}: {assessment}, {}", assessment.meaning()),
            None => format!("{alert}: what was said before does not hold any more"),
        });
        Ok(Outcome::Fine)
    }
}
