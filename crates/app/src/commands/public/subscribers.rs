//! `bellwether public subscribers`: who gets mail.

use std::path::PathBuf;

use anyhow::Context;
use serde_json::json;

use super::super::{Outcome, incident::read, loaded_from};
use crate::{feedback::Desk, terminal::print_line, words};

/// Show who gets public alerts by mail, or take somebody off the list.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether public subscribers list\n  bellwether public subscribers remove reader@example.org"
)]
pub(super) struct Subscribers {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    List(List),
    Remove(Remove),
}

/// List the addresses, with the day on which each was confirmed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  bellwether public subscribers list --json")]
struct List {
    /// One JSON object per line instead of text.
    #[arg(long)]
    json: bool,
    /// The folder that holds bellwether.toml.
    #[arg(long, default_value = ".", env = "BELLWETHER_FOLDER")]
    folder: PathBuf,
}

/// Take an address off the list; what waits for it is not sent. Beside a running program it needs the
/// write_key of bellwether.toml.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  bellwether public subscribers remove reader@example.org")]
struct Remove {
    /// The address, as the list shows it.
    address: String,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
    /// The folder that holds bellwether.toml.
    #[arg(long, default_value = ".", env = "BELLWETHER_FOLDER")]
    folder: PathBuf,
}

impl Subscribers {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        match self.command {
            Command::List(list) => list.run(),
            Command::Remove(remove) => remove.run().await,
        }
    }
}

impl List {
    fn run(self) -> anyhow::Result<Outcome> {
        let config = loaded_from(&self.folder)?;
        let store = read(&self.folder, &config)?;
        let subscribers = store.subscribers().context("reading the subscribers")?;
        for subscriber in &subscribers {
            let address = words::clean(subscriber.address.reveal());
            let since = words::iso(words::seconds(subscriber.confirmed_at));
            match self.json {
                true => print_line(&json!({ "address": address, "since": since })),
                false => print_line(&format!("{address}  since {since}")),
            }
        }
        if subscribers.is_empty() && !self.json {
            print_line(&"nobody subscribed");
        }
        Ok(Outcome::Fine)
    }
}

impl Remove {
    async fn run(self) -> anyhow::Result<Outcome> {
        let config = loaded_from(&self.folder)?;
        let desk = Desk::open(&self.folder, &config)?;
        let was_there = desk.remove_subscriber(&self.address).await.context("writing the list")?;
        let address = words::clean(&self.address);
        match (self.json, was_there) {
            (true, _) => print_line(&json!({ "address": address, "removed": was_there })),
            (false, true) => print_line(&format!("{address}: off the list")),
            (false, false) => print_line(&format!("{address} is not on the list")),
        }
        Ok(if was_there { Outcome::Fine } else { Outcome::FoundWrong })
    }
}
