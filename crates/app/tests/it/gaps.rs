//! The time before a deployment was watched: found, judged afterwards, cleared by a person.

use evm::devnet::{Fault, FaultRule};
use expect_test::expect;
use model::BlockRef;
use serde_json::{Value, json};

use crate::world::{
    Chain, DEVNET, Ended, Program, Project, Url, bellwether, run_to_end, workspace,
};

const MONITORS: &str = r#"[[monitor]]
name = "issuers"
detector = "access/role_change"
on = ["musd"]
severity = "high"

[[monitor]]
name = "issues"
on = ["musd"]
event = "Issued"
severity = "info"

[[monitor]]
name = "swaps"
on = ["market"]
event = "Swap"
severity = "info"
"#;

/// A chain on which somebody became an issuer before anybody watched, and the folder of those who
/// came later.
struct Late {
    chain: Chain,
    project: Project,
    /// Block of the token's creation.
    born: u64,
    /// Block in which somebody became an issuer.
    granted: BlockRef,
    /// First block that is watched.
    watched: u64,
}

impl Late {
    async fn start(seed: u64) -> Self {
        let mut chain = Chain::start(seed).await;
        chain.grant(0);
        let granted = chain.everyday();
        let watched = chain.everydays(2).number + 1;
        let born = 1;
        let project = Project::new();
        let late = Self { chain, project, born, granted, watched };
        let (http, ws) = (late.chain.node.url(), late.chain.node.ws_url());
        let settings = DEVNET.replace("block 1", &format!("block {watched}"));
        late.project.network("devnet", &settings, &[Url { http: &http, ws: Some(&ws) }]);
        let meridian = &late.chain.meridian;
        late.declare("musd", meridian.token, "token", "MeridianToken");
        late.declare("market", meridian.pair, "pool", "Pair");
        late.project.write("monitors/all.toml", MONITORS);
        late
    }

    fn declare(&self, label: &str, address: model::Address, class: &str, artefact: &str) {
        let abi = workspace().join("contracts/artifacts").join(format!("{artefact}.json"));
        let (born, abi) = (self.born, abi.display());
        self.project.write(
            format!("deployments/{label}.toml"),
            &format!(
                "label = \"{label}\"\nnetwork = \"devnet\"\naddress = \"{address}\"\nclass = \"{class}\"\nabi = \"{abi}\"\nfirst_block = {born}\n"
            ),
        );
    }

    /// Watches two blocks more.
    async fn watch(&mut self) {
        let mut program = Program::run(&self.project);
        let head = self.chain.everydays(2);
        program.judged(head).await;
        assert!(program.stop().await.success());
    }

    async fn audit(&self, arguments: &[&str]) -> Ended {
        let mut command = bellwether();
        command.args(["registry", "gap-audit"]).args(arguments);
        command.arg("--folder").arg(self.project.path());
        run_to_end(command).await
    }

    async fn audit_in_json(&self, arguments: &[&str]) -> (Option<i32>, Value) {
        let ended = self.audit(&[arguments, &["--json"]].concat()).await;
        (ended.code, ended.json())
    }

    fn file(&self) -> std::path::PathBuf {
        self.project.path().join("gaps/musd.toml")
    }
}

fn states(list: &Value) -> Vec<(&str, &str)> {
    let all = list.as_array().unwrap().iter();
    all.map(|one| (one["label"].as_str().unwrap(), one["gap"].as_str().unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gap_is_judged_afterwards_and_stays_open_until_a_person_clears_all_of_it() {
    let mut late = Late::start(91).await;
    // Nothing was judged yet: the gap grows.
    let (code, list) = late.audit_in_json(&[]).await;
    assert_eq!(
        (code, states(&list)),
        (Some(1), vec![("market", "gap-open"), ("musd", "gap-open")])
    );
    let ended = late.audit(&["musd"]).await;
    assert_eq!(ended.code, Some(2));
    expect!["error: nothing was judged in the name of musd yet; say with --to where to end\n"]
        .assert_eq(&ended.err);
    late.watch().await;

    let last = late.watched - 1;
    let (code, list) = late.audit_in_json(&[]).await;
    assert_eq!(code, Some(1));
    assert_eq!(list[1]["from"], late.born);
    assert_eq!(list[1]["to"], last);

    // What happened then is found, and only what concerns it.
    let (code, audit) = late.audit_in_json(&["musd"]).await;
    assert_eq!(code, Some(1));
    assert_eq!(audit["judged"], last - late.born + 1);
    assert_eq!(audit["refused"], json!([]));
    let findings = audit["findings"].as_array().unwrap();
    let of_grant = |finding: &&Value| {
        finding["monitor"] == "issuers" && finding["block"] == late.granted.number
    };
    let grant = findings.iter().find(of_grant).expect("somebody became an issuer");
    assert_eq!(grant["severity"], "high");
    assert!(!findings.iter().any(|finding| finding["monitor"] == "swaps"), "that is another's");
    assert_eq!(audit["unchecked"].as_array().unwrap().len(), 10);
    assert!(!late.file().exists(), "nobody cleared it");

    // Half a checklist clears nothing.
    let by = ["--cleared-by", "Ana Lima", "--note", "all calls are ours"];
    let half = [&["musd", "--checked", "owner,code"][..], &by].concat();
    let (code, audit) = late.audit_in_json(&half).await;
    assert_eq!((code, &audit["gap"]), (Some(1), &json!("gap-open")));
    assert_eq!(audit["unchecked"].as_array().unwrap().len(), 8);
    assert!(!late.file().exists());

    let whole = [&["musd", "--checked", "all"][..], &by].concat();
    let (code, audit) = late.audit_in_json(&whole).await;
    assert_eq!((code, &audit["gap"]), (Some(0), &json!("gap-cleared")));
    assert_eq!(audit["file"], "gaps/musd.toml");
    let (code, list) = late.audit_in_json(&[]).await;
    assert_eq!(code, Some(1), "the other's gap is open");
    assert_eq!(states(&list), [("market", "gap-open"), ("musd", "gap-cleared")]);
    assert_eq!(list[1]["cleared_by"], "Ana Lima");
    let again = late.audit(&["musd"]).await;
    assert_eq!(again.code, Some(0), "{again:?}");
    assert!(again.out.contains("were cleared by Ana Lima on "), "{}", again.out);

    // The file is one like any other: reviewed, and worth what it says.
    let text = std::fs::read_to_string(late.file()).unwrap();
    late.project.write(
        "gaps/musd.toml",
        &text.replace(&format!("to = {last}"), &format!("to = {}", last - 1)),
    );
    let (_, list) = late.audit_in_json(&[]).await;
    assert_eq!(states(&list)[1], ("musd", "gap-open"), "it was cleared for fewer blocks");
    late.project.write("gaps/musd.toml", &text.replace("\"owner\", ", ""));
    let ended = late.audit(&[]).await;
    assert_eq!(ended.code, Some(2), "a folder with mistakes tells nothing about gaps");
    assert!(ended.err.contains("left are owner"), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_cleared_is_refused_and_what_is_not_understood_is_told() {
    let mut late = Late::start(92).await;
    late.watch().await;
    let refused = async |arguments: &[&str]| {
        let ended = late.audit(arguments).await;
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(!late.file().exists());
        ended.err
    };
    expect![[r#"
        error: no deployment is labelled "mussd"; did you mean musd?
    "#]]
    .assert_eq(&refused(&["mussd"]).await);
    let by = ["--cleared-by", "Ana", "--note", "seen"];
    let error = refused(&[&["musd", "--checked", "onwer"][..], &by].concat()).await;
    expect![[r#"
        error: --checked: unknown point "onwer" (one of: all, initialised, owner, code, upgrades, approvals, modules, parameters, money, pending, callers)
    "#]]
    .assert_eq(&error);
    let last = late.watched - 1;
    let error = refused(&[&["musd", "--from", "3", "--checked", "all"][..], &by].concat()).await;
    assert_eq!(
        error,
        format!(
            "error: the gap of musd is blocks 1 to {last}; clearing 3 to {last} would leave the rest open\n"
        )
    );

    // A contract whose first block nobody knows has a gap of unknown length.
    let file = late.project.path().join("deployments/musd.toml");
    let text = std::fs::read_to_string(&file).unwrap().replace("first_block = 1\n", "");
    std::fs::write(&file, text).unwrap();
    let (_, list) = late.audit_in_json(&[]).await;
    assert_eq!(states(&list)[1], ("musd", "gap-unknown"));
    expect![[r#"
        error: the first block of musd is not known; write first_block in its file, or give --from
    "#]]
    .assert_eq(&refused(&["musd"]).await);
    let from = ["musd", "--from", "1", "--to", "2"];
    let (code, audit) = late.audit_in_json(&from).await;
    assert_eq!((code, &audit["judged"]), (Some(1), &json!(2)), "it can be looked at");
    let error = refused(&[&from[..], &["--checked", "all"], &by].concat()).await;
    assert!(error.contains("cannot be cleared while its first block is not known"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gap_with_a_block_that_cannot_be_judged_is_not_cleared() {
    let mut late = Late::start(93).await;
    late.watch().await;
    late.chain.node.faults().add(FaultRule::always("eth_getBlockReceipts", Fault::Empty));
    let arguments =
        ["musd", "--checked", "all", "--cleared-by", "Ana", "--note", "seen", "--from", "1"];
    let (code, audit) = late.audit_in_json(&arguments).await;
    assert_eq!((code, &audit["gap"]), (Some(1), &json!("gap-open")), "{audit:#}");
    assert_eq!(audit["unchecked"], json!([]));
    assert!(!audit["refused"].as_array().unwrap().is_empty(), "{audit:#}");
    assert!(!late.file().exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_monitor_is_on_is_watched_from_the_block_on_in_which_one_is() {
    let mut late = Late::start(94).await;
    let without = MONITORS.split("[[monitor]]\nname = \"swaps\"").next().unwrap();
    late.project.write("monitors/all.toml", without);
    late.watch().await;
    let (_, list) = late.audit_in_json(&[]).await;
    assert_eq!(list[0]["label"], "market");
    assert_eq!((&list[0]["gap"], &list[0]["to"]), (&json!("gap-open"), &Value::Null));
    assert_eq!(list[1]["to"], late.watched - 1);

    let last = late.chain.devnet.head().number;
    late.project.write("monitors/all.toml", MONITORS);
    late.watch().await;
    let (_, list) = late.audit_in_json(&[]).await;
    assert_eq!(list[0]["to"], last, "the market is watched from the next block on");
    assert_eq!(list[1]["to"], late.watched - 1, "the token's gap is what it was");
}

/// A folder that guards a token of mainnet since the block before the recorded ones.
fn usdc() -> Project {
    let project = Project::new();
    project.network("mainnet", "chain_id = 1\n", &[Url { http: "http://127.0.0.1:1", ws: None }]);
    let abi = workspace().join("contracts/artifacts/MeridianToken.json");
    project.write(
        "deployments/usdc.toml",
        &format!(
            "label = \"usdc\"\nnetwork = \"mainnet\"\naddress = \"0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48\"\nclass = \"token\"\nabi = \"{}\"\nfirst_block = 18_090_205\n",
            abi.display()
        ),
    );
    project.write(
        "monitors/transfers.toml",
        "[[monitor]]\nname = \"transfers\"\non = [\"usdc\"]\nevent = \"Transfer\"\nseverity = \"info\"\n",
    );
    project
}

#[tokio::test]
async fn recorded_blocks_are_judged_without_a_node_and_missing_parts_are_no_silence() {
    let Some(corpus) = std::env::var_os("BELLWETHER_CORPUS") else {
        println!("skipped: BELLWETHER_CORPUS names no folder of recorded blocks");
        return;
    };
    let recorded = std::path::Path::new(&corpus).join("l1_consecutive");
    let project = usdc();
    let audit = async |from: u64, to: u64| {
        let mut command = bellwether();
        command.args(["registry", "gap-audit", "usdc", "--json", "--recorded"]).arg(&recorded);
        command.args(["--from", &from.to_string(), "--to", &to.to_string()]);
        command.arg("--folder").arg(project.path());
        run_to_end(command).await.json()
    };
    let one = audit(18_090_206, 18_090_206).await;
    assert_eq!((&one["judged"], &one["refused"]), (&json!(1), &json!([])));
    let findings = one["findings"].as_array().unwrap();
    assert!(!findings.is_empty(), "USDC was transferred in that block");
    assert!(findings.iter().all(|finding| finding["monitor"] == "transfers"), "{findings:#?}");

    // The others were recorded without receipts: what was not proven was not judged.
    let all = audit(18_090_205, 18_090_211).await;
    assert_eq!(all["findings"], one["findings"]);
    assert_eq!(all["judged"], 1);
    assert_eq!(all["refused"].as_array().unwrap().len(), 6, "{all:#}");
    assert_eq!(all["gap"], "gap-open");
}
