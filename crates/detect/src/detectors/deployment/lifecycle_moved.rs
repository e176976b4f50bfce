//! A deployment is in another stage of its life. The page is `lifecycle_moved.md`.

use model::{FactValue, Level, Severity};
use registry::lifecycle::{Cause, Stage};

use super::created::at;
use crate::{
    chronicle::Moved,
    detectors::{Block, Detector, Judge, Report, Settings, Site, Spec, Touch, Wants, worse},
    state::StateTable,
};

static SPEC: Spec = Spec {
    id: "deployment/lifecycle_moved",
    version: 1,
    needs: Level::Logs,
    severity: Severity::Info,
    params: &[],
    page: include_str!("lifecycle_moved.md"),
};

/// See the page.
#[derive(Debug)]
pub struct LifecycleMoved;

impl Detector for LifecycleMoved {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn watches_children(&self) -> bool {
        true
    }

    fn configure(&self, _: &Settings, site: Site) -> Box<dyn Judge> {
        Box::new(Configured { site })
    }
}

struct Configured {
    site: Site,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants { every_block: true, remembers: true, ..Wants::default() }
    }

    fn judge(&self, block: &Block<'_>, _: &[Touch], _: &mut StateTable, report: &mut Report<'_>) {
        for moved in &block.news.moves {
            // That it is watched is ours to know, that it is used is what it is for, and children
            // are announced where they are found.
            let is_child = block.registry.child(moved.deployment).is_some();
            let is_told = match moved.change.cause {
                Cause::Watched | Cause::Used => false,
                Cause::CodeSeen => !is_child,
                _ => true,
            };
            if is_told && block.is_guarded_by(&self.site, moved.deployment) {
                self.tell(block, moved, report);
            }
        }
    }
}

impl Configured {
    fn tell(&self, block: &Block<'_>, moved: &Moved, report: &mut Report<'_>) {
        let deployment = block.deployment(moved.deployment);
        let change = moved.change;
        let title = format!(
            "{} is {} now, it was {}: {}",
            deployment.label, change.to, change.from, change.cause
        );
        let severity = match change.cause {
            Cause::CodeVanished => worse(self.site.severity, 3),
            Cause::Paused | Cause::UpgradeScheduled(_) => worse(self.site.severity, 1),
            _ => self.site.severity,
        };
        let stage = |stage: Stage| FactValue::Text(stage.to_string());
        report.claim(
            at(block, moved.place, title)
                .about(block, deployment.address)
                .what(format!("{} {}", deployment.address, change.to))
                .severity(severity)
                .fact("stage", stage(change.to))
                .fact("stage before", stage(change.from))
                .fact("cause", FactValue::Text(change.cause.to_string())),
        );
    }
}
