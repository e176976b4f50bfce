//! What was taken from Defender, Monitorism, Tenderly and Forta runs, and finds exactly the
//! transactions that their rules mean: on the devnet, and in recorded blocks of mainnet.
//! (OpenZeppelin Monitor's are in `peers`.)

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use evm::{
    devnet::TransactionRequest,
    meridian::{call, contracts::MeridianToken, ether},
};
use model::{Address, B256};
use serde_json::{Value, json};

use crate::{
    peers::{POOL, ROUTER, Receipts},
    world::{Chain, DEVNET, Program, Project, Url, all_findings, run_to_end, workspace},
};

/// A chain on which, after one block of everyday traffic, these happened, each in its own block.
struct Happened {
    chain: Chain,
    /// The issuer issued 5 mUSD.
    issued: B256,
    /// A user moved 2 mUSD.
    moved: B256,
    /// Somebody who owns nothing tried to move 1 mUSD.
    failed: B256,
    /// A user sent 2 ether to another.
    paid: B256,
    payer: Address,
    paid_to: Address,
}

impl Happened {
    async fn on(seed: u64) -> Self {
        let mut chain = Chain::start(seed).await;
        chain.everyday();
        let actors = &chain.meridian.actors;
        let (user, other, poor) = (&actors.users[0], &actors.users[1], &actors.attackers[0]);
        let (payer, paid_to) = (user.address(), other.address());
        let transfer =
            |value| call(chain.meridian.token, MeridianToken::transferCall { to: paid_to, value });
        let mined = |tx| {
            chain.devnet.mine().unwrap();
            tx
        };
        let issued = mined(chain.issue(5));
        let moved = mined(chain.send(user, transfer(ether(2))));
        let failed = mined(chain.send(poor, transfer(ether(1))));
        let mut gift = TransactionRequest::call(paid_to, Vec::new());
        gift.value = ether(2);
        let paid = mined(chain.send(user, gift));
        Self { chain, issued, moved, failed, paid, payer, paid_to }
    }

    fn token(&self) -> String {
        self.chain.meridian.token.to_string()
    }

    /// Imports a file, runs what came of it over the whole chain, which takes the place of the
    /// imported network, and gives what each monitor found among the transactions above.
    async fn found(
        &self,
        (importer, more): (&str, &[&str]),
        file: (&str, &str),
        network: &str,
    ) -> Vec<Found> {
        let project = Project::new();
        project.write(file.0, file.1);
        project.write("routes.toml", ROUTES);
        let mut import = crate::world::bellwether();
        import.args(["import", importer, file.0, "--json", "--into", "."]).args(more);
        import.current_dir(project.path());
        let imported = run_to_end(import).await;
        assert!(imported.code != Some(2), "{imported:?}");
        let taken = imported.json()["taken"].as_array().unwrap().len();
        assert!(taken > 0, "{imported:?}");

        let replaced = project.path().join(format!("networks/{network}.toml"));
        assert!(replaced.exists(), "{imported:?}");
        project.network(network, DEVNET, &[Url { http: &self.chain.node.url(), ws: None }]);
        let mut program = Program::run(&project);
        program.judged(self.chain.devnet.head()).await;
        let store = program.stop_and_open().await;
        let ours = [
            (self.issued, "issued"),
            (self.moved, "moved"),
            (self.failed, "failed"),
            (self.paid, "paid"),
        ];
        let found = all_findings(&store).into_iter().filter_map(|record| {
            let tx = record.finding.origin.tx;
            let (_, what) = ours.iter().find(|(hash, _)| Some(*hash) == tx)?;
            Some((record.finding.monitor.to_string(), *what))
        });
        found.collect::<BTreeSet<_>>().into_iter().collect()
    }
}

/// Everything to standard output.
const ROUTES: &str = "[[receiver]]\nname = \"t\"\nkind = \"stdout\"\n\n[[route]]\nname = \"all\"\nreceivers = [\"t\"]\n";

/// A monitor, and the transaction that it found.
type Found = (String, &'static str);

fn expected(found: &[(&str, &'static str)]) -> Vec<Found> {
    found.iter().map(|(monitor, what)| ((*monitor).to_owned(), *what)).collect()
}

/// The interface of the token, as one line of JSON.
fn token_abi() -> Value {
    let path = workspace().join("contracts/artifacts/MeridianToken.json");
    let artifact: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    artifact["abi"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defenders_monitors_run() {
    let happened = Happened::on(91).await;
    let rule = |conditions: Value| {
        json!({"addresses": [happened.token()], "abi": token_abi().to_string(),
            "conditions": [conditions]})
    };
    let monitor = |name: &str, rule: Value| {
        json!({"monitorId": name, "name": name, "type": "BLOCK", "network": "sepolia",
            "addressRules": [rule],
            "notifyConfig": {"notifications": [], "severityLevel": "HIGH"}})
    };
    let event = |expression: &str| {
        rule(json!({"eventConditions":
            [{"eventSignature": "Transfer(address,address,uint256)", "expression": expression}],
            "functionConditions": [], "txConditions": [{"status": "any"}]}))
    };
    let status = |status: &str| {
        rule(json!({"eventConditions": [], "functionConditions": [],
            "txConditions": [{"status": status}]}))
    };
    let large = "value / 10^18 >= 2 AND NOT $0 == 0x0000000000000000000000000000000000000000";
    let monitors =
        json!([monitor("Large", event(large)), monitor("Failed", status("failed"))]).to_string();
    let file = ("monitors.json", monitors.as_str());
    let found = happened.found(("defender", &[]), file, "sepolia").await;
    assert_eq!(found, expected(&[("failed", "failed"), ("large", "moved")]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn monitorisms_rules_run() {
    let happened = Happened::on(92).await;
    let events = format!(
        "version: \"1.0\"\nname: Moves\npriority: P1\naddresses: [\"{}\"]\nevents:\n  - signature: Transfer(address,address,uint256)\n",
        happened.token()
    );
    let importer = ("monitorism", &["--chain-id", "31338"][..]);
    let found = happened.found(importer, ("rule.yaml", &events), "chain-31338").await;
    assert_eq!(found, expected(&[("moves", "issued"), ("moves", "moved")]));

    let (payer, paid_to, token) = (happened.payer, happened.paid_to, happened.token());
    let watch = format!(
        "node_url: x\nwatch_configs:\n  - address: \"{payer}\"\n    filters:\n      - type: exact_match\n        params: {{ match: \"{token}\" }}\n    thresholds:\n      \"{paid_to}\": \"1000000000000000000\"\n"
    );
    let found = happened.found(importer, ("watch.yaml", &watch), "chain-31338").await;
    let short = |address: &dyn std::fmt::Display| address.to_string()[2..10].to_lowercase();
    let threshold = format!("threshold-{}-{}", short(&payer), short(&paid_to));
    let stranger = format!("unauthorized-{}", short(&payer));
    assert_eq!(found, expected(&[(&threshold, "paid"), (&stranger, "paid")]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tenderlys_alerts_run() {
    let happened = Happened::on(93).await;
    let alert = |name: &str, expressions: Vec<Value>| {
        let network = json!({"type": "network", "expression": {"network_id": "31338"}});
        let expressions: Vec<Value> = [network].into_iter().chain(expressions).collect();
        json!({"name": name, "enabled": true, "severity": "warning", "expressions": expressions})
    };
    let of = |kind: &str, expression: Value| json!({"type": kind, "expression": expression});
    let direct =
        of("contract_address", json!({"address": happened.token(), "transaction_type": "direct"}));
    let transfer = alloy_primitives::keccak256("Transfer(address,address,uint256)");
    let log = |least: &str| {
        of(
            "emitted_log",
            json!({"address": happened.token(), "event_name": "Transfer",
            "event_id": transfer.to_string(), "parameter_conditions":
                [{"parameter_name": "value", "parameter_type": "uint", "operator": ">=",
                  "comparison_value": least}]}),
        )
    };
    let alerts = json!({"alerts": [
        alert("Failed", vec![direct, of("tx_status", json!({"transaction_success": false}))]),
        alert("Large", vec![log("3000000000000000000")]),
        alert("Any size", vec![log("1")]),
        alert("Paid", vec![
            of("contract_address", json!({"address": happened.paid_to.to_string(), "transaction_type": "direct"})),
            of("tx_value", json!({"transaction_value": "1000000000000000000", "operator": ">"}))]),
    ]})
    .to_string();
    let file = ("alerts.json", alerts.as_str());
    let found = happened.found(("tenderly", &[]), file, "chain-31338").await;
    let wanted = [
        ("any-size", "issued"),
        ("any-size", "moved"),
        ("failed", "failed"),
        ("large", "issued"),
        ("paid", "paid"),
    ];
    assert_eq!(found, expected(&wanted));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fortas_labels_are_what_a_running_monitor_goes_by() {
    let happened = Happened::on(94).await;
    let poor = happened.chain.meridian.actors.attackers[0].address();
    let label = |address: Address, is_removal: bool| {
        json!({"entityType": "Address", "entity": address, "label": "attacker",
            "confidence": 0.9, "remove": is_removal})
    };
    // The payer was labelled and is not any more.
    let labels = json!({"labels":
        [label(poor, false), label(happened.payer, false), label(happened.payer, true)]});
    let project = Project::meridian();
    std::fs::remove_dir_all(project.path().join("labels")).unwrap();
    happened.chain.declare(&project);
    project.write("labels.json", &labels.to_string());
    let mut import = crate::world::bellwether();
    import.args(["import", "forta", "labels.json", "--into", "."]).current_dir(project.path());
    let imported = run_to_end(import).await;
    assert_eq!(imported.code, Some(0), "{imported:?}");
    assert!(imported.out.contains("1 label -> labels/exploiter.forta.csv"), "{imported:?}");

    let mut program = Program::run(&project);
    program.judged(happened.chain.devnet.head()).await;
    let store = program.stop_and_open().await;
    let found = all_findings(&store).into_iter().map(|record| record.finding);
    let found = found.filter(|finding| finding.monitor.as_str() == "known-bad-address");
    let found: BTreeSet<Option<B256>> = found.map(|finding| finding.origin.tx).collect();
    assert_eq!(found, BTreeSet::from([Some(happened.failed)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_recorded_blocks_of_mainnet_imported_rules_find_what_the_receipts_say() {
    let Some(corpus) = std::env::var_os("BELLWETHER_CORPUS").map(PathBuf::from) else {
        return println!("skipped: BELLWETHER_CORPUS names no folder of recorded blocks");
    };
    let project = Project::new();
    project.write("routes.toml", ROUTES);
    let param =
        |name: &str, kind: &str, indexed| json!({"name": name, "type": kind, "indexed": indexed});
    let swap = json!([{"type": "event", "name": "Swap", "anonymous": false, "inputs": [
        param("sender", "address", true), param("recipient", "address", true),
        param("amount0", "int256", false), param("amount1", "int256", false),
        param("sqrtPriceX96", "uint160", false), param("liquidity", "uint128", false),
        param("tick", "int24", false)]}]);
    let signature = "Swap(address,address,int256,int256,uint160,uint128,int24)";
    // Its topics are read there and never used: swaps of every sender match.
    let rule = format!(
        "version: \"1.0\"\nname: Swaps\npriority: P2\naddresses: [\"{POOL}\"]\nevents:\n  - signature: {signature}\n    topics:\n      - index: 1\n        values: [\"{ROUTER}\"]\n"
    );
    let defender = json!([{"monitorId": "1", "name": "Fails", "type": "BLOCK", "network": "mainnet",
        "addressRules": [{"addresses": [ROUTER], "conditions": [{"eventConditions": [],
            "functionConditions": [], "txConditions": [{"status": "failed"}]}]}],
        "notifyConfig": {"notifications": []}}]);
    let tenderly = json!({"alerts": [{"name": "Failed calls", "enabled": true, "expressions": [
        {"type": "network", "expression": {"network_id": "1"}},
        {"type": "contract_address",
            "expression": {"address": ROUTER, "transaction_type": "direct"}},
        {"type": "tx_status", "expression": {"transaction_success": false}}]}]});
    project.write("swap.json", &swap.to_string()).write("rule.yaml", &rule);
    project.write("defender.json", &defender.to_string());
    project.write("tenderly.json", &tenderly.to_string());
    // All into one folder, one after the other.
    for arguments in [
        &["monitorism", "rule.yaml", "--abi", "swap.json"][..],
        &["defender", "defender.json"],
        &["tenderly", "tenderly.json"],
    ] {
        let mut import = crate::world::bellwether();
        import.arg("import").args(arguments).args(["--into", "."]).current_dir(project.path());
        let imported = run_to_end(import).await;
        assert_eq!(imported.code, Some(0), "{imported:?}");
    }

    let mut replay = crate::world::bellwether();
    replay.args(["replay", "--json", "--recorded"]).arg(&corpus);
    replay.arg("--folder").arg(project.path()).env("RPC_MAINNET", "http://127.0.0.1:1");
    let ended = run_to_end(replay).await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in ended.out.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        if let (Some(monitor), Some(tx)) = (line["monitor"].as_str(), line["tx"].as_str()) {
            found.entry(monitor.to_owned()).or_default().insert(tx.to_owned());
        }
    }
    let truth = Receipts::of(&corpus);
    assert!(truth.swapped.len() >= 5 && truth.failed.len() >= 5, "the corpus has what it takes");
    let expected =
        [("failed-calls", &truth.failed), ("fails", &truth.failed), ("swaps", &truth.swapped)];
    let expected = expected.map(|(monitor, txs)| (monitor.to_owned(), txs.clone()));
    assert_eq!(found, BTreeMap::from(expected), "{}", ended.out);
}
