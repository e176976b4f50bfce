//! The watcher is watched: a switch outside that is pinged while all is well, another watcher that
//! notices silence, and a second program that waits for the store.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, http::Uri};
use bellwether::signature::SigningKey;
use evm::devnet::{Fault, FaultRule};

use crate::world::{Chain, PATIENCE, Program, Project, Record, Webhook, until};

const ISSUED: &str = r#"[[monitor]]
name = "issued"
on = ["token"]
event = "Issued"
severity = "high"
"#;

/// How old the chain is when it starts: its blocks must not look stale, or from the future.
const RECENT: Duration = Duration::from_secs(120);

/// A dead-man's switch: keeps what it was pinged with, by path.
#[derive(Clone, Default)]
pub(crate) struct Switch {
    pings: Arc<Mutex<Vec<(String, String)>>>,
}

impl Switch {
    pub(crate) async fn start(&self) -> String {
        async fn take(State(switch): State<Switch>, uri: Uri, body: Bytes) {
            let body = String::from_utf8(body.to_vec()).unwrap();
            switch.pings.lock().unwrap().push((uri.path().to_owned(), body));
        }
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(take).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}")
    }

    pub(crate) fn count(&self, path: &str) -> usize {
        self.pings.lock().unwrap().iter().filter(|(to, _)| to == path).count()
    }

    pub(crate) fn newest(&self) -> Option<(String, String)> {
        self.pings.lock().unwrap().last().cloned()
    }
}

/// A folder that watches the chain, and whom it tells: as long as that lives.
async fn watched(chain: &Chain, settings: &str) -> (Project, Webhook) {
    let project = Project::meridian_contracts();
    chain.declare(&project);
    let hook = Webhook::start().await;
    project.write("monitors/all.toml", ISSUED).tell(hook.url()).write(
        "bellwether.toml",
        &format!("name = \"Test\"\nlisten = \"127.0.0.1:0\"\n{settings}"),
    );
    (project, hook)
}

fn reasons(status: &serde_json::Value) -> Vec<&str> {
    let reasons = status["trust"]["reasons"].as_array().unwrap();
    reasons.iter().filter_map(|reason| reason["code"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_switch_is_pinged_while_all_is_well_and_told_why_when_it_is_not() {
    let mut chain = Chain::start_before(RECENT, 61).await;
    let switch = Switch::default();
    let url = switch.start().await;
    let settings = format!(
        "[pulse]\nping = \"{url}/alive\"\nping_failing = \"{url}/failing\"\nping_every = \"1s\"\n"
    );
    let (project, _hook) = watched(&chain, &settings).await;
    let mut program = Program::run(&project);
    chain.everydays(3);
    program.judged(chain.devnet.head()).await;
    until("the switch is pinged", || switch.count("/alive") >= 2).await;

    chain.node.faults().add(FaultRule::always("*", Fault::Http { status: 503 }));
    chain.node.faults().add(FaultRule::always("*", Fault::DropWebsocket));
    until("the switch hears of it", || {
        switch.newest().is_some_and(|(path, why)| path == "/failing" && why.contains("no_endpoint"))
    })
    .await;
    let pings = switch.count("/alive");
    until("it stays unpinged", || switch.count("/failing") >= 3).await;
    assert_eq!(switch.count("/alive"), pings, "a blind program is as silent as a dead one");

    chain.node.faults().clear();
    until("it is pinged again", || switch.count("/alive") > pings).await;
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_watchers_believe_each_other_s_key_and_miss_each_other_s_silence() {
    let mut chain = Chain::start_before(RECENT, 62).await;
    let folder = tempfile::tempdir().unwrap();
    let (key, other) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
    let file = folder.path().join("heartbeat.key");
    key.write(&file).unwrap();
    let first = format!("[pulse]\nheartbeat_key = {{ file = \"{}\" }}\n", file.display());
    let (first, _hook) = watched(&chain, &first).await;
    let mut first = Program::run(&first);
    let url = first.url().await;
    let peer = |name: &str, public: String| {
        format!(
            "[[pulse.peer]]\nname = \"{name}\"\nurl = \"{url}\"\nkey = \"{public}\"\nstale_after = \"6s\"\n"
        )
    };
    let second = peer("twin", key.public()) + &peer("impostor", other.public());
    let (second, _other_hook) = watched(&chain, &second).await;
    let mut second = Program::run(&second);
    chain.everydays(3);
    first.judged(chain.devnet.head()).await;
    second.judged(chain.devnet.head()).await;

    let unsigned = "the heartbeat that another key signed is not believed";
    let text = |status: &serde_json::Value| status["trust"].to_string();
    let is_missed = |status: &serde_json::Value| {
        text(status).contains("impostor for") && !text(status).contains("twin for")
    };
    second.ask_until(PATIENCE, "status", unsigned, is_missed).await;

    first.stop().await;
    let silent = |status: &serde_json::Value| {
        reasons(status).contains(&"peer_silent") && text(status).contains("twin for")
    };
    second.ask_until(PATIENCE, "status", "the silence is told", silent).await;
    let without = format!("{}/api/v1/heartbeat", second.url().await);
    let without = reqwest::get(without).await.unwrap().text().await.unwrap();
    assert!(without.contains("heartbeat_key is not set"), "{without}");
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_waits_for_the_store_and_goes_on_where_the_first_was_killed() {
    let mut chain = Chain::start(63).await;
    let (project, _hook) = watched(&chain, "").await;
    let mut first = Program::run(&project);
    chain.everydays(3);
    first.judged(chain.devnet.head()).await;

    let aside = tempfile::tempdir().unwrap();
    let mut second = Program::start(aside.path(), &project.store(), |command| {
        command.args(["run", "--standby"]).arg(project.path())
    });
    until("the standby waits", || second.log().contains("in use")).await;
    let before = second.log();
    assert!(!before.contains("watching"), "{before}");

    first.kill();
    chain.everydays(3);
    second.judged(chain.devnet.head()).await;
    let store = second.stop_and_open().await;
    let record = Record::read(&store, &model::Name::new("devnet").unwrap(), &[]);
    let numbers: Vec<u64> = record.coverage.iter().map(|(block, _)| block.number).collect();
    assert_eq!(numbers, (1..=chain.devnet.head().number).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pager_that_cannot_decide_is_no_trust_no_readiness_and_no_ping() {
    let mut chain = Chain::start_before(RECENT, 64).await;
    let switch = Switch::default();
    let url = switch.start().await;
    let settings = format!(
        "[pulse]\nping = \"{url}/alive\"\nping_failing = \"{url}/failing\"\nping_every = \"1s\"\n"
    );
    let (project, _hook) = watched(&chain, &settings).await;
    let mut program = Program::run(&project);
    chain.everydays(3);
    program.judged(chain.devnet.head()).await;
    until("the switch is pinged", || switch.count("/alive") >= 1).await;
    let stages = program.ask("status").await["stages"].clone();
    let names: Vec<&str> =
        stages.as_array().unwrap().iter().filter_map(|stage| stage["stage"].as_str()).collect();
    assert_eq!(names, ["judge", "pager", "outbox"], "{stages:#}");
    assert!(program.page("").await.contains("Last round of each stage"));
    program.stop().await;

    // A row of its memory is damaged: it cannot say who was told what, and must not guess.
    let damage = "INSERT OR REPLACE INTO pager_rows (key, row) VALUES ('card/00', 'no json')";
    rusqlite::Connection::open(project.store()).unwrap().execute(damage, []).unwrap();
    let pings = switch.count("/failing");
    let mut program = Program::run(&project);
    let is_stalled = |status: &serde_json::Value| {
        let text = status["trust"].to_string();
        reasons(status).contains(&"stalled") && text.contains("card/00")
    };
    let status = program.ask_until(PATIENCE, "status", "it is told", is_stalled).await;
    assert_eq!(status["trust"]["verdict"], "no", "{status:#}");
    let ready = format!("{}/readyz", program.url().await);
    assert_eq!(reqwest::get(ready).await.unwrap().status(), 503);
    until("the switch hears of it", || {
        switch.count("/failing") > pings
            && switch.newest().is_some_and(|(_, why)| why.contains("stalled"))
    })
    .await;
    program.stop().await;
}
