//! What must hold: mined from everyday life, declared, and worked out of a table.

use std::fs;

use serde_json::{Value, json};

use crate::world::{Chain, Ended, Program, Project, all_findings, bellwether, run_to_end};

async fn bellwether_says(arguments: &[&str]) -> Ended {
    let mut command = bellwether();
    command.args(arguments);
    run_to_end(command).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_mined_from_everyday_life_is_a_file_of_monitors_that_check_accepts() {
    let mut chain = Chain::start(11).await;
    let project = Project::meridian();
    chain.declare(&project);
    let head = chain.everydays(400).number.to_string();
    let folder = project.path().to_str().unwrap();
    let out = project.path().join("monitors/mined.toml");
    let range = ["--network", "devnet", "--from", "1", "--to", &head];
    let mine = [&["invariants", "mine", folder][..], &range].concat();
    let written = bellwether_says(&[&mine[..], &["--out", out.to_str().unwrap()]].concat()).await;
    assert_eq!(written.code, Some(0), "{}", written.err);
    assert!(written.out.contains(" monitors out of "), "{}", written.out);
    let text = fs::read_to_string(&out).unwrap();
    assert!(
        text.contains("severity = \"info\"") && text.contains("held out it would have told 0"),
        "{text}"
    );

    let checked = bellwether_says(&["check", folder]).await;
    assert_eq!(checked.code, Some(0), "{}", checked.out);
    let again = bellwether_says(&[&mine[..], &["--out", out.to_str().unwrap()]].concat()).await;
    assert_eq!(again.code, Some(2), "a file is never overwritten");

    // The attack breaks what was mined; everyday life does not.
    let quiet = replayed(folder, &range).await;
    assert_eq!(mined(&quiet), 0, "{}", quiet.out);
    chain.attack("role_stolen");
    let head = chain.everydays(1).number.to_string();
    let found = replayed(folder, &["--network", "devnet", "--from", "1", "--to", &head]).await;
    assert!(mined(&found) > 0, "{}", found.out);
}

async fn replayed(folder: &str, range: &[&str]) -> Ended {
    let ended = bellwether_says(&[&["replay", "--json", "--folder", folder], range].concat()).await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    ended
}

fn mined(replayed: &Ended) -> usize {
    let lines = replayed.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines
        .filter(|line| line["monitor"].as_str().is_some_and(|name| name.starts_with("mined-")))
        .count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_declared_invariant_is_judged_from_what_the_node_answers() {
    let mut chain = Chain::start(12).await;
    let project = Project::meridian();
    chain.declare(&project);
    project.write(
        "monitors/invariants.toml",
        "[[monitor]]\nname = \"bridge-backing\"\ndetector = \"invariant/broken\"\non = [\"bridge\"]\n\
         severity = \"critical\"\nparams = { holds = \"token.balanceOf(bridge) >= bridge.locked()\" }\n\n\
         [[monitor]]\nname = \"supply-told\"\ndetector = \"invariant/broken\"\non = [\"token\"]\n\
         severity = \"critical\"\nparams = { templates = \"supply_is_sum_of_transfers\" }\n\n\
         [[monitor]]\nname = \"little-issued\"\ndetector = \"invariant/broken\"\non = [\"token\"]\n\
         severity = \"critical\"\nparams = { holds = \"this.totalSupply() <= before(this.totalSupply()) * 1.01\" }\n",
    );
    let mut program = Program::run(&project);
    // The treasury gets its millions in the first blocks.
    let founded = chain.everydays(5).number;
    chain.attack("role_stolen");
    let head = chain.everydays(3);
    program.judged(head).await;
    let store = program.stop_and_open().await;
    let by = |name: &str| {
        let all = all_findings(&store).into_iter().map(|row| row.finding);
        let later = all.filter(|finding| finding.origin.block.number > founded);
        later.filter(|finding| finding.monitor.as_str() == name).count()
    };
    assert_eq!((by("bridge-backing"), by("supply-told")), (0, 0));
    assert_eq!(by("little-issued"), 1, "two million were issued at once");
}

#[tokio::test]
async fn the_figures_of_a_table_are_those_worked_out_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("validators.csv");
    fs::write(
        &file,
        "operator,client,weight\nlido,geth,30\nlido,reth,10\nkiln,geth,20\nsolo,nethermind,40\n",
    )
    .unwrap();
    let path = file.to_str().unwrap();
    let ended = bellwether_says(&["dispersion", path, "--json"]).await;
    assert_eq!(ended.code, Some(1), "geth has a half: {}", ended.err);
    let found = ended.json();
    let operator = &found["dimensions"]["operator"];
    // 0.4² + 0.2² + 0.4² = 0.36; one holds a third, two a half and two thirds.
    assert!((operator["hhi"].as_f64().unwrap() - 0.36).abs() < 1e-12);
    assert_eq!(operator["nakamoto"], json!({"1/3": 1, "1/2": 2, "2/3": 2}));
    assert_eq!(found["dimensions"]["client"]["nakamoto"]["1/2"], json!(1));
    let cells = found["joint"][0]["cells"].as_array().unwrap();
    assert!(cells.contains(&json!({"one": "lido", "other": "geth", "share": 0.3})), "{cells:?}");

    fs::write(&file, "operator,weight\na,1\nb,two\n").unwrap();
    let ended = bellwether_says(&["dispersion", path]).await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains("line 3: weight \"two\" is no whole number"), "{}", ended.err);
}
