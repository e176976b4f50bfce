//! `bellwether oncall export`.

use std::path::PathBuf;

use alert::oncall;
use anyhow::{Context, bail};
use serde_json::json;

use super::{Asked, Outcome};
use crate::{
    terminal::print_line,
    words::{self, counted},
};

/// Write a schedule as a calendar (iCalendar) that every calendar program reads; gaps are events,
/// too, so that they are seen.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether oncall export primary.ics --schedule primary\n  bellwether oncall export - --schedule primary --days 90"
)]
pub(super) struct Export {
    /// Where to; - for standard output.
    file: PathBuf,
    #[command(flatten)]
    asked: Asked,
    /// Days that are written.
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=366))]
    days: u16,
}

impl Export {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let config = self.asked.config()?;
        let schedules = self.asked.schedules(&config)?;
        let [schedule] = schedules[..] else {
            let names: Vec<&str> = schedules.iter().map(|s| s.name.as_str()).collect();
            bail!("name one schedule with --schedule; there are: {}", names.join(", "));
        };
        let at = self.asked.at();
        let map = schedule.coverage(at, at.plus(i64::from(self.days) * 86_400_000));
        let text = oncall::write(&schedule.name, &map, at);
        if self.file.as_os_str() == "-" {
            print_line(&text.trim_end());
            return Ok(Outcome::Fine);
        }
        std::fs::write(&self.file, text)
            .with_context(|| format!("writing {}", self.file.display()))?;
        if self.asked.json {
            print_line(&json!({
                "schedule": schedule.name,
                "events": map.len(),
                "from": words::iso(words::seconds(at)),
                "days": self.days,
            }));
        } else {
            let events = counted(map.len() as u64, "event");
            print_line(&format!("{}: {events} of {}", self.file.display(), schedule.name));
        }
        Ok(Outcome::Fine)
    }
}
