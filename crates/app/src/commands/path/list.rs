//! `bellwether path list`: what was taught.

use registry::threats::Day;
use serde_json::{Value, json};

use super::At;
use crate::{
    clock,
    commands::{Outcome, loaded_from},
    paths::FinePath,
    terminal::{Style, print_line},
    words,
};

/// List the paths that were judged to be fine, and what was learned before launch.
///
/// Exit code 0; 2 when the folder has mistakes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  bellwether path list --json | jq '.fine[] | select(.has_ended)'"
)]
pub(super) struct List {
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: At,
}

impl List {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let config = loaded_from(&self.at.folder)?;
        let today = Day::of(words::seconds(clock::now()));
        let has_ended = |fine: &FinePath| fine.until.is_some_and(|until| until < today);
        if self.json {
            let fine: Vec<Value> = config
                .paths
                .fine
                .iter()
                .map(|(file, fine)| {
                    json!({
                        "path": fine.path.as_str(),
                        "covers": fine.covers.as_str(),
                        "monitors": fine.monitors,
                        "judged_by": fine.judged_by,
                        "judged_on": fine.judged_on.to_string(),
                        "why": fine.why,
                        "until": fine.until.map(|day| day.to_string()),
                        "has_ended": has_ended(fine),
                        "file": file,
                    })
                })
                .collect();
            let seeds: Vec<Value> = config
                .paths
                .seeds
                .iter()
                .map(|(_, seed)| {
                    let times: u64 = seed.seen.iter().map(|(_, times)| times).sum();
                    json!({ "monitor": seed.monitor, "paths": seed.seen.len(), "transactions": times })
                })
                .collect();
            print_line(&json!({ "fine": fine, "seeds": seeds }));
            return Ok(Outcome::Fine);
        }
        let style = Style::stdout();
        for (file, fine) in &config.paths.fine {
            let until = match fine.until {
                Some(day) if has_ended(fine) => style.yellow(&format!("  ended {day}")),
                Some(day) => format!("  until {day}"),
                None => String::new(),
            };
            let monitors: Vec<&str> = fine.monitors.iter().map(|name| name.as_str()).collect();
            let of = match monitors.is_empty() {
                true => String::new(),
                false => format!("  for {}", monitors.join(", ")),
            };
            print_line(&format!(
                "{}  {:7}  {} on {}{of}{until}",
                style.bold(fine.path.as_str()),
                fine.covers.as_str(),
                fine.judged_by,
                fine.judged_on,
            ));
            print_line(&style.dim(&format!("  {} ({file})", fine.why)));
        }
        for (_, seed) in &config.paths.seeds {
            let times: u64 = seed.seen.iter().map(|(_, times)| times).sum();
            print_line(&format!(
                "{}: {} learned from {}",
                style.bold(seed.monitor.as_str()),
                words::counted(seed.seen.len() as u64, "path"),
                words::counted(times, "transaction"),
            ));
        }
        let count = config.paths.fine.len() as u64;
        print_line(&format!("{} judged to be fine", words::counted(count, "path")));
        Ok(Outcome::Fine)
    }
}
