//! `bellwether lint layout`, as a person types it: forms of files, exit codes, JSON and SARIF.

use std::{fs, path::Path};

use expect_test::expect;
use serde_json::Value;

use crate::world::{Ended, bellwether, run_to_end};

/// Compiled upgrades; the registry's tests judge all of them.
fn fixture(name: &str) -> String {
    let folder = "../registry/src/layout/tests/fixtures";
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join(name).display().to_string()
}

async fn layout(arguments: &[&str]) -> Ended {
    let mut command = bellwether();
    command.args(["lint", "layout"]).args(arguments);
    run_to_end(command).await
}

async fn storage(old: &str, new: &str, options: &[&str]) -> Ended {
    let file = fixture("Storage.json");
    let (old, new) = (format!("{file}:{old}"), format!("{file}:{new}"));
    layout(&[&[old.as_str(), new.as_str()], options].concat()).await
}

#[tokio::test]
async fn a_layout_that_fits_ends_with_0_and_one_that_does_not_with_1() {
    let fits = storage("Before", "Fits", &[]).await;
    assert_eq!((fits.code, fits.err.as_str()), (Some(0), ""));
    assert!(fits.out.contains("storage layouts are compatible"), "{}", fits.out);

    let inserts = storage("Before", "Inserts", &[]).await;
    assert_eq!((inserts.code, inserts.err.as_str()), (Some(1), ""));
    let said = inserts.out.replace(&fixture("Storage.json"), "Storage.json");
    expect![[r#"
        error[layout-inserted]: `version` is inserted
          --> Storage.json Inserts.version slot 0: declared at Storage.sol
           = note: before | after
           = note: -      | slot 0  uint256 version
           = help: declare new variables after all existing ones, or take their slots from a gap

        error[layout-moved]: `owner` moves, and 7 more with it
          --> Storage.json Inserts.owner slot 1: declared at Storage.sol
           = note: before                                       | after
           = note: slot 0  address owner                        | slot 1  address owner
           = note: slot 0 byte 20  bool paused                  | slot 1 byte 20  bool paused
           = note: slot 1  mapping(address => uint256) balances | slot 2  mapping(address => uint256) balances
           = note: slot 2  uint256 total                        | slot 3  uint256 total
           = note: slot 3  enum Before.Kind last                | slot 4  enum Inserts.Kind last
           = note: slot 4  struct Before.Order pending          | slot 5  struct Inserts.Order pending
           = note: slot 5  uint256[50] __gap                    | slot 6  uint256[50] __gap
           = note: slot 55  string name                         | slot 56  string name
           = help: look for what was inserted, deleted or resized before it; undoing that moves it back

        2 errors; 1 upgrade judged
        storage layouts are not compatible: 10 old fields, changes: 0 harmless, 0 careful, 9 breaking
    "#]].assert_eq(&said);

    let shown = storage("Before", "Inserts", &["--fail-on", "never"]).await;
    assert_eq!((shown.code, shown.out), (Some(0), inserts.out));
}

#[tokio::test]
async fn programs_read_the_same_as_json_and_sarif() {
    let json = storage("Before", "Breaks", &["--json"]).await;
    assert_eq!(json.code, Some(1));
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json["layout"]["basis"], "layouts");
    assert_eq!(json["layout"]["compatible"], false);

    let sarif = storage("Before", "Breaks", &["--sarif"]).await;
    assert_eq!(sarif.code, Some(1));
    let sarif: Value = serde_json::from_str(&sarif.out).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert!(results.iter().any(|result| result["ruleId"] == "layout-namespace"), "{results:#?}");
}

#[tokio::test]
async fn a_rename_can_be_accepted_and_a_finding_waived() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, label: &str| {
        let path = folder.path().join(name);
        let text = format!(
            r#"{{"storage": [{{"contract": "V", "label": "{label}", "type": "t_uint256", "slot": "0", "offset": 0}}],
                "types": {{"t_uint256": {{"label": "uint256", "numberOfBytes": "32"}}}}}}"#
        );
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (old, new) = (write("old.json", "fee"), write("new.json", "fee_wei"));
    assert_eq!(layout(&[&old, &new]).await.code, Some(1));
    assert_eq!(layout(&[&old, &new, "--allow-renames"]).await.code, Some(0));
    let waivers = folder.path().join("lints.toml");
    let waiver = "[[waiver]]\nrule = \"layout-renamed\"\nsubject = \"V.fee_wei\"\nreason = \"the same fee\"\nuntil = \"2199-12-31\"\n";
    fs::write(&waivers, waiver).unwrap();
    let waived = layout(&[&old, &new, "--waivers", &waivers.display().to_string()]).await;
    assert_eq!(waived.code, Some(0), "{waived:?}");
    assert!(waived.out.contains("1 waived"), "{}", waived.out);
}

#[tokio::test]
async fn without_layouts_the_code_is_compared_and_the_result_is_called_probable() {
    let folder = tempfile::tempdir().unwrap();
    let output: Value =
        serde_json::from_str(&fs::read_to_string(fixture("Storage.json")).unwrap()).unwrap();
    let code = |name: &str| {
        let code = &output["contracts"]["Storage.sol"][name]["evm"]["deployedBytecode"]["object"];
        let path = folder.path().join(format!("{name}.hex"));
        fs::write(&path, format!("0x{}\n", code.as_str().unwrap())).unwrap();
        path.display().to_string()
    };
    let (before, fits, inserts) = (code("Before"), code("Fits"), code("Inserts"));
    let good = layout(&[&before, &fits]).await;
    assert_eq!(good.code, Some(0), "{}", good.out);
    assert!(good.out.starts_with("no storage layout on both sides"), "{}", good.out);
    let bad = layout(&[&before, &inserts]).await;
    assert_eq!(bad.code, Some(1), "{}", bad.out);
    assert!(bad.out.contains("error[layout-bytecode]: slot 1 is probably used"), "{}", bad.out);
}

#[tokio::test]
async fn input_that_cannot_be_used_ends_with_2_and_says_what_was_expected() {
    let storage = fixture("Storage.json");
    let several = layout(&[&storage, &storage]).await;
    assert_eq!(several.code, Some(2));
    let said = several.err.replace(&storage, "Storage.json");
    expect![[r#"
        error: reading Storage.json: 5 contracts here, name one as FILE.json:NAME (one of: Storage.sol:Before, Storage.sol:Breaks, Storage.sol:Drops, Storage.sol:Fits, Storage.sol:Inserts)
    "#]].assert_eq(&said);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("abi.json");
    fs::write(&path, r#"{"abi": []}"#).unwrap();
    let abi = path.display().to_string();
    let no_layout = layout(&[&abi, &abi]).await;
    assert_eq!(no_layout.code, Some(2));
    assert!(no_layout.err.contains("no storage layout and no code here"), "{}", no_layout.err);

    let missing = layout(&["no-such.json", &storage]).await;
    assert_eq!(missing.code, Some(2));
    assert!(missing.err.contains("no-such.json"), "{}", missing.err);
}
