//! `bellwether oncall`: who is on call, when, and when nobody will be.

mod export; // as a calendar
mod gaps; //   when nobody will be
mod import; // from a calendar into on-call.toml
mod next; //   hand-overs to come
mod now; //    at a moment

use std::path::PathBuf;

use alert::oncall::Schedule;
use anyhow::bail;
use model::{Name, UnixMillis};

use super::{Outcome, loaded_from, routes::moment};
use crate::{
    clock,
    config::{Config, nearest},
};

/// Days that are looked ahead unless the user says otherwise: four weeks, so that a gap is known
/// before anybody plans their holidays around it.
const DAYS_DEFAULT: u16 = 28;

/// Who is on call, when, and when nobody will be.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether oncall now\n  bellwether oncall gaps --days 56\n  bellwether oncall export primary.ics --schedule primary\n  bellwether oncall import holidays.ics --schedule primary --write"
)]
pub(super) struct OncallCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Now(now::Now),
    Next(next::Next),
    Gaps(gaps::Gaps),
    Export(export::Export),
    Import(import::Import),
}

impl OncallCommand {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        match self.command {
            Command::Now(command) => command.run(),
            Command::Next(command) => command.run(),
            Command::Gaps(command) => command.run(),
            Command::Export(command) => command.run(),
            Command::Import(command) => command.run(),
        }
    }
}

/// What all of them ask.
#[derive(Debug, clap::Args)]
struct Asked {
    /// The folder that holds bellwether.toml.
    #[arg(long, default_value = ".", env = "BELLWETHER_FOLDER")]
    folder: PathBuf,
    /// One schedule; all unless said.
    #[arg(long)]
    schedule: Option<String>,
    /// As of when, such as 2026-12-24T03:00Z; now unless said.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    at: Option<UnixMillis>,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
}

impl Asked {
    fn at(&self) -> UnixMillis {
        self.at.unwrap_or_else(clock::now)
    }

    fn config(&self) -> anyhow::Result<Config> {
        loaded_from(&self.folder)
    }

    /// The schedules that are asked for.
    fn schedules<'a>(&self, config: &'a Config) -> anyhow::Result<Vec<&'a Schedule>> {
        let all = &config.plan.schedules;
        let Some(name) = &self.schedule else { return Ok(all.values().collect()) };
        match all.values().find(|schedule| schedule.name.as_str() == name) {
            Some(schedule) => Ok(vec![schedule]),
            None => bail!("{}", unknown(name, all.keys())),
        }
    }
}

fn unknown<'a>(name: &str, all: impl Iterator<Item = &'a Name> + Clone) -> String {
    match nearest(name, all.clone().map(Name::as_str)) {
        Some(near) => format!("there is no schedule {name:?}; did you mean {near}?"),
        None => {
            let names: Vec<&str> = all.map(Name::as_str).collect();
            match &names[..] {
                [] => "on-call.toml declares no schedule".to_owned(),
                names => format!("there is no schedule {name:?}; there are: {}", names.join(", ")),
            }
        }
    }
}

/// What is said where there are no schedules.
const NO_SCHEDULES: &str =
    "on-call.toml declares no schedule: people are called as the escalations name them";
