//! What people say, as they say it: at a stopped store, beside a running program, and what follows for
//! figures, stages, attacks and thresholds.

use std::{collections::BTreeSet, fs, net::TcpListener};

use serde_json::Value;

use crate::world::{Chain, Ended, Program, Project, all_alerts, bellwether, run_to_end};

async fn run(project: &Project, arguments: &[&str]) -> Ended {
    let mut command = bellwether();
    command.args(arguments).env("BELLWETHER_FOLDER", project.path());
    run_to_end(command).await
}

/// Meridian watched through an attack, and the alerts of it.
async fn watched(chain: &mut Chain, project: &Project) -> (Program, Vec<model::Alert>) {
    chain.declare(project);
    project.write("routes.toml", "[[receiver]]\nname = \"log\"\nkind = \"stdout\"\njson = true\n\n[[route]]\nreceivers = [\"log\"]\n");
    let mut program = Program::run(project);
    chain.everydays(3);
    chain.attack("reentrant_drain");
    let head = chain.everydays(2);
    program.judged(head).await;
    let store = store::Store::open_to_read(project.store()).unwrap();
    let alerts = all_alerts(&store);
    assert!(alerts.len() >= 2, "{alerts:?}");
    (program, alerts)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_verdict_reaches_the_record_beside_a_running_program_and_without_one() {
    let mut chain = Chain::start(21).await;
    let project = Project::meridian();
    // A port of its own, so that the command finds the program.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let main = |more: &str| {
        project.write(
            "bellwether.toml",
            &format!("name = \"Test\"\nlisten = \"127.0.0.1:{port}\"\n{more}"),
        );
    };
    main("");
    project.write("write.key", "0123456789abcdef0123456789abcdef\n");
    let (program, alerts) = watched(&mut chain, &project).await;
    let id = alerts[0].id.to_string();
    let say = |verdict: &'static str| {
        let id = id.clone();
        let project = &project;
        async move {
            run(project, &["verdict", &id, verdict, "--by", "ada", "--because", "change 214"]).await
        }
    };
    let refused = say("benign-true").await;
    assert_eq!(refused.code, Some(2));
    assert!(refused.err.contains("takes verdicts only with a key"), "{}", refused.err);
    program.stop_and_open().await;

    main("write_key = { file = \"write.key\" }\n");
    let mut program = Program::run(&project);
    program.url().await;
    let kept = say("benign-true").await;
    assert_eq!(kept.code, Some(0), "{}", kept.err);
    let told = program.ask(&format!("alerts/{id}/verdicts")).await;
    assert_eq!(told["items"][0]["verdict"], "benign-true");
    let page = program.page(&format!("alerts/{id}")).await;
    assert!(page.contains("<form") && page.contains("change 214"));
    program.stop_and_open().await;

    let kept = say("true-positive").await;
    assert_eq!(kept.code, Some(0), "{}", kept.err);
    let quality = run(&project, &["quality", "--json"]).await.json();
    let of_monitor = |quality: &Value, monitor: &str| {
        let all = quality["monitors"].as_array().unwrap();
        all.iter().find(|m| m["monitor"] == monitor && m["is_current"] == true).unwrap().clone()
    };
    let own = of_monitor(&quality, alerts[0].monitor.as_str());
    assert_eq!((&own["verdicts"]["true_positive"], &own["precision"]["k"]), (&1.into(), &1.into()));
    let wrong = run(&project, &["verdict", &id, "tp", "--by", "a", "--because", "b"]).await;
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.err.contains("one of: true-positive, benign-true"), "{}", wrong.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incident_on_record_is_noticed_or_missed_and_thresholds_follow_it() {
    let mut chain = Chain::start(22).await;
    let project = Project::meridian();
    let (program, alerts) = watched(&mut chain, &project).await;
    program.stop_and_open().await;
    let at = |seconds: u64| jiff::Timestamp::from_second(seconds as i64).unwrap().to_string();
    let first = alerts.iter().map(|alert| alert.opened_at.0).min().unwrap();
    let last = alerts.iter().map(|alert| alert.last_finding_at.0).max().unwrap();
    let declare = async |name: &str, from: u64, to: u64, more: &[&str]| {
        let (from, to) = (at(from), at(to));
        let fixed = [
            "incident",
            "declare",
            name,
            "--class",
            "drain",
            "--network",
            "devnet",
            "--from",
            &from,
            "--to",
            &to,
            "--by",
            "ada",
            "--because",
            "drilled",
        ];
        let ended = run(&project, &[&fixed[..], more].concat()).await;
        assert_eq!(ended.code, Some(0), "{}", ended.err);
    };
    declare("seen", first, last, &["--loss-at", &at(last + 12)]).await;
    declare("unseen", first - 3_600, first - 3_000, &[]).await;
    declare("mistaken", first, last, &[]).await;
    let gone =
        run(&project, &["incident", "withdraw", "mistaken", "--by", "ada", "--because", "no"])
            .await;
    assert_eq!(gone.code, Some(0), "{}", gone.err);
    let quality = run(&project, &["quality", "--json"]).await.json();
    let class = &quality["recall"][0];
    assert_eq!((&class["noticed"]["k"], &class["noticed"]["n"]), (&1.into(), &2.into()));
    assert_eq!(class["missed"], serde_json::json!(["unseen"]));
    assert!(class["lead"]["median_s"].as_f64().unwrap() > 0.0, "{class}");

    let chart = project.path().join("front.svg");
    let tuned = run(
        &project,
        &[
            "tune",
            "--stored",
            "devnet",
            "--budget",
            "page=1/week,notify=5/day",
            "--json",
            "--write",
            "--chart",
            chart.to_str().unwrap(),
        ],
    )
    .await;
    assert_eq!(tuned.code, Some(0), "{}", tuned.err);
    let tuned = tuned.json();
    assert_eq!(tuned["incidents"], serde_json::json!(["seen"]), "the other is before the blocks");
    let noticed = |of: &str| tuned[of]["noticed"].as_u64().unwrap();
    assert!(noticed("in_sample") >= noticed("present"), "never worse than it is: {tuned}");
    assert_eq!(tuned["held_out"].as_array().unwrap().len(), 5);
    assert!(fs::read_to_string(chart).unwrap().contains("incidents noticed"));
    let changed = tuned["tuned"].as_array().unwrap().iter().any(|one| one["is_changed"] == true);
    let written = project.path().join("monitors/tuned.toml");
    assert_eq!(written.exists(), changed);
    if changed {
        let checked = run(&project, &["check", project.path().to_str().unwrap()]).await;
        assert_eq!(
            checked.code,
            Some(0),
            "what is written is accepted: {}{}",
            checked.out,
            checked.err
        );
        assert!(fs::read_to_string(&written).unwrap().contains("stage = \"shadow\""));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alerts_of_one_attacker_are_one_attack_and_stay_alerts() {
    let mut chain = Chain::start(23).await;
    let project = Project::meridian();
    let (program, alerts) = watched(&mut chain, &project).await;
    program.stop_and_open().await;
    let told = run(&project, &["attacks", "--everything", "--json"]).await.json();
    let attacks = told["items"].as_array().unwrap();
    let mut parts = BTreeSet::new();
    for attack in attacks {
        let own = attack["contributions"].as_array().unwrap();
        let sum: f64 = own.iter().map(|part| part["adds"].as_f64().unwrap()).sum();
        let prior = told["prior"].as_f64().unwrap();
        let expected = (prior / (1.0 - prior)).ln() + sum;
        assert!(
            (attack["log_odds"].as_f64().unwrap() - expected).abs() < 1e-9,
            "the table adds up"
        );
        for part in own {
            assert!(
                parts.insert(part["alert"].as_str().unwrap().to_owned()),
                "one alert, one attack"
            );
        }
    }
    let evidence: BTreeSet<String> = alerts
        .iter()
        .filter(|alert| !alert.rule().starts_with("chain/"))
        .map(|alert| alert.id.to_string())
        .collect();
    assert_eq!(parts, evidence);
    assert!(attacks.len() < evidence.len(), "some belong together: {attacks:?}");
}

#[tokio::test]
async fn a_stage_is_set_by_a_person_in_one_line_of_the_file() {
    let project = Project::meridian_contracts();
    project.network(
        "devnet",
        crate::world::DEVNET,
        &[crate::world::Url { http: "http://127.0.0.1:1", ws: None }],
    );
    let file = "[[monitor]]\nname = \"roles\" # ours\nstage = \"shadow\"\ndetector = \"access/role_change\"\nseverity = \"high\"\n";
    project.write("monitors/ours.toml", file);
    drop(store::Store::open(project.store()).unwrap());
    let promote = async |stage: &str, more: &[&str]| {
        let fixed = [
            "quality",
            "promote",
            "roles",
            stage,
            "--by",
            "ada",
            "--because",
            "drilled",
            "--folder",
            project.path().to_str().unwrap(),
        ];
        run(&project, &[&fixed[..], more].concat()).await
    };
    let read = || fs::read_to_string(project.path().join("monitors/ours.toml")).unwrap();
    let refused = promote("notify", &["--write"]).await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.err.contains("the figures do not speak for notify yet"), "{}", refused.err);
    assert_eq!(read(), file);
    let shown = promote("notify", &["--against-the-figures"]).await;
    assert_eq!(shown.code, Some(0), "{}", shown.err);
    assert!(shown.out.contains("- stage = \"shadow\"\n+ stage = \"notify\""), "{}", shown.out);
    assert_eq!(read(), file, "nothing is written unless asked");
    promote("notify", &["--against-the-figures", "--write"]).await;
    let written = read();
    assert!(written.contains("ada: drilled (against the figures)"), "{written}");
    let (before, after): (Vec<&str>, Vec<&str>) =
        (file.lines().collect(), written.lines().collect());
    let changed = before.iter().zip(&after).filter(|(a, b)| a != b).count();
    assert_eq!((changed, before.len()), (1, after.len()));
    let down = promote("shadow", &["--write"]).await;
    assert_eq!(down.code, Some(0), "down needs no figures: {}", down.err);
}
