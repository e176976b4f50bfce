//! Who holds power on a live chain: shown, held against a policy, mended.

use std::{collections::BTreeMap, fs};

use alloy_primitives::{Address, keccak256};
use evm::{devnet::TransactionRequest, meridian::call, meridian::contracts::MeridianToken};
use serde_json::{Value, json};

use crate::world::{Chain, Ended, Program, Project, bellwether, run_to_end, workspace};

async fn authority(project: &Project, arguments: &[&str]) -> Ended {
    let mut command = bellwether();
    command.arg("authority").args(arguments).arg("--folder").arg(project.path());
    run_to_end(command).await
}

fn classes(answer: &Value) -> Vec<&str> {
    let drifts = answer["drifts"].as_array().unwrap();
    let open = drifts.iter().filter(|drift| drift["accepted"].is_null());
    open.map(|drift| drift["class"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_examples_policy_is_what_the_chain_says_and_a_stolen_role_is_mended() {
    let mut chain = Chain::start(81).await;
    chain.everydays(5);
    let project = Project::meridian();
    chain.declare(&project);
    let clean = authority(&project, &["drift", "--json"]).await;
    assert_eq!(clean.code, Some(0), "{clean:?}");
    let clean = clean.json();
    assert_eq!((&clean["open"], &clean["unknown"]), (&json!(0), &json!([])), "{clean:#}");
    assert_eq!(clean["drifts"].as_array().unwrap().len(), 7, "accepted ones are shown");

    chain.grant(0);
    chain.everyday();
    let drifted = authority(&project, &["drift", "--json"]).await;
    assert_eq!(drifted.code, Some(1), "{drifted:?}");
    let drifted = drifted.json();
    assert_eq!(classes(&drifted), ["extra-principal", "too-many-holders"]);
    let thief = chain.meridian.actors.attackers[0].address();
    let extra = &drifted["drifts"][0];
    assert_eq!(extra["account"], thief.to_string().to_lowercase());
    assert_eq!((&extra["severity"], &extra["deployment"]), (&json!("high"), &json!("token")));

    let out = project.path().join("repairs.json");
    let repaired = authority(&project, &["repair", "--out", out.to_str().unwrap()]).await;
    assert_eq!(repaired.code, Some(1), "how many may issue is a person's to decide: {repaired:?}");
    let file: Value = serde_json::from_str(&fs::read_to_string(&out).unwrap()).unwrap();
    let [repair] = file["repairs"].as_array().unwrap().as_slice() else { panic!("{file:#}") };
    let role = keccak256("ISSUER_ROLE");
    let revoke = call(chain.meridian.token, MeridianToken::revokeRoleCall { role, account: thief });
    assert_eq!(repair["data"], json!(revoke.input), "{repair:#}");
    assert_eq!(repair["chain_id"], json!(31_338));

    // What was written is what ends it, sent by whom it names.
    let to: Address = serde_json::from_value(repair["to"].clone()).unwrap();
    let from: Address = serde_json::from_value(repair["from"].clone()).unwrap();
    assert_eq!(from, chain.meridian.actors.admin.address());
    let data: alloy_primitives::Bytes = serde_json::from_value(repair["data"].clone()).unwrap();
    chain.send(&chain.meridian.actors.admin, TransactionRequest::call(to, data.to_vec()));
    chain.everyday();
    let mended = authority(&project, &["drift"]).await;
    assert_eq!(mended.code, Some(0), "{mended:?}");
    assert!(mended.out.contains("0 drifts, 7 accepted: devnet at block"), "{}", mended.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_examples_history_is_that_of_the_devnet() {
    let mut chain = Chain::start(82).await;
    chain.everydays(3);
    let project = Project::meridian();
    chain.declare(&project);
    let path = project.path().join("authority/devnet.json");
    fs::remove_file(&path).unwrap();

    // Without it, holders are unknown, and nobody says otherwise.
    let without = authority(&project, &["drift", "--json"]).await;
    assert_eq!(without.code, Some(1), "{without:?}");
    let without = without.json();
    assert!(classes(&without).iter().all(|class| *class == "holders-unknown"), "{without:#}");
    assert!(!without["unknown"].as_array().unwrap().is_empty());

    let scanned = authority(&project, &["scan", "--network", "devnet", "--block", "6"]).await;
    assert_eq!(scanned.code, Some(0), "{scanned:?}");
    let untimed = |path: &std::path::Path| {
        let mut scan: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        for log in scan["logs"].as_array_mut().unwrap() {
            // The devnet's clock begins when the test does.
            log["at"] = json!(0);
        }
        scan
    };
    let shipped = workspace().join("examples/meridian/authority/devnet.json");
    assert_eq!(untimed(&path), untimed(&shipped), "`authority scan --block 6` writes it anew");
    assert_eq!(authority(&project, &["drift"]).await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_found_becomes_a_policy_that_fits_it_and_is_never_overwritten() {
    let mut chain = Chain::start(83).await;
    chain.everydays(3);
    let project = Project::meridian_contracts();
    chain.declare(&project);
    let scanned = authority(&project, &["scan"]).await;
    assert_eq!(scanned.code, Some(0), "{scanned:?}");
    assert_eq!(authority(&project, &["drift"]).await.code, Some(2), "there is no policy yet");

    let proposed = authority(&project, &["propose", "--write"]).await;
    assert_eq!(proposed.code, Some(0), "{proposed:?}");
    let drift = authority(&project, &["drift", "--json"]).await.json();
    let about_holders = |class: &&str| class.ends_with("-principal") || class.ends_with("unknown");
    assert!(!classes(&drift).iter().any(about_holders), "{drift:#}");
    assert!(classes(&drift).contains(&"key-with-admin"), "what is found is not what is good");

    let again = authority(&project, &["propose", "--write"]).await;
    assert_eq!((again.code, again.out.contains("says the same")), (Some(0), true), "{again:?}");
    chain.grant(1);
    chain.everyday();
    let before = fs::read_to_string(project.path().join("policy.toml")).unwrap();
    let changed = authority(&project, &["propose", "--write"]).await;
    assert_eq!(changed.code, Some(1), "{changed:?}");
    assert!(changed.out.contains("+ [[principal]]"), "{}", changed.out);
    assert!(changed.out.contains("was left as it is"), "{}", changed.out);
    assert_eq!(fs::read_to_string(project.path().join("policy.toml")).unwrap(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_on_the_way_to_a_contract_is_named() {
    let chain = Chain::start(84).await;
    let project = Project::meridian();
    chain.declare(&project);
    let vault = authority(&project, &["show", "vault"]).await;
    assert_eq!(vault.code, Some(0), "{vault:?}");
    for wanted in [
        "upgrader can upgrade vault at once, with one signature: upgrader → admin of vault",
        "governor (3 votes) can decide who controls vault with 3 signatures, after 10 min 0 s: governor (3 votes) → timelock (10 min 0 s) → DEFAULT_ADMIN_ROLE of vault",
    ] {
        assert!(vault.out.contains(wanted), "{wanted:?} is not in: {}", vault.out);
    }
    let admin = authority(&project, &["show", "admin", "--json"]).await.json();
    let principal = &admin["networks"][0]["principals"][0];
    assert_eq!(principal["kind"], json!("key"), "{principal:#}");
    // The heaviest that one key can do to each, summed: four contracts whose control it decides,
    // and the treasury, whose mUSD two of them (bridge and fund) are approved to take.
    let mut heaviest = BTreeMap::new();
    for can in principal["can"].as_array().unwrap() {
        let weight = heaviest.entry(can["contract_name"].as_str().unwrap()).or_insert(0.0_f64);
        *weight = weight.max(can["weight"].as_f64().unwrap());
    }
    let expected = [
        ("bridge", 10.0),
        ("insurance-fund", 10.0),
        ("oracle", 10.0),
        ("token", 10.0),
        ("treasury", 8.0),
    ];
    assert_eq!(heaviest, BTreeMap::from(expected), "{principal:#}");
    assert_eq!(principal["power"], json!(48.0));
    let nobody = authority(&project, &["show", "nobody"]).await;
    assert_eq!(nobody.code, Some(2), "{nobody:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_shows_who_has_power_and_what_would_mend_a_drift() {
    let mut chain = Chain::start(85).await;
    let head = chain.everydays(3);
    let project = Project::meridian();
    chain.declare(&project);
    let mut program = Program::run(&project);
    program.judged(head).await;
    let page = program.page("authority").await;
    assert!(page.contains("as declared") && page.contains("7 that the policy accepts"), "{page}");
    assert!(page.contains("upgrader → admin of vault"), "{page}");

    chain.grant(2);
    let granted = chain.everyday();
    program.judged(granted).await;
    let page = program.page("authority").await;
    let thief = chain.meridian.actors.attackers[2].address();
    let wanted = format!("{thief} holds ISSUER_ROLE of token, which the policy does not allow");
    assert!(page.contains(&wanted), "{page}");
    assert!(page.contains("revokeRole(bytes32,address)"), "{page}");
    assert!(program.stop().await.success());
}
