//! A price was moved in one transaction and used in a later one, by the same. The page is
//! `price_moved_then_used.md`.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256};
use model::{BlindReason, Confidence, FactValue, Level, Measure, Severity};
use registry::{Class, coverage::Threat};
use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};

use super::prices::{Path, stated_prices};
use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants, milder,
    },
    state::{Key, Kind, StateTable},
    thresholds::ln,
};

static SPEC: Spec = Spec {
    id: "oracle/price_moved_then_used",
    version: 1,
    needs: Level::Logs,
    severity: Severity::Critical,
    params: &[
        ParamSpec {
            name: "move_share",
            kind: ParamKind::Number { default: 0.1, min: 0.001, max: 100.0 },
            doc: "how far a price must be moved by one transaction, as a share of the lower end",
        },
        ParamSpec {
            name: "blocks_max",
            kind: ParamKind::Integer { default: 5, min: 0, max: 300 },
            doc: "blocks after the move in which its use belongs to it; 0 is the same block",
        },
    ],
    page: include_str!("price_moved_then_used.md"),
};

/// A price that came back this near to where it was, as a part of how far it had gone, is back.
const BACK_SHARE: f64 = 0.2;

/// Accounts that are held to be behind one move: more than that is a market.
const MOVERS_MAX: usize = 4;

/// See the page.
#[derive(Debug)]
pub struct PriceMovedThenUsed;

impl Detector for PriceMovedThenUsed {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn threats(&self) -> &'static [Threat] {
        &[Threat::Manipulation]
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        let here = site.registry.deployments().iter().filter(|d| d.network == site.network);
        let states_prices = here.filter(|d| matches!(d.class, Class::Pool | Class::Oracle));
        Box::new(Configured {
            sources: states_prices.map(|d| d.address).collect(),
            ln_move: ln(1.0 + settings.number("move_share")),
            move_share: settings.number("move_share"),
            blocks_max: settings.integer("blocks_max"),
            site,
        })
    }
}

struct Configured {
    site: Site,
    /// Pools and feeds of the network, guarded or relied on.
    sources: FxHashSet<Address>,
    move_share: f64,
    ln_move: f64,
    blocks_max: u64,
}

/// Prices of a monitor that are away at the same time: beyond, a new one is not followed, and the
/// monitor says that it is blind for it.
const AWAY_MAX: usize = 256;

/// Prices of a monitor that are away from where they were: source, and place in [`WORDS`], ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PricesAway(Vec<(Address, u8)>);

/// What is remembered of one price.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PriceSeen {
    last: Option<f64>,
    away: Option<Away>,
}

/// A price that was moved and is not back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Away {
    base: f64,
    /// Furthest from the base.
    peak: f64,
    block: u64,
    tx: B256,
    movers: Vec<Party>,
    used: Option<Use>,
}

/// Who acted: the sender and the contract that it called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Party {
    sender: Address,
    via: Option<Address>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Use {
    tx: B256,
    deployment: Address,
}

impl Away {
    fn share(&self) -> f64 {
        libm::exp(distance(self.base, self.peak)) - 1.0
    }
}

/// How far apart two prices are, as the logarithm of their ratio.
fn distance(one: f64, other: f64) -> f64 {
    if one <= 0.0 || other <= 0.0 {
        return f64::MAX;
    }
    libm::fabs(ln(one / other))
}

type Source = (Address, &'static str);

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants { transactions: true, every_block: true, remembers: true, ..Wants::default() }
    }

    fn judge(
        &self,
        block: &Block<'_>,
        touches: &[Touch],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let mut away = self.away(memory, block);
        for tx in 0..block.bundle.transactions.len() as u32 {
            if !away.is_empty()
                && let Ok(touched) = touches.binary_search_by_key(&tx, |touch| touch.tx)
            {
                let guarded = block.deployment(touches[touched].deployment).address;
                for source in &away {
                    self.used(block, tx, guarded, *source, memory, report);
                }
            }
            if !block.tx(tx).logs.iter().any(|log| self.sources.contains(&log.address)) {
                continue;
            }
            let mut paths = BTreeMap::new();
            stated_prices(block, tx, &mut paths);
            paths.retain(|(source, _), _| self.sources.contains(source));
            for (source, path) in paths {
                if !self.moved(block, tx, source, path, memory, report) {
                    continue;
                }
                if self.follow(source, memory) {
                    away.push(source);
                } else {
                    let reason = format!("more than {AWAY_MAX} prices were moved at once");
                    report.blind(BlindReason::Evaluation(reason));
                }
            }
        }
    }
}

impl Configured {
    fn key(&self, (source, how): Source) -> Key {
        // The words are few; their first letters tell them apart.
        let key = Key::new(Kind::PriceSeen).monitor(&self.site.key).address(source);
        key.with(&how.as_bytes()[..1])
    }

    fn all_away(&self) -> Key {
        Key::new(Kind::PricesAway).monitor(&self.site.key)
    }

    /// Prices that are away from where they were; those that are so for too long are forgotten.
    fn away(&self, memory: &mut StateTable, block: &Block<'_>) -> Vec<Source> {
        let now = block.bundle.header.number;
        let known = memory.get::<PricesAway>(&self.all_away());
        let mut known: Vec<(Address, u8)> = known.map_or_else(Vec::new, |away| away.0.clone());
        let before = known.len();
        known.retain(|(source, word)| {
            let key = self.key((*source, WORDS[usize::from(*word)]));
            let away = memory.get::<PriceSeen>(&key).and_then(|seen| seen.away.as_ref());
            let Some(away) = away else { return false };
            let is_near = now.saturating_sub(away.block) <= self.blocks_max;
            if !is_near {
                memory.entry(key, PriceSeen::default).away = None;
            }
            is_near
        });
        if known.len() < before {
            memory.entry(self.all_away(), PricesAway::default).0.clone_from(&known);
        }
        known.into_iter().map(|(source, word)| (source, WORDS[usize::from(word)])).collect()
    }

    /// Follows one more price; `false` when there are too many.
    fn follow(&self, (source, how): Source, memory: &mut StateTable) -> bool {
        let word = WORDS.iter().position(|word| *word == how).unwrap_or_default() as u8;
        let away = &mut memory.entry(self.all_away(), PricesAway::default).0;
        match away.binary_search(&(source, word)) {
            Ok(_) => true,
            Err(_) if away.len() == AWAY_MAX => false,
            Err(at) => {
                away.insert(at, (source, word));
                true
            }
        }
    }

    /// Takes in the prices that a transaction made; whether it began to move one.
    fn moved(
        &self,
        block: &Block<'_>,
        tx: u32,
        source: Source,
        path: Path,
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) -> bool {
        let seen = memory.entry(self.key(source), PriceSeen::default);
        let before = if path.is_single { seen.last } else { Some(path.first) };
        seen.last = Some(path.last);
        let party = party(block, tx);
        match (&mut seen.away, before) {
            (Some(away), _) => {
                let gone = distance(away.base, path.last);
                let furthest = distance(away.base, away.peak);
                let is_back = gone < BACK_SHARE * furthest;
                let is_same = away.movers.iter().any(|mover| mover.is(party, block));
                if !is_back {
                    if gone > furthest {
                        away.peak = path.last;
                    }
                    if !is_same && away.movers.len() < MOVERS_MAX && gone > furthest {
                        away.movers.push(party);
                    }
                    return false;
                }
                let told = away.used.filter(|used| is_same && used.tx != block.tx(tx).hash);
                if let Some(used) = told {
                    report.claim(self.back(block, tx, source, (away, used), path.last));
                }
                seen.away = None;
                false
            }
            (None, Some(before)) if distance(before, path.last) >= self.ln_move => {
                seen.away = Some(Away {
                    base: before,
                    peak: path.last,
                    block: block.bundle.header.number,
                    tx: block.tx(tx).hash,
                    movers: vec![party],
                    used: None,
                });
                true
            }
            _ => false,
        }
    }

    /// A guarded contract takes part in a transaction while a price is away.
    fn used(
        &self,
        block: &Block<'_>,
        tx: u32,
        guarded: Address,
        source: Source,
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let key = self.key(source);
        let party = party(block, tx);
        let hash = block.tx(tx).hash;
        let is_meant = |away: &Away| {
            away.tx != hash
                && away.used.is_none()
                && away.movers.iter().any(|mover| mover.is(party, block))
        };
        let away = memory.get::<PriceSeen>(&key).and_then(|seen| seen.away.clone());
        let Some(mut away) = away.filter(is_meant) else { return };
        // With traces it is known whether anybody asked the source or traded with it.
        let trace = block.trace(tx).filter(|trace| !trace.frames.is_empty());
        let is_asked = trace.map(|trace| trace.frames.iter().any(|f| f.to == Some(source.0)));
        if is_asked == Some(false) {
            return;
        }
        away.used = Some(Use { tx: hash, deployment: guarded });
        let steps = if is_asked.is_some() { 2 } else { 3 };
        let title = format!(
            "the price of {} was moved by {:.1} %, and the same then used {}",
            block.name_of(source.0),
            (away.share() * 100.0).min(1e9),
            block.name_of(guarded)
        );
        let severity = milder(self.site.severity, steps);
        report.claim(self.claim(block, tx, source, &away, title).severity(severity));
        memory.entry(key, PriceSeen::default).away = Some(away);
    }

    fn back(
        &self,
        block: &Block<'_>,
        tx: u32,
        source: Source,
        (away, used): (&Away, Use),
        last: f64,
    ) -> Claim {
        let title = format!(
            "the price of {} was moved by {:.1} %, used in {}, and moved back by the same",
            block.name_of(source.0),
            (away.share() * 100.0).min(1e9),
            block.name_of(used.deployment)
        );
        self.claim(block, tx, source, away, title)
            .about(block, used.deployment)
            .severity(self.site.severity)
            .fact("used in", FactValue::Transaction(used.tx))
            .fact("price at last", number(last))
    }

    fn claim(
        &self,
        block: &Block<'_>,
        tx: u32,
        source: Source,
        away: &Away,
        title: String,
    ) -> Claim {
        let blocks = block.bundle.header.number.saturating_sub(away.block);
        let used = away.used.map_or(source.0, |used| used.deployment);
        Claim::about_frame(block, tx, 0, title)
            .about(block, used)
            .what(format!("{} {} {}", source.0, source.1, away.tx))
            .confidence(Confidence::Heuristic)
            .measure(Measure {
                name: "price move before the use".to_owned(),
                unit: String::new(),
                value: away.share().min(1e9),
                threshold: self.move_share,
                history: None,
            })
            .fact("price source", block.address_fact(source.0))
            .fact("seen in", FactValue::Text(source.1.to_owned()))
            .fact("moved in", FactValue::Transaction(away.tx))
            .fact("blocks since", number(blocks as f64))
            .fact("price before", number(away.base))
            .fact("furthest", number(away.peak))
            .fact("transaction sender", block.address_fact(block.tx(tx).from))
    }
}

/// What [`stated_prices`] calls its prices.
const WORDS: [&str; 3] = ["oracle answer", "reserves", "swap price"];

fn party(block: &Block<'_>, tx: u32) -> Party {
    let transaction = block.tx(tx);
    Party { sender: transaction.from, via: transaction.to }
}

impl Party {
    /// Whether it is the same who acts: the same sender, or the same contract in between, unless that
    /// is one that anybody uses because it is watched itself.
    fn is(&self, other: Self, block: &Block<'_>) -> bool {
        self.sender == other.sender
            || self.via.is_some_and(|via| {
                self.via == other.via
                    && block.guarded(&via).is_none()
                    && block.registry.at(block.network(), via).is_none()
                    && block.registry.label(block.network(), via).is_none()
            })
    }
}

fn number(value: f64) -> FactValue {
    FactValue::Number { value, unit: String::new() }
}
