//! One entity, or a few, hold enough to stop or decide alone. The page is `share_crossed.md`.

use std::collections::BTreeMap;

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, U256};
use model::{BlindReason, FactValue, Level, Measure, Name, Severity, UnixSeconds};
use registry::Registry;
use serde::{Deserialize, Serialize};

use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants, What, params::unknown, worse,
    },
    dispersion::{Dispersion, THRESHOLDS},
    state::{Key, Kind, StateTable},
};

static SPEC: Spec = Spec {
    id: "dispersion/share_crossed",
    version: 1,
    needs: Level::Logs,
    severity: Severity::Medium,
    params: &[
        ParamSpec {
            name: "shares",
            kind: ParamKind::Words { default: &[] },
            doc: "who holds how much when watching begins: ADDRESS=WEIGHT or NAME=WEIGHT, several with commas",
        },
        ParamSpec {
            name: "starts_empty",
            kind: ParamKind::Flag { default: false },
            doc: "nobody holds anything when watching begins",
        },
        ParamSpec {
            name: "gained",
            kind: ParamKind::Words { default: &[] },
            doc: "events by which somebody gets weight",
        },
        ParamSpec {
            name: "lost",
            kind: ParamKind::Words { default: &[] },
            doc: "events by which somebody loses weight",
        },
        ParamSpec {
            name: "who",
            kind: ParamKind::Text { default: "operator" },
            doc: "the argument of these events that says who",
        },
        ParamSpec {
            name: "weight",
            kind: ParamKind::Text { default: "" },
            doc: "the argument that says how much; without one every event counts one",
        },
        ParamSpec {
            name: "nakamoto_min",
            kind: ParamKind::Integer { default: 3, min: 0, max: 1_000 },
            doc: "fewer entities than these must not hold one third together; 0 asks for none",
        },
        ParamSpec {
            name: "band",
            kind: ParamKind::Number { default: 0.01, min: 0.0, max: 0.2 },
            doc: "how far a share has to fall below a threshold before crossing it is told again",
        },
    ],
    page: include_str!("share_crossed.md"),
};

/// Entities that are counted. The largest staking protocols have a few hundred operators; what has
/// more is dispersed, and the monitor says that it cannot count it.
const ENTITIES_MAX: usize = 2_048;

/// Entities that a finding lists.
const ENTITIES_SHOWN_MAX: usize = 5;

/// See the page.
#[derive(Debug)]
pub struct ShareCrossed;

impl Detector for ShareCrossed {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn mistakes(&self, settings: &Settings, _: &Registry, _: &Name) -> Vec<String> {
        let wrong = settings.words("shares").iter().filter(|word| stated(word).is_none());
        let mut mistakes: Vec<String> = wrong
            .map(|word| {
                format!("parameter \"shares\": {word:?} is no ADDRESS=WEIGHT or NAME=WEIGHT")
            })
            .collect();
        if settings.words("shares").is_empty() && !settings.flag("starts_empty") {
            let nothing = "who holds what when watching begins is not known: give \"shares\", or set \"starts_empty\"";
            mistakes.push(nothing.to_owned());
        }
        mistakes
    }

    fn mistakes_at(&self, settings: &Settings, site: &Site) -> Vec<String> {
        let mut mistakes = Vec::new();
        for param in ["gained", "lost"] {
            for name in settings.words(param) {
                let events = || site.deployments().flat_map(|(_, d)| d.abi.events());
                let Some(event) = events().find(|event| event.name == *name) else {
                    let known: Vec<&str> = events().map(|event| event.name.as_str()).collect();
                    if !site.guarded.is_empty() {
                        mistakes.push(format!(
                            "parameter {param:?}: {}",
                            unknown("event", name, &known)
                        ));
                    }
                    continue;
                };
                for argument in [settings.text("who"), settings.text("weight")] {
                    let known: Vec<&str> = event.params.iter().map(|p| p.name.as_str()).collect();
                    if !argument.is_empty() && !known.contains(&argument) {
                        let what = unknown("argument", argument, &known);
                        mistakes.push(format!("parameter {param:?}: {name}: {what}"));
                    }
                }
            }
        }
        mistakes
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        let shares = settings.words("shares").iter().filter_map(|word| stated(word));
        Box::new(Configured {
            shares: shares.collect(),
            gained: settings.words("gained").to_vec(),
            lost: settings.words("lost").to_vec(),
            who: settings.text("who").to_owned(),
            weight: settings.text("weight").to_owned(),
            nakamoto_min: settings.integer("nakamoto_min") as usize,
            band: settings.number("band"),
            site,
        })
    }
}

/// `NAME=WEIGHT`.
fn stated(word: &str) -> Option<(String, U256)> {
    let (who, weight) = word.split_once('=')?;
    let who = who.trim();
    let weight = weight.trim().replace('_', "").parse().ok()?;
    (!who.is_empty()).then(|| (who.to_owned(), weight))
}

struct Configured {
    site: Site,
    shares: Vec<(String, U256)>,
    gained: Vec<String>,
    lost: Vec<String>,
    who: String,
    weight: String,
    nakamoto_min: usize,
    band: f64,
}

/// Who holds how much.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shares {
    weights: BTreeMap<String, U256>,
    /// Which of [`THRESHOLDS`] the largest has crossed, and since when.
    crossed: [Option<UnixSeconds>; 3],
    /// Since when too few hold a third.
    few: Option<UnixSeconds>,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        let events = self.site.deployments().flat_map(|(_, d)| d.abi.events());
        let named = events.filter(|e| self.gained.contains(&e.name) || self.lost.contains(&e.name));
        let mut topics: Vec<_> = named.filter_map(|event| event.topic0).collect();
        topics.sort_unstable();
        topics.dedup();
        // The first block tells what the stated shares are.
        Wants { topics, every_block: true, remembers: true, ..Wants::default() }
    }

    fn judge(
        &self,
        block: &Block<'_>,
        touches: &[Touch],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let key = Key::new(Kind::Shares).monitor(&self.site.key);
        let known = memory.get::<Shares>(&key);
        let is_first = known.is_none();
        if !is_first && touches.is_empty() {
            return;
        }
        let mut shares = known.cloned().unwrap_or_else(|| self.begin(block));
        for touch in touches {
            let What::Log(ordinal) = touch.what else { continue };
            if let Err(reason) = self.fold(block, (touch.tx, ordinal), &mut shares) {
                report.blind(reason);
            }
        }
        self.judge_shares(block, &mut shares, report);
        *memory.entry(key, Shares::default) = shares;
    }
}

impl Configured {
    fn begin(&self, block: &Block<'_>) -> Shares {
        let mut shares = Shares::default();
        for (who, weight) in &self.shares {
            let entity = match who.parse::<Address>() {
                Ok(address) => block.name_of(address),
                Err(_) => who.clone(),
            };
            let held = shares.weights.entry(entity).or_default();
            *held = held.saturating_add(*weight);
        }
        shares
    }

    fn fold(
        &self,
        block: &Block<'_>,
        (tx, ordinal): (u32, u32),
        shares: &mut Shares,
    ) -> Result<(), BlindReason> {
        let decoded = match block.decoded(tx, ordinal) {
            Ok(decoded) => decoded,
            Err(why) => return Err(BlindReason::Undecodable(why.to_string())),
        };
        let name = &decoded.event.name;
        let who = match decoded.arg(&self.who) {
            // Addresses with one name are one entity.
            Some(DynSolValue::Address(address)) => block.name_of(*address),
            Some(value) => registry::fact(value, block.network(), block.registry).to_string(),
            None => return Err(BlindReason::Undecodable(format!("{name} has no {}", self.who))),
        };
        let weight = match self.weight.as_str() {
            "" => U256::ONE,
            argument => match decoded.arg(argument).and_then(DynSolValue::as_uint) {
                Some((weight, _)) => weight,
                None => return Err(BlindReason::Undecodable(format!("{name} has no {argument}"))),
            },
        };
        if self.gained.contains(name) {
            if shares.weights.len() >= ENTITIES_MAX && !shares.weights.contains_key(&who) {
                let reason = format!("more than {ENTITIES_MAX} entities hold something");
                return Err(BlindReason::Evaluation(reason));
            }
            let held = shares.weights.entry(who).or_default();
            *held = held.saturating_add(weight);
        } else {
            let held = shares.weights.get(&who).copied().unwrap_or_default();
            let Some(left) = held.checked_sub(weight) else {
                shares.weights.remove(&who);
                let reason = format!(
                    "{who} lost more than it was known to hold: the shares at the beginning were others"
                );
                return Err(BlindReason::Evaluation(reason));
            };
            match left.is_zero() {
                true => drop(shares.weights.remove(&who)),
                false => drop(shares.weights.insert(who, left)),
            }
        }
        Ok(())
    }

    fn judge_shares(&self, block: &Block<'_>, shares: &mut Shares, report: &mut Report<'_>) {
        let Some(found) = Dispersion::of(&shares.weights) else { return };
        let Some((largest, weight, share)) = found.largest() else { return };
        let mut news = None;
        for (at, threshold) in THRESHOLDS.iter().enumerate() {
            let is_over = threshold.is_reached(weight, found.total);
            match shares.crossed[at] {
                None if is_over => {
                    shares.crossed[at] = Some(block.at);
                    news = Some((at, *threshold));
                }
                Some(_) if share < threshold.as_f64() - self.band => shares.crossed[at] = None,
                _ => {}
            }
        }
        // Of several thresholds that were crossed at once the highest says it all.
        if let Some((at, threshold)) = news {
            let title = format!(
                "{largest} holds {:.1} %, {threshold} or more of everything",
                share * 100.0
            );
            let claim = Claim::about_episode(
                block,
                format!("share of {}", self.site.network),
                block.at,
                title,
            )
            .what(format!("{threshold}"))
            .severity(worse(self.site.severity, at))
            .measure(Measure {
                name: "share of the largest".to_owned(),
                unit: String::new(),
                value: share,
                threshold: threshold.as_f64(),
                history: None,
            });
            report.claim(with_figures(claim, &found));
        }
        let third = found.nakamoto[0];
        let is_few = third < self.nakamoto_min;
        match shares.few {
            None if is_few => {
                shares.few = Some(block.at);
                let title = format!(
                    "{third} of {} hold a third of everything together",
                    found.entities.len()
                );
                let claim = Claim::about_episode(block, "few".to_owned(), block.at, title)
                    .what("nakamoto")
                    .severity(self.site.severity)
                    .measure(Measure {
                        name: "Nakamoto coefficient at one third".to_owned(),
                        unit: String::new(),
                        value: third as f64,
                        threshold: self.nakamoto_min as f64,
                        history: None,
                    });
                report.claim(with_figures(claim, &found));
            }
            Some(_) if !is_few => shares.few = None,
            _ => {}
        }
    }
}

fn with_figures(claim: Claim, found: &Dispersion) -> Claim {
    let number = |value: f64| FactValue::Number { value, unit: String::new() };
    let largest = found.entities.iter().take(ENTITIES_SHOWN_MAX);
    let largest = largest.fold(claim, |claim, (entity, _, share)| {
        claim.fact(entity.clone(), FactValue::Ratio(*share))
    });
    largest
        .fact("entities", number(found.entities.len() as f64))
        .fact("Herfindahl-Hirschman index", number(found.hhi))
        .fact("effective number of entities", number(found.effective()))
        .fact(
            "how many hold 1/3, 1/2, 2/3",
            FactValue::List(found.nakamoto.iter().map(|n| number(*n as f64)).collect()),
        )
}
