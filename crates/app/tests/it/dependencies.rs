//! What a protocol relies on: found on a live chain, confirmed as a file, watched.

use std::{fs, time::Duration};

use alloy_primitives::{Address, U256};
use evm::{
    artifact,
    devnet::{Devnet, DevnetConfig, Endpoint, TransactionRequest},
    harbour::{
        Harbour,
        contracts::{FeedProxy, LendingMarket, Stablecoin},
    },
    meridian::call,
};
use serde_json::Value;
use store::Store;

use crate::world::{
    DEVNET, Ended, Program, Project, Url, all_findings, bellwether, run_to_end, workspace,
};

/// Historical states kept: traces of every block of a test.
const STATES_KEPT: usize = 4_096;

/// The protocol on a chain of its own, and the folder of whoever guards it.
struct World {
    devnet: Devnet,
    on: Harbour,
    node: Endpoint,
    project: Project,
    lived: u64,
}

impl World {
    async fn start() -> Self {
        let day = Duration::from_secs(24 * 3_600);
        let now_s = bellwether::clock::now().0 as u64 / 1_000;
        let config = DevnetConfig {
            genesis_at: now_s - day.as_secs(),
            states_kept: STATES_KEPT,
            ..Harbour::devnet_config()
        };
        let devnet = Devnet::new(config);
        let on = Harbour::deploy(&devnet).unwrap();
        let node = devnet.serve(([127, 0, 0, 1], 0).into()).await.unwrap();
        let project = Project::new();
        let (http, ws) = (node.url(), node.ws_url());
        project.network("devnet", DEVNET, &[Url { http: &http, ws: Some(&ws) }]);
        let abi = workspace().join("contracts/artifacts/Harbour.json");
        project.write(
            "deployments/harbour.toml",
            &format!(
                "network = \"devnet\"\naddress = \"{}\"\nclass = \"vault\"\nabi = \"{}\"\n",
                on.harbour,
                abi.display()
            ),
        );
        Self { devnet, on, node, project, lived: 0 }
    }

    /// Blocks of everyday life, a transaction each.
    fn live(&mut self, blocks: u64) {
        for _ in 0..blocks {
            self.on.live(&self.devnet, self.lived).unwrap();
            self.lived += 1;
        }
    }

    /// A block with one transaction of the owner of everything.
    fn owner(&self, request: TransactionRequest) {
        self.devnet.submit(&self.on.owner, request).unwrap();
        self.devnet.mine().unwrap();
    }

    async fn dependencies(&self, arguments: &[&str]) -> Ended {
        let mut command = bellwether();
        command.arg("dependencies").args(arguments);
        if arguments[0] == "discover" {
            command.arg("--folder");
        }
        command.arg(self.project.path());
        run_to_end(command).await
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_of_five_are_found_from_fifty_transactions() {
    let mut world = World::start().await;
    world.live(50);
    let looked = world.dependencies(&["discover", "--blocks", "50", "--json"]).await;
    assert_eq!(looked.code, Some(1), "nothing is declared yet: {looked:?}");
    let answer = looked.json();
    let network = &answer["networks"][0];
    assert_eq!(network["transactions"], 50);
    let all = network["dependencies"].as_array().unwrap();
    let mut found: Vec<(Address, &str)> = all
        .iter()
        .map(|one| (text(&one["address"]).parse().unwrap(), text(&one["kind"])))
        .collect();
    let on = &world.on;
    let mut expected = vec![
        (on.dollar, "token"),
        (on.market, "lending"),
        (on.feed, "feed"),
        (on.bridge, "bridge"),
        (on.governor, "governance"),
    ];
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected, "{network:#}");
    let of = |at: Address| all.iter().find(|one| text(&one["address"]) == at.to_string()).unwrap();
    let why = |at: Address| of(at)["why"].to_string();
    assert!(why(on.dollar).contains("called, in the code, held"), "{}", why(on.dollar));
    assert!(why(on.feed).contains("named by feed()"), "{}", why(on.feed));
    assert!(why(on.governor).contains("governed by it"), "{}", why(on.governor));
    let nodes = network["graph"]["nodes"].as_array().unwrap();
    let behind = nodes.iter().find(|node| node["depth"] == 2).unwrap();
    assert_eq!(text(&behind["address"]), on.aggregator.to_string().to_lowercase());
    // What is held and lent, at a dollar each, and all of it behind the feed.
    let balance = |of: Address| {
        let call = Stablecoin::balanceOfCall(on.harbour);
        evm::meridian::read(&world.devnet, of, call).unwrap() / U256::from(1_000_000)
    };
    let usd = |at: Address| text(&of(at)["exposure_usd"]).replace(',', "");
    assert_eq!(usd(on.dollar), balance(on.dollar).to_string());
    assert_eq!(usd(on.market), balance(on.market).to_string());
    assert_eq!(usd(on.feed), (balance(on.dollar) + balance(on.market)).to_string());
    assert!(of(on.dollar)["calls_per_day"].as_f64().unwrap() > 1_000.0);
    drop(world.node);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_a_freeze_and_a_swap_are_told_once_each_with_their_price() {
    let mut world = World::start().await;
    world.live(50);
    let written = world.dependencies(&["discover", "--write"]).await;
    assert_eq!(written.code, Some(0), "{written:?}");
    let file = world.project.path().join("dependencies/devnet.toml");
    assert!(fs::read_to_string(&file).unwrap().contains("kind = \"lending\""));
    let again = world.dependencies(&["discover", "--write"]).await;
    assert_eq!(again.code, Some(0), "all of it is declared: {again:?}");
    let listed = world.dependencies(&["list", "--json"]).await.json();
    assert_eq!(listed.as_array().unwrap().len(), 5, "{listed:#}");

    let mut program = Program::run(&world.project);
    world.live(30);
    program.judged(world.devnet.head()).await;
    let (on, asset) = (world.on.clone(), world.on.dollar);
    world.owner(call(on.market, LendingMarket::setReserveFreezeCall { of_: asset, frozen: true }));
    let other = evm::meridian::contracts::PriceOracle::constructorCall {
        admin: on.owner.address(),
        reporter: on.owner.address(),
        heartbeat_: U256::from(3_600),
        first: 100_000_000.try_into().unwrap(),
    };
    let next = on.owner.address().create(world.devnet.next_nonce(on.owner.address()));
    let arguments = alloy_sol_types::SolConstructor::abi_encode(&other);
    let initcode = [artifact::PRICE_ORACLE.bytecode().to_vec(), arguments].concat();
    world.owner(TransactionRequest::create(initcode));
    world.owner(call(on.feed, FeedProxy::confirmAggregatorCall { next }));
    for _ in 0..8 {
        world.devnet.mine().unwrap();
    }
    world.owner(call(on.dollar, Stablecoin::pauseCall {}));
    for _ in 0..30 {
        world.devnet.mine().unwrap();
    }
    program.judged(world.devnet.head()).await;
    let store = Store::open_to_read(world.project.store()).unwrap();
    let findings = all_findings(&store);
    let of = |detector: &str| -> Vec<(String, String)> {
        let of_it = findings.iter().filter(|record| record.finding.detector == detector);
        of_it
            .map(|record| {
                let at_risk = record.finding.value_at_risk.as_ref().map(ToString::to_string);
                (record.finding.title.clone(), at_risk.unwrap_or_default())
            })
            .collect()
    };
    for (detector, begins) in [
        ("dependency/token_event", "husd was paused; "),
        ("dependency/market_state", "lending was frozen; "),
        ("dependency/feed_changed", &format!("{next} answers behind husd-usd-feed now; ")),
    ] {
        let found = of(detector);
        assert_eq!(found.len(), 1, "{detector}: {found:?}");
        let (title, at_risk) = &found[0];
        assert!(title.starts_with(begins), "{title}");
        assert!(at_risk.ends_with(" USD"), "{title}: {at_risk:?}");
        assert!(title.contains(at_risk.as_str()), "{title}: {at_risk}");
    }
    assert!(of("dependency/appeared").iter().all(|(title, _)| title.contains(&next.to_string())));
    assert!(program.stop().await.success());
}
