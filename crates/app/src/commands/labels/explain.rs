//! `bellwether labels explain`: everything that is said of one address.

use std::path::PathBuf;

use anyhow::Context;
use detect::origins::{self, Account, How};
use model::{Address, Name, UnixSeconds};
use registry::{
    Category, Label,
    labels::{Conflict, conflict},
};
use serde_json::{Value, json};
use store::Store;

use super::{
    super::{Outcome, loaded_from},
    list::{as_text, in_json},
};
use crate::{
    clock,
    config::{Config, parse_address},
    terminal::{Style, print_line},
};

/// Say what lists know about an address: every label with how far it is believed today, where they
/// contradict each other, which of them a monitor would tell, and whom the address comes from as far
/// as judged blocks showed.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether labels explain 0x098B716B8Aaf21512996dC57EB0615e2383E2f96\n  bellwether labels explain 0x098B716B8Aaf21512996dC57EB0615e2383E2f96 --json | jq .told"
)]
pub(super) struct Explain {
    /// The address.
    #[arg(value_parser = address)]
    address: Address,
    /// The folder that holds bellwether.toml.
    #[arg(long, default_value = ".", env = "BELLWETHER_FOLDER")]
    folder: PathBuf,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
}

fn address(text: &str) -> Result<Address, String> {
    parse_address(text).map_err(|error| error.to_string())
}

/// Steps that are followed back from the address.
const STEPS_MAX: usize = 3;

/// What was recorded of the address on one network, nearest first.
struct Origin {
    network: Name,
    accounts: Vec<Account>,
}

impl Explain {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let config = loaded_from(&self.folder)?;
        let labels: Vec<(Option<&Name>, Label<'_>)> =
            config.registry.labels().everywhere(self.address).collect();
        let now = UnixSeconds(u64::try_from(clock::now().0 / 1_000).unwrap_or_default());
        let origins = self.origins(&config)?;
        let against = conflict(self.address, &labels);
        match self.json {
            true => self.in_json(&config, &labels, against.as_ref(), &origins, now),
            false => self.as_text(&config, &labels, against.as_ref(), &origins, now),
        }
        Ok(Outcome::Fine)
    }

    fn origins(&self, config: &Config) -> anyhow::Result<Vec<Origin>> {
        let path = self.folder.join(&config.general.store);
        if !path.exists() {
            return Ok(Vec::new());
        }
        let store = Store::open_to_read(&path)
            .with_context(|| format!("reading the store {}", path.display()))?;
        let mut found = Vec::new();
        for network in &config.networks {
            let network = &network.chain.name;
            let (mut accounts, mut next) = (Vec::new(), Some(self.address));
            while let Some(address) = next.filter(|_| accounts.len() <= STEPS_MAX) {
                let (from, to) = origins::keys_of(address);
                let rows = store.detector_state_between(network, (&from, &to))?;
                let account = origins::stored(&rows, address);
                next = account.as_ref().and_then(|account| account.by);
                accounts.extend(account);
            }
            if !accounts.is_empty() {
                found.push(Origin { network: network.clone(), accounts });
            }
        }
        Ok(found)
    }

    fn in_json(
        &self,
        config: &Config,
        labels: &[(Option<&Name>, Label<'_>)],
        against: Option<&Conflict<'_>>,
        origins: &[Origin],
        now: UnixSeconds,
    ) {
        let of_labels = labels.iter().map(|(network, label)| {
            let mut value = in_json(*network, label);
            value["confidence_percent_now"] = json!(label.confidence_percent_at(now));
            value
        });
        let of_origins = origins.iter().map(|origin| {
            let accounts = origin.accounts.iter().map(|account| {
                json!({
                    "address": account.address.to_string(),
                    "first_seen_s": account.first_at.0,
                    "how": how(account),
                    "by": account.by.map(|by| by.to_string()),
                    "same_code_as": account.twin_of.map(|twin| twin.to_string()),
                    "brought_into_being": account.gave,
                })
            });
            json!({"network": origin.network, "accounts": accounts.collect::<Vec<_>>()})
        });
        print_line(&json!({
            "address": self.address.to_string(),
            "deployments": self.deployments(config),
            "labels": of_labels.collect::<Vec<Value>>(),
            "conflict": against.is_some(),
            "told": told(labels, now).map(|label| in_json(None, &label)),
            "origins": of_origins.collect::<Vec<Value>>(),
        }));
    }

    fn as_text(
        &self,
        config: &Config,
        labels: &[(Option<&Name>, Label<'_>)],
        against: Option<&Conflict<'_>>,
        origins: &[Origin],
        now: UnixSeconds,
    ) {
        let style = Style::stdout();
        print_line(&style.bold(&self.address.to_string()));
        for label in self.deployments(config) {
            print_line(&format!("  yours: {label}"));
        }
        for (network, label) in labels {
            let today = label.confidence_percent_at(now);
            let faded = match today == label.confidence_percent {
                true => String::new(),
                false => format!(", {today} % today"),
            };
            print_line(&format!("  {}{faded}", as_text(*network, label)));
        }
        if labels.is_empty() {
            print_line(&"  on no list");
        }
        if against.is_some() {
            print_line(&style.yellow("  the lists contradict each other"));
        }
        print_line(&match told(labels, now) {
            Some(label) => format!(
                "  a monitor of known bad addresses tells it as {}, by {}",
                style.red(label.category.as_str()),
                label.source
            ),
            None => "  no monitor of known bad addresses tells it by its own labels".to_owned(),
        });
        for origin in origins {
            for account in &origin.accounts {
                let ago = now.seconds_since(account.first_at) / 86_400;
                let by =
                    account.by.map(|by| format!(" by {}", name_of(config, &origin.network, by)));
                print_line(&format!(
                    "  {}: {} was {}{}, {ago} d ago",
                    origin.network,
                    name_of(config, &origin.network, account.address),
                    how(account),
                    by.unwrap_or_default()
                ));
            }
        }
        if origins.is_empty() {
            print_line(&"  where it comes from was not recorded");
        }
    }

    fn deployments(&self, config: &Config) -> Vec<String> {
        let all = config.registry.deployments().iter();
        all.filter(|one| one.address == self.address).map(|one| one.label.to_string()).collect()
    }
}

fn name_of(config: &Config, network: &Name, address: Address) -> String {
    match config.registry.label(network, address) {
        Some(label) => format!("{} ({address})", crate::words::clean(label)),
        None => address.to_string(),
    }
}

fn how(account: &Account) -> &'static str {
    match account.how {
        How::Gave => "first seen giving",
        How::Funded => "first funded",
        How::Created => "created",
    }
}

/// The label that a monitor with ordinary settings would tell: the most believed of those that warn,
/// unless somebody vouches for the address.
fn told<'a>(labels: &[(Option<&Name>, Label<'a>)], now: UnixSeconds) -> Option<Label<'a>> {
    /// As the default of `reputation/known_bad_address`.
    const CONFIDENCE_PERCENT_MIN: u8 = 50;
    if labels.iter().any(|(_, label)| *label.category == Category::Benign) {
        return None;
    }
    let warn = labels.iter().map(|(_, label)| *label).filter(|label| {
        label.category.is_malicious() && label.confidence_percent_at(now) >= CONFIDENCE_PERCENT_MIN
    });
    warn.max_by_key(|label| label.confidence_percent_at(now))
}
