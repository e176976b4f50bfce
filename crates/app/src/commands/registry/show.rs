//! `bellwether registry show`: everything about one address.

use std::path::PathBuf;

use anyhow::{Context, bail};
use model::Name;
use store::Store;

use super::super::{Outcome, loaded_from};
use crate::{
    api::wire,
    config::Config,
    dossier::{self, Declared, Dossier},
    server::site_info,
    terminal::{Style, print_line},
    words,
};

/// Show everything about one address: what it is, what it can be asked, who watches it, what
/// happened.
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
        let declared = Declared { registry: &config.registry, monitors: &config.monitors };
        let mut dossiers = Vec::new();
        for (network, address) in &found {
            let dossier = Dossier::of(network, *address, declared, store.as_ref());
            dossiers.push(dossier.with_context(|| format!("reading what is known of {address}"))?);
        }
        if self.json {
            let info = site_info(&config);
            let shown: Vec<_> = dossiers.iter().map(|d| wire::Dossier::new(d, &info)).collect();
            print_line(&serde_json::to_string(&shown)?);
        } else {
            for (at, dossier) in dossiers.iter().enumerate() {
                if at > 0 {
                    print_line(&"");
                }
                print(dossier, &config);
            }
        }
        let is_guarded = dossiers.iter().any(|dossier| dossier.deployment.is_some());
        Ok(if is_guarded { Outcome::Fine } else { Outcome::FoundWrong })
    }
}

fn print(dossier: &Dossier, config: &Config) {
    let style = Style::stdout();
    let line = |text: String| print_line(&text);
    let title = dossier.name().unwrap_or("unknown address");
    line(format!("{} on {}", style.bold(&words::clean(title)), dossier.network));
    line(format!("  address      {}", dossier.address));
    match &dossier.deployment {
        Some(deployment) => {
            let own = if deployment.abi_known { "" } else { ", ABI guessed" };
            line(format!("  class        {}{own}", deployment.class));
            if let Some(protocol) = &deployment.protocol {
                line(format!("  protocol     {protocol}"));
            }
            match &deployment.value_at_risk {
                Some(amount) => line(format!("  at risk      {amount}")),
                None => line("  at risk      not stated".to_owned()),
            }
            if let Some(block) = deployment.first_block {
                line(format!("  since block  {block}"));
            }
        }
        None => {
            line(format!("  {}", style.yellow("nobody guards it")));
            line(format!("  to guard it: bellwether init --address {} --rpc URL", dossier.address));
        }
    }
    let network = config.networks.iter().find(|n| n.chain.name == dossier.network);
    if let Some(explorer) = network.and_then(|network| network.explorer.as_ref()) {
        line(format!("  explorer     {}", explorer.address(dossier.address)));
    }
    for known in &dossier.known_as {
        let name = words::clean(&known.name);
        line(format!(
            "  label        {} {name} (from {}, {} % sure)",
            known.category, known.source, known.confidence_percent
        ));
    }
    print_watching(dossier, style);
    print_interface(dossier, style);
    print_history(dossier, style);
}

fn print_watching(dossier: &Dossier, style: Style) {
    if dossier.deployment.is_none() {
        return;
    }
    let watching = &dossier.watching;
    print_line(&format!("\n{}", style.bold("Watched by")));
    if watching.monitors.is_empty() {
        print_line(&format!("  {}", style.red("no monitor")));
    }
    for watch in &watching.monitors {
        let scope = if watch.is_named { "" } else { ", with everything else" };
        print_line(&format!("  {}  {} ({}{scope})", watch.monitor, watch.rule, watch.severity));
        if let Some((blocks, reason)) = &watch.blind {
            let of = words::grouped(watching.blocks);
            let blind = format!("blind in {} of {of} blocks: {reason}", words::grouped(*blocks));
            print_line(&format!("    {}", style.yellow(&words::clean(&blind))));
        }
    }
    if watching.blocks == 0 {
        print_line(&"  no block judged yet");
    } else if watching.not_judged > 0 {
        let text = format!(
            "{} of the last {} were not judged by anybody",
            words::grouped(watching.not_judged),
            words::counted(watching.blocks, "block")
        );
        print_line(&format!("  {}", style.red(&text)));
    }
}

fn print_interface(dossier: &Dossier, style: Style) {
    let interface = &dossier.interface;
    if dossier.deployment.is_none() {
        return;
    }
    print_line(&format!("\n{}", style.bold("Can be asked to")));
    if interface.entries.is_empty() {
        print_line(&"  no function is known that changes its state");
    }
    for entry in &interface.entries {
        let payable = if entry.is_payable { ", takes value" } else { "" };
        let monitors: Vec<&str> = entry.monitors.iter().map(Name::as_str).collect();
        let watched = match monitors.as_slice() {
            [] => String::new(),
            names => format!("  ← {}", names.join(", ")),
        };
        let selector = hex::encode_prefixed(entry.selector);
        print_line(&format!("  {selector}  {}{payable}{watched}", entry.signature));
    }
    print_line(&format!("  and {}", words::counted(interface.views as u64, "view")));
    print_line(&format!("\n{}", style.bold("Says")));
    for event in &interface.events {
        let risk = event.risk_of.map_or(String::new(), |family| format!("  (risk: {family})"));
        print_line(&format!("  {}{risk}", event.signature));
    }
}

fn print_history(dossier: &Dossier, style: Style) {
    let Some(history) = &dossier.history else { return };
    print_line(&format!("\n{}", style.bold("Alerts")));
    if history.alerts.is_empty() {
        print_line(&"  none");
    }
    for alert in &history.alerts {
        print_line(&format!(
            "  {}  {}  {}  {}",
            words::utc(alert.opened_at),
            alert.severity,
            alert.state.as_str(),
            words::clean(&alert.first.title)
        ));
    }
    if history.has_more {
        print_line(&"  and older ones");
    }
}
