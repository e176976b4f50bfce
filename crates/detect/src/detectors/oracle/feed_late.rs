//! Late, stale, frozen, jumping and invalid answers of a price feed. The page is `feed_late.md`.

use std::sync::Arc;

use alloy_primitives::{Address, I256, U256};
use model::{
    BlindReason, Bytes, Confidence, FactValue, Level, Measure, PlannedRead, ReadRequest, SeriesKey,
    Severity, UnixSeconds,
};
use registry::{
    Class, Deployment,
    coverage::Threat,
    risk::{self, OracleUpdateKind, RiskKind},
};

use super::feed::{FROZEN_CHANCE, Feed, INTERVALS_MIN, LEARNED_QUANTILE, Round};
use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants, What, access::role_change::risk_topics, block::signed_to_f64, milder, worse,
    },
    state::{Key, Kind, MonitorKey, StateTable},
    thresholds::ln,
};

static SPEC: Spec = Spec {
    id: "oracle/feed_late",
    version: 1,
    needs: Level::Logs,
    severity: Severity::High,
    params: &[
        ParamSpec {
            name: "grace_s",
            kind: ParamKind::Integer { default: 90, min: 0, max: 86_400 },
            doc: "seconds beyond the heartbeat before a feed is late, at least 5 % of the heartbeat",
        },
        ParamSpec {
            name: "stale_heartbeats",
            kind: ParamKind::Number { default: 1.5, min: 1.0, max: 100.0 },
            doc: "heartbeats without an answer after which a late feed is stale",
        },
        ParamSpec {
            name: "jump_deviations",
            kind: ParamKind::Number { default: 5.0, min: 1.0, max: 1_000.0 },
            doc: "a change larger than so many times the feed's own deviation is a jump",
        },
        ParamSpec {
            name: "jump_share",
            kind: ParamKind::Number { default: 0.2, min: 0.001, max: 10.0 },
            doc: "the same as a share of the price, for a feed whose deviation is not known",
        },
        ParamSpec {
            name: "answer_min",
            kind: ParamKind::Number { default: 0.0, min: 0.0, max: 1e30 },
            doc: "lower bound of the aggregator in units of the price; 0 for none",
        },
        ParamSpec {
            name: "answer_max",
            kind: ParamKind::Number { default: 0.0, min: 0.0, max: 1e30 },
            doc: "upper bound of the aggregator in units of the price; 0 for none",
        },
    ],
    page: include_str!("feed_late.md"),
};

/// `latestRoundData()`.
const LATEST_ROUND_DATA: [u8; 4] = [0xfe, 0xaf, 0x96, 0x8c];

/// A feed may be this close to a bound of its aggregator before it is at the bound.
const BOUND_MARGIN: f64 = 0.001;

/// See the page.
#[derive(Debug)]
pub struct FeedLate;

impl Detector for FeedLate {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn threats(&self) -> &'static [Threat] {
        &[Threat::Silence]
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        let is_feed = |d: &Deployment| d.oracle.is_some() || d.class == Class::Oracle;
        // A monitor on everything watches what is a feed; one on named contracts means them.
        let all = site.registry.own().filter(|(_, d)| d.network == site.network).count();
        let is_on_everything = site.guarded.len() == all;
        let feeds = site
            .deployments()
            .filter(|(_, d)| !is_on_everything || is_feed(d))
            .map(|(index, d)| Watched::new(index, d))
            .collect();
        Box::new(Configured {
            severity: site.severity,
            key: site.key,
            grace_s: settings.integer("grace_s"),
            stale_heartbeats: settings.number("stale_heartbeats"),
            jump_deviations: settings.number("jump_deviations"),
            jump_share: settings.number("jump_share"),
            bounds: (settings.number("answer_min"), settings.number("answer_max")),
            feeds,
        })
    }
}

struct Configured {
    severity: Severity,
    key: MonitorKey,
    grace_s: u64,
    stale_heartbeats: f64,
    jump_deviations: f64,
    jump_share: f64,
    bounds: (f64, f64),
    feeds: Vec<Watched>,
}

/// A feed with the names of its series.
struct Watched {
    index: u32,
    address: Address,
    heartbeat_s: Option<u64>,
    deviation: Option<f64>,
    unit: f64,
    lag: Arc<SeriesKey>,
    answer: Arc<SeriesKey>,
}

impl Watched {
    fn new(index: u32, deployment: &Deployment) -> Self {
        let series = |metric: &str| {
            let labels =
                [("network", deployment.network.as_str()), ("contract", deployment.label.as_str())];
            Arc::new(SeriesKey::new(metric, labels))
        };
        let oracle = deployment.oracle;
        Self {
            index,
            address: deployment.address,
            heartbeat_s: oracle.map(|o| o.heartbeat_s),
            deviation: oracle.map(|o| o.deviation),
            unit: 10f64.powi(i32::from(oracle.map_or(8, |o| o.decimals))),
            lag: series("oracle_lag_s"),
            answer: series("oracle_answer"),
        }
    }
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants { topics: risk_topics(), every_block: true, remembers: true, ..Wants::default() }
    }

    fn reads(&self) -> Vec<PlannedRead> {
        let input = Bytes::from_static(&LATEST_ROUND_DATA);
        self.feeds
            .iter()
            .map(|f| ReadRequest::Call { to: f.address, input: input.clone() }.every_block())
            .collect()
    }

    fn judge(
        &self,
        block: &Block<'_>,
        touches: &[Touch],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        for feed in &self.feeds {
            for touch in touches.iter().filter(|touch| touch.deployment == feed.index) {
                if let What::Log(ordinal) = touch.what {
                    self.take_event(block, feed, (touch.tx, ordinal), memory, report);
                }
            }
            self.take_read(block, feed, memory, report);
            self.judge_lag(block, feed, memory, report);
        }
    }
}

impl Configured {
    fn key(&self, feed: &Watched) -> Key {
        Key::new(Kind::Feed).monitor(&self.key).address(feed.address)
    }

    fn take_event(
        &self,
        block: &Block<'_>,
        feed: &Watched,
        (tx, ordinal): (u32, u32),
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let event = match risk::read(block.log(tx, ordinal)) {
            Ok(Some(event)) => event,
            Ok(None) => return,
            Err(why) => return report.blind(BlindReason::Undecodable(why.to_string())),
        };
        let RiskKind::Oracle(update) = event.kind else { return };
        let known = memory.entry(self.key(feed), Feed::default);
        known.has_events = true;
        if let Some(heartbeat_s) = update.heartbeat_s {
            known.stated_heartbeat_s = Some(heartbeat_s);
        }
        match (update.what, update.answer) {
            (OracleUpdateKind::Answer, Some(answer)) => {
                let updated_at = update.updated_at_s.map_or(block.at, UnixSeconds).min(block.at);
                let round = update.round.unwrap_or_else(|| known.round + U256::from(1));
                let round = Round { round, answer, updated_at, is_complete: true };
                self.take_round(block, feed, known, round, report);
            }
            (OracleUpdateKind::Late, _) => {
                let lag_s = update.lag_s.unwrap_or_default();
                let heartbeat_s = update.heartbeat_s.unwrap_or_default();
                let title = format!(
                    "{} says that it is late: {} since its last answer, {} are allowed",
                    block.name_of(feed.address),
                    FactValue::Seconds(lag_s),
                    FactValue::Seconds(heartbeat_s),
                );
                let mut claim = Claim::about_log(block, tx, ordinal, title)
                    .severity(self.severity)
                    .measure(known.lag_measure(lag_s, heartbeat_s));
                if let Some(id) = update.feed {
                    claim = claim.fact("feed", FactValue::Bytes(id.to_vec().into()));
                }
                report.claim(claim);
            }
            _ => {}
        }
    }

    fn take_read(
        &self,
        block: &Block<'_>,
        feed: &Watched,
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let key = self.key(feed);
        let words = match block.read_words(feed.address, &LATEST_ROUND_DATA, 5) {
            Ok(words) => words,
            Err(reason) => {
                let is_known = memory.get::<Feed>(&key).is_some_and(|known| known.has_events);
                if !is_known {
                    report.blind(BlindReason::ReadMissing(reason));
                }
                return;
            }
        };
        let updated_at = UnixSeconds(words[3].saturating_to::<u64>().min(block.at.0));
        let round = Round {
            round: words[0],
            answer: I256::from_raw(words[1]),
            updated_at,
            is_complete: words[4] >= words[0] && !words[3].is_zero(),
        };
        let is_new = memory.get::<Feed>(&key).is_none_or(|known| {
            known.answers == 0
                || known.updated_at < round.updated_at
                || known.answer != round.answer && known.updated_at <= round.updated_at
        });
        if is_new {
            let known = memory.entry(key, Feed::default);
            self.take_round(block, feed, known, round, report);
        }
    }

    fn take_round(
        &self,
        block: &Block<'_>,
        feed: &Watched,
        known: &mut Feed,
        round: Round,
        report: &mut Report<'_>,
    ) {
        let name = block.name_of(feed.address);
        let price = |answer: I256| signed_to_f64(answer) / feed.unit;
        let mut tell = |what: &str, severity: Severity, title: String, measure: Measure| {
            let entity = format!("feed {}", feed.address);
            report.claim(
                Claim::about_episode(block, entity, round.updated_at, title)
                    .about(block, feed.address)
                    .what(what)
                    .severity(severity)
                    .measure(measure)
                    .fact("answer", number(price(round.answer)))
                    .fact("answer before", number(price(known.answer)))
                    .fact("round", FactValue::Uint(round.round)),
            );
        };
        let measure = |name: &str, value: f64, threshold: f64| Measure {
            name: name.to_owned(),
            unit: String::new(),
            value,
            threshold,
            history: None,
        };
        if !round.is_complete {
            let title = format!("{name} answered with an incomplete round");
            let by = measure("complete round", 0.0, 1.0);
            tell("incomplete", self.severity, title, by);
        }
        let (old, new) = (price(known.answer), price(round.answer));
        if new <= 0.0 {
            let title = format!("{name} answered {new}, which is no price");
            tell("not positive", worse(self.severity, 1), title, measure("answer", new, 0.0));
        } else if known.answers > 0 && old > 0.0 {
            let limit = feed.deviation.map_or(self.jump_share, |d| d * self.jump_deviations);
            let change = ln(new / old);
            if change.abs() > limit {
                let percent = (new / old - 1.0) * 100.0;
                let title = format!("{name} jumped by {percent:+.2} % from {old} to {new}");
                tell("jump", self.severity, title, measure("change (ln)", change.abs(), limit));
            }
        }
        let at_bound = |bound: f64| bound > 0.0 && (new / bound - 1.0).abs() <= BOUND_MARGIN;
        let bound = [self.bounds.0, self.bounds.1].into_iter().find(|bound| at_bound(*bound));
        if let (Some(bound), false) = (bound, known.is_bound_told) {
            let title = format!("{name} answered {new}, at the bound {bound} of its aggregator");
            tell("bound", worse(self.severity, 1), title, measure("answer", new, bound));
        }
        known.is_bound_told = bound.is_some();
        known.take(round);
        if let Some(chance) = known.frozen_chance()
            && !known.is_frozen_told
        {
            known.is_frozen_told = true;
            let run = known.run;
            let title = format!("{name} answered the same {run} times in a row: {new}");
            let entity = format!("feed {}", feed.address);
            report.claim(
                Claim::about_episode(block, entity, round.updated_at, title)
                    .about(block, feed.address)
                    .what("frozen")
                    .severity(self.severity)
                    .confidence(Confidence::Statistical { p: chance })
                    .measure(measure("chance of so many equal answers", chance, FROZEN_CHANCE))
                    .fact("answer", number(new)),
            );
        }
        report.sample(feed.answer.clone(), block.at, new);
    }

    fn heartbeat_s(&self, feed: &Watched, known: &Feed) -> Option<(u64, &'static str)> {
        let configured = feed.heartbeat_s.map(|s| (s, "configured"));
        let stated = known.stated_heartbeat_s.map(|s| (s, "stated by the feed"));
        configured.or(stated).or_else(|| known.learned_heartbeat_s().map(|s| (s, "learned")))
    }

    fn judge_lag(
        &self,
        block: &Block<'_>,
        feed: &Watched,
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let key = self.key(feed);
        let Some(known) = memory.get::<Feed>(&key).filter(|known| known.answers > 0) else {
            return;
        };
        let lag_s = block.at.seconds_since(known.updated_at);
        report.sample(feed.lag.clone(), block.at, lag_s as f64);
        let Some((heartbeat_s, source)) = self.heartbeat_s(feed, known) else {
            let seen = known.intervals_s.len() as u64;
            return report.blind(BlindReason::WarmingUp { seen, needed: INTERVALS_MIN as u64 });
        };
        let late_after_s = heartbeat_s + self.grace_s.max(heartbeat_s / 20);
        let stale_after_s = (heartbeat_s as f64 * self.stale_heartbeats) as u64;
        let is_stale = lag_s > stale_after_s.max(late_after_s);
        let is_late = lag_s > late_after_s;
        let is_news = is_stale && !known.is_stale_told || is_late && !known.is_late_told;
        if !is_news {
            return;
        }
        let name = block.name_of(feed.address);
        let lag = FactValue::Seconds(lag_s);
        let heartbeat = FactValue::Seconds(heartbeat_s);
        let (what, severity, limit_s) = if is_stale {
            ("stale", worse(self.severity, 1), stale_after_s)
        } else {
            ("late", self.severity, late_after_s)
        };
        let title = format!("{name} is {what}: no answer for {lag}, its heartbeat is {heartbeat}");
        let severity = if source == "learned" { milder(severity, 1) } else { severity };
        let mut claim =
            Claim::about_episode(block, format!("feed {}", feed.address), known.updated_at, title)
                .about(block, feed.address)
                .what(what)
                .severity(severity)
                .measure(known.lag_measure(lag_s, limit_s))
                .fact("last answer", number(signed_to_f64(known.answer) / feed.unit))
                .fact("heartbeat", heartbeat)
                .fact("heartbeat is", FactValue::Text(source.to_owned()))
                .fact("round", FactValue::Uint(known.round));
        if source == "learned" {
            claim = claim.confidence(Confidence::Statistical { p: 1.0 - LEARNED_QUANTILE });
        }
        report.claim(claim);
        let known = memory.entry(key, Feed::default);
        known.is_late_told = true;
        known.is_stale_told |= is_stale;
    }
}

fn number(value: f64) -> FactValue {
    FactValue::Number { value, unit: String::new() }
}
