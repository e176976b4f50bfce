//! On a real node: following it live, a reorg that takes back what was told, the node's restart,
//! endpoints that fail.

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::{SolCall, SolConstructor};
use evm::{artifact, meridian::contracts::MeridianToken};
use model::{AlertState, BlockRef};
use serde_json::json;
use store::Store;

use crate::world::{
    Anvil, MailServer, OWNER, PATIENCE, Program, Project, Proxy, Url, Webhook, all_alerts,
    assert_all_delivered, bellwether, installed, routes_to, run_to_end, until,
};

/// anvil's network. It has no consensus layer whose finality would mean anything.
const NETWORK: &str = r#"chain_id = 31_337
finality = "6 blocks"
start = "block 1"
poll_interval = "100ms"
finality_interval = "100ms"
retry_interval = "50ms"
"#;

const MONITORS: &str = r#"[[monitor]]
name = "role-change"
detector = "access/role_change"
on = ["token"]
severity = "high"

[[monitor]]
name = "issued"
on = ["token"]
event = "Issued"
when = "amount >= 1_000 token"
say = "{{ amount | token }} issued to {{ to }}"
severity = "critical"
"#;

/// A token on a fresh anvil, and a folder that guards it.
struct Scene {
    anvil: Anvil,
    token: Address,
    project: Project,
    hook: Webhook,
}

impl Scene {
    async fn new(folder: &std::path::Path) -> Self {
        let anvil = Anvil::start(folder).await;
        let owner: Address = OWNER.parse().unwrap();
        let arguments = MeridianToken::constructorCall { admin: owner }.abi_encode();
        let code = artifact::MERIDIAN_TOKEN.bytecode();
        let token = anvil.create(&[code.as_ref(), &arguments].concat().into()).await;
        let hook = Webhook::start().await;
        let project = Project::new();
        project
            .write("abis/token.json", artifact::MERIDIAN_TOKEN.json)
            .write(
                "deployments/token.toml",
                &format!(
                    "network = \"local\"\naddress = \"{token}\"\nabi = \"abis/token.json\"\nclass = \"token\"\n\n[token]\nsymbol = \"mUSD\"\ndecimals = 18\n"
                ),
            )
            .write("monitors/token.toml", MONITORS)
            .tell(hook.url());
        let (http, ws) = (anvil.url(), anvil.ws_url());
        project.network("local", NETWORK, &[Url { http: &http, ws: Some(&ws) }]);
        Self { anvil, token, project, hook }
    }

    /// Makes somebody an issuer, in a block of its own.
    async fn grant(&self, to: u8) -> BlockRef {
        let role = alloy_primitives::keccak256("ISSUER_ROLE");
        let account = Address::repeat_byte(to);
        self.call(MeridianToken::grantRoleCall { role, account }).await
    }

    async fn call(&self, call: impl SolCall) -> BlockRef {
        self.anvil.send(Some(self.token), &Bytes::from(call.abi_encode())).await;
        self.anvil.mine(1).await
    }

    /// The owner becomes an issuer and issues this much.
    async fn issue(&self, musd: u64) -> BlockRef {
        let role = alloy_primitives::keccak256("ISSUER_ROLE");
        let account: Address = OWNER.parse().unwrap();
        self.call(MeridianToken::grantRoleCall { role, account }).await;
        let amount = U256::from(musd) * U256::from(10).pow(U256::from(18));
        self.call(MeridianToken::issueCall { to: account, amount }).await
    }

    /// Ends the program and checks what holds after any run.
    async fn end(self, mut program: Program) -> Store {
        program.told_everything().await;
        let store = program.stop_and_open().await;
        assert_all_delivered(&store);
        self.hook.assert_identities();
        let keys: Vec<String> = self.hook.taken().into_iter().map(|d| d.key).collect();
        let once: std::collections::BTreeSet<&String> = keys.iter().collect();
        assert_eq!(once.len(), keys.len(), "nothing arrived twice");
        let report = store.verify().unwrap();
        assert!(report.is_sound(), "{report:?}");
        store
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_on_a_real_node_reaches_people_and_is_taken_back_when_the_chain_drops_it() {
    let Some(folder) = installed("following anvil") else { return };
    let scene = Scene::new(&folder).await;
    let mails = MailServer::open(&folder).await;
    scene.project.write(
        "routes.toml",
        &routes_to(scene.hook.url()).replace("[\"hook\"]", "[\"hook\", \"mail\"]").replace(
            "[[route]]",
            &format!(
                "[[receiver]]\nname = \"mail\"\nkind = \"mail\"\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\nfrom = \"b@example.org\"\nto = [\"team@example.org\"]\n\n[[route]]",
                mails.port
            ),
        ),
    );
    // From here on: the creation gave a role, too, and would open the alert.
    let settings = NETWORK.replace("block 1", "head");
    let (http, ws) = (scene.anvil.url(), scene.anvil.ws_url());
    scene.project.network("local", &settings, &[Url { http: &http, ws: Some(&ws) }]);
    scene.anvil.mine(1).await;
    let mut program = Program::run(&scene.project);
    program.judged(scene.anvil.head().await).await;
    scene.anvil.mine(3).await;
    let granted = scene.grant(0xaa).await;
    until("the grant is told", || scene.hook.kinds_of("role-change") == ["opened"]).await;
    until("by mail too", || mails.mails().len() == 1).await;
    let told = scene.hook.taken().remove(0);
    assert_eq!(told.body["finding"]["block"]["hash"], granted.hash.to_string());
    assert_eq!(told.body["alert"]["severity"], "high");

    scene.anvil.mine(2).await;
    scene.anvil.reorg(3).await;
    let head = scene.anvil.mine(1).await;
    program.judged(head).await;
    until("it is taken back", || scene.hook.kinds_of("role-change") == ["opened", "retracted"])
        .await;
    until("by mail too", || mails.mails().len() == 2).await;
    let [first, second] = &mails.mails()[..] else { panic!("two mails") };
    assert_eq!(second.in_reply_to.as_ref(), Some(&first.message_id), "one conversation");
    let alerts = program.ask("alerts").await;
    assert_eq!(alerts["items"][0]["state"], "retracted", "{alerts:#}");

    // What happens on the new branch is told as ever.
    scene.issue(5_000).await;
    until("the issuance is told", || scene.hook.kinds_of("issued") == ["opened"]).await;
    scene.anvil.mine(8).await;
    until("and confirmed", || scene.hook.kinds_of("issued") == ["opened", "confirmed"]).await;
    let store = scene.end(program).await;
    let states: Vec<(String, AlertState)> =
        all_alerts(&store).into_iter().map(|a| (a.monitor.to_string(), a.state)).collect();
    assert!(states.contains(&("issued".to_owned(), AlertState::Confirmed)), "{states:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_restarts_is_followed_on_and_nothing_is_told_twice() {
    let Some(folder) = installed("restarting anvil") else { return };
    let mut scene = Scene::new(&folder).await;
    let mut program = Program::run(&scene.project);
    scene.issue(2_000).await;
    program.judged(scene.anvil.head().await).await;
    until("the issuance is told", || scene.hook.kinds_of("issued") == ["opened"]).await;

    scene.anvil.stop().await;
    let is_unwell = |answer: &serde_json::Value| {
        answer["items"][0]["endpoints"][0]["healthy"] == false
            && answer["items"][0]["trust"]["verdict"] != "ok"
    };
    program.ask_until(PATIENCE, "networks", "the page says that the node is away", is_unwell).await;
    let at_rest = scene.hook.taken().len();
    scene.anvil.start_again().await;

    scene.grant(0xbb).await;
    let head = scene.anvil.mine(9).await;
    program.judged(head).await;
    until("what came after is told", || {
        scene.hook.taken()[at_rest..].iter().any(|d| d.monitor() == "role-change")
    })
    .await;
    let is_up = |answer: &serde_json::Value| {
        answer["items"][0]["websocket"] == true
            && answer["items"][0]["endpoints"][0]["healthy"] == true
    };
    program.ask_until(PATIENCE, "networks", "the node is well, its WebSocket too", is_up).await;
    let opened = scene.hook.kinds_of("issued");
    assert_eq!(opened.iter().filter(|kind| *kind == "opened").count(), 1, "{opened:?}");
    let store = scene.end(program).await;
    let network = model::Name::new("local").unwrap();
    let rows = store.coverage(&network, 0, 500).unwrap();
    let numbers: Vec<u64> = rows.iter().map(|row| row.block.number).collect();
    assert_eq!(numbers, (1..=head.number).collect::<Vec<_>>(), "every block has its row");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_fails_is_replaced_by_the_next_and_all_of_them_failing_loses_nothing() {
    let Some(folder) = installed("endpoints before anvil") else { return };
    let scene = Scene::new(&folder).await;
    let (first, second) =
        (Proxy::start(&scene.anvil.url()).await, Proxy::start(&scene.anvil.url()).await);
    let url = |proxy: &Proxy| proxy.url().to_owned();
    let (a, b) = (url(&first), url(&second));
    scene.project.network(
        "local",
        NETWORK,
        &[Url { http: &a, ws: None }, Url { http: &b, ws: None }],
    );
    let mut program = Program::run(&scene.project);
    program.judged(scene.anvil.mine(2).await).await;

    first.set_down(true);
    let before = second.passed();
    let granted = scene.grant(0xaa).await;
    program.judged(granted).await;
    until("the grant is told", || scene.hook.kinds_of("role-change") == ["opened"]).await;
    assert!(second.passed() > before, "the second endpoint answered");

    second.set_down(true);
    let is_blind = |answer: &serde_json::Value| {
        let endpoints = answer["items"][0]["endpoints"].as_array().unwrap();
        endpoints.iter().all(|endpoint| endpoint["healthy"] == false)
    };
    program.ask_until(PATIENCE, "networks", "both endpoints are down", is_blind).await;
    scene.issue(7_000).await;
    let head = scene.anvil.mine(28).await;
    first.set_down(false);
    program.judged(head).await;
    until("what happened meanwhile is told", || {
        scene.hook.kinds_of("issued").first().is_some_and(|kind| kind == "opened")
    })
    .await;
    let store = scene.end(program).await;
    let rows = store.coverage(&model::Name::new("local").unwrap(), 0, 500).unwrap();
    assert_eq!(rows.len() as u64, head.number, "no block is missing");
    let hashes: std::collections::BTreeSet<B256> = rows.iter().map(|row| row.block.hash).collect();
    assert_eq!(hashes.len(), rows.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contract_on_a_real_node_is_recognised_with_who_may_do_what() {
    let Some(folder) = installed("onboarding from anvil") else { return };
    let scene = Scene::new(&folder).await;
    scene.grant(0xaa).await;
    let mut command = bellwether();
    command.arg("init").arg(scene.project.path().join("x")).args(["--dry-run", "--json"]);
    command.args(["--rpc", &scene.anvil.url(), "--address", &scene.token.to_string()]);
    let ended = run_to_end(command).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let answer = ended.json();
    let [token] = &answer["contracts"].as_array().unwrap()[..] else { panic!("{answer:#}") };
    assert_eq!((&token["class"], &token["label"]), (&json!("token"), &json!("musd-token")));
    assert_eq!(token["created_by"].as_str().unwrap().parse(), OWNER.parse::<Address>());
    let holders: Vec<(&str, Address)> = token["holders"]
        .as_array()
        .unwrap()
        .iter()
        .map(|h| (h["role"].as_str().unwrap(), h["account"].as_str().unwrap().parse().unwrap()))
        .collect();
    assert_eq!(
        holders,
        [
            ("DEFAULT_ADMIN_ROLE", OWNER.parse().unwrap()),
            ("ISSUER_ROLE", Address::repeat_byte(0xaa)),
        ]
    );
    assert_eq!(answer["left_out"], json!([]), "everything could be found out");
}
