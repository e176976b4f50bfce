//! `bellwether registry list`: all deployments.

use registry::Deployment;
use serde_json::{Value, json};

use super::super::{FolderArgument, Outcome, loaded};
use crate::terminal::{Style, print_line};

/// List all deployments with what they are.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  bellwether registry list --json | jq -r '.[] | [.label, .address] | @tsv'"
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
        let deployments = config.registry.deployments();
        if self.json {
            print_line(&Value::Array(deployments.iter().map(in_json).collect()));
            return Ok(Outcome::Fine);
        }
        let style = Style::stdout();
        let width = |of: fn(&Deployment) -> usize| deployments.iter().map(of).max().unwrap_or(0);
        let label = width(|d| d.label.as_str().len());
        let class = width(|d| d.class.as_str().len());
        let network = width(|d| d.network.as_str().len());
        for deployment in deployments {
            let at_risk = match &deployment.value_at_risk {
                Some(amount) => format!("  {amount} at risk"),
                None => String::new(),
            };
            print_line(&format!(
                "{}  {:class$}  {:network$}  {}{at_risk}",
                style.bold(&format!("{:label$}", deployment.label)),
                deployment.class,
                deployment.network,
                deployment.address,
            ));
        }
        print_line(&format!("{} deployments", deployments.len()));
        Ok(Outcome::Fine)
    }
}

fn in_json(deployment: &Deployment) -> Value {
    json!({
        "label": deployment.label,
        "network": deployment.network,
        "address": deployment.address.to_string(),
        "class": deployment.class.as_str(),
        "protocol": deployment.protocol,
        "first_block": deployment.first_block,
        "value_at_risk": deployment.value_at_risk.as_ref().map(ToString::to_string),
    })
}
