//! From a block that is visible at an endpoint to a webhook that has arrived: the tasks of the
//! program, a real endpoint, real SQLite, a real receiver, all on loopback.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use alert::{
    Matcher, Policy, Route,
    plan::{Channel, ChannelKind, Plan},
    route::{Branch, GroupBy, Tree},
};
use axum::{Router, body::Bytes, extract::State, routing::post};
use bellwether::{
    notify::{Context, ReceiverConfig, Receivers},
    pipeline::{Pipeline, Rules},
};
use chain::{
    Prove,
    config::{EndpointConfig, Finality, Limits, NetworkConfig, Start, Timing, TraceMode},
};
use detect::{Engine, MonitorSpec, RuleSpec, Subject, detectors};
use evm::{
    devnet::Devnet,
    meridian::{Meridian, Traffic, call, contracts::MeridianToken},
};
use model::{Name, Secret, Severity};
use registry::{Class, ContractAbi, Deployment, Labels, Registry};
use store::Store;

use crate::table::{Sample, Table};

/// Blocks whose latency is taken.
const BLOCKS: usize = 120;

/// Between two looks at the head, where nothing pushes.
const POLL_MS: u64 = 250;

/// Most that may pass beyond what waiting for the next look takes, at the 99th percentile.
const LATENCY_MS_MAX: f64 = 100.0;

/// Beyond so many times the goal, a slow moment of the machine explains nothing any more.
const WALL_TOLERANCE: f64 = 3.0;

/// Time between two blocks. It is no multiple of the polling interval, so that blocks come at every
/// moment between two looks.
const BLOCK_EVERY: Duration = Duration::from_millis(330);

/// Detectors that run without anything declared; with fewer, a new rule of configuration keeps them
/// out and the figure is of something else.
const DETECTORS_MIN: usize = 40;

/// Monitors on devnet's contracts besides the detectors, none of which fires.
const QUIET_MONITORS: usize = 500;

pub(super) fn measure(table: &mut Table) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    table.heading("latency, block visible at the endpoint -> webhook received (wall time)");
    for is_pushed in [true, false] {
        let sample = Sample::new(runtime.block_on(latencies(is_pushed)));
        let (what, most) = if is_pushed {
            ("WebSocket".to_owned(), LATENCY_MS_MAX)
        } else {
            (format!("polling every {POLL_MS} ms"), POLL_MS as f64 + LATENCY_MS_MAX)
        };
        table.row(&format!("{what}, all"), &sample, "ms");
        let p99 = sample.quantile(0.99);
        table.single(&format!("{what}, 99th percentile"), p99, "ms", most, most * WALL_TOLERANCE);
        table.note(&format!("{what}, slowest of {BLOCKS}: {:.1} ms", sample.quantile(1.0)));
    }
}

/// When which block's webhook arrived first.
type Arrivals = Arc<Mutex<HashMap<u64, Instant>>>;

async fn latencies(is_pushed: bool) -> Vec<f64> {
    let devnet = Devnet::new(Meridian::devnet_config());
    let meridian = Meridian::deploy(&devnet).unwrap();
    let mut traffic = Traffic::new(7);
    let endpoint = devnet.serve(([127, 0, 0, 1], 0).into()).await.unwrap();

    let arrivals = Arrivals::default();
    let hook = listen(arrivals.clone()).await;
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("store.db")).unwrap();
    let pipeline = Pipeline {
        twins: bellwether::twin::Twins::default(),
        turns: bellwether::pulse::Turns::default(),
        canaries: bellwether::canary::Canaries::default(),
        canary: bellwether::canary::Settings::default(),
        store,
        rules: rules(&meridian),
        networks: vec![network(&devnet, endpoint.url(), is_pushed.then(|| endpoint.ws_url()))],
        receivers: Arc::new(receivers(hook)),
        coverage: Arc::default(),
        retention: store::Retention::default(),
        community: None,
    };
    let running = pipeline.start(None, Arc::default());

    let mut shown = Vec::new();
    let probe = &meridian.actors.treasury;
    for _ in 0..BLOCKS + WARM_UP {
        tokio::time::sleep(BLOCK_EVERY).await;
        traffic.submit(&devnet, &meridian).unwrap();
        let transfer = MeridianToken::transferCall {
            to: meridian.actors.guardian.address(),
            value: alloy_primitives::U256::from(1),
        };
        devnet.submit(probe, call(meridian.token, transfer)).unwrap();
        let block = devnet.mine().unwrap();
        shown.push((block.number, Instant::now()));
    }
    let last = shown.last().unwrap().0;
    let patience = Instant::now() + Duration::from_secs(20);
    while !arrivals.lock().unwrap().contains_key(&last) {
        assert!(Instant::now() < patience, "the last webhook did not arrive");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    running.stop().await;
    let arrived = arrivals.lock().unwrap();
    let of = |(number, at): &(u64, Instant)| {
        let arrival = arrived.get(number);
        let arrival = arrival.unwrap_or_else(|| panic!("no webhook about block {number}"));
        arrival.saturating_duration_since(*at).as_secs_f64() * 1e3
    };
    shown[WARM_UP..].iter().map(of).collect()
}

/// Blocks at the beginning that are not counted: connections are made, statements prepared.
const WARM_UP: usize = 10;

async fn listen(arrivals: Arrivals) -> String {
    async fn take(State(arrivals): State<Arrivals>, body: Bytes) {
        let now = Instant::now();
        let message: serde_json::Value = serde_json::from_slice(&body).unwrap();
        if let Some(number) = message["finding"]["block"]["number"].as_u64() {
            arrivals.lock().unwrap().entry(number).or_insert(now);
        }
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/", post(take)).with_state(arrivals);
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/")
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn network(devnet: &Devnet, url: String, ws_url: Option<String>) -> NetworkConfig {
    NetworkConfig {
        name: name("devnet"),
        chain_id: devnet.config().chain_id,
        endpoints: vec![EndpointConfig {
            name: name("local"),
            url: Secret::new(url),
            ws_url: ws_url.map(Secret::new),
            headers: Vec::new(),
            requests_per_second: None,
        }],
        finality: Finality::Finalized,
        start: Start::Head,
        traces: TraceMode::Auto,
        prove: Prove::everything(),
        cross_check: None,
        timing: Timing { poll_interval_ms: POLL_MS, ..Timing::default() },
        limits: Limits::default(),
    }
}

fn receivers(url: String) -> Receivers {
    let hook = ReceiverConfig::Webhook {
        url: Secret::new(url),
        secret: Some(Secret::new("0123456789abcdef0123456789abcdef".to_owned())),
    };
    Receivers::new(&[(name("hook"), hook)], Context::default()).unwrap()
}

/// One monitor that fires in every block, all detectors that need nothing declared, and some hundred
/// quiet monitors.
fn rules(meridian: &Meridian) -> Rules {
    let deployments = meridian.deployments().into_iter().map(|deployed| {
        let parts: Vec<ContractAbi> = deployed
            .artifacts
            .iter()
            .map(|artifact| serde_json::to_string(&artifact.abi()).unwrap())
            .map(|json| ContractAbi::from_json(&json).unwrap())
            .collect();
        Deployment {
            label: name(deployed.name),
            network: name("devnet"),
            address: deployed.address,
            protocol: None,
            class: if deployed.name == "oracle" { Class::Oracle } else { Class::Contract },
            abi: Arc::new(ContractAbi::merged(&parts)),
            abi_known: true,
            first_block: Some(deployed.first_block),
            value_at_risk: None,
            token: None,
            oracle: None,
        }
    });
    let registry = Registry::new(deployments.collect(), Labels::default()).unwrap();
    let transfers = |monitor: String, severity, when: String| MonitorSpec {
        name: name(&monitor),
        version: 1,
        networks: Vec::new(),
        on: vec![name("token")],
        children_of: Vec::new(),
        rule: RuleSpec::Expression {
            subject: Subject::Event("Transfer".to_owned()),
            when: Some(when),
            any_address_abi: None,
        },
        severity,
        say: None,
        runbook: None,
    };
    let (from, to) = (meridian.actors.treasury.address(), meridian.actors.guardian.address());
    let mut monitors =
        vec![transfers("probe".to_owned(), Severity::High, format!("$0 == {from} && $1 == {to}"))];
    let registry = Arc::new(registry);
    monitors.extend(
        detectors::ALL
            .iter()
            .map(|detector| detector.spec().id)
            .map(|id| MonitorSpec {
                name: name(&id.replace('/', ".")),
                on: Vec::new(),
                children_of: Vec::new(),
                rule: RuleSpec::Detector { id: id.to_owned(), params: detectors::Params::new() },
                ..transfers("any".to_owned(), Severity::Medium, String::new())
            })
            .filter(|spec| Engine::new(registry.clone(), vec![spec.clone()]).is_ok()),
    );
    assert!(monitors.len() > DETECTORS_MIN, "{} detectors run as they are", monitors.len() - 1);
    monitors.extend(
        (0..QUIET_MONITORS)
            .map(|n| transfers(format!("quiet-{n}"), Severity::Low, format!("$2 > {n} + 1e40"))),
    );
    if let Err(errors) = Engine::new(registry.clone(), monitors.clone()) {
        panic!("the monitors do not compile: {errors:?}");
    }
    // Each block opens an alert of its own: the window is shorter than the time between blocks.
    let route = Route {
        monitors: vec!["probe".parse().unwrap()],
        ..Route::catch_all(name("all"), vec![name("hook")])
    };
    let policy = Policy { routes: vec![route], group_window_s: 1, ..Policy::default() };
    let mut root = Branch::new(name("all"));
    (root.group_by, root.group_wait_s) = (Some(GroupBy::Alert), Some(0));
    let mut probe = Branch::new(name("probe"));
    probe.matchers = vec![Matcher::equal("monitor", "probe")];
    probe.receivers = Some(vec![name("hook")]);
    root.branches = vec![probe];
    let mut plan = Plan::new(Tree::new(root).unwrap());
    plan.channels.insert(name("hook"), Channel::new(ChannelKind::Webhook));
    Rules {
        registry,
        monitors: Arc::new(monitors),
        policy: Arc::new(policy),
        plan: Arc::new(plan),
        outside: Arc::default(),
    }
}
