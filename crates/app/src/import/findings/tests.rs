#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop at once")]

use expect_test::expect;
use model::Name;

use super::*;

/// A finding as a bot of the first SDK prints it, written by hand.
const FINDING: &str = r#"{"name": "Role granted to a stranger", "description": "minter role to 0x30F0…",
  "alertId": "MERIDIAN-ROLE-1", "protocol": "meridian", "severity": "High", "type": "Suspicious",
  "metadata": {"role": "minter", "\u202eevil": "http://click.me"}, "addresses": ["0x30F0fd624dbaa7cDD15a0Bae62E238F22CCc1E63"],
  "labels": [{"entityType": "Address", "entity": "0x30f0fd624dbaa7cdd15a0bae62e238f22ccc1e63", "label": "attacker", "confidence": 0.873, "remove": false},
             {"entityType": "Transaction", "entity": "0x01", "label": "attack", "confidence": 1}]}"#;

/// An alert inside the API's answer, with the block it was found in.
const ALERT: &str = r#"{"data": {"alerts": {"alerts": [{"alertId": "AK-REENTRANCY", "hash": "0xaa", "name": "Reentrancy", "severity": "CRITICAL_SEVERITY",
  "findingType": "EXPLOIT", "description": "again", "chainId": 1, "createdAt": "2024-03-01T00:00:05Z",
  "source": {"transactionHash": "0x0101010101010101010101010101010101010101010101010101010101010101",
    "bot": {"id": "0xb07"}, "block": {"number": 19426587, "chainId": 1, "timestamp": "2024-03-01T00:00:00Z",
    "hash": "0x0202020202020202020202020202020202020202020202020202020202020202"}}}]}}}"#;

#[test]
fn an_alert_with_its_block_is_a_finding_of_ours() {
    let outside = read_forta(ALERT).unwrap();
    assert!(outside.unread.is_empty(), "{:?}", outside.unread);
    let mainnet = Name::new("mainnet").unwrap();
    let finding = outside.findings[0].to_finding(Some(&mainnet), None).unwrap();
    assert_eq!(finding.severity, Severity::Critical);
    assert_eq!(finding.origin.block.number, 19_426_587);
    assert_eq!(finding.origin.timestamp, UnixSeconds(1_709_251_200));
    expect!["forta-ak-reentrancy | outside/forta | forta reports \"Reentrancy\""]
        .assert_eq(&format!("{} | {} | {}", finding.monitor, finding.detector, finding.title));
    assert_eq!(kin("AK-REENTRANCY", "Reentrancy"), Some("flow/reentrant_call"));
}

#[test]
fn a_finding_without_a_block_says_so_and_takes_the_one_its_bot_was_given() {
    let outside = read_forta(FINDING).unwrap();
    let found = &outside.findings[0];
    let mainnet = Name::new("mainnet").unwrap();
    assert_eq!(found.to_finding(None, None), Err(Incomplete::NoChain));
    assert_eq!(found.to_finding(Some(&mainnet), None), Err(Incomplete::NoBlock));
    let judged = BlockRef { number: 7, hash: B256::repeat_byte(7) };
    let finding = found.to_finding(Some(&mainnet), Some((judged, UnixSeconds(84)))).unwrap();
    assert_eq!((finding.origin.block, finding.severity), (judged, Severity::High));
    assert_eq!(finding.confidence, Confidence::Heuristic);
    // Nothing of theirs is told as if it were ours: quoted, without control characters.
    assert!(finding.evidence.facts.iter().all(|fact| !fact.name.contains('\u{202e}')));
    let again = found.to_finding(Some(&mainnet), Some((judged, UnixSeconds(84)))).unwrap();
    assert_eq!(finding.id, again.id);
}

#[test]
fn labels_become_lists_with_their_confidence_and_other_entities_are_told() {
    let outside = read_forta(FINDING).unwrap();
    let (files, unnamed) = label_files("forta", &outside.labels);
    assert_eq!(unnamed, []);
    expect![[r#"
        labels/exploiter.forta.csv
        address,name,confidence
        0x30F0fd624dbaa7cDD15a0Bae62E238F22CCc1E63,"",0.87
    "#]]
    .assert_eq(&format!("{}\n{}", files[0].0, files[0].1));
    expect![[
        r#"record 1, labels[1]: a label of transaction "0x01": lists of ours hold addresses"#
    ]]
    .assert_eq(&format!("{}: {}", outside.unread[0].0, outside.unread[0].1));

    let taken_back = OutsideLabel { is_removal: true, ..outside.labels[0].clone() };
    let (files, _) = label_files("forta", &[outside.labels[0].clone(), taken_back]);
    assert_eq!(files, [], "a removal takes the label back");
}

#[test]
fn lidos_findings_are_read_line_by_line_and_a_stranger_is_told() {
    let text = r#"{"severity":"High","alertId":"STETH-SUPPLY","name":"Supply fell","description":"by 5%","botName":"steth","team":"protocol","uniqueKey":"k1","blockNumber":100,"blockTimestamp":1700000000,"txHash":"0x0303030303030303030303030303030303030303030303030303030303030303"}
{"severity":"Loud","alertId":"X","name":"x","description":"x","botName":"b","team":"t","uniqueKey":"k2"}
{"alertId":"X"}
"#;
    let outside = read_lido(text).unwrap();
    assert_eq!(outside.findings.len(), 1);
    let found = &outside.findings[0];
    assert_eq!((found.severity, found.block_number), (Severity::High, Some(100)));
    assert_eq!(found.bot.as_deref(), Some("protocol/steth"));
    assert_eq!(
        found.to_finding(Some(&Name::new("mainnet").unwrap()), None),
        Err(Incomplete::NoBlock),
        "a height without a hash is no block"
    );
    let unread: Vec<String> = outside.unread.iter().map(|(w, y)| format!("{w}: {y}")).collect();
    expect![[r#"
        line 2: unknown severity "Loud" (one of: Unknown, Info, Low, Medium, High, Critical)
        line 3: it is no finding of the databus: severity, name, description, botName, team, uniqueKey missing"#]]
    .assert_eq(&unread.join("\n"));
}

#[test]
fn hostile_texts_are_refused_and_never_panic() {
    for text in ["", "[]", "{", "null", "[1, \"x\", null]", "{\"data\": {\"data\": 3}}", "1\n{"] {
        for read in [read_forta, read_lido] {
            if let Ok(outside) = read(text) {
                assert!(outside.findings.is_empty() && !outside.unread.is_empty(), "{text}");
            }
        }
    }
    assert!(read_forta("not json").unwrap_err().contains("expected"), "the place is told");
}
