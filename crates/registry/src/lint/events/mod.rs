//! Whether everything that changes a contract's state also says so, and says enough.
//!
//! Events are what monitors live on. Each function that others can call and that writes state is
//! followed to the events it can reach, and those are scored for what an investigator asks first:
//! who called, which function, with which inputs, to which result; and where money moves, how much,
//! of what, to whom.
//!
//! There are three ways to know, from best to worst: the compiler's syntax tree, the bytecode, the
//! interface alone. Each answer carries the way it was found ([`Basis`]), and what cannot be decided
//! is [`Verdict::Unknown`] with the reason.

mod code; //   from bytecode: what can be reached from a function's entry
mod input; //  the files that trees, code and interfaces come in
mod score; //  what the events of a function tell
mod shape; //  from an interface alone: what its events could tell
mod source; // from the compiler's syntax tree

use std::{collections::BTreeMap, fmt};

use alloy_primitives::hex;

use super::{Diagnostic, Place, Report, Rule, Severity, interface::Event};

pub use input::{Builds, Reading};

/// State changes and no event says so.
static SILENT_STATE_CHANGE: Rule = Rule {
    id: "silent-state-change",
    what: "A function that others can call writes state and reaches no event.",
    why: "Nobody who watches logs can see that it happened: neither monitors nor users nor whoever \
          investigates afterwards.",
    severity: Severity::Error,
    help: "emit an event with the caller, the inputs and the new state",
};

/// It could not be decided.
static EVENT_COVERAGE_UNKNOWN: Rule = Rule {
    id: "event-coverage-unknown",
    what: "It could not be decided whether a function writes state without an event.",
    why: "What is not known to be told must be watched by other means: traces and storage.",
    severity: Severity::Warning,
    help: "give the build information of the compiler (forge build --build-info, Hardhat's artifacts/build-info), or watch the function by its traces",
};

/// The event of a function leaves something out.
macro_rules! lacks {
    ($($name:ident $id:literal $severity:ident $what:literal $why:literal $help:literal;)*) => {
        $(static $name: Rule = Rule {
            id: $id, what: $what, why: $why, severity: Severity::$severity, help: $help,
        };)*
    };
}
lacks! {
    LACKS_CALLER "event-lacks-caller" Warning
        "No event of a function tells who called it."
        "A relayed, stolen or inside call looks like any other; the transaction's sender need not be the caller."
        "add the caller as an indexed address";
    LACKS_FUNCTION "event-lacks-function" Note
        "The events of a function do not tell it from another function."
        "Who reads the log cannot say what was done without a trace."
        "give each function an event of its own, or add msg.sig";
    LACKS_INPUTS "event-lacks-inputs" Note
        "Inputs of a function are in none of its events."
        "What was asked for is lost unless the calldata of every frame is kept."
        "add the inputs that matter to the event";
    LACKS_RESULT "event-lacks-result" Note
        "The events of a function do not tell the state it leaves behind."
        "State cannot be rebuilt from logs; a monitor has to read it at every block."
        "add the new value to the event";
    LACKS_AMOUNT "event-lacks-amount" Warning
        "A function moves money and no event of it tells how much."
        "Outflows cannot be measured from the contract's own logs."
        "add the amount";
    LACKS_TOKEN "event-lacks-token" Warning
        "A function moves one of several tokens and no event of it tells which."
        "An amount without its token has no value."
        "add the token's address, indexed";
    LACKS_RECIPIENT "event-lacks-recipient" Warning
        "A function moves money and no event of it tells to whom."
        "A payment to an attacker looks like one to a user."
        "add the recipient's address, indexed";
}

pub(super) static RULES: &[&Rule] = &[
    &SILENT_STATE_CHANGE,
    &EVENT_COVERAGE_UNKNOWN,
    &LACKS_CALLER,
    &LACKS_FUNCTION,
    &LACKS_INPUTS,
    &LACKS_RESULT,
    &LACKS_AMOUNT,
    &LACKS_TOKEN,
    &LACKS_RECIPIENT,
];

/// How an answer was found; what is higher is more certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Basis {
    /// From names in the interface alone: no more than a suspicion.
    Interface,
    /// From what the bytecode can reach.
    Bytecode,
    /// From the compiler's syntax tree.
    Source,
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Interface => "interface",
            Self::Bytecode => "bytecode",
            Self::Source => "source",
        })
    }
}

/// What was found about a function. Functions that write nothing are not listed at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It writes state and reaches an event.
    Emits,
    /// It writes state and reaches no event.
    Silent,
    /// It could not be decided, and why.
    Unknown(String),
}

/// What an investigator asks of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aspect {
    /// Who called?
    Caller,
    /// Which function?
    Function,
    /// With which inputs?
    Inputs,
    /// To which new state?
    Result,
    /// How much money?
    Amount,
    /// Of which token?
    Token,
    /// To whom?
    Recipient,
}

impl Aspect {
    /// All, in the order of the table.
    pub const ALL: [Self; 7] = [
        Self::Caller,
        Self::Function,
        Self::Inputs,
        Self::Result,
        Self::Amount,
        Self::Token,
        Self::Recipient,
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Function => "function",
            Self::Inputs => "inputs",
            Self::Result => "result",
            Self::Amount => "amount",
            Self::Token => "token",
            Self::Recipient => "recipient",
        }
    }

    fn rule(self) -> &'static Rule {
        match self {
            Self::Caller => &LACKS_CALLER,
            Self::Function => &LACKS_FUNCTION,
            Self::Inputs => &LACKS_INPUTS,
            Self::Result => &LACKS_RESULT,
            Self::Amount => &LACKS_AMOUNT,
            Self::Token => &LACKS_TOKEN,
            Self::Recipient => &LACKS_RECIPIENT,
        }
    }
}

/// Whether the events of a function answer a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// They do.
    Told,
    /// They do not; with what is missing, where that can be named.
    Missing(String),
    /// It cannot be seen from here.
    Unseen,
    /// The question does not arise: no inputs, no money.
    NotAsked,
}

/// One function that was judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Contract and function.
    pub place: Place,
    /// First four bytes of its signature's hash; none for `receive` and `fallback`.
    pub selector: Option<[u8; 4]>,
    /// How it was judged.
    pub basis: Basis,
    /// What was found.
    pub verdict: Verdict,
    /// Events it can reach, as in the source; a topic where the event is not known.
    pub events: Vec<String>,
    /// What those tell, in the order of [`Aspect::ALL`].
    pub answers: [Answer; 7],
}

impl Function {
    /// How many questions are answered, of how many that arise and can be seen.
    pub fn score(&self) -> (usize, usize) {
        let told = self.answers.iter().filter(|answer| **answer == Answer::Told).count();
        let missing = self.answers.iter().filter(|a| matches!(a, Answer::Missing(_))).count();
        (told, told + missing)
    }

    /// What is missing, in words.
    pub fn missing(&self) -> Vec<&'static str> {
        let all = Aspect::ALL.iter().zip(&self.answers);
        let missing = all.filter(|(_, answer)| matches!(answer, Answer::Missing(_)));
        missing.map(|(aspect, _)| aspect.as_str()).collect()
    }
}

/// No answer to anything, as when there is no event to ask.
fn unseen() -> [Answer; 7] {
    std::array::from_fn(|_| Answer::Unseen)
}

/// All functions that were judged, and what is wrong with them.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    /// Functions that write state, or may.
    pub functions: Vec<Function>,
    /// What is wrong.
    pub report: Report,
}

/// Judges all contracts.
pub fn check(builds: &Builds) -> Coverage {
    let (functions, left_out) = builds.judge();
    let mut report = Report { judged: functions.len(), left_out, ..Report::default() };
    for function in &functions {
        diagnose(function, &mut report);
    }
    report.diagnostics.extend(without_any_event(&functions));
    report.sort();
    Coverage { functions, report }
}

/// Most functions that one finding names.
const FUNCTIONS_NAMED_MAX: usize = 12;

const INTERFACE_NOTE: &str = "judged from the interface alone: no more than a suspicion";

fn basis_note(basis: Basis) -> Option<&'static str> {
    match basis {
        Basis::Source => None,
        Basis::Bytecode => Some("judged from bytecode: what only a guard writes counts as a write"),
        Basis::Interface => Some(INTERFACE_NOTE),
    }
}

fn diagnose(function: &Function, report: &mut Report) {
    let name = function.place.subject();
    let selector = function.selector.map(hex::encode_prefixed);
    let place = || Place { selector: selector.clone(), ..function.place.clone() };
    let basis = basis_note(function.basis);
    let mut tell = |mut found: Diagnostic| {
        found.notes.extend(basis.map(str::to_owned));
        report.diagnostics.push(found.at(place()));
    };
    match &function.verdict {
        // Said once for the interface, see `without_any_event`.
        Verdict::Silent if function.basis == Basis::Interface => {}
        Verdict::Silent => {
            let message = format!("{name} writes state without an event");
            tell(Diagnostic::new(&SILENT_STATE_CHANGE, message));
        }
        Verdict::Unknown(why) => {
            // That an interface alone cannot tell is said once for the table, not once a function.
            if function.basis != Basis::Interface {
                let message = format!("{name} may write state without an event");
                tell(Diagnostic::new(&EVENT_COVERAGE_UNKNOWN, message).with_note(why.clone()));
            }
        }
        Verdict::Emits => {
            for (aspect, answer) in Aspect::ALL.iter().zip(&function.answers) {
                let Answer::Missing(what) = answer else { continue };
                let message = format!("{name}: its events do not tell {what}");
                let events = format!("it reaches {}", function.events.join(", "));
                let mut found = Diagnostic::new(aspect.rule(), message).with_note(events);
                if function.basis == Basis::Interface {
                    found.severity = Severity::Note;
                }
                tell(found);
            }
        }
    }
}

/// Interfaces with functions that may write and with no event: one finding each, because it is one
/// omission, and an interface that somebody wrote down for its functions alone is no more than that.
fn without_any_event(functions: &[Function]) -> Vec<Diagnostic> {
    let is_bare = |f: &&Function| f.basis == Basis::Interface && f.verdict == Verdict::Silent;
    let mut of_interface: BTreeMap<Place, Vec<&str>> = BTreeMap::new();
    for function in functions.iter().filter(is_bare) {
        let whole = Place { line: None, item: None, ..function.place.clone() };
        let signature = function.place.item.as_deref().unwrap_or_default();
        of_interface.entry(whole).or_default().push(signature);
    }
    let finding = |(place, named): (Place, Vec<&str>)| {
        let message = format!("the interface of {} has no event at all", place.subject());
        let (shown, rest) = named.split_at(named.len().min(FUNCTIONS_NAMED_MAX));
        let more =
            if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
        Diagnostic::new(&SILENT_STATE_CHANGE, message)
            .with_severity(Severity::Warning)
            .with_note(format!("these may write state: {}{more}", shown.join(", ")))
            .with_note(INTERFACE_NOTE)
            .with_help("give its events with it, or the artefact it was made from")
            .at(place)
    };
    of_interface.into_iter().map(finding).collect()
}
