//! One folder a format: what is taken, what is not, and why. The folders are small and our own.

use std::{collections::BTreeMap, fmt::Write as _};

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;

const A: &str = "0x00000000000000000000000000000000000000aa";
const B: &str = "0x00000000000000000000000000000000000000bb";
const C: &str = "0x00000000000000000000000000000000000000cc";
const TX: [&str; 3] = [
    "0x0101010101010101010101010101010101010101010101010101010101010101",
    "0x0202020202020202020202020202020202020202020202020202020202020202",
    "0x0303030303030303030303030303030303030303030303030303030303030303",
];

/// Files in one text, each below a line `#! PATH`; `A`, `B`, `C`, `TX0` … stand for addresses and
/// hashes.
fn folder(text: &str) -> BTreeMap<String, String> {
    let text = text.replace("\"A\"", &format!("\"{A}\""));
    let text = text.replace("\"B\"", &format!("\"{B}\"")).replace("\"C\"", &format!("\"{C}\""));
    let text = (0..3).fold(text, |text, i| text.replace(&format!("TX{i}"), TX[i]));
    let part = |part: &str| {
        let (path, text) = part.split_once('\n').unwrap();
        (path.trim().to_owned(), text.to_owned())
    };
    text.split("#! ").skip(1).map(part).collect()
}

/// One line a contract, then one a thing left out.
fn shown(import: &Import) -> String {
    let mut text = String::new();
    for d in &import.deployed {
        write!(text, "{} {} {}", d.name, d.chain, d.address).unwrap();
        if let Some(class) = d.class {
            write!(text, " class {class}").unwrap();
        }
        if let Some(proxy) = d.proxy {
            write!(text, " {proxy}").unwrap();
        }
        if let Some(behind) = d.implementation {
            write!(text, " -> {behind}").unwrap();
        }
        if let Some(block) = d.first_block {
            write!(text, " block {block}").unwrap();
        }
        if let Some(abi) = &d.abi {
            write!(text, " abi {}", abi.from).unwrap();
        }
        if d.layout.is_some() {
            text.push_str(" layout");
        }
        if !d.arguments.is_empty() {
            write!(text, " ({})", d.arguments.join(", ")).unwrap();
        }
        if d.is_planned {
            text.push_str(" planned");
        }
        text.push('\n');
        for note in &d.notes {
            writeln!(text, "    {note}").unwrap();
        }
    }
    for left in &import.left_out {
        writeln!(text, "- [{}] {left}", left.why.kind()).unwrap();
    }
    text
}

fn check(format: Format, files: &str, expected: Expect) {
    expected.assert_eq(&shown(&format.read(&folder(files), &Options::default())));
}

#[test]
fn foundry_broadcasts_join_with_their_artefacts() {
    check(
        Format::Foundry,
        r#"
#! out/Vault.sol/Vault.json
{"abi":[],"bytecode":{"object":"0x6001"},"storageLayout":{"storage":[],"types":{}}}
#! out/ERC1967Proxy.sol/ERC1967Proxy.json
{"abi":[],"bytecode":{"object":"0x6002"}}
#! broadcast/Deploy.s.sol/1/run-latest.json
{"transactions":[
  {"hash":"TX0","transactionType":"CREATE","contractName":"Vault","contractAddress":"A","arguments":null,
   "transaction":{"from":"C","input":"0x6001"},"additionalContracts":[]},
  {"hash":"TX1","transactionType":"CREATE2","contractName":"ERC1967Proxy","contractAddress":"B","arguments":["A","0x"],
   "transaction":{"from":"C","input":"0x6002"},"additionalContracts":[
     {"transactionType":"CREATE","contractName":null,"address":"C","initCode":"0x60"}]},
  {"hash":"TX2","transactionType":"CALL","contractName":"Vault","contractAddress":"B"}],
 "receipts":[{"status":"0x1","transactionHash":"TX0","blockNumber":"0x10"},
             {"status":"0x1","transactionHash":"TX1","blockNumber":"0x11"}],
 "libraries":["src/Math.sol:Math:0x00000000000000000000000000000000000000dd"],"timestamp":2,"chain":1}
"#,
        expect![[r#"
            Vault-implementation chain 1 0x00000000000000000000000000000000000000AA block 16 abi out/Vault.sol/Vault.json layout
            Vault chain 1 0x00000000000000000000000000000000000000bb uups -> 0x00000000000000000000000000000000000000AA block 17 abi out/ERC1967Proxy.sol/ERC1967Proxy.json (0x00000000000000000000000000000000000000aa, 0x)
            contract-00000000 chain 1 0x00000000000000000000000000000000000000cc block 17
                the broadcast does not name it
            Math chain 1 0x00000000000000000000000000000000000000dd
                a library that was linked, deployed elsewhere
        "#]],
    );
}

#[test]
fn foundry_takes_nothing_that_failed_was_never_sent_or_was_replaced() {
    check(
        Format::Foundry,
        r#"
#! broadcast/Deploy.s.sol/1/run-latest.json
{"transactions":[
  {"hash":"TX0","transactionType":"CREATE","contractName":"Vault","contractAddress":"A"},
  {"hash":"TX1","transactionType":"CREATE","contractName":"Failed","contractAddress":"B"},
  {"hash":"TX2","transactionType":"CREATE","contractName":"Pending","contractAddress":"B"},
  {"hash":null,"transactionType":"CREATE","contractName":"Unsent","contractAddress":"B"},
  {"hash":"TX0","transactionType":"CREATE","contractName":"Crooked","contractAddress":"0x12"}],
 "receipts":[{"status":"0x1","transactionHash":"TX0","blockNumber":"0x10"},
             {"status":"0x0","transactionHash":"TX1","blockNumber":"0x10"}],"timestamp":9,"chain":1}
#! broadcast/Deploy.s.sol/1/run-5.json
{"transactions":[{"hash":"TX1","transactionType":"CREATE","contractName":"Vault","contractAddress":"C"}],
 "receipts":[{"status":"0x1","transactionHash":"TX1","blockNumber":"0x5"}],"timestamp":5,"chain":1}
#! broadcast/Deploy.s.sol/1/dry-run/run-latest.json
{"transactions":[]}
#! broadcast/Deploy.s.sol/1/run-4.json
{"transactions":
#! broadcast/Deploy.s.sol/1/notes.json
{"hello":1}
"#,
        expect![[r#"
            Vault chain 1 0x00000000000000000000000000000000000000AA block 16
                no artefact in out/ (run forge build)
            - [unfinished] broadcast/Deploy.s.sol/1/dry-run/run-latest.json: a dry run: nothing was sent
            - [foreign] broadcast/Deploy.s.sol/1/notes.json: expected a broadcast (an object with "transactions"), found an object with "hello"
            - [corrupt] broadcast/Deploy.s.sol/1/run-4.json:2:1: not JSON: EOF while parsing a value
            - [failed] broadcast/Deploy.s.sol/1/run-latest.json: $.transactions[1]: Failed: transaction 0x0202020202020202020202020202020202020202020202020202020202020202 failed
            - [unfinished] broadcast/Deploy.s.sol/1/run-latest.json: $.transactions[2]: Pending: transaction 0x0303030303030303030303030303030303030303030303030303030303030303 has no receipt (forge script --resume waits for it)
            - [unfinished] broadcast/Deploy.s.sol/1/run-latest.json: $.transactions[3]: Unsent: its transaction was never sent
            - [corrupt] broadcast/Deploy.s.sol/1/run-latest.json: $.transactions[4].contractAddress: "0x12" is not an address (0x and 40 hex digits)
            - [superseded] broadcast/Deploy.s.sol/1/run-5.json: $.transactions[0]: Vault: 0x00000000000000000000000000000000000000cc was replaced by 0x00000000000000000000000000000000000000AA, deployed later by the same script (run-latest.json); --superseded takes both
        "#]],
    );
}

#[test]
fn foundry_scripts_for_several_chains_are_read_whole() {
    check(
        Format::Foundry,
        r#"
#! broadcast/multi/Deploy.s.sol-latest/run.json
{"deployments":[
  {"transactions":[{"hash":"TX0","transactionType":"CREATE","contractName":"Vault","contractAddress":"A"}],
   "receipts":[{"status":"0x1","transactionHash":"TX0","blockNumber":"0x1"}],"chain":1},
  {"transactions":[{"hash":"TX1","transactionType":"CREATE","contractName":"Vault","contractAddress":"A"}],
   "receipts":[{"status":"0x1","transactionHash":"TX1","blockNumber":"0x2"}],"chain":10}],"timestamp":3}
"#,
        expect![[r#"
            Vault chain 1 0x00000000000000000000000000000000000000AA block 1
                no artefact in out/ (run forge build)
            Vault chain 10 0x00000000000000000000000000000000000000AA block 2
                no artefact in out/ (run forge build)
        "#]],
    );
}

#[test]
fn the_code_tells_which_of_two_artefacts_of_one_name_is_meant() {
    let files = r#"
#! out/v1/Vault.sol/Vault.json
{"abi":[{"type":"function","name":"old"}],"bytecode":{"object":"0x60aa"}}
#! out/v2/Vault.sol/Vault.json
{"abi":[{"type":"function","name":"new"}],"bytecode":{"object":"0x60bb__$0123$__00"}}
#! broadcast/D.s.sol/1/run-latest.json
{"transactions":[{"hash":"TX0","transactionType":"CREATE","contractName":"Vault","contractAddress":"A",
   "transaction":{"input":"INPUT"}}],
 "receipts":[{"transactionHash":"TX0","blockNumber":"0x10","status":"0x1"}],"chain":1}
"#;
    let with = |input: &str| {
        let files = folder(&files.replace("INPUT", input));
        Format::Foundry.read(&files, &Options::default()).deployed[0].clone()
    };
    assert_eq!(with("0x60bb1234").abi.unwrap().from, "out/v2/Vault.sol/Vault.json");
    let neither = with("0x60cc");
    assert_eq!(neither.abi, None);
    expect!["several artefacts have this name and its code does not tell which: out/v1/Vault.sol/Vault.json, out/v2/Vault.sol/Vault.json"]
        .assert_eq(&neither.notes[0]);
}

#[test]
fn hardhat_deploy_and_ignition_are_read() {
    check(
        Format::Hardhat,
        r#"
#! deployments/sepolia/.chainId
11155111
#! deployments/sepolia/Vault.json
{"address":"A","abi":[],"args":["C",7],"implementation":"B","transactionHash":"TX0","receipt":{"blockNumber":7,"status":1,"from":"C"},
 "storageLayout":{"storage":[],"types":{}}}
#! deployments/sepolia/Vault_Proxy.json
{"address":"A","abi":[],"args":["B","C","0x"]}
#! deployments/sepolia/Vault_Implementation.json
{"address":"B","abi":[],"receipt":{"blockNumber":6}}
#! deployments/sepolia/solcInputs/0a.json
{"language":"Solidity"}
#! ignition/deployments/chain-1/deployed_addresses.json
{"App#Token":"C"}
#! ignition/deployments/chain-1/artifacts/App#Token.json
{"abi":[],"contractName":"Token"}
#! ignition/deployments/chain-1/journal.jsonl

{"chainId":1,"type":"DEPLOYMENT_INITIALIZE"}
{"artifactId":"App#Token","constructorArgs":["x",{"_kind":"bigint","value":"9"}],"contractName":"Token","from":"B","futureId":"App#Token","type":"DEPLOYMENT_EXECUTION_STATE_INITIALIZE"}
{"futureId":"App#Token","hash":"TX1","networkInteractionId":1,"receipt":{"blockNumber":42,"contractAddress":"C","logs":[],"status":"SUCCESS"},"type":"TRANSACTION_CONFIRM"}
{"futureId":"App#Token","result":{"address":"C","type":"SUCCESS"},"type":"DEPLOYMENT_EXECUTION_STATE_COMPLETE"}
"#,
        expect![[r#"
            Vault chain 11155111 0x00000000000000000000000000000000000000AA unknown kind -> 0x00000000000000000000000000000000000000bb block 7 abi deployments/sepolia/Vault.json layout (0x00000000000000000000000000000000000000cc, 7)
            Vault-implementation chain 11155111 0x00000000000000000000000000000000000000bb block 6 abi deployments/sepolia/Vault_Implementation.json
            Token chain 1 0x00000000000000000000000000000000000000cc block 42 abi ignition/deployments/chain-1/artifacts/App#Token.json (x, 9)
            - [superseded] deployments/sepolia/Vault_Proxy.json: Vault_Proxy: Vault.json is the same address with the whole interface
        "#]],
    );
}

#[test]
fn hardhat_takes_nothing_that_is_broken_or_under_way() {
    check(
        Format::Hardhat,
        r#"
#! deployments/main/.chainId
one
#! deployments/other/Vault.json
{"address":"A"}
#! deployments/good/.chainId
5
#! deployments/good/NoAddress.json
{"abi":[]}
#! deployments/good/Failed.json
{"address":"A","receipt":{"status":0}}
#! deployments/good/Cut.json
{"address":
#! ignition/deployments/mine/deployed_addresses.json
{}
#! ignition/deployments/chain-1/journal.jsonl
{"chainId":1,"type":"DEPLOYMENT_INITIALIZE"}
{"artifactId":"App#A","constructorArgs":[],"contractName":"A","futureId":"App#A","type":"DEPLOYMENT_EXECUTION_STATE_INITIALIZE"}
{"artifactId":"App#B","constructorArgs":[],"contractName":"B","futureId":"App#B","type":"DEPLOYMENT_EXECUTION_STATE_INITIALIZE"}
{"futureId":"App#B","result":{"type":"REVERTED_TRANSACTION"},"type":"DEPLOYMENT_EXECUTION_STATE_COMPLETE"}
{"futureId":"App#A","ty"#,
        expect![[r#"
            - [corrupt] deployments/good/Cut.json:2:1: not JSON: EOF while parsing a value
            - [failed] deployments/good/Failed.json: Failed: the transaction that creates it failed
            - [corrupt] deployments/good/NoAddress.json: $: NoAddress: address is missing; expected the contract's address
            - [corrupt] deployments/main/: deployments/main/.chainId: expected a chain id, found "one"
            - [foreign] deployments/other/: has neither .chainId nor .chain: no network's folder
            - [unfinished] ignition/deployments/chain-1/journal.jsonl:5:23: the last line is cut short: the run was killed
            - [unfinished] ignition/deployments/chain-1/journal.jsonl: App#A: its deployment has not ended
            - [failed] ignition/deployments/chain-1/journal.jsonl: App#B: its deployment ended as REVERTED_TRANSACTION
            - [incomplete] ignition/deployments/mine/: is not chain-<id>, and no journal names its chain
        "#]],
    );
}

#[test]
fn truffle_builds_are_read_by_network() {
    check(
        Format::Truffle,
        r#"
#! build/contracts/Vault.json
{"contractName":"Vault","abi":[],"networks":{"1":{"address":"A","transactionHash":"TX0"},"5777":{"address":"B"},"7":{"links":{}}}}
#! build/contracts/Migrations.json
{"contractName":"Migrations","abi":[],"networks":{"1":{"address":"C"}}}
#! build/contracts/IVault.json
{"contractName":"IVault","abi":[],"networks":{}}
#! build/contracts/Alien.json
{"abi":[],"bytecode":"0x"}
#! build/contracts/Bad.json
{"contractName":"Bad","abi":{},"networks":{"1":{"address":"A"}}}
"#,
        expect![[r#"
            Vault chain 1 0x00000000000000000000000000000000000000AA abi build/contracts/Vault.json
            Vault chain 5777 0x00000000000000000000000000000000000000bb abi build/contracts/Vault.json
                5777 is Ganache's network id; its chain id is usually 1337
            - [foreign] build/contracts/Alien.json: is no artefact of Truffle: an object with "abi", "bytecode"
            - [corrupt] build/contracts/Bad.json: $.abi: Bad: expected a list, found an empty object
            - [unfinished] build/contracts/IVault.json: IVault: compiled, and deployed nowhere
            - [foreign] build/contracts/Migrations.json: Migrations: Truffle's own record of migrations, not a contract of yours
            - [unfinished] build/contracts/Vault.json: $.networks.7: Vault: has links but no address
        "#]],
    );
}

#[test]
fn upgrades_manifests_give_proxies_with_their_kind_and_layouts() {
    check(
        Format::OpenzeppelinUpgrades,
        r#"
#! .openzeppelin/mainnet.json
{"manifestVersion":"3.2","admin":{"address":"C","txHash":"TX2"},
 "proxies":[{"address":"A","txHash":"TX0","kind":"uups"}],
 "impls":{"00ff":{"address":"B","txHash":"TX1","layout":{"solcVersion":"0.8.20",
   "storage":[{"label":"total","offset":0,"slot":"0","type":"t_uint256","contract":"Vault"}],"types":{"t_uint256":{"label":"uint256","numberOfBytes":"32"}}}}}}
#! artifacts/contracts/Vault.sol/Vault.json
{"abi":[],"bytecode":"0x60"}
"#,
        expect![[r#"
            proxy-admin chain 1 0x00000000000000000000000000000000000000cc class access-control
                owns the transparent proxies of this network
            Vault chain 1 0x00000000000000000000000000000000000000AA class proxy uups -> 0x00000000000000000000000000000000000000bb abi ERC-1967
            Vault-implementation chain 1 0x00000000000000000000000000000000000000bb abi artifacts/contracts/Vault.sol/Vault.json layout
        "#]],
    );
    check(
        Format::OpenzeppelinUpgrades,
        r#"
#! .openzeppelin/mainnet.json
{"manifestVersion":"9.0","proxies":[]}
#! .openzeppelin/atlantis.json
{"manifestVersion":"3.2"}
#! .openzeppelin/sepolia.json
{"manifestVersion":"3.2","proxies":[{"address":"A","kind":"quantum"},{"kind":"uups"}],"impls":{"a":{"address":"B","layout":{}}}}
#! .openzeppelin/unknown-31337.json
{"lockfile":1}
"#,
        expect![[r#"
            - [incomplete] .openzeppelin/atlantis.json: no chain id is known for a network called "atlantis"
            - [corrupt] .openzeppelin/mainnet.json: $.manifestVersion: expected a version up to 3, found "9.0"
            - [corrupt] .openzeppelin/sepolia.json: $.impls.a.layout: storage is missing; expected a list of variables
            - [corrupt] .openzeppelin/sepolia.json: $.proxies[0].kind: unknown kind of proxy "quantum" (one of: transparent, uups, beacon, diamond, clone)
            - [corrupt] .openzeppelin/sepolia.json: $.proxies[1]: address is missing; expected the proxy's address
            - [foreign] .openzeppelin/unknown-31337.json: expected a manifest (an object with "manifestVersion")
        "#]],
    );
}

#[test]
fn sourcify_trees_and_answers_are_read() {
    check(
        Format::Sourcify,
        &format!(
            r#"
#! contracts/full_match/1/{A}/metadata.json
{{"output":{{"abi":[]}},"settings":{{"compilationTarget":{{"src/Vault.sol":"Vault"}}}}}}
#! contracts/full_match/1/{A}/creator-tx-hash.txt
TX0
#! contracts/full_match/1/{A}/sources/package.json
{{"name":"x"}}
#! contracts/partial_match/10/{B}/metadata.json
{{"output":{{"abi":[]}},"settings":{{"compilationTarget":{{"a.sol":"Token"}}}}}}
#! answer.json
{{"match":"exact_match","chainId":"8453","address":"C","abi":[],"compilation":{{"name":"Pool"}},
 "deployment":{{"transactionHash":"TX1","blockNumber":"123","deployer":"A"}},
 "proxyResolution":{{"isProxy":true,"proxyType":"EIP1967Proxy","implementations":[{{"address":"B","name":"PoolV2"}}]}}}}
#! unverified.json
{{"match":null,"chainId":"1","address":"C"}}
#! other.json
{{"hello":"you"}}
#! contracts/full_match/one/{A}/metadata.json
{{}}
#! contracts/full_match/1/0x12/metadata.json
{{}}
"#
        ),
        expect![[r#"
            Pool chain 8453 0x00000000000000000000000000000000000000cc unknown kind -> 0x00000000000000000000000000000000000000bb block 123 abi answer.json
            Vault chain 1 0x00000000000000000000000000000000000000AA abi contracts/full_match/1/0x00000000000000000000000000000000000000aa/metadata.json
            Token chain 10 0x00000000000000000000000000000000000000bb abi contracts/partial_match/10/0x00000000000000000000000000000000000000bb/metadata.json
                a partial match: the sources may differ in comments and names
            - [corrupt] contracts/full_match/1/0x12/metadata.json: $: folder "0x12" is not an address (0x and 40 hex digits)
            - [corrupt] contracts/full_match/one/0x00000000000000000000000000000000000000aa/metadata.json: $: folder "one" is not a chain id
            - [foreign] other.json: expected an answer of Sourcify (an object with "chainId" and "address"), found an object with "hello"
            - [incomplete] unverified.json: 0x00000000000000000000000000000000000000cc is not verified there
        "#]],
    );
}

#[test]
fn answers_of_an_explorer_about_one_contract_are_joined() {
    check(
        Format::Etherscan,
        &format!(
            r#"
#! 1/{A}.json
{{"status":"1","message":"OK","result":[{{"SourceCode":"x","ABI":"[]","ContractName":"Vault","ConstructorArguments":"00ff","Proxy":"1","Implementation":"{B}"}}]}}
#! 1/creation.json
{{"status":"1","message":"OK","result":[{{"contractAddress":"A","contractCreator":"C","txHash":"TX0","blockNumber":"77","contractFactory":""}}]}}
#! 10/abi-{B}.json
{{"status":"1","message":"OK","result":"[]"}}
#! 10/{C}.json
{{"status":"1","message":"OK","result":[{{"SourceCode":"","ABI":"Contract source code not verified","ContractName":""}}]}}
#! {C}.json
{{"status":"1","message":"OK","result":"[]"}}
#! 1/nameless.json
{{"status":"1","message":"OK","result":"[]"}}
#! 1/limited.json
{{"status":"0","message":"NOTOK","result":"Max rate limit reached"}}
#! 1/cut-{B}.json
{{"status":"1","message":"OK","result":"[{{"}}
#! 1/other.json
[1]
"#
        ),
        expect![[r#"
            Vault chain 1 0x00000000000000000000000000000000000000AA unknown kind -> 0x00000000000000000000000000000000000000bb block 77 abi 1/0x00000000000000000000000000000000000000aa.json (00ff)
            contract-00000000 chain 10 0x00000000000000000000000000000000000000cc
                its source is not verified, so its interface is not known
            contract-00000000 chain 10 0x00000000000000000000000000000000000000bb abi 10/abi-0x00000000000000000000000000000000000000bb.json
            - [incomplete] 0x00000000000000000000000000000000000000cc.json: which chain? say --chain-id, or name a folder after it (1/0x….json)
            - [corrupt] 1/cut-0x00000000000000000000000000000000000000bb.json: $.result: ABI: not JSON: EOF while parsing an object at line 1 column 2
            - [incomplete] 1/limited.json: the API refused: NOTOK (Max rate limit reached)
            - [corrupt] 1/nameless.json: $.result: this answer does not say which address it is about; name the file after it (0x….json)
            - [foreign] 1/other.json: expected an answer (an object with "status" and "result"), found a list of 1
        "#]],
    );
}

#[test]
fn safe_batches_give_the_safe_its_targets_and_what_it_will_create() {
    check(
        Format::SafeBundle,
        r#"
#! batch.json
{"version":"1.0","chainId":"1","meta":{"name":"Raise the cap","createdFromSafeAddress":"A"},"transactions":[
 {"to":"B","value":"0","data":null,"contractMethod":{"inputs":[{"name":"cap","type":"uint256","internalType":"uint256"}],"name":"setCap","payable":false},"contractInputsValues":{"cap":"7"}},
 {"to":"B","value":"0","data":null,"contractMethod":{"inputs":[],"name":"pause","payable":false},"contractInputsValues":{}},
 {"to":"0x7cbB62EaA69F79e6873cD1ecB2392971036cFAa4","value":"0","data":null,
  "contractMethod":{"name":"performCreate2","inputs":[],"payable":false},
  "contractInputsValues":{"value":"0","deploymentData":"0x60016000","salt":"TX0"}},
 {"to":"0x7cbB62EaA69F79e6873cD1ecB2392971036cFAa4","value":"0","data":"0x4c8c9ea1"},
 {"to":"C","value":"5","data":"0x"},
 {"to":"nobody","data":"0x"}]}
#! other.json
{"transactions":[]}
"#,
        expect![[r#"
            safe chain 1 0x00000000000000000000000000000000000000AA class multisig
            contract-00000000 chain 1 0x00000000000000000000000000000000000000bb abi batch.json
                called by the batch "Raise the cap"
                only 2 of its methods are known, from what the batches call
            contract-606ee3ea chain 1 0x606eE3ea7444f7bB5E3805D18DE2a55D54295f30 planned
                will be created by the batch "Raise the cap" (CREATE2, creation code 0xcf61a6eb3b9b89e75f1dadf3dcd16509616896cb50eac765a68fa27bbbc6de82)
            - [unfinished] batch.json: $.transactions[3]: Raise the cap: a contract made with CREATE: its address depends on how many CreateCall has made before
            - [foreign] batch.json: $.transactions[4]: Raise the cap: only money is sent to 0x00000000000000000000000000000000000000cc: it may be a person
            - [corrupt] batch.json: $.transactions[5].to: "nobody" is not an address (0x and 40 hex digits)
            - [foreign] other.json: expected a batch (an object with "chainId" and "transactions"), found an object with "transactions"
        "#]],
    );
}

#[test]
fn every_bad_row_of_a_list_is_told_with_its_line_and_column() {
    check(
        Format::List,
        r#"
#! contracts.csv
label,network,chain_id,address,class,abi,first_block
vault,main,,0x00000000000000000000000000000000000000aa,vault,abis/vault.json,1_000
"token",,10,0x00000000000000000000000000000000000000bb,,,
Bad Label,main,,0x12,valt,abis/none.json,soon
both,main,1,0x00000000000000000000000000000000000000cc,,,
short,main
again,main,,0x00000000000000000000000000000000000000aa,,,
,,,,,,
#! contracts.json
[{"label":"pool","chain_id":1,"address":"A","class":"pool"},
 {"label":"x","chain_id":1,
  "adress":"A"},
 7,
 {"label":"y","chain_id":"one","address":"B"}]
#! abis/vault.json
[]
#! broken.json
{"label":
#! wrong.csv
name,address
"#,
        expect![[r#"
            vault network main 0x00000000000000000000000000000000000000AA class vault block 1000 abi abis/vault.json
            token chain 10 0x00000000000000000000000000000000000000bb
            pool chain 1 0x00000000000000000000000000000000000000AA class pool
            - [corrupt] broken.json:1:1: expected a list of objects: invalid type: map, expected a sequence
            - [corrupt] contracts.csv:4:1: label: name "Bad Label" has 'B' at position 0; allowed are a-z, 0-9, '-', '_', '.', and the first must be a letter or digit
            - [corrupt] contracts.csv:4:17: address: "0x12" is not an address (0x and 40 hex digits)
            - [corrupt] contracts.csv:4:22: class: unknown class "valt" (one of: contract, token, vault, pool, oracle, governor, timelock, bridge, insurance-fund, treasury, access-control, multisig, proxy, factory, router, staking)
            - [corrupt] contracts.csv:4:27: abi "abis/none.json": cannot be read: there is no such file
            - [corrupt] contracts.csv:4:42: first_block must be a whole number, got "soon"
            - [corrupt] contracts.csv:5:11: both: a row has a network or a chain_id, not both
            - [corrupt] contracts.csv:6:1: 2 fields, the header has 7
            - [corrupt] contracts.csv:7:1: again: 0x00000000000000000000000000000000000000AA is given already, as vault at contracts.csv:2:1
            - [corrupt] contracts.csv:8:1: label is missing; it must be a name
            - [corrupt] contracts.csv:8:1: address is missing; it must be an address (0x and 40 hex digits)
            - [corrupt] contracts.csv:8:1: network or chain_id is missing
            - [corrupt] contracts.json:3:12: unknown column "adress"; did you mean address?
            - [corrupt] contracts.json:4:2: expected an object with label, address …
            - [corrupt] contracts.json:5:26: y: chain_id must be a whole number, got "one"
            - [corrupt] wrong.csv:1:1: unknown column "name" (one of: label, network, chain_id, address, class, abi, first_block)
        "#]],
    );
}

#[test]
fn the_selectors_of_create_call_are_what_they_claim_to_be() {
    let selector = |text: &str| alloy_primitives::keccak256(text)[..4].to_vec();
    assert_eq!(selector("performCreate2(uint256,bytes,bytes32)"), safe_bundle::PERFORM_CREATE2);
    assert_eq!(selector("performCreate(uint256,bytes)"), safe_bundle::PERFORM_CREATE);
}

fn any_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("1".to_owned()),
        Just(format!("\"{A}\"")),
        Just("\"CREATE\"".to_owned()),
        "[a-z0-9]{0,6}".prop_map(|text| format!("{text:?}")),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        let keys = prop::sample::select(vec![
            "transactions",
            "receipts",
            "contractAddress",
            "transactionType",
            "hash",
            "chainId",
            "address",
            "networks",
            "result",
            "ABI",
            "proxies",
            "impls",
            "layout",
            "deployments",
            "contractMethod",
            "data",
            "to",
            "manifestVersion",
            "abi",
            "receipt",
            "libraries",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((keys, inner), 0..4).prop_map(|fields| {
                let fields: Vec<String> =
                    fields.iter().map(|(key, value)| format!("{key:?}:{value}")).collect();
                format!("{{{}}}", fields.join(","))
            }),
        ]
    })
}

proptest! {
    /// Files come from other people's tools: whatever they hold, they are read or refused.
    #[test]
    fn no_file_makes_a_reader_panic_or_vanish(text in prop_oneof![any_json(), ".{0,40}"]) {
        for (format, path) in [
            (Format::Foundry, "broadcast/D.s.sol/1/run-latest.json"),
            (Format::Hardhat, "deployments/main/Vault.json"),
            (Format::Truffle, "build/contracts/Vault.json"),
            (Format::OpenzeppelinUpgrades, ".openzeppelin/mainnet.json"),
            (Format::Sourcify, "answer.json"),
            (Format::Etherscan, "1/answer.json"),
            (Format::SafeBundle, "batch.json"),
            (Format::List, "list.csv"),
        ] {
            let files = BTreeMap::from([
                (path.to_owned(), text.clone()),
                ("deployments/main/.chainId".to_owned(), "1".to_owned()),
            ]);
            format.read(&files, &Options::default());
        }
    }
}
