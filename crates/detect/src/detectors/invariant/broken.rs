//! What must always hold does not. The page is `broken.md`.

use std::num::NonZeroU32;

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, Bytes, U256};
use model::{BlindReason, FactValue, Level, Name, PlannedRead, ReadRequest, Severity, UnixSeconds};
use registry::Registry;
use serde::{Deserialize, Serialize};

use super::{
    sentence::{Asked, Sentence, Speech, Term, shown},
    template::{self, Template},
};
use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants, block::Transfer,
    },
    state::{Key, Kind, StateTable},
};

static SPEC: Spec = Spec {
    id: "invariant/broken",
    version: 1,
    needs: Level::Logs,
    severity: Severity::High,
    params: &[
        ParamSpec {
            name: "holds",
            kind: ParamKind::Text { default: "" },
            doc: "what must be true after every block, over terms such as vault.totalAssets()",
        },
        ParamSpec {
            name: "templates",
            kind: ParamKind::Words { default: &[] },
            doc: "ready sentences, by name, for each contract that has the functions for them",
        },
        ParamSpec {
            name: "tolerance",
            kind: ParamKind::Number { default: 0.000_001, min: 0.0, max: 0.5 },
            doc: "share by which a template may be missed: rounding of shares, fees taken in between",
        },
        ParamSpec {
            name: "every_blocks",
            kind: ParamKind::Integer { default: 1, min: 1, max: 7_200 },
            doc: "how often contracts are asked: once in so many blocks",
        },
        ParamSpec {
            name: "for_times",
            kind: ParamKind::Integer { default: 1, min: 1, max: 1_000 },
            doc: "how many times in a row it must be false to be told",
        },
    ],
    page: include_str!("broken.md"),
};

/// See the page.
#[derive(Debug)]
pub struct Broken;

impl Detector for Broken {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn mistakes(&self, settings: &Settings, registry: &Registry, network: &Name) -> Vec<String> {
        let mut mistakes = Vec::new();
        let (holds, templates) = (settings.text("holds"), settings.words("templates"));
        if holds.is_empty() && templates.is_empty() {
            mistakes.push(
                "nothing to hold: give \"holds\" a sentence, or name \"templates\"".to_owned(),
            );
        }
        for name in templates.iter().filter(|name| Template::find(name).is_none()) {
            let known: Vec<&str> = template::ALL.iter().map(|template| template.name).collect();
            mistakes.push(format!(
                "parameter \"templates\": {}",
                crate::detectors::params::unknown("template", name, &known)
            ));
        }
        // A sentence about `this` is read again for each contract, which are known later. On a network
        // that has none of its contracts, while another has them, it is nobody's.
        let mut named = registry.deployments().iter().filter(|d| holds.contains(d.label.as_str()));
        let is_here = named.clone().next().is_none() || named.any(|d| d.network == *network);
        if !holds.is_empty() && !speaks_of_this(holds) && is_here {
            let speech = Speech { registry, network, this: None };
            match speech.read(holds) {
                Err(mistake) => mistakes.push(format!("parameter \"holds\":\n{mistake}")),
                Ok(sentence) => mistakes.extend(counts_too_seldom(&sentence, settings)),
            }
        }
        mistakes
    }

    fn mistakes_at(&self, settings: &Settings, site: &Site) -> Vec<String> {
        let mut mistakes = Vec::new();
        let speech = |this| Speech { registry: &site.registry, network: &site.network, this };
        let holds = settings.text("holds");
        if speaks_of_this(holds) {
            for (index, deployment) in site.deployments() {
                match speech(Some(index)).read(holds) {
                    Err(mistake) => mistakes
                        .push(format!("parameter \"holds\" on {}:\n{mistake}", deployment.label)),
                    Ok(sentence) => mistakes.extend(counts_too_seldom(&sentence, settings)),
                }
            }
        }
        let templates = settings.words("templates").iter().filter_map(|name| Template::find(name));
        for template in templates {
            let mut fitting = site
                .deployments()
                .filter_map(|(index, d)| Some((index, template.sentence(d, 0.0)?)))
                .peekable();
            if let Some((index, text)) = fitting.peek()
                && let Ok(sentence) = speech(Some(*index)).read(text)
            {
                mistakes.extend(counts_too_seldom(&sentence, settings));
            }
            if !site.guarded.is_empty() && fitting.next().is_none() {
                mistakes.push(format!(
                    "parameter \"templates\": no contract of the monitor has what {:?} needs: {}",
                    template.name,
                    template.needs()
                ));
            }
        }
        mistakes
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        let every = u32::try_from(settings.integer("every_blocks")).ok();
        let every = every.and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN);
        let (holds, tolerance) = (settings.text("holds"), settings.number("tolerance"));
        let mut invariants = Vec::new();
        let mut declare = |this: Option<u32>, text: &str| {
            let speech = Speech { registry: &site.registry, network: &site.network, this };
            // What cannot be read was told as a mistake; on other networks it is nobody's.
            if let Ok(sentence) = speech.read(text) {
                invariants.push(Invariant::new(sentence, this, every, &site));
            }
        };
        match (holds.is_empty(), speaks_of_this(holds)) {
            (true, _) => {}
            (false, false) => declare(None, holds),
            (false, true) => site.guarded.iter().for_each(|index| declare(Some(*index), holds)),
        }
        for template in settings.words("templates").iter().filter_map(|name| Template::find(name)) {
            for (index, deployment) in site.deployments() {
                if let Some(text) = template.sentence(deployment, tolerance) {
                    declare(Some(index), &text);
                }
            }
        }
        Box::new(Configured {
            invariants,
            for_times: settings.integer("for_times"),
            severity: site.severity,
        })
    }
}

fn speaks_of_this(text: &str) -> bool {
    text.contains("this.") || text.contains("(this)")
}

/// Counts of a block say nothing about the blocks between two readings.
fn counts_too_seldom(sentence: &Sentence, settings: &Settings) -> Option<String> {
    let counted = sentence.terms.iter().find(|term| term.is_count())?;
    let is_seldom = settings.integer("every_blocks") > 1;
    is_seldom.then(|| {
        format!("parameter \"every_blocks\" must be 1: {} counts what each block did", counted.text)
    })
}

/// A sentence with its place in memory and its reads.
struct Invariant {
    sentence: Sentence,
    key: Key,
    /// The contract it is about, if it is about one.
    about: Option<Address>,
    reads: Vec<PlannedRead>,
    every: NonZeroU32,
}

/// What is remembered of an invariant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvariantSeen {
    /// Answers of the terms whose value before is asked for, in the order of the terms.
    before: Vec<Bytes>,
    /// Since when, and how many times in a row, it is false.
    broken: Option<(UnixSeconds, u64)>,
    is_told: bool,
}

impl Invariant {
    fn new(sentence: Sentence, this: Option<u32>, every: NonZeroU32, site: &Site) -> Self {
        let requests = sentence.terms.iter().filter_map(Term::request);
        let mut reads: Vec<PlannedRead> = Vec::new();
        for request in requests {
            // Answers that are held against each other have to be of one block.
            let read = match reads.first() {
                None => request.every(every),
                Some(first) => request.every_with(every, first),
            };
            if !reads.contains(&read) {
                reads.push(read);
            }
        }
        let digest = alloy_primitives::keccak256(&sentence.text);
        let about = this.map(|index| site.deployment(index).address);
        let about = about.or_else(|| {
            sentence.terms.first().map(|term| match term.what {
                Asked::Call { to: of, .. }
                | Asked::Native(of)
                | Asked::Minted(of)
                | Asked::Burned(of)
                | Asked::Sent(of) => of,
            })
        });
        let key = Key::new(Kind::InvariantSeen).monitor(&site.key).with(&digest[..16]);
        let key = key.address(this.and(about).unwrap_or_default());
        Self { sentence, key, about, reads, every }
    }

    fn is_due(&self, number: u64) -> bool {
        self.reads.first().is_none_or(|read| read.is_due(number))
    }
}

struct Configured {
    invariants: Vec<Invariant>,
    for_times: u64,
    severity: Severity,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants { every_block: true, remembers: true, ..Wants::default() }
    }

    fn reads(&self) -> Vec<PlannedRead> {
        self.invariants.iter().flat_map(|invariant| invariant.reads.iter().cloned()).collect()
    }

    fn judge(
        &self,
        block: &Block<'_>,
        _: &[Touch],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        for invariant in self.invariants.iter().filter(|i| i.is_due(block.bundle.header.number)) {
            if let Err(reason) = self.evaluate(block, invariant, memory, report) {
                report.blind(reason);
            }
        }
    }
}

impl Configured {
    fn evaluate(
        &self,
        block: &Block<'_>,
        invariant: &Invariant,
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) -> Result<(), BlindReason> {
        let sentence = &invariant.sentence;
        let known = memory.get::<InvariantSeen>(&invariant.key).cloned().unwrap_or_default();
        let (mut values, mut before) = (Vec::new(), Vec::new());
        let mut is_first = false;
        for term in &sentence.terms {
            let answer = answer(block, term)?;
            let meant = match term.is_before {
                false => Some(answer),
                true => {
                    before.push(answer);
                    known.before.get(before.len() - 1).cloned()
                }
            };
            match meant.map(|answer| term.value(&answer)) {
                Some(Some(value)) => values.push(value),
                Some(None) => {
                    return Err(BlindReason::Undecodable(format!("the answer to {}", term.text)));
                }
                None => is_first = true,
            }
        }
        let mut seen = InvariantSeen { before, ..known.clone() };
        if !is_first {
            let holds = sentence
                .program
                .matches(&values[..])
                .map_err(|error| BlindReason::Evaluation(error.explain(&sentence.text)))?;
            if holds {
                (seen.broken, seen.is_told) = (None, false);
            } else {
                let (since, times) = known.broken.unwrap_or((block.at, 0));
                seen.broken = Some((since, times + 1));
                if times + 1 >= self.for_times && !known.is_told {
                    seen.is_told = true;
                    report.claim(self.claim(block, invariant, &values, since));
                }
            }
        }
        if seen != known {
            *memory.entry(invariant.key, InvariantSeen::default) = seen;
        }
        Ok(())
    }

    fn claim(
        &self,
        block: &Block<'_>,
        invariant: &Invariant,
        values: &[DynSolValue],
        since: UnixSeconds,
    ) -> Claim {
        let sentence = &invariant.sentence;
        let about = invariant.about.unwrap_or_default();
        let title =
            format!("an invariant of {} is broken: {}", block.name_of(about), sentence.text);
        let mut claim = Claim::about_episode(block, format!("invariant of {about}"), since, title)
            .about(block, about)
            .what(sentence.text.clone())
            .severity(self.severity);
        for (name, value) in shown(sentence, values) {
            claim = claim.fact(name, registry::fact(value, block.network(), block.registry));
        }
        if invariant.every.get() > 1 {
            let every = format!("one of {} blocks", invariant.every);
            claim = claim.fact("asked after", FactValue::Text(every));
        }
        claim
    }
}

/// What a term is after the block, in bytes.
fn answer(block: &Block<'_>, term: &Term) -> Result<Bytes, BlindReason> {
    if let Some(request) = term.request() {
        let missing = |why: &str| BlindReason::ReadMissing(format!("{}: {why}", term.text));
        return match block.answer(&request) {
            Some(Ok(answer)) => Ok(answer.clone()),
            Some(Err(why)) => Err(missing(why)),
            None => Err(missing(match request {
                ReadRequest::Balance(_) => "the balance was not read",
                _ => "the call was not made",
            })),
        };
    }
    let logs = block.bundle.transactions.iter().flat_map(|tx| &tx.logs);
    let transfers = logs.filter_map(Transfer::of);
    let sum = |mut amounts: Box<dyn Iterator<Item = U256> + '_>| {
        // An overflow takes a token that lies about its transfers.
        amounts.try_fold(U256::ZERO, |sum, amount| sum.checked_add(amount)).ok_or_else(|| {
            BlindReason::Evaluation(format!("{} is no number of 256 bits", term.text))
        })
    };
    let value = match term.what {
        Asked::Minted(token) => sum(Box::new(
            transfers.filter(move |t| t.token == token && t.from.is_zero()).map(|t| t.amount),
        ))?,
        Asked::Burned(token) => sum(Box::new(
            transfers.filter(move |t| t.token == token && t.to.is_zero()).map(|t| t.amount),
        ))?,
        Asked::Sent(from) => U256::from(transfers.filter(|t| t.from == from).count()),
        Asked::Call { .. } | Asked::Native(_) => U256::ZERO,
    };
    Ok(value.to_be_bytes::<32>().into())
}
