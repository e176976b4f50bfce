//! From an interface alone: what its events could tell. No more than a suspicion, and said so.

use super::{
    Answer, Basis, Function, Verdict,
    score::{Emit, Facts, Payment, answers},
    unseen,
};
use crate::lint::{
    Place,
    interface::{self, Event, Surface},
};

/// Verbs of functions that move money.
const MONEY_VERBS: &[&str] = &[
    "deposit",
    "withdraw",
    "redeem",
    "mint",
    "burn",
    "borrow",
    "repay",
    "swap",
    "liquidate",
    "transfer",
    "claim",
    "stake",
    "unstake",
    "sweep",
    "pay",
    "fund",
    "release",
    "bridge",
];

/// Words of a name: `setFeeRate` is set, fee, rate.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut was_lower = false;
    for c in name.chars() {
        if c == '_' {
            was_lower = false;
            words.push(String::new());
            continue;
        }
        if words.is_empty() || (c.is_ascii_uppercase() && was_lower) {
            words.push(String::new());
        }
        was_lower = !c.is_ascii_uppercase();
        if let Some(last) = words.last_mut() {
            last.push(c.to_ascii_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Words that say nothing of what a function is about.
const EMPTY_WORDS: &[&str] =
    &["set", "update", "change", "new", "on", "is", "the", "to", "of", "for", "in"];

/// Shortest beginning that two words must share to be of one stem: deposit, Deposited.
const STEM_LEN_MIN: usize = 3;

fn is_alike(a: &str, b: &str) -> bool {
    let shared = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let shorter = a.len().min(b.len());
    // `paused` and `pause`, `transferred` and `transfer`, `applied` and `apply`.
    shared >= STEM_LEN_MIN && shared + 1 >= shorter
}

/// The events that a function's name points to.
fn meant<'a>(function: &str, events: &'a [Event]) -> Vec<&'a Event> {
    let subject: Vec<String> =
        words(function).into_iter().filter(|word| !EMPTY_WORDS.contains(&word.as_str())).collect();
    let fits = |event: &&Event| {
        let of_event = words(&event.name);
        !subject.is_empty()
            && subject.iter().all(|word| of_event.iter().any(|other| is_alike(word, other)))
    };
    events.iter().filter(fits).collect()
}

pub(super) fn is_about_money(name: &str) -> bool {
    words(name).iter().any(|word| MONEY_VERBS.contains(&word.as_str()))
}

/// Judges the functions of an interface by their names.
pub(super) fn judge(surface: &Surface) -> Vec<Function> {
    let writes = |function: &&interface::Function| {
        function.mutability.is_none_or(|mutability| !mutability.is_reading())
    };
    surface.functions.iter().filter(writes).map(|function| of_function(surface, function)).collect()
}

fn of_function(surface: &Surface, function: &interface::Function) -> Function {
    let meant = meant(&function.name, &surface.events);
    let (verdict, answers) = if surface.events.is_empty() {
        (Verdict::Silent, unseen())
    } else if meant.is_empty() {
        let why = format!("no event of {} is called like it", surface.name);
        (Verdict::Unknown(why), unseen())
    } else {
        let emits = meant.iter().map(|event| Emit {
            event: Some((*event).clone()),
            origins: None,
            shown: event.to_string(),
        });
        let payments = is_about_money(&function.name).then(Payment::default).into_iter();
        let facts = Facts {
            emits: emits.collect(),
            inputs: function.inputs.clone(),
            payments: payments.collect(),
            has_own_event: true,
            ..Facts::default()
        };
        let mut answers = answers(&facts);
        // Several functions may share an event; names do not say.
        answers[1] = Answer::Unseen;
        (Verdict::Emits, answers)
    };
    Function {
        place: Place {
            line: function.line,
            ..Place::contract(&surface.file, &surface.name).item(&function.signature)
        },
        selector: Some(function.selector),
        basis: Basis::Interface,
        verdict,
        events: meant.iter().map(ToString::to_string).collect(),
        answers,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_points_to_the_events_of_its_stem() {
        let events = ["FeeSet", "Deposited", "RoleGranted", "OwnershipTransferred", "Paused"]
            .map(|name| Event::new(name, Vec::new(), false));
        let names = |function| -> Vec<String> {
            meant(function, &events).iter().map(|event| event.name.clone()).collect()
        };
        assert_eq!(names("setFee"), ["FeeSet"]);
        assert_eq!(names("deposit"), ["Deposited"]);
        assert_eq!(names("grantRole"), ["RoleGranted"]);
        assert_eq!(names("transferOwnership"), ["OwnershipTransferred"]);
        assert_eq!(names("pause"), ["Paused"]);
        assert_eq!(names("set"), [""; 0]);
        assert_eq!(names("withdraw"), [""; 0]);
    }
}
