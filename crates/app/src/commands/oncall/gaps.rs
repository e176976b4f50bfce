//! `bellwether oncall gaps`.

use serde_json::json;

use super::{Asked, DAYS_DEFAULT, NO_SCHEDULES, Outcome};
use crate::{
    routing::shifts,
    terminal::print_line,
    words::{self, counted},
};

/// Show when nobody will be on call, before it happens.
///
/// Exit code 1 when there is such a time.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether oncall gaps\n  bellwether oncall gaps --days 56 --json"
)]
pub(super) struct Gaps {
    #[command(flatten)]
    asked: Asked,
    /// Days that are looked ahead.
    #[arg(long, default_value_t = DAYS_DEFAULT, value_parser = clap::value_parser!(u16).range(1..=366))]
    days: u16,
}

impl Gaps {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let config = self.asked.config()?;
        let at = self.asked.at();
        let mut all = Vec::new();
        for schedule in self.asked.schedules(&config)? {
            all.extend(shifts::gaps(schedule, at, self.days));
        }
        if self.asked.json {
            print_line(&json!({
                "at": words::iso(words::seconds(at)),
                "days": self.days,
                "gaps": all,
            }));
        } else if config.plan.schedules.is_empty() {
            print_line(&NO_SCHEDULES);
        } else {
            all.iter().for_each(|gap| print_line(&gap.line()));
            let days = counted(u64::from(self.days), "day");
            print_line(&match all.len() {
                0 => format!("somebody is on call at any time in the next {days}"),
                n => format!("{} in the next {days}", counted(n as u64, "gap")),
            });
        }
        Ok(if all.is_empty() { Outcome::Fine } else { Outcome::FoundWrong })
    }
}
