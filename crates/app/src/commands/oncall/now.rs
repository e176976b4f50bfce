//! `bellwether oncall now`.

use serde_json::json;

use super::{Asked, NO_SCHEDULES, Outcome};
use crate::{routing::shifts, terminal::print_line, words};

/// Show who is on call, by each schedule, until when, and who is next.
///
/// Exit code 1 when somebody should be on call and nobody is.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether oncall now\n  bellwether oncall now --at 2026-12-24T03:00Z --json"
)]
pub(super) struct Now {
    #[command(flatten)]
    asked: Asked,
}

impl Now {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let config = self.asked.config()?;
        let at = self.asked.at();
        let schedules = self.asked.schedules(&config)?;
        let all: Vec<_> =
            schedules.iter().map(|schedule| shifts::standing(&config.plan, schedule, at)).collect();
        let is_covered = all.iter().all(|standing| standing.now.is_some());
        if self.asked.json {
            print_line(&json!({ "at": words::iso(words::seconds(at)), "schedules": all }));
        } else {
            if all.is_empty() {
                print_line(&NO_SCHEDULES);
            }
            all.iter().flat_map(shifts::Standing::lines).for_each(|line| print_line(&line));
        }
        Ok(if is_covered { Outcome::Fine } else { Outcome::FoundWrong })
    }
}
