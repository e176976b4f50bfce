//! `bellwether silences`: quiet that ends, and never hides an attack by one person's word.

use std::path::PathBuf;

use alert::Matcher;
use anyhow::Context;
use model::Name;
use serde_json::json;

use super::{Outcome, incident::read, loaded_from};
use crate::{
    clock,
    config::parse_duration_ms,
    feedback::Desk,
    paging::{self, Word},
    terminal::print_line,
    words,
};

/// Show, ask for, sign and end silences and maintenance windows.
///
/// A silence keeps alerts from people until a time. It does not hide what looks like an attack, a
/// critical alert or a large outflow, unless two people signed it.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether silences ask gas-noise --match 'monitor=\"gas-unusual\"' --lasts 4h --by ann --because \"known, being tuned\"\n  bellwether silences list"
)]
pub(super) struct Silences {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    List(List),
    Ask(Ask),
    Sign(Sign),
    End(End),
}

/// List the silences that have not ended.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  bellwether silences list --json")]
struct List {
    /// One JSON object per line instead of text.
    #[arg(long)]
    json: bool,
    /// The folder that holds bellwether.toml.
    #[arg(long, default_value = ".", env = "BELLWETHER_FOLDER")]
    folder: PathBuf,
}

/// Ask for quiet, or for a maintenance window.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  bellwether silences ask upgrade-214 --match 'deployment=\"vault\"' --lasts 2h --change CR-214 --by ann --because \"planned upgrade\""
)]
struct Ask {
    /// What it is referred to by.
    name: Name,
    /// Hides alerts that fit all of these; may be given several times.
    #[arg(long = "match", value_name = "MATCHER", required = true)]
    matchers: Vec<Matcher>,
    /// For so long from now on, at most 30d.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration_ms)]
    lasts: u64,
    /// The change request: makes it a maintenance window.
    #[arg(long, value_name = "TEXT")]
    change: Option<String>,
    /// Who asks.
    #[arg(long, value_name = "NAME")]
    by: Name,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    because: String,
    /// The folder that holds bellwether.toml.
    #[arg(long, default_value = ".", env = "BELLWETHER_FOLDER")]
    folder: PathBuf,
}

/// Sign another person's silence.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  bellwether silences sign upgrade-214 --by bob")]
struct Sign {
    /// Which one.
    name: Name,
    /// Who signs.
    #[arg(long, value_name = "NAME")]
    by: Name,
    /// The folder that holds bellwether.toml.
    #[arg(long, default_value = ".", env = "BELLWETHER_FOLDER")]
    folder: PathBuf,
}

/// End a silence now.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  bellwether silences end upgrade-214 --by ann")]
struct End {
    /// Which one.
    name: Name,
    /// Who ends it.
    #[arg(long, value_name = "NAME")]
    by: Name,
    /// The folder that holds bellwether.toml.
    #[arg(long, default_value = ".", env = "BELLWETHER_FOLDER")]
    folder: PathBuf,
}

impl Silences {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let (folder, word, told) = match self.command {
            Command::List(list) => return list.run(),
            Command::Ask(Ask { name, matchers, lasts, change, by, because, folder }) => {
                let told = format!("{name}: quiet, asked for by {by}");
                let word = Word::Silence { name, matchers, lasts_ms: lasts, change, by, because };
                (folder, word, told)
            }
            Command::Sign(Sign { name, by, folder }) => {
                let told = format!("{name}: signed by {by}");
                (folder, Word::Sign { silence: name, by }, told)
            }
            Command::End(End { name, by, folder }) => {
                let told = format!("{name}: ended by {by}");
                (folder, Word::Unsilence { silence: name, by }, told)
            }
        };
        let config = loaded_from(&folder)?;
        let desk = Desk::open(&folder, &config)?;
        desk.tell(&word, &config.people, clock::now()).await?;
        print_line(&told);
        Ok(Outcome::Fine)
    }
}

impl List {
    fn run(self) -> anyhow::Result<Outcome> {
        let config = loaded_from(&self.folder)?;
        let store = read(&self.folder, &config)?;
        let silences = paging::silences(&store).context("reading the silences")?;
        for silence in &silences {
            if self.json {
                print_line(&json!(silence));
                continue;
            }
            let matchers: Vec<String> = silence.matchers.iter().map(ToString::to_string).collect();
            let signed: Vec<&str> = silence.signed.keys().map(Name::as_str).collect();
            print_line(&format!(
                "{}  until {}  {}  signed by {}: {}",
                silence.id,
                words::utc(words::seconds(silence.until)),
                matchers.join(" and "),
                signed.join(", "),
                words::clean(&silence.reason)
            ));
        }
        if silences.is_empty() && !self.json {
            print_line(&"nothing is silenced");
        }
        Ok(Outcome::Fine)
    }
}
