//! One of ours relies on a contract that nobody knows of. The page is `appeared.md`.

use std::collections::{BTreeMap, BTreeSet};

use model::{Address, BlindReason, BlockNumber, Bytes, Confidence, FactValue, Level, Severity};
use registry::dependencies::{Calls, Kind as DependencyKind, OutsideCall};
use serde::{Deserialize, Serialize};

use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants,
    },
    state::{Key, Kind, StateTable},
};

/// Contracts that one monitor remembers: more are called only by something that calls whatever its
/// users name, and such a contract should be left out of the monitor.
const SEEN_MAX: u64 = 10_000;

static SPEC: Spec = Spec {
    id: "dependency/appeared",
    version: 1,
    needs: Level::Traces,
    severity: Severity::Medium,
    params: &[ParamSpec {
        name: "learning_blocks",
        kind: ParamKind::Integer { default: 0, min: 0, max: 1_000_000 },
        doc: "blocks at the beginning during which unknown contracts are only remembered",
    }],
    page: include_str!("appeared.md"),
};

/// See the page.
#[derive(Debug)]
pub struct Appeared;

impl Detector for Appeared {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        let ours = site.registry.own().map(|(_, deployment)| deployment);
        let ours = ours.filter(|d| d.network == site.network).map(|d| d.address).collect();
        let learning_blocks = settings.integer("learning_blocks");
        Box::new(Configured { ours, learning_blocks, site })
    }
}

struct Configured {
    ours: BTreeSet<Address>,
    learning_blocks: u64,
    site: Site,
}

/// A contract that was called and that nobody declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnknownSeen {
    at: BlockNumber,
}

/// How many such contracts a monitor remembers, and since when.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnknownCount {
    seen: u64,
    since: BlockNumber,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants { transactions: true, remembers: true, ..Wants::default() }
    }

    fn judge(
        &self,
        block: &Block<'_>,
        touches: &[Touch],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let transactions: BTreeSet<u32> = touches.iter().map(|touch| touch.tx).collect();
        let calls = Calls { ours: &self.ours };
        let mut first: BTreeMap<Address, (u32, OutsideCall)> = BTreeMap::new();
        for tx in transactions {
            // Without traces the engine says so.
            let Some(trace) = block.trace(tx) else { continue };
            for call in calls.of(trace).into_iter().filter(|call| self.counts(block, call)) {
                first.entry(call.to).or_insert((tx, call));
            }
        }
        for (tx, call) in first.into_values() {
            self.unknown(block, tx, call, memory, report);
        }
    }
}

impl Configured {
    /// Whether the call makes the called one a dependency that nobody knows of.
    fn counts(&self, block: &Block<'_>, call: &OutsideCall) -> bool {
        let book = block.registry.dependencies();
        let network = &self.site.network;
        let is_followed = match call.depth {
            1 => true,
            // What a feed or a proxy relies on matters as they do.
            _ => book.at(network, call.from).is_some_and(|known| {
                known.kind == DependencyKind::Feed || known.implementation.is_some()
            }),
        };
        let is_known = || {
            let is_part = |one: &registry::dependencies::Dependency| {
                let aggregator = one.feed.as_ref().and_then(|feed| feed.aggregator);
                one.implementation == Some(call.to) || aggregator == Some(call.to)
            };
            block.registry.index_at(network, call.to).is_some()
                || book.at(network, call.to).is_some()
                || book.at(network, call.from).is_some_and(is_part)
        };
        is_followed && !is_known()
    }

    fn unknown(
        &self,
        block: &Block<'_>,
        tx: u32,
        call: OutsideCall,
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let key = Key::new(Kind::UnknownSeen).monitor(&self.site.key).address(call.to);
        if memory.get::<UnknownSeen>(&key).is_some() {
            return;
        }
        let number = block.bundle.header.number;
        let of_all = Key::new(Kind::UnknownCount).monitor(&self.site.key);
        let count = memory.entry(of_all, || UnknownCount { seen: 0, since: number });
        if count.seen >= SEEN_MAX {
            let reason = format!(
                "more than {SEEN_MAX} unknown contracts were called; {} is not kept",
                call.to
            );
            return report.blind(BlindReason::Evaluation(reason));
        }
        count.seen += 1;
        let is_learning = number.saturating_sub(count.since) < self.learning_blocks;
        *memory.entry(key, || UnknownSeen { at: number }) = UnknownSeen { at: number };
        if is_learning {
            return;
        }
        let (from, to) = (block.name_of(call.from), block.name_of(call.to));
        let does = if call.is_delegate { "ran the code of" } else { "called" };
        let title = format!("{from} {does} {to}, which nobody declared as a dependency");
        let frame =
            &block.trace(tx).expect("the call was read from it").frames[call.frame as usize];
        let selector = frame.input.get(..4).unwrap_or_default();
        let mut claim = Claim::about_frame(block, tx, call.frame, title)
            .about(block, call.from)
            .what(format!("dependency.new {}", call.to))
            .severity(self.site.severity)
            .confidence(Confidence::Proven)
            .fact("dependency", block.address_fact(call.to))
            .fact("selector", FactValue::Bytes(Bytes::copy_from_slice(selector)))
            .fact("caller", block.address_fact(call.from));
        if !frame.value.is_zero() {
            let paid = FactValue::Amount(model::TokenAmount::ether(frame.value));
            claim = claim.fact("paid along", paid);
        }
        report.claim(claim);
    }
}
