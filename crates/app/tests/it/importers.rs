//! Every importer on something it must take, and on its neighbour that it must not.
//!
//! The importers are those that `bellwether import --help` lists: one that is added without both
//! fixtures fails here. What each format is made of in full is held by the tests beside its reader.

use std::{fs, path::Path};

use serde_json::Value;

use crate::world::bellwether;

/// An importer, what it must take, and what, near to that, it must not.
struct Fixture {
    importer: &'static str,
    /// The argument that names what is read: a file or folder of the fixture.
    from: &'static str,
    takes: Files,
    /// What is taken, in the words of the report.
    taken: &'static str,
    leaves: Files,
    /// Why it is not, in the words of the report or of the error.
    why: &'static str,
}

/// Paths and texts.
type Files = &'static [(&'static str, &'static str)];

const FIXTURES: &[Fixture] = &[
    Fixture {
        importer: "foundry",
        from: ".",
        takes: &[(
            "broadcast/D.s.sol/1/run-latest.json",
            r#"{"transactions":[{"hash":"0x0101010101010101010101010101010101010101010101010101010101010101","transactionType":"CREATE","contractName":"Vault","contractAddress":"0x00000000000000000000000000000000000000aa"}],
                "receipts":[{"transactionHash":"0x0101010101010101010101010101010101010101010101010101010101010101","status":"0x1","blockNumber":"0x10"}],"chain":1}"#,
        )],
        taken: "Vault 0x00000000000000000000000000000000000000AA on mainnet",
        leaves: &[(
            "broadcast/D.s.sol/1/run-latest.json",
            r#"{"transactions":[{"hash":"0x0101010101010101010101010101010101010101010101010101010101010101","transactionType":"CREATE","contractName":"Vault","contractAddress":"0x00000000000000000000000000000000000000aa"}],
                "receipts":[{"transactionHash":"0x0101010101010101010101010101010101010101010101010101010101010101","status":"0x0","blockNumber":"0x10"}],"chain":1}"#,
        )],
        why: "transaction 0x0101010101010101010101010101010101010101010101010101010101010101 failed",
    },
    Fixture {
        importer: "hardhat",
        from: ".",
        takes: &[
            ("deployments/main/.chainId", "1"),
            (
                "deployments/main/Vault.json",
                r#"{"address":"0x00000000000000000000000000000000000000aa","abi":[],"receipt":{"status":1}}"#,
            ),
        ],
        taken: "Vault 0x00000000000000000000000000000000000000AA on mainnet",
        leaves: &[
            ("deployments/main/.chainId", "1"),
            (
                "deployments/main/Vault.json",
                r#"{"address":"0x00000000000000000000000000000000000000aa","abi":[],"receipt":{"status":0}}"#,
            ),
        ],
        why: "the transaction that creates it failed",
    },
    Fixture {
        importer: "truffle",
        from: ".",
        takes: &[(
            "build/contracts/Vault.json",
            r#"{"contractName":"Vault","abi":[],"networks":{"1":{"address":"0x00000000000000000000000000000000000000aa"}}}"#,
        )],
        taken: "Vault 0x00000000000000000000000000000000000000AA on mainnet",
        leaves: &[(
            "build/contracts/Vault.json",
            r#"{"contractName":"Vault","abi":[],"networks":{}}"#,
        )],
        why: "compiled, and deployed nowhere",
    },
    Fixture {
        importer: "openzeppelin-upgrades",
        from: ".",
        takes: &[(
            ".openzeppelin/mainnet.json",
            r#"{"manifestVersion":"3.2","proxies":[{"address":"0x00000000000000000000000000000000000000aa","kind":"uups"}],"impls":{}}"#,
        )],
        taken: "0x00000000000000000000000000000000000000AA on mainnet, a proxy (uups)",
        leaves: &[(
            ".openzeppelin/mainnet.json",
            r#"{"manifestVersion":"3.2","proxies":[{"address":"0x00000000000000000000000000000000000000aa","kind":"quantum"}],"impls":{}}"#,
        )],
        why: "unknown kind of proxy \"quantum\"",
    },
    Fixture {
        importer: "sourcify",
        from: "answer.json",
        takes: &[(
            "answer.json",
            r#"{"match":"exact_match","chainId":"1","address":"0x00000000000000000000000000000000000000aa","abi":[],"compilation":{"name":"Vault"}}"#,
        )],
        taken: "Vault 0x00000000000000000000000000000000000000AA on mainnet",
        leaves: &[(
            "answer.json",
            r#"{"match":null,"chainId":"1","address":"0x00000000000000000000000000000000000000aa"}"#,
        )],
        why: "is not verified there",
    },
    Fixture {
        importer: "etherscan",
        from: ".",
        takes: &[(
            "1/0x00000000000000000000000000000000000000aa.json",
            r#"{"status":"1","message":"OK","result":[{"SourceCode":"x","ABI":"[]","ContractName":"Vault"}]}"#,
        )],
        taken: "Vault 0x00000000000000000000000000000000000000AA on mainnet",
        leaves: &[(
            "1/0x00000000000000000000000000000000000000aa.json",
            r#"{"status":"0","message":"NOTOK","result":"Max rate limit reached"}"#,
        )],
        why: "the API refused: NOTOK (Max rate limit reached)",
    },
    Fixture {
        importer: "safe-bundle",
        from: "batch.json",
        takes: &[(
            "batch.json",
            r#"{"version":"1.0","chainId":"1","meta":{"name":"m"},"transactions":[{"to":"0x00000000000000000000000000000000000000aa","value":"0","data":"0x8456cb59"}]}"#,
        )],
        taken: "0x00000000000000000000000000000000000000AA on mainnet",
        leaves: &[(
            "batch.json",
            r#"{"version":"1.0","chainId":"1","meta":{"name":"m"},"transactions":[{"to":"0x00000000000000000000000000000000000000aa","value":"5","data":"0x"}]}"#,
        )],
        why: "only money is sent to 0x00000000000000000000000000000000000000AA",
    },
    Fixture {
        importer: "list",
        from: "contracts.csv",
        takes: &[(
            "contracts.csv",
            "label,chain_id,address\nvault,1,0x00000000000000000000000000000000000000aa\n",
        )],
        taken: "vault 0x00000000000000000000000000000000000000AA on mainnet",
        leaves: &[(
            "contracts.csv",
            "label,chain_id,address\nvault,1,0x00000000000000000000000000000000000000\n",
        )],
        why: "is not an address",
    },
    Fixture {
        importer: "openzeppelin-monitor",
        from: ".",
        takes: &[
            ("networks/mainnet.json", OZ_MAINNET),
            (
                "monitors/m.json",
                r#"{"name":"Pauses","paused":false,"networks":["mainnet"],"addresses":[{"address":"0x00000000000000000000000000000000000000aa","contract_spec":null}],
                    "match_conditions":{"functions":[],"events":[],"transactions":[]},"trigger_conditions":[],"triggers":[]}"#,
            ),
        ],
        taken: "monitor \"Pauses\"",
        // The same without an address: an empty list never matches there, and must not match all here.
        leaves: &[
            ("networks/mainnet.json", OZ_MAINNET),
            (
                "monitors/m.json",
                r#"{"name":"Pauses","paused":false,"networks":["mainnet"],"addresses":[],
                    "match_conditions":{"functions":[],"events":[],"transactions":[]},"trigger_conditions":[],"triggers":[]}"#,
            ),
        ],
        why: "it lists no address",
    },
    Fixture {
        importer: "defender",
        from: "monitors.json",
        takes: &[(
            "monitors.json",
            r#"[{"monitorId":"1","name":"Pauses","type":"BLOCK","network":"mainnet","addressRules":[{"addresses":["0x00000000000000000000000000000000000000aa"],
                "conditions":[{"eventConditions":[],"functionConditions":[],"txConditions":[{"status":"failed","expression":null}]}]}],"notifyConfig":{"notifications":[]}}]"#,
        )],
        taken: "monitor \"Pauses\"",
        leaves: &[(
            "monitors.json",
            r#"[{"monitorId":"1","name":"Pauses","type":"FORTA","network":"mainnet","addressRules":[]}]"#,
        )],
        why: "monitors of type FORTA listen to another service",
    },
    Fixture {
        importer: "monitorism",
        from: "rule.yaml",
        takes: &[(
            "rule.yaml",
            "version: \"1.0\"\nname: Owners\npriority: P1\naddresses: [\"0x00000000000000000000000000000000000000aa\"]\nevents:\n  - signature: OwnershipTransferred(address,address)\n",
        )],
        taken: "monitor \"Owners\"",
        // Nobody knows which of its arguments are indexed.
        leaves: &[(
            "rule.yaml",
            "version: \"1.0\"\nname: Owners\npriority: P1\naddresses: [\"0x00000000000000000000000000000000000000aa\"]\nevents:\n  - signature: Whirled(address,address)\n",
        )],
        why: "the signature does not say which arguments are indexed",
    },
    Fixture {
        importer: "tenderly",
        from: "alerts.json",
        takes: &[(
            "alerts.json",
            r#"{"alerts":[{"name":"Failed","enabled":true,"expressions":[{"type":"network","expression":{"network_id":"1"}},
                {"type":"contract_address","expression":{"address":"0x00000000000000000000000000000000000000aa","transaction_type":"direct"}},{"type":"tx_status","expression":{"transaction_success":false}}]}]}"#,
        )],
        taken: "alert \"Failed\"",
        leaves: &[(
            "alerts.json",
            r#"{"alerts":[{"name":"Failed","enabled":true,"expressions":[{"type":"network","expression":{"network_id":"1"}},
                {"type":"method_call","expression":{"line_number":12,"call_position":"any"}}]}]}"#,
        )],
        why: "it names the function by the line of its source",
    },
    Fixture {
        importer: "forta",
        from: "findings.json",
        takes: &[(
            "findings.json",
            r#"{"name":"Reentrancy","description":"again","alertId":"AK-REENTRANCY","severity":"High","type":"Exploit"}"#,
        )],
        taken: "1 × AK-REENTRANCY (Reentrancy)",
        leaves: &[(
            "findings.json",
            r#"{"name":"Reentrancy","description":"again","alertId":"AK-REENTRANCY","severity":"Loud","type":"Exploit"}"#,
        )],
        why: "unknown severity \"Loud\"",
    },
    Fixture {
        importer: "lido",
        from: "findings.json",
        takes: &[(
            "findings.json",
            r#"{"severity":"High","alertId":"SUPPLY","name":"Supply fell","description":"by 5%","botName":"steth","team":"protocol","uniqueKey":"k"}"#,
        )],
        taken: "1 × SUPPLY (Supply fell)",
        leaves: &[(
            "findings.json",
            r#"{"severity":"High","alertId":"SUPPLY","name":"Supply fell","description":"by 5%","botName":"steth","team":"protocol"}"#,
        )],
        why: "it is no finding of the databus: uniqueKey missing",
    },
];

const OZ_MAINNET: &str = r#"{"network_type":"EVM","slug":"mainnet","name":"Ethereum","rpc_urls":[{"type_":"rpc","url":{"type":"Environment","value":"NODE"},"weight":100}],
    "chain_id":1,"block_time_ms":12000,"confirmation_blocks":12,"cron_schedule":"0 */1 * * * *"}"#;

/// Imports these files into nothing: exit code, and the report or what was said instead of one.
fn import(fixture: &Fixture, files: Files, place: &Path) -> (Option<i32>, Value) {
    for (path, text) in files {
        let path = place.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let mut command = bellwether();
    command.args(["import", fixture.importer, fixture.from, "--json", "--into", "ours"]);
    let ran = command.current_dir(place).output().unwrap();
    let said = String::from_utf8([ran.stdout, ran.stderr].concat()).unwrap();
    let report = serde_json::from_str(&said).unwrap_or(Value::String(said));
    (ran.status.code(), report)
}

fn importers() -> Vec<String> {
    let help = bellwether().args(["import", "--help"]).output().unwrap().stdout;
    let help = String::from_utf8(help).unwrap();
    let list = help.split("\nCommands:\n").nth(1).unwrap();
    let lines = list.lines().take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn every_importer_has_a_fixture_and_every_fixture_an_importer() {
    let with: Vec<&str> = FIXTURES.iter().map(|fixture| fixture.importer).collect();
    assert_eq!(with, importers());
}

#[test]
fn every_importer_takes_what_it_is_for_and_a_folder_comes_of_it() {
    for fixture in FIXTURES {
        let place = tempfile::tempdir().unwrap();
        let (code, said) = import(fixture, fixture.takes, place.path());
        let name = fixture.importer;
        assert_eq!(code, Some(0), "{name}: {said:#}");
        let taken = said["taken"].as_array().unwrap();
        let is_told = |item: &Value| item["what"].as_str().unwrap().contains(fixture.taken);
        assert!(taken.iter().any(is_told), "{name}: {said:#}");
        let has_folder = place.path().join("ours/bellwether.toml").exists();
        assert_eq!(has_folder, !matches!(name, "forta" | "lido"), "{name}: findings are no folder");
        if has_folder {
            let checked = bellwether().args(["check", "ours"]).current_dir(place.path()).output();
            let checked = checked.unwrap();
            let told = String::from_utf8(checked.stdout).unwrap();
            assert_eq!(checked.status.code(), Some(0), "{name}: {told}");
        }
    }
}

/// Whether this reason is given, in the report or instead of one.
fn gives(said: &Value, why: &str) -> bool {
    let lists = ["not_taken", "passed_over"].into_iter();
    let mut items = lists.filter_map(|list| said[list].as_array()).flatten();
    items.any(|item| item["why"].as_str().unwrap().contains(why))
        || said.as_str().is_some_and(|text| text.contains(why))
}

#[test]
fn no_importer_takes_what_is_only_near_and_each_says_why() {
    for fixture in FIXTURES {
        let place = tempfile::tempdir().unwrap();
        let (code, said) = import(fixture, fixture.leaves, place.path());
        let name = fixture.importer;
        assert!(gives(&said, fixture.why), "{name}: {said:#}");
        let taken = said["taken"].as_array().into_iter().flatten();
        let is_told = |item: &Value| item["what"].as_str().unwrap().contains(fixture.taken);
        assert_eq!(taken.filter(|item| is_told(item)).count(), 0, "{name}: {said:#}");
        let is_finding =
            matches!(code, Some(1 | 2)) || !said["passed_over"].as_array().unwrap().is_empty();
        assert!(is_finding, "{name} ends with {code:?} as if all were well: {said:#}");
        for folder in ["deployments", "monitors"] {
            assert!(!place.path().join("ours").join(folder).exists(), "{name}: {said:#}");
        }
    }
}
