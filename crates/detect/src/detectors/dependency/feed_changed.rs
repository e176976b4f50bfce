//! Somebody else answers behind a price feed. The page is `feed_changed.md`.

use std::num::NonZeroU32;

use alloy_primitives::{Address, B256};
use model::{BlindReason, Bytes, Level, PlannedRead, ReadRequest, Severity};
use registry::proxy::implementation_from_word;
use serde::{Deserialize, Serialize};

use super::watched::{self, Watched, every_blocks, money, with_stake};
use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants,
    },
    stakes::Schedule,
    state::{Key, Kind, StateTable},
};

/// `aggregator()`.
const AGGREGATOR: [u8; 4] = [0x24, 0x5a, 0x7b, 0xfc];

static SPEC: Spec = Spec {
    id: "dependency/feed_changed",
    version: 1,
    needs: Level::Logs,
    severity: Severity::High,
    params: &[ParamSpec {
        name: "every_blocks",
        kind: ParamKind::Integer { default: 5, min: 1, max: 7_200 },
        doc: "how often the feed is asked who answers behind it: once in so many blocks",
    }],
    page: include_str!("feed_changed.md"),
};

/// See the page.
#[derive(Debug)]
pub struct FeedChanged;

impl Detector for FeedChanged {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn watches_dependencies(&self) -> bool {
        true
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        let every = every_blocks(settings);
        let mut all = watched::watched(&site);
        all.retain(|of| reviewed(of).is_some());
        let reads = all.iter().map(|of| (request(of).every(every), of.clone()));
        let schedule = Schedule::new(every, reads);
        Box::new(Configured { site, all, every, schedule })
    }
}

/// Who answered when people looked.
fn reviewed(of: &Watched) -> Option<Address> {
    of.dependency.feed.as_ref()?.aggregator
}

fn request(of: &Watched) -> ReadRequest {
    ReadRequest::Call { to: of.dependency.address, input: Bytes::from_static(&AGGREGATOR) }
}

struct Configured {
    site: Site,
    all: Vec<Watched>,
    every: NonZeroU32,
    schedule: Schedule<Watched>,
}

/// Who answered behind a feed last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answering {
    aggregator: Address,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants { every_block: true, remembers: true, stakes: true, ..Wants::default() }
    }

    fn reads(&self) -> Vec<PlannedRead> {
        watched::planned(self.all.iter().map(request), self.every)
    }

    fn judge(
        &self,
        block: &Block<'_>,
        _: &[Touch],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        for of in self.schedule.due(block.bundle.header.number) {
            match block.read_words(of.dependency.address, &AGGREGATOR, 1) {
                Err(reason) => report.blind(BlindReason::ReadMissing(reason)),
                Ok(words) => match implementation_from_word(B256::from(words[0])) {
                    Some(now) => self.answers(block, of, now, memory, report),
                    None => {
                        let label = &of.dependency.label;
                        let reason = format!("aggregator() of {label} answered no address");
                        report.blind(BlindReason::Undecodable(reason));
                    }
                },
            }
        }
    }
}

impl Configured {
    fn answers(
        &self,
        block: &Block<'_>,
        of: &Watched,
        now: Address,
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let key = Key::new(Kind::Answering).monitor(&self.site.key).address(of.dependency.address);
        let known = memory.get::<Answering>(&key).map(|known| known.aggregator);
        let was = known.or_else(|| reviewed(of));
        if known != Some(now) {
            *memory.entry(key, || Answering { aggregator: now }) = Answering { aggregator: now };
        }
        let Some(was) = was.filter(|was| *was != now) else { return };
        let label = &of.dependency.label;
        let title = format!(
            "{} answers behind {label} now{}",
            block.name_of(now),
            money(block, of, memory)
        );
        let claim = Claim::about_block(block.bundle.block_ref(), block.at, title)
            .what(format!("{} aggregator", of.dependency.address))
            .severity(self.site.severity)
            .fact("aggregator", block.address_fact(now))
            .fact("aggregator before", block.address_fact(was));
        report.claim(with_stake(claim, block, of, memory));
    }
}
