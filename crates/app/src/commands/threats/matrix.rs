//! `bellwether threats matrix`: who is met with what.

use registry::threats::{Matrix, MatrixKind};
use serde_json::{Value, json};

use super::{FolderArgument, Outcome, loaded};
use crate::terminal::{Style, print_line};

/// Show the matrices of threats against monitors, panels, plans, events and controls, and of assets
/// against threats. A row that must have a link and has none is marked.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether threats matrix my-protocol\n  bellwether threats matrix --of monitors --json"
)]
pub(super) struct MatrixCommand {
    #[command(flatten)]
    folder: FolderArgument,
    /// One matrix alone: monitors, panels, plans, events, controls or assets.
    #[arg(long, value_name = "WHICH")]
    of: Option<MatrixKind>,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
}

impl MatrixCommand {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let threats = loaded(&self.folder)?;
        let kinds = self.of.map_or(MatrixKind::ALL.to_vec(), |kind| vec![kind]);
        let matrices: Vec<Matrix> = kinds.into_iter().map(|k| threats.map.matrix(k)).collect();
        if self.json {
            print_line(&Value::Array(matrices.iter().map(in_json).collect()));
        } else {
            for matrix in &matrices {
                show(matrix);
            }
        }
        Ok(Outcome::Fine)
    }
}

fn in_json(matrix: &Matrix) -> Value {
    let rows: Vec<Value> = matrix
        .rows
        .iter()
        .map(|row| {
            let linked: Vec<&String> = matrix
                .columns
                .iter()
                .zip(&row.links)
                .filter_map(|(column, is_linked)| is_linked.then_some(column))
                .collect();
            json!({
                "id": row.id,
                "title": row.title,
                "domain": row.threat.map(|(domain, _)| domain.as_str()),
                "rating": row.threat.map(|(_, rating)| rating.as_str()),
                "linked": linked,
                "is_gap": row.is_gap,
            })
        })
        .collect();
    json!({
        "matrix": matrix.kind.as_str(),
        "columns": matrix.columns,
        "rows": rows,
        "unlinked": matrix.unlinked(),
    })
}

/// Columns are numbered, because their names would not fit beside each other.
fn show(matrix: &Matrix) {
    let style = Style::stdout();
    print_line(&style.bold(matrix.kind.title()));
    let width = matrix.rows.iter().map(|row| row.id.len()).max().unwrap_or(0);
    let numbers: String = (1..=matrix.columns.len()).map(|at| format!("{at:>3}")).collect();
    print_line(&format!("  {:8}  {:14}  {:width$} {numbers}", "", "", ""));
    for row in &matrix.rows {
        let (domain, rating) =
            row.threat.map_or(("", ""), |(domain, rating)| (domain.as_str(), rating.as_str()));
        let marks: String =
            row.links.iter().map(|is_linked| if *is_linked { "  ●" } else { "  ·" }).collect();
        let gap = if row.is_gap { style.red("  gap") } else { String::new() };
        print_line(&format!("  {rating:8}  {domain:14}  {:width$} {marks}{gap}", row.id));
    }
    let names: Vec<String> =
        matrix.columns.iter().enumerate().map(|(at, name)| format!("{} {name}", at + 1)).collect();
    if !names.is_empty() {
        print_line(&style.dim(&format!("  {}", names.join("  "))));
    }
    let unlinked = matrix.unlinked();
    if !unlinked.is_empty() {
        print_line(&format!("  linked to nothing: {}", unlinked.join(", ")));
    }
    print_line(&"");
}
