//! The program is killed at random moments, many times over, while the chain it follows reorganises
//! and is attacked. What it knows and has told at the end is what a run knows and tells that nobody
//! ever disturbed.
//!
//! Seeded: `BELLWETHER_SEED=n` repeats the chain and the moments of a run (not the machine's own
//! timing).

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use evm::scenarios;
use model::{AlertState, BlockRef, Name, NotificationKind, NotificationState};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use store::{EventLog, Store};

use crate::world::{
    Chain, DEVNET, Program, Project, Record, Url, Webhook, all_alerts, assert_all_delivered,
};

/// How often the program is killed.
const KILLS: u32 = 200;

/// How long it may live each time, in milliseconds from its start: from before the store is open
/// to well into following the head. On a machine that is busy with other things it needs longer to
/// get anywhere, and is given it, up to the second bound.
const LIFE_MS_MIN: u64 = 20;
const LIFE_MS_MAX: (u64, u64) = (350, 2_000);

/// Deepest reorg: less than the eight blocks that stand between the head and finality.
const DEPTH_MAX: u64 = 6;

/// Monitors about the way to the chain instead of the chain itself. A run that never saw the
/// orphans has nothing to say about them.
const ABOUT_THE_WAY: &[&str] = &["reorg", "blind"];

/// The chain's weather: what happens next is decided by the seed alone.
struct Weather {
    chain: Chain,
    rng: StdRng,
    attacks: u32,
    reorgs: u32,
    dropped: usize,
}

impl Weather {
    /// A block or a few, an attack, or a reorg.
    fn go_on(&mut self) {
        match self.rng.random_range(0..24) {
            0..14 => drop(self.chain.everyday()),
            14..16 => drop(self.chain.everydays(10)),
            16..19 => self.attack(),
            _ => self.reorganise(),
        }
    }

    /// A whole attack. One that a reorg took the ground from under ends half-way, as in life.
    fn attack(&mut self) {
        let Chain { devnet, meridian, traffic, .. } = &mut self.chain;
        let scenario = scenarios::all().choose(&mut self.rng).unwrap();
        if scenario.run(devnet, meridian, traffic).is_ok() {
            self.attacks += 1;
        }
        traffic.is_oracle_reporting = true;
    }

    /// Replaces the newest blocks: transactions move one block later, and some or all are dropped.
    fn reorganise(&mut self) {
        let depth = self.rng.random_range(1..=DEPTH_MAX);
        let share_dropped = *[0.0, 0.1, 0.5, 1.0].choose(&mut self.rng).unwrap();
        let rng = &mut self.rng;
        let reorg = self.chain.devnet.reorg(depth, |branch| {
            for block in &mut branch.blocks {
                block.transactions.retain(|_| !rng.random_bool(share_dropped));
            }
        });
        self.reorgs += 1;
        self.dropped += reorg.unwrap().dropped.len();
    }
}

/// Where the kills landed, so that a test whose kills all land in the same place is noticed.
#[derive(Debug, Default)]
struct Moments {
    /// More was judged than at the look before.
    moved: u32,
    /// Events waited to be judged.
    judging: u32,
    /// A message was on its way: taken, and no outcome on record.
    delivering: u32,
    looks: u32,
}

impl Moments {
    /// Looks at what the last kills left, and says whether anything was judged since the last look.
    fn look(&mut self, project: &Project, network: &Name, judged: &mut u64) -> bool {
        if !project.store().exists() {
            return false;
        }
        let in_hand = messages_in_hand(project);
        let store = Store::open(project.store()).unwrap();
        let end = store.event_log().end(network).unwrap();
        let position = store.checkpoint(network).unwrap().map_or(0, |c| c.position.0);
        assert!(position >= *judged, "the checkpoint went back from {judged} to {position}");
        let has_moved = position > *judged;
        self.moved += u32::from(has_moved);
        self.judging += u32::from(end.0 > position);
        self.delivering += u32::from(in_hand > 0);
        self.looks += 1;
        *judged = position;
        has_moved
    }
}

/// Messages that were taken and have no outcome, read past the store, which would let go of them.
fn messages_in_hand(project: &Project) -> u32 {
    let file = rusqlite::Connection::open(project.store()).unwrap();
    let sql = "SELECT count(*) FROM attempts JOIN notifications ON notification = id
               WHERE attempts.number = attempts AND ended_at IS NULL AND state = 0";
    // A kill before the first migration leaves no tables.
    file.query_row(sql, [], |row| row.get(0)).unwrap_or(0)
}

/// Writes the network's file. The window is short, so that most lives begin with a chain that is
/// longer than it.
fn declare(chain: &Chain, project: &Project) {
    let (http, ws) = (chain.node.url(), chain.node.ws_url());
    let settings = format!("{DEVNET}window_blocks = 64\n");
    project.network("devnet", &settings, &[Url { http: &http, ws: Some(&ws) }]);
}

/// Follows the chain until everything that is there is judged, final where it can be, and told.
async fn settle(project: &Project, chain: &Chain) -> Store {
    let mut program = Program::run(project);
    let head = chain.devnet.head();
    program.judged(head).await;
    let finalized = head.number - chain.devnet.config().finalized_lag_blocks;
    let is_final =
        |answer: &serde_json::Value| answer["items"][0]["finalized"]["number"] == finalized;
    let patience = Duration::from_secs(60);
    program.ask_until(patience, "networks", "the newest final block is known", is_final).await;
    program.told_everything().await;
    program.stop_and_open().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_was_killed_two_hundred_times_ends_like_one_that_was_not() {
    let began = Instant::now();
    let seed = std::env::var("BELLWETHER_SEED").map_or(20_260_101, |s| s.parse().unwrap());
    println!("seed {seed}");
    let network = Name::new("devnet").unwrap();
    let mut weather = Weather {
        chain: Chain::start(seed).await,
        rng: StdRng::seed_from_u64(seed),
        attacks: 0,
        reorgs: 0,
        dropped: 0,
    };
    weather.chain.everydays(30);

    let (killed, hook) = (Project::meridian(), Webhook::start().await);
    declare(&weather.chain, &killed);
    killed.tell(hook.url());
    // Slow enough that some messages are on their way when the program dies.
    hook.delay(Duration::from_millis(25));
    let (mut moments, mut judged) = (Moments::default(), 0);
    let mut life_ms_max = LIFE_MS_MAX.0;
    for kill in 0..KILLS {
        let program = Program::run(&killed);
        let dies = Instant::now()
            + Duration::from_millis(weather.rng.random_range(LIFE_MS_MIN..=life_ms_max));
        while Instant::now() < dies {
            if weather.rng.random_bool(0.3) {
                weather.go_on();
            }
            let rest = Duration::from_millis(weather.rng.random_range(5..60));
            tokio::time::sleep(rest.min(dies.saturating_duration_since(Instant::now()))).await;
        }
        program.kill();
        if kill % 2 == 1 {
            let has_moved = moments.look(&killed, &network, &mut judged);
            let next = if has_moved { life_ms_max * 19 / 20 } else { life_ms_max * 5 / 4 };
            life_ms_max = next.clamp(LIFE_MS_MAX.0, LIFE_MS_MAX.1);
        }
    }
    // Lives that see one new block each: what is final moves on all the same.
    for _ in 0..4 {
        let head = weather.chain.everyday();
        let mut program = Program::run(&killed);
        program.judged(head).await;
        program.kill();
    }
    println!(
        "{KILLS} kills in {:.0} s: {moments:?}, {} reorgs dropped {} transactions, {} attacks, head {}",
        began.elapsed().as_secs_f64(),
        weather.reorgs,
        weather.dropped,
        weather.attacks,
        weather.chain.devnet.head(),
    );
    let store = settle(&killed, &weather.chain).await;
    println!("settled at {:.0} s", began.elapsed().as_secs_f64());

    let (calm, calm_hook) = (Project::meridian(), Webhook::start().await);
    declare(&weather.chain, &calm);
    calm.tell(calm_hook.url());
    let undisturbed = settle(&calm, &weather.chain).await;
    println!("undisturbed run at {:.0} s", began.elapsed().as_secs_f64());

    let record = Record::read(&store, &network, ABOUT_THE_WAY);
    let expected = Record::read(&undisturbed, &network, ABOUT_THE_WAY);
    println!("{} findings, {} alerts", expected.findings.len(), expected.alerts.len());
    assert_same(&record.findings, &expected.findings, "findings");
    assert_same(&record.alerts, &expected.alerts, "alerts");
    assert_ledger_is_whole(&record, &weather.chain);
    assert_same_blindness(&record, &expected);
    assert!(expected.alerts.len() >= 10, "the attacks raise alerts: {:?}", expected.alerts);

    assert_everything_was_told(&store, &hook);
    hook.assert_identities();
    for store in [&store, &undisturbed] {
        let report = store.verify().unwrap();
        assert!(report.is_sound(), "{report:?}");
    }
    assert!(moments.moved * 4 > moments.looks, "kills leave time to get on: {moments:?}");
    assert!(moments.judging > 0, "some kills land between log and checkpoint: {moments:?}");
    assert!(moments.delivering > 0, "some kills land in a delivery: {moments:?}");
}

/// Two maps are equal; says only what differs.
fn assert_same<K: Ord + std::fmt::Debug, V: PartialEq + std::fmt::Debug>(
    found: &BTreeMap<K, V>,
    expected: &BTreeMap<K, V>,
    what: &str,
) {
    let missing: Vec<_> = expected.iter().filter(|(k, v)| found.get(k) != Some(v)).collect();
    let surplus: Vec<_> = found.iter().filter(|(k, v)| expected.get(k) != Some(v)).collect();
    assert!(
        missing.is_empty() && surplus.is_empty(),
        "{what}: the undisturbed run has\n{missing:#?}\nthe killed one has\n{surplus:#?}"
    );
}

/// Every block of the chain has its row, and no other block has one.
fn assert_ledger_is_whole(record: &Record, chain: &Chain) {
    let blocks: Vec<BlockRef> = record.coverage.iter().map(|(block, _)| *block).collect();
    let head = chain.devnet.head().number;
    let canonical: Vec<BlockRef> =
        (1..=head).map(|number| chain.devnet.block(number).unwrap().block_ref()).collect();
    assert_eq!(blocks, canonical);
}

/// Nothing was judged with less than the undisturbed run had: no read, no trace was missing.
fn assert_same_blindness(record: &Record, expected: &Record) {
    let differ: Vec<_> =
        record.coverage.iter().zip(&expected.coverage).filter(|(a, b)| a != b).collect();
    assert!(differ.is_empty(), "{} blocks were judged otherwise: {:#?}", differ.len(), differ[0]);
}

/// Whoever was told of something knows how it stands: every message arrived, nothing arrived that
/// is not on record, and the last word about each alert is the right one.
fn assert_everything_was_told(store: &Store, hook: &Webhook) {
    assert_all_delivered(store);
    let mut on_record = BTreeSet::new();
    for alert in all_alerts(store) {
        let messages = store.alert(alert.id).unwrap().unwrap().notifications;
        on_record.extend(messages.iter().map(|message| message.id.to_string()));
        let last = messages.iter().max_by_key(|message| message.sequence);
        let Some(last) = last else {
            assert_eq!(alert.state, AlertState::Retracted, "nobody was told of {}", alert.id);
            continue;
        };
        assert!(matches!(last.state, NotificationState::Delivered { .. }));
        let is_withdrawn = last.kind == NotificationKind::Retracted;
        assert_eq!(is_withdrawn, alert.state == AlertState::Retracted, "the last word: {last:?}");
    }
    let arrived: BTreeSet<String> = hook.taken().into_iter().map(|d| d.key).collect();
    let unknown: Vec<_> = arrived.difference(&on_record).collect();
    let lost: Vec<_> = on_record.difference(&arrived).collect();
    assert!(unknown.is_empty() && lost.is_empty(), "not on record {unknown:?}, lost {lost:?}");
}
