//! What the events of a function tell.
//!
//! With a syntax tree, each argument of an event is known by where its value comes from
//! ([`Origins`]); without one, by its name and type alone.

use std::collections::BTreeSet;

use super::{Answer, Aspect, Event};
use crate::lint::interface::Param;

/// Where a value comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Origins {
    /// Who called.
    pub(super) caller: bool,
    /// The ether that came along.
    pub(super) ether: bool,
    /// The called function's selector.
    pub(super) selector: bool,
    /// What another contract answered.
    pub(super) outside: bool,
    /// This contract's own address.
    pub(super) this: bool,
    /// Inputs of the function, one bit each; those from the 64th on share the last.
    pub(super) inputs: u64,
    /// State variables, by the id of their declaration.
    pub(super) state: BTreeSet<i64>,
}

impl Origins {
    /// The input at a position.
    pub(super) fn input(at: usize) -> Self {
        Self { inputs: 1 << at.min(63), ..Self::default() }
    }

    /// Takes over where another value comes from.
    pub(super) fn add(&mut self, other: &Self) {
        self.caller |= other.caller;
        self.ether |= other.ether;
        self.selector |= other.selector;
        self.outside |= other.outside;
        self.this |= other.this;
        self.inputs |= other.inputs;
        self.state.extend(&other.state);
    }

    fn shares_with(&self, other: &Self) -> bool {
        (self.caller && other.caller)
            || (self.ether && other.ether)
            || (self.outside && other.outside)
            || self.inputs & other.inputs != 0
            || !self.state.is_disjoint(&other.state)
    }

    /// Whether the value is the same at every call, as that of a state variable or a literal is.
    fn is_own(&self) -> bool {
        !self.caller && !self.outside && self.inputs == 0
    }
}

/// An event that a function reaches.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Emit {
    /// The event; `None` when only its topic is known.
    pub(super) event: Option<Event>,
    /// Where its arguments come from; `None` when only their names are known.
    pub(super) origins: Option<Vec<Origins>>,
    /// How it is shown.
    pub(super) shown: String,
}

/// Money that a function moves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Payment {
    /// Which contract keeps the money; `None` for ether.
    pub(super) token: Option<Origins>,
    /// Who gets it; `None` when it cannot be seen.
    pub(super) recipient: Option<Origins>,
}

/// All that is known about a function when its events are scored.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    pub(super) emits: Vec<Emit>,
    pub(super) inputs: Vec<Param>,
    pub(super) payments: Vec<Payment>,
    /// Ids of state variables that are written, with where what is written comes from.
    pub(super) writes: Vec<(i64, Origins)>,
    /// Whether no other function of the contract reaches some event of this one.
    pub(super) has_own_event: bool,
    /// Whether origins are known at all.
    pub(super) has_origins: bool,
}

const CALLER_WORDS: &[&str] = &[
    "sender",
    "caller",
    "operator",
    "by",
    "from",
    "owner",
    "account",
    "user",
    "depositor",
    "borrower",
    "payer",
    "admin",
    "executor",
    "proposer",
    "voter",
    "initiator",
    "liquidator",
    "relayer",
    "holder",
];
const RECIPIENT_WORDS: &[&str] = &[
    "to",
    "recipient",
    "receiver",
    "beneficiary",
    "dst",
    "destination",
    "owner",
    "account",
    "user",
    "holder",
    "onbehalfof",
    "borrower",
    "depositor",
];
const AMOUNT_WORDS: &[&str] = &[
    "amount",
    "value",
    "assets",
    "shares",
    "wad",
    "quantity",
    "qty",
    "size",
    "principal",
    "fee",
    "debt",
    "collateral",
    "tokens",
];
const TOKEN_WORDS: &[&str] =
    &["token", "asset", "currency", "underlying", "collateral", "coin", "reserve"];

fn plain(name: &str) -> String {
    name.trim_matches('_').to_ascii_lowercase()
}

fn is_one_of(param: &Param, words: &[&str]) -> bool {
    param.ty == "address" && words.contains(&plain(&param.name).as_str())
}

fn contains_one_of(param: &Param, words: &[&str]) -> bool {
    let name = plain(&param.name);
    words.iter().any(|word| name.contains(word))
}

/// The answers, in the order of [`Aspect::ALL`].
pub(super) fn answers(facts: &Facts) -> [Answer; 7] {
    Aspect::ALL.map(|aspect| answer(aspect, facts))
}

fn answer(aspect: Aspect, facts: &Facts) -> Answer {
    let known: Vec<(&Event, Option<&Vec<Origins>>)> = facts
        .emits
        .iter()
        .filter_map(|emit| Some((emit.event.as_ref()?, emit.origins.as_ref())))
        .collect();
    // An event of which only the topic is known may tell anything.
    let otherwise = |what: &str| {
        let is_all_known = known.len() == facts.emits.len();
        if is_all_known { Answer::Missing(what.to_owned()) } else { Answer::Unseen }
    };
    let told_if = |is_told: bool, what: &str| if is_told { Answer::Told } else { otherwise(what) };
    let params = || known.iter().flat_map(|(event, _)| &event.params);
    let origins = || known.iter().filter_map(|(_, origins)| *origins).flatten();
    let mut logged = Origins::default();
    origins().for_each(|of| logged.add(of));
    // A variable that was written and is logged tells what was written to it.
    let direct = logged.state.clone();
    for (_, from) in facts.writes.iter().filter(|(id, _)| direct.contains(id)) {
        logged.add(from);
    }
    let is_money = !facts.payments.is_empty();
    match aspect {
        Aspect::Caller if facts.has_origins => told_if(logged.caller, "who called"),
        Aspect::Caller => told_if(params().any(|p| is_one_of(p, CALLER_WORDS)), "who called"),
        Aspect::Function => {
            told_if(facts.has_own_event || logged.selector, "which function was called")
        }
        Aspect::Inputs => inputs(facts, &logged, &otherwise),
        Aspect::Result => result(facts, &logged, &otherwise),
        Aspect::Amount | Aspect::Token | Aspect::Recipient if !is_money => Answer::NotAsked,
        Aspect::Amount => {
            let is_amount =
                |p: &Param| p.ty.starts_with("uint") && contains_one_of(p, AMOUNT_WORDS);
            let comes_in = |p: &Param, of: &Origins| {
                p.ty.starts_with("uint") && (of.ether || of.inputs != 0 || of.outside)
            };
            let by_origin = known.iter().any(|(event, origins)| {
                origins.is_some_and(|of| event.params.iter().zip(of).any(|(p, of)| comes_in(p, of)))
            });
            told_if(by_origin || params().any(is_amount), "how much money moved")
        }
        Aspect::Token => {
            let by_name = params().any(|p| p.ty == "address" && contains_one_of(p, TOKEN_WORDS));
            if !facts.has_origins && !by_name {
                // Whether there is more than one token cannot be seen.
                return Answer::Unseen;
            }
            let is_told = |payment: &Payment| match &payment.token {
                // Ether, and the contract's one token, need no name.
                None => true,
                Some(token) => token.is_own() || origins().any(|of| of.shares_with(token)),
            };
            told_if(by_name || facts.payments.iter().all(is_told), "which token moved")
        }
        Aspect::Recipient => {
            let by_name = params().any(|p| is_one_of(p, RECIPIENT_WORDS));
            let is_told = |payment: &Payment| match &payment.recipient {
                Some(recipient) => {
                    recipient.is_own()
                        || known.iter().any(|(event, origins)| {
                            let pairs = origins.map(|of| event.params.iter().zip(of));
                            pairs.into_iter().flatten().any(|(param, of)| {
                                param.ty == "address" && of.shares_with(recipient)
                            })
                        })
                }
                None => by_name,
            };
            told_if(facts.payments.iter().all(is_told), "who got the money")
        }
    }
}

fn inputs(facts: &Facts, logged: &Origins, otherwise: &dyn Fn(&str) -> Answer) -> Answer {
    if facts.inputs.is_empty() {
        return Answer::NotAsked;
    }
    let mut free: Vec<&Param> =
        facts.emits.iter().filter_map(|emit| emit.event.as_ref()).flat_map(|e| &e.params).collect();
    let mut missing: Vec<String> = Vec::new();
    for (at, input) in facts.inputs.iter().enumerate() {
        let is_told = if facts.has_origins {
            logged.inputs & Origins::input(at).inputs != 0
        } else {
            // By name where there is one, else by type; each argument of an event counts once.
            let name = plain(&input.name);
            let by_name = free.iter().position(|p| p.ty == input.ty && plain(&p.name) == name);
            let found = by_name.or_else(|| free.iter().position(|p| p.ty == input.ty));
            found.map(|at| free.swap_remove(at)).is_some()
        };
        if !is_told {
            let has_no_name = input.name.is_empty();
            missing.push(if has_no_name { format!("#{}", at + 1) } else { input.name.clone() });
        }
    }
    if missing.is_empty() {
        return Answer::Told;
    }
    // What is encoded into bytes cannot be seen from an interface.
    if !facts.has_origins && free.iter().any(|param| param.ty == "bytes") {
        return Answer::Unseen;
    }
    let noun = if missing.len() == 1 { "input" } else { "inputs" };
    otherwise(&format!("the {noun} {}", missing.join(", ")))
}

/// The new state is told when it is in an event, or follows from what is: from inputs, the caller
/// and the ether that were logged, and from the state before, which earlier events told.
fn result(facts: &Facts, logged: &Origins, otherwise: &dyn Fn(&str) -> Answer) -> Answer {
    if !facts.has_origins {
        return Answer::Unseen;
    }
    if facts.writes.is_empty() {
        return Answer::NotAsked;
    }
    let mut from = Origins::default();
    facts.writes.iter().for_each(|(_, of)| from.add(of));
    let is_direct = facts.writes.iter().any(|(id, _)| logged.state.contains(id));
    let follows = from.inputs & !logged.inputs == 0
        && (!from.caller || logged.caller)
        && (!from.ether || logged.ether)
        && (!from.outside || logged.outside);
    if is_direct || follows { Answer::Told } else { otherwise("the state it leaves behind") }
}
