//! From one address and a URL to a folder that watches: everything that belongs to it is found and
//! named, on a node with old state and on one without, with compiled contracts and without.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use alloy_sol_types::SolConstructor;
use evm::{
    artifact,
    devnet::{Fault, FaultRule, TransactionRequest},
    meridian::{Meridian, contracts::FlashLender},
};
use model::Address;
use serde_json::{Value, json};

use crate::world::{Chain, PATIENCE, Program, bellwether, run_to_end, workspace};

/// What the README promises a newcomer.
const TIME_TO_FIRST_MONITOR: Duration = Duration::from_secs(120);

fn init(chain: &Chain, folder: &Path, more: &[&str]) -> Command {
    let mut command = bellwether();
    command.arg("init").arg(folder).args(["--json", "--rpc", &chain.node.url()]);
    command.args(["--address", &chain.meridian.vault.to_string()]).args(more);
    command
}

fn contract(answer: &Value, address: Address) -> &Value {
    let contracts = answer["contracts"].as_array().unwrap();
    let is_it = |c: &&Value| c["address"].as_str().unwrap().parse() == Ok(address);
    contracts.iter().find(is_it).unwrap_or_else(|| panic!("{address} is not in {contracts:#?}"))
}

/// Roles of an account at a contract, as the proposal tells them.
fn roles(answer: &Value, of: Address, account: Address) -> BTreeSet<String> {
    let holders = contract(answer, of)["holders"].as_array().unwrap();
    holders
        .iter()
        .filter(|h| h["account"].as_str().unwrap().parse() == Ok(account))
        .map(|h| h["role"].as_str().unwrap().to_owned())
        .collect()
}

/// Everyone who may do something at Meridian, with the contract and the role.
fn everyone(to: &Meridian) -> Vec<(Address, &'static str, Address)> {
    let actors = &to.actors;
    let admin = actors.admin.address();
    let mut all = vec![
        (to.vault, "proxy admin", actors.upgrader.address()),
        (to.vault, "DEFAULT_ADMIN_ROLE", to.timelock),
        (to.vault, "RISK_ROLE", to.timelock),
        (to.vault, "RISK_ROLE", actors.risk_manager.address()),
        (to.vault, "GUARDIAN_ROLE", actors.guardian.address()),
        (to.timelock, "DEFAULT_ADMIN_ROLE", to.timelock),
        (to.timelock, "PROPOSER_ROLE", to.governor),
        (to.timelock, "EXECUTOR_ROLE", to.governor),
        (to.governor, "guardian", actors.guardian.address()),
        (to.token, "DEFAULT_ADMIN_ROLE", admin),
        (to.token, "ISSUER_ROLE", actors.issuer.address()),
        (to.oracle, "DEFAULT_ADMIN_ROLE", admin),
        (to.oracle, "REPORTER_ROLE", actors.reporter.address()),
        (to.fund, "DEFAULT_ADMIN_ROLE", admin),
        (to.fund, "CLAIMS_ROLE", actors.claims.address()),
        (to.bridge, "DEFAULT_ADMIN_ROLE", admin),
        (to.bridge, "RELAYER_ROLE", actors.relayer.address()),
    ];
    all.extend(actors.council.iter().map(|w| (to.governor, "member", w.address())));
    all
}

fn assert_whole(answer: &Value, to: &Meridian) {
    let classes = [
        (to.vault, "vault"),
        (to.token, "token"),
        (to.oracle, "oracle"),
        (to.pair, "pool"),
        (to.flash_lender, "pool"),
        (to.governor, "governor"),
        (to.timelock, "timelock"),
        (to.fund, "insurance-fund"),
        (to.bridge, "bridge"),
    ];
    for (address, class) in classes {
        let found = contract(answer, address);
        assert_eq!((&found["class"], &found["ours"]), (&json!(class), &json!(true)), "{found:#}");
        assert!(!found["why"].as_str().unwrap().is_empty());
        for monitor in found["monitors"].as_array().unwrap() {
            assert!(monitor["why"].as_str().unwrap().ends_with('.'), "{monitor}");
        }
    }
    for (of, role, account) in everyone(to) {
        let held = roles(answer, of, account);
        assert!(held.contains(role), "{account} holds {role} of {of}, told were {held:?}");
    }
    // The deployer gave the vault and the timelock away: what was lost is not told as held.
    let admin = to.actors.admin.address();
    assert_eq!(roles(answer, to.vault, admin), BTreeSet::new());
    assert_eq!(roles(answer, to.timelock, admin), BTreeSet::new());
    let proxy = &contract(answer, to.vault)["proxy"];
    assert_eq!(proxy["kind"], "ERC-1967 proxy with an admin");
    assert_eq!(proxy["targets"], json!([to.vault_impl]));
    assert_eq!(contract(answer, to.timelock)["delay_s"], 600);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_address_of_a_proxy_becomes_a_folder_that_watches_the_whole_protocol() {
    let mut chain = Chain::start(42).await;
    chain.everydays(3);
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("my-protocol");
    let began = Instant::now();
    let ended = run_to_end(init(&chain, &folder, &[])).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let answer = ended.json();
    assert_eq!((&answer["mistakes"], &answer["kept"]), (&json!(null), &json!([])), "{answer:#}");
    assert_whole(&answer, &chain.meridian);
    for file in answer["new"].as_array().unwrap() {
        let text = fs::read_to_string(folder.join(file.as_str().unwrap())).unwrap();
        assert!(!text.contains(&chain.node.url()), "{file} keeps the URL out");
    }
    // What a person reads names everyone and everything as well.
    let review = fs::read_to_string(folder.join("PROPOSAL.md")).unwrap();
    for (of, role, account) in everyone(&chain.meridian) {
        let label = contract(&answer, of)["label"].as_str().unwrap();
        let section = review.split(&format!("\n### {label}\n")).nth(1).unwrap();
        let section = section.split("\n### ").next().unwrap();
        let is_row = |line: &str| line.contains(role) && line.contains(&account.to_string());
        assert!(section.lines().any(is_row), "{label}: {role} {account} is not in\n{section}");
    }

    let mut command = bellwether();
    command.args(["check", "--json"]).arg(&folder);
    let checked = run_to_end(command).await;
    assert_eq!(checked.code, Some(0), "{checked:?}");
    assert_eq!(checked.json()["warnings"], json!([]));

    // A second time: nothing that a person may have changed is touched.
    let main = folder.join("bellwether.toml");
    let changed = fs::read_to_string(&main).unwrap().replace("127.0.0.1:7410", "127.0.0.1:0");
    fs::write(&main, &changed).unwrap();
    let again = run_to_end(init(&chain, &folder, &[])).await.json();
    assert_eq!(again["new"], json!([]), "{again:#}");
    assert_eq!(fs::read_to_string(&main).unwrap(), changed);

    let network = fs::read_dir(folder.join("networks")).unwrap().next().unwrap().unwrap().path();
    let text = fs::read_to_string(&network).unwrap();
    let variable = text.split("env = \"").nth(1).unwrap().split('"').next().unwrap();
    let url = chain.node.url();
    let mut program = Program::start(&folder, &folder.join("bellwether.db"), |command| {
        command.arg("run").arg(&folder).env(variable, &url)
    });
    program
        .ask_until(PATIENCE, "networks", "it has judged the head", |answer| {
            answer["items"][0]["judged"]["number"].as_u64().is_some()
        })
        .await;
    let took = began.elapsed();
    assert!(took < TIME_TO_FIRST_MONITOR, "{took:?} to the first live monitor");
    chain.attack("malicious_upgrade");
    chain.attack("role_stolen");
    program
        .ask_until(PATIENCE, "alerts", "both attacks are found", |answer| {
            let alerts = answer["items"].as_array().unwrap().iter();
            let monitors: Vec<&str> =
                alerts.map(|alert| alert["monitor"].as_str().unwrap()).collect();
            monitors.contains(&"proxy-upgraded") && monitors.contains(&"role-change")
        })
        .await;
    program.told_everything().await;
    let out = program.out();
    assert!(program.stop().await.success());
    assert!(out.contains("was given"), "what it finds goes to standard output: {out}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_keeps_no_old_state_and_gives_few_events_still_shows_everyone() {
    let mut chain = Chain::start(43).await;
    chain.everydays(2);
    // No state of any past block: every question for one is refused, as pruned nodes do; batches
    // and long ranges fail now and then.
    chain.devnet.forget_states(1);
    chain.node.faults().add(FaultRule::times("eth_getLogs", Fault::Http { status: 503 }, 2));
    chain.node.faults().add(FaultRule::times(
        "eth_call",
        Fault::Error { code: -32005, message: "rate limit".to_owned() },
        1,
    ));
    let place = tempfile::tempdir().unwrap();
    let ended = run_to_end(init(&chain, &place.path().join("x"), &["--dry-run"])).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_whole(&ended.json(), &chain.meridian);
    assert!(!place.path().join("x").exists(), "a dry run writes nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_node_does_not_answer_is_told_as_unknown() {
    let chain = Chain::start(44).await;
    let silent = Fault::Error { code: -32601, message: "the method does not exist".to_owned() };
    chain.node.faults().add(FaultRule::always("eth_getLogs", silent));
    let place = tempfile::tempdir().unwrap();
    let ended = run_to_end(init(&chain, &place.path().join("x"), &["--dry-run"])).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let answer = ended.json();
    let gaps: Vec<&str> =
        answer["left_out"].as_array().unwrap().iter().map(|gap| gap.as_str().unwrap()).collect();
    let is_told = |gap: &&str| gap.starts_with("role holders: events of blocks ");
    assert!(gaps.iter().any(is_told), "{gaps:#?}");
    // What does not need events is there all the same.
    assert_eq!(contract(&answer, chain.meridian.fund)["class"], "insurance-fund");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn compiled_contracts_give_their_names_and_whole_interfaces() {
    let chain = Chain::start(45).await;
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("watch");
    let artefacts = workspace().join("contracts/artifacts");
    let more = ["--artifacts", artefacts.to_str().unwrap()];
    let ended = run_to_end(init(&chain, &folder, &more)).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let answer = ended.json();
    assert_whole(&answer, &chain.meridian);
    for (of, label) in [
        (chain.meridian.vault, "vault"),
        (chain.meridian.fund, "insurance-fund"),
        (chain.meridian.token, "meridian-token"),
        (chain.meridian.oracle, "price-oracle"),
    ] {
        let found = contract(&answer, of);
        assert_eq!((&found["label"], &found["abi_known"]), (&json!(label), &json!(true)));
    }
    let abi = fs::read_to_string(folder.join("abis/vault.json")).unwrap();
    assert!(abi.contains("setCollateralFactor") && abi.contains("upgradeToAndCall"), "{abi}");

    let empty = place.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let wrong = run_to_end(init(&chain, &folder, &["--artifacts", empty.to_str().unwrap()])).await;
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.err.contains("holds no artefact"), "{}", wrong.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_made_is_a_dependency_and_watched_as_one() {
    let chain = Chain::start(47).await;
    // Somebody else builds on Meridian's token.
    let builder = &chain.meridian.actors.users[0];
    let lender = builder.address().create(chain.devnet.next_nonce(builder.address()));
    let constructor = FlashLender::constructorCall { token_: chain.meridian.token };
    let code = [artifact::FLASH_LENDER.bytecode().as_ref(), &constructor.abi_encode()].concat();
    chain.send(builder, TransactionRequest::create(code));
    chain.devnet.mine().unwrap();

    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("lender");
    let mut command = bellwether();
    command.arg("init").arg(&folder).args(["--json", "--rpc", &chain.node.url()]);
    let ended = run_to_end({
        command.args(["--address", &lender.to_string()]);
        command
    })
    .await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let answer = ended.json();
    assert_eq!(answer["contracts"].as_array().unwrap().len(), 2, "{answer:#}");
    assert_eq!(contract(&answer, lender)["ours"], json!(true));
    let token = contract(&answer, chain.meridian.token);
    assert_eq!((&token["class"], &token["ours"]), (&json!("token"), &json!(false)));
    let names: Vec<&str> = token["monitors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|monitor| monitor["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["dependency-role-change", "dependency-parameter-update"]);
    let reason = token["because"][0].as_str().unwrap();
    assert!(reason.ends_with("names it in token()"), "{reason}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_is_no_contract_and_a_node_that_is_away_no_answer() {
    let chain = Chain::start(46).await;
    let place = tempfile::tempdir().unwrap();
    let nobody = chain.meridian.actors.users[0].address().to_string();
    for (address, rpc, said) in [
        (nobody.as_str(), chain.node.url(), "there is no contract at"),
        (nobody.as_str(), "http://127.0.0.1:1/".to_owned(), "connection"),
    ] {
        let mut command = bellwether();
        command.arg("init").arg(place.path().join("x"));
        command.args(["--address", address, "--rpc", &rpc]);
        let ended = run_to_end(command).await;
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.err.contains(said), "{}", ended.err);
        assert!(!place.path().join("x").exists());
    }
}
