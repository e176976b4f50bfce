//! What people tell the pager from a terminal: beside a running program and without one, with who,
//! why, and what was refused.

use std::net::TcpListener;

use serde_json::Value;

use crate::world::{
    Chain, Ended, PATIENCE, Program, Project, Webhook, all_alerts, bellwether, run_to_end,
};

const ISSUED: &str = r#"[[monitor]]
name = "issued"
on = ["token"]
event = "Issued"
when = "amount == 777_777 token"
severity = "high"
"#;

async fn run(project: &Project, arguments: &[&str]) -> Ended {
    let mut command = bellwether();
    command.args(arguments).env("BELLWETHER_FOLDER", project.path());
    run_to_end(command).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_is_acknowledged_from_a_terminal_and_its_page_says_who_and_why() {
    let mut chain = Chain::start(71).await;
    let project = Project::meridian_contracts();
    chain.declare(&project);
    let hook = Webhook::start().await;
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let key = "write_key = { file = \"write.key\" }\n";
    project
        .write("monitors/all.toml", ISSUED)
        .tell(hook.url())
        .write("write.key", "0123456789abcdef0123456789abcdef\n")
        .write(
            "bellwether.toml",
            &format!("name = \"Test\"\nlisten = \"127.0.0.1:{port}\"\n{key}"),
        );
    let mut program = Program::run(&project);
    chain.issue(777_777);
    let head = chain.everydays(2);
    program.judged(head).await;
    program.told_everything().await;
    let store = store::Store::open_to_read(project.store()).unwrap();
    let id = all_alerts(&store)[0].id.to_string();
    drop(store);

    let listed = run(&project, &["alerts", "list", "--open"]).await;
    assert!(listed.out.contains(&id), "{}", listed.out);
    let said = ["alerts", "ack", &id, "--by", "ann", "--because", "looking at it"];
    let kept = run(&project, &said).await;
    assert_eq!((kept.code, kept.err.as_str()), (Some(0), ""), "{}", kept.out);
    let is_acknowledged = |answer: &Value| answer["alert"]["stage"] == "acknowledged";
    let path = format!("alerts/{id}");
    program.ask_until(PATIENCE, &path, "the alert is acknowledged", is_acknowledged).await;
    let page = program.page(&path).await;
    assert!(page.contains("on it: ann") && page.contains("looking at it"), "who and why");

    let nobody = "0".repeat(32);
    let refused = run(&project, &["alerts", "ack", &nobody, "--by", "ann", "--because", "x"]).await;
    assert_eq!(refused.code, Some(2));
    assert!(refused.err.contains("there is no alert"), "{}", refused.err);

    let quiet = ["silences", "ask", "noise", "--match", "monitor=\"issued\"", "--lasts", "2h"];
    let asked =
        run(&project, &[&quiet[..], &["--by", "ann", "--because", "tuning"]].concat()).await;
    assert_eq!((asked.code, asked.err.as_str()), (Some(0), ""));
    let again =
        run(&project, &[&quiet[..], &["--by", "bob", "--because", "tuning"]].concat()).await;
    assert!(again.err.contains("silence noise exists already"), "{}", again.err);
    let signed = run(&project, &["silences", "sign", "noise", "--by", "bob"]).await;
    assert_eq!(signed.code, Some(0), "{}", signed.err);
    let listed = run(&project, &["silences", "list"]).await;
    assert!(listed.out.contains("signed by ann, bob: tuning"), "{}", listed.out);
    let answer = program.ask("silences").await;
    assert_eq!(answer["items"].as_array().unwrap().len(), 1, "{answer:#}");
    program.stop().await;

    // Without a program it is kept for the next start.
    let said = ["alerts", "resolve", &id, "--by", "ann", "--because", "an exercise"];
    assert_eq!(run(&project, &said).await.code, Some(0));
    let mut program = Program::run(&project);
    let is_resolved = |answer: &Value| answer["alert"]["stage"] == "resolved";
    program.ask_until(PATIENCE, &path, "the alert is resolved", is_resolved).await;
    program.stop().await;
}
