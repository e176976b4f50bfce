//! Findings, the alerts that follow from them, and who hears of them.

use std::sync::Arc;

use alert::{
    AlertBook, AlertInput, Policy,
    life::Truth,
    pager::{Facts, Input},
    plan::{Channel, ChannelKind, Plan},
    route::{Branch, GroupBy, Tree},
};
use bellwether::paging;
use model::{
    Alert, Anchor, B256, BlockRef, Confidence, Evidence, Finding, FindingId, Name, Origin,
    Position, Severity, UnixMillis, UnixSeconds,
};
use store::{Step, Store};

pub(super) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// Monitors that the alerts are spread over.
pub(super) const MONITORS: u64 = 200;

/// One in a thousand is critical, one in a hundred high.
fn severity(number: u64) -> Severity {
    match number {
        n if n % 1_000 == 0 => Severity::Critical,
        n if n % 100 == 1 => Severity::High,
        n if n % 2 == 0 => Severity::Medium,
        _ => Severity::Low,
    }
}

/// The so-manieth alert: its first finding, on a vault of its own.
pub(super) fn alert(book: &mut AlertBook, number: u64, at: UnixMillis) -> Alert {
    let (monitor, network) = (name(&format!("monitor-{}", number % MONITORS)), name("mainnet"));
    let deployment = format!("vault-{number}");
    let anchor = Anchor::Episode { entity: deployment.clone(), began: UnixSeconds(0) };
    let mut hash = B256::ZERO;
    hash[..8].copy_from_slice(&number.to_be_bytes());
    let timestamp = UnixSeconds(at.0.unsigned_abs() / 1_000);
    let finding = Finding {
        id: FindingId::derive(&monitor, 1, &network, &anchor, &deployment),
        detector: "expression".to_owned(),
        monitor,
        version: 1,
        network: network.clone(),
        deployment: Some(name(&deployment)),
        address: None,
        severity: severity(number),
        confidence: Confidence::Proven,
        title: format!("more left {deployment} than in any hour of the last 30 days"),
        origin: Origin {
            block: BlockRef { number: 19_000_000 + number / 50, hash },
            timestamp,
            tx: None,
            log_index: None,
            frame: None,
        },
        evidence: Evidence::default(),
        value_at_risk: None,
        runbook: None,
    };
    let input = AlertInput::Findings { network, findings: vec![finding] };
    let mut outcome = book.apply(input, &Policy::default(), at);
    assert_eq!(outcome.alerts.len(), 1, "an alert of its own");
    outcome.alerts.remove(0)
}

/// What the pager is told of an alert.
pub(super) fn input(alert: &Alert) -> Input {
    let mut facts = Facts::of(alert, "first finding");
    facts.truth = Truth::Provisional;
    Input::Alert(facts)
}

/// Commits alerts as the judge does: with what the pager is told, in one transaction.
pub(super) fn commit(store: &Store, from: u64, alerts: Vec<Alert>, at: UnixMillis) {
    let inputs = alerts.iter().map(|alert| paging::stored(&input(alert), at)).collect();
    let findings = Vec::new();
    let step = Step {
        network: name("mainnet"),
        from: Position(from),
        checkpoint: Position(from + 1),
        monitors_version: 1,
        reverted: Vec::new(),
        findings,
        samples: Vec::new(),
        coverage: Vec::new(),
        state: Vec::new(),
        finalized: None,
        alerts,
        inputs,
        decisions: Vec::new(),
    };
    store.commit(&step).unwrap();
}

/// Everything is told to one receiver: by monitor, or each alert for itself and at once.
pub(super) fn plan(is_at_once: bool) -> Arc<Plan> {
    let mut root = Branch::new(name("all"));
    root.receivers = Some(vec![name("hook")]);
    if is_at_once {
        (root.group_by, root.group_wait_s) = (Some(GroupBy::Alert), Some(0));
    } else {
        root.group_by = Some(GroupBy::Labels(vec!["monitor".to_owned()]));
    }
    let mut plan = Plan::new(Tree::new(root).unwrap());
    plan.channels.insert(name("hook"), Channel::new(ChannelKind::Webhook));
    Arc::new(plan)
}
