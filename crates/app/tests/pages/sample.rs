//! A day of a made-up protocol: several networks, some of them in trouble, alerts in every state, a
//! storm, charts with bands and gaps, and strangers' strings that would like to be more than text.

#[path = "lives.rs"]
mod lives;
#[path = "nights.rs"]
mod nights;
#[path = "plan.rs"]
mod plan;

use std::sync::Arc;

use alert::{Policy, Route};
use bellwether::{
    canary::{Canaries, Point, Settings, Track},
    coverage::{Backfilling, Plan},
    snapshot::{EndpointHealth, NetworkHealth, TrustLimits},
    web::{Mail, MailSummary, Mailbox, NetworkInfo, SiteInfo, Sources},
};
use detect::{MonitorSpec, Params, RuleSpec, Subject, quality::Budget};
use model::{
    Action, Address, Alert, AlertId, AlertState, AlertVerdict, Anchor, Assessment, B256,
    BackfilledRange, BlindMonitor, BlindReason, BlockCoverage, BlockRange, BlockRef, Confidence,
    CoverageResult, Decision, Evidence, Fact, FactValue, Finding, FindingCount, FindingId,
    FindingStatus, FindingSummary, History, HoleCause, Incident, Level, Measure, Name,
    Notification, NotificationId, NotificationKind, NotificationState, OpenHole, Origin, Position,
    Reason, Sample, Secret, SeriesKey, Severity, Stage, TokenAmount, U256, UnixMillis, UnixSeconds,
};
use registry::{
    Category, Class, ContractAbi, Deployment, Explorer, Label, Labels, Registry,
    threats::{Asset, Domain, Likelihood, Threat, ThreatMap},
};
use store::{AlertFilter, Audit, Backfill, BlockSamples, HoleRecord, Step, Store};
use tokio::sync::{broadcast, watch};

pub(crate) use nights::fill as fill_nights;

/// What a stranger would write into a token's name.
pub(crate) const HOSTILE: &str =
    "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> \u{202e}evil.com {{ 7*7 }}";

/// Who shows it may say what alerts turned out to be.
pub(crate) const WRITE_KEY: &str = "a key of the sample, long enough";

const BLOCK_S: u64 = 12;
/// Newest block of mainnet.
pub(crate) const HEAD: u64 = 19_426_587;

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).expect("a slug")
}

fn hash(seed: u64) -> B256 {
    alloy_primitives::keccak256(seed.to_be_bytes())
}

fn address(seed: u64) -> Address {
    Address::from_slice(&hash(seed)[12..])
}

fn usdc(whole: u64) -> TokenAmount {
    let raw = U256::from(whole) * U256::from(1_000_000_u64);
    TokenAmount { raw, decimals: 6, symbol: "USDC".into() }
}

fn fact(name: &str, value: FactValue) -> Fact {
    Fact { name: name.to_owned(), value }
}

/// A small, repeatable wobble in 0..1.
fn wobble(seed: u64, i: u64) -> f64 {
    f64::from(hash(seed * 100_003 + i)[0]) / 255.0
}

/// Time and height of blocks, counted back from now.
#[derive(Clone, Copy)]
struct Clock {
    now: UnixSeconds,
}

impl Clock {
    fn block(self, back: u64) -> BlockRef {
        BlockRef { number: HEAD - back, hash: hash(HEAD - back) }
    }

    fn at(self, back: u64) -> UnixSeconds {
        UnixSeconds(self.now.0 - 4 - back * BLOCK_S)
    }
}

/// A map of two threats, one of them with holes, and a title that would like to be more than text.
fn threats() -> ThreatMap {
    let day = |text: &str| text.parse().expect("a day");
    let threat = |id: &str, domain, impact, monitors: &[&str]| Threat {
        id: name(id),
        title: format!("{id} {HOSTILE}"),
        domain,
        likelihood: Likelihood::Possible,
        impact,
        reviewed: day("2024-01-01"),
        review: day("2024-03-01"),
        classes: Vec::new(),
        assets: vec![name("deposits")],
        controls: Vec::new(),
        events: Vec::new(),
        monitors: monitors.iter().map(|text| name(text)).collect(),
        panels: Vec::new(),
        plans: Vec::new(),
    };
    ThreatMap {
        name: "Meridian".to_owned(),
        threats: vec![
            threat("vault-drained", Domain::OnChain, 12_000_000, &["vault-outflow"]),
            threat("staff-phished", Domain::People, 20_000, &[]),
        ],
        assets: vec![Asset {
            id: name("deposits"),
            title: "what users deposited".to_owned(),
            deployments: vec![name("vault")],
            is_immutable: false,
        }],
        monitors: vec![name("vault-outflow"), name("role-change")],
        plans: vec!["plans/drain.md".to_owned()],
        ..ThreatMap::default()
    }
}

/// About when the sample is looked at; overrides lie around it.
const PLANNED_AT: UnixMillis = UnixMillis(1_710_000_000_000);

/// What is guarded.
pub(crate) fn info() -> SiteInfo {
    let abi = Arc::new(ContractAbi::from_json("[]").expect("an empty ABI"));
    let deployment = |label: &str, network: &str, class, seed, value_at_risk| Deployment {
        label: name(label),
        network: name(network),
        address: address(seed),
        protocol: Some(name("meridian")),
        class,
        abi: abi.clone(),
        abi_known: true,
        first_block: Some(18_000_000),
        value_at_risk,
        token: None,
        oracle: None,
    };
    let mut deployments = vec![
        deployment("token", "mainnet", Class::Token, 1, None),
        deployment("vault", "mainnet", Class::Vault, 2, Some(usdc(12_400_000))),
        deployment("price-oracle", "mainnet", Class::Oracle, 3, None),
        deployment("governor", "mainnet", Class::Governor, 4, None),
        deployment("timelock", "mainnet", Class::Timelock, 5, None),
        deployment("insurance-fund", "mainnet", Class::InsuranceFund, 6, Some(usdc(850_000))),
        deployment("bridge", "base", Class::Bridge, 7, Some(usdc(3_100_000))),
        deployment("vault-gnosis", "gnosis", Class::Vault, 8, None),
    ];
    deployments[1].abi = vault_abi();
    let (stranger, mut labels) = (stranger(), Labels::builder());
    let label = Label {
        name: HOSTILE,
        confidence_percent: 80,
        ..Label::new(&Category::Exploiter, "list.csv")
    };
    labels.add(None, stranger, label).expect("one label");
    let registry = Registry::new(deployments, labels.build()).expect("no mistakes");
    let registry = registry.with_authority(lives::declared());
    let registry = registry.with_dependencies(lives::relied_on(), 0);
    let network = |label: &str, chain_id, explorer: Option<&str>| NetworkInfo {
        name: name(label),
        chain_id,
        explorer: explorer.map(|text| Explorer::new(text).expect("an explorer")),
        monitors: 14,
    };
    let registry = Arc::new(registry);
    SiteInfo {
        name: "Meridian".to_owned(),
        public_url: Some("https://watch.example".to_owned()),
        networks: vec![
            network("mainnet", 1, Some("https://etherscan.io")),
            network("base", 8453, Some("https://basescan.org")),
            network("gnosis", 100, None),
        ],
        coverage: plan(&registry),
        registry,
        monitors: monitors(),
        runbooks: [(
            "plans/drain.md".to_owned(),
            "1. Pause the vault: the guardian key is with the person on call.\n2. Tell the bridge's \
             team, they can hold withdrawals.\n3. Open the incident channel."
                .to_owned(),
        )]
        .into(),
        threats: Arc::new(threats()),
        clearances: Vec::new(),
        write_key: Some(Arc::new(Secret::new(WRITE_KEY.to_owned()))),
        plan: Arc::new(plan::plan(PLANNED_AT)),
        stages: [(name("gas-unusual"), Stage::Shadow)].into(),
        budget: Budget::default(),
        paths: Arc::default(),
        people: Vec::new(),
        answers: None,
        chats: None,
        sources: bellwether::reports::Sources::default(),
        community: None,
        pulse: Arc::default(),
    }
}

/// What the followers say.
pub(crate) fn health(now: UnixSeconds) -> Vec<NetworkHealth> {
    let clock = Clock { now };
    let endpoint =
        |label: &str, state: &str, error: Option<&str>, latency_ms, head| EndpointHealth {
            name: name(label),
            state: state.to_owned(),
            healthy: state == "up",
            last_error: error.map(str::to_owned),
            latency_ms,
            head,
        };
    vec![
        NetworkHealth {
            head_seen: Some(HEAD),
            head_time: Some(clock.at(0)),
            endpoints: vec![
                endpoint("own-node", "up", None, Some(14.2), Some(HEAD)),
                endpoint("provider", "up", Some("rate limited for 2 s"), Some(86.0), Some(HEAD)),
            ],
            websocket: Some(true),
            ..NetworkHealth::unknown(name("mainnet"), 1)
        },
        NetworkHealth {
            head_seen: Some(HEAD + 40),
            head_time: Some(UnixSeconds(now.0 - 2)),
            endpoints: vec![
                endpoint("public", "up", None, Some(231.0), Some(HEAD + 40)),
                endpoint(
                    "provider",
                    "down",
                    Some("eth_getBlockByHash: timeout after 10000 ms"),
                    None,
                    None,
                ),
            ],
            websocket: Some(false),
            catching_up: true,
            ..NetworkHealth::unknown(name("base"), 8453)
        },
        NetworkHealth {
            endpoints: vec![endpoint(
                "public",
                "unchecked",
                Some("eth_chainId: connection refused"),
                None,
                None,
            )],
            ..NetworkHealth::unknown(name("gnosis"), 100)
        },
    ]
}

/// Everything the pages read, put together.
pub(crate) fn sources(store: Store, clock: fn() -> UnixMillis) -> (Sources, broadcast::Sender<()>) {
    let (changes, _) = broadcast::channel(16);
    let began = seconds(clock());
    let (_, info) = watch::channel(Arc::new(info()));
    let sources = Sources {
        pager: bellwether::paging::Inbox::new(store.clone(), Arc::default()),
        store,
        info,
        health: Arc::new(move || health(began)),
        changes: changes.clone(),
        mailbox: Some(Arc::new(Mails(clock))),
        teacher: None,
        vitals: tokio::sync::watch::channel(bellwether::pulse::Vitals::default()).1,
        twins: bellwether::twin::Twins::default(),
        turns: bellwether::pulse::Turns::default(),
        canaries: canaries(clock),
        limits: TrustLimits::default(),
        clock,
    };
    (sources, changes)
}

/// Mainnet's came through every five minutes for an hour, one of them slowly; of base's the newest is
/// in the outbox and does not leave.
fn canaries(clock: fn() -> UnixMillis) -> Canaries {
    let now = clock();
    let (mut mainnet, mut base) = (Track::new(Settings::default()), Track::default());
    for i in 0..12_u64 {
        let (alert, block) =
            (AlertId(hash(700 + i)[..16].try_into().expect("half")), hash(800 + i));
        let at = now.plus(-40_000 - (11 - i as i64) * 300_000);
        mainnet.saw(block, at);
        mainnet.made(alert, BlockRef { number: HEAD - 25 * (11 - i), hash: block }, at.plus(31));
        let slow = if i == 7 { 1_900 } else { 0 };
        for (point, ms) in Point::ALL.into_iter().skip(2).zip([38, 41, 44, 52 + slow, 58 + slow]) {
            mainnet.pass(alert, point, at.plus(ms + wobble(9, i) as i64));
        }
    }
    let (alert, block) = (AlertId([9; 16]), BlockRef { number: HEAD, hash: hash(900) });
    let at = now.plus(-20_000);
    base.made(alert, block, at);
    base.pass(alert, Point::Stored, at.plus(6));
    Canaries::by(clock).with([(name("mainnet"), mainnet), (name("base"), base)])
}

fn seconds(at: UnixMillis) -> UnixSeconds {
    UnixSeconds(at.0.unsigned_abs() / 1_000)
}

/// A mailbox with two mails.
struct Mails(fn() -> UnixMillis);

impl Mailbox for Mails {
    fn list(&self) -> Vec<MailSummary> {
        (1..=2).rev().filter_map(|number| Some(self.get(number)?.summary)).collect()
    }

    fn get(&self, number: u64) -> Option<Mail> {
        let subject = match number {
            1 => "[CRITICAL] 41 % of vault left in one transaction (mainnet)".to_owned(),
            2 => format!("[MEDIUM] role granted to {HOSTILE}"),
            _ => return None,
        };
        Some(Mail {
            summary: MailSummary {
                number,
                to: "oncall@meridian.example".to_owned(),
                at: (self.0)().plus(-(600_000 - number as i64 * 60_000)),
                subject: subject.clone(),
            },
            from: "Bellwether <bellwether@meridian.example>".to_owned(),
            text: format!("{subject}\n\nWhere: vault on mainnet\nSince the block: 2 s"),
            html: (number == 1).then(|| {
                "<!doctype html><h1>41 % of vault left</h1><p style=\"color:#b3261e\">5,084,000 USDC</p><script>alert(1)</script>".to_owned()
            }),
        })
    }
}

/// Writes the day into a store.
pub(crate) fn fill(store: &Store, now: UnixMillis) {
    let clock = Clock { now: seconds(now) };
    let mut mainnet = Step::new(name("mainnet"), Position(0), Position(1), 7);
    mainnet.coverage = coverage(clock);
    mainnet.samples = samples(clock);
    mainnet.finalized = Some(clock.block(64));
    let (states, changes) = lives::lived(&info().registry, monitors(), clock);
    (mainnet.state, mainnet.findings) = (states, changes);
    let mut base = Step::new(name("base"), Position(0), Position(1), 7);
    base.coverage = coverage_of_base(clock);
    let mut outbox = Vec::new();
    for alert in alerts(clock) {
        for (i, summary) in alert.findings.iter().enumerate().take(40) {
            let mut finding = alert.finding().expect("it has findings").clone();
            finding.id = summary.id;
            finding.severity = summary.severity;
            if i > 0 {
                finding.origin.block = summary.block;
                finding.origin.timestamp = summary.at;
            }
            let step = if finding.network.as_str() == "base" { &mut base } else { &mut mainnet };
            step.findings.push(finding);
        }
        messages(&alert, now, &mut mainnet, &mut outbox);
        mainnet.alerts.push(alert);
    }
    store.commit_all(&[mainnet, base]).expect("steps that fit");
    send(store, &outbox);
    // Two blocks leave the chain, and with them what was found in them.
    let mut reorg = Step::new(name("mainnet"), Position(1), Position(2), 7);
    reorg.reverted = vec![BlockRef { number: HEAD - 31, hash: hash(99) }];
    store.commit(&reorg).expect("a step that fits");
    keep_ledger(store, clock);
    say_afterwards(store, now);
}

/// What people said of some of the alerts, one of them twice, and what really happened.
fn say_afterwards(store: &Store, now: UnixMillis) {
    let all = store.alerts(&AlertFilter::default(), None, 100).expect("alerts").items;
    let words = [
        (Assessment::TruePositive, "post-mortem 7"),
        (Assessment::BenignTrue, "planned upgrade, change 214"),
        (Assessment::FalsePositive, HOSTILE),
    ];
    let standing = all.iter().filter(|alert| alert.state != AlertState::Retracted);
    for (alert, (word, because)) in standing.zip(words) {
        let first = AlertVerdict::new(alert, Some(Assessment::Unknown), "lin", "looking", now);
        let last = AlertVerdict::new(alert, Some(word), "ada", because, now);
        for verdict in [first, last] {
            store.add_verdict(&verdict.expect("a verdict")).expect("an alert on record");
        }
    }
    let at = seconds(now);
    let before = |s: u64| UnixSeconds(at.0 - s);
    for (id, is_drill, from, loss_at) in [
        ("drain-07", false, 20_000, Some(60)),
        ("drain-03", false, 9_000_000, None),
        ("pause-drill-2", true, 40_000, None),
    ] {
        let incident = Incident {
            name: name(id),
            class: name("drain"),
            is_drill,
            network: name("mainnet"),
            from: before(from),
            to: before(from.saturating_sub(20_000)),
            loss_at: loss_at.map(before),
            deployments: Vec::new(),
            attacker: None,
            by: "ada".to_owned(),
            because: "on record".to_owned(),
            at: now,
            is_withdrawn: false,
        };
        store.add_incident(&incident).expect("an incident");
    }
}

/// Who judged: on mainnet everybody, what was before the day afterwards and in part; `paused` came in
/// the middle of the day.
fn keep_ledger(store: &Store, clock: Clock) {
    let plan = info().coverage;
    for (network, plan) in &plan.networks {
        store.put_roster(network, 7, &plan.roster).expect("a roster");
    }
    let mainnet = &plan.networks[&name("mainnet")].roster;
    let mut before = mainnet.clone();
    before.monitors.retain(|monitor| monitor.name.as_str() != "paused");
    store.put_roster(&name("mainnet"), 6, &before).expect("a roster");
    let first = clock.block(1_799).number;
    let ranges = before.monitors.iter().map(|monitor| BackfilledRange {
        monitor: monitor.name.clone(),
        monitors_version: 6,
        range: BlockRange { first: 18_000_000, last: first - 1 },
        blind: None,
        endpoint: Some(name("archive")),
    });
    let backfill = Backfill {
        network: name("mainnet"),
        ranges: ranges.collect(),
        findings: vec![],
        alerts: vec![],
        inputs: vec![],
        decisions: vec![],
    };
    store.commit_backfill(&backfill).expect("final blocks");
    let hole = HoleRecord {
        id: None,
        hole: OpenHole {
            network: name("mainnet"),
            range: BlockRange { first: 18_000_000, last: first - 1 },
            cause: HoleCause::NotFollowed,
            monitors: before.monitors.iter().map(|monitor| monitor.name.clone()).collect(),
            monitors_total: before.monitors.len() as u32,
            seen_as: BlockRange { first: 18_000_000, last: first - 1 },
            seen_at: UnixMillis((clock.now.0 as i64 - 19_000) * 1_000),
        },
        finding: None,
        closed_at: Some(UnixMillis((clock.now.0 as i64 - 4_000) * 1_000)),
    };
    let audit = Audit {
        network: name("mainnet"),
        holes: vec![hole],
        findings: vec![],
        withdrawn: vec![],
        alerts: vec![],
        inputs: vec![],
        decisions: vec![],
    };
    store.commit_audit(&audit).expect("a hole");
}

/// Writes a day on which nothing happened: one network, every block judged by every monitor.
pub(crate) fn fill_quietly(store: &Store, now: UnixMillis) {
    let clock = Clock { now: seconds(now) };
    let mut step = Step::new(name("mainnet"), Position(0), Position(1), 7);
    step.coverage = (0..300)
        .rev()
        .map(|back| judged("mainnet", clock.block(back), clock.at(back), vec![]))
        .collect();
    store.commit(&step).expect("a step that fits");
}

/// Writes this many alerts and nothing else.
pub(crate) fn fill_with_alerts(store: &Store, now: UnixMillis, count: u64) {
    let clock = Clock { now: seconds(now) };
    let alerts: Vec<Alert> = (0..count)
        .map(|back| {
            let draft = Draft {
                monitor: "roles",
                detector: "access/role_change",
                network: "mainnet",
                deployment: None,
                severity: Severity::Low,
                state: AlertState::Confirmed,
                back,
                title: format!("role change {back}"),
            };
            draft.alert(clock)
        })
        .collect();
    let audit = Audit {
        network: name("mainnet"),
        holes: vec![],
        findings: vec![],
        withdrawn: vec![],
        alerts,
        inputs: vec![],
        decisions: vec![],
    };
    store.commit_audit(&audit).expect("alerts that fit");
}

fn judged(
    network: &str,
    block: BlockRef,
    at: UnixSeconds,
    blind: Vec<BlindMonitor>,
) -> BlockCoverage {
    BlockCoverage {
        network: name(network),
        block,
        timestamp: Some(at),
        endpoint: Some(name("own-node")),
        monitors_version: 7,
        result: CoverageResult::Judged { monitors_judged: 14 - blind.len() as u32, blind },
    }
}

fn coverage(clock: Clock) -> Vec<BlockCoverage> {
    let warming = BlindMonitor {
        monitor: name("gas-unusual"),
        reason: BlindReason::WarmingUp { seen: 212, needed: 300 },
    };
    (0..1_800)
        .rev()
        .map(|back| {
            let blind = if back < 20 { vec![warming.clone()] } else { Vec::new() };
            let mut row = judged("mainnet", clock.block(back), clock.at(back), blind);
            row.monitors_version -= u64::from(back >= 1_200);
            row
        })
        .collect()
}

/// Behind the head, with a hole, a block in quarantine and a monitor that has no traces.
fn coverage_of_base(clock: Clock) -> Vec<BlockCoverage> {
    let blind = BlindMonitor {
        monitor: name("reentrant-drain"),
        reason: BlindReason::LevelTooLow { needs: Level::Traces, has: Level::Logs },
    };
    let rows = (60..900_u64).rev().filter(|back| !(300..304).contains(back)).map(|back| {
        let (block, at) = (clock.block(back), UnixSeconds(clock.now.0 - 2 - back * 2));
        let mut row = judged("base", block, at, vec![blind.clone()]);
        if back == 120 {
            let reason = "receipts root differs: 0x51c0… from the header, 0x9a7e… recomputed";
            row.result = CoverageResult::Quarantined(BlindReason::Unverified(reason.to_owned()));
            row.endpoint = None;
        }
        row
    });
    rows.collect()
}

struct Curve {
    contract: &'static str,
    function: &'static str,
    seed: u64,
    calls: f64,
    /// Share of calls that fails, and how many times that in the last 15 minutes.
    failed: f64,
    failed_rise: f64,
    gas: f64,
    gas_rise: f64,
    has_band: bool,
    /// Blocks (counted back) without a value.
    silent: std::ops::Range<u64>,
}

fn samples(clock: Clock) -> Vec<BlockSamples> {
    let plain = Curve {
        contract: "vault",
        function: "withdraw",
        seed: 1,
        calls: 3.0,
        failed: 0.02,
        failed_rise: 14.0,
        gas: 118_000.0,
        gas_rise: 1.0,
        has_band: true,
        silent: 0..0,
    };
    let curves = [
        Curve {
            contract: "vault",
            function: "deposit",
            seed: 2,
            failed: 0.012,
            failed_rise: 1.0,
            gas: 96_000.0,
            gas_rise: 3.4,
            silent: 700..1_000,
            ..plain
        },
        Curve {
            contract: "token",
            function: "transfer",
            seed: 3,
            calls: 22.0,
            failed: 0.006,
            failed_rise: 1.0,
            gas: 51_000.0,
            silent: 0..0,
            ..plain
        },
        Curve {
            contract: "token",
            function: "redeem",
            seed: 4,
            calls: 4.0,
            failed: 0.0,
            failed_rise: 1.0,
            gas: 84_000.0,
            has_band: false,
            silent: 0..260,
            ..plain
        },
        Curve {
            contract: "price-oracle",
            function: "updateAnswer",
            seed: 5,
            calls: 0.4,
            failed: 0.0,
            failed_rise: 1.0,
            gas: 64_500.0,
            silent: 0..0,
            ..plain
        },
        plain,
    ];
    // Every block of the last half hour; before that a third of them draws the same line.
    (0..1_800_u64)
        .rev()
        .filter(|back| *back < 150 || back % 3 == 0)
        .map(|back| {
            let mut samples = Vec::new();
            for curve in curves.iter().filter(|curve| !curve.silent.contains(&back)) {
                curve.sample(clock.at(back), back, &mut samples);
            }
            BlockSamples { block: clock.block(back), samples }
        })
        .collect()
}

impl Curve {
    fn sample(&self, at: UnixSeconds, back: u64, samples: &mut Vec<Sample>) {
        let (contract, function) = (self.contract, self.function);
        let labels = [("network", "mainnet"), ("contract", contract), ("function", function)];
        let mut put = |metric: &str, monitor: Option<&str>, value: f64| {
            let labels = labels.into_iter().chain(monitor.map(|monitor| ("monitor", monitor)));
            samples.push(Sample { series: Arc::new(SeriesKey::new(metric, labels)), at, value });
        };
        let noise = wobble(self.seed, back);
        let calls = (self.calls * (0.4 + 1.2 * noise)).round();
        if calls == 0.0 {
            return;
        }
        let is_late = back < 75;
        let ramp = (75.0 - back as f64).max(0.0) / 75.0;
        let rise = |times: f64| if is_late { 1.0 + (times - 1.0) * ramp.sqrt() } else { 1.0 };
        let ratio =
            (self.failed * (0.7 + 0.6 * wobble(self.seed, back / 8)) * rise(self.failed_rise))
                .min(1.0);
        let gas = self.gas * (0.94 + 0.12 * wobble(self.seed + 7, back / 4)) * rise(self.gas_rise);
        put("calls", None, calls);
        put("failed_calls", None, (calls * ratio).round());
        put("failed_ratio", None, ratio);
        put("gas_mean_gas", None, gas);
        if self.has_band && back < 1_500 {
            let usual = self.failed.max(0.002);
            put("failed_ratio_usual", Some("failed-calls"), usual);
            put(
                "failed_ratio_upper",
                Some("failed-calls"),
                usual * (2.6 + 0.3 * wobble(9, back / 60)),
            );
            put("gas_observed_gas", Some("gas-unusual"), gas);
            put("gas_usual_gas", Some("gas-unusual"), self.gas);
            put("gas_lower_gas", Some("gas-unusual"), self.gas * 0.86);
            put(
                "gas_upper_gas",
                Some("gas-unusual"),
                self.gas * (1.14 + 0.03 * wobble(3, back / 60)),
            );
        }
    }
}

struct Draft {
    monitor: &'static str,
    detector: &'static str,
    network: &'static str,
    deployment: Option<&'static str>,
    severity: Severity,
    state: AlertState,
    back: u64,
    title: String,
}

impl Draft {
    fn alert(self, clock: Clock) -> Alert {
        let (monitor, network) = (name(self.monitor), name(self.network));
        let anchor = Anchor::Log { tx: hash(self.back), ordinal: 0 };
        let id = FindingId::derive(&monitor, 1, &network, &anchor, &self.title);
        let block = match self.state {
            AlertState::Retracted => BlockRef { number: HEAD - self.back, hash: hash(99) },
            _ => clock.block(self.back),
        };
        let at = clock.at(self.back);
        let first = Finding {
            id,
            detector: self.detector.to_owned(),
            monitor: monitor.clone(),
            version: 1,
            network: network.clone(),
            deployment: self.deployment.map(name),
            address: Some(address(2)),
            severity: self.severity,
            confidence: Confidence::Proven,
            title: self.title,
            origin: Origin {
                block,
                timestamp: at,
                tx: Some(hash(self.back + 1)),
                log_index: Some(112),
                frame: None,
            },
            evidence: Evidence::default(),
            value_at_risk: None,
            runbook: None,
        };
        let fingerprint = format!("{monitor} {network}");
        let status = match self.state {
            AlertState::Provisional => FindingStatus::Tentative,
            AlertState::Confirmed => FindingStatus::Confirmed,
            AlertState::Retracted => FindingStatus::Retracted,
            AlertState::Reported => panic!("a report has no finding"),
        };
        Alert {
            id: AlertId::derive(&fingerprint, id),
            fingerprint,
            network: Some(network),
            monitor,
            deployment: self.deployment.map(name),
            state: self.state,
            severity: self.severity,
            findings: vec![FindingSummary { id, block, at, status, severity: self.severity }],
            more: Vec::new(),
            opened_at: at,
            last_finding_at: at,
            created_at: UnixMillis::from(at).plus(1_840),
            told: [].into(),
            cause: first.into(),
        }
    }
}

/// What an alert of a chain began with.
fn found(alert: &mut Alert) -> &mut Finding {
    alert.finding_mut().expect("it is of a chain")
}

fn alerts(clock: Clock) -> Vec<Alert> {
    let draft = |monitor, detector, deployment, severity, state, back, title: &str| Draft {
        monitor,
        detector,
        network: "mainnet",
        deployment: Some(deployment),
        severity,
        state,
        back,
        title: title.to_owned(),
    };
    use AlertState::{Confirmed, Provisional, Retracted};
    let mut drain = draft(
        "large-withdrawal",
        "liquidity/outflow_exceeds_share",
        "vault",
        Severity::Critical,
        Confirmed,
        70,
        "41 % of vault left in one transaction: 5,084,000 USDC to 0x8f3c…",
    )
    .alert(clock);
    let first = found(&mut drain);
    first.value_at_risk = Some(usdc(12_400_000));
    first.runbook = Some("plans/drain.md".to_owned());
    first.evidence = Evidence {
        measure: Some(Measure {
            name: "share of the vault that left within 1 h".to_owned(),
            unit: String::new(),
            value: 0.41,
            threshold: 0.25,
            history: Some(History { usual: 0.012, spread: 0.008, n: 1_440 }),
        }),
        facts: vec![
            fact("amount", FactValue::Amount(usdc(5_084_000))),
            fact("receiver", FactValue::Address { address: address(40), label: None }),
            fact(
                "caller",
                FactValue::Address {
                    address: address(41),
                    label: Some("Mixer: router".to_owned()),
                },
            ),
            fact("transaction", FactValue::Transaction(hash(71))),
            fact("reentered", FactValue::Bool(true)),
        ],
    };
    let mut storm = draft(
        "failed-calls",
        "telemetry/failed_calls_rise",
        "vault",
        Severity::High,
        Provisional,
        75,
        "28 of 99 calls to vault.withdraw failed, usually 2 % do",
    )
    .alert(clock);
    let first = found(&mut storm);
    first.confidence = Confidence::Statistical { p: 3e-9 };
    first.runbook = Some("https://runbooks.example/failed-calls".to_owned());
    first.evidence.measure = Some(Measure {
        name: "failed share of calls".to_owned(),
        unit: String::new(),
        value: 0.2828,
        threshold: 0.058,
        history: Some(History { usual: 0.02, spread: 0.009, n: 8_120 }),
    });
    for back in (2..75).rev() {
        let id = FindingId::derive(
            &storm.monitor,
            1,
            &name("mainnet"),
            &Anchor::Block(clock.block(back)),
            "",
        );
        storm.findings.push(FindingSummary {
            id,
            block: clock.block(back),
            at: clock.at(back),
            status: FindingStatus::Tentative,
            severity: Severity::High,
        });
    }
    storm.more = vec![FindingCount {
        block: clock.block(1),
        at: clock.at(1),
        status: FindingStatus::Tentative,
        severity: Severity::High,
        count: 9_926,
        digest: 7,
    }];
    storm.last_finding_at = clock.at(1);
    let mut role =
        draft("roles", "access/role_change", "governor", Severity::Medium, Confirmed, 420, "");
    let stranger = FactValue::Untrusted(HOSTILE.to_owned());
    role.title = format!("governor granted PROPOSER_ROLE to a contract named {stranger}");
    let mut role = role.alert(clock);
    found(&mut role).evidence.facts = vec![
        fact("name()", stranger),
        fact(
            "account",
            FactValue::Address { address: address(50), label: Some(HOSTILE.to_owned()) },
        ),
        fact("memo", FactValue::Bytes(vec![0xfe; 64].into())),
        fact(
            "paths",
            FactValue::List(vec![
                FactValue::Uint(U256::MAX),
                FactValue::Untrusted("x".repeat(400)),
            ]),
        ),
    ];
    let bridge = Draft {
        network: "base",
        deployment: Some("bridge"),
        ..draft(
            "known-bad",
            "threat/known_address",
            "bridge",
            Severity::High,
            Confirmed,
            300,
            "an address labelled \"exploiter\" called bridge.lock",
        )
    };
    vec![
        drain,
        storm,
        role,
        bridge.alert(clock),
        draft(
            "large-withdrawal",
            "liquidity/outflow_exceeds_share",
            "vault",
            Severity::High,
            Retracted,
            31,
            "12 % of vault left in one transaction: 1,488,000 USDC",
        )
        .alert(clock),
        draft(
            "oracle-lag",
            "oracle/heartbeat_missed",
            "price-oracle",
            Severity::Low,
            Confirmed,
            900,
            "price-oracle has not been updated for 1 h 12 min, its heartbeat is 1 h",
        )
        .alert(clock),
        draft(
            "parameters",
            "risk/parameter_update",
            "insurance-fund",
            Severity::Info,
            Confirmed,
            1_300,
            "insurance-fund: coverage ratio changed from 8 % to 9 %",
        )
        .alert(clock),
    ]
}

/// Puts messages into the outbox.
fn send(store: &Store, notifications: &[Notification]) {
    let message = |notification: &Notification| {
        let Notification { alert, kind, sequence, .. } = *notification;
        let lines = vec![model::NotificationLine {
            alert,
            kind,
            severity: model::Severity::High,
            sequence,
        }];
        store::OutboxMessage { notification: notification.clone(), lines, held_for: None }
    };
    let applied = store.inbox().applied().expect("a checkpoint");
    let messages = notifications.iter().map(message).collect();
    let step =
        store::PagingStep { from: applied, applied, messages, ..store::PagingStep::default() };
    store.commit_paging(&step).expect("messages that fit");
}

/// Who was told of an alert, and how that went.
fn messages(alert: &Alert, now: UnixMillis, step: &mut Step, outbox: &mut Vec<Notification>) {
    if alert.severity < Severity::Medium {
        step.decisions.push(Decision {
            alert: alert.id,
            receiver: None,
            action: Action::Withhold,
            reason: Reason::NoRoute { severity: alert.severity },
            at: alert.created_at,
        });
        return;
    }
    let mut tell = |receiver: &str, kind, sequence, reason: Reason, attempts, state| {
        let receiver = name(receiver);
        outbox.push(Notification {
            id: NotificationId::derive(alert.id, &receiver, sequence),
            alert: alert.id,
            receiver: receiver.clone(),
            person: None,
            form: model::MessageForm::Notice,
            group: None,
            alerts: 1,
            kind,
            sequence,
            reason: reason.to_string(),
            decided_at: alert.created_at,
            attempts,
            state,
        });
        step.decisions.push(Decision {
            alert: alert.id,
            receiver: Some(receiver),
            at: alert.created_at,
            action: Action::Notify(kind),
            reason,
        });
    };
    use NotificationKind::{Confirmed, Opened, Retracted};
    let delivered = |receipt: &str| NotificationState::Delivered {
        at: alert.created_at.plus(310),
        receipt: format!("250 2.0.0 Ok: queued as {receipt}"),
    };
    let first = || Reason::FirstFinding { more: 0 };
    tell("on-call", Opened, 0, first(), 1, delivered("4Xk2"));
    let block = alert.finding().expect("it is of a chain").origin.block;
    match alert.state {
        AlertState::Retracted => {
            let reason = Reason::LeftTheChain { block, findings: 1 };
            tell("on-call", Retracted, 1, reason, 1, delivered("4Xk9"));
        }
        AlertState::Provisional => {
            let due = NotificationState::Due { not_before: now.plus(42_000) };
            tell("chat", Opened, 0, first(), 4, due);
        }
        AlertState::Confirmed if alert.severity == Severity::Critical => {
            let reason = "404 Not Found: no such webhook".to_owned();
            let failed = NotificationState::Failed { at: now.plus(-800_000), reason };
            tell("chat", Opened, 0, first(), 1, failed);
            tell("on-call", Confirmed, 1, Reason::Final { block }, 1, delivered("4Xm1"));
        }
        AlertState::Confirmed | AlertState::Reported => {}
    }
}

/// What is watched: a detector on one contract, one on everything, expressions over an event and a
/// call.
/// What must be watched: everything by `role-change`, the vault by some more.
fn plan(registry: &Arc<Registry>) -> Arc<Plan> {
    let everybody = Route::catch_all(name("all"), vec![name("ops-mail")]);
    let policy = Arc::new(Policy { routes: vec![everybody], ..Policy::default() });
    let networks = ["mainnet", "base", "gnosis"].map(name);
    let (starts, filling) = (Default::default(), Backfilling::default());
    Arc::new(Plan::new(registry, &monitors(), &policy, &starts, networks, filling))
}

fn monitors() -> Vec<MonitorSpec> {
    let monitor = |label: &str, on: &[&str], rule| MonitorSpec {
        name: name(label),
        version: 1,
        networks: Vec::new(),
        on: on.iter().map(|label| name(label)).collect(),
        children_of: Vec::new(),
        rule,
        severity: Severity::High,
        say: None,
        runbook: None,
    };
    let detector = |id: &str| RuleSpec::Detector { id: id.to_owned(), params: Params::default() };
    let expression = |subject, when: Option<&str>| RuleSpec::Expression {
        subject,
        when: when.map(str::to_owned),
        any_address_abi: None,
    };
    let redeemed = Subject::Event("Redeemed".to_owned());
    let paused = Subject::Call("pause()".to_owned());
    vec![
        monitor("role-change", &[], detector("access/role_change")),
        monitor("gas-unusual", &["vault"], detector("telemetry/gas_unusual")),
        monitor("whale-redeems", &["vault"], expression(redeemed, Some("amount > 1_000 ether"))),
        monitor("paused", &["vault"], expression(paused, None)),
        monitor("bridge-only", &["bridge"], detector("liquidity/outflow_exceeds_share")),
        monitor("authority", &["vault", "timelock"], detector("access/authority_drift")),
    ]
}

/// What the vault can be asked and says.
fn vault_abi() -> Arc<ContractAbi> {
    let abi = ContractAbi::from_solidity([
        "function pause()",
        "function redeem(uint256 amount, address to)",
        "function deposit() payable",
        "function grantRole(bytes32 role, address account)",
        "function hasRole(bytes32 role, address account) view returns (bool)",
        "function upgradeToAndCall(address to, bytes data) payable",
        "function proxiableUUID() view returns (bytes32)",
        "function totalAssets() view returns (uint256)",
        "event Upgraded(address indexed implementation)",
        "event Redeemed(address indexed holder, uint256 amount)",
        "event RoleGranted(bytes32 indexed role, address indexed account, address indexed sender)",
    ]);
    Arc::new(abi.expect("items that parse"))
}

/// Somebody that a list knows and nobody guards.
pub(crate) fn stranger() -> Address {
    address(66)
}
