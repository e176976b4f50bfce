//! Two pagers with nothing in common but an exchange, on one virtual clock.

use std::{collections::BTreeMap, sync::Arc};

use bellwether_alert::{
    life::Deed,
    pager::{Input, Message, MessageKind, Pager},
    plan::Plan,
    route::{Branch, GroupBy, Tree},
    twin::{Decision, HOLD_S_DEFAULT, Hearing, Other, SILENT_S, Spoken, Waiting, Word, decide},
};
use model::{AlertId, Name, NotificationKind, Severity, UnixMillis};
use proptest::prelude::*;

use super::night::{self, START_MS, facts, id};
use crate::play::name;

/// Time between two exchanges.
const EXCHANGE_S: i64 = 2;

/// How long a receiver takes to answer.
const DELIVERY_S: i64 = 1;

/// The longest that a dead or cut-off twin keeps a message from people: until it counts as silent,
/// and the receiver's answer.
const LIMIT_S: i64 = SILENT_S as i64 + 2 * DELIVERY_S + 1;

/// The acme team's plan, with calls for each alert of its own.
fn plan() -> Plan {
    let mut root = Branch::new(name("all"));
    root.receivers = Some(vec![name("chat")]);
    root.group_by = Some(GroupBy::Alert);
    root.escalation = Some(name("acme"));
    Plan { tree: Tree::new(root).unwrap(), ..night::plan() }
}

/// A message on its way.
struct Item {
    message: Message,
    words: Vec<Word>,
    /// When its attempt began.
    taken_at: Option<i64>,
}

/// One installation.
struct Node {
    name: Name,
    is_first: bool,
    pager: Pager,
    is_alive: bool,
    started_s: i64,
    heard_s: Option<i64>,
    /// What it does not know yet: when it sees it, and what.
    ahead: Vec<(i64, Input)>,
    outbox: Vec<Item>,
    /// What it told, and what the other did.
    told: Vec<Spoken>,
    known: Vec<(Name, Spoken)>,
    /// What people said here that the other does not know.
    said: Vec<Input>,
}

impl Node {
    fn new(label: &str, is_first: bool) -> Self {
        Self {
            name: name(label),
            is_first,
            pager: Pager::new(Arc::new(plan())),
            is_alive: true,
            started_s: -100,
            heard_s: Some(0),
            ahead: Vec::new(),
            outbox: Vec::new(),
            told: Vec::new(),
            known: Vec::new(),
            said: Vec::new(),
        }
    }
}

/// What people heard: when, from which node, in which form, which words.
type Heard = (i64, usize, MessageKind, Vec<Word>);

struct World {
    nodes: [Node; 2],
    is_joined: bool,
    now_s: i64,
    heard: Vec<Heard>,
}

fn at(s: i64) -> UnixMillis {
    UnixMillis(START_MS + s * 1_000)
}

impl World {
    fn new() -> Self {
        let nodes = [Node::new("first", true), Node::new("second", false)];
        Self { nodes, is_joined: true, now_s: 0, heard: Vec::new() }
    }

    /// An alert that each node sees after its own lag; `None`: never.
    fn alert(&mut self, number: u8, severity: Severity, lags: [Option<i64>; 2]) -> &mut Self {
        for (node, lag) in self.nodes.iter_mut().zip(lags) {
            let input = lag.map(|lag| (self.now_s + lag, Input::Alert(facts(number, severity))));
            node.ahead.extend(input);
        }
        self
    }

    fn says(&mut self, node: usize, number: u8, by: &str, deed: Deed) -> &mut Self {
        let said = Input::Said {
            alerts: vec![id(number)],
            by: name(by),
            deed,
            at: at(self.now_s),
            reason: "on it".to_owned(),
        };
        self.nodes[node].ahead.push((self.now_s, said.clone()));
        self.nodes[node].said.push(said);
        self
    }

    fn kill(&mut self, node: usize) -> &mut Self {
        self.nodes[node].is_alive = false;
        // What was being delivered is not on record; it is delivered again.
        self.nodes[node].outbox.iter_mut().for_each(|item| item.taken_at = None);
        self
    }

    fn start(&mut self, node: usize) -> &mut Self {
        let now_s = self.now_s;
        let node = &mut self.nodes[node];
        if !node.is_alive {
            (node.is_alive, node.started_s, node.heard_s) = (true, now_s, None);
        }
        self
    }

    fn passes(&mut self, s: i64) -> &mut Self {
        for _ in 0..s {
            self.second();
            self.now_s += 1;
        }
        self
    }

    fn second(&mut self) {
        for node in 0..2 {
            self.advance(node);
        }
        if self.now_s % EXCHANGE_S == 0 {
            self.exchange();
        }
        for node in 0..2 {
            // What one begins or ends to deliver, it tells at once.
            if self.deliver(node) {
                self.exchange();
            }
        }
    }

    fn advance(&mut self, at_node: usize) {
        let now_s = self.now_s;
        let node = &mut self.nodes[at_node];
        if !node.is_alive {
            return;
        }
        let (due, later): (Vec<_>, Vec<_>) =
            node.ahead.drain(..).partition(|(seen_s, _)| *seen_s <= now_s);
        node.ahead = later;
        let mut inputs: Vec<Input> = Vec::new();
        for (_, input) in due {
            let is_known = match &input {
                Input::Said { alerts, .. } => {
                    let in_batch = |id: &AlertId| {
                        inputs.iter().any(|i| matches!(i, Input::Alert(f) if f.alert == *id))
                    };
                    alerts.iter().any(|id| node.pager.card(*id).is_some() || in_batch(id))
                }
                _ => true,
            };
            // Word about an alert that was not seen here yet waits for it.
            match is_known {
                true => inputs.push(input),
                false => node.ahead.push((now_s + 1, input)),
            }
        }
        inputs.push(Input::Tick);
        let (outcome, _) = node.pager.apply_all(inputs, at(now_s));
        for message in outcome.messages {
            let words = message.words().collect();
            node.outbox.push(Item { message, words, taken_at: None });
        }
        // Nobody needs to be called any more for a group that is not escalating.
        let ended: Vec<_> = outcome
            .rulings
            .iter()
            .filter(|r| r.verdict == bellwether_alert::pager::Verdict::Ended)
            .filter_map(|r| r.group)
            .collect();
        node.outbox.retain(|item| {
            let is_needless = item.message.group.is_some_and(|group| ended.contains(&group));
            !(is_needless && item.message.kind == MessageKind::Page && item.taken_at.is_none())
        });
    }

    fn exchange(&mut self) {
        if !self.is_joined || self.nodes.iter().any(|node| !node.is_alive) {
            return;
        }
        let now_s = self.now_s;
        for (from, to) in [(0, 1), (1, 0)] {
            let under_way = self.nodes[from].outbox.iter().filter_map(|item| {
                let taken_at = at(item.taken_at?);
                Some(item.words.iter().map(move |word| Spoken {
                    word: word.clone(),
                    at: taken_at,
                    receipt: None,
                }))
            });
            let mut spoken: Vec<Spoken> = under_way.flatten().collect();
            spoken.extend(self.nodes[from].told.iter().cloned());
            let who = self.nodes[from].name.clone();
            let said = std::mem::take(&mut self.nodes[from].said);
            let node = &mut self.nodes[to];
            node.known = spoken.into_iter().map(|spoken| (who.clone(), spoken)).collect();
            node.ahead.extend(said.into_iter().map(|said| (now_s, said)));
            node.heard_s = Some(now_s);
        }
    }

    /// Sends what may be sent; whether anything began or ended.
    fn deliver(&mut self, at_node: usize) -> bool {
        let (now_s, other_name) = (self.now_s, self.nodes[1 - at_node].name.clone());
        let node = &mut self.nodes[at_node];
        if !node.is_alive {
            return false;
        }
        let hearing = match node.heard_s {
            Some(heard_s) => Hearing::Heard { at: at(heard_s), blind: Vec::new() },
            None => Hearing::NotYet { since: at(node.started_s) },
        };
        let hold_ms = HOLD_S_DEFAULT * 1_000;
        let other = [Other { name: other_name, is_first: !node.is_first, hold_ms, hearing }];
        let (mut delivered, mut kept, mut has_begun) = (Vec::new(), Vec::new(), false);
        for mut item in node.outbox.drain(..) {
            if let Some(taken_at) = item.taken_at {
                match now_s - taken_at >= DELIVERY_S {
                    true => delivered.push(item),
                    false => kept.push(item),
                }
                continue;
            }
            let decided_at = item.message.at;
            let message = Waiting { words: &item.words, chains: &[1], decided_at };
            match decide(&message, &other, &node.known, at(now_s)) {
                Decision::Send(_) => {
                    item.taken_at = Some(now_s);
                    has_begun = true;
                    kept.push(item);
                }
                Decision::Hold { .. } => kept.push(item),
                // A page that the other delivered counts as delivered.
                Decision::Told { .. } => {
                    let message = item.message.id;
                    node.ahead.push((now_s, Input::Delivered { message }));
                }
            }
        }
        node.outbox = kept;
        let has_ended = !delivered.is_empty();
        for Item { message, words, .. } in delivered {
            node.ahead.push((now_s, Input::Delivered { message: message.id }));
            let spoken = |word: &Word| Spoken {
                word: word.clone(),
                at: at(now_s),
                receipt: Some("ok".to_owned()),
            };
            node.told.extend(words.iter().map(spoken));
            self.heard.push((now_s, at_node, message.kind, words));
        }
        has_begun || has_ended
    }

    /// How often people heard each word.
    fn counts(&self) -> BTreeMap<(String, AlertId, &'static str, u32), usize> {
        let mut counts = BTreeMap::new();
        for word in self.heard.iter().flat_map(|(.., words)| words) {
            let key = (word.whom.to_string(), word.alert, word.kind.as_str(), word.sequence);
            *counts.entry(key).or_default() += 1;
        }
        counts
    }

    fn assert_once(&self) {
        for (word, count) in self.counts() {
            assert_eq!(count, 1, "{word:?} in {:?}", self.heard);
        }
    }

    /// When somebody was first told of an alert in this form.
    fn first(&self, number: u8, kind: MessageKind) -> Option<(i64, usize)> {
        let about = |words: &[Word]| {
            words.iter().any(|w| w.alert == id(number) && w.kind == NotificationKind::Opened)
        };
        let mut heard = self.heard.iter().filter(|(_, _, k, words)| *k == kind && about(words));
        heard.next().map(|(at_s, node, ..)| (*at_s, *node))
    }
}

const BOTH: [Option<i64>; 2] = [Some(0), Some(0)];

#[test]
fn both_up_and_connected_people_hear_everything_once_for_hours() {
    let mut world = World::new();
    world.alert(1, Severity::Critical, BOTH).passes(400);
    world.alert(2, Severity::Medium, BOTH).alert(3, Severity::High, BOTH).passes(3_600);
    world.says(1, 1, "ann", Deed::Acknowledge).says(1, 3, "ann", Deed::Acknowledge).passes(7_200);
    world.assert_once();
    let from_second = world.heard.iter().filter(|(_, node, ..)| *node == 1).count();
    assert_eq!(from_second, 0, "the first speaks: {:?}", world.heard);
    assert!(world.counts().len() > 10, "reminders and rounds of calls were told");
}

#[test]
fn whoever_sees_it_later_says_nothing_of_it_again() {
    for lags in [[0, 1], [0, 9], [0, 40], [1, 0], [9, 0], [14, 0], [25, 0]] {
        let mut world = World::new();
        world.alert(1, Severity::Critical, lags.map(Some)).passes(100);
        world.assert_once();
        assert!(world.first(1, MessageKind::Page).is_some(), "{lags:?}");
    }
}

#[test]
fn what_only_one_sees_is_told_by_that_one() {
    for (lags, by, by_s) in
        [([Some(0), None], 0, 2), ([None, Some(0)], 1, HOLD_S_DEFAULT as i64 + 2)]
    {
        let mut world = World::new();
        world.alert(1, Severity::Critical, lags).passes(60);
        let (at_s, node) = world.first(1, MessageKind::Page).unwrap();
        assert!(node == by && at_s <= by_s, "{lags:?}: at {at_s} by {node}");
        world.assert_once();
    }
}

#[test]
fn the_first_dies_at_any_second_and_the_second_speaks_within_the_limit() {
    for dies_s in 0..25 {
        let mut world = World::new();
        world.passes(10).alert(1, Severity::Critical, BOTH);
        world.passes(dies_s).kill(0).passes(40);
        let (at_s, _) = world.first(1, MessageKind::Page).unwrap();
        assert!(
            at_s <= 10 + HOLD_S_DEFAULT as i64 + LIMIT_S,
            "died at {dies_s}: {:?}",
            world.heard
        );
        // Alerts of afterwards wait for nobody.
        world.alert(2, Severity::Critical, [None, Some(0)]);
        let began_s = world.now_s;
        world.passes(5);
        assert!(world.first(2, MessageKind::Page).unwrap().0 <= began_s + DELIVERY_S + 1);
    }
}

#[test]
fn while_they_cannot_hear_each_other_both_speak_and_afterwards_one() {
    let mut world = World::new();
    world.passes(10).is_joined = false;
    world.passes(10).alert(1, Severity::Critical, BOTH).passes(20);
    let nodes: Vec<usize> = world.heard.iter().map(|(_, node, ..)| *node).collect();
    assert!(nodes.contains(&0) && nodes.contains(&1), "{nodes:?}");
    world.is_joined = true;
    world.passes(100);
    let before = world.heard.len();
    world.alert(2, Severity::Critical, BOTH).passes(60);
    let about = |word: &&Word| word.alert == id(2) && word.kind == NotificationKind::Opened;
    let heard = world.heard[before..].iter().flat_map(|(.., words)| words).filter(about);
    let mut whom: Vec<String> = heard.map(|word| word.whom.to_string()).collect();
    let all = whom.len();
    whom.sort_unstable();
    whom.dedup();
    assert_eq!(whom.len(), all, "once each: {whom:?}");
}

#[test]
fn whoever_comes_back_does_not_tell_what_was_told_meanwhile() {
    let mut world = World::new();
    world.passes(10).kill(0).passes(10).alert(1, Severity::Critical, BOTH).passes(60);
    assert_eq!(world.first(1, MessageKind::Page).unwrap().1, 1);
    world.start(0).passes(15);
    let opened = |word: &&Word| word.kind == NotificationKind::Opened;
    let by_first = world.heard.iter().filter(|(_, node, ..)| *node == 0);
    assert_eq!(by_first.flat_map(|(.., words)| words).filter(opened).count(), 0);
}

#[test]
fn who_said_on_it_at_one_side_is_called_by_neither() {
    for side in [0, 1] {
        let mut world = World::new();
        world.passes(10).alert(1, Severity::Critical, BOTH).passes(30);
        world.says(side, 1, "ann", Deed::Acknowledge).passes(4);
        let pages = |world: &World| {
            world.heard.iter().filter(|(_, _, kind, _)| *kind == MessageKind::Page).count()
        };
        let before = pages(&world);
        world.passes(7_200);
        assert_eq!(pages(&world), before, "said at node {side}");
        world.kill(0).passes(7_200);
        assert_eq!(pages(&world), before, "nor by the one that is left");
    }
}

#[derive(Debug, Clone)]
enum Happening {
    Alert { number: u8, lags: [Option<i64>; 2] },
    Kill(usize),
    Start(usize),
    Cut,
    Join,
    Passes(i64),
}

fn happening() -> impl Strategy<Value = Happening> {
    let lag = prop_oneof![3 => (0..30i64).prop_map(Some), 1 => Just(None)];
    prop_oneof![
        3 => (1..6u8, [lag.clone(), lag])
            .prop_map(|(number, lags)| Happening::Alert { number, lags }),
        2 => (0..2usize).prop_map(Happening::Kill),
        3 => (0..2usize).prop_map(Happening::Start),
        1 => Just(Happening::Cut),
        2 => Just(Happening::Join),
        6 => (1..40i64).prop_map(Happening::Passes),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_dies_or_is_cut_off_each_critical_alert_is_told_by_somebody(
        happenings in prop::collection::vec(happening(), 1..25),
        survivor in 0..2usize,
    ) {
        let mut world = World::new();
        for happening in &happenings {
            match happening {
                Happening::Alert { number, lags } => {
                    world.alert(*number, Severity::Critical, *lags);
                }
                Happening::Kill(node) => {
                    world.kill(*node);
                }
                Happening::Start(node) => {
                    world.start(*node);
                }
                Happening::Cut => world.is_joined = false,
                Happening::Join => world.is_joined = true,
                Happening::Passes(s) => {
                    world.passes(*s);
                }
            }
        }
        // In the end one of them lives, and has time.
        world.start(survivor).passes(120);
        for number in 1..6 {
            if world.nodes[survivor].pager.card(id(number)).is_none() {
                continue;
            }
            for kind in [MessageKind::Notice, MessageKind::Page] {
                let is_told = world.heard.iter().any(|(_, _, k, words)| {
                    *k == kind && words.iter().any(|word| word.alert == id(number))
                });
                prop_assert!(is_told, "no {kind:?} about {number}: {:?}", world.heard);
            }
        }
    }

    #[test]
    fn both_up_and_connected_each_word_is_told_once_whatever_the_lags(
        alerts in prop::collection::vec((1..9u8, 0..40i64, 0..40i64, 1..90i64), 1..8),
    ) {
        let mut world = World::new();
        for (number, first, second, passes) in alerts {
            let is_known = world.nodes.iter().any(|node| {
                let is_ahead = |(_, input): &(i64, Input)| {
                    matches!(input, Input::Alert(facts) if facts.alert == id(number))
                };
                node.pager.card(id(number)).is_some() || node.ahead.iter().any(is_ahead)
            });
            if !is_known {
                world.alert(number, Severity::Critical, [Some(first), Some(second)]);
            }
            world.passes(passes);
        }
        world.passes(60);
        let opened = world.counts().into_iter().filter(|((_, _, kind, _), _)| *kind == "opened");
        for (word, count) in opened {
            prop_assert_eq!(count, 1, "{:?}", word);
        }
    }
}
