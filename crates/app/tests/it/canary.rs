//! Canaries go the whole path of a running program: they arrive, they are in no figure, and a path
//! that is held is told with the point at which it is held.

use std::time::Duration;

use evm::devnet::{Fault, FaultRule};
use serde_json::Value;

use crate::{
    pulse::Switch,
    world::{Chain, PATIENCE, Program, Project, Webhook, bellwether, run_to_end, until},
};

const ISSUED: &str = r#"[[monitor]]
name = "issued"
on = ["token"]
event = "Issued"
severity = "high"
"#;

/// How old the chain is when it starts: its blocks must not look stale, or from the future.
const RECENT: Duration = Duration::from_secs(120);

/// Points between which canaries are measured.
const STAGES: [&str; 7] = ["judged", "stored", "taken", "decided", "queued", "delivered", "whole"];

async fn watched(chain: &Chain, pulse: &str) -> (Project, Webhook) {
    let project = Project::meridian_contracts();
    chain.declare(&project);
    let hook = Webhook::start().await;
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    project.write("monitors/all.toml", ISSUED).tell(hook.url()).write(
        "bellwether.toml",
        &format!("name = \"Test\"\nlisten = \"127.0.0.1:{port}\"\n[pulse]\n{pulse}"),
    );
    (project, hook)
}

fn codes(status: &Value) -> Vec<&str> {
    let reasons = status["trust"]["reasons"].as_array().unwrap();
    reasons.iter().filter_map(|reason| reason["code"].as_str()).collect()
}

fn arrived(status: &Value) -> u64 {
    status["canaries"][0]["arrived"].as_u64().unwrap_or_default()
}

/// Mines until so many canaries arrived since the start.
async fn fly(program: &mut Program, chain: &mut Chain, wanted: u64) -> Value {
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        chain.everyday();
        let status = program.ask("status").await;
        if arrived(&status) >= wanted {
            return status;
        }
        assert!(std::time::Instant::now() < deadline, "{status:#}\n{}", program.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Rows of the store in which canaries are.
fn kept(project: &Project) -> i64 {
    let store = rusqlite::Connection::open(project.store()).unwrap();
    let sql = "SELECT count(*) FROM alerts WHERE apart = 'canary'";
    store.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn canaries_come_through_beside_the_real_thing_and_are_in_no_figure() {
    let mut chain = Chain::start_before(RECENT, 91).await;
    let (project, hook) = watched(&chain, "canary_every = \"1s\"\n").await;
    let mut program = Program::run(&project);
    chain.issue(5);
    let status = fly(&mut program, &mut chain, 3).await;
    let canary = &status["canaries"][0];
    assert_eq!((&canary["network"], &canary["lost"]), (&"devnet".into(), &0.into()), "{status:#}");
    let latency = canary["latency"].as_array().unwrap();
    let stages: Vec<_> = latency.iter().filter_map(|took| took["stage"].as_str()).collect();
    assert_eq!(stages, STAGES, "{status:#}");
    let of = |stage: &str, key: &str| {
        let took = latency.iter().find(|took| took["stage"] == stage).unwrap();
        took[key].as_u64().unwrap()
    };
    let sum: u64 = STAGES[..6].iter().map(|stage| of(stage, "last_ms")).sum();
    assert_eq!(of("whole", "last_ms"), sum, "no time is lost between the stages: {status:#}");
    assert!(!codes(&status).contains(&"canary_late"), "{status:#}");

    // The real alert was told, and nobody heard of a canary.
    until("the real alert is told", || !hook.taken().is_empty()).await;
    program.told_everything().await;
    let monitors: Vec<String> = hook.taken().iter().map(|told| told.monitor().to_owned()).collect();
    assert!(monitors.iter().all(|monitor| monitor == "issued"), "{monitors:?}");
    for list in ["alerts?drills=true", "findings", "outbox", "attacks", "quality", "fatigue"] {
        let answer = program.ask(list).await;
        assert!(!answer.to_string().contains("canary"), "{list}: {answer:#}");
    }
    let outbox = program.ask("outbox").await;
    assert_eq!(outbox["delivered"], hook.taken().len(), "{outbox:#}");
    let metrics = program.page("metrics").await;
    for metric in [
        r#"bellwether_canary_latency_seconds{network="devnet",stage="whole",stat="p99"}"#,
        r#"bellwether_canaries{network="devnet",state="lost"} 0"#,
    ] {
        assert!(metrics.contains(metric), "{metric}: {metrics}");
    }
    assert!(program.page("").await.contains("id=\"canaries\""));
    let mut command = bellwether();
    command.arg("status").env("BELLWETHER_FOLDER", project.path());
    let said = run_to_end(command).await;
    assert!(said.out.contains("canaries of devnet: the newest arrived"), "{said:?}");
    assert!(said.out.contains("  whole "), "{said:?}");

    // Read again: what was on its way is awaited by nobody, and the next ones come through.
    let before = arrived(&program.ask("status").await);
    program.hang_up();
    fly(&mut program, &mut chain, before + 14).await;
    // Without blocks there are no canaries; what is wrong says so itself.
    chain.node.faults().add(FaultRule::always("*", Fault::Http { status: 503 }));
    chain.node.faults().add(FaultRule::always("*", Fault::DropWebsocket));
    let is_blind = |status: &Value| codes(status).contains(&"no_endpoint");
    let status = program.ask_until(PATIENCE, "status", "it is blind", is_blind).await;
    assert!(!codes(&status).contains(&"canary_late"), "{status:#}");
    program.stop().await;
    assert_eq!(kept(&project), store::CANARIES_KEPT as i64, "of more than sixteen");
}

/// Changes the store while nobody has it open.
fn meddle(project: &Project, sql: &str) {
    rusqlite::Connection::open(project.store()).unwrap().execute_batch(sql).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_that_is_held_is_no_trust_names_the_point_and_is_whole_again_after_a_start() {
    let mut chain = Chain::start_before(RECENT, 92).await;
    let switch = Switch::default();
    let url = switch.start().await;
    let settings = format!(
        "ping = \"{url}/alive\"\nping_failing = \"{url}/failing\"\nping_every = \"1s\"\n\
         canary_every = \"1s\"\ncanary_within = \"3s\"\n"
    );
    let (project, _hook) = watched(&chain, &settings).await;
    let mut program = Program::run(&project);
    fly(&mut program, &mut chain, 1).await;
    program.stop().await;

    // Messages are put off for ever. Every stage comes round; only the whole path says that it ends.
    let held = [
        (
            "CREATE TRIGGER held AFTER INSERT ON notifications
             BEGIN UPDATE notifications SET at = 9000000000000000 WHERE id = NEW.id; END",
            "delivered",
            false,
        ),
        // The pager decides, and what it decided cannot be put down.
        (
            "CREATE TRIGGER held BEFORE INSERT ON pager_rows
             BEGIN SELECT RAISE(ABORT, 'the pager is held'); END",
            "queued",
            true,
        ),
        // What is judged cannot be put down.
        (
            "CREATE TRIGGER held BEFORE INSERT ON coverage
             BEGIN SELECT RAISE(ABORT, 'judging is held'); END",
            "stored",
            true,
        ),
    ];
    for (trigger, point, is_seen_by_stages) in held {
        meddle(&project, trigger);
        let failing = switch.count("/failing");
        let mut program = Program::run(&project);
        chain.everydays(2);
        let is_late = |status: &Value| codes(status).contains(&"canary_late");
        let status = program.ask_until(PATIENCE, "status", point, is_late).await;
        assert_eq!(status["trust"]["verdict"], "no", "{status:#}");
        assert_eq!(status["canaries"][0]["hanging"]["before"], point, "{status:#}");
        let stages = status["stages"].as_array().unwrap();
        let is_stalled = stages.iter().any(|stage| stage["is_stalled"] == true);
        assert_eq!(is_stalled, is_seen_by_stages, "{status:#}");
        let ready = format!("{}/readyz", program.url().await);
        assert_eq!(reqwest::get(ready).await.unwrap().status(), 503);
        until("the switch hears of it", || {
            let newest = switch.newest();
            switch.count("/failing") > failing
                && newest.is_some_and(|(_, why)| why.contains("canary_late"))
        })
        .await;
        let mut command = bellwether();
        command.arg("status").env("BELLWETHER_FOLDER", project.path());
        let said = run_to_end(command).await;
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.out.contains("canary_late: "), "{said:?}");
        // As hard as can be: what is on its way stays there.
        program.kill();
        meddle(&project, "DROP TRIGGER held");

        // Nothing of before is awaited, so nothing is late.
        let mut program = Program::run(&project);
        let deadline = std::time::Instant::now() + PATIENCE;
        while arrived(&program.ask("status").await) < 4 {
            chain.everyday();
            let status = program.ask("status").await;
            assert!(!codes(&status).contains(&"canary_late"), "{status:#}");
            assert!(std::time::Instant::now() < deadline, "{status:#}\n{}", program.log());
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        program.stop().await;
    }
}
