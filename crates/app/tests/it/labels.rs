//! Lists of addresses: imported, listed, explained, and looked back with.

use std::fs;

use model::{ChainEvent, Name};
use serde_json::{Value, json};
use store::{EventLog, Store};

use crate::world::{Chain, Ended, Program, Project, bellwether, run_to_end};

async fn labels(arguments: &[&str]) -> Ended {
    let mut command = bellwether();
    command.arg("labels").args(arguments);
    run_to_end(command).await
}

const THIEF: &str = "0x1111111111111111111111111111111111111111";
const DESK: &str = "0x2222222222222222222222222222222222222222";

fn project() -> Project {
    let project = Project::new();
    project.write(
        "networks/mainnet.toml",
        "chain_id = 1\n[[endpoint]]\nname = \"node\"\nurl = \"http://127.0.0.1:9\"\n",
    );
    project
}

#[tokio::test]
async fn a_list_is_imported_replaced_and_explained() {
    let project = project();
    let folder = project.path().to_str().unwrap();
    let list = project.path().join("list.csv");
    let list_path = list.to_str().unwrap();
    let import = |more: &[&'static str]| {
        let mut arguments = vec!["import", list_path, "--format", "csv", "--name", "thieves"];
        arguments.extend(["--folder", folder, "--json"]);
        arguments.extend(more);
        arguments.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let run = async |more: &[&'static str]| {
        let arguments = import(more);
        labels(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await
    };
    fs::write(&list, format!("address,name,category,first_seen\n{THIEF},Old One,heist,2020-01-01\n{DESK},,exchange,\n")).unwrap();
    let told = run(&["--dry-run"]).await;
    assert_eq!((told.code, &told.json()["file"]), (Some(0), &Value::Null), "{told:?}");
    assert!(!project.path().join("labels").exists(), "a dry run writes nothing");
    let told = run(&[]).await;
    assert_eq!((told.code, &told.json()["new"]), (Some(0), &json!(2)), "{told:?}");
    let written = fs::read_to_string(project.path().join("labels/thieves.imported.csv")).unwrap();
    assert!(written.contains(&format!("{THIEF},exploiter,Old One,,100%,2020-01-01")), "{written}");

    // The desk is gone, somebody else came, one row is broken; what was known keeps its day.
    fs::write(&list, format!("address,name,category\n{THIEF},Old One,heist\n0x3333333333333333333333333333333333333333,,phish-hack\nnobody,,heist\n")).unwrap();
    let told = run(&["--first-seen", "2025-05-05"]).await;
    let value = told.json();
    assert_eq!(
        (told.code, &value["new"], &value["gone"]),
        (Some(1), &json!(1), &json!(1)),
        "{told:?}"
    );
    assert_eq!(value["rejected_rows"][0]["line"], json!(4), "{value}");
    let written = fs::read_to_string(project.path().join("labels/thieves.imported.csv")).unwrap();
    assert!(written.contains("Old One,,100%,2020-01-01"), "{written}");
    assert!(written.contains("phishing,,,100%,2025-05-05"), "{written}");

    // Somebody vouches for the thief: the lists conflict, and no monitor tells it.
    let explain = async || labels(&["explain", THIEF, "--folder", folder, "--json"]).await;
    let of_thief = explain().await.json();
    assert_eq!(of_thief["labels"][0]["set"], "thieves", "{of_thief}");
    assert_eq!(of_thief["labels"][0]["confidence_percent"], 100);
    assert_eq!(of_thief["labels"][0]["confidence_percent_now"], 0, "six years fade it: {of_thief}");
    assert_eq!((&of_thief["told"], &of_thief["conflict"]), (&Value::Null, &json!(false)));
    project.write("labels/exploiter.txt", &format!("{THIEF} # seen by us\n"));
    assert_eq!(explain().await.json()["told"]["set"], "exploiter");
    project.write("labels/benign.txt", &format!("{THIEF} # our own test\n"));
    let of_thief = explain().await.json();
    assert_eq!((&of_thief["told"], &of_thief["conflict"]), (&Value::Null, &json!(true)));
    let conflicts = labels(&["list", "--conflicts", "--json", folder]).await;
    assert_eq!(conflicts.code, Some(1), "{conflicts:?}");
    assert_eq!(conflicts.json()[0]["vouched_for_by"][0]["category"], "benign");
    let listed = labels(&["list", folder, "--json"]).await.json();
    let sets: Vec<&str> =
        listed.as_array().unwrap().iter().map(|s| s["set"].as_str().unwrap()).collect();
    assert_eq!(sets, ["benign", "exploiter", "thieves", "thieves"]);
    let text = labels(&["explain", DESK, "--folder", folder]).await.out;
    assert!(text.contains("on no list") && text.contains("was not recorded"), "{text}");
}

#[tokio::test]
async fn a_list_that_is_not_what_it_is_said_to_be_is_refused() {
    let project = project();
    let folder = project.path().to_str().unwrap();
    project.write("list.csv", "address\n0x12\n");
    let list = project.path().join("list.csv");
    let list = list.to_str().unwrap();
    for (format, expected) in [
        ("ofac", "no \"Digital Currency Address\" in it"),
        ("stix", "expected value"),
        ("csv", "no category"),
        ("forta", "no address in it can be labelled"),
    ] {
        let ended = labels(&["import", list, "--format", format, "--folder", folder]).await;
        assert_eq!(ended.code, Some(2), "{format}: {ended:?}");
        assert!(ended.err.contains(expected), "{format}: {}", ended.err);
    }
    let ended = labels(&["import", list, "--format", "csv", "--folder", "/"]).await;
    assert!(ended.err.contains("has no bellwether.toml"), "{}", ended.err);
    assert!(!project.path().join("labels").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_label_that_comes_late_finds_what_its_address_did() {
    let mut chain = Chain::start(72).await;
    let head = chain.everydays(3);
    let project = Project::meridian();
    chain.declare(&project);
    let folder = project.path().to_str().unwrap();
    let mut program = Program::run(&project);
    program.judged(head).await;
    drop(program);

    let quiet = labels(&["retro-scan", "--folder", folder, "--json"]).await;
    assert_eq!(quiet.code, Some(0), "{quiet:?}");

    // Somebody who dealt with the vault is listed, from a day to come on.
    let store = Store::open_to_read(project.store()).unwrap();
    let network = Name::new("devnet").unwrap();
    let log = store.event_log();
    let events = log.read(&network, log.start(&network).unwrap(), 10_000).unwrap();
    let vault = chain.meridian.vault;
    let caller = events
        .iter()
        .filter_map(|(_, event)| match event {
            ChainEvent::Committed(bundle) => Some(bundle),
            _ => None,
        })
        .flat_map(|bundle| &bundle.transactions)
        .find(|tx| tx.to == Some(vault))
        .map(|tx| tx.from)
        .expect("everyday traffic calls the vault");
    project.write("late.txt", &format!("{caller}\n"));
    let list = project.path().join("late.txt");
    let import = ["import", list.to_str().unwrap(), "--format", "text", "--category", "exploiter"];
    let import = [&import[..], &["--first-seen", "2090-01-01", "--folder", folder]].concat();
    assert_eq!(labels(&import).await.code, Some(0));

    let scanned = labels(&["retro-scan", "--folder", folder, "--json"]).await;
    assert_eq!(scanned.code, Some(1), "{scanned:?}");
    let lines: Vec<Value> =
        scanned.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (totals, findings) = lines.split_last().unwrap();
    assert!(
        !findings.is_empty() && findings.iter().all(|f| f["retrospective"] == true),
        "{totals}"
    );
    assert!(findings.iter().all(|f| f["severity"] == "info"), "nobody is woken for the past");
    assert_eq!(totals["findings"], json!(findings.len()));
    assert_eq!(totals["blocks"].as_u64().unwrap(), events.len() as u64 - finalized(&events));
    let caller = caller.to_string();
    let explained = labels(&["explain", &caller, "--folder", folder]).await;
    assert!(
        explained.out.contains("a monitor of known bad addresses tells it"),
        "{}",
        explained.out
    );
}

fn finalized(events: &[(model::Position, ChainEvent)]) -> u64 {
    events.iter().filter(|(_, event)| matches!(event, ChainEvent::Finalized { .. })).count() as u64
}
