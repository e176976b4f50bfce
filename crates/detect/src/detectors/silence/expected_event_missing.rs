//! A keeper, relayer or oracle did not come. The page is `expected_event_missing.md`.

use alloy_primitives::{Address, B256};
use model::{FactValue, Level, Measure, Severity, UnixSeconds};
use serde::{Deserialize, Serialize};

use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants, What, params::unknown,
    },
    state::{Key, Kind, StateTable},
};

static SPEC: Spec = Spec {
    id: "silence/expected_event_missing",
    version: 1,
    needs: Level::Logs,
    severity: Severity::Medium,
    params: &[
        ParamSpec {
            name: "events",
            kind: ParamKind::Words { default: &[] },
            doc: "names of the events of which one has to be heard from each contract",
        },
        ParamSpec {
            name: "every_s",
            kind: ParamKind::Integer { default: 86_400, min: 1, max: 31_536_000 },
            doc: "how often one of them comes when all is well",
        },
        ParamSpec {
            name: "grace_s",
            kind: ParamKind::Integer { default: 600, min: 0, max: 31_536_000 },
            doc: "how late it may be",
        },
    ],
    page: include_str!("expected_event_missing.md"),
};

/// See the page.
#[derive(Debug)]
pub struct ExpectedEventMissing;

impl Detector for ExpectedEventMissing {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn mistakes_at(&self, settings: &Settings, site: &Site) -> Vec<String> {
        let events = settings.words("events");
        if events.is_empty() {
            return vec!["nothing to expect: name \"events\"".to_owned()];
        }
        let mut mistakes = Vec::new();
        for (_, deployment) in site.deployments() {
            let known: Vec<&str> =
                deployment.abi.events().map(|event| event.name.as_str()).collect();
            if !events.iter().any(|event| known.contains(&event.as_str())) {
                let what = unknown("event", &events.join(", "), &known);
                mistakes.push(format!("parameter \"events\" on {}: {what}", deployment.label));
            }
        }
        mistakes
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        let events = settings.words("events");
        let expected = site.deployments().map(|(index, deployment)| {
            let named = deployment.abi.events().filter(|event| events.contains(&event.name));
            let topics = named.filter_map(|event| event.topic0).collect();
            Expected { index, address: deployment.address, topics }
        });
        Box::new(Configured {
            expected: expected.collect(),
            names: events.join(" or "),
            every_s: settings.integer("every_s"),
            grace_s: settings.integer("grace_s"),
            site,
        })
    }
}

struct Expected {
    index: u32,
    address: Address,
    topics: Vec<B256>,
}

struct Configured {
    site: Site,
    expected: Vec<Expected>,
    names: String,
    every_s: u64,
    grace_s: u64,
}

/// When an event was heard last; when watching began, until it was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastHeard {
    at: UnixSeconds,
    is_heard: bool,
    is_told: bool,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        let mut topics: Vec<B256> =
            self.expected.iter().flat_map(|one| one.topics.clone()).collect();
        topics.sort_unstable();
        topics.dedup();
        Wants { topics, every_block: true, remembers: true, ..Wants::default() }
    }

    fn judge(
        &self,
        block: &Block<'_>,
        touches: &[Touch],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        for one in &self.expected {
            let key = Key::new(Kind::LastHeard).monitor(&self.site.key).address(one.address);
            let is_it = |touch: &Touch| match touch.what {
                What::Log(ordinal) if touch.deployment == one.index => {
                    let topic = block.log(touch.tx, ordinal).topic0();
                    topic.is_some_and(|topic| one.topics.contains(&topic))
                }
                _ => false,
            };
            let known = memory.get::<LastHeard>(&key).cloned();
            if touches.iter().any(is_it) {
                let now = LastHeard { at: block.at, is_heard: true, is_told: false };
                *memory.entry(key, LastHeard::default) = now;
                continue;
            }
            let Some(mut last) = known else {
                *memory.entry(key, LastHeard::default) =
                    LastHeard { at: block.at, ..LastHeard::default() };
                continue;
            };
            let waited_s = block.at.seconds_since(last.at);
            if last.is_told || waited_s <= self.every_s.saturating_add(self.grace_s) {
                continue;
            }
            last.is_told = true;
            let since = last.at;
            let so_far =
                if last.is_heard { "" } else { ", or more: it was not heard since watching began" };
            *memory.entry(key, LastHeard::default) = last;
            let (who, names) = (block.name_of(one.address), &self.names);
            let waited = FactValue::Seconds(waited_s);
            let title = format!("no {names} of {who} for {waited}{so_far}");
            report.claim(
                Claim::about_episode(block, format!("{names} of {}", one.address), since, title)
                    .about(block, one.address)
                    .severity(self.site.severity)
                    .measure(Measure {
                        name: "time since it was heard".to_owned(),
                        unit: "s".to_owned(),
                        value: waited_s as f64,
                        threshold: self.every_s.saturating_add(self.grace_s) as f64,
                        history: None,
                    })
                    .fact("expected every", FactValue::Seconds(self.every_s)),
            );
        }
    }
}
