//! From what was read to files that `check` accepts, and what is said about the rest.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use expect_test::expect;
use registry::import::{Format, Options};

use super::*;
use crate::{
    config::{Config, Folder, Missing},
    import::Import,
    init::{Proposal, write},
};

const VAULT: &str = "0x00000000000000000000000000000000000000aa";
const BEHIND: &str = "0x00000000000000000000000000000000000000bb";

/// A proxy and its implementation, deployed with Hardhat.
fn hardhat() -> BTreeMap<String, String> {
    let pause = r#"[{"type":"function","name":"pause","inputs":[],"outputs":[],"stateMutability":"nonpayable"}]"#;
    [
        ("deployments/sepolia/.chainId", "11155111".to_owned()),
        (
            "deployments/sepolia/Vault.json",
            format!(
                r#"{{"address":"{VAULT}","abi":{pause},"implementation":"{BEHIND}","args":["1","line\nbreak"],"receipt":{{"blockNumber":7}}}}"#
            ),
        ),
        (
            "deployments/sepolia/Vault_Implementation.json",
            format!(
                r#"{{"address":"{BEHIND}","abi":{pause},"storageLayout":{{"storage":[],"types":{{}}}}}}"#
            ),
        ),
    ]
    .into_iter()
    .map(|(path, text)| (path.to_owned(), text))
    .collect()
}

fn import(files: &BTreeMap<String, String>, format: Format, into: &Path) -> Import {
    let read = format.read(files, &Options::default());
    plan(&read, &Existing::read(into).unwrap(), "my-protocol")
}

fn put(import: &Import, into: &Path) {
    let proposal = Proposal { files: import.files.clone(), ..Proposal::default() };
    write(&proposal, into).unwrap();
}

fn report(import: &Import) -> String {
    let mut text = String::new();
    for (path, _) in &import.files {
        writeln!(text, "+ {path}").unwrap();
    }
    let report = &import.report;
    for taken in &report.taken {
        writeln!(text, "taken {} -> {}", taken.what, taken.r#as).unwrap();
    }
    for (word, items) in [
        ("known", &report.known),
        ("passed over", &report.passed_over),
        ("differs", &report.differs),
        ("not taken", &report.not_taken),
    ] {
        for item in items {
            writeln!(text, "{word} {}: {}", item.what, item.why).unwrap();
        }
    }
    for line in &report.to_do {
        writeln!(text, "to do {line}").unwrap();
    }
    text
}

#[test]
fn an_import_into_nothing_is_a_folder_that_check_accepts() {
    let into = tempfile::tempdir().unwrap();
    let first = import(&hardhat(), Format::Hardhat, into.path());
    expect![[r#"
        + abis/vault-implementation.json
        + abis/vault.json
        + bellwether.toml
        + deployments/vault-implementation.toml
        + deployments/vault.toml
        + layouts/vault-implementation.json
        + networks/sepolia.toml
        + routes.toml
        taken Vault 0x00000000000000000000000000000000000000AA on sepolia, a proxy (unknown kind) -> deployments/vault.toml, proxy
        taken Vault-implementation 0x00000000000000000000000000000000000000bb on sepolia -> deployments/vault-implementation.toml, contract
        to do set RPC_SEPOLIA to an RPC URL of chain 11155111 before `bellwether run`
        to do say in monitors/ what should be found on them
    "#]].assert_eq(&report(&first));
    let file = |path: &str| &first.files.iter().find(|(p, _)| p == path).unwrap().1;
    expect![[r##"
        # From deployments/sepolia/Vault.json.
        # A proxy (unknown kind); behind it stands vault-implementation, 0x00000000000000000000000000000000000000bb.
        network = "sepolia"
        address = "0x00000000000000000000000000000000000000AA"
        abi = ["abis/vault.json", "abis/vault-implementation.json"]
        class = "proxy"
        first_block = 7
        # constructor: 1, line break
    "##]].assert_eq(file("deployments/vault.toml"));
    put(&first, into.path());
    let config = Config::load(&Folder::new(into.path()), Missing::IsFine).unwrap();
    let labels: Vec<&str> =
        config.registry.deployments().iter().map(|d| d.label.as_str()).collect();
    assert_eq!(labels, ["vault-implementation", "vault"]);
}

#[test]
fn what_is_registered_stays_and_its_differences_are_shown() {
    let into = tempfile::tempdir().unwrap();
    put(&import(&hardhat(), Format::Hardhat, into.path()), into.path());
    let again = import(&hardhat(), Format::Hardhat, into.path());
    assert!(again.files.is_empty(), "{again:?}");

    let list = BTreeMap::from([
        (
            "contracts.csv".to_owned(),
            format!(
                "label,chain_id,address,class,first_block,abi\n\
                 safe-vault,11155111,{VAULT},pool,9,abis/v.json\n\
                 vault,11155111,0x00000000000000000000000000000000000000cc,,,\n\
                 vault,10,0x00000000000000000000000000000000000000cc,,,\n"
            ),
        ),
        (
            "abis/v.json".to_owned(),
            r#"[{"type":"function","name":"pause"},{"type":"function","name":"sweep"},
                {"type":"event","name":"Swept","inputs":[]}]"#
                .to_owned(),
        ),
        (
            "more.json".to_owned(),
            r#"[{"label":"x","network":"atlantis","address":"0x00000000000000000000000000000000000000dd"}]"#.to_owned(),
        ),
    ]);
    let second = import(&list, Format::List, into.path());
    expect![[r#"
        + abis/vault-optimism.json
        + abis/vault-sepolia.json
        + deployments/vault-optimism.toml
        + deployments/vault-sepolia.toml
        + networks/optimism.toml
        taken vault 0x00000000000000000000000000000000000000cc on sepolia -> deployments/vault-sepolia.toml, contract
        taken vault 0x00000000000000000000000000000000000000cc on optimism -> deployments/vault-optimism.toml, contract
        known safe-vault 0x00000000000000000000000000000000000000AA: already registered as vault
        differs vault: first_block is 7 in your file, 9 there
        differs vault: class is proxy in your file, pool there
        differs vault: your ABI lacks function sweep(), event Swept()
        not taken more.json:1:1: x: network "atlantis" is not declared in networks/ (there: sepolia, optimism); a chain_id would do
        to do set RPC_OPTIMISM to an RPC URL of chain 10 before `bellwether run`
        to do put the ABI of vault-sepolia into abis/vault-sepolia.json
        to do put the ABI of vault-optimism into abis/vault-optimism.json
        to do say in monitors/ what should be found on them
    "#]].assert_eq(&report(&second));
    put(&second, into.path());
    Config::load(&Folder::new(into.path()), Missing::IsFine).unwrap();
}

#[test]
fn an_abi_that_cannot_be_used_is_told_and_nothing_is_written_for_it() {
    let into = tempfile::tempdir().unwrap();
    let files = BTreeMap::from([(
        "build/contracts/Vault.json".to_owned(),
        format!(
            r#"{{"contractName":"Vault","abi":[{{"type":"function","name":"f","inputs":[{{"type":"uint7"}}]}}],"networks":{{"1":{{"address":"{VAULT}"}}}}}}"#
        ),
    )]);
    let import = import(&files, Format::Truffle, into.path());
    expect![[r#"
        not taken build/contracts/Vault.json: $.networks.1: Vault: its ABI in build/contracts/Vault.json cannot be used: bad ABI item: [0] function f: invalid size for type: uint7
    "#]].assert_eq(&report(&import));
    assert!(!import.report.is_whole());
    assert!(import.files.is_empty(), "where nothing is taken, nothing is begun: {import:?}");
}

#[test]
fn a_folder_with_mistakes_is_not_added_to() {
    let into = tempfile::tempdir().unwrap();
    std::fs::write(into.path().join("bellwether.toml"), "nam = 1\n").unwrap();
    let error = Existing::read(into.path()).unwrap_err().to_string();
    assert!(error.contains("unknown key \"nam\""), "{error}");
}

#[test]
fn only_the_folders_of_a_format_are_listed_and_the_inner_one_may_be_named() {
    let folder = tempfile::tempdir().unwrap();
    for path in [
        "broadcast/D.s.sol/1/run-latest.json",
        "out/V.sol/V.json",
        "lib/dep/broadcast/D.s.sol/1/run-latest.json",
        "node_modules/x.json",
    ] {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "{}").unwrap();
    }
    let listed = |path: &Path| {
        use registry::import::Files as _;
        let disk = Disk::open(path, Format::Foundry, &mut Options::default()).unwrap();
        disk.paths().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let expected = ["broadcast/D.s.sol/1/run-latest.json", "out/V.sol/V.json"];
    assert_eq!(listed(folder.path()), expected);
    assert_eq!(listed(&folder.path().join("broadcast")), expected);
}
