//! The verdict, reason by reason.

use expect_test::expect;
use model::BlockRange;
use model::{B256, BlindReason, BlockRef, Level, UnixMillis, UnixSeconds};

use super::*;

const NOW_S: u64 = 1_710_000_000;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// A network with nothing wrong, as the parts of a snapshot.
#[derive(Clone)]
struct Case {
    health: NetworkHealth,
    judged: Option<Judged>,
    coverage: Coverage,
}

fn endpoint(label: &str, state: &str) -> EndpointHealth {
    EndpointHealth {
        name: name(label),
        state: state.to_owned(),
        healthy: state == "up",
        last_error: (state != "up").then(|| "connection refused".to_owned()),
        latency_ms: Some(12.0),
        head: Some(1_000),
    }
}

fn good() -> Case {
    let health = NetworkHealth {
        head_seen: Some(1_000),
        head_time: Some(UnixSeconds(NOW_S - 5)),
        endpoints: vec![endpoint("own", "up"), endpoint("provider", "up")],
        ..NetworkHealth::unknown(name("mainnet"), 1)
    };
    let block = BlockRef { number: 1_000, hash: B256::ZERO };
    let judged = Some(Judged { block, at: Some(UnixSeconds(NOW_S - 5)) });
    let coverage = Coverage { judged: 900, judged_by_all: 900, ..Coverage::default() };
    Case { health, judged, coverage }
}

impl Case {
    fn state(self) -> NetworkState {
        let now = UnixMillis::from(UnixSeconds(NOW_S));
        NetworkState::new(
            self.health,
            self.judged,
            None,
            self.coverage,
            &TrustLimits::default(),
            now,
        )
    }
}

fn changed(change: impl FnOnce(&mut Case)) -> Case {
    let mut case = good();
    change(&mut case);
    case
}

fn judged_at(case: &mut Case, number: u64, before_s: u64) {
    let block = BlockRef { number, hash: B256::ZERO };
    case.judged = Some(Judged { block, at: Some(UnixSeconds(NOW_S - before_s)) });
}

fn blind(reason: BlindReason, is_now: bool) -> BlindMonitor {
    BlindMonitor { monitor: name("drain"), blocks: 3, reason, is_now }
}

fn no_traces() -> BlindReason {
    BlindReason::LevelTooLow { needs: Level::Traces, has: Level::Logs }
}

#[test]
fn every_kind_of_blindness_has_its_verdict_and_its_words() {
    let warming_up = || BlindReason::WarmingUp { seen: 3, needed: 300 };
    let cases: [(&str, Case); 17] = [
        ("nothing wrong", good()),
        ("nothing judged", changed(|c| c.judged = None)),
        (
            "nothing known",
            Case {
                judged: None,
                health: NetworkHealth::unknown(name("mainnet"), 1),
                coverage: Coverage::default(),
            },
        ),
        ("at the limit of lag", changed(|c| judged_at(c, 995, 65))),
        ("beyond it", changed(|c| judged_at(c, 900, 1_205))),
        (
            "catching up",
            changed(|c| {
                judged_at(c, 900, 1_205);
                c.health.catching_up = true;
            }),
        ),
        ("many blocks, little time", changed(|c| judged_at(c, 700, 30))),
        (
            "a stale chain",
            changed(|c| {
                c.health.head_time = Some(UnixSeconds(NOW_S - 301));
                judged_at(c, 1_000, 301);
            }),
        ),
        (
            "a chain whose clock is ahead",
            changed(|c| c.health.head_time = Some(UnixSeconds(NOW_S + 40))),
        ),
        ("stopped", changed(|c| c.health.stopped_reason = Some("finality was broken".into()))),
        ("one endpoint down", changed(|c| c.health.endpoints[1] = endpoint("provider", "down"))),
        (
            "no endpoint",
            changed(|c| {
                c.health.endpoints = vec![endpoint("own", "resting"), endpoint("provider", "down")];
            }),
        ),
        (
            "holes",
            changed(|c| {
                c.coverage.missing = 12;
                c.coverage.holes = vec![BlockRange { first: 400, last: 411 }];
            }),
        ),
        (
            "quarantine",
            changed(|c| {
                c.coverage.quarantined = 1;
                c.coverage.newest_quarantined =
                    Some((950, BlindReason::Unverified("bloom differs".into())));
            }),
        ),
        ("blind now", changed(|c| c.coverage.blind = vec![blind(no_traces(), true)])),
        ("blind earlier", changed(|c| c.coverage.blind = vec![blind(no_traces(), false)])),
        ("warming up", changed(|c| c.coverage.blind = vec![blind(warming_up(), true)])),
    ];
    let mut told = String::new();
    for (what, case) in cases {
        let trust = case.state().trust;
        told.push_str(&format!("{what}: {}\n", trust.verdict.as_str()));
        for reason in &trust.reasons {
            told.push_str(&format!("    {}: {}\n", reason.code.as_str(), reason.text));
        }
    }
    expect![[r#"
        nothing wrong: yes
        nothing judged: no
            nothing_judged: no block judged yet; the head is 1,000
        nothing known: no
            nothing_judged: no block judged yet, and no endpoint has shown a block
        at the limit of lag: yes
        beyond it: no
            lag: 20 min behind the head (100 blocks)
        catching up: no
            lag: catching up, 20 min behind the head (100 blocks)
        many blocks, little time: yes
        a stale chain: no
            stale: no new block for 5 min
        a chain whose clock is ahead: yes
        stopped: no
            stopped: is not followed any more: finality was broken
        one endpoint down: partly
            endpoint_down: endpoint provider is down: connection refused
        no endpoint: no
            no_endpoint: no endpoint can be used; own is resting: connection refused; provider is down: connection refused
        holes: partly
            holes: 12 of 912 blocks are missing, the newest hole begins at 400
        quarantine: partly
            quarantined: 1 of 901 blocks in quarantine, the newest is 950: block could not be verified: bloom differs
        blind now: partly
            blind: 1 monitor is blind: drain (needs Traces, the network gives Logs)
        blind earlier: partly
            blind: 1 monitor could not judge 3 of the last 900 blocks: drain (needs Traces, the network gives Logs)
        warming up: partly
            warming_up: 1 monitor is warming up: drain (3 of 300 observations)
    "#]].assert_eq(&told);
}

#[test]
fn a_warm_up_that_is_over_is_no_reason() {
    let warm = BlindReason::WarmingUp { seen: 299, needed: 300 };
    let state = changed(|c| c.coverage.blind = vec![blind(warm, false)]).state();
    assert_eq!(state.trust.verdict, Verdict::Yes);
}

#[test]
fn many_blind_monitors_are_named_up_to_a_number() {
    let monitors = ["a", "b", "c", "d", "e"];
    let blinds =
        monitors.map(|label| BlindMonitor { monitor: name(label), ..blind(no_traces(), true) });
    let state = changed(|c| c.coverage.blind = blinds.into()).state();
    let text = &state.trust.reasons[0].text;
    assert!(text.starts_with("5 monitors are blind: a (") && text.ends_with(", 2 more"), "{text}");
}

#[test]
fn everything_together_is_no_only_when_no_network_can_be_trusted() {
    let limits = TrustLimits::default();
    let bad = || changed(|c| c.judged = None).state();
    let quiet = OutboxState::default();
    let verdict = |networks: &[NetworkState], outbox: &OutboxState| {
        trust::overall(networks, outbox, Vec::new(), false, &limits).verdict
    };
    assert_eq!(verdict(&[good().state(), good().state()], &quiet), Verdict::Yes);
    assert_eq!(verdict(&[good().state(), bad()], &quiet), Verdict::Partly);
    assert_eq!(verdict(&[bad(), bad()], &quiet), Verdict::No);
    assert_eq!(verdict(&[], &quiet), Verdict::No);
    let waiting = |s| OutboxState { oldest_due_s: Some(s), ..quiet };
    assert_eq!(verdict(&[good().state()], &waiting(120)), Verdict::Yes);
    assert_eq!(verdict(&[good().state()], &waiting(121)), Verdict::Partly);
    let undecided = |s| OutboxState { undecided_s: Some(s), ..quiet };
    assert_eq!(verdict(&[good().state()], &undecided(60)), Verdict::Yes, "a storm takes a while");
    assert_eq!(verdict(&[good().state()], &undecided(61)), Verdict::No, "nobody would hear of it");
    let codes = |is_pager_stalled| {
        let networks = [good().state()];
        let trust =
            trust::overall(&networks, &undecided(61), Vec::new(), is_pager_stalled, &limits);
        trust.reasons.into_iter().map(|reason| reason.code).collect::<Vec<_>>()
    };
    assert_eq!(codes(false), [Code::Stalled], "although the stage comes round");
    assert_eq!(codes(true), [], "the stage says so itself, and once is enough");
    let failed = Settled { delivered: 9, failed: 1 };
    assert_eq!(
        verdict(&[good().state()], &OutboxState { lately: failed, ..quiet }),
        Verdict::Partly
    );
}

#[test]
fn the_gravest_reason_comes_first() {
    let state = changed(|c| {
        c.coverage.blind = vec![blind(no_traces(), true)];
        c.health.endpoints[0] = endpoint("own", "down");
        judged_at(c, 900, 1_205);
    })
    .state();
    let codes: Vec<&str> = state.trust.reasons.iter().map(|reason| reason.code.as_str()).collect();
    assert_eq!(codes, ["lag", "blind", "endpoint_down"]);
}

#[test]
fn readiness_needs_every_network_and_ignores_blind_monitors() {
    let limits = TrustLimits::default();
    let snapshot = |networks: Vec<NetworkState>, outbox: OutboxState| Snapshot {
        at: UnixMillis::from(UnixSeconds(NOW_S)),
        trust: trust::overall(&networks, &outbox, Vec::new(), false, &limits),
        networks,
        outbox,
        alerts: vec![],
        findings: vec![],
        stages: vec![],
        canaries: vec![],
    };
    let blind_only = changed(|c| c.coverage.blind = vec![blind(no_traces(), true)]).state();
    let quiet = OutboxState::default();
    assert_eq!(snapshot(vec![good().state(), blind_only.clone()], quiet).not_ready(), []);
    let not_ready =
        snapshot(vec![blind_only, changed(|c| c.judged = None).state()], quiet).not_ready();
    assert_eq!(not_ready.iter().map(|r| r.code).collect::<Vec<_>>(), [Code::NothingJudged]);
    let stuck = OutboxState { oldest_due_s: Some(600), ..quiet };
    assert_eq!(snapshot(vec![good().state()], stuck).not_ready()[0].code, Code::Undelivered);
}
