//! What is guarded, from the command line: beside a running program, and handed on to others.

use std::fs;

use serde_json::{Value, json};

use crate::world::{Chain, Program, Project, bellwether, run_to_end};

async fn registry(arguments: &[&str]) -> crate::world::Ended {
    let mut command = bellwether();
    command.arg("registry").args(arguments);
    run_to_end(command).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contract_is_shown_while_the_program_watches_it() {
    let mut chain = Chain::start(71).await;
    let head = chain.everydays(3);
    let project = Project::meridian();
    chain.declare(&project);
    let folder = project.path().to_str().unwrap();

    let before = registry(&["show", "vault", "--folder", folder, "--json"]).await;
    let shown: Value = before.json();
    assert_eq!(before.code, Some(0), "{before:?}");
    assert_eq!((&shown[0]["blocks_looked_at"], &shown[0]["alerts"]), (&json!(0), &json!(null)));

    let mut program = Program::run(&project);
    program.judged(head).await;
    let address = chain.meridian.vault.to_string();
    let beside = registry(&["show", &address, "--folder", folder, "--json"]).await;
    assert_eq!(beside.code, Some(0), "{beside:?}");
    let vault = &beside.json()[0];
    assert_eq!(vault["deployment"]["label"], "vault");
    assert_eq!(vault["blocks_looked_at"], json!(head.number));
    assert_eq!(vault["blocks_not_judged"], json!(0));
    let watchers: Vec<&str> = vault["monitors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["monitor"].as_str().unwrap())
        .collect();
    assert!(watchers.contains(&"role-change"), "{watchers:?}");
    let text = registry(&["show", "vault", "--folder", folder]).await.out;
    for wanted in ["vault on devnet", "class        vault", "Watched by", "Can be asked to", "Says"]
    {
        assert!(text.contains(wanted), "{wanted:?} is not in: {text}");
    }
    assert!(program.stop().await.success());

    let stranger = "0x00000000000000000000000000000000000000aa";
    let nobody = registry(&["show", stranger, "--folder", folder]).await;
    assert_eq!(nobody.code, Some(1), "{nobody:?}");
    assert!(nobody.out.contains("nobody guards it"), "{}", nobody.out);
    let misspelt = registry(&["show", "vaultt", "--folder", folder]).await;
    assert_eq!(misspelt.code, Some(2));
    assert!(misspelt.err.contains("did you mean vault?"), "{}", misspelt.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_guarded_is_handed_on_signed_and_nothing_private_with_it() {
    let chain = Chain::start(72).await;
    let project = Project::meridian();
    chain.declare(&project);
    let address = "0x00000000000000000000000000000000000000A1";
    let secretive = format!(
        "network = \"devnet\"\naddress = \"{address}\"\nabi = \"abi.json\"\nvalue_at_risk = \"123_456 ETH\"\n"
    );
    project.write("abi.json", "[]").write("deployments/secretive.toml", &secretive);
    let folder = project.path().to_str().unwrap();
    let path = |name: &str| project.path().join(name).to_str().unwrap().to_owned();

    let made = registry(&["key", &path("registry.key")]).await;
    assert_eq!(made.code, Some(0), "{made:?}");
    let public = made.out.trim();
    let again = registry(&["key", &path("registry.key")]).await;
    assert_eq!(again.code, Some(2), "a key is never overwritten");

    let exported =
        registry(&["export", "--folder", folder, "--interfaces", "--key", &path("registry.key")])
            .await;
    assert_eq!(exported.code, Some(0), "{exported:?}");
    fs::write(path("registry.json"), &exported.out).unwrap();
    let verified =
        registry(&["verify", &path("registry.json"), "--public", public, "--json"]).await;
    assert_eq!(verified.code, Some(0), "{verified:?}");
    let document = verified.json();
    let labels: Vec<&str> = document["deployments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|deployment| deployment["label"].as_str().unwrap())
        .collect();
    assert!(labels.contains(&"vault") && labels.contains(&"secretive"), "{labels:?}");
    // The allow-list: a field that is not on it is private until somebody decides otherwise.
    for deployment in document["deployments"].as_array().unwrap() {
        let fields: Vec<&str> =
            deployment.as_object().unwrap().keys().map(String::as_str).collect();
        let public =
            ["address", "class", "first_block", "interface", "label", "network", "protocol"];
        assert_eq!(fields, public);
    }
    for private in ["123456", "123,456", "role-change", "http"] {
        assert!(!verified.out.contains(private), "{private:?} is in: {}", verified.out);
    }

    // One byte of the payload, another key, another kind of file.
    let envelope: Value = serde_json::from_str(&exported.out).unwrap();
    let mut changed = envelope.clone();
    let payload = envelope["payload"].as_str().unwrap();
    changed["payload"] = json!(payload.replacen('e', "f", 1));
    fs::write(path("changed.json"), changed.to_string()).unwrap();
    let refused = registry(&["verify", &path("changed.json"), "--public", public]).await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    let other = registry(&["key", &path("other.key")]).await.out.trim().to_owned();
    let refused = registry(&["verify", &path("registry.json"), "--public", &other]).await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.out.contains("this key did not sign it"), "{}", refused.out);
    let no_export = registry(&["verify", &path("bellwether.toml"), "--public", public]).await;
    assert_eq!(no_export.code, Some(2), "{no_export:?}");
}
