//! `bellwether fatigue`: how much people bear.

use std::path::PathBuf;

use anyhow::{Context, bail};
use store::Store;

use super::{Outcome, loaded_from};
use crate::{
    api::wire,
    clock,
    fatigue::{self, WEEKS_DEFAULT, WEEKS_MAX},
    terminal::print_line,
};

/// Show how much people bear: pages a person and shift, at night, never answered, what was worth it,
/// budgets of routes, and which rule to tune first.
///
/// From what is on record: who was told and called, when somebody answered, and what they said it was.
/// Exit code 1 when a route was over its budget or somebody was called too often.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether fatigue\n  bellwether fatigue --since 8w --json | jq '.proposal'"
)]
pub(super) struct Fatigue {
    /// How far back, in weeks: 1w to 53w.
    #[arg(long, value_name = "WEEKS", default_value_t = Weeks(WEEKS_DEFAULT))]
    since: Weeks,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
    /// The folder that holds bellwether.toml.
    #[arg(long, default_value = ".", env = "BELLWETHER_FOLDER")]
    folder: PathBuf,
}

/// A number of weeks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weeks(pub(crate) u64);

impl std::fmt::Display for Weeks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}w", self.0)
    }
}

impl std::str::FromStr for Weeks {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let weeks = text.strip_suffix('w').and_then(|weeks| weeks.parse().ok());
        weeks
            .filter(|weeks| (1..=WEEKS_MAX).contains(weeks))
            .map(Self)
            .ok_or_else(|| format!("{text:?} is not from 1w to {WEEKS_MAX}w"))
    }
}

impl Fatigue {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let config = loaded_from(&self.folder)?;
        let path = self.folder.join(&config.general.store);
        if !path.exists() {
            bail!("there is no store {}: nothing was watched yet", path.display());
        }
        let store = Store::open(&path).with_context(|| format!("opening {}", path.display()))?;
        let report = fatigue::look(&store, &config.plan, self.since.0, clock::now())?;
        if self.json {
            print_line(&serde_json::to_string(&wire::Fatigue::new(&report))?);
        } else {
            fatigue::lines(&report).iter().for_each(|line| print_line(line));
        }
        Ok(if report.fatigue.is_too_much() { Outcome::FoundWrong } else { Outcome::Fine })
    }
}
