//! The number, what is missing, the command that closes it.

use std::path::Path;

use anyhow::{Context, bail};
use model::Name;
use registry::coverage::CellState;
use store::Store;

use super::super::{Outcome, loaded_from};
use crate::{
    api::wire,
    clock,
    coverage::Account,
    terminal::{Style, print_line},
    words,
};

/// Things that nobody watches that are listed; `--json` has all of them.
const UNWATCHED_SHOWN_MAX: usize = 10;

pub(super) fn run(
    folder: &Path,
    deployment: Option<&Name>,
    is_json: bool,
) -> anyhow::Result<Outcome> {
    let config = loaded_from(folder)?;
    if let Some(label) = deployment.filter(|label| config.registry.get(label).is_none()) {
        let known: Vec<&str> =
            config.registry.deployments().iter().map(|d| d.label.as_str()).collect();
        bail!("unknown deployment {:?} (declared: {})", label.as_str(), known.join(", "));
    }
    let path = folder.join(&config.general.store);
    if !path.exists() {
        bail!("nothing was watched yet: there is no store {}", path.display());
    }
    let store = Store::open_to_read(&path)
        .with_context(|| format!("reading the store {}", path.display()))?;
    let account = Account::read(&store, &config.coverage(), clock::now())?;
    let mut ledger = wire::Ledger::new(&account, &[]);
    ledger.keep(None, deployment);
    if is_json {
        print_line(&serde_json::to_string(&ledger).context("writing the ledger")?);
    } else {
        print(&ledger, deployment.is_none());
    }
    let is_whole = ledger.networks.iter().all(|network| network.missing.is_empty());
    Ok(if is_whole { Outcome::Fine } else { Outcome::FoundWrong })
}

fn print(ledger: &wire::Ledger, is_all: bool) {
    let style = Style::stdout();
    if is_all {
        let value = ledger.value.map_or("unknown".to_owned(), words::percent);
        let cells = words::counted(ledger.cells, "thing");
        print_line(&format!("coverage {} of {cells} that can go wrong", style.bold(&value)));
        print_line(&style.dim(&format!("  = {}", ledger.formula)));
    }
    for network in &ledger.networks {
        print_network(network, style);
    }
}

fn print_network(network: &wire::LedgerNetwork, style: Style) {
    let span = match (network.from, network.to) {
        (Some(from), Some(to)) => format!("blocks {from}–{to}"),
        _ => "no block yet".to_owned(),
    };
    let newest = network.newest_at.as_ref().map(|at| format!(", newest of {}", at.iso));
    print_line(&format!(
        "\n{}: {}, {span}{}",
        style.bold(&network.network),
        network.value.map_or("unknown".to_owned(), words::percent),
        newest.unwrap_or_default()
    ));
    let width = network.deployments.iter().map(|d| d.deployment.len()).max().unwrap_or(0);
    for deployment in &network.deployments {
        let count = |state| deployment.in_state(state);
        let weight = if deployment.is_weight_stated { "" } else { "  value at risk not stated" };
        print_line(&format!(
            "  {:width$}  {:>7}  {} watched, {} partly, {} unknown, {} unwatched{}",
            deployment.deployment,
            deployment.value.map_or("–".to_owned(), words::percent),
            count(CellState::Watched),
            count(CellState::Partly),
            count(CellState::Unknown),
            count(CellState::Unwatched),
            style.dim(weight)
        ));
    }
    if network.missing.is_empty() && network.to.is_some() {
        print_line(&style.green("  no block is missing"));
    }
    for missing in &network.missing {
        let range = match missing.blocks {
            1 => format!("block {}", missing.from),
            blocks => {
                let blocks = words::grouped(blocks);
                format!("blocks {}–{} ({blocks})", missing.from, missing.to)
            }
        };
        let tried = if missing.is_tried { ", tried again" } else { "" };
        print_line(&format!("  {} {range}: {}{tried}", style.red("missing"), missing.reason));
        print_line(&format!("    not judged by: {}", missing.monitors.join(", ")));
        if !missing.endpoints.is_empty() {
            print_line(&format!("    served by: {}", missing.endpoints.join(", ")));
        }
        match &missing.command {
            Some(command) if !missing.closes_by_itself => {
                print_line(&format!("    to close it: {}", style.bold(command)));
            }
            Some(command) => {
                print_line(&format!("    {}; at once: {command}", missing.remedy));
            }
            None => print_line(&format!("    to close it: {}", missing.remedy)),
        }
    }
    print_unwatched(network);
    if network.read_from > 0 {
        let from = network.read_from;
        print_line(&format!("  nothing is said of blocks before {from}: too many changes to read"));
    }
    for gone in &network.forgotten {
        let removed = words::grouped(gone.removed);
        let text =
            format!("  retention removed {removed} {}, older than {}", gone.what, gone.up_to.iso);
        print_line(&style.dim(&text));
    }
}

fn print_unwatched(network: &wire::LedgerNetwork) {
    let unwatched = || {
        network.deployments.iter().flat_map(|deployment| {
            let none = |cell: &&wire::Cell| cell.state == CellState::Unwatched.as_str();
            deployment.cells.iter().filter(none).map(move |cell| (deployment, cell))
        })
    };
    let total = unwatched().count();
    if total == 0 {
        return;
    }
    print_line(&format!("  {} that no monitor watches:", words::counted(total as u64, "thing")));
    for (deployment, cell) in unwatched().take(UNWATCHED_SHOWN_MAX) {
        let (kind, threat) = (cell.kind, cell.threat);
        print_line(&format!("    {} {kind} {}: {threat}", deployment.deployment, cell.target));
    }
    if total > UNWATCHED_SHOWN_MAX {
        print_line(&format!("    and {} more, see --json", total - UNWATCHED_SHOWN_MAX));
    }
}
