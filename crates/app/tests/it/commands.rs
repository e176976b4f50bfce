//! The commands as a person types them: help, exit codes, `init` to `run`, reloading, secrets.

use std::{collections::BTreeSet, fs, path::Path};

use evm::{artifact, meridian::call, meridian::contracts::MeridianToken};
use expect_test::{expect, expect_file};
use serde_json::{Value, json};

use crate::world::{
    Chain, DEVNET, PATIENCE, Program, Project, Url, Webhook, all_findings, bellwether, routes_to,
    run_to_end, until,
};

/// The commands that a help text lists.
fn listed(help: &str) -> Vec<String> {
    let list = help.split("\nCommands:\n").nth(1).unwrap_or_default();
    let lines = list.lines().take_while(|line| !line.is_empty());
    // A line that goes on is further in.
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[tokio::test]
async fn every_command_explains_itself_with_an_example() {
    let texts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/help");
    let mut without_example = Vec::new();
    let mut seen = BTreeSet::new();
    let mut open = vec![Vec::<String>::new()];
    while let Some(words) = open.pop() {
        let mut command = bellwether();
        command.args(&words).arg("--help");
        let ended = run_to_end(command).await;
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{words:?}");
        open.extend(listed(&ended.out).into_iter().map(|word| [&words[..], &[word]].concat()));
        let name = if words.is_empty() { "bellwether".to_owned() } else { words.join("-") };
        if !ended.out.contains("\nExample") && !words.is_empty() {
            without_example.push(name.clone());
        }
        let text = format!("{name}.txt");
        expect_file![texts.join(&text)].assert_eq(&ended.out);
        seen.insert(text);
    }
    assert_eq!(without_example, [""; 0], "commands that show no example");
    let files = fs::read_dir(&texts).unwrap();
    let files = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    assert_eq!(files.collect::<BTreeSet<_>>(), seen, "a text of a command that is gone");
}

/// Exit code and standard error of a command line.
async fn said(arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = bellwether();
    command.args(arguments);
    let ended = run_to_end(command).await;
    (ended.code, ended.err)
}

#[tokio::test]
async fn exit_codes_tell_what_is_wrong_from_what_could_not_be_done() {
    let empty = tempfile::tempdir().unwrap();
    let folder = empty.path().to_str().unwrap();
    let (code, _) = said(&["check", folder]).await;
    assert_eq!(code, Some(1), "a mistake");
    let (code, text) = said(&["run", folder]).await;
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("`bellwether init` writes a folder to start from"), "{text}");

    let (code, text) = said(&["replay", "--recorded", folder]).await;
    assert_eq!(code, Some(2), "{text}");
    assert!(text.starts_with("error: no recorded blocks in "), "{text}");
    let (code, text) = said(&["replay"]).await;
    assert_eq!(code, Some(2));
    expect![[r#"
        error: say what to replay: --recorded FOLDER, or --folder, --network, --from and --to
    "#]]
    .assert_eq(&text);
    let (code, text) = said(&["devnet", "--attack", "role_stoln"]).await;
    assert_eq!(code, Some(2));
    expect![[r#"
        error: unknown scenario "role_stoln" (one of: oracle_stops, role_stolen, parameter_pushed, reentrant_drain, flash_loan_price_manipulation, failing_call_storm, malicious_upgrade, insurance_fund_drained, bridge_release_unbacked, known_bad_address_interaction, deep_reorg)
    "#]].assert_eq(&text);
    let (code, _) = said(&["chekc"]).await;
    assert_eq!(code, Some(2));
    let (code, text) = said(&["init", folder, "--from", folder]).await;
    assert_eq!(code, Some(2));
    assert!(text.contains("is no project of Foundry, Hardhat, Truffle"), "{text}");
    let (code, text) =
        said(&["init", folder, "--address", "0x00", "--rpc", "http://127.0.0.1:1"]).await;
    assert_eq!(code, Some(2));
    assert!(text.contains("is not an address (0x and 40 hex digits)"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_belongs_to_one_process_at_a_time() {
    let chain = Chain::start(41).await;
    let project = Project::meridian();
    chain.declare(&project);
    let mut first = Program::run(&project);
    first.url().await;
    let (code, text) = said(&["run", project.path().to_str().unwrap()]).await;
    assert_eq!(code, Some(2));
    assert!(text.contains("another process") || text.contains("in use"), "{text}");
    assert!(first.stop().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn foundry_and_hardhat_projects_become_folders_without_mistakes() {
    let place = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = place.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let (vault, token) = (
        "0x00000000000000000000000000000000000000aa",
        "0x00000000000000000000000000000000000000bb",
    );
    write("foundry/foundry.toml", "[profile.default]\n");
    write("foundry/out/Vault.sol/Vault.json", artifact::VAULT.json);
    write(
        "foundry/broadcast/Deploy.s.sol/11155111/run-latest.json",
        &json!({
            "transactions": [{"hash": "0x01", "transactionType": "CREATE", "contractName": "Vault",
                "contractAddress": vault, "additionalContracts": []}],
            "receipts": [{"transactionHash": "0x01", "blockNumber": "0x10"}],
            "chain": 11_155_111,
        })
        .to_string(),
    );
    let abi = |artifact: artifact::Artifact| {
        serde_json::from_str::<Value>(artifact.json).unwrap()["abi"].clone()
    };
    write("hardhat/hardhat.config.js", "module.exports = {};\n");
    write("hardhat/deployments/mainnet/.chainId", "1");
    write(
        "hardhat/deployments/mainnet/MeridianToken.json",
        &json!({"address": token, "abi": abi(artifact::MERIDIAN_TOKEN),
            "receipt": {"blockNumber": 7}})
        .to_string(),
    );
    for (project, label) in [("foundry", "vault"), ("hardhat", "meridian-token")] {
        let folder = place.path().join(format!("{project}-watch"));
        let mut command = bellwether();
        command.arg("init").arg(&folder).arg("--from").arg(place.path().join(project));
        let ended = run_to_end(command).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.out.contains("next: bellwether check "), "{}", ended.out);
        let mut command = bellwether();
        command.args(["check", "--json"]).arg(&folder);
        let checked = run_to_end(command).await;
        assert_eq!(checked.code, Some(0), "{checked:?}");
        let answer = checked.json();
        assert_eq!((&answer["networks"], &answer["deployments"]), (&json!(1), &json!(1)));
        assert!(answer["monitors"].as_u64().unwrap() >= 2, "{answer:#}");
        let declared = fs::read_to_string(folder.join(format!("deployments/{label}.toml")));
        assert!(declared.unwrap().contains("first_block"), "{project}");
    }
}

fn issued(name: &str, musd: u64) -> String {
    format!(
        "[[monitor]]\nname = \"{name}\"\non = [\"token\"]\nevent = \"Issued\"\nwhen = \"amount == {musd} token\"\nseverity = \"high\"\n"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_monitor_added_while_running_judges_and_a_mistake_changes_nothing() {
    let mut chain = Chain::start(43).await;
    let project = Project::meridian_contracts();
    chain.declare(&project);
    let hook = Webhook::start().await;
    project.write("monitors/first.toml", &issued("first", 111)).tell(hook.url());
    let mut program = Program::run(&project);
    let page = program.url().await;
    chain.everyday();
    chain.issue(111);
    chain.issue(222);
    let before = chain.everyday();
    program.judged(before).await;

    project.write("monitors/second.toml", &issued("second", 222));
    program.hang_up();
    until("it read the folder again", || program.log().contains("configuration read again")).await;
    let later = chain.issue(222);
    let after = chain.everyday();
    program.judged(after).await;
    until("the new monitor found it", || hook.kinds_of("second") == ["opened"]).await;
    assert_eq!(program.url().await, page, "the page stays where it was");
    for delivery in hook.taken() {
        let link = delivery.body["links"]["alert"].as_str().unwrap();
        assert!(link.starts_with(&page), "{link} leads to the page");
    }

    let broken = issued("first", 333).replace("amount", "amuont");
    project.write("monitors/first.toml", &broken);
    program.hang_up();
    until("it tells the mistake", || {
        let log = program.log();
        log.contains("has mistakes and stays as it was") && log.contains("did you mean `amount`?")
    })
    .await;
    let still = chain.issue(111);
    let last = chain.everyday();
    program.judged(last).await;
    program.told_everything().await;
    let store = program.stop_and_open().await;
    let of = |monitor: &str| -> Vec<_> {
        let mut found: Vec<_> = all_findings(&store)
            .into_iter()
            .filter(|record| record.finding.monitor.as_str() == monitor)
            .map(|record| record.finding.origin)
            .collect();
        found.sort_by_key(|origin| origin.block.number);
        found.iter().map(|origin| origin.tx.unwrap()).collect()
    };
    assert_eq!(of("first").len(), 2, "the old rule goes on");
    assert_eq!(of("first")[1], still);
    assert_eq!(of("second"), [later], "a new monitor judges from where it was added");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_appear_nowhere() {
    const TOKENS: [&str; 4] =
        ["rpc-token-4711", "ws-token-4712", "hook-token-4713", "slack-token-4714"];
    const KEY: &str = "a-signing-key-that-nobody-should-see";
    let mut chain = Chain::start(44).await;
    let project = Project::meridian_contracts();
    // The first endpoint refuses, the second works; both webhooks refuse, one names its own path.
    let (good, address) = (chain.node.url(), chain.node.address());
    project
        .network("devnet", DEVNET, &[Url { http: &good, ws: None }])
        .write("monitors/all.toml", &issued("issued", 5).replace("== 5", ">= 1"));
    let network = fs::read_to_string(project.path().join("networks/devnet.toml")).unwrap();
    project.write(
        "networks/devnet.toml",
        &format!(
            "{network}\n[[endpoint]]\nname = \"secret\"\nurl = {{ env = \"T_RPC\" }}\nws_url = {{ env = \"T_WS\" }}\n\n[[endpoint.header]]\nname = \"authorization\"\nvalue = {{ env = \"T_KEY\" }}\n"
        ),
    );
    let routes = routes_to("http://127.0.0.1:1/x")
        .replace("url = \"http://127.0.0.1:1/x\"", "url = { env = \"T_HOOK\" }")
        .replace("{ file = \"webhook.key\" }", "{ env = \"T_KEY\" }")
        .replace("[\"hook\"]", "[\"hook\", \"slack\"]")
        .replace(
            "[[route]]",
            "[[receiver]]\nname = \"slack\"\nkind = \"slack\"\nurl = { env = \"T_SLACK\" }\n\n[[route]]",
        );
    project.write("routes.toml", &routes);
    let mut program = Program::run_with(&project, |command| {
        command
            .arg("-vv")
            .env("T_RPC", format!("http://{address}/v3/{}", TOKENS[0]))
            .env("T_WS", format!("ws://{address}/{}", TOKENS[1]))
            .env("T_HOOK", format!("http://127.0.0.1:1/{}", TOKENS[2]))
            .env("T_SLACK", format!("http://{address}/{}", TOKENS[3]))
            .env("T_KEY", KEY)
    });
    chain.everydays(2);
    chain.issue(9);
    program.judged(chain.everyday()).await;
    let is_failing = |answer: &Value| {
        let endpoints = answer["items"][0]["endpoints"].as_array().unwrap();
        endpoints.iter().any(|e| e["name"] == "secret" && e["last_error"].is_string())
    };
    let networks = program.ask_until(PATIENCE, "networks", "the endpoint fails", is_failing).await;
    let both_fail = |answer: &Value| {
        let failed = |name| {
            let messages = answer["undelivered"].as_array().unwrap();
            messages.iter().any(|m| m["receiver"] == name && m["attempts"].as_u64() > Some(0))
        };
        failed("hook") && (failed("slack") || answer["failed"].as_u64() > Some(0))
    };
    let outbox = program.ask_until(PATIENCE, "outbox", "both receivers fail", both_fail).await;
    program.hang_up();
    until("it read the folder again", || program.log().contains("configuration read again")).await;

    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut seen = vec![networks.to_string(), outbox.to_string()];
    let url = program.url().await;
    let alerts = program.ask("alerts").await;
    let alert = alerts["items"][0]["id"].as_str().unwrap();
    for path in ["/", "/alerts", &format!("/alerts/{alert}"), "/metrics", "/readyz"] {
        seen.push(client.get(format!("{url}{path}")).send().await.unwrap().text().await.unwrap());
    }
    for path in ["status", &format!("alerts/{alert}"), "deployments"] {
        seen.push(program.ask(path).await.to_string());
    }
    seen.push(program.log());
    seen.push(program.out());
    assert!(program.log().contains("DEBUG"), "everything was logged");
    assert!(program.stop().await.success());
    for file in fs::read_dir(project.path()).unwrap().map(|entry| entry.unwrap().path()) {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        if name.starts_with("bellwether.db") || name.ends_with(".txt") {
            seen.push(String::from_utf8_lossy(&fs::read(file).unwrap()).into_owned());
        }
    }
    for text in &seen {
        for secret in TOKENS.iter().chain([&KEY]) {
            let at = text.find(secret);
            let around = at.map(|at| text[at.saturating_sub(200)..].chars().take(400).collect());
            assert_eq!(around, None::<String>, "{secret} is told");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_devnet_tells_where_it_listens_and_is_a_node() {
    let folder = tempfile::tempdir().unwrap();
    let devnet = Program::start(folder.path(), &folder.path().join("none.db"), |command| {
        command.args(["devnet", "--json", "--listen", "127.0.0.1:0", "--block-time", "0s"])
    });
    until("it tells where it is", || devnet.out().ends_with('\n')).await;
    let told: Value = serde_json::from_str(devnet.out().lines().next().unwrap()).unwrap();
    let url = told["http"].as_str().unwrap();
    let token: alloy_primitives::Address =
        told["contracts"]["token"].as_str().unwrap().parse().unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let decimals = call(token, MeridianToken::decimalsCall {});
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "eth_call",
        "params": [{"to": token, "data": decimals.input}, "latest"]});
    let answer: Value = client.post(url).json(&body).send().await.unwrap().json().await.unwrap();
    let value = answer["result"].as_str().unwrap().trim_start_matches("0x");
    assert_eq!(u64::from_str_radix(value, 16), Ok(18), "{answer}");
}
