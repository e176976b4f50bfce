//! `bellwether import`: contracts of other tools become files that `check` accepts.

use std::fs;

use expect_test::expect;
use serde_json::Value;

use crate::world::bellwether;

const BROADCAST: &str = r#"{"transactions":[
  {"hash":"0x0101010101010101010101010101010101010101010101010101010101010101","transactionType":"CREATE","contractName":"Vault",
   "contractAddress":"0x00000000000000000000000000000000000000aa","transaction":{"from":"0x00000000000000000000000000000000000000ee","input":"0x60"}},
  {"hash":"0x0202020202020202020202020202020202020202020202020202020202020202","transactionType":"CREATE","contractName":"Token",
   "contractAddress":"0x00000000000000000000000000000000000000bb"}],
 "receipts":[{"transactionHash":"0x0101010101010101010101010101010101010101010101010101010101010101","status":"0x1","blockNumber":"0x10"},
  {"transactionHash":"0x0202020202020202020202020202020202020202020202020202020202020202","status":"0x0","blockNumber":"0x11"}],
 "chain":1}"#;

/// Exit code and standard output.
fn ran(arguments: &[&str], at: &std::path::Path) -> (Option<i32>, String) {
    let ran = bellwether().args(arguments).current_dir(at).output().unwrap();
    (ran.status.code(), String::from_utf8(ran.stdout).unwrap())
}

#[test]
fn a_foundry_project_becomes_a_folder_and_the_second_time_nothing_changes() {
    let place = tempfile::tempdir().unwrap();
    let at = place.path();
    for (path, text) in [
        ("contracts/broadcast/Deploy.s.sol/1/run-latest.json", BROADCAST),
        ("contracts/out/Vault.sol/Vault.json", r#"{"abi":[],"bytecode":{"object":"0x60"}}"#),
    ] {
        fs::create_dir_all(at.join(path).parent().unwrap()).unwrap();
        fs::write(at.join(path), text).unwrap();
    }
    let import = ["import", "foundry", "contracts", "--into", "mine"];
    let (code, said) = ran(&[&import[..], &["--dry-run"]].concat(), at);
    assert_eq!(code, Some(0), "{said}");
    assert!(!at.join("mine").exists(), "a dry run writes nothing");

    let (code, said) = ran(&import, at);
    assert_eq!(code, Some(0), "{said}");
    expect![[r#"
          new   abis/vault.json
          new   bellwether.toml
          new   deployments/vault.toml
          new   networks/mainnet.toml
          new   routes.toml

        taken
          Vault 0x00000000000000000000000000000000000000AA on mainnet -> deployments/vault.toml, contract

        passed over
          broadcast/Deploy.s.sol/1/run-latest.json: $.transactions[1]: Token: transaction 0x0202020202020202020202020202020202020202020202020202020202020202 failed

        to do
          set RPC_MAINNET to an RPC URL of chain 1 before `bellwether run`
          say in monitors/ what should be found on them
    "#]].assert_eq(&said);
    let (code, said) = ran(&["check", "mine"], at);
    assert_eq!(code, Some(0), "{said}");

    let mine = at.join("mine/deployments/vault.toml");
    fs::write(&mine, fs::read_to_string(&mine).unwrap().replace("first_block = 16", "")).unwrap();
    let (code, said) = ran(&[&import[..], &["--json"]].concat(), at);
    assert_eq!(code, Some(0), "{said}");
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["new"].as_array().unwrap().len(), 0, "{said}");
    assert_eq!(said["known"][0]["why"], "already registered as vault");
    assert_eq!(said["differs"][0]["why"], "first_block is not in your file; there it is 16");
}

#[test]
fn every_bad_row_of_a_list_is_told_and_the_exit_code_says_so() {
    let place = tempfile::tempdir().unwrap();
    fs::write(
        place.path().join("contracts.csv"),
        "label,chain_id,address\nvault,one,0x12\n,1,0x00000000000000000000000000000000000000aa\n",
    )
    .unwrap();
    let (code, said) = ran(&["import", "list", "contracts.csv", "--dry-run"], place.path());
    assert_eq!(code, Some(1), "{said}");
    expect![[r#"

        not taken
          contracts.csv:2:7: vault: chain_id must be a whole number, got "one"
          contracts.csv:2:11: vault: address: "0x12" is not an address (0x and 40 hex digits)
          contracts.csv:3:1: label is missing; it must be a name
    "#]]
    .assert_eq(&said);
}
