//! The one table: every detector there is, with its figures or with the reason why it has none. It
//! stands in `docs/quality.md` between two marks, and is written there by `quality --write`.

use std::{collections::BTreeSet, fs};

use anyhow::{Context, bail, ensure};

use super::{Measured, figures::CALLS_PER_WEEK};
use crate::run;

/// Where the table stands, from the workspace's root, and between which lines.
const PAGE: &str = "docs/quality.md";
const BEGIN: &str = "<!-- begin: cargo xtask quality -->\n";
const END: &str = "<!-- end: cargo xtask quality -->\n";

/// Why a detector, or a whole area, has no figure. The longest prefix of its id counts.
const NOT_MEASURED: &[(&str, &str)] = &[
    ("access/", "exact: reads an event or a slot; no labelled set of hostile role changes"),
    ("change/", "exact: reads an event or a slot; no labelled set of hostile changes"),
    ("deployment/", "exact: reads creations; no labelled set of hostile deployments"),
    ("dependency/", "no recorded history of what protocols depended on"),
    ("oracle/", "no recorded feeds with labelled failures"),
    ("liquidity/", "recorded attacks carry no balances of their victims from before"),
    ("reputation/", "lists and recorded attacks overlap, so recall would measure the lists"),
    ("flow/reentrant_call", "the labels of attacks do not say which re-entered; see shapes below"),
    ("flow/unusual_code_path", "needs the history of each victim, which is not recorded"),
    ("chain/", "about the chain and the watching itself; proven by tests, not by data"),
    ("invariant/", "needs the invariants of each victim, which nobody wrote down"),
    ("signers/", "no recorded histories of signers with labelled take-overs"),
    ("governance/", "no recorded proposals with labelled attacks"),
    ("state/", "no recorded state of victims from before the attack"),
    ("silence/", "no recorded outages"),
];

/// The table in Markdown, and the scores below it. Every detector is in it; one that has neither a
/// figure nor a reason is a mistake.
pub(super) fn render(measured: &Measured) -> anyhow::Result<String> {
    let Measured { figures, scores, detectors } = measured;
    let mut text = String::from(
        "| detector | measured on | n | recall | precision | false alarms per protocol-week | lead time |\n|---|---|---|---|---|---|---|\n",
    );
    for figure in figures {
        text += &figure.row();
        text.push('\n');
    }
    let with_figure: BTreeSet<&str> = figures.iter().map(|f| f.detector.as_str()).collect();
    let mut unexplained = Vec::new();
    for detector in detectors.iter().filter(|d| !with_figure.contains(d.as_str())) {
        match reason(detector) {
            Some(reason) => {
                text += &format!("| `{detector}` | not measured: {reason} | | | | | |\n")
            }
            None => unexplained.push(detector.as_str()),
        }
    }
    if !unexplained.is_empty() {
        bail!("neither measured nor said why not: {}", unexplained.join(", "));
    }
    text += &format!(
        "\nIntervals are 95 %: Wilson's for shares, Poisson's for counts over time, a bootstrap of the series for \
         `anomaly`.\nWhat is counted per call is told for a protocol of {CALLS_PER_WEEK} protected calls a week; \
         simulated counts are of one function.\n"
    );
    text += "\n| score | of 100 |\n|---|---|\n";
    for (name, score) in scores {
        text += &format!("| {name} | {score:.1} |\n");
    }
    Ok(text)
}

fn reason(detector: &str) -> Option<&'static str> {
    let fits = NOT_MEASURED.iter().filter(|(prefix, _)| detector.starts_with(prefix));
    fits.max_by_key(|(prefix, _)| prefix.len()).map(|(_, reason)| *reason)
}

/// Writes the table into the page, or fails when the page has another one.
pub(super) fn publish(table: &str, write: bool) -> anyhow::Result<()> {
    let path = run::root()?.join(PAGE);
    let page = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let (before, rest) =
        page.split_once(BEGIN).with_context(|| format!("no {BEGIN:?} in {PAGE}"))?;
    let (stands, after) = rest.split_once(END).with_context(|| format!("no {END:?} in {PAGE}"))?;
    if write {
        return fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}"))
            .with_context(|| format!("writing {}", path.display()));
    }
    ensure!(
        stands == table,
        "{PAGE} has other figures than those measured: `cargo xtask quality --write` writes them"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detector_without_figure_or_reason_is_refused() {
        assert_eq!(reason("flow/reentrant_call"), Some(NOT_MEASURED[7].1), "the longest prefix");
        let of = |detector: &str| {
            render(&Measured { detectors: vec![detector.to_owned()], ..Measured::default() })
        };
        assert!(of("chain/reorg").unwrap().contains("`chain/reorg` | not measured: about"));
        let error = of("news/rumour").unwrap_err().to_string();
        assert_eq!(error, "neither measured nor said why not: news/rumour");
    }
}
