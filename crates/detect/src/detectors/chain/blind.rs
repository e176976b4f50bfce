//! A block or monitor that nobody judged. The page is `blind.md`.

use std::collections::BTreeMap;

use model::{
    BlindMonitor, BlindReason, ChainEvent, Confidence, Fact, FactValue, Level, Measure, Name,
    OpenHole, Severity, UnixSeconds,
};
use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};

use crate::{
    detectors::{
        Block, Claim, Detector, Judge, LedgerLook, Moved, ParamKind, ParamSpec, Report, Settings,
        Site, Spec, Told, Touch, Wants,
    },
    state::{Key, Kind, MonitorKey, StateTable},
};

static SPEC: Spec = Spec {
    id: "chain/blind",
    version: 1,
    needs: Level::Logs,
    severity: Severity::High,
    params: &[
        ParamSpec {
            name: "blind_s_max",
            kind: ParamKind::Integer { default: 600, min: 0, max: 31_536_000 },
            doc: "seconds of chain time that a monitor may be blind before it is told",
        },
        ParamSpec {
            name: "warm_up_s_max",
            kind: ParamKind::Integer { default: 604_800, min: 0, max: 31_536_000 },
            doc: "the same for a monitor that is warming up",
        },
        ParamSpec {
            name: "hole_s_max",
            kind: ParamKind::Integer { default: 900, min: 0, max: 31_536_000 },
            doc: "seconds that a hole in the ledger may stay open before it is told",
        },
    ],
    page: include_str!("blind.md"),
};

/// Seconds of chain time after which an accident (an undecodable log, a failed evaluation) counts as
/// a new one.
const ACCIDENT_FORGOTTEN_AFTER_S: u64 = 3_600;

/// See the page.
#[derive(Debug)]
pub struct Blind;

impl Detector for Blind {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        Box::new(Configured {
            severity: site.severity,
            key: site.key,
            blind_s_max: settings.integer("blind_s_max"),
            warm_up_s_max: settings.integer("warm_up_s_max"),
            hole_s_max: settings.integer("hole_s_max"),
        })
    }
}

struct Configured {
    severity: Severity,
    key: MonitorKey,
    blind_s_max: u64,
    warm_up_s_max: u64,
    hole_s_max: u64,
}

/// Since when which monitors are blind without a break.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Streaks(BTreeMap<String, Streak>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Streak {
    began: UnixSeconds,
    /// For accidents the time of the newest one; for lasting blindness the beginning.
    seen: UnixSeconds,
    is_accident: bool,
    is_told: bool,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants { chain_moves: true, coverage: true, remembers: true, ..Wants::default() }
    }

    fn judge(&self, _: &Block<'_>, _: &[Touch], _: &mut StateTable, _: &mut Report<'_>) {}

    fn chain_moved(&self, moved: Moved<'_>, report: &mut Report<'_>) {
        let ChainEvent::Quarantined { network, block, reason, .. } = moved.event else { return };
        let at = moved.head_at.unwrap_or(UnixSeconds(0));
        let title = format!("block {block} of {network} was not judged: {reason}");
        let mut claim = Claim::about_block(*block, at, title)
            .severity(self.severity)
            .confidence(Confidence::Proven);
        claim.facts.push(Fact { name: "block".into(), value: FactValue::Block(*block) });
        claim
            .facts
            .push(Fact { name: "reason".into(), value: FactValue::Text(reason.to_string()) });
        report.claim(claim);
    }

    fn ledger(&self, look: &LedgerLook<'_>, report: &mut Report<'_>) -> Vec<Told> {
        let mut told = Vec::new();
        for (at, hole) in look.holes.iter().enumerate() {
            let open_s = (look.now.millis_since(hole.seen_at).max(0) / 1_000).unsigned_abs();
            if open_s < self.hole_s_max {
                continue;
            }
            let blocks = hole.range.blocks();
            let title = format!(
                "{} did not judge {} of {}: {}",
                who(hole),
                match blocks {
                    1 => format!("block {}", hole.range),
                    _ => format!("{blocks} blocks, {},", hole.range),
                },
                hole.network,
                hole.cause
            );
            // A hole that shrinks while it is filled is the same hole.
            let entity = format!("hole/{}/{}", hole.cause.as_str(), hole.seen_as);
            let began = UnixSeconds((hole.seen_at.0.max(0) / 1_000).unsigned_abs());
            let claim = Claim::about_lasting(look.finalized, entity, began, title)
                .severity(self.severity)
                .measure(Measure {
                    name: "time open".to_owned(),
                    unit: "s".to_owned(),
                    value: open_s as f64,
                    threshold: self.hole_s_max as f64,
                    history: None,
                })
                .fact("blocks", FactValue::Text(hole.range.to_string()))
                .fact("monitors", FactValue::Text(names(hole)))
                .fact("cause", FactValue::Text(hole.cause.to_string()))
                .fact("to close it", FactValue::Text("bellwether coverage backfill".to_owned()));
            told.push(Told { hole: at, finding: report.claim(claim) });
        }
        told
    }

    fn after_block(
        &self,
        block: &Block<'_>,
        blind: &[BlindMonitor],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let key = Key::new(Kind::Streaks).monitor(&self.key);
        let now = block.at;
        let empty = Streaks::default();
        let before = memory.get::<Streaks>(&key).unwrap_or(&empty);
        let blind_now: FxHashSet<&str> = blind.iter().map(|b| b.monitor.as_str()).collect();
        let has_ended = |(name, streak): &(&String, &Streak)| {
            let is_fresh = now.seconds_since(streak.seen) < ACCIDENT_FORGOTTEN_AFTER_S;
            let is_remembered = streak.is_accident && is_fresh;
            !blind_now.contains(name.as_str()) && !is_remembered
        };
        let ended = before.0.iter().filter(has_ended).map(|(name, _)| (name.clone(), None));
        let mut changes: Vec<(String, Option<Streak>)> = ended.collect();
        for BlindMonitor { monitor, reason } in blind {
            let is_accident = matches!(
                reason,
                BlindReason::Undecodable(_) | BlindReason::Evaluation(_) | BlindReason::Panicked(_)
            );
            let fresh = Streak { began: now, seen: now, is_accident, is_told: false };
            let known = before.0.get(monitor.as_str()).copied();
            let mut streak = known.unwrap_or(fresh);
            if is_accident {
                streak.seen = now;
            }
            let allowed_s = match reason {
                _ if is_accident => 0,
                BlindReason::WarmingUp { .. } => self.warm_up_s_max,
                _ => self.blind_s_max,
            };
            let blind_s = now.seconds_since(streak.began);
            let is_due = !streak.is_told && blind_s >= allowed_s;
            streak.is_told |= is_due;
            if known != Some(streak) {
                changes.push((monitor.as_str().to_owned(), Some(streak)));
            }
            if !is_due {
                continue;
            }
            let title = match blind_s {
                0 => format!("monitor {monitor} could not judge a block: {reason}"),
                _ => format!("monitor {monitor} is blind since {blind_s} s: {reason}"),
            };
            report.claim(
                Claim::about_episode(block, monitor.as_str().to_owned(), streak.began, title)
                    .severity(self.severity)
                    .measure(Measure {
                        name: "time without judgement".to_owned(),
                        unit: "s".to_owned(),
                        value: blind_s as f64,
                        threshold: allowed_s as f64,
                        history: None,
                    })
                    .fact("monitor", FactValue::Text(monitor.to_string()))
                    .fact("reason", FactValue::Text(reason.to_string())),
            );
        }
        if changes.is_empty() {
            return;
        }
        let streaks = memory.entry(key, Streaks::default);
        for (name, streak) in changes {
            match streak {
                Some(streak) => streaks.0.insert(name, streak),
                None => streaks.0.remove(&name),
            };
        }
    }
}

fn who(hole: &OpenHole) -> String {
    match (hole.monitors_total, hole.monitors.first()) {
        (1, Some(one)) => format!("monitor {one}"),
        (n, _) => format!("{n} monitors"),
    }
}

fn names(hole: &OpenHole) -> String {
    let named: Vec<&str> = hole.monitors.iter().map(Name::as_str).collect();
    match (hole.monitors_total as usize).saturating_sub(named.len()) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}
