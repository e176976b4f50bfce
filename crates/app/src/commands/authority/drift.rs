//! `bellwether authority drift`: observed against declared.

use model::FactValue;
use registry::authority::DriftItem;
use serde_json::{Value, json};

use super::Place;
use crate::{
    commands::Outcome,
    terminal::{Style, print_line},
};

/// Hold the live chain against policy.toml and tell every difference, worst first, with its age and
/// whether a transaction would mend it.
///
/// Exit code 0 when there is none, 1 when there is. What the policy accepts by an exception is shown
/// and does not count.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether authority drift\n  bellwether authority drift --network mainnet --json | jq '.drifts[].title'"
)]
pub(super) struct Drift {
    #[command(flatten)]
    place: Place,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
}

impl Drift {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let found = self.place.look().await?;
        let items = found.drift(&self.place.folder)?;
        let open = items.iter().filter(|item| item.accepted.is_none()).count();
        if self.json {
            let unknown: Vec<&String> = found.looks.iter().flat_map(|look| &look.unknown).collect();
            let looks = found.looks.iter().map(|look| {
                let one = &look.observed;
                json!({"network": one.network.as_str(), "block": one.at.block, "endpoint": look.endpoint.as_str()})
            });
            print_line(&json!({
                "looked_at": looks.collect::<Vec<_>>(),
                "drifts": items.iter().map(in_json).collect::<Vec<_>>(),
                "open": open,
                "unknown": unknown,
            }));
        } else {
            for item in &items {
                print(item);
            }
            found.tell_unknown();
            let blocks: Vec<String> = found
                .looks
                .iter()
                .map(|look| format!("{} at block {}", look.observed.network, look.observed.at.block))
                .collect();
            let accepted = items.len() - open;
            let beside = if accepted == 0 { String::new() } else { format!(", {accepted} accepted") };
            print_line(&format!("{open} drifts{beside}: {}", blocks.join(", ")));
        }
        Ok(if open == 0 { Outcome::Fine } else { Outcome::FoundWrong })
    }
}

fn print(item: &DriftItem) {
    let style = Style::stdout();
    let severity = match &item.accepted {
        Some(_) => style.dim("accepted"),
        None => style.red(item.severity.as_str()),
    };
    print_line(&format!("{severity}  {}", style.bold(&item.title)));
    let age = match item.age_s {
        0 => "new".to_owned(),
        age_s => format!("{} old", FactValue::Seconds(age_s)),
    };
    print_line(&style.dim(&format!(
        "  {} on {}, power {:.0} of 10, {age}",
        item.key.class, item.key.network, item.power
    )));
    if let Some(reason) = &item.accepted {
        print_line(&format!("  accepted: {reason}"));
    }
    for repair in item.repairs.iter().filter(|_| item.accepted.is_none()) {
        print_line(&format!("  mended by {}: {}", repair.method, repair.explanation));
    }
}

pub(super) fn in_json(item: &DriftItem) -> Value {
    json!({
        "class": item.key.class.as_str(),
        "network": item.key.network.as_str(),
        "contract": item.key.contract,
        "deployment": item.deployment,
        "role": item.key.role.as_ref().map(ToString::to_string),
        "account": item.key.account,
        "title": item.title,
        "severity": item.severity.as_str(),
        "power": item.power,
        "since_block": item.since.block,
        "since": item.since.at.0,
        "age_s": item.age_s,
        "accepted": item.accepted,
        "repairs": item.repairs.iter().map(registry::authority::Repair::to_json).collect::<Vec<_>>(),
    })
}
