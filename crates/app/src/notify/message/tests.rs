use expect_test::expect;
use model::{
    Action, Address, AlertId, Anchor, B256, BlockRef, Confidence, Evidence, Fact, FactValue,
    Finding, FindingId, History, Measure, Origin, Reason, TokenAmount, U256, UnixSeconds,
};
use model::{Decision, NotificationState};

use super::*;

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// Noon of a day in 2027, in seconds.
pub(crate) const NOON_S: u64 = 1_800_014_400;

pub(crate) fn finding() -> Finding {
    let (monitor, network) = (name("large-withdrawal"), name("mainnet"));
    let tx = B256::repeat_byte(0xab);
    let anchor = Anchor::Log { tx, ordinal: 0 };
    Finding {
        id: FindingId::derive(&monitor, 1, &network, &anchor, ""),
        detector: "funds/large_withdrawal".to_owned(),
        monitor,
        version: 1,
        network,
        deployment: Some(name("vault")),
        address: Some(Address::repeat_byte(0x11)),
        severity: Severity::Critical,
        confidence: Confidence::Statistical { p: 1e-6 },
        title: "93 % of vault left in one transaction".to_owned(),
        origin: Origin {
            block: BlockRef { number: 21_000_000, hash: B256::repeat_byte(0xcd) },
            timestamp: UnixSeconds(NOON_S),
            tx: Some(tx),
            log_index: Some(7),
            frame: None,
        },
        evidence: Evidence {
            measure: Some(Measure {
                name: "share withdrawn".to_owned(),
                unit: String::new(),
                value: 0.93,
                threshold: 0.2,
                history: Some(History { usual: 0.04, spread: 0.02, n: 812 }),
            }),
            facts: vec![
                Fact {
                    name: "caller".to_owned(),
                    value: FactValue::Address {
                        address: Address::repeat_byte(0x66),
                        label: Some("known mixer".to_owned()),
                    },
                },
                Fact { name: "amount".to_owned(), value: FactValue::Uint(U256::from(5_000_000)) },
            ],
        },
        value_at_risk: Some(TokenAmount {
            raw: U256::from(12_345_678_900_000_u64),
            decimals: 6,
            symbol: "USDC".into(),
        }),
        runbook: Some("https://runbooks.example/drain".to_owned()),
    }
}

/// The alert and message that the engine makes of one finding.
pub(crate) fn alert_of(finding: Finding) -> (Alert, Notification) {
    let receiver = name("team");
    let policy = alert::Policy {
        routes: vec![alert::Route::catch_all(name("all"), vec![receiver])],
        ..alert::Policy::default()
    };
    let input =
        alert::AlertInput::Findings { network: finding.network.clone(), findings: vec![finding] };
    let now = UnixMillis((NOON_S as i64 + 3) * 1000);
    let mut outcome = alert::AlertBook::new().apply(input, &policy, now);
    assert!(matches!(
        &outcome.decisions[..],
        [Decision { action: Action::Notify(_), reason: Reason::FirstFinding { more: 0 }, .. }]
    ));
    (outcome.alerts.remove(0), outcome.notifications.remove(0))
}

pub(crate) fn context() -> Context {
    Context {
        installation: "meridian".to_owned(),
        public_url: Some("https://watch.example".to_owned()),
        explorers: BTreeMap::from([(
            name("mainnet"),
            Explorer::new("https://explorer.example").unwrap(),
        )]),
        answers: None,
    }
}

pub(crate) fn message() -> Message {
    let (alert, notification) = alert_of(finding());
    Message::new(
        Tellable::of(alert).unwrap(),
        &notification,
        &context(),
        UnixMillis((NOON_S as i64 + 4) * 1000),
    )
}

/// Strings as they occur on chains whose authors know what reads them.
const HOSTILE: &str = "<script>alert(1)</script><!channel> @here [win](https://evil.com) \
                       *bold* https://evil.com evil.com\r\nBcc: all@corp.example \u{202e}\" onclick=\"x";

fn hostile() -> Message {
    let mut finding = finding();
    finding.title = format!("token {} was listed", FactValue::Untrusted(HOSTILE.to_owned()));
    finding.evidence.facts = vec![
        Fact { name: HOSTILE.to_owned(), value: FactValue::Untrusted(HOSTILE.to_owned()) },
        Fact {
            name: "reasons".to_owned(),
            value: FactValue::List(vec![FactValue::Untrusted(HOSTILE.to_owned())]),
        },
        Fact {
            name: "to".to_owned(),
            value: FactValue::Address {
                address: Address::ZERO,
                label: Some("https://evil.com".to_owned()),
            },
        },
    ];
    finding.runbook = Some("javascript:alert(1)".to_owned());
    let (alert, notification) = alert_of(finding);
    Message::new(
        Tellable::of(alert).unwrap(),
        &notification,
        &context(),
        UnixMillis(NOON_S as i64 * 1000),
    )
}

#[test]
fn the_message_tells_everything_without_a_template() {
    expect![[r#"
        [CRITICAL] 93 % of vault left in one transaction (mainnet)
          State:           provisional: its block can still be reverted
          Sent because:    first finding
          Where:           vault (0x1111111111111111111111111111111111111111) on mainnet
          Block:           21000000 (0xcdcdcdcd…) at 2027-01-15 12:00:00 UTC
          Transaction:     0xabababababababababababababababababababababababababababababababab
          Since the block: 4 s
          Value at risk:   12,345,678.9 USDC
          share withdrawn: 93 %, 23.2 × usual: usually 4 % ± 2 % over n = 812; threshold 20 %
          Confidence:      statistical: by chance about once in 1,000,000 observations (p = 1.0e-6)
          caller:          known mixer (0x6666666666666666666666666666666666666666)
          amount:          5000000
          Monitor:         large-withdrawal (funds/large_withdrawal)
          Alert:           https://watch.example/alerts/131bff71e189abffa7d874d299479e53
          Explorer:        https://explorer.example/tx/0xabababababababababababababababababababababababababababababababab
          Runbook:         https://runbooks.example/drain"#]].assert_eq(&message().text());
}

#[test]
fn the_webhook_body_follows_its_schema() {
    expect![[r#"
        {
          "alert": {
            "deployment": "vault",
            "findings_standing": 1,
            "findings_total": 1,
            "id": "131bff71e189abffa7d874d299479e53",
            "last_finding_at_s": 1800014400,
            "monitor": "large-withdrawal",
            "network": "mainnet",
            "opened_at_s": 1800014400,
            "severity": "critical",
            "state": "provisional"
          },
          "decided_at_ms": 1800014403000,
          "drill": null,
          "finding": {
            "address": "0x1111111111111111111111111111111111111111",
            "block": {
              "hash": "0xcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
              "number": 21000000,
              "timestamp_s": 1800014400
            },
            "confidence": {
              "kind": "statistical",
              "p": 1e-6
            },
            "detector": "funds/large_withdrawal",
            "facts": [
              {
                "name": "caller",
                "text": "known mixer (0x6666666666666666666666666666666666666666)",
                "type": "address",
                "value": "0x6666666666666666666666666666666666666666"
              },
              {
                "name": "amount",
                "text": "5000000",
                "type": "uint",
                "value": "5000000"
              }
            ],
            "frame": null,
            "id": "a33af91113f7d1b97ecdceaa7d3cace2",
            "log_index": 7,
            "measure": {
              "history": {
                "n": 812,
                "spread": 0.02,
                "usual": 0.04
              },
              "name": "share withdrawn",
              "threshold": 0.2,
              "unit": "",
              "value": 0.93
            },
            "runbook": "https://runbooks.example/drain",
            "severity": "critical",
            "title": "93 % of vault left in one transaction",
            "transaction": "0xabababababababababababababababababababababababababababababababab",
            "value_at_risk": {
              "decimals": 6,
              "raw": "12345678900000",
              "symbol": "USDC",
              "text": "12,345,678.9 USDC"
            },
            "version": 1
          },
          "id": "3476f07ee608a467d99f9ed6afa23630",
          "installation": "meridian",
          "is_page": false,
          "kind": "opened",
          "links": {
            "alert": "https://watch.example/alerts/131bff71e189abffa7d874d299479e53",
            "explorer": "https://explorer.example/tx/0xabababababababababababababababababababababababababababababababab",
            "runbook": "https://runbooks.example/drain"
          },
          "others": [],
          "others_more": 0,
          "person": null,
          "reason": "first finding",
          "receiver": "team",
          "report": null,
          "schema": "bellwether.alert/1",
          "seconds_since_block": 4,
          "sent_at_ms": 1800014404000,
          "sequence": 0,
          "subject": "[CRITICAL] 93 % of vault left in one transaction (mainnet)",
          "test": false
        }"#]].assert_eq(&serde_json::to_string_pretty(&message().json()).unwrap());
}

#[test]
fn slack_gets_blocks_and_a_text() {
    expect![[r#"
        [
          {
            "text": {
              "emoji": false,
              "text": "[CRITICAL] 93 % of vault left in one transaction (mainnet)",
              "type": "plain_text"
            },
            "type": "header"
          },
          {
            "fields": [
              {
                "emoji": false,
                "text": "State\nprovisional: its block can still be reverted",
                "type": "plain_text"
              },
              {
                "emoji": false,
                "text": "Sent because\nfirst finding",
                "type": "plain_text"
              },
              {
                "emoji": false,
                "text": "Where\nvault (0x1111111111111111111111111111111111111111) on mainnet",
                "type": "plain_text"
              },
              {
                "emoji": false,
                "text": "Block\n21000000 (0xcdcdcdcd…) at 2027-01-15 12:00:00 UTC",
                "type": "plain_text"
              },
              {
                "emoji": false,
                "text": "Transaction\n0xabababababababababababababababababababababababababababababababab",
                "type": "plain_text"
              },
              {
                "emoji": false,
                "text": "Since the block\n4 s",
                "type": "plain_text"
              },
              {
                "emoji": false,
                "text": "Value at risk\n12,345,678.9 USDC",
                "type": "plain_text"
              },
              {
                "emoji": false,
                "text": "share withdrawn\n93 %, 23.2 × usual: usually 4 % ± 2 % over n = 812; threshold 20 %",
                "type": "plain_text"
              },
              {
                "emoji": false,
                "text": "Confidence\nstatistical: by chance about once in 1,000,000 observations (p = 1.0e-6)",
                "type": "plain_text"
              },
              {
                "emoji": false,
                "text": "caller\nknown mixer (0x6666666666666666666666666666666666666666)",
                "type": "plain_text"
              }
            ],
            "type": "section"
          },
          {
            "fields": [
              {
                "emoji": false,
                "text": "amount\n5000000",
                "type": "plain_text"
              },
              {
                "emoji": false,
                "text": "Monitor\nlarge-withdrawal (funds/large_withdrawal)",
                "type": "plain_text"
              }
            ],
            "type": "section"
          },
          {
            "text": {
              "text": "<https://watch.example/alerts/131bff71e189abffa7d874d299479e53|Alert>   <https://explorer.example/tx/0xabababababababababababababababababababababababababababababababab|Explorer>   <https://runbooks.example/drain|Runbook>",
              "type": "mrkdwn",
              "verbatim": true
            },
            "type": "section"
          },
          {
            "elements": [
              {
                "emoji": false,
                "text": "meridian · 131bff71e189abffa7d874d299479e53",
                "type": "plain_text"
              }
            ],
            "type": "context"
          }
        ]"#]]
        .assert_eq(&serde_json::to_string_pretty(&message().slack()["blocks"]).unwrap());
}

#[test]
fn a_message_that_was_delayed_tells_that_it_is_void() {
    let (mut alert, notification) = alert_of(finding());
    alert.state = AlertState::Retracted;
    let late = Message::new(
        Tellable::of(alert).unwrap(),
        &notification,
        &context(),
        UnixMillis(NOON_S as i64 * 1000),
    );
    assert_eq!(
        late.subject(),
        "[CRITICAL] Retracted: 93 % of vault left in one transaction (mainnet)"
    );
    assert!(!late.is_urgent());
    assert!(late.text().contains("what was told before is void"));
}

#[test]
fn hostile_strings_stay_text_in_a_subject() {
    let subject = hostile().subject();
    assert!(!subject.contains(['\r', '\n', '\u{202e}']), "{subject:?}");
    assert!(subject.chars().count() <= SUBJECT_CHARS_MAX);
    let mut finding = finding();
    finding.title = "x\r\nBcc: all@corp.example\r\n\r\nbody".to_owned();
    let (alert, notification) = alert_of(finding);
    let message =
        Message::new(Tellable::of(alert).unwrap(), &notification, &context(), UnixMillis(0));
    assert_eq!(message.subject(), "[CRITICAL] x Bcc: all[@]corp.example body (mainnet)");
}

#[test]
fn hostile_strings_stay_text_in_plain_text_and_only_our_links_are_links() {
    let text = hostile().text();
    let links: Vec<&str> = text.split_whitespace().filter(|word| word.contains("://")).collect();
    let tx = B256::repeat_byte(0xab);
    let alert = format!("https://watch.example/alerts/{}", hostile().alert.id);
    assert_eq!(links, [alert, format!("https://explorer.example/tx/{tx}")]);
    assert!(!text.contains("evil.com"), "{text}");
    assert!(!text.replace("[@]", "").contains('@'), "{text}");
}

#[test]
fn hostile_strings_stay_text_in_html_and_nothing_is_loaded() {
    let html = hostile().html();
    assert!(!html.contains("<script") && !html.contains("evil.com"), "{html}");
    assert!(!html.contains("onclick=\""), "an attribute broke out: {html}");
    let hrefs: Vec<&str> =
        html.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(hrefs.len() >= 4);
    for href in hrefs {
        let ours = ["https://explorer.example/", "https://watch.example/"];
        assert!(ours.iter().any(|base| href.starts_with(base)), "{href}");
    }
    for loader in ["src=", "url(", "<link", "<img", "@import", "<style"] {
        assert!(!html.contains(loader), "{loader} in {html}");
    }
}

#[test]
fn hostile_strings_stay_text_in_slack() {
    let slack = hostile().slack();
    let text = slack["text"].as_str().unwrap();
    assert!(!text.contains(['<', '>']) && !text.contains("](") && !text.contains("evil.com"));
    assert!(!text.replace("[@]", "").contains('@'), "{text}");
    let mut kinds = Vec::new();
    let mut walk = vec![&slack["blocks"]];
    while let Some(value) = walk.pop() {
        if value["type"] == "mrkdwn" {
            kinds.push(value["text"].as_str().unwrap());
        }
        match value {
            serde_json::Value::Array(values) => walk.extend(values),
            serde_json::Value::Object(fields) => walk.extend(fields.values()),
            _ => {}
        }
    }
    assert_eq!(kinds.len(), 1, "one piece of markup, our links");
    assert!(kinds[0].starts_with("<https://watch.example/alerts/"), "{}", kinds[0]);
}

#[test]
fn a_storm_says_how_many_more() {
    let mut alert = alert_of(finding()).0;
    alert.more = vec![model::FindingCount {
        block: alert.finding().unwrap().origin.block,
        at: alert.opened_at,
        status: model::FindingStatus::Tentative,
        severity: Severity::High,
        count: 9_999,
        digest: 0,
    }];
    let notification = Notification {
        id: NotificationId([0; 16]),
        alert: AlertId([0; 16]),
        receiver: name("team"),
        person: None,
        form: model::MessageForm::Notice,
        group: None,
        alerts: 1,
        kind: NotificationKind::Updated,
        sequence: 1,
        reason: "9,999 more, 10,000 findings in all".to_owned(),
        decided_at: UnixMillis(0),
        attempts: 0,
        state: NotificationState::Due { not_before: UnixMillis(0) },
    };
    let text =
        Message::new(Tellable::of(alert).unwrap(), &notification, &context(), UnixMillis(0)).text();
    assert!(text.contains("this one and 9,999 more"), "{text}");
}
