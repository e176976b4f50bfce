#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop at once")]

use expect_test::expect;
use serde_json::json;

use super::*;
use crate::import::Item;

const TOKEN: &str = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";

fn network(slug: &str, chain_id: u64) -> (String, String) {
    let text = json!({"network_type": "EVM", "slug": slug, "name": slug, "chain_id": chain_id,
        "rpc_urls": [{"type_": "rpc", "url": {"type": "plain", "value": "https://secret"}, "weight": 100}],
        "block_time_ms": 12_000, "confirmation_blocks": 3, "cron_schedule": "0 * * * * *"});
    (format!("networks/{slug}.json"), text.to_string())
}

fn monitor(file: &str, name: &str, conditions: serde_json::Value) -> (String, String) {
    let abi = json!([
        {"type": "event", "name": "Moved", "anonymous": false, "inputs": [
            {"name": "who", "type": "address", "indexed": true},
            {"name": "amount", "type": "uint256", "indexed": false}]},
        {"type": "function", "name": "move", "stateMutability": "nonpayable", "outputs": [],
            "inputs": [{"name": "amount", "type": "uint256"}]}]);
    let text = json!({"name": name, "paused": false, "networks": ["main"],
        "addresses": [{"address": TOKEN, "contract_spec": abi}], "match_conditions": conditions,
        "trigger_conditions": [], "triggers": []});
    (format!("monitors/{file}.json"), text.to_string())
}

fn folder(monitors: &[(String, String)], triggers: serde_json::Value) -> Folder {
    Folder {
        networks: [network("main", 1)].into(),
        monitors: monitors.iter().cloned().collect(),
        triggers: [("triggers/all.json".to_owned(), triggers.to_string())].into(),
        last_blocks: [("main".to_owned(), 100)].into(),
    }
}

fn whens(taken: &Taken) -> String {
    let files = taken.import.files.iter().filter(|(path, _)| path.starts_with("monitors/"));
    let lines = files.flat_map(|(_, text)| text.lines());
    let shown =
        lines.filter(|l| ["event", "call", "trans", "when"].iter().any(|k| l.starts_with(k)));
    shown.collect::<Vec<_>>().join("\n")
}

fn told(items: &[Item]) -> String {
    items.iter().map(|item| format!("{}: {}", item.what, item.why)).collect::<Vec<_>>().join("\n")
}

#[test]
fn conditions_are_joined_as_it_joins_them() {
    let event =
        json!([{"signature": "Moved(address,uint256)", "expression": "amount > 1 OR amount == 0"}]);
    let function = json!([{"signature": "move(uint256)"}]);
    let transactions =
        json!([{"status": "Success", "expression": "value > 5"}, {"status": "Failure"}]);
    let taken = take(
        &folder(
            &[monitor(
                "a",
                "All",
                json!({"events": event, "functions": function, "transactions": transactions}),
            )],
            json!({}),
        ),
        "x",
        Existing::default(),
    );
    expect![[r#"
        event = "Moved"
        when = "(amount > 1 || amount == 0) && ((tx.status == success && (tx.value > 5)) || (tx.status == failed))"
        call = "move"
        when = "call.depth == 0 && ((tx.status == success && (tx.value > 5)) || (tx.status == failed))""#]].assert_eq(&whens(&taken));
    assert!(taken.import.report.is_whole());
}

#[test]
fn a_failed_transaction_has_no_events() {
    let event = json!([{"signature": "Moved(address,uint256)"}]);
    let conditions = json!({"events": event, "transactions": [{"status": "Failure"}]});
    let taken =
        take(&folder(&[monitor("a", "Never", conditions)], json!({})), "x", Existing::default());
    expect![[r#"monitor "Never", event Moved(address,uint256): it asks for a failed transaction, which emits no event: it can never match"#]].assert_eq(&told(&taken.import.report.not_taken));
    assert_eq!(whens(&taken), "");
}

#[test]
fn its_rules_of_loading_hold_here_too() {
    let mut unknown = monitor("c", "Unknown key", json!({}));
    unknown.1 = unknown.1.replace("\"paused\"", "\"severity\":1,\"paused\"");
    let triggers = json!({
        "shaped": {"name": "n", "trigger_type": "slack", "config": {
            "url": {"type": "plain", "value": "https://secret"}, "message": {"title": "t", "body": "b"}}},
        "vault": {"name": "n", "trigger_type": "slack", "config": {
            "slack_url": {"type": "HashiCorpCloudVault", "value": "slack"}, "message": {"title": "t", "body": "b"}}},
    });
    let monitors = [
        monitor("a", "Twice", json!({})),
        monitor("b", "  tWICE ", json!({})),
        unknown,
        monitor("d", "Status", json!({"transactions": [{"status": "failure"}]})),
        monitor("e", "No event", json!({"events": [{"signature": "Movd(address)"}]})),
    ];
    let taken = take(&folder(&monitors, triggers), "x", Existing::default());
    let report = &taken.import.report;
    expect![[r#"
        monitors/b.json: another monitor is called "  tWICE "; it would not start
        monitors/c.json: it cannot be read: unknown field `severity`, expected one of `name`, `networks`, `paused`, `addresses`, `match_conditions`, `trigger_conditions`, `triggers`, `chain_configurations` at line 1 column 446
        monitor "Status": unknown status "failure" (one of: Any, Success, Failure); it would not start
        monitor "No event", event Movd(address): none of the ABIs that came along has this event, so that it never matched"#]].assert_eq(&told(&report.not_taken));
    assert!(told(&report.differs).contains("has the keys of \"webhook\""));
    expect![[r#"
        set RPC_MAIN to what stands in network main, rpc_urls[0]
        set SHAPED_URL to what stands in url of trigger shaped (n)
        set SHAPED_SECRET to 16 random characters or more: trigger shaped (n) is not signed there, and every webhook is here
        set VAULT_URL to the secret "slack" of HashiCorp Vault, which is not asked here"#]].assert_eq(&report.to_do.join("\n"));
    let all: String = taken.import.files.iter().map(|(_, text)| text.as_str()).collect();
    assert!(!all.contains("https://secret") && !format!("{report:?}").contains("https://secret"));
    assert!(all.contains("start = \"block 101\"") && all.contains("finality = \"3 blocks\""));
}

#[test]
fn a_folder_that_is_there_keeps_its_names() {
    let deployment = registry::Deployment {
        label: Name::new("token").unwrap(),
        network: Name::new("ethereum").unwrap(),
        address: TOKEN.parse().unwrap(),
        protocol: None,
        class: registry::Class::Token,
        abi: Arc::new(
            ContractAbi::from_solidity(["event Moved(address indexed holder, uint256 total)"])
                .unwrap(),
        ),
        abi_known: true,
        first_block: None,
        value_at_risk: None,
        token: None,
        oracle: None,
    };
    let existing = Existing {
        has_general: true,
        has_routes: true,
        networks: vec![(Name::new("ethereum").unwrap(), 1)],
        deployments: vec![deployment],
        monitors: vec![Name::new("moves").unwrap()],
        ..Existing::default()
    };
    let conditions = json!({
        "events": [{"signature": "Moved(address,uint256)", "expression": "amount > 3"}],
        "functions": [{"signature": "move(uint256)"}]});
    let taken = take(&folder(&[monitor("a", "Moves", conditions)], json!({})), "x", existing);
    let paths: Vec<&str> = taken.import.files.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["monitors/moves.toml", "routes.imported.toml"]);
    let text = &taken.import.files[0].1;
    // The parameter has another name in the ABI that is there.
    assert!(text.contains("on = [\"token\"]") && text.contains("when = \"total > 3\""), "{text}");
    assert!(text.contains("name = \"moves-2\""), "the name is taken: {text}");
    expect![[r#"monitor "Moves", function move(uint256): the ABI of deployment token, which is there already, has no move(uint256); add it there"#]].assert_eq(&told(&taken.import.report.not_taken));
}

#[test]
fn no_bent_file_makes_it_panic() {
    let (path, good) = monitor(
        "a",
        "Good",
        json!({"events": [{"signature": "Moved(address,uint256)", "expression": "amount > 1"}]}),
    );
    for end in (0..good.len()).step_by(7).filter(|end| good.is_char_boundary(*end)) {
        let mut bent = folder(&[], json!({"x": 1}));
        bent.monitors.insert(path.clone(), good[..end].to_owned());
        let taken = take(&bent, "x", Existing::default());
        assert!(!taken.import.report.is_whole());
    }
    for signature in ["", "(", "Moved", "Moved(", "Moved((,)", "é(ü)"] {
        let conditions =
            json!({"events": [{"signature": signature}], "functions": [{"signature": signature}]});
        take(&folder(&[monitor("a", "x", conditions)], json!({})), "x", Existing::default());
    }
}
