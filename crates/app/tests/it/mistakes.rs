//! One folder per mistake, each a good folder with a few files replaced, and what `check` says to it.
//!
//! `mistakes/NAME.files` holds the files that differ, each below a line `#! PATH` (`#! without PATH`
//! takes one away); `mistakes/NAME.txt` is the whole answer. `UPDATE_EXPECT=1` writes the answers.

use std::{fs, path::Path};

use expect_test::expect_file;

use crate::world::{Project, bellwether};

/// The good folder.
const GOOD: &[(&str, &str)] = &[
    ("bellwether.toml", "name = \"Vault\"\n"),
    (
        "networks/main.toml",
        "chain_id = 1\n\n[[endpoint]]\nname = \"node\"\nurl = { env = \"RPC_MAIN\" }\n",
    ),
    (
        "deployments/vault.toml",
        r#"label = "vault"
network = "main"
address = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
abi = "abis/vault.json"
class = "vault"
"#,
    ),
    (
        "abis/vault.json",
        r#"[{"type": "event", "name": "Redeemed", "anonymous": false, "inputs": [
  {"name": "holder", "type": "address", "indexed": true},
  {"name": "amount", "type": "uint256", "indexed": false}]},
 {"type": "function", "name": "redeem", "stateMutability": "nonpayable",
  "inputs": [{"name": "amount", "type": "uint256"}], "outputs": []}]"#,
    ),
    (
        "monitors/vault.toml",
        r#"[[monitor]]
name = "large-redemption"
on = ["vault"]
event = "Redeemed"
when = "amount > 1_000"
severity = "high"
"#,
    ),
    (
        "routes.toml",
        r#"[[receiver]]
name = "team"
kind = "mail"
host = "mail.example.org"
from = "bellwether@example.org"
to = ["team@example.org"]

[[route]]
name = "all"
severity = "info"
receivers = ["team"]
"#,
    ),
];

fn good() -> Project {
    let project = Project::new();
    for (path, text) in GOOD {
        project.write(path, text);
    }
    project
}

/// Exit code and standard output of `check`.
fn check(project: &Project) -> (Option<i32>, String) {
    let ran = bellwether().arg("check").arg(project.path()).output().unwrap();
    (ran.status.code(), String::from_utf8(ran.stdout).unwrap())
}

#[test]
fn the_good_folder_has_no_mistake() {
    assert_eq!(
        check(&good()),
        (
            Some(0),
            "note: nobody is named in people.toml: receivers are told, and nobody is called until \
             they answer\n   = write people.toml with a [[person]] (name, zone, channels); \
             docs/on-call.md shows how\nVault: 1 network, 1 deployment, 1 monitor, 1 receiver: no \
             mistakes\n"
                .into()
        )
    );
}

#[test]
fn every_mistake_is_told_with_its_place_and_what_is_allowed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/mistakes");
    let mut fixtures: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "files"))
        .collect();
    fixtures.sort();
    assert!(fixtures.len() >= 60, "{} fixtures", fixtures.len());
    for fixture in fixtures {
        let project = good();
        let text = fs::read_to_string(&fixture).unwrap();
        for part in text.split("#! ").skip(1) {
            let (path, text) = part.split_once('\n').unwrap();
            match path.strip_prefix("without ") {
                Some(path) => fs::remove_file(project.path().join(path)).unwrap(),
                None => drop(project.write(path, text)),
            }
        }
        let (code, said) = check(&project);
        println!("{}", fixture.display());
        expect_file![fixture.with_extension("txt")].assert_eq(&said);
        assert_eq!(code, Some(1), "{}: {said}", fixture.display());
    }
}
