//! What detection is worth, measured: `cargo xtask quality` prints the figures of `docs/quality.md`
//! and fails when one falls.

mod exploits; // recorded attacks and everyday blocks, by the shape of their calls

use anyhow::bail;

/// Measures, prints, and fails when a figure fell.
type Measure = fn() -> anyhow::Result<()>;

/// Everything that can be measured.
const PARTS: &[(&str, Measure)] = &[("exploits", exploits::run)];

/// Measures everything.
pub(crate) fn all() -> anyhow::Result<()> {
    PARTS.iter().try_for_each(|(_, run)| run())
}

/// Measures one part.
pub(crate) fn part(name: &str) -> anyhow::Result<()> {
    let Some((_, run)) = PARTS.iter().find(|(known, _)| *known == name) else {
        let known: Vec<&str> = PARTS.iter().map(|(known, _)| *known).collect();
        bail!("unknown part {name:?} (one of: {})", known.join(", "));
    };
    run()
}
