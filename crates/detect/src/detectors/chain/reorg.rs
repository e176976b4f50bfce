//! Blocks left the chain. The page is `reorg.md`.

use model::{ChainEvent, Confidence, Fact, FactValue, Level, Measure, Severity, UnixSeconds};

use crate::{
    detectors::{
        Block, Claim, Detector, Judge, Moved, ParamKind, ParamSpec, Report, Settings, Site, Spec,
        Touch, Wants,
    },
    state::{StateTable, UNDO_BLOCKS_MAX},
};

static SPEC: Spec = Spec {
    id: "chain/reorg",
    version: 1,
    needs: Level::Logs,
    severity: Severity::Medium,
    params: &[ParamSpec {
        name: "depth_blocks",
        kind: ParamKind::Integer { default: 3, min: 1, max: 1_000_000 },
        doc: "fewest blocks that leave the chain at once to be told",
    }],
    page: include_str!("reorg.md"),
};

/// See the page.
#[derive(Debug)]
pub struct Reorg;

impl Detector for Reorg {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        Box::new(Configured {
            severity: site.severity,
            depth_blocks: settings.integer("depth_blocks"),
        })
    }
}

struct Configured {
    severity: Severity,
    depth_blocks: u64,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants { chain_moves: true, ..Wants::default() }
    }

    fn judge(&self, _: &Block<'_>, _: &[Touch], _: &mut StateTable, _: &mut Report<'_>) {}

    fn chain_moved(&self, moved: Moved<'_>, report: &mut Report<'_>) {
        let ChainEvent::Reverted { network, undone, ancestor } = moved.event else { return };
        let depth = undone.len() as u64;
        let final_block = moved.finalized.filter(|last| last.number > ancestor.number);
        if depth < self.depth_blocks && final_block.is_none() && !moved.is_too_deep {
            return;
        }
        let severity = if final_block.is_some() || moved.is_too_deep {
            Severity::Critical
        } else {
            self.severity
        };
        let plural = if depth == 1 { "block" } else { "blocks" };
        let title = match (final_block, moved.is_too_deep) {
            (Some(last), _) => format!(
                "{depth} {plural} of {network} left the chain although block {last} was final"
            ),
            (None, true) => format!(
                "{depth} {plural} of {network} left the chain, more than can be undone: \
                 everything learned was forgotten"
            ),
            (None, false) => {
                format!("{depth} {plural} of {network} left the chain down to block {ancestor}")
            }
        };
        // The finding stands on the block that stayed; the newest one that left tells two reorgs
        // to the same ancestor apart.
        let newest = undone.first().copied().unwrap_or(*ancestor);
        let at = moved.head_at.unwrap_or(UnixSeconds(0));
        let mut claim = Claim::about_block(*ancestor, at, title)
            .what(newest.hash.to_string())
            .severity(severity)
            .confidence(Confidence::Proven)
            .measure(Measure {
                name: "depth".to_owned(),
                unit: "blocks".to_owned(),
                value: depth as f64,
                threshold: self.depth_blocks as f64,
                history: None,
            });
        claim
            .facts
            .push(Fact { name: "newest block undone".into(), value: FactValue::Block(newest) });
        claim
            .facts
            .push(Fact { name: "common ancestor".into(), value: FactValue::Block(*ancestor) });
        if let Some(last) = final_block {
            claim.facts.push(Fact { name: "was final".into(), value: FactValue::Block(last) });
        }
        if moved.is_too_deep {
            claim.facts.push(Fact {
                name: "blocks that can be undone".into(),
                value: FactValue::Number { value: UNDO_BLOCKS_MAX as f64, unit: "blocks".into() },
            });
        }
        report.claim(claim);
    }
}
