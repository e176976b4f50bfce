//! `bellwether registry show`: everything about one address.

mod declared;
mod found; //    what the program found out: life, power, coverage, history // what follows from the files: what it is, monitors, interface, threats

use std::path::PathBuf;

use anyhow::{Context, bail};
use model::Name;
use store::Store;

use super::super::{Outcome, loaded_from};
use crate::{
    api::wire,
    clock,
    coverage::Account,
    dossier::{self, Dossier, Known, Seen, Unknown},
    server::site_info,
    terminal::{Style, print_line},
    web::SiteInfo,
    words,
};

/// Show everything about one address: what it is, where in its life, who holds power over it, what
/// it relies on, who watches it and how well, what it can be asked, what happened.
///
/// Exit code 0 when it is guarded, 1 when nobody guards it.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether registry show vault\n  bellwether registry show 0x5aAe…eAed --network mainnet --json"
)]
pub(super) struct Show {
    /// A deployment's label, or an address.
    #[arg(value_name = "LABEL|ADDRESS")]
    what: String,
    /// The network that the address is on; without it, every network that knows it.
    #[arg(long)]
    network: Option<Name>,
    /// The folder that holds bellwether.toml.
    #[arg(long, default_value = ".", env = "BELLWETHER_FOLDER")]
    folder: PathBuf,
    /// One JSON array instead of text.
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let config = loaded_from(&self.folder)?;
        let networks: Vec<Name> = config.networks.iter().map(|n| n.chain.name.clone()).collect();
        if let Some(network) = self.network.as_ref().filter(|name| !networks.contains(name)) {
            let known: Vec<&str> = networks.iter().map(Name::as_str).collect();
            bail!("unknown network {:?} (declared: {})", network.as_str(), known.join(", "));
        }
        let network = self.network.as_ref();
        let found = dossier::find(&self.what, network, &networks, &config.registry)
            .map_err(anyhow::Error::msg)?;
        // Without a store there is no history yet; the dossier says so instead of showing none.
        let path = self.folder.join(&config.general.store);
        let store = match path.exists() {
            true => Some(
                Store::open_to_read(&path)
                    .with_context(|| format!("reading the store {}", path.display()))?,
            ),
            false => None,
        };
        let (info, now) = (site_info(&config, None, None), clock::now());
        let account = match &store {
            Some(store) => Some(
                Account::read(store, &info.coverage, now).context("reading what was covered")?,
            ),
            None => None,
        };
        let seen = store.as_ref().zip(account.as_ref());
        let seen = seen.map(|(store, account)| Seen { store, account });
        let at = words::seconds(now);
        let mut dossiers = Vec::new();
        for (network, address) in &found {
            let dossier = Dossier::of(network, *address, info.declared(), seen, at);
            dossiers.push(dossier.with_context(|| format!("reading what is known of {address}"))?);
        }
        if self.json {
            let shown: Vec<_> = dossiers.iter().map(|d| wire::Dossier::new(d, &info)).collect();
            print_line(&serde_json::to_string(&shown)?);
        } else {
            for (at, dossier) in dossiers.iter().enumerate() {
                if at > 0 {
                    print_line(&"");
                }
                print(dossier, &info);
            }
        }
        let is_guarded = dossiers.iter().any(|dossier| dossier.deployment.is_some());
        Ok(if is_guarded { Outcome::Fine } else { Outcome::FoundWrong })
    }
}

/// The whole dossier as text. A section that knows nothing says why.
fn print(dossier: &Dossier, info: &SiteInfo) {
    let page = Text { dossier, info, style: Style::stdout(), now: words::seconds(clock::now()) };
    page.title();
    page.life();
    page.power();
    page.dependencies();
    page.watching();
    page.coverage();
    page.threats();
    page.interface();
    page.history();
}

/// A dossier being printed.
struct Text<'a> {
    dossier: &'a Dossier,
    info: &'a SiteInfo,
    style: Style,
    now: model::UnixSeconds,
}

impl Text<'_> {
    fn heading(&self, text: &str) {
        print_line(&format!("\n{}", self.style.bold(text)));
    }

    /// What a section knows; when it knows nothing, that is said and there is nothing more to print.
    fn known<'k, T>(&self, known: &'k Known<T>) -> Option<&'k T> {
        match known {
            Known::Yes(known) => Some(known),
            Known::No(Unknown { why, close }) => {
                let text = format!("unknown: {}", words::clean(why));
                print_line(&format!("  {}", self.style.yellow(&text)));
                if let Some(close) = close {
                    print_line(&format!("  to know it: {}", words::clean(close)));
                }
                None
            }
        }
    }

    fn ago(&self, at: model::UnixSeconds) -> String {
        words::ago(at, self.now)
    }
}
