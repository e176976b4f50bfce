//! `bellwether drill`: people practise on the path that the real thing takes.

use std::{path::PathBuf, time::Duration};

use alert::{life::Deed, pager::DRILL_S_MAX};
use anyhow::{Context, bail};
use model::{Alert, AlertId, Name, Severity};
use serde_json::json;
use store::{AlertFilter, Drills, Store};

use super::{Outcome, incident::read, loaded_from};
use crate::{
    clock,
    config::{Config, parse_duration_ms},
    drills::{Order, Progress, Scene},
    feedback::Desk,
    paging::Word,
    routing::Explained,
    terminal::{note, print_line},
    words,
};

/// Between two looks at how far a drill came.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How long a drill is followed unless said: three steps of the usual escalation.
const PATIENCE: &str = "15m";

/// Practise: a marked alert through the whole path, to the people who would hear a real one.
///
/// Everything is as it will be: inbox, routes, on-call, calls, escalation, acknowledgement. Every
/// message says first that it is a drill, no figure counts it, nothing real is touched by it, and it
/// reaches no public channel.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether drill page --by ann --because \"monthly\" --dry-run\n  bellwether drill page --by ann --because \"monthly\" --contract vault\n  bellwether drill end --by ann"
)]
pub(super) struct Drill {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Page(Page),
    End(End),
}

impl Drill {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        match self.command {
            Command::Page(page) => page.run().await,
            Command::End(end) => end.run().await,
        }
    }
}

/// Page people, and say how long it took until somebody was on it.
///
/// Needs a running `bellwether run` and the write_key of bellwether.toml. Follows the drill until
/// somebody acknowledges it; after --patience it is ended, and by itself after an hour. Exit code 1 when
/// nobody acknowledged it.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether drill page --by ann --because \"monthly\" --dry-run\n  bellwether drill page --by ann --because \"monthly\" --severity high --contract vault --json"
)]
struct Page {
    /// As bad as this: info, low, medium, high, critical.
    #[arg(long, default_value = "critical")]
    severity: Severity,
    /// About this contract; network, class and protocol follow from it.
    #[arg(long, value_name = "LABEL")]
    contract: Option<Name>,
    /// On this network.
    #[arg(long)]
    network: Option<Name>,
    /// As if this monitor had said it, for routes that look at monitors.
    #[arg(long)]
    monitor: Option<Name>,
    /// What the drill is called; its beginning unless said.
    #[arg(long)]
    name: Option<Name>,
    /// Who wants it.
    #[arg(long, value_name = "NAME")]
    by: Name,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    because: String,
    /// Only say who would be told, over what, when.
    #[arg(long)]
    dry_run: bool,
    /// Until when somebody should be on it, at most 1h.
    #[arg(long, value_name = "DURATION", default_value = PATIENCE, value_parser = patience_ms)]
    patience: u64,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
    /// The folder that holds bellwether.toml.
    #[arg(long, default_value = ".", env = "BELLWETHER_FOLDER")]
    folder: PathBuf,
}

/// End a drill: everybody who was told hears that it is over.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  bellwether drill end --by ann")]
struct End {
    /// Which one; all that go on unless said.
    name: Option<Name>,
    /// Who ends it.
    #[arg(long, value_name = "NAME")]
    by: Name,
    /// Why.
    #[arg(long, value_name = "TEXT", default_value = "the drill is over")]
    because: String,
    /// One JSON object per drill instead of text.
    #[arg(long)]
    json: bool,
    /// The folder that holds bellwether.toml.
    #[arg(long, default_value = ".", env = "BELLWETHER_FOLDER")]
    folder: PathBuf,
}

fn patience_ms(text: &str) -> Result<u64, String> {
    let ms = parse_duration_ms(text)?;
    let most = DRILL_S_MAX * 1_000;
    if ms > most {
        Err(format!("a drill ends by itself after {} min", most / 60_000))
    } else {
        Ok(ms)
    }
}

impl Page {
    async fn run(self) -> anyhow::Result<Outcome> {
        let config = loaded_from(&self.folder)?;
        let now = clock::now();
        let began = || Name::new(&format!("page-{}", words::seconds(now).0)).expect("a plain slug");
        let order = Order {
            drill: self.name.clone().unwrap_or_else(began),
            severity: self.severity,
            deployment: self.contract.clone(),
            network: self.network.clone(),
            monitor: self.monitor.clone(),
            by: self.by.clone(),
            because: self.because.clone(),
        };
        let scene = Scene {
            networks: config.networks.iter().map(|network| &network.chain.name).collect(),
            monitors: config.monitors.iter().map(|monitor| &monitor.name).collect(),
            people: &config.people,
            registry: &config.registry,
        };
        let (_, facts) = order.alert(&scene, now).map_err(|faults| {
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            anyhow::anyhow!("{}", faults.join("\n"))
        })?;
        let explained = Explained::new(&config.plan, &facts, now);
        if self.dry_run {
            if self.json {
                print_line(&serde_json::to_string(&explained).context("writing the explanation")?);
            } else {
                explained.lines().iter().for_each(|line| print_line(line));
                print_line(&"nobody was told: --dry-run");
            }
            return Ok(Outcome::Fine);
        }
        let Desk::Running(remote) = Desk::open(&self.folder, &config)? else {
            bail!("nothing runs here: a drill goes through a running `bellwether run`");
        };
        if !self.json {
            explained.lines().iter().for_each(|line| note(line));
        }
        let alert = remote.begin_drill(&order).await?;
        note(&format!("drill {} began, alert {alert}", order.drill));
        let progress = self.follow(&config, alert).await?;
        let is_on_it = progress.acknowledged_ms.is_some();
        if !is_on_it && !progress.is_over {
            let because = "nobody acknowledged it in time".to_owned();
            let by = self.by.clone();
            let word = Word::Alert { alert, deed: Deed::Resolve, by, because };
            Desk::Running(remote).tell(&word, &config.people, clock::now()).await?;
        }
        if self.json {
            print_line(&serde_json::to_string(&progress).context("writing what came of it")?);
        } else {
            print_line(&progress.verdict());
            if is_on_it && !progress.is_over {
                let name = &order.drill;
                print_line(&format!("end it with: bellwether drill end {name} --by {}", self.by));
            }
        }
        Ok(if is_on_it { Outcome::Fine } else { Outcome::FoundWrong })
    }

    /// Says what changes until somebody is on it, it is over, or patience ends.
    async fn follow(&self, config: &Config, alert: AlertId) -> anyhow::Result<Progress> {
        let store = read(&self.folder, config)?;
        let until = clock::now().plus(i64::try_from(self.patience).unwrap_or(i64::MAX));
        let mut said: Vec<String> = Vec::new();
        loop {
            let details = store.alert(alert).context("reading the drill")?;
            let details = details.with_context(|| format!("there is no alert {alert}"))?;
            let progress = Progress::of(&details);
            let lines: Vec<String> = progress.told.iter().map(crate::drills::Told::line).collect();
            lines.iter().filter(|line| !said.contains(line)).for_each(|line| note(line));
            said = lines;
            if progress.acknowledged_ms.is_some() || progress.is_over || clock::now() >= until {
                return Ok(progress);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// The drills that go on, the newest first.
fn open(store: &Store) -> anyhow::Result<Vec<Alert>> {
    let filter = AlertFilter { only_open: true, drills: Drills::Only, ..AlertFilter::default() };
    let page = store.alerts(&filter, None, store::PAGE_MAX).context("reading the drills")?;
    Ok(page.items)
}

impl End {
    async fn run(self) -> anyhow::Result<Outcome> {
        let config = loaded_from(&self.folder)?;
        let all = open(&read(&self.folder, &config)?)?;
        let drill = |alert: &Alert| alert.provenance().drill().cloned();
        let wanted: Vec<&Alert> =
            all.iter().filter(|alert| self.name.is_none() || drill(alert) == self.name).collect();
        if let (Some(name), true) = (&self.name, wanted.is_empty()) {
            let going: Vec<String> =
                all.iter().filter_map(drill).map(|name| name.to_string()).collect();
            bail!("no drill {name} goes on (those that do: {})", going.join(", "));
        }
        let desk = Desk::open(&self.folder, &config)?;
        for alert in &wanted {
            let (by, because, deed) = (self.by.clone(), self.because.clone(), Deed::Resolve);
            let word = Word::Alert { alert: alert.id, deed, by, because };
            desk.tell(&word, &config.people, clock::now()).await?;
            let name = drill(alert).map(|name| name.to_string());
            if self.json {
                print_line(
                    &json!({ "alert": alert.id.to_string(), "drill": name, "by": self.by.as_str() }),
                );
            } else {
                let name = name.unwrap_or_default();
                print_line(&format!("drill {name} ended, alert {}", alert.id));
            }
        }
        if wanted.is_empty() && !self.json {
            print_line(&"no drill goes on");
        }
        Ok(Outcome::Fine)
    }
}
