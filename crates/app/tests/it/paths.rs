//! Paths through contracts: learned before launch, judged to be fine, judged otherwise again.

use std::fs;

use serde_json::Value;

use crate::world::{Chain, Ended, Program, Project, bellwether, run_to_end, until};

const MONITORS: &str = r#"[[monitor]]
name = "paths"
detector = "flow/unusual_code_path"
severity = "critical"
params = { transactions_min = 30, unseen_share_max = "20%" }
"#;

async fn path(project: &Project, arguments: &[&str]) -> Ended {
    let mut command = bellwether();
    command.arg("path").args(arguments).arg("--folder").arg(project.path());
    run_to_end(command).await
}

/// What the monitor finds in these blocks, with nothing learned but what the folder says.
async fn found(project: &Project, from: u64, to: u64) -> Vec<Value> {
    let mut command = bellwether();
    command.args(["replay", "--json", "--network", "devnet", "--folder"]).arg(project.path());
    command.args(["--from", &from.to_string(), "--to", &to.to_string()]);
    let ended = run_to_end(command).await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let lines = ended.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["monitor"].is_string()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everyday_life_wakes_nobody_and_an_attack_on_borrowed_money_does() {
    let mut chain = Chain::start(11).await;
    let project = Project::meridian_contracts();
    chain.declare(&project);
    let monitor = |name: &str| {
        format!(
            "[[monitor]]\nname = \"{name}\"\ndetector = \"flow/{name}\"\nseverity = \"critical\"\n\n"
        )
    };
    let monitors = ["attack_shape", "flash_loan"].map(monitor).concat();
    project.write("monitors/shapes.toml", &monitors);
    let everyday = chain.everydays(150).number;
    let is_page = |finding: &Value| finding["severity"] == "critical";
    let pages: Vec<Value> =
        found(&project, 1, everyday).await.into_iter().filter(is_page).collect();
    assert!(pages.is_empty(), "{pages:#?}");
    let attack = chain.attack("flash_loan_price_manipulation");
    let head = chain.devnet.head().number;
    let pages: Vec<Value> =
        found(&project, everyday + 1, head).await.into_iter().filter(is_page).collect();
    assert!(pages.iter().any(|page| page["detector"] == "flow/flash_loan"), "{pages:#?}");
    let is_attack = |page: &Value| attack.iter().any(|tx| page["tx"] == tx.to_string());
    assert!(pages.iter().all(is_attack), "{pages:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_tests_taught_is_usual_and_what_somebody_judged_fine_is_quiet() {
    let mut chain = Chain::start(7).await;
    let project = Project::meridian_contracts();
    chain.declare(&project);
    project.write("monitors/paths.toml", MONITORS);
    // The life of a test chain, before anything is launched.
    let taught = chain.everydays(120).number;
    let url = chain.node.url();
    let (to, next) = (taught.to_string(), taught + 1);
    let blocks = ["--from-block", "1", "--to-block", to.as_str()];
    let arguments = [["seed", "--monitor", "paths", "--rpc", &url].as_slice(), &blocks].concat();
    let ended = path(&project, &arguments).await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.out.contains("paths/seed-paths.toml has them"), "{}", ended.out);
    let listed = path(&project, &["list", "--json"]).await.json();
    assert_eq!(listed["seeds"][0]["monitor"], "paths");
    assert!(listed["seeds"][0]["transactions"].as_u64().unwrap() > 30, "{listed}");

    // After launch: everyday life is usual from its first block, an attack is not.
    let usual = chain.everydays(20).number;
    chain.attack("reentrant_drain");
    let attacked = chain.devnet.head().number;
    let strange = found(&project, next, attacked).await;
    assert!(!strange.is_empty(), "the attack goes a way that no test went");
    let of_usual = found(&project, next, usual).await;
    assert!(of_usual.len() < strange.len(), "{of_usual:#?}");

    let fact = |finding: &Value, name: &str| finding["facts"][name].as_str().unwrap().to_owned();
    let general = fact(strange.last().unwrap(), "path in general");
    let why = ["--why", "a drill that we know", "--by", "Ana"];
    let fine = path(&project, &[["fine", general.as_str()].as_slice(), &why].concat()).await;
    assert_eq!(fine.code, Some(0), "{}", fine.err);
    let file = fs::read_to_string(project.path().join("paths/fine.toml")).unwrap();
    assert!(file.contains("why = \"a drill that we know\""), "{file}");
    let of_it =
        |all: Vec<Value>| all.iter().filter(|one| fact(one, "path in general") == general).count();
    assert_eq!(of_it(found(&project, next, attacked).await), 0);
    let listed = path(&project, &["list", "--json"]).await.json();
    assert_eq!(listed["fine"][0]["path"], general.as_str());
    assert_eq!(listed["fine"][0]["judged_by"], "Ana");

    let withdrawn = path(&project, &["withdraw", &general]).await;
    assert_eq!(withdrawn.code, Some(0), "{}", withdrawn.err);
    assert!(of_it(found(&project, next, attacked).await) > 0, "it is told again");
    let again = path(&project, &["withdraw", &general]).await;
    assert_eq!(again.code, Some(2));
    assert!(again.err.contains("nobody judged"), "{}", again.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_of_an_alert_takes_a_judgement_and_the_program_keeps_to_it() {
    let mut chain = Chain::start(11).await;
    let project = Project::meridian_contracts();
    chain.declare(&project);
    project.write(
        "bellwether.toml",
        "name = \"Test\"\nlisten = \"127.0.0.1:0\"\nwrite_key = { file = \"write.key\" }\n",
    );
    let key = "0123456789abcdef0123456789abcdef";
    project.write("write.key", key);
    project.write(
        "monitors/shapes.toml",
        "[[monitor]]\nname = \"loans\"\ndetector = \"flow/flash_loan\"\nseverity = \"critical\"\n",
    );
    let mut program = Program::run(&project);
    chain.attack("flash_loan_price_manipulation");
    let head = chain.everydays(2);
    program.judged(head).await;
    let list = program.ask("alerts").await;
    let alert = &list["items"][0];
    assert_eq!(alert["monitor"], "loans", "{list}");
    let address = format!("alerts/{}", alert["id"].as_str().unwrap());
    let page = program.page(&address).await;
    let general = page.split("value=\"general:").nth(1).expect("a path to judge");
    let general = general.split('"').next().unwrap().to_owned();

    let url = format!("{}/{address}/path", program.url().await);
    let say = async |path: &str, because: &str, until: &str, key: &str| {
        let filled = format!("path={path}&by=ada&because={because}&until={until}&key={key}");
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        let form = "application/x-www-form-urlencoded";
        let request = client.build().unwrap().post(&url).header("content-type", form);
        let request = request.body(filled.replace(' ', "+").replace(':', "%3A"));
        request.send().await.unwrap().status().as_u16()
    };
    let path = format!("general:{general}");
    assert_eq!(say(&path, "market making", "", "guessed").await, 403);
    assert_eq!(
        say("general:d0bb68bb955c000e", "market making", "", key).await,
        400,
        "not its path"
    );
    assert_eq!(say(&path, " ", "", key).await, 400, "a reason is asked for");
    assert_eq!(say(&path, "market making", "2020-01-01", key).await, 400, "in the past");
    let file = project.path().join("paths/fine.toml");
    assert!(!file.exists(), "nothing that was refused is written");
    assert_eq!(say(&path, "market making of ours", "", key).await, 303);
    let written = fs::read_to_string(&file).unwrap();
    assert!(written.contains(&general) && written.contains("monitors = [\"loans\"]"), "{written}");

    until("the folder is read again", || program.log().contains("configuration read again")).await;
    let page = program.page(&address).await;
    assert!(page.contains("judged to be fine") && page.contains("market making of ours"), "{page}");
    chain.attack("flash_loan_price_manipulation");
    let head = chain.everydays(2);
    program.judged(head).await;
    let list = program.ask("alerts").await;
    assert_eq!(list["items"].as_array().unwrap().len(), 1, "the same again is quiet: {list}");
}

#[tokio::test]
async fn a_judgement_says_who_and_why_and_names_what_exists() {
    let project = Project::meridian_contracts();
    project.write(
        "networks/devnet.toml",
        "chain_id = 31337\n\n[[endpoint]]\nname = \"node\"\nurl = \"http://127.0.0.1:1\"\n",
    );
    project.write("monitors/paths.toml", MONITORS);
    let fingerprint = "d0bb68bb955c000e";
    for (arguments, says) in [
        (vec!["fine", "d0bb", "--why", "x", "--by", "Ana"], "16 hexadecimal digits"),
        (vec!["fine", fingerprint, "--why", " ", "--by", "Ana"], "must say something"),
        (
            vec!["fine", fingerprint, "--why", "x", "--by", "Ana", "--monitor", "path"],
            "unknown monitor \"path\" (one of: paths)",
        ),
        (
            vec!["fine", fingerprint, "--why", "x", "--by", "Ana", "--until", "2020-01-01"],
            "lies in the past",
        ),
    ] {
        let ended = path(&project, &arguments).await;
        assert_eq!(ended.code, Some(2), "{}", ended.out);
        assert!(ended.err.contains(says), "{says}: {}", ended.err);
    }
    let exact = ["fine", fingerprint, "--exact", "--why", "first", "--by", "Ana"];
    assert_eq!(path(&project, &exact).await.code, Some(0));
    let anew = ["fine", fingerprint, "--exact", "--why", "second", "--by", "Bo"];
    assert_eq!(path(&project, &anew).await.code, Some(0));
    let listed = path(&project, &["list"]).await;
    assert!(listed.out.contains("second") && !listed.out.contains("first"), "{}", listed.out);
    assert!(listed.out.contains("1 path judged to be fine"), "{}", listed.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_judgement_under_another_salt_holds_for_nothing_and_is_said_to() {
    let project = Project::meridian_contracts();
    project.write(
        "networks/devnet.toml",
        "chain_id = 31337\n\n[[endpoint]]\nname = \"node\"\nurl = \"http://127.0.0.1:1\"\n",
    );
    project.write("monitors/paths.toml", MONITORS);
    let main = fs::read_to_string(project.path().join("bellwether.toml")).unwrap();
    project.write("bellwether.toml", &format!("path_salt = {{ file = \"salt\" }}\n{main}"));
    let check = async || {
        let mut command = bellwether();
        command.args(["check", "--secrets"]).arg(project.path());
        run_to_end(command).await
    };
    let fine = ["fine", "d0bb68bb955c000e", "--exact", "--why", "known", "--by", "Ana"];
    let unreadable = path(&project, &fine).await;
    assert_eq!(unreadable.code, Some(2));
    assert!(unreadable.err.contains("path_salt that cannot be read here"), "{}", unreadable.err);

    project.write("salt", "0123456789abcdef0123456789abcdef\n");
    assert_eq!(path(&project, &fine).await.code, Some(0));
    let file = fs::read_to_string(project.path().join("paths/fine.toml")).unwrap();
    assert!(file.contains("salt = \"") && !file.contains("0123456789abcdef0"), "{file}");
    let checked = check().await;
    assert!(!(checked.out + &checked.err).contains("another path_salt"));
    let listed = path(&project, &["list", "--json"]).await.json();
    assert_eq!(listed["fine"][0]["why"], "known");

    project.write("salt", "another0123456789abcdef0123456789\n");
    let checked = check().await;
    let said = checked.out + &checked.err;
    let says = "paths/fine.toml: 1 fingerprints were made under another path_salt";
    assert!(said.contains(says), "{said}");
    let listed = path(&project, &["list", "--json"]).await.json();
    assert_eq!(listed["fine"].as_array().map(Vec::len), Some(0));
    // Judged anew, it stands beside the old one, which can be taken back too.
    assert_eq!(path(&project, &fine).await.code, Some(0));
    let withdrawn = path(&project, &["withdraw", "d0bb68bb955c000e"]).await;
    assert_eq!(withdrawn.code, Some(0), "{}", withdrawn.err);
    let file = fs::read_to_string(project.path().join("paths/fine.toml")).unwrap();
    assert!(!file.contains("[[fine]]"), "{file}");
}
