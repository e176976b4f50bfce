//! Invariants out of the past: what held in every recorded call and event, as monitors to be read by a
//! person.
//!
//! The families are those of Trace2Inv (Zhang et al., 2024) that calls and events alone can show:
//! who calls a function, whether contracts do, and how large its numbers are. Most blocks are learned
//! from; the last ones are held out, and what a proposal would have found there is its rate of false
//! alarms, with the upper bound of its 95 % interval (Wilson). The past is taken to be benign: whoever
//! mines an attack learns to accept it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, U256};
use model::{BlockBundle, Name};
use registry::{Param, Registry};
use rustc_hash::FxHashMap;

use crate::expression::Call;

/// Observations before anything is proposed about a function or event: fewer say too little about
/// the largest.
pub const SEEN_MIN: u64 = 100;

/// Callers of a function that is called by few.
const CALLERS_MAX: usize = 5;

/// Senders of a function that is said to be called by people alone.
const SENDERS_MIN: usize = 10;

/// How many times the largest number of the past a new one may be.
const ROOM: u64 = 2;

/// False alarms that a proposal may make among what was held out.
pub const FALSE_ALARMS_MAX: f64 = 0.000_5;

/// z of the 95 % interval of a normal distribution.
const Z: f64 = 1.959_964;

/// What a proposal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// An event.
    Event,
    /// A call.
    Call,
}

/// A condition that was never true in the past.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// Name for a monitor.
    pub name: String,
    /// Deployment.
    pub on: Name,
    /// Event or call.
    pub kind: Kind,
    /// Its signature.
    pub subject: String,
    /// The condition, which tells when the invariant is broken.
    pub when: String,
    /// The invariant in words.
    pub holds: String,
    /// Occurrences that it was learned from.
    pub learned: u64,
    /// Occurrences that were held out.
    pub held_out: u64,
    /// How many of them it would have told.
    pub false_alarms: u64,
}

impl Proposal {
    /// Upper bound of the 95 % interval of the rate of false alarms (Wilson).
    pub fn rate_max(&self) -> f64 {
        let (n, k) = (self.held_out as f64, self.false_alarms as f64);
        if n == 0.0 {
            return 1.0;
        }
        let (p, z2) = (k / n, Z * Z);
        let spread = (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
        ((p + z2 / (2.0 * n) + Z * spread) / (1.0 + z2 / n)).min(1.0)
    }

    /// Whether few enough of what was held out would have been told.
    pub fn is_acceptable(&self) -> bool {
        self.held_out > 0 && (self.false_alarms as f64) < self.held_out as f64 * FALSE_ALARMS_MAX
    }
}

/// How one number of an event or call behaved.
#[derive(Debug, Clone, Default)]
struct Numbers {
    largest: U256,
    beyond: u64,
}

/// What was seen of one event or function of one contract.
#[derive(Debug, Clone, Default)]
struct Seen {
    learned: u64,
    held_out: u64,
    numbers: BTreeMap<usize, Numbers>,
    /// The first callers and senders; more than these are many.
    callers: BTreeSet<Address>,
    senders: BTreeSet<Address>,
    strangers: u64,
    is_by_contract: bool,
    by_contracts: u64,
}

/// Learns from blocks, in their order.
#[derive(Debug)]
pub struct Miner {
    registry: Arc<Registry>,
    by_address: FxHashMap<Address, u32>,
    /// Blocks that are learned from; all after them are held out.
    learned_blocks: u64,
    blocks: u64,
    /// Whether every block had call traces.
    is_traced: bool,
    seen: BTreeMap<(u32, Kind, String), (Seen, Vec<Param>)>,
}

impl Miner {
    /// A miner for one network, which learns from so many blocks.
    pub fn new(registry: Arc<Registry>, network: &Name, learned_blocks: u64) -> Self {
        let own = registry.own().filter(|(_, deployment)| deployment.network == *network);
        let by_address = own.map(|(index, deployment)| (deployment.address, index)).collect();
        Self {
            registry,
            by_address,
            learned_blocks,
            blocks: 0,
            is_traced: true,
            seen: BTreeMap::new(),
        }
    }

    /// Blocks taken so far.
    pub fn blocks(&self) -> u64 {
        self.blocks
    }

    /// Takes the next block.
    pub fn take(&mut self, bundle: &BlockBundle) {
        self.blocks += 1;
        self.is_traced &= bundle.traces.is_some();
        for (at, tx) in bundle.transactions.iter().enumerate() {
            for log in &tx.logs {
                let Some(&index) = self.by_address.get(&log.address) else { continue };
                if let Ok(decoded) = self.registry.decode_log(&bundle.network, log) {
                    let key = (index, Kind::Event, decoded.event.signature.clone());
                    self.saw(key, &decoded.event.params, &decoded.args, None);
                }
            }
            let trace = bundle.traces.as_ref().and_then(|traces| traces.get(at));
            match trace.filter(|trace| !trace.frames.is_empty()) {
                Some(trace) => {
                    let effects = trace.effects();
                    for (place, frame) in trace.frames.iter().enumerate() {
                        if let Some(call) = Call::of_frame(frame, effects[place]) {
                            self.call(&call, tx.from);
                        }
                    }
                }
                None => {
                    if let Some(call) = Call::of_transaction(tx) {
                        self.call(&call, tx.from);
                    }
                }
            }
        }
    }

    fn call(&mut self, call: &Call<'_>, sender: Address) {
        let is_plain = call.kind == model::FrameKind::Call && call.success != Some(false);
        let Some(&index) = self.by_address.get(&call.to).filter(|_| is_plain) else { return };
        let Some(selector) = call.input.first_chunk::<4>() else { return };
        let abi = self.registry.deployment(index).abi.clone();
        let Some(function) = abi.function_by_selector(*selector) else { return };
        if let Ok(decoded) = function.decode(call.input) {
            let key = (index, Kind::Call, function.signature.clone());
            self.saw(key, &function.inputs, &decoded.args, Some((call.from, sender)));
        }
    }

    fn saw(
        &mut self,
        key: (u32, Kind, String),
        params: &[Param],
        args: &[DynSolValue],
        by: Option<(Address, Address)>,
    ) {
        let is_learned = self.blocks <= self.learned_blocks;
        let (seen, _) = self.seen.entry(key).or_insert_with(|| (Seen::default(), params.to_vec()));
        *(if is_learned { &mut seen.learned } else { &mut seen.held_out }) += 1;
        for (at, value) in args.iter().enumerate() {
            let Some((value, _)) = value.as_uint() else { continue };
            let numbers = seen.numbers.entry(at).or_default();
            if is_learned {
                numbers.largest = numbers.largest.max(value);
            } else if value > bound(numbers.largest) {
                numbers.beyond += 1;
            }
        }
        let Some((caller, sender)) = by else { return };
        let is_contract = caller != sender;
        if is_learned {
            seen.is_by_contract |= is_contract;
            if seen.callers.len() <= CALLERS_MAX {
                seen.callers.insert(caller);
            }
            if seen.senders.len() <= SENDERS_MIN {
                seen.senders.insert(sender);
            }
        } else {
            seen.strangers += u64::from(!seen.callers.contains(&caller));
            seen.by_contracts += u64::from(is_contract);
        }
    }

    /// What held in all blocks that were learned from, also what did not hold in those held out: see
    /// [`Proposal::is_acceptable`].
    pub fn proposals(&self) -> Vec<Proposal> {
        let mut all = Vec::new();
        for ((index, kind, subject), (seen, params)) in &self.seen {
            if seen.learned < SEEN_MIN {
                continue;
            }
            let deployment = self.registry.deployment(*index);
            let proposal = |what: &str, when: String, holds: String, false_alarms: u64| {
                let function = subject.split('(').next().unwrap_or(subject);
                // Without traces inner calls were not seen, so nothing is said of them.
                let is_outer = *kind == Kind::Call && !self.is_traced;
                let when = if is_outer { format!("call.depth == 0 && {when}") } else { when };
                Proposal {
                    name: slug(&format!("mined-{}-{function}-{what}", deployment.label)),
                    on: deployment.label.clone(),
                    kind: *kind,
                    subject: subject.clone(),
                    when,
                    holds,
                    learned: seen.learned,
                    held_out: seen.held_out,
                    false_alarms,
                }
            };
            for (&at, numbers) in seen.numbers.iter().filter(|(_, n)| !n.largest.is_zero()) {
                let (word, bound) = (variable(params, at), bound(numbers.largest));
                let holds = format!("{word} was never above {}", numbers.largest);
                let what = params[at].name.as_str();
                let what = if what.is_empty() { format!("arg{at}") } else { what.to_owned() };
                all.push(proposal(&what, format!("{word} > {bound}"), holds, numbers.beyond));
            }
            if *kind == Kind::Event {
                continue;
            }
            if seen.callers.len() <= CALLERS_MAX {
                let callers: Vec<String> = seen.callers.iter().map(ToString::to_string).collect();
                let when = format!("!(call.from in [{}])", callers.join(", "));
                let holds = format!("nobody but {} called it", callers.join(", "));
                all.push(proposal("caller", when, holds, seen.strangers));
            } else if !seen.is_by_contract && self.is_traced && seen.senders.len() > SENDERS_MIN {
                let holds = "no contract called it, accounts alone did".to_owned();
                all.push(proposal(
                    "by-contract",
                    "call.from != tx.from".to_owned(),
                    holds,
                    seen.by_contracts,
                ));
            }
        }
        distinct(&mut all);
        all
    }
}

fn bound(largest: U256) -> U256 {
    largest.saturating_mul(U256::from(ROOM))
}

/// How a condition names a parameter: by its name where that is one and its own, else by position.
fn variable(params: &[Param], at: usize) -> String {
    let name = params[at].name.as_str();
    let is_word = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.starts_with(|c: char| c.is_ascii_alphabetic());
    let is_free = ![
        "log", "call", "tx", "block", "and", "or", "not", "in", "contains", "none", "true", "false",
    ]
    .contains(&name)
        && params.iter().filter(|param| param.name == name).count() == 1;
    if is_word && is_free { name.to_owned() } else { format!("${at}") }
}

/// A name's characters: small letters, digits and dashes.
fn slug(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let slug: String = text.chars().map(plain).collect();
    slug.chars().take(Name::LEN_MAX - 4).collect()
}

/// Gives a number to names that stand twice: functions that share theirs.
fn distinct(all: &mut [Proposal]) {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for proposal in all {
        let count = seen.entry(proposal.name.clone()).or_default();
        *count += 1;
        if *count > 1 {
            proposal.name = format!("{}-{count}", proposal.name);
        }
    }
}
