//! `bellwether dispersion`: how widely something is spread.

use std::{collections::BTreeMap, fs, path::PathBuf};

use anyhow::{Context, bail, ensure};
use detect::dispersion::{Dispersion, THRESHOLDS, joint};
use model::U256;
use serde_json::json;

use super::Outcome;
use crate::terminal::print_line;

/// Rows of a table: every validator of Ethereum, one by one, three times over.
const ROWS_MAX: usize = 4_000_000;

/// Entities that are listed in text.
const LISTED_MAX: usize = 10;

/// How widely stake, signatures, votes or anything else is spread: shares, Herfindahl-Hirschman index,
/// effective number, Nakamoto coefficients, and shares over two dimensions at once.
///
/// The table has a header. The column `weight` (or the last one) holds whole numbers; every other
/// column is a dimension: operator, client, cloud, country. Exit code 1 when one entity of any
/// dimension holds a third or more.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  bellwether dispersion validators.csv --json | jq '.dimensions.operator.nakamoto'"
)]
pub(super) struct DispersionCommand {
    /// A table as CSV: operator,client,weight.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
}

struct Table {
    dimensions: Vec<String>,
    rows: Vec<(Vec<String>, U256)>,
}

impl DispersionCommand {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let shown = self.file.display();
        let text = fs::read_to_string(&self.file).with_context(|| format!("reading {shown}"))?;
        let table = Table::read(&text).with_context(|| format!("reading {shown}"))?;
        let mut figures = BTreeMap::new();
        for (at, dimension) in table.dimensions.iter().enumerate() {
            let mut weights: BTreeMap<String, U256> = BTreeMap::new();
            for (entities, weight) in &table.rows {
                let held = weights.entry(entities[at].clone()).or_default();
                *held =
                    held.checked_add(*weight).context("the weights do not fit into 256 bits")?;
            }
            let found = Dispersion::of(&weights).with_context(|| {
                format!("{shown}: the weights of {dimension} sum to nothing, or to too much")
            })?;
            figures.insert(dimension.clone(), found);
        }
        let is_concentrated = figures.values().any(|found| found.nakamoto[0] <= 1);
        if self.json {
            print_line(&self.listed(&table, &figures));
        } else {
            for dimension in &table.dimensions {
                print_line(&told(dimension, &figures[dimension]));
            }
        }
        Ok(if is_concentrated { Outcome::FoundWrong } else { Outcome::Fine })
    }

    fn listed(&self, table: &Table, figures: &BTreeMap<String, Dispersion>) -> serde_json::Value {
        let dimensions: BTreeMap<&String, serde_json::Value> = figures
            .iter()
            .map(|(dimension, found)| {
                let entities: Vec<_> = found
                    .entities
                    .iter()
                    .map(|(entity, weight, share)| json!({"entity": entity, "weight": weight.to_string(), "share": share}))
                    .collect();
                let nakamoto: BTreeMap<String, usize> =
                    THRESHOLDS.iter().map(ToString::to_string).zip(found.nakamoto).collect();
                let figures = json!({
                    "entities": entities,
                    "hhi": found.hhi,
                    "effective": found.effective(),
                    "nakamoto": nakamoto,
                });
                (dimension, figures)
            })
            .collect();
        let mut pairs = Vec::new();
        for one in 0..table.dimensions.len() {
            for other in one + 1..table.dimensions.len() {
                let rows: Vec<(String, String, U256)> = table
                    .rows
                    .iter()
                    .map(|(entities, weight)| {
                        (entities[one].clone(), entities[other].clone(), *weight)
                    })
                    .collect();
                let cells: Vec<_> = joint(&rows)
                    .into_iter()
                    .map(|((a, b), share)| json!({"one": a, "other": b, "share": share}))
                    .collect();
                pairs.push(json!({
                    "one": table.dimensions[one],
                    "other": table.dimensions[other],
                    "cells": cells,
                }));
            }
        }
        json!({"dimensions": dimensions, "joint": pairs})
    }
}

impl Table {
    /// Plain CSV: no quoting, because names of operators and clients have no commas.
    fn read(text: &str) -> anyhow::Result<Self> {
        let cells =
            |line: &str| line.split(',').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
        let mut lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
        let header = lines.next().map(|(_, line)| cells(line)).context("the file is empty")?;
        ensure!(header.len() >= 2, "the header needs a dimension and a weight: operator,weight");
        let weight_at = header.iter().position(|name| name == "weight").unwrap_or(header.len() - 1);
        let mut rows = Vec::new();
        for (number, line) in lines {
            let mut row = cells(line);
            if row.len() != header.len() {
                bail!("line {number} has {} columns, the header {}", row.len(), header.len());
            }
            let text = row.remove(weight_at);
            let weight: U256 =
                text.replace('_', "").parse().ok().with_context(|| {
                    format!("line {number}: weight {text:?} is no whole number")
                })?;
            ensure!(rows.len() < ROWS_MAX, "more than {ROWS_MAX} rows");
            rows.push((row, weight));
        }
        let mut dimensions = header;
        dimensions.remove(weight_at);
        Ok(Self { dimensions, rows })
    }
}

fn told(dimension: &str, found: &Dispersion) -> String {
    let mut lines = vec![format!(
        "{dimension}: {} hold everything, as concentrated as {:.1} equal ones (HHI {:.4})",
        found.entities.len(),
        found.effective(),
        found.hhi
    )];
    let nakamoto: Vec<String> = THRESHOLDS
        .iter()
        .zip(found.nakamoto)
        .map(|(threshold, count)| format!("{count} hold {threshold}"))
        .collect();
    lines.push(format!("  {}", nakamoto.join(", ")));
    for (entity, _, share) in found.entities.iter().take(LISTED_MAX) {
        lines.push(format!("  {:>6.2} %  {entity}", share * 100.0));
    }
    if let Some(more) = found.entities.len().checked_sub(LISTED_MAX).filter(|more| *more > 0) {
        lines.push(format!("  and {more} more"));
    }
    lines.join("\n")
}
