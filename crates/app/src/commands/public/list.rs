//! `bellwether public list`: where alerts stand before the public.

use std::path::PathBuf;

use anyhow::Context;
use serde_json::json;

use super::super::{Outcome, incident::read, loaded_from};
use crate::{community::entry_of, terminal::print_line, words};

/// Show which alerts were published, which wait until when and why, which are withheld and why, and
/// how the messages of each channel fare.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  bellwether public list --limit 20 --json")]
pub(super) struct List {
    /// Alerts shown at most, those that changed last first.
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    /// One JSON object per line instead of text.
    #[arg(long)]
    json: bool,
    /// The folder that holds bellwether.toml.
    #[arg(long, default_value = ".", env = "BELLWETHER_FOLDER")]
    folder: PathBuf,
}

impl List {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let config = loaded_from(&self.folder)?;
        let store = read(&self.folder, &config)?;
        let entries = store.public_entries(false, self.limit).context("reading the store")?;
        let is_empty = entries.is_empty();
        for entry in entries {
            let stands = entry_of(entry.alert, entry.body.as_deref()).map(|entry| entry.standing);
            if self.json {
                print_line(&json!({
                    "alert": entry.alert,
                    "since": words::iso(words::seconds(entry.updated_at)),
                    "standing": stands,
                    "why": stands.as_ref().map(ToString::to_string),
                }));
                continue;
            }
            let stands = stands.map_or_else(|| "not looked at yet".to_owned(), |s| s.to_string());
            print_line(&format!("{}  {stands}", entry.alert));
        }
        for channel in store.public_message_counts().context("reading the store")? {
            if self.json {
                print_line(&json!({
                    "channel": channel.channel,
                    "due": channel.due,
                    "delivered": channel.delivered,
                    "failed": channel.failed,
                    "trouble": channel.trouble,
                }));
                continue;
            }
            let trouble = channel.trouble.map(|said| format!(": {}", words::clean(&said)));
            print_line(&format!(
                "channel {}: {} delivered, {} on their way, {} given up{}",
                channel.channel,
                words::grouped(channel.delivered),
                words::grouped(channel.due),
                words::grouped(channel.failed),
                trouble.unwrap_or_default()
            ));
        }
        if is_empty && !self.json {
            print_line(&"no alert was considered for the public so far");
        }
        Ok(Outcome::Fine)
    }
}
