//! The two commands of a pipeline that deploys: where a contract will be, and whether somebody will
//! watch it there.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolValue;
use evm::{
    artifact,
    devnet::TransactionRequest,
    meridian::{call, contracts::ChildFactory},
};
use expect_test::expect;
use serde_json::{Value, json};

use crate::world::{Chain, Ended, Project, bellwether, run_to_end, workspace};

async fn predict(arguments: &[&str]) -> Ended {
    let mut command = bellwether();
    command.args(["registry", "predict"]).args(arguments);
    run_to_end(command).await
}

fn artefact(name: &str) -> String {
    workspace().join("contracts/artifacts").join(format!("{name}.json")).display().to_string()
}

#[tokio::test]
async fn addresses_are_those_of_the_standards() {
    // EIP-1014's examples.
    let dead = "0xdeadbeef00000000000000000000000000000000";
    let feed = "0x000000000000000000000000feed000000000000000000000000000000000000";
    let folder = tempfile::tempdir().unwrap();
    let init_code = folder.path().join("init.hex");
    std::fs::write(&init_code, "0x00").unwrap();
    let init_code = init_code.to_str().unwrap();
    let create2 = ["create2", "--factory", dead, "--salt", feed, "--init-code", init_code];
    let ended = predict(&create2).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.out, "0xD04116cDd17beBE565EB2422F2497E06cC1C9833\n");
    let ended = predict(&[&create2[..], &["--json"]].concat()).await;
    assert_eq!(
        ended.json(),
        json!({
            "address": "0xD04116cDd17beBE565EB2422F2497E06cC1C9833",
            "factory": "0xdEADBEeF00000000000000000000000000000000",
            "salt": feed,
            "init_code_hash": "0xbc36789e7a1e281436464229828f817d6612f7b477d66591ff96a9e064bcc98a",
        })
    );
    let creator = "0x6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0";
    let ended = predict(&["create", "--creator", creator, "--nonce", "1"]).await;
    assert_eq!(ended.out, "0x343c43A37D37dfF08AE8C4A11544c718AbB4fCF8\n");
}

#[tokio::test]
async fn what_is_no_initcode_is_told_with_its_file() {
    let zero = "0x0000000000000000000000000000000000000000";
    let salt = format!("{}", B256::ZERO);
    let interface = artefact("IRiskEvents");
    let create2 = ["create2", "--factory", zero, "--salt", salt.as_str()];
    let refused = async |more: &[&str]| {
        let ended = predict(&[&create2[..], more].concat()).await;
        assert_eq!(ended.code, Some(2), "{ended:?}");
        ended.err.replace(&workspace().display().to_string(), "")
    };
    expect![[r#"
        error: in /contracts/artifacts/IRiskEvents.json: the code is empty: an interface or abstract contract cannot be deployed
    "#]]
    .assert_eq(&refused(&["--init-code", &interface]).await);
    let pool = artefact("ChildPool");
    expect![[r#"
        error: --arguments must be hexadecimal (0x and pairs of digits): odd number of digits
    "#]]
    .assert_eq(&refused(&["--init-code", &pool, "--arguments", "0x123"]).await);
    let missing = refused(&["--init-code", "nowhere.json"]).await;
    assert!(missing.starts_with("error: reading nowhere.json: "), "{missing}");
}

/// A folder with a pool that is planned at this address.
fn planned(chain: &Chain, address: Address) -> Project {
    let project = Project::new();
    chain.declare(&project);
    project.write(
        "deployments/pool.toml",
        &format!(
            "label = \"pool\"\nnetwork = \"devnet\"\nclass = \"pool\"\naddress = \"{address}\"\nabi = \"{pool}\"\nplanned = {{ code = \"{pool}\" }}\n",
            pool = artefact("ChildPool")
        ),
    );
    project
}

async fn gate(project: &Project, network: &str, addresses: &[Address]) -> Ended {
    let mut command = bellwether();
    command.args(["registry", "gate", "--network", network, "--json", "--folder"]);
    command.arg(project.path()).args(addresses.iter().map(Address::to_string));
    run_to_end(command).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_gate_opens_only_for_what_somebody_will_watch_where_it_will_be() {
    let chain = Chain::start(95).await;
    let admin = &chain.meridian.actors.admin;
    let factory = admin.address().create(chain.devnet.next_nonce(admin.address()));
    let salt = B256::with_last_byte(5);
    let arguments = alloy_primitives::hex::encode_prefixed(7u64.abi_encode());
    let (factory_text, salt_text) = (factory.to_string(), salt.to_string());
    let pool = artefact("ChildPool");
    let create2 = ["create2", "--factory", &factory_text, "--salt", &salt_text];
    let init_code = ["--init-code", &pool, "--arguments", &arguments];
    let predicted = predict(&[&create2[..], &init_code].concat()).await;
    let predicted: Address = predicted.out.trim().parse().unwrap();

    let project = planned(&chain, predicted);
    let closed = gate(&project, "devnet", &[predicted]).await;
    assert_eq!(closed.code, Some(1), "{closed:?}");
    assert_eq!(closed.json()[0]["state"], "not-watched");

    project.write(
        "monitors/pool.toml",
        "[[monitor]]\nname = \"swaps\"\non = [\"pool\"]\nevent = \"Swapped\"\nseverity = \"low\"\n",
    );
    let open = gate(&project, "devnet", &[predicted]).await;
    assert_eq!(open.code, Some(0), "{open:?}");
    assert_eq!(
        open.json(),
        json!([{"address": predicted.to_string(), "state": "armed", "label": "pool", "monitors": 1, "planned": true}])
    );
    let other = gate(&project, "devnet", &[predicted, factory]).await;
    assert_eq!(other.code, Some(1), "one closed gate closes all");
    let states: Vec<Value> =
        other.json().as_array().unwrap().iter().map(|one| one["state"].clone()).collect();
    assert_eq!(states, ["armed", "not-declared"]);
    let unknown = gate(&project, "mainnet", &[predicted]).await;
    assert_eq!(unknown.code, Some(2));
    expect![[r#"
        error: unknown network "mainnet" (declared: devnet)
    "#]]
    .assert_eq(&unknown.err);

    // And there it is.
    chain.send(admin, TransactionRequest::create(artifact::CHILD_FACTORY.bytecode()));
    chain.devnet.mine().unwrap();
    let create = ChildFactory::createCall { salt, seed: U256::from(7) };
    chain.send(&chain.meridian.actors.users[0], call(factory, create).with_gas_limit(2_000_000));
    chain.devnet.mine().unwrap();
    assert!(!chain.devnet.code(predicted).is_empty(), "it is where it was predicted");
}
