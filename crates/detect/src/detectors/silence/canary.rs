//! A finding by which it is known that findings arrive. The page is `canary.md`.

use model::{FactValue, Level, Severity, UnixSeconds};
use serde::{Deserialize, Serialize};

use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants,
    },
    state::{Key, Kind, StateTable},
};

static SPEC: Spec = Spec {
    id: "silence/canary",
    version: 1,
    needs: Level::Logs,
    severity: Severity::Info,
    params: &[ParamSpec {
        name: "every_s",
        kind: ParamKind::Integer { default: 3_600, min: 60, max: 604_800 },
        doc: "a finding with the first block of every such span of chain time",
    }],
    page: include_str!("canary.md"),
};

/// See the page.
#[derive(Debug)]
pub struct Canary;

impl Detector for Canary {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        Box::new(Configured { every_s: settings.integer("every_s"), site })
    }
}

struct Configured {
    site: Site,
    every_s: u64,
}

/// When the canary was heard last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanaryHeard {
    /// Spans of `every_s` since 1970.
    span: u64,
    /// How often.
    times: u64,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants { every_block: true, remembers: true, ..Wants::default() }
    }

    fn judge(
        &self,
        block: &Block<'_>,
        _: &[Touch],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let span = block.at.0 / self.every_s;
        let key = Key::new(Kind::CanaryHeard).monitor(&self.site.key);
        if memory.get::<CanaryHeard>(&key).is_some_and(|heard| heard.span == span) {
            return;
        }
        let heard = memory.entry(key, CanaryHeard::default);
        (heard.span, heard.times) = (span, heard.times + 1);
        let times = heard.times;
        let began = UnixSeconds(span * self.every_s);
        let network = block.network();
        let title = format!("what is found on {network} arrives here");
        report.claim(
            Claim::about_episode(block, "canary".to_owned(), began, title)
                .severity(self.site.severity)
                .fact("expected again within", FactValue::Seconds(self.every_s))
                .fact("times", FactValue::Number { value: times as f64, unit: String::new() }),
        );
    }
}
