//! What Prometheus scrapes: the snapshot as OpenMetrics text.
//!
//! Every scrape makes its metrics anew from one [`Snapshot`], so they agree with the page. A value
//! that is not known is absent, never 0. `docs/metrics.md` lists them all; a test keeps it so.

use std::{fmt, sync::atomic::AtomicU64};

use model::UnixMillis;
use prometheus_client::{
    encoding::text::encode,
    metrics::{family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};

use crate::{
    canary::CanaryState,
    snapshot::{NetworkState, Snapshot, Verdict},
};

/// Media type of [`render`]'s text.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Labels = Vec<(&'static str, String)>;
type Values = Family<Labels, Gauge<f64, AtomicU64>>;

/// The metrics of a snapshot, as text.
///
/// # Errors
/// When a value cannot be written as text, which the encoder's signature allows for.
pub fn render(snapshot: &Snapshot, started_at: UnixMillis) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("bellwether");
    networks(&mut registry, &snapshot.networks);
    endpoints(&mut registry, &snapshot.networks);
    program(&mut registry, snapshot, started_at);
    let mut text = String::with_capacity(8_192);
    encode(&mut text, &registry)?;
    Ok(text)
}

/// Registers a family and returns how to set its values.
fn family(
    registry: &mut Registry,
    name: &str,
    unit: Option<Unit>,
    help: &str,
) -> impl Fn(Labels, f64) + use<> {
    let values = Values::default();
    match unit {
        Some(unit) => registry.register_with_unit(name, help, unit, values.clone()),
        None => registry.register(name, help, values.clone()),
    }
    move |labels, value| {
        values.get_or_create(&labels).set(value);
    }
}

fn blocks() -> Option<Unit> {
    Some(Unit::Other("blocks".to_owned()))
}

fn networks(registry: &mut Registry, networks: &[NetworkState]) {
    let seen = family(
        registry,
        "head_seen_block",
        None,
        "Height of the newest block that an endpoint showed",
    );
    let judged = family(registry, "head_judged_block", None, "Height of the newest judged block");
    let finalized =
        family(registry, "head_finalized_block", None, "Height of the newest final block");
    let lag_blocks = family(
        registry,
        "lag",
        blocks(),
        "Blocks between the head seen and the newest judged block",
    );
    let lag_s = family(
        registry,
        "lag",
        Some(Unit::Seconds),
        "Chain time between the head seen and the newest judged block",
    );
    let age_s = family(
        registry,
        "head_age",
        Some(Unit::Seconds),
        "Time since the network's newest block was made",
    );
    let catching_up = family(registry, "catching_up", None, "1 while old blocks are being fetched");
    let coverage = family(
        registry,
        "coverage",
        blocks(),
        "Newest blocks by what became of them: judged_by_all, judged_by_some, quarantined, missing",
    );
    let blind = family(
        registry,
        "blind_monitors",
        None,
        "Monitors that could not judge one of the newest blocks: blind, warming_up",
    );
    let trusted =
        family(registry, "network_trust", None, "1 for the network's verdict: yes, partly, no");
    for network in networks {
        let labels = || vec![("network", network.health.name.to_string())];
        let with = |name: &'static str, value: &str| {
            let mut labels = labels();
            labels.push((name, value.to_owned()));
            labels
        };
        let known = [
            (&seen as &dyn Fn(Labels, f64), network.health.head_seen),
            (&judged, network.judged.map(|judged| judged.block.number)),
            (&finalized, network.finalized.map(|block| block.number)),
            (&lag_blocks, network.lag_blocks),
            (&lag_s, network.lag_s),
            (&age_s, network.head_age_s),
        ];
        for (set, value) in known {
            if let Some(value) = value {
                set(labels(), value as f64);
            }
        }
        catching_up(labels(), f64::from(u8::from(network.health.catching_up)));
        let ledger = &network.coverage;
        let by_some = ledger.judged.saturating_sub(ledger.judged_by_all);
        coverage(with("result", "judged_by_all"), ledger.judged_by_all as f64);
        coverage(with("result", "judged_by_some"), by_some as f64);
        coverage(with("result", "quarantined"), ledger.quarantined as f64);
        coverage(with("result", "missing"), ledger.missing as f64);
        // Nobody is blind and nobody sees before the first block is judged.
        if network.judged.is_some() {
            let now = || ledger.blind.iter().filter(|blind| blind.is_now);
            let warming_up = now().filter(|blind| blind.is_warming_up()).count();
            blind(with("state", "blind"), (now().count() - warming_up) as f64);
            blind(with("state", "warming_up"), warming_up as f64);
        }
        for verdict in [Verdict::Yes, Verdict::Partly, Verdict::No] {
            let is_it = network.trust.verdict == verdict;
            trusted(with("verdict", verdict.as_str()), f64::from(u8::from(is_it)));
        }
    }
}

fn endpoints(registry: &mut Registry, networks: &[NetworkState]) {
    let up = family(
        registry,
        "endpoint_up",
        None,
        "1 when the endpoint is asked, 0 when it is down, resting or distrusted",
    );
    let latency = family(
        registry,
        "endpoint_latency",
        Some(Unit::Seconds),
        "Moving average of the endpoint's time to answer",
    );
    let head = family(
        registry,
        "endpoint_head_block",
        None,
        "Height of the newest block that the endpoint showed",
    );
    for network in networks {
        for endpoint in &network.health.endpoints {
            let labels = || {
                vec![
                    ("network", network.health.name.to_string()),
                    ("endpoint", endpoint.name.to_string()),
                ]
            };
            up(labels(), f64::from(u8::from(endpoint.healthy)));
            if let Some(latency_ms) = endpoint.latency_ms {
                latency(labels(), latency_ms / 1_000.0);
            }
            if let Some(number) = endpoint.head {
                head(labels(), number as f64);
            }
        }
    }
}

fn program(registry: &mut Registry, snapshot: &Snapshot, started_at: UnixMillis) {
    let alerts = family(
        registry,
        "alerts",
        None,
        "Alerts that opened in the last 24 hours, by state and severity",
    );
    for count in &snapshot.alerts {
        let labels = vec![
            ("state", count.state.as_str().to_owned()),
            ("severity", count.severity.as_str().to_owned()),
        ];
        alerts(labels, count.alerts as f64);
    }
    let findings =
        family(registry, "findings", None, "Findings of the last 24 hours, by status and severity");
    for count in &snapshot.findings {
        let labels = vec![
            ("status", crate::words::finding_status(count.status).to_owned()),
            ("severity", count.severity.as_str().to_owned()),
        ];
        findings(labels, count.findings as f64);
    }
    let messages = family(
        registry,
        "outbox_messages",
        None,
        "Messages since the store began, by state: due (of those tried before: due_tried), delivered, failed",
    );
    let counts = snapshot.outbox.counts;
    for (state, count) in [
        ("due", counts.due),
        ("due_tried", counts.due_tried),
        ("delivered", counts.delivered),
        ("failed", counts.failed),
    ] {
        messages(vec![("state", state.to_owned())], count as f64);
    }
    let oldest = family(
        registry,
        "outbox_oldest_due",
        Some(Unit::Seconds),
        "How long the oldest undelivered message has been waiting, 0 when none is",
    );
    oldest(vec![], snapshot.outbox.oldest_due_s.unwrap_or(0) as f64);
    let trusted = family(
        registry,
        "trust",
        None,
        "1 for the verdict on everything together: yes, partly, no",
    );
    for verdict in [Verdict::Yes, Verdict::Partly, Verdict::No] {
        let is_it = snapshot.trust.verdict == verdict;
        trusted(vec![("verdict", verdict.as_str().to_owned())], f64::from(u8::from(is_it)));
    }
    let stages = family(
        registry,
        "stage_age",
        Some(Unit::Seconds),
        "How long ago a stage came round: judge (by network), pager, outbox",
    );
    for state in &snapshot.stages {
        let network = state.stage.network().map(ToString::to_string).unwrap_or_default();
        let labels = vec![("stage", state.stage.as_str().to_owned()), ("network", network)];
        stages(labels, state.age_s as f64);
    }
    canaries(registry, &snapshot.canaries);
    let started = family(
        registry,
        "process_start_time",
        Some(Unit::Seconds),
        "When the program started, in seconds since 1970",
    );
    started(vec![], started_at.0 as f64 / 1_000.0);
    let build = family(
        registry,
        "build",
        Some(Unit::Other("info".to_owned())),
        "1, with the program's version",
    );
    build(vec![("version", env!("CARGO_PKG_VERSION").to_owned())], 1.0);
}

fn canaries(registry: &mut Registry, states: &[CanaryState]) {
    let age = family(
        registry,
        "canary_age",
        Some(Unit::Seconds),
        "How long ago the newest canary of a network arrived at the sink",
    );
    let took = family(
        registry,
        "canary_latency",
        Some(Unit::Seconds),
        "How long canaries took to a stage from the one before it, and to the sink (whole): last, median, p99",
    );
    let ended = family(
        registry,
        "canaries",
        None,
        "Canaries of a network since the start: arrived, lost; hanging: 1 while none comes through",
    );
    for state in states {
        let network = || ("network", state.network.to_string());
        if let Some(ms) = state.arrived_ago_ms {
            age(vec![network()], ms as f64 / 1_000.0);
        }
        let whole = state.whole.map(|whole| ("whole", whole));
        let to = state.to.iter().map(|(point, span)| (point.as_str(), *span));
        for (stage, span) in to.chain(whole) {
            let values = [("last", span.last_ms), ("median", span.median_ms), ("p99", span.p99_ms)];
            for (stat, ms) in values {
                let labels =
                    vec![network(), ("stage", stage.to_owned()), ("stat", stat.to_owned())];
                took(labels, ms as f64 / 1_000.0);
            }
        }
        let hanging = u64::from(state.hanging.is_some());
        for (word, count) in
            [("arrived", state.arrived), ("lost", state.lost), ("hanging", hanging)]
        {
            ended(vec![network(), ("state", word.to_owned())], count as f64);
        }
    }
}
