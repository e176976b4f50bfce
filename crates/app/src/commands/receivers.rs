//! `bellwether receivers`: whether those who should hear can be reached.

use anyhow::bail;
use model::Name;
use serde_json::{Value, json};

use super::Outcome;
use crate::{
    clock,
    config::{Config, Folder, Missing},
    notify::{Health, Receipt, Receiver, Receivers, SendError},
    terminal::{note, print_line},
};

/// Whether those who should hear of alerts can be reached.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether receivers test\n  bellwether receivers test night-call --send"
)]
pub(super) struct ReceiversCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Test(Test),
}

impl ReceiversCommand {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        match self.command {
            Command::Test(command) => command.run().await,
        }
    }
}

/// Ask each receiver's side whether it is there and knows the account; with --send, send a message.
///
/// The question reaches nobody. Some providers offer none: there only a message can tell. The message
/// says that it is a test; pagers open an alert for it, which is closed at once. Needs the secrets that
/// the files refer to. Exit code 1 when a receiver cannot be reached.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether receivers test\n  bellwether receivers test team-mail --send --folder my-protocol/\n  bellwether receivers test --send --json | jq '.[] | select(.failed)'"
)]
struct Test {
    /// Receiver, by its name in routes.toml; all of them unless said.
    name: Option<Name>,
    /// Send a real message, marked as a test.
    #[arg(long)]
    send: bool,
    /// The folder that holds bellwether.toml.
    #[arg(long, default_value = ".", env = "BELLWETHER_FOLDER")]
    folder: std::path::PathBuf,
    /// One JSON array instead of text.
    #[arg(long)]
    json: bool,
}

/// What was learned of one receiver.
struct Learned {
    name: Name,
    kind: &'static str,
    health: Health,
    /// What came of a message, when one was sent.
    sent: Option<Result<Receipt, SendError>>,
}

impl Learned {
    fn has_failed(&self) -> bool {
        match &self.sent {
            // What a message tells counts more than what a question does.
            Some(sent) => sent.is_err(),
            None => matches!(self.health, Health::Failing(_)),
        }
    }

    fn line(&self) -> String {
        let health = match &self.health {
            Health::Ready(said) => format!("ready: {said}"),
            Health::OnlyAMessageCanTell => "only a test message can tell".to_owned(),
            Health::Failing(why) => format!("failing: {why}"),
        };
        let sent = match &self.sent {
            None => String::new(),
            Some(Ok(receipt)) => format!("\n  test message: {receipt}"),
            Some(Err(error)) => format!("\n  test message failed: {error}"),
        };
        format!("{} ({}): {health}{sent}", self.name, self.kind)
    }

    fn json(&self) -> Value {
        let (health, said) = match &self.health {
            Health::Ready(said) => ("ready", Some(said)),
            Health::OnlyAMessageCanTell => ("only a message can tell", None),
            Health::Failing(why) => ("failing", Some(why)),
        };
        json!({
            "name": self.name.as_str(),
            "kind": self.kind,
            "health": health,
            "said": said,
            "receipt": self.sent.as_ref().and_then(|sent| sent.as_ref().ok()).map(Receipt::to_string),
            "error": self.sent.as_ref().and_then(|sent| sent.as_ref().err()).map(SendError::to_string),
            "failed": self.has_failed(),
        })
    }
}

impl Test {
    async fn run(self) -> anyhow::Result<Outcome> {
        let config = match Config::load(&Folder::new(&self.folder), Missing::IsMistake) {
            Ok(config) => config,
            Err(mistakes) => {
                note(&mistakes);
                return Ok(Outcome::FoundWrong);
            }
        };
        let receivers = Receivers::of(&config)?;
        let is_wanted = |name: &Name| self.name.as_ref().is_none_or(|wanted| wanted == name);
        let mut all = Vec::new();
        for (name, receiver) in receivers.by_name.iter().filter(|(name, _)| is_wanted(name)) {
            let of = config.receivers.iter().find(|(of, _)| of == name);
            let kind = of.map_or("", |(_, config)| config.kind());
            let learned = self.learn(&receivers, name, kind, receiver).await;
            if !self.json {
                print_line(&learned.line());
            }
            all.push(learned);
        }
        if let (Some(name), true) = (&self.name, all.is_empty()) {
            let names: Vec<&str> = receivers.by_name.keys().map(Name::as_str).collect();
            bail!("no receiver is called {name} (one of: {})", names.join(", "));
        }
        if self.json {
            print_line(&Value::Array(all.iter().map(Learned::json).collect()));
        }
        let has_failed = all.iter().any(Learned::has_failed);
        Ok(if has_failed { Outcome::FoundWrong } else { Outcome::Fine })
    }

    async fn learn(
        &self,
        receivers: &Receivers,
        name: &Name,
        kind: &'static str,
        receiver: &Receiver,
    ) -> Learned {
        let health = receiver.check(clock::now()).await;
        let sent =
            if self.send { Some(receivers.test(name, receiver, clock::now()).await) } else { None };
        Learned { name: name.clone(), kind, health, sent }
    }
}
