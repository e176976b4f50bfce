//! One voice gets much of what a decision takes. The page is `power_concentrated.md`.

use alloy_primitives::{Address, U256};
use model::{BlindReason, FactValue, Level, Measure, Name, PlannedRead, Severity, UnixSeconds};
use registry::Registry;
use serde::{Deserialize, Serialize};

use super::{
    quorum::{self, QuorumSource},
    voting::{self, Voice},
};
use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants, What, block::to_f64, worse,
    },
    state::{Key, Kind, StateTable},
};

static SPEC: Spec = Spec {
    id: "governance/power_concentrated",
    version: 1,
    needs: Level::Logs,
    severity: Severity::High,
    params: &[
        ParamSpec {
            name: "quorum_share",
            kind: ParamKind::Number { default: 0.5, min: 0.01, max: 10.0 },
            doc: "votes that one delegate gains within the window, as a share of the quorum, that are told",
        },
        ParamSpec {
            name: "window_s",
            kind: ParamKind::Integer { default: 86_400, min: 3_600, max: 604_800 },
            doc: "the window, in whole hours",
        },
        super::quorum::PARAM,
    ],
    page: include_str!("power_concentrated.md"),
};

const HOUR_S: u64 = 3_600;

/// Share of the threshold below which an episode is over.
const OVER_BELOW: f64 = 0.7;

/// Share of the threshold from which on a delegate is remembered. What came before that is missing
/// from a gain, so a gain is at most this much larger than it is told to be.
const REMEMBERED_FROM: f64 = 0.1;

/// See the page.
#[derive(Debug)]
pub struct PowerConcentrated;

impl Detector for PowerConcentrated {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn mistakes(&self, settings: &Settings, _: &Registry, _: &Name) -> Vec<String> {
        quorum::mistakes(settings)
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        Box::new(Configured {
            source: QuorumSource::of(settings, &site),
            share: settings.number("quorum_share"),
            window_s: settings.integer("window_s").div_ceil(HOUR_S) * HOUR_S,
            site,
        })
    }
}

struct Configured {
    site: Site,
    source: QuorumSource,
    share: f64,
    window_s: u64,
}

/// What a delegate's votes were within the window.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VotingPower {
    /// By hour in which they changed, oldest first: the least that they were before a change. At most
    /// one per hour of the window, 168 of the longest.
    lowest: Vec<(UnixSeconds, U256)>,
    /// Since when there is an episode, and whether it was told that the whole quorum is reached.
    since: Option<(UnixSeconds, bool)>,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        let every_block = !self.source.reads().is_empty();
        Wants { topics: voting::power_topics(), every_block, remembers: true, ..Wants::default() }
    }

    fn reads(&self) -> Vec<PlannedRead> {
        self.source.reads()
    }

    fn judge(
        &self,
        block: &Block<'_>,
        touches: &[Touch],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let quorum = self.source.take(block, &self.site.key, memory, report);
        for touch in touches {
            let What::Log(ordinal) = touch.what else { continue };
            match (voting::read(block.log(touch.tx, ordinal)), quorum) {
                (Ok(Some(Voice::Power { delegate, before, after })), Some(quorum)) => {
                    let change = Change { delegate, before, after, quorum };
                    self.changed(block, (touch.tx, ordinal), change, memory, report);
                }
                (Ok(Some(Voice::Power { .. })), None) => {
                    report.blind(quorum::unknown());
                }
                (Ok(_), _) => {}
                (Err(why), _) => report.blind(BlindReason::Undecodable(why)),
            }
        }
    }
}

struct Change {
    delegate: Address,
    before: U256,
    after: U256,
    quorum: U256,
}

impl Configured {
    fn changed(
        &self,
        block: &Block<'_>,
        (tx, ordinal): (u32, u32),
        change: Change,
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let Change { delegate, before, after, quorum } = change;
        let token = block.log(tx, ordinal).address;
        let key =
            Key::new(Kind::VotingPower).monitor(&self.site.key).address(token).address(delegate);
        let power = memory.entry(key, VotingPower::default);
        let hour = UnixSeconds(block.at.0 - block.at.0 % HOUR_S);
        power.lowest.retain(|(at, _)| hour.seconds_since(*at) < self.window_s);
        match power.lowest.last_mut() {
            Some((at, lowest)) if *at == hour => *lowest = (*lowest).min(before),
            _ => power.lowest.push((hour, before)),
        }
        let lowest = power.lowest.iter().map(|(_, votes)| *votes).min().unwrap_or(before);
        let gain = after.saturating_sub(lowest);
        let share = to_f64(gain) / to_f64(quorum);
        if share < self.share * OVER_BELOW {
            power.since = None;
        }
        let is_all = share >= 1.0;
        let is_news =
            share >= self.share && power.since.is_none_or(|(_, all_told)| is_all && !all_told);
        let began = power.since.map_or(block.at, |(since, _)| since);
        if is_news {
            power.since = Some((began, is_all));
        }
        let is_small = to_f64(after) < to_f64(quorum) * self.share * REMEMBERED_FROM;
        if is_small && power.since.is_none() {
            // So there are never more delegates than the supply has such parts, whoever moves votes
            // through how many accounts.
            memory.remove(&key);
        }
        if !is_news {
            return;
        }
        let who = block.name_of(delegate);
        let hours = self.window_s / HOUR_S;
        let title =
            format!("{who} gained {:.0} % of the quorum in votes within {hours} h", share * 100.0);
        let severity = if is_all { worse(self.site.severity, 1) } else { self.site.severity };
        report.claim(
            Claim::about_log(block, tx, ordinal, title)
                .severity(severity)
                .measure(Measure {
                    name: "votes gained, as a share of the quorum".to_owned(),
                    unit: String::new(),
                    value: share,
                    threshold: self.share,
                    history: None,
                })
                .fact("delegate", block.address_fact(delegate))
                .fact("votes now", FactValue::Uint(after))
                .fact("votes before", FactValue::Uint(lowest))
                .fact("quorum", FactValue::Uint(quorum))
                .fact("for", FactValue::Seconds(block.at.seconds_since(began)))
                .fact("transaction sender", block.address_fact(block.tx(tx).from)),
        );
    }
}
