//! What is told: one alert, as it is found, as others would have it, and taken back.

use std::collections::BTreeMap;

use alert::Tellable;
use bellwether::notify::{Context, Message};
use model::{
    Address, Alert, AlertId, AlertState, Anchor, B256, BlockRef, Confidence, Evidence, Fact,
    FactValue, Finding, FindingId, FindingStatus, FindingSummary, MessageForm, Name, Notification,
    NotificationId, NotificationKind, NotificationState, Origin, Provenance, Severity, UnixMillis,
    UnixSeconds,
};
use registry::Explorer;

/// Words that stand in every message about [`found`].
pub(super) const HEADLINE: &str = "93 % of vault left in one transaction";

/// Where every message may lead.
pub(super) const OURS: [&str; 2] = ["https://watch.example/", "https://explorer.example/"];

/// Strings as they occur on chains whose authors know what reads them.
const HOSTILE: &str = "<script>alert(1)</script><!channel> @here @everyone <@U1> <@&7> /claim #win \
    [win](https://evil.com) *b* _i_ ~s~ `c` ||x|| https://evil.com evil.com </b></a> & \"q\" 'q' \
    {{token}} %0a \r\nBcc: all@corp.example \u{202e}語\u{1f600}";

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

const NOON_S: u64 = 1_800_014_400;

fn finding() -> Finding {
    let (monitor, network) = (name("large-withdrawal"), name("mainnet"));
    let tx = B256::repeat_byte(0xab);
    Finding {
        id: FindingId::derive(&monitor, 1, &network, &Anchor::Log { tx, ordinal: 0 }, ""),
        detector: "funds/large_withdrawal".to_owned(),
        monitor,
        version: 1,
        network,
        deployment: Some(name("vault")),
        address: Some(Address::repeat_byte(0x11)),
        severity: Severity::Critical,
        confidence: Confidence::Proven,
        title: HEADLINE.to_owned(),
        origin: Origin {
            block: BlockRef { number: 21_000_000, hash: B256::repeat_byte(0xcd) },
            timestamp: UnixSeconds(NOON_S),
            tx: Some(tx),
            log_index: Some(7),
            frame: None,
        },
        evidence: Evidence {
            measure: None,
            facts: vec![Fact {
                name: "caller".to_owned(),
                value: FactValue::Address { address: Address::repeat_byte(0x66), label: None },
            }],
        },
        value_at_risk: None,
        runbook: None,
    }
}

/// A message, the `sequence`-th about the alert of this finding.
fn about(finding: Finding, state: AlertState, sequence: u32) -> Message {
    let receiver = name("team");
    let id = AlertId([7; 16]);
    let opened_at = finding.origin.timestamp;
    let alert = Alert {
        id,
        fingerprint: "withdrawals of vault".to_owned(),
        network: Some(finding.network.clone()),
        monitor: finding.monitor.clone(),
        deployment: finding.deployment.clone(),
        state,
        severity: finding.severity,
        findings: vec![FindingSummary {
            id: finding.id,
            block: finding.origin.block,
            at: opened_at,
            status: FindingStatus::Tentative,
            severity: finding.severity,
        }],
        cause: finding.into(),
        more: Vec::new(),
        opened_at,
        last_finding_at: opened_at,
        created_at: UnixMillis(NOON_S as i64 * 1_000),
        told: BTreeMap::new(),
    };
    let at = UnixMillis((NOON_S as i64 + 4 + i64::from(sequence)) * 1_000);
    let is_over = state == AlertState::Retracted;
    let notification = Notification {
        id: NotificationId::derive(id, &receiver, sequence),
        alert: id,
        receiver,
        person: None,
        form: MessageForm::Page,
        group: None,
        alerts: 1,
        kind: if is_over { NotificationKind::Retracted } else { NotificationKind::Opened },
        sequence,
        reason: "first finding".to_owned(),
        decided_at: at,
        attempts: 1,
        state: NotificationState::Due { not_before: at },
    };
    let explorer = Explorer::new("https://explorer.example").unwrap();
    let context = Context {
        installation: "meridian".to_owned(),
        public_url: Some("https://watch.example".to_owned()),
        explorers: BTreeMap::from([(name("mainnet"), explorer)]),
        answers: None,
    };
    let alert = Tellable::of(alert).expect("no canary");
    Message::new(alert, &notification, &context, at)
}

/// The first message about an alert.
pub(super) fn found() -> Message {
    about(finding(), AlertState::Provisional, 0)
}

/// The alert left the chain.
pub(super) fn retracted() -> Message {
    about(finding(), AlertState::Retracted, 1)
}

/// As [`found`], but people practise; its title does not say so by itself.
pub(super) fn drilled(sequence: u32) -> Message {
    let detector = Provenance::detector_of(&name("tuesday"));
    about(Finding { detector, ..finding() }, AlertState::Confirmed, sequence)
}

/// As [`found`], with as many and as long strings from the chain as a finding may have, each of
/// which wants to be a link, a mention or markup.
pub(super) fn hostile() -> Message {
    let mut finding = finding();
    let long = |times: usize| FactValue::Untrusted(HOSTILE.repeat(times));
    finding.title = format!("token {} was listed", long(3));
    finding.evidence.facts = (0..24)
        .map(|at| Fact { name: format!("{at} {}", HOSTILE.repeat(2)), value: long(1 + at % 4) })
        .collect();
    finding.runbook = Some("javascript:alert(1)".to_owned());
    about(finding, AlertState::Provisional, 0)
}
