//! `bellwether alerts`: what waits for somebody, and what people say of it.

use std::path::PathBuf;

use alert::life::Deed;
use anyhow::{Context, anyhow};
use model::{AlertId, Name, Severity};
use serde_json::json;
use store::{AlertFilter, Drills};

use super::{Outcome, incident::read, loaded_from};
use crate::{
    clock,
    feedback::Desk,
    paging::Word,
    terminal::{Style, print_line},
    words,
};

/// Alerts that are listed unless `--limit` says otherwise: what a screen shows.
const LISTED: usize = 40;

/// Show what waits for somebody, and say what becomes of it.
///
/// Works beside a running `bellwether run` when bellwether.toml names a write_key; without a running
/// program the pager hears it at the next start.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether alerts list --open\n  bellwether alerts ack 3f6c0a9d5b1e4c7a8d2f90b1c3e5a7f9 --by ann --because \"looking\""
)]
pub(super) struct Alerts {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    List(List),
    Ack(Ack),
    Resolve(Resolve),
    Benign(Benign),
    Reopen(Reopen),
}

/// List alerts, the newest first.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  bellwether alerts list --open --severity high --json")]
struct List {
    /// Only those that go on.
    #[arg(long)]
    open: bool,
    /// Drills, too; without it only what is real.
    #[arg(long)]
    drills: bool,
    /// At least this bad: info, low, medium, high, critical.
    #[arg(long)]
    severity: Option<Severity>,
    /// So many.
    #[arg(long, default_value_t = LISTED, value_parser = limit)]
    limit: usize,
    /// One JSON object per line instead of text.
    #[arg(long)]
    json: bool,
    /// The folder that holds bellwether.toml.
    #[arg(long, default_value = ".", env = "BELLWETHER_FOLDER")]
    folder: PathBuf,
}

/// Somebody is on it: it pages nobody any more.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  bellwether alerts ack 3f6c0a9d5b1e4c7a8d2f90b1c3e5a7f9 --by ann --because \"looking\""
)]
struct Ack {
    #[command(flatten)]
    said: Said,
}

/// It is over.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  bellwether alerts resolve 3f6c0a9d5b1e4c7a8d2f90b1c3e5a7f9 --by ann --because \"paused, funds are safe\""
)]
struct Resolve {
    #[command(flatten)]
    said: Said,
}

/// It is nothing bad.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  bellwether alerts benign 3f6c0a9d5b1e4c7a8d2f90b1c3e5a7f9 --by ann --because \"our own migration\""
)]
struct Benign {
    #[command(flatten)]
    said: Said,
}

/// It is not over: whoever is on call should look again.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  bellwether alerts reopen 3f6c0a9d5b1e4c7a8d2f90b1c3e5a7f9 --by ann --because \"it goes on\""
)]
struct Reopen {
    #[command(flatten)]
    said: Said,
}

#[derive(Debug, clap::Args)]
struct Said {
    /// The alert's id, as its page and its messages show it.
    alert: String,
    /// Who says so.
    #[arg(long, value_name = "NAME")]
    by: Name,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    because: String,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
    /// The folder that holds bellwether.toml.
    #[arg(long, default_value = ".", env = "BELLWETHER_FOLDER")]
    folder: PathBuf,
}

fn limit(text: &str) -> Result<usize, String> {
    let allowed = 1..=store::PAGE_MAX;
    let limit = text.parse().ok().filter(|limit| allowed.contains(limit));
    limit.ok_or_else(|| format!("{text:?} is not from 1 to {}", store::PAGE_MAX))
}

impl Alerts {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        match self.command {
            Command::List(list) => list.run(),
            Command::Ack(ack) => ack.said.run(Deed::Acknowledge).await,
            Command::Resolve(resolve) => resolve.said.run(Deed::Resolve).await,
            Command::Benign(benign) => benign.said.run(Deed::Benign).await,
            Command::Reopen(reopen) => reopen.said.run(Deed::Reopen).await,
        }
    }
}

impl List {
    fn run(self) -> anyhow::Result<Outcome> {
        let config = loaded_from(&self.folder)?;
        let store = read(&self.folder, &config)?;
        let filter = AlertFilter {
            severity_min: self.severity,
            only_open: self.open,
            drills: if self.drills { Drills::With } else { Drills::Without },
            ..AlertFilter::default()
        };
        let page = store.alerts(&filter, None, self.limit).context("reading the alerts")?;
        let stages = store.stages(page.items.iter().map(|alert| alert.id));
        let stages = stages.context("reading where the alerts are among people")?;
        let (style, now) = (Style::stdout(), words::seconds(clock::now()));
        for alert in &page.items {
            let stage = stages.get(&alert.id);
            let (word, by) = (stage.map(|stage| &stage.stage), stage.and_then(|s| s.by.as_ref()));
            if self.json {
                let line = json!({
                    "id": alert.id.to_string(), "severity": alert.severity.as_str(),
                    "stage": word, "by": by.map(Name::as_str), "network": alert.network.as_ref().map(Name::as_str),
                    "monitor": alert.monitor.as_str(), "title": alert.title(),
                    "source": alert.source().map(ToString::to_string),
                    "drill": alert.provenance().drill().map(Name::as_str),
                    "opened_at": words::iso(alert.opened_at),
                });
                print_line(&line);
                continue;
            }
            let among = match (word, by) {
                (Some(word), Some(by)) => format!("{word} by {by}"),
                (Some(word), None) => word.to_string(),
                (None, _) => "told to nobody".to_owned(),
            };
            let from = alert.source().map(|source| format!(", from {source}"));
            let from = from.unwrap_or_default();
            print_line(&format!(
                "{}  {:<8}  {}  {}",
                style.dim(&alert.id.to_string()),
                alert.severity.as_str(),
                style.bold(&words::clean(alert.title())),
                style.dim(&format!("{among}{from}, {}", words::ago(alert.opened_at, now))),
            ));
        }
        if page.items.is_empty() && !self.json {
            print_line(if self.open { &"nothing is open" } else { &"no alert is on record" });
        }
        if page.next.is_some() && !self.json {
            print_line(&style.dim("… and older ones; --limit shows more"));
        }
        Ok(Outcome::Fine)
    }
}

impl Said {
    async fn run(self, deed: Deed) -> anyhow::Result<Outcome> {
        let alert: AlertId = self
            .alert
            .parse()
            .map_err(|_| anyhow!("{:?} is no alert's id (32 hex digits)", self.alert))?;
        let config = loaded_from(&self.folder)?;
        let known = read(&self.folder, &config)?.alert(alert).context("reading the alert")?;
        known.with_context(|| format!("there is no alert {alert}"))?;
        let desk = Desk::open(&self.folder, &config)?;
        let what = deed.as_str();
        let (by, because) = (self.by.clone(), self.because);
        let word = Word::Alert { alert, deed, by, because };
        desk.tell(&word, &config.people, clock::now()).await?;
        if self.json {
            let told = json!({ "alert": alert.to_string(), "said": what, "by": self.by.as_str() });
            print_line(&told);
        } else {
            print_line(&format!("{alert}: {what}, said by {}", self.by));
        }
        Ok(Outcome::Fine)
    }
}
