//! Laws that hold for every night.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_alert::{
    life::{Deed, Stage, Truth},
    pager::{Input, Message, MessageId, MessageKind, News, Pager, Stored},
};
use model::{AlertId, Severity, UnixMillis};
use proptest::prelude::*;

use super::night::{Night, START_MS, facts, id, plan, silence};
use crate::play::name;

/// One thing that happens.
#[derive(Debug, Clone)]
enum Happening {
    Alert { number: u8, severity: usize, findings: u64 },
    Truth { number: u8, truth: usize },
    Said { number: u8, who: usize, deed: usize },
    Silence { number: u8, two: bool, hours: i64 },
    Arrives { which: usize },
    Fails { which: usize },
    Passes { s: i64 },
}

fn happening() -> impl Strategy<Value = Happening> {
    let number = 1..6u8;
    prop_oneof![
        4 => (number.clone(), 0..5usize, 1..9u64).prop_map(|(number, severity, findings)| {
            Happening::Alert { number, severity, findings }
        }),
        3 => (number.clone(), 0..4usize).prop_map(|(number, truth)| Happening::Truth { number, truth }),
        3 => (number.clone(), 0..3usize, 0..5usize)
            .prop_map(|(number, who, deed)| Happening::Said { number, who, deed }),
        1 => (number, any::<bool>(), 1..3i64)
            .prop_map(|(number, two, hours)| Happening::Silence { number, two, hours }),
        2 => (0..6usize).prop_map(|which| Happening::Arrives { which }),
        2 => (0..6usize).prop_map(|which| Happening::Fails { which }),
        6 => prop_oneof![1..40i64, 100..1_000i64, 3_000..9_000i64]
            .prop_map(|s| Happening::Passes { s }),
    ]
}

/// Lets a night happen; `Night` itself checks that a restored pager decides the same.
fn live(happenings: &[Happening]) -> Night {
    let mut night = Night::new(plan());
    night.without_receipts();
    let mut now_s = 0;
    for (at, happening) in happenings.iter().enumerate() {
        match happening {
            Happening::Alert { number, severity, findings } => {
                let severity = Severity::ALL[*severity];
                if night.pager.card(id(*number)).is_some() {
                    night.change(*number, |facts| {
                        facts.severity = severity;
                        facts.findings += findings;
                    });
                } else {
                    night.alert(facts(*number, severity));
                }
            }
            Happening::Truth { number, truth } if night.pager.card(id(*number)).is_some() => {
                let all = [Truth::Provisional, Truth::Confirmed, Truth::Ended, Truth::Retracted];
                night.change(*number, |facts| facts.truth = all[*truth]);
            }
            Happening::Said { number, who, deed } => {
                let incident = "i-1".to_owned();
                let deed = match deed {
                    0 => Deed::Acknowledge,
                    1 => Deed::Promote { incident },
                    2 => Deed::Resolve,
                    3 => Deed::Benign,
                    _ => Deed::Reopen,
                };
                night.says(["ann", "bob", "cy"][*who], *number, deed);
            }
            Happening::Silence { number, two, hours } => {
                let signed: &[&str] = if *two { &["ann", "bob"] } else { &["ann"] };
                let mut silence =
                    silence(&format!("s-{at}"), &format!("alert={number}"), signed, 1);
                silence.from = night.now();
                silence.until = night.now().plus(hours * 3_600_000);
                night.apply(Input::Silence(silence));
            }
            Happening::Arrives { which } | Happening::Fails { which } => {
                let recent = night.outbox.iter().rev().nth(*which);
                let Some(Message { id, to, .. }) = recent.cloned() else { continue };
                night.apply(match happening {
                    Happening::Arrives { .. } => Input::Delivered { message: id },
                    _ => Input::Failed { message: id, whom: to, error: "no".to_owned() },
                });
            }
            Happening::Passes { s } => {
                now_s += s;
                night.at(now_s);
            }
            Happening::Truth { .. } => {}
        }
    }
    night
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// No two messages have one id, and whoever was told that an alert stands hears when it is void.
    #[test]
    fn every_message_is_its_own_and_every_retraction_reaches_whoever_was_told(
        happenings in proptest::collection::vec(happening(), 1..40),
    ) {
        let mut night = live(&happenings);
        let now_s = (night.now().0 - START_MS) / 1_000;
        night.at(now_s + 1_000);
        let mut ids: BTreeSet<MessageId> = BTreeSet::new();
        for message in &night.outbox {
            prop_assert!(ids.insert(message.id), "{message:?}");
        }
        let mut last: BTreeMap<(AlertId, String), News> = BTreeMap::new();
        for message in &night.outbox {
            for line in &message.lines {
                last.insert((line.alert, message.to.to_string()), line.news);
            }
        }
        for ((alert, whom), news) in last {
            let stage = night.pager.card(alert).unwrap().life().stage();
            if stage == Stage::Retracted {
                prop_assert!(
                    matches!(news, News::Void | News::Over(_)),
                    "{alert} is void, and {whom} heard {news:?} last"
                );
            }
        }
    }

    /// A critical alert that waits for somebody and that two people did not hide is being called
    /// for, and every page is about something that waited for somebody.
    #[test]
    fn what_is_critical_and_unattended_is_called_for(
        happenings in proptest::collection::vec(happening(), 1..40),
    ) {
        let mut night = live(&happenings);
        let now_s = (night.now().0 - START_MS) / 1_000;
        night.at(now_s + 11);
        for card in night.pager.cards() {
            let is_unattended = card.life().stage().is_unattended();
            if !is_unattended || card.facts().severity != Severity::Critical {
                continue;
            }
            let labels = &card.facts().labels;
            let is_hidden = night.pager.silences().any(|silence| {
                silence.signed.len() >= 2
                    && silence.is_active(night.now())
                    && silence.matchers.iter().all(|matcher| matcher.matches(labels))
            });
            let is_called = card
                .groups()
                .any(|group| night.pager.group(group).is_some_and(|group| group.is_escalating()));
            prop_assert!(is_called || is_hidden, "{card:?}");
        }
    }

    /// The process may die between deciding and storing, and between sending and noting that it was
    /// sent: what was decided again has the same ids, and nothing stored is lost.
    #[test]
    fn every_message_is_sent_at_least_once_and_under_one_identity_whenever_the_process_dies(
        inputs in proptest::collection::vec((1..6u8, 0..5usize, 0..3usize, 1..400i64), 1..25),
        dies in proptest::collection::vec(0..4usize, 25),
    ) {
        let script: Vec<(Input, UnixMillis)> = script(&inputs);
        let calm = run(&script, &[]);
        let stormy = run(&script, &dies);
        prop_assert_eq!(&calm.0, &stormy.0, "the same messages are in the outbox");
        let sent: BTreeSet<MessageId> = stormy.1.iter().copied().collect();
        let decided: BTreeSet<MessageId> = stormy.0.keys().copied().collect();
        prop_assert_eq!(sent, decided, "each went out, and nothing else did");
    }
}

fn script(inputs: &[(u8, usize, usize, i64)]) -> Vec<(Input, UnixMillis)> {
    let mut now = START_MS;
    let mut script = Vec::new();
    for (number, severity, kind, pass_s) in inputs {
        now += pass_s * 1_000;
        let at = UnixMillis(now);
        let mut alert = facts(*number, Severity::ALL[*severity]);
        let input = match kind {
            0 => Input::Alert(alert),
            1 => {
                alert.truth = Truth::Retracted;
                Input::Alert(alert)
            }
            _ => Input::Said {
                alerts: vec![id(*number)],
                by: name("ann"),
                deed: Deed::Acknowledge,
                at,
                reason: String::new(),
            },
        };
        script.push((input, at));
        script.push((Input::Tick, at.plus(60_000)));
        now += 60_000;
    }
    script
}

/// Runs a script with a store and an outbox; at each input the process may die: 1 before storing, 2
/// after storing and before sending, 3 after sending and before noting it. What the outbox holds,
/// and what was put on the wire, in order.
fn run(
    script: &[(Input, UnixMillis)],
    dies: &[usize],
) -> (BTreeMap<MessageId, (String, MessageKind)>, Vec<MessageId>) {
    let plan = std::sync::Arc::new(plan());
    let mut store: BTreeMap<String, Stored> = BTreeMap::new();
    let mut outbox: BTreeMap<MessageId, (String, MessageKind)> = BTreeMap::new();
    let mut undelivered: BTreeSet<MessageId> = BTreeSet::new();
    let mut wire = Vec::new();
    let mut pager = Pager::new(plan.clone());
    for (at, (input, now)) in script.iter().enumerate() {
        let dies = dies.get(at).copied().unwrap_or(0);
        let mut outcome = pager.apply(input.clone(), *now);
        if dies == 1 {
            // Nothing was stored: the input comes again.
            pager = Pager::restore(plan.clone(), store.values().cloned()).unwrap();
            outcome = pager.apply(input.clone(), *now);
        }
        for row in outcome.rows {
            store.insert(row.key().to_string(), row.stored());
        }
        for key in outcome.gone {
            store.remove(&key.to_string());
        }
        for message in outcome.messages {
            undelivered.insert(message.id);
            outbox.insert(message.id, (message.to.to_string(), message.kind));
        }
        if dies >= 2 {
            if dies == 3 {
                wire.extend(&undelivered);
            }
            pager = Pager::restore(plan.clone(), store.values().cloned()).unwrap();
        }
        wire.extend(std::mem::take(&mut undelivered));
    }
    (outbox, wire)
}
