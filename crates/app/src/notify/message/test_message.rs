//! Messages that test a receiver, and can never be taken for news of anything.

use std::collections::BTreeMap;

use model::{
    Alert, AlertId, AlertState, Anchor, B256, BlockRef, Confidence, Evidence, Finding, FindingId,
    Name, NotificationId, NotificationKind, Origin, Severity, UnixMillis, UnixSeconds,
};

use super::{Context, Link, Message, Row, safe};

impl Message {
    /// A message that tests `receiver`, made at `at`; each is its own. With `is_over`, what takes it
    /// back where it would stay open.
    pub fn test(receiver: &Name, context: &Context, at: UnixMillis, is_over: bool) -> Self {
        let headline = format!("TEST of receiver {receiver}: nothing is wrong");
        let alert = nothing(receiver, &headline, at, is_over);
        Self { is_test: true, ..Self::plain(receiver, alert, headline, context, at) }
    }

    /// A message that says at `at`, through `receiver`, that another one cannot be reached since
    /// `since`.
    pub fn of_failure(
        receiver: &Name,
        failing: &Name,
        why: &str,
        context: &Context,
        (since, at): (UnixMillis, UnixMillis),
    ) -> Self {
        let headline = format!("Receiver {failing} failed its test: alerts may not arrive there");
        let mut alert = nothing(failing, &headline, since, false);
        alert.severity = Severity::High;
        let mut message = Self::plain(receiver, alert, headline, context, at);
        message.rows.push(Row { label: "Why".to_owned(), value: safe::untrusted(why), link: None });
        message
    }

    fn plain(
        receiver: &Name,
        alert: Alert,
        headline: String,
        context: &Context,
        at: UnixMillis,
    ) -> Self {
        let is_over = alert.state == AlertState::Retracted;
        let thread = NotificationId::derive(alert.id, receiver, 0);
        let sequence = u32::from(is_over);
        let row = |label: &str, value: &str| Row {
            label: label.to_owned(),
            value: value.to_owned(),
            link: None,
        };
        let page = context.public_url.iter().map(|url| Link { label: "Page", url: url.clone() });
        Self {
            id: NotificationId::derive(alert.id, receiver, sequence),
            thread,
            receiver: receiver.clone(),
            person: None,
            is_page: false,
            kind: if is_over { NotificationKind::Retracted } else { NotificationKind::Opened },
            sequence,
            reason: "receivers are tested".to_owned(),
            decided_at: at,
            at,
            headline,
            rows: vec![row("Sent because", "receivers are tested from end to end")],
            others: Vec::new(),
            others_more: 0,
            answers: Vec::new(),
            links: page.collect(),
            installation: safe::ours(&context.installation),
            is_test: false,
            alert,
        }
    }
}

/// An alert of no monitor about no block.
fn nothing(about: &Name, headline: &str, at: UnixMillis, is_over: bool) -> Alert {
    let name = |text| Name::new(text).expect("a plain slug");
    let (monitor, network) = (name("receiver-test"), name("bellwether"));
    let now = UnixSeconds(u64::try_from(at.0 / 1_000).unwrap_or_default());
    let fingerprint = format!("receiver {about} at {}", at.0);
    let anchor = Anchor::Episode { entity: fingerprint.clone(), began: now };
    let id = FindingId::derive(&monitor, 1, &network, &anchor, "");
    let first = Finding {
        id,
        detector: "receivers/test".to_owned(),
        monitor: monitor.clone(),
        version: 1,
        network: network.clone(),
        deployment: None,
        address: None,
        severity: Severity::Info,
        confidence: Confidence::Proven,
        title: headline.to_owned(),
        origin: Origin {
            block: BlockRef { number: 0, hash: B256::ZERO },
            timestamp: now,
            tx: None,
            log_index: None,
            frame: None,
        },
        evidence: Evidence { measure: None, facts: Vec::new() },
        value_at_risk: None,
        runbook: None,
    };
    Alert {
        id: AlertId::derive(&fingerprint, id),
        fingerprint,
        network: Some(network),
        monitor,
        deployment: None,
        state: if is_over { AlertState::Retracted } else { AlertState::Confirmed },
        severity: Severity::Info,
        cause: first.into(),
        findings: Vec::new(),
        more: Vec::new(),
        opened_at: now,
        last_finding_at: now,
        created_at: at,
        told: BTreeMap::new(),
    }
}
