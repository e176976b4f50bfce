//! `bellwether routes`: where alerts would go, and why.

use std::{path::PathBuf, str::FromStr};

use alert::Labels;
use anyhow::{Context, bail};
use model::{AlertId, Severity, UnixMillis};
use serde_json::json;

use super::{Outcome, incident::read, loaded_from};
use crate::{
    clock,
    config::{Config, LABELS, nearest},
    routing::{Explained, Trial, differences},
    terminal::{Style, print_line},
    words::{self, counted},
};

/// Where alerts would go, and why.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether routes test --monitor large-withdrawal --deployment vault\n  bellwether routes test --severity high --at 2026-12-24T03:00Z --json"
)]
pub(super) struct RoutesCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Test(Test),
}

impl RoutesCommand {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        match self.command {
            Command::Test(command) => command.run(),
        }
    }
}

/// Explain, hop by hop, where an alert would go: which route takes it, who is told, who is called
/// when, and why the others are not.
///
/// Without an alert, what tests/routes.toml expects is held against the routes: exit code 1 when
/// something differs.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether routes test\n  bellwether routes test --monitor large-withdrawal --deployment vault\n  bellwether routes test --severity high --at 2026-12-24T03:00Z --json\n  bellwether routes test --alert 4f1c9d0e6a7b8c9d0e1f2a3b4c5d6e7f"
)]
struct Test {
    /// The folder that holds bellwether.toml.
    #[arg(long, default_value = ".", env = "BELLWETHER_FOLDER")]
    folder: PathBuf,
    /// How bad it is; critical unless said.
    #[arg(long)]
    severity: Option<Severity>,
    /// The monitor that found it.
    #[arg(long)]
    monitor: Option<String>,
    /// The deployment it is about; network, class and protocol follow from it.
    #[arg(long)]
    deployment: Option<String>,
    /// The protocol it is about.
    #[arg(long)]
    protocol: Option<String>,
    /// The network it is on.
    #[arg(long)]
    network: Option<String>,
    /// Another label, as name=value; may be repeated.
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,
    /// What left, in whole US dollars.
    #[arg(long, value_name = "DOLLARS")]
    outflow_usd: Option<u64>,
    /// An alert on record instead of a made-up one.
    #[arg(long, value_name = "ID", conflicts_with_all = ["monitor", "deployment", "protocol", "network", "labels"])]
    alert: Option<String>,
    /// When, such as 2026-12-24T03:00Z; now unless said.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    at: Option<UnixMillis>,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// A moment with its offset; UTC without one.
pub(super) fn moment(text: &str) -> Result<UnixMillis, String> {
    crate::config::moment(text, &jiff::tz::TimeZone::UTC)
}

fn label(text: &str) -> Result<(String, String), String> {
    let (name, value) =
        text.split_once('=').ok_or_else(|| format!("{text:?} is not name=value"))?;
    Ok((name.to_owned(), value.to_owned()))
}

impl Test {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let config = loaded_from(&self.folder)?;
        if !self.names_an_alert() {
            return self.expectations(&config);
        }
        let at = self.at.unwrap_or_else(clock::now);
        let (labels, severity) = match &self.alert {
            Some(id) => self.recorded(id, &config)?,
            None => (self.made_up(&config)?, self.severity.unwrap_or(Severity::Critical)),
        };
        let trial = Trial { labels, outflow_usd: self.outflow_usd };
        let facts = trial.facts(severity, &config.registry);
        let explained = Explained::new(&config.plan, &facts, at);
        if self.json {
            print_line(&serde_json::to_string(&explained).context("writing the explanation")?);
        } else {
            explained.lines().iter().for_each(|line| print_line(line));
        }
        Ok(Outcome::Fine)
    }

    fn names_an_alert(&self) -> bool {
        let words = [&self.monitor, &self.deployment, &self.protocol, &self.network, &self.alert];
        words.into_iter().any(Option::is_some) || self.severity.is_some() || !self.labels.is_empty()
    }

    fn recorded(&self, id: &str, config: &Config) -> anyhow::Result<(Labels, Severity)> {
        let alert = AlertId::from_str(id).with_context(|| format!("{id:?} is no alert's id"))?;
        let store = read(&self.folder, config)?;
        let found = store.alert(alert).context("reading the alert")?;
        let Some(found) = found else { bail!("no alert {id} is on record") };
        let severity = self.severity.unwrap_or(found.alert.severity);
        Ok((Labels::of(&found.alert), severity))
    }

    fn made_up(&self, config: &Config) -> anyhow::Result<Labels> {
        let mut labels = Labels::default();
        let given = [
            ("monitor", &self.monitor),
            ("deployment", &self.deployment),
            (alert::PROTOCOL, &self.protocol),
            ("network", &self.network),
        ];
        for (label, value) in given {
            let Some(value) = value else { continue };
            let known: Vec<&str> = match label {
                "monitor" => config.monitors.iter().map(|m| m.name.as_str()).collect(),
                "deployment" => {
                    config.registry.deployments().iter().map(|d| d.label.as_str()).collect()
                }
                "network" => config.networks.iter().map(|n| n.chain.name.as_str()).collect(),
                _ => {
                    let all = config.registry.deployments().iter();
                    all.filter_map(|d| Some(d.protocol.as_ref()?.as_str())).collect()
                }
            };
            if !known.contains(&value.as_str()) {
                match nearest(value, known.iter().copied()) {
                    Some(near) => bail!("there is no {label} {value:?}; did you mean {near}?"),
                    None => bail!("there is no {label} {value:?}; there are: {}", known.join(", ")),
                }
            }
            labels.set(label, value);
        }
        for (name, value) in &self.labels {
            if !LABELS.contains(&name.as_str())
                && let Some(near) = nearest(name, LABELS)
            {
                bail!("unknown label {name:?}; did you mean {near}?");
            }
            labels.set(name, value);
        }
        Ok(labels)
    }

    fn expectations(&self, config: &Config) -> anyhow::Result<Outcome> {
        let now = self.at.unwrap_or_else(clock::now);
        let found = differences(&config.expectations, &config.plan, &config.registry, now);
        let total = config.expectations.len();
        if self.json {
            print_line(&json!({ "expectations": total, "differences": found }));
        } else if total == 0 {
            print_line(
                &"tests/routes.toml expects nothing; name an alert to try one, or write one:",
            );
            print_line(
                &"[[expect]]\nalert = { severity = \"critical\" }\nreaches = [\"ann over voice\"]",
            );
        } else {
            found.iter().for_each(|difference| print_line(difference));
            let style = Style::stdout();
            let said = match found.len() {
                0 => style.green(&format!("{} met", counted(total as u64, "expectation"))),
                n => style.red(&format!(
                    "{} of {} not met",
                    words::grouped(n as u64),
                    counted(total as u64, "expectation")
                )),
            };
            print_line(&said);
        }
        Ok(if found.is_empty() { Outcome::Fine } else { Outcome::FoundWrong })
    }
}
