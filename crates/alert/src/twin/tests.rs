//! What becomes of one message, case by case; `tests/it/pager/twins.rs` plays two whole pagers.

use model::{AlertId, NotificationKind, Severity};

use super::*;
use crate::pager::Whom;

const NOON: UnixMillis = UnixMillis(1_800_000_000_000);

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn at(s: i64) -> UnixMillis {
    NOON.plus(s * 1_000)
}

fn word(kind: NotificationKind, severity: Severity, sequence: u32) -> Word {
    let whom = Whom::person(&name("ann"), &name("voice"));
    Word { whom, alert: AlertId([1; 16]), kind, severity, sequence }
}

fn opened() -> Word {
    word(NotificationKind::Opened, Severity::Critical, 0)
}

fn told(word: Word, s: i64) -> (Name, Spoken) {
    (name("other"), Spoken { word, at: at(s), receipt: Some("250 ok".to_owned()) })
}

fn other(is_first: bool, hearing: Hearing) -> [Other; 1] {
    [Other { name: name("other"), is_first, hold_ms: 15_000, hearing }]
}

fn heard(s: i64) -> Hearing {
    Hearing::Heard { at: at(s), blind: vec![10] }
}

/// A message of one word decided at noon about chain 1, looked at so many seconds later.
fn decided(word: &Word, others: &[Other], spoken: &[(Name, Spoken)], s: i64) -> Decision {
    let words = [word.clone()];
    let message = Waiting { words: &words, chains: &[1], decided_at: NOON };
    decide(&message, others, spoken, at(s))
}

fn hold(s: i64) -> Decision {
    Decision::Hold { twin: name("other"), until: at(s) }
}

#[test]
fn alone_or_first_it_speaks_at_once_and_second_after_the_time_that_is_named() {
    let now = |others: &[Other]| decided(&opened(), others, &[], 0);
    assert_eq!(now(&[]), Decision::Send(Because::First));
    assert_eq!(now(&other(false, heard(-1))), Decision::Send(Because::First));
    assert_eq!(now(&other(true, heard(-1))), hold(15));
    let unasked = decided(&opened(), &other(true, heard(14)), &[], 15);
    assert_eq!(unasked, hold(20), "its next word decides");
    let later = decided(&opened(), &other(true, heard(15)), &[], 15);
    assert_eq!(later, Decision::Send(Because::NotTold { twin: name("other") }));
}

#[test]
fn whoever_cannot_be_relied_on_is_not_waited_for() {
    let because = |hearing| match decided(&opened(), &other(true, hearing), &[], 1) {
        Decision::Send(because) => because.to_string(),
        decision => panic!("{decision:?}"),
    };
    let told = [
        because(heard(-5)),
        because(Hearing::Heard { at: at(0), blind: vec![10, 1] }),
        because(Hearing::NotBelieved { why: "this key did not sign it".to_owned() }),
        because(Hearing::NotYet { since: at(-5) }),
    ];
    assert_eq!(
        told,
        [
            "the twin other fell silent",
            "the twin other does not see chain 1 at the moment",
            "what the twin other says is not believed: this key did not sign it",
            "the twin other was never heard",
        ]
    );
}

#[test]
fn whoever_starts_asks_before_it_speaks_also_when_it_speaks_first() {
    let asking = other(false, Hearing::NotYet { since: NOON });
    assert_eq!(decided(&opened(), &asking, &[], 0), hold(6));
    let sent = decided(&opened(), &asking, &[], 6);
    assert!(matches!(sent, Decision::Send(Because::Silent { since: None, .. })), "{sent:?}");
}

#[test]
fn what_the_other_told_is_not_told_again_whoever_speaks_first_and_even_if_it_is_gone_now() {
    let spoken = [told(opened(), -4_000)];
    for hearing in [heard(0), heard(-3_000), Hearing::NotYet { since: NOON }] {
        for is_first in [true, false] {
            let decision = decided(&opened(), &other(is_first, hearing.clone()), &spoken, 0);
            assert!(matches!(decision, Decision::Told { .. }), "{decision:?}");
        }
    }
    assert_eq!(decided(&opened(), &[], &spoken, 0), Decision::Send(Because::First), "no twin now");
}

#[test]
fn a_call_that_still_rings_there_is_waited_for_while_it_is_heard() {
    let (name, spoken) = told(opened(), 2);
    let ringing = [(name.clone(), Spoken { receipt: None, ..spoken })];
    assert_eq!(decided(&opened(), &other(true, heard(19)), &ringing, 20), hold(26));
    let silent = decided(&opened(), &other(true, heard(13)), &ringing, 20);
    assert!(matches!(silent, Decision::Send(Because::Silent { .. })), "{silent:?}");
    let by_second = decided(&opened(), &other(false, heard(19)), &ringing, 20);
    assert_eq!(by_second, hold(26), "the first does not interrupt the second");
    let for_ever = decided(&opened(), &other(true, heard(90)), &ringing, 90);
    assert_eq!(for_ever, Decision::Send(Because::NotTold { twin: name }));
}

#[test]
fn less_bad_older_and_other_words_do_not_say_the_same() {
    use NotificationKind::{Closed, Confirmed, Opened, Retracted, Updated};
    use Severity::{Critical, High};
    let says = |theirs: Word, s: i64, ours: Word| ours.is_said_by(&told(theirs, s).1, NOON);
    let said =
        |theirs: (NotificationKind, Severity, u32), s, ours: (NotificationKind, Severity, u32)| {
            says(word(theirs.0, theirs.1, theirs.2), s, word(ours.0, ours.1, ours.2))
        };
    assert!(said((Opened, High, 0), -90_000, (Opened, High, 0)));
    assert!(!said((Opened, High, 0), 0, (Opened, Critical, 0)), "it is worse than was told");
    assert!(!said((Opened, High, 0), -90_000, (Opened, High, 2)), "it began again since");
    assert!(said((Opened, Critical, 0), 1, (Updated, Critical, 1)), "who lagged said both at once");
    assert!(
        !said((Updated, High, 3), -3_600, (Updated, High, 3)),
        "an hour ago is no reminder now"
    );
    assert!(said((Updated, High, 3), -599, (Updated, High, 3)));
    assert!(said((Updated, High, 4), -59, (Updated, High, 3)), "numbers may come apart");
    assert!(!said((Opened, Critical, 0), 0, (Confirmed, Critical, 1)));
    assert!(said((Retracted, High, 1), -90_000, (Retracted, High, 1)));
    assert!(!said((Updated, High, 1), 0, (Retracted, High, 1)));
    assert!(!said((Retracted, High, 1), 0, (Closed, High, 1)));
    let elsewhere = Word { alert: AlertId([2; 16]), ..opened() };
    let to_others = Word { whom: Whom::readers(&name("voice")), ..opened() };
    assert!(!says(elsewhere, 0, opened()) && !says(to_others, 0, opened()));
}

#[test]
fn a_message_is_told_when_all_of_its_words_are() {
    let second = Word { alert: AlertId([2; 16]), ..opened() };
    let words = [opened(), second.clone()];
    let message = Waiting { words: &words, chains: &[1], decided_at: NOON };
    let others = other(true, heard(0));
    let one = decide(&message, &others, &[told(opened(), 1)], at(2));
    assert_eq!(one, hold(15));
    let both = decide(&message, &others, &[told(opened(), 1), told(second, 2)], at(2));
    let receipt = "250 ok".to_owned();
    assert_eq!(both, Decision::Told { twin: name("other"), at: at(2), receipt });
}
