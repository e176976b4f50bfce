//! `bellwether labels list`: what there is.

use std::collections::{BTreeMap, BTreeSet};

use model::{Address, Name};
use registry::{Category, Label, labels::Conflict, threats::Day};
use serde_json::{Value, json};

use super::super::{FolderArgument, Outcome, loaded};
use crate::{
    terminal::{Style, print_line},
    words,
};

/// List label sets with their size and age; with --set or --category their addresses, with
/// --conflicts where sources contradict each other.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether labels list\n  bellwether labels list --category mixer --json | jq -r '.[].address'\n  bellwether labels list --conflicts"
)]
pub(super) struct List {
    #[command(flatten)]
    folder: FolderArgument,
    /// The addresses of this set.
    #[arg(long)]
    set: Option<String>,
    /// The addresses of this category.
    #[arg(long)]
    category: Option<Category>,
    /// Addresses that some warn of and others vouch for; exit code 1 when there is one.
    #[arg(long, conflicts_with_all = ["set", "category"])]
    conflicts: bool,
    /// One JSON array instead of text.
    #[arg(long)]
    json: bool,
}

/// What a set has of one category.
#[derive(Default)]
struct Part {
    labels: usize,
    addresses: BTreeSet<Address>,
    confidence: Option<(u8, u8)>,
    first_seen: Option<(Day, Day)>,
}

impl List {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let config = loaded(&self.folder)?;
        let labels = config.registry.labels();
        if self.conflicts {
            let found: Vec<Conflict<'_>> = labels.conflicts().collect();
            self.show_conflicts(&found);
            return Ok(if found.is_empty() { Outcome::Fine } else { Outcome::FoundWrong });
        }
        if self.set.is_some() || self.category.is_some() {
            let is_asked = |label: &Label<'_>| {
                self.set.as_ref().is_none_or(|set| label.source == set)
                    && self.category.as_ref().is_none_or(|category| label.category == category)
            };
            let all: Vec<_> = labels.all().filter(|(_, _, label)| is_asked(label)).collect();
            self.show_addresses(&all);
            return Ok(Outcome::Fine);
        }
        let mut parts: BTreeMap<(&str, &Category), Part> = BTreeMap::new();
        for (_, address, label) in labels.all() {
            let part = parts.entry((label.source, label.category)).or_default();
            part.labels += 1;
            part.addresses.insert(address);
            let percent = label.confidence_percent;
            let (low, high) = part.confidence.unwrap_or((percent, percent));
            part.confidence = Some((low.min(percent), high.max(percent)));
            if let Some(day) = label.first_seen {
                let (first, last) = part.first_seen.unwrap_or((day, day));
                part.first_seen = Some((first.min(day), last.max(day)));
            }
        }
        self.show_parts(&parts, labels.len());
        Ok(Outcome::Fine)
    }

    fn show_parts(&self, parts: &BTreeMap<(&str, &Category), Part>, all: usize) {
        if self.json {
            let parts = parts.iter().map(|((set, category), part)| {
                json!({
                    "set": set,
                    "category": category.as_str(),
                    "labels": part.labels,
                    "addresses": part.addresses.len(),
                    "confidence_percent": part.confidence.map(|(low, high)| [low, high]),
                    "first_seen": part.first_seen.map(|(a, b)| [a.to_string(), b.to_string()]),
                })
            });
            return print_line(&Value::Array(parts.collect()));
        }
        let style = Style::stdout();
        for ((set, category), part) in parts {
            let range = |low: String, high: String| match low == high {
                true => low,
                false => format!("{low} to {high}"),
            };
            let seen = part.first_seen.map_or("no days given".to_owned(), |(first, last)| {
                format!("first seen {}", range(first.to_string(), last.to_string()))
            });
            let percent = part.confidence.map_or(String::new(), |(low, high)| {
                format!("believed {} %, ", range(low.to_string(), high.to_string()))
            });
            print_line(&format!(
                "{}  {category}  {} of {} addresses, {percent}{seen}",
                style.bold(set),
                words::counted(part.labels as u64, "label"),
                part.addresses.len(),
            ));
        }
        print_line(&words::counted(all as u64, "label"));
    }

    fn show_addresses(&self, all: &[(Option<&Name>, Address, Label<'_>)]) {
        if self.json {
            let all = all.iter().map(|(network, address, label)| {
                let mut value = in_json(*network, label);
                value["address"] = json!(address.to_string());
                value
            });
            return print_line(&Value::Array(all.collect()));
        }
        for (network, address, label) in all {
            print_line(&format!("{address}  {}", as_text(*network, label)));
        }
        print_line(&words::counted(all.len() as u64, "label"));
    }

    fn show_conflicts(&self, found: &[Conflict<'_>]) {
        if self.json {
            let all = |labels: &[Label<'_>]| -> Vec<Value> {
                labels.iter().map(|label| in_json(None, label)).collect()
            };
            let found = found.iter().map(|one| {
                json!({
                    "address": one.address.to_string(),
                    "warned_of_by": all(&one.against),
                    "vouched_for_by": all(&one.for_it),
                })
            });
            return print_line(&Value::Array(found.collect()));
        }
        let style = Style::stdout();
        for one in found {
            print_line(&style.bold(&one.address.to_string()));
            for label in &one.against {
                print_line(&format!("  {}  {}", style.red("warned of"), as_text(None, label)));
            }
            for label in &one.for_it {
                print_line(&format!("  {}  {}", style.green("vouched for"), as_text(None, label)));
            }
        }
        print_line(&words::counted(found.len() as u64, "conflict"));
    }
}

/// One label for a program.
pub(super) fn in_json(network: Option<&Name>, label: &Label<'_>) -> Value {
    json!({
        "category": label.category.as_str(),
        "name": (!label.name.is_empty()).then_some(label.name),
        "set": label.source,
        "network": network,
        "confidence_percent": label.confidence_percent,
        "first_seen": label.first_seen.map(|day| day.to_string()),
    })
}

/// One label for a person.
pub(super) fn as_text(network: Option<&Name>, label: &Label<'_>) -> String {
    let name = match label.name {
        "" => String::new(),
        name => format!(" {:?}", words::clean(name)),
    };
    let network = network.map(|network| format!(" on {network}")).unwrap_or_default();
    let since = label.first_seen.map(|day| format!(", first seen {day}")).unwrap_or_default();
    let (category, source) = (label.category, label.source);
    format!(
        "{category}{name}{network}, by {source}, believed {} %{since}",
        label.confidence_percent
    )
}
