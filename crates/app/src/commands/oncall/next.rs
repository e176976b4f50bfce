//! `bellwether oncall next`.

use serde_json::json;

use super::{Asked, DAYS_DEFAULT, NO_SCHEDULES, Outcome};
use crate::{routing::shifts, terminal::print_line, words};

/// Show the hand-overs to come.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether oncall next\n  bellwether oncall next --schedule primary --days 7 --json"
)]
pub(super) struct Next {
    #[command(flatten)]
    asked: Asked,
    /// Days that are looked ahead.
    #[arg(long, default_value_t = DAYS_DEFAULT, value_parser = clap::value_parser!(u16).range(1..=366))]
    days: u16,
}

impl Next {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let config = self.asked.config()?;
        let at = self.asked.at();
        let mut all = Vec::new();
        for schedule in self.asked.schedules(&config)? {
            all.extend(shifts::handovers(schedule, at, self.days));
        }
        all.sort_by_key(|handover| handover.at_ms);
        if self.asked.json {
            print_line(&json!({ "at": words::iso(words::seconds(at)), "handovers": all }));
        } else if config.plan.schedules.is_empty() {
            print_line(&NO_SCHEDULES);
        } else {
            if all.is_empty() {
                print_line(&format!("no hand-over in the next {} days", self.days));
            }
            all.iter().for_each(|handover| print_line(&handover.line()));
        }
        Ok(Outcome::Fine)
    }
}
