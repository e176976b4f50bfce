//! `bellwether quality`: how good detection is, and how far each monitor may go by it.

mod promote; // a stage, confirmed by a person

use std::path::PathBuf;

use anyhow::Context;
use model::UnixSeconds;

use super::{Outcome, incident::read, loaded_from};
use crate::{
    api::wire,
    clock,
    feedback::{Quality as Gathered, Scope, gather},
    terminal::{Style, print_line},
    words,
};

/// Show how good detection is: precision, recall by class of incident, lead time, rates against the
/// budget, latency and blindness, per monitor and version, each with what it rests on.
///
/// Works beside a running `bellwether run`. Exit code 0 also when figures are bad: they are figures,
/// not a verdict.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  bellwether quality\n  bellwether quality --json | jq '.monitors[] | {monitor, precision}'\n  bellwether quality promote large-redeem notify --by ada --because \"12 of 14 were right\""
)]
pub(super) struct Quality {
    #[command(subcommand)]
    command: Option<Command>,
    /// The folder that holds bellwether.toml.
    #[arg(long, default_value = ".", env = "BELLWETHER_FOLDER")]
    folder: PathBuf,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Promote(promote::Promote),
}

impl Quality {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        if let Some(Command::Promote(command)) = self.command {
            return command.run();
        }
        let config = loaded_from(&self.folder)?;
        let store = read(&self.folder, &config)?;
        let now = words::seconds(clock::now());
        let quality = of(&config, &store, now)?;
        if self.json {
            let told = wire::Quality::new(&quality);
            print_line(&serde_json::to_string(&told).context("writing the figures")?);
        } else {
            print(&quality);
        }
        Ok(Outcome::Fine)
    }
}

pub(super) fn of(
    config: &crate::config::Config,
    store: &store::Store,
    now: UnixSeconds,
) -> anyhow::Result<Gathered> {
    let (plan, stages) = (config.coverage(), &config.policy.stages);
    let scope = Scope { plan: &plan, stages, budget: config.general.budget, now };
    gather(store, scope).context("reading what is on record")
}

fn print(quality: &Gathered) {
    let style = Style::stdout();
    let told = wire::Quality::new(quality);
    for monitor in &told.monitors {
        let version = if monitor.is_current { "" } else { ", a version of the past" };
        print_line(&format!(
            "{} {} v{}, stage {}{version}",
            style.bold(&monitor.monitor),
            monitor.detector,
            monitor.version,
            monitor.stage
        ));
        for (what, value) in monitor.lines() {
            print_line(&format!("  {what:<28} {value}"));
        }
    }
    print_line(&"");
    if told.recall.is_empty() {
        print_line(
            &"recall: unknown, because no incident or drill is on record (`bellwether incident declare`)",
        );
    }
    for class in &told.recall {
        let lead = match &class.lead {
            Some(lead) => format!(", median lead {} s of {}", words::number(lead.median_s), lead.n),
            None => String::new(),
        };
        let missed = match class.missed.as_slice() {
            [] => String::new(),
            missed => format!("; missed: {}", missed.join(", ")),
        };
        print_line(&format!(
            "recall of {} {}: {}{lead}{missed}",
            if class.is_drill { "drills" } else { "incidents" },
            class.class,
            class.noticed.text
        ));
    }
    print_line(&"");
    for proposal in &told.proposals {
        let because = proposal.because.join("; ");
        if proposal.to == proposal.from {
            let line = format!("{} stays in {}: {because}", proposal.monitor, proposal.from);
            print_line(&style.dim(&line));
        } else {
            print_line(&format!(
                "{} {} from {} to {}: {because}",
                style.bold("propose"),
                proposal.monitor,
                proposal.from,
                proposal.to
            ));
            print_line(&format!("  {}", proposal.command));
        }
    }
}
