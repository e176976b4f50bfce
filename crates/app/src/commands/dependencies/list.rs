//! `bellwether dependencies list`: as declared.

use registry::dependencies::{Dependency, Standing, usd};
use serde_json::{Value, json};

use super::super::{FolderArgument, Outcome, loaded};
use crate::terminal::{Style, print_line};

/// List what ours rely on, as dependencies/ declares it.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  bellwether dependencies list --json | jq -r '.[] | select(.ignored == null) | .address'"
)]
pub(super) struct List {
    #[command(flatten)]
    folder: FolderArgument,
    /// One JSON array instead of a table.
    #[arg(long)]
    json: bool,
}

impl List {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let config = loaded(&self.folder)?;
        let all = config.registry.dependencies().all();
        if self.json {
            print_line(&Value::Array(all.iter().map(in_json).collect()));
            return Ok(Outcome::Fine);
        }
        let style = Style::stdout();
        let width = |of: fn(&Dependency) -> usize| all.iter().map(of).max().unwrap_or(0);
        let label = width(|one| one.label.as_str().len());
        let kind = width(|one| one.kind.as_str().len());
        let network = width(|one| one.network.as_str().len());
        for one in all {
            let exposure = match one.stated_cents {
                Some(cents) => format!("  {} rely on it", usd(cents)),
                None => String::new(),
            };
            let ignored = match &one.standing {
                Standing::Ignored { reason } => style.dim(&format!("  ignored: {reason}")),
                Standing::Watched => String::new(),
            };
            print_line(&format!(
                "{}  {:kind$}  {:network$}  {}{exposure}{ignored}",
                style.bold(&format!("{:label$}", one.label)),
                one.kind,
                one.network,
                one.address,
            ));
        }
        print_line(&format!("{} dependencies", all.len()));
        Ok(Outcome::Fine)
    }
}

pub(super) fn in_json(one: &Dependency) -> Value {
    let ignored = match &one.standing {
        Standing::Ignored { reason } => Some(reason),
        Standing::Watched => None,
    };
    json!({
        "label": one.label,
        "network": one.network,
        "address": one.address.to_string(),
        "kind": one.kind.as_str(),
        "of": one.of,
        "ignored": ignored,
        "stated_usd": one.stated_cents.map(|cents| usd(cents).to_decimal()),
        "covers": one.covers,
    })
}
