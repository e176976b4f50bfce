//! Whatever fails — receivers that limit, break, hang or lie, a network that is cut for an hour, a
//! program that is killed at any moment — each critical alert is delivered at least once, under one
//! identity, to whom the policy names, the worst first, and the account says so.

mod network; // the other side, which fails as it is told
mod process; // the built program, killed

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use ::alert::{
    life::Truth,
    pager::Input,
    plan::{Channel, ChannelKind, Escalation, Person, Plan, Target},
    route::{Branch, GroupBy, Tree},
};
use bellwether::{
    notify::{Context, ReceiverConfig, Receivers, Worker},
    paging::{Desk, Inbox, facts},
};
use jiff::tz::TimeZone;
use model::{
    Alert, AlertId, AlertState, B256, BlockRef, Confidence, Evidence, Finding, FindingId,
    MessageForm, Name, NotificationState, Origin, Secret, Severity, Stage, UnixMillis, UnixSeconds,
};
use network::{Mood, Network, Taken};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use registry::Registry;
use store::{Audit, Store};
use tokio::sync::watch;

use crate::world::all_alerts;

const START_MS: i64 = 1_800_000_000_000;

/// Channels: a chat for all, two ways to each person, and a chat that can lie.
const CHANNELS: [(&str, ChannelKind); 6] = [
    ("team", ChannelKind::Webhook),
    ("slack", ChannelKind::Chat),
    ("ann-a", ChannelKind::Voice),
    ("ann-b", ChannelKind::Sms),
    ("bob-a", ChannelKind::Voice),
    ("bob-b", ChannelKind::Sms),
];

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// Everybody hears of everything; ann is called, then bob.
fn plan() -> Arc<Plan> {
    let mut root = Branch::new(name("all"));
    root.receivers = Some(vec![name("team"), name("slack")]);
    root.group_by = Some(GroupBy::Alert);
    root.escalation = Some(name("wake"));
    let mut plan = Plan::new(Tree::new(root).unwrap());
    for (channel, kind) in CHANNELS {
        let (burst, per_minute) = (1_000, 1_000);
        plan.channels.insert(name(channel), Channel { burst, per_minute, ..Channel::new(kind) });
    }
    for person in ["ann", "bob"] {
        let channels = vec![name(&format!("{person}-a")), name(&format!("{person}-b"))];
        plan.people.insert(name(person), Person::new(channels, TimeZone::UTC));
    }
    let rungs = ["ann", "bob"].map(|person| vec![Target::Person(name(person))]);
    plan.escalations.insert(name("wake"), Escalation::of(rungs.to_vec()));
    Arc::new(plan)
}

fn alert(number: u8, severity: Severity) -> Alert {
    let (monitor, network) = (name("drain"), name("mainnet"));
    let at = UnixSeconds(START_MS as u64 / 1_000);
    let first = Finding {
        id: FindingId([number; 16]),
        detector: "expression".to_owned(),
        monitor: monitor.clone(),
        version: 1,
        network: network.clone(),
        deployment: None,
        address: None,
        severity,
        confidence: Confidence::Proven,
        title: format!("drain number {number}"),
        origin: Origin {
            block: BlockRef { number: 7, hash: B256::ZERO },
            timestamp: at,
            tx: None,
            log_index: None,
            frame: None,
        },
        evidence: Evidence::default(),
        value_at_risk: None,
        runbook: None,
    };
    Alert {
        id: AlertId([number; 16]),
        fingerprint: format!("drain {number}"),
        network: Some(network),
        monitor,
        deployment: None,
        state: AlertState::Confirmed,
        severity,
        cause: first.into(),
        findings: Vec::new(),
        more: Vec::new(),
        opened_at: at,
        last_finding_at: at,
        created_at: UnixMillis(START_MS),
        told: BTreeMap::new(),
    }
}

/// Pager, outbox and worker on a clock of their own, and the network with its receivers.
struct House {
    store: Store,
    inbox: Inbox,
    desk: Desk,
    worker: Worker,
    receivers: watch::Sender<Arc<Receivers>>,
    now_ms: Arc<AtomicI64>,
    network: Network,
}

impl House {
    async fn new() -> Self {
        let network = Network::start(CHANNELS.map(|(channel, _)| channel)).await;
        let configs: Vec<(Name, ReceiverConfig)> = CHANNELS
            .iter()
            .map(|(channel, _)| {
                let url = Secret::new(network.url(channel).to_owned());
                let config = match *channel {
                    "slack" => ReceiverConfig::Slack { url },
                    _ => ReceiverConfig::Webhook { url, secret: None },
                };
                (name(channel), config)
            })
            .collect();
        let receivers = Arc::new(Receivers::new(&configs, Context::default()).unwrap());
        let receivers = watch::Sender::new(receivers);
        let store = Store::in_memory().unwrap();
        let now_ms = Arc::new(AtomicI64::new(START_MS));
        let (desk, worker) = Self::begin(&store, &receivers, &now_ms);
        let inbox = Inbox::new(store.clone(), Arc::default());
        Self { store, inbox, desk, worker, receivers, now_ms, network }
    }

    fn begin(
        store: &Store,
        receivers: &watch::Sender<Arc<Receivers>>,
        now_ms: &Arc<AtomicI64>,
    ) -> (Desk, Worker) {
        let now = now_ms.clone();
        let desk = Desk::open(store.clone(), plan(), UnixMillis(now.load(Ordering::SeqCst)));
        let clock = move || UnixMillis(now.load(Ordering::SeqCst));
        (desk.unwrap(), Worker::new(store.outbox(), receivers.subscribe(), clock))
    }

    fn now(&self) -> UnixMillis {
        UnixMillis(self.now_ms.load(Ordering::SeqCst))
    }

    fn find(&self, number: u8, severity: Severity) {
        let alert = alert(number, severity);
        let audit = Audit {
            network: alert.network.clone().unwrap(),
            holes: Vec::new(),
            findings: Vec::new(),
            withdrawn: Vec::new(),
            alerts: vec![alert.clone()],
            inputs: Vec::new(),
            decisions: Vec::new(),
        };
        self.store.commit_audit(&audit).unwrap();
        let facts = facts(&alert, Truth::Confirmed, "found", Stage::Page, &Registry::default());
        self.inbox.put(&Input::Alert(facts), self.now()).unwrap();
    }

    /// Everything that is due now, and what follows from it.
    async fn work(&mut self) {
        loop {
            let now = self.now();
            while self.desk.advance(now).unwrap().is_behind {}
            let started = self.worker.start_due().await.unwrap();
            while self.worker.running() > 0 {
                self.worker.finish_one().await;
            }
            let has_more = self.desk.advance(now).unwrap().inputs > 0;
            if started == 0 && !has_more {
                return;
            }
        }
    }

    /// Lets time pass up to so many seconds from the beginning.
    async fn until(&mut self, s: i64) {
        let end = START_MS + s * 1_000;
        loop {
            self.work().await;
            let now = self.now().0;
            if now >= end {
                return;
            }
            let outbox = self.store.outbox().next_due_at().unwrap();
            let due = [outbox, self.desk.next_due()].into_iter().flatten().map(|at| at.0).min();
            // What is due and was not started waits for something else: a second is soon enough.
            let next = due.map_or(end, |due| if due <= now { now + 1_000 } else { due }).min(end);
            self.now_ms.store(next, Ordering::SeqCst);
        }
    }

    /// Killed in the middle of its attempts: what was sent is on no record, and the next process has
    /// only the store.
    async fn killed(self) -> Self {
        let Self { store, inbox, mut worker, receivers, now_ms, network, desk } = self;
        let _cut_off = worker.start_due().await.unwrap();
        drop((worker, desk));
        let (desk, worker) = Self::begin(&store, &receivers, &now_ms);
        Self { store, inbox, desk, worker, receivers, now_ms, network }
    }

    /// Whether a message is about an alert that the pager raised about itself.
    fn is_of_our_own(&self, message: &Taken) -> bool {
        let text = message.body.to_string();
        let own = all_alerts(&self.store).into_iter().filter(|alert| alert.source().is_some());
        own.map(|alert| alert.id.to_string()).any(|id| text.contains(&id))
    }

    /// Calls for alerts of the pager's own that ended before anybody was reached.
    fn withdrawn_of_our_own(&self) -> u64 {
        let own = all_alerts(&self.store).into_iter().filter(|alert| alert.source().is_some());
        let messages =
            own.flat_map(|alert| self.store.alert(alert.id).unwrap().unwrap().notifications);
        let states = messages.map(|message| (message.form, message.state));
        let withdrawn = states.filter(|(form, state)| match state {
            NotificationState::Failed { reason, .. } => {
                assert_eq!(*form, MessageForm::Page);
                assert!(reason.starts_with("not needed any more"), "{reason}");
                true
            }
            _ => false,
        });
        withdrawn.count() as u64
    }

    /// What the account says of an alert: whom it was delivered to, and what was not.
    fn account(&self, number: u8) -> (BTreeSet<String>, Vec<String>) {
        let details = self.store.alert(AlertId([number; 16])).unwrap().unwrap();
        let mut delivered = BTreeSet::new();
        let mut rest = Vec::new();
        for message in &details.notifications {
            match &message.state {
                NotificationState::Delivered { .. } => {
                    delivered.insert(message.receiver.to_string());
                }
                other => rest.push(format!("{} {other:?}", message.receiver)),
            }
        }
        (delivered, rest)
    }
}

/// One word about an alert to somebody has one identity, however often it was sent.
fn assert_identities(taken: &[Taken]) {
    let mut ids: BTreeMap<(String, String, u64), BTreeSet<String>> = BTreeMap::new();
    for message in taken.iter().filter(|message| message.channel != "slack") {
        let body = &message.body;
        let alert = body["alert"]["id"].as_str().unwrap().to_owned();
        let whom = format!("{} {}", message.channel, body["person"]);
        let word = (whom, alert, body["sequence"].as_u64().unwrap());
        ids.entry(word).or_default().insert(body["id"].as_str().unwrap().to_owned());
    }
    for (word, ids) in ids {
        assert_eq!(ids.len(), 1, "{word:?} has several identities: {ids:?}");
    }
}

fn reaches(taken: &[Taken], channel: &str, number: u8) -> bool {
    let id = AlertId([number; 16]).to_string();
    taken.iter().any(|message| message.channel == channel && message.body.to_string().contains(&id))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_an_hour_without_a_network_the_worst_is_told_first_and_nothing_is_lost() {
    let mut stage = House::new().await;
    stage.network.feel_everywhere(Mood::Cut);
    // The mildest first: what came first must not be told first.
    let severities = [Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
    let found: Vec<(u8, Severity)> = (1..).zip(severities.into_iter().cycle()).take(12).collect();
    for (number, severity) in &found {
        let s = i64::from(*number) * 97;
        stage.until(s).await;
        stage.find(*number, *severity);
    }
    stage.until(3_600).await;
    assert_eq!(stage.network.taken().len(), 0);
    let waiting = stage.store.outbox().counts().unwrap();
    assert!(waiting.due_tried > 12 && waiting.failed == 0, "it says that it tries: {waiting:?}");

    stage.network.feel_everywhere(Mood::Well);
    stage.until(3_600 + 1_200).await;
    let taken = stage.network.taken();
    assert_identities(&taken);
    for channel in ["team", "slack"] {
        let mut first: Vec<Severity> = Vec::new();
        let mut seen = BTreeSet::new();
        for message in taken.iter().filter(|message| message.channel == channel) {
            let told = found.iter().find(|(number, _)| {
                message.body.to_string().contains(&AlertId([*number; 16]).to_string())
            });
            let Some((number, severity)) = told else {
                assert!(stage.is_of_our_own(message), "{message:?}");
                continue;
            };
            if seen.insert(*number) {
                first.push(*severity);
            }
        }
        assert_eq!(first.len(), found.len(), "{channel} hears of all");
        assert!(first.is_sorted_by(|a, b| a >= b), "{channel}: the worst first: {first:?}");
    }
    for (number, severity) in &found {
        let (delivered, rest) = stage.account(*number);
        assert_eq!(rest, [""; 0], "alert {number}: all of it was delivered in the end");
        for channel in &delivered {
            assert!(reaches(&taken, channel, *number), "the account tells no more than is true");
        }
        if *severity == Severity::Critical {
            for person in ["ann", "bob"] {
                let is_told =
                    ["a", "b"].iter().any(|way| delivered.contains(&format!("{person}-{way}")));
                assert!(is_told, "{person} is called for alert {number}: {delivered:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receivers_that_fail_in_every_way_and_kills_at_any_moment_cost_no_critical_alert() {
    let seed = std::env::var("BELLWETHER_SEED").map_or(20_270_115, |s| s.parse().unwrap());
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let mut stage = House::new().await;
    let mut found: Vec<(u8, Severity)> = Vec::new();
    let mut kills = 0;
    // An hour of weather: each minute another mood of each receiver.
    for minute in 0..60 {
        for (channel, _) in CHANNELS {
            let moods: &[Mood] = match channel {
                "slack" => &[Mood::Well, Mood::Limits, Mood::Breaks, Mood::Cut, Mood::Lies],
                _ => &[Mood::Well, Mood::Limits, Mood::Breaks, Mood::Cut],
            };
            stage.network.feel(channel, *moods.choose(&mut rng).unwrap());
        }
        if rng.random_bool(0.4) && minute < 45 {
            let number = found.len() as u8 + 1;
            let severity = if rng.random_bool(0.5) { Severity::Critical } else { Severity::Medium };
            stage.find(number, severity);
            found.push((number, severity));
        }
        if rng.random_bool(0.3) {
            stage = stage.killed().await;
            kills += 1;
        }
        stage.until(minute * 60 + rng.random_range(1..60)).await;
    }
    assert!(kills > 5 && found.len() > 10, "{kills} kills, {} alerts", found.len());
    stage.network.feel_everywhere(Mood::Well);
    stage.until(2 * 3_600).await;

    let taken = stage.network.taken();
    assert_identities(&taken);
    for (number, severity) in found {
        let (delivered, rest) = stage.account(number);
        assert_eq!(rest, [""; 0], "alert {number}");
        assert!(reaches(&taken, "team", number) && reaches(&taken, "slack", number));
        if severity == Severity::Critical {
            for person in ["ann", "bob"] {
                let ways = ["a", "b"].map(|way| format!("{person}-{way}"));
                let is_called = ways.iter().any(|way| reaches(&taken, way, number));
                assert!(is_called, "{person} is called for alert {number}");
                assert!(ways.iter().any(|way| delivered.contains(way)), "and the account says so");
            }
        }
    }
    let counts = stage.store.outbox().counts().unwrap();
    let withdrawn = stage.withdrawn_of_our_own();
    assert_eq!((counts.due, counts.failed), (0, withdrawn), "{counts:?}");
}
