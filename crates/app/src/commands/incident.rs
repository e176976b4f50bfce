//! `bellwether incident`: what really happened, so that what was missed can be counted.

use std::path::PathBuf;

use anyhow::{Context, bail};
use model::{Incident as Record, Name, UnixSeconds};
use serde_json::json;
use store::Store;

use super::{Outcome, loaded_from};
use crate::{
    clock,
    config::Config,
    feedback::Desk,
    terminal::{Style, print_line},
    words,
};

/// Keep what really happened, or was staged: recall and lead time are measured by it.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether incident declare drain-07 --class key-theft --network mainnet --from 2026-03-01T10:00:00Z --to 2026-03-01T10:20:00Z --loss-at 2026-03-01T10:04:00Z --on vault --by ada --because \"post-mortem 7\"\n  bellwether incident list --json"
)]
pub(super) struct Incident {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Declare(Declare),
    Withdraw(Withdraw),
    List(List),
}

/// Declare an incident or a drill, or correct one that was declared under the same name.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  bellwether incident declare pause-drill-2 --drill --class key-theft --network mainnet --from 2026-03-01T10:00:00Z --to 2026-03-01T10:20:00Z --by ada --because \"second drill of the quarter\""
)]
struct Declare {
    /// Its name.
    name: Name,
    /// What kind of thing it was, in your words: key-theft, oracle-manipulation.
    #[arg(long)]
    class: Name,
    /// It was staged.
    #[arg(long)]
    drill: bool,
    /// Network.
    #[arg(long)]
    network: Name,
    /// When it began, such as 2026-03-01T10:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    from: UnixSeconds,
    /// When it was over.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    to: UnixSeconds,
    /// When the first money was lost.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    loss_at: Option<UnixSeconds>,
    /// A deployment it was about; may be given several times. Without one: any.
    #[arg(long, value_name = "DEPLOYMENT")]
    on: Vec<Name>,
    /// The attacker's address.
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    attacker: Option<model::Address>,
    /// Who says so.
    #[arg(long, value_name = "NAME")]
    by: String,
    /// How it is known.
    #[arg(long, value_name = "TEXT")]
    because: String,
    /// The folder that holds bellwether.toml.
    #[arg(long, default_value = ".", env = "BELLWETHER_FOLDER")]
    folder: PathBuf,
}

/// Take an incident back: it was not so. What was declared stays on record.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  bellwether incident withdraw drain-07 --by ada --because \"it was the treasury\""
)]
struct Withdraw {
    /// Its name.
    name: Name,
    /// Who says so.
    #[arg(long, value_name = "NAME")]
    by: String,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    because: String,
    /// The folder that holds bellwether.toml.
    #[arg(long, default_value = ".", env = "BELLWETHER_FOLDER")]
    folder: PathBuf,
}

/// List the incidents and drills on record.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  bellwether incident list --json | jq '.[].name'")]
struct List {
    /// The folder that holds bellwether.toml.
    #[arg(default_value = ".", env = "BELLWETHER_FOLDER")]
    folder: PathBuf,
    /// One JSON array instead of text.
    #[arg(long)]
    json: bool,
}

impl Incident {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        match self.command {
            Command::Declare(command) => command.run().await,
            Command::Withdraw(command) => command.run().await,
            Command::List(command) => command.run(),
        }
    }
}

impl Declare {
    async fn run(self) -> anyhow::Result<Outcome> {
        let config = loaded_from(&self.folder)?;
        let networks: Vec<&str> = config.networks.iter().map(|n| n.chain.name.as_str()).collect();
        if !networks.contains(&self.network.as_str()) {
            bail!("no network {} (declared: {})", self.network, networks.join(", "));
        }
        if let Some(label) = self.on.iter().find(|label| config.registry.get(label).is_none()) {
            let known: Vec<&str> =
                config.registry.deployments().iter().map(|d| d.label.as_str()).collect();
            bail!("unknown deployment {:?} (declared: {})", label.as_str(), known.join(", "));
        }
        let desk = Desk::open(&self.folder, &config)?;
        let incident = Record {
            name: self.name,
            class: self.class,
            is_drill: self.drill,
            network: self.network,
            from: self.from,
            to: self.to,
            loss_at: self.loss_at,
            deployments: self.on,
            attacker: self.attacker,
            by: self.by,
            because: self.because,
            at: clock::now(),
            is_withdrawn: false,
        };
        let line = line_of(&incident, Style::none());
        desk.declare(incident).await?;
        print_line(&line);
        Ok(Outcome::Fine)
    }
}

impl Withdraw {
    async fn run(self) -> anyhow::Result<Outcome> {
        let config = loaded_from(&self.folder)?;
        let known = read(&self.folder, &config)?.incidents()?;
        let Some(incident) = known.get(&self.name) else {
            let names: Vec<&str> = known.keys().map(Name::as_str).collect();
            bail!("there is no incident {} (on record: {})", self.name, names.join(", "));
        };
        let withdrawn = Record {
            by: self.by,
            because: self.because,
            at: clock::now(),
            is_withdrawn: true,
            ..incident.clone()
        };
        Desk::open(&self.folder, &config)?.declare(withdrawn).await?;
        print_line(&format!("{}: does not count any more", self.name));
        Ok(Outcome::Fine)
    }
}

impl List {
    fn run(self) -> anyhow::Result<Outcome> {
        let config = loaded_from(&self.folder)?;
        let incidents = read(&self.folder, &config)?.incidents()?;
        if self.json {
            let all: Vec<_> = incidents.values().collect();
            print_line(&json!(all));
            return Ok(Outcome::Fine);
        }
        if incidents.is_empty() {
            print_line(&"no incident is on record: recall is unknown until one is declared");
        }
        for incident in incidents.values() {
            print_line(&line_of(incident, Style::stdout()));
        }
        Ok(Outcome::Fine)
    }
}

fn line_of(incident: &Record, style: Style) -> String {
    let kind = if incident.is_drill { "drill" } else { "incident" };
    let places: Vec<&str> = incident.deployments.iter().map(Name::as_str).collect();
    let places = if places.is_empty() { "anywhere".to_owned() } else { places.join(", ") };
    format!(
        "{} {kind} of class {} on {}, {places}: {} to {}, said {}: {}",
        style.bold(incident.name.as_str()),
        incident.class,
        incident.network,
        words::utc(incident.from),
        words::utc(incident.to),
        incident.by,
        incident.because
    )
}

pub(super) fn read(folder: &std::path::Path, config: &Config) -> anyhow::Result<Store> {
    let path = folder.join(&config.general.store);
    if !path.exists() {
        bail!("nothing was watched yet: there is no store {}", path.display());
    }
    Store::open_to_read(&path).with_context(|| format!("reading the store {}", path.display()))
}

fn moment(text: &str) -> Result<UnixSeconds, String> {
    let at: jiff::Timestamp =
        text.parse().map_err(|_| format!("{text:?} is no moment such as 2026-03-01T10:00:00Z"))?;
    u64::try_from(at.as_second()).map(UnixSeconds).map_err(|_| format!("{text:?} is before 1970"))
}

fn address(text: &str) -> Result<model::Address, String> {
    crate::config::parse_address(text)
}
