//! `bellwether tune`: thresholds for a budget of false alarms.

use std::{collections::BTreeMap, fs, path::PathBuf};

use anyhow::{Context, bail};
use detect::quality::{Budget, Score};
use model::Incident;
use serde_json::json;
use store::Store;

use super::{
    Outcome,
    backtest::{Blocks, threads},
};
use crate::{
    clock,
    terminal::{Progress, Style, print_line},
    tune, words,
};

/// Alerts that a choice loses which are told one by one.
const LOST_SHOWN_MAX: usize = 10;

/// The file that the proposal goes to.
const FILE: &str = "monitors/tuned.toml";

/// Find thresholds that notice most within a budget of false alarms, on blocks that are past.
///
/// Every setting that is tried judges the same blocks. Alerts during an incident on record
/// (`bellwether incident`) tell of it; all others count as false, so the blocks should hold nothing
/// bad that is not on record. The choice is made on all the time and, to be honest about it, five
/// times on four fifths and measured on the fifth. Nothing changes: --write puts the chosen settings
/// beside the present ones, in shadow.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether tune my-protocol --stored mainnet --budget page=1/week,notify=5/day\n  bellwether tune --recorded blocks/ --budget page=2/week --chart front.svg --write"
)]
pub(super) struct Tune {
    /// The folder with the deployments, monitors and routes to tune.
    #[arg(default_value = ".", env = "BELLWETHER_FOLDER")]
    folder: PathBuf,
    #[command(flatten)]
    blocks: Blocks,
    /// False alarms to bear: page=N/week, notify=N/day, with /hour, /day, /week or /month. What is
    /// not said is as bellwether.toml has it.
    #[arg(long, value_name = "BUDGET", default_value = "")]
    budget: String,
    /// Threads that judge; as many as there are processors unless said.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Draw what smaller and larger budgets would buy.
    #[arg(long, value_name = "FILE.svg")]
    chart: Option<PathBuf>,
    /// Write the chosen settings to monitors/tuned.toml, in shadow.
    #[arg(long)]
    write: bool,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
}

impl Tune {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let (config, source) = self.blocks.of(&self.folder)?;
        let budget = parse_budget(&self.budget, config.general.budget)
            .map_err(|error| anyhow::anyhow!(error))?;
        let target = self.folder.join(FILE);
        if self.write && target.exists() {
            bail!(
                "{} is there already: take over or remove what was proposed before",
                target.display()
            );
        }
        let store = self.folder.join(&config.general.store);
        let incidents: Vec<Incident> = if store.exists() {
            let store = Store::open_to_read(&store)
                .with_context(|| format!("reading the store {}", store.display()))?;
            store.incidents()?.into_values().collect()
        } else {
            Vec::new()
        };
        let mut progress = Progress::new();
        let workers = threads(self.threads);
        let outcome = tune::run(&config, source, &incidents, budget, workers, |at| {
            progress.show(&format!("{} of {} blocks", at.done, at.total));
        })
        .await?;
        progress.clear();
        if let Some(path) = &self.chart {
            fs::write(path, tune::svg(&outcome))
                .with_context(|| format!("writing the chart {}", path.display()))?;
        }
        let proposal = tune::shadow_file(&config, &outcome, words::seconds(clock::now()));
        if self.json {
            print_line(&as_json(&outcome, proposal.as_deref()));
        } else {
            print(&outcome);
        }
        match proposal {
            Some(text) if self.write => {
                fs::write(&target, text)
                    .with_context(|| format!("writing {}", target.display()))?;
                if !self.json {
                    print_line(&format!("{} has the chosen settings, in shadow", target.display()));
                }
            }
            Some(text) if !self.json => {
                print_line(&format!("--write puts this into {FILE}:\n\n{text}"))
            }
            _ => {}
        }
        Ok(Outcome::Fine)
    }
}

/// `page=1/week,notify=5/day`.
fn parse_budget(text: &str, mut budget: Budget) -> Result<Budget, String> {
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let wrong = || format!("{part:?} is no budget such as page=1/week or notify=5/day");
        let (what, rate) = part.split_once('=').ok_or_else(wrong)?;
        let (count, unit) = rate.split_once('/').ok_or_else(wrong)?;
        let count: f64 = count.trim().parse().map_err(|_| wrong())?;
        let per_week = match unit.trim() {
            "hour" => 168.0,
            "day" => 7.0,
            "week" => 1.0,
            "month" => 7.0 / 30.0,
            _ => return Err(wrong()),
        };
        if !(count >= 0.0 && count.is_finite()) {
            return Err(wrong());
        }
        match what.trim() {
            "page" => budget.page_per_week = count * per_week,
            "notify" => budget.notify_per_day = count * per_week / 7.0,
            _ => return Err(wrong()),
        }
    }
    Ok(budget)
}

fn line(score: &Score) -> String {
    format!(
        "{} of {} incidents, {} false pages a week, {} false messages a day",
        score.noticed,
        score.incidents,
        words::number(score.pages_per_week),
        words::number(score.notifies_per_day)
    )
}

fn print(outcome: &tune::Outcome) {
    let style = Style::stdout();
    print_line(&format!(
        "{} of blocks, {}, budget {} pages a week and {} messages a day",
        words::span(outcome.covered.seconds),
        words::counted(outcome.incidents.len() as u64, "incident"),
        words::number(outcome.budget.page_per_week),
        words::number(outcome.budget.notify_per_day)
    ));
    if outcome.incidents.is_empty() {
        print_line(
            &style.yellow(
                "no incident is on record in this time: the choice can only be about silence",
            ),
        );
    }
    for tuned in &outcome.tuned {
        let setting = &tuned.settings[tuned.chosen];
        let what = if tuned.chosen == tuned.present {
            "as it is".to_owned()
        } else {
            let turned: Vec<String> =
                setting.turned.iter().map(|(name, value)| format!("{name} = {value}")).collect();
            turned.join(", ")
        };
        let (pages, notifies, noticed) = tuned.counts[tuned.chosen];
        let (pages_now, notifies_now, noticed_now) = tuned.counts[tuned.present];
        print_line(&format!(
            "{}: {what}; false pages {pages_now} → {pages}, messages {notifies_now} → {notifies}, incidents {noticed_now} → {noticed}",
            style.bold(tuned.monitor.as_str())
        ));
        for alert in tuned.lost.iter().take(LOST_SHOWN_MAX) {
            print_line(&style.dim(&format!(
                "  no more: {} block {} {}: {}",
                words::utc(alert.opened_at),
                alert.block,
                alert.severity,
                alert.title
            )));
        }
        let rest = tuned.lost.len().saturating_sub(LOST_SHOWN_MAX);
        if rest > 0 {
            print_line(&style.dim(&format!("  … and {rest} more")));
        }
    }
    print_line(&format!("as it is:            {}", line(&outcome.present)));
    print_line(&format!("chosen, in sample:   {}", line(&outcome.in_sample)));
    let held = &outcome.held_out;
    let mean = |of: &dyn Fn(&Score) -> f64| {
        held.iter().map(|part| of(&part.score)).sum::<f64>() / held.len().max(1) as f64
    };
    let sum = |of: &dyn Fn(&Score) -> u64| held.iter().map(|part| of(&part.score)).sum::<u64>();
    print_line(&format!(
        "held out, {} parts:   {} of {} incidents, {} false pages a week, {} false messages a day",
        held.len(),
        sum(&|s| s.noticed),
        sum(&|s| s.incidents),
        words::number(mean(&|s| s.pages_per_week)),
        words::number(mean(&|s| s.notifies_per_day))
    ));
    for (what, names) in [
        ("missed by the choice, noticed by some setting", &outcome.missed),
        ("noticed by no setting", &outcome.unseen),
    ] {
        if !names.is_empty() {
            let names: Vec<&str> = names.iter().map(model::Name::as_str).collect();
            print_line(&format!("{what}: {}", style.red(&names.join(", "))));
        }
    }
    print_line(&"what other budgets would buy, in sample:");
    for point in &outcome.front {
        print_line(&format!("  {:>5} of the budget: {}", point.share, line(&point.score)));
    }
}

fn as_json(outcome: &tune::Outcome, proposal: Option<&str>) -> serde_json::Value {
    let score = |score: &Score| {
        json!({
            "noticed": score.noticed,
            "incidents": score.incidents,
            "false_pages_per_week": score.pages_per_week,
            "false_messages_per_day": score.notifies_per_day,
        })
    };
    let tuned: Vec<_> = outcome
        .tuned
        .iter()
        .map(|tuned| {
            let setting = &tuned.settings[tuned.chosen];
            let turned: BTreeMap<&String, &String> =
                setting.turned.iter().map(|(name, value)| (name, value)).collect();
            json!({
                "monitor": tuned.monitor,
                "is_changed": tuned.chosen != tuned.present,
                "turned": turned,
                "params": setting.params,
                "settings_tried": tuned.settings.len(),
                "lost": tuned.lost,
            })
        })
        .collect();
    let front: Vec<_> = outcome
        .front
        .iter()
        .map(|point| json!({"share_of_budget": point.share, "score": score(&point.score)}))
        .collect();
    let held_out: Vec<_> = outcome
        .held_out
        .iter()
        .map(|part| json!({"part": part.part, "score": score(&part.score)}))
        .collect();
    json!({
        "covered": outcome.covered,
        "budget": {
            "page_per_week": outcome.budget.page_per_week,
            "notify_per_day": outcome.budget.notify_per_day,
        },
        "tuned": tuned,
        "left_as_they_are": outcome.left,
        "incidents": outcome.incidents,
        "missed": outcome.missed,
        "unseen": outcome.unseen,
        "present": score(&outcome.present),
        "in_sample": score(&outcome.in_sample),
        "held_out": held_out,
        "front": front,
        "proposal": proposal,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_read_in_the_units_that_people_use() {
        let read = |text| parse_budget(text, Budget::default());
        let both = read("page=1/week, notify=5/day").unwrap();
        assert_eq!((both.page_per_week, both.notify_per_day), (1.0, 5.0));
        assert_eq!(read("page=30/month").unwrap().page_per_week, 7.0);
        assert_eq!(read("notify=1/hour").unwrap().notify_per_day, 24.0);
        assert_eq!(read("").unwrap(), Budget::default());
        for wrong in ["page", "page=1", "page=x/week", "page=1/year", "page=-1/week", "call=1/week"]
        {
            assert!(read(wrong).unwrap_err().contains("is no budget such as"), "{wrong}");
        }
    }
}
