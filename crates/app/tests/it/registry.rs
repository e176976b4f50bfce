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
    // Without a store nothing is known, and that is said instead of shown as nothing there.
    let unknown = |shown: &Value| -> Vec<String> {
        let all = shown[0]["unknown"].as_array().unwrap().iter();
        all.map(|of| of["section"].as_str().unwrap().to_owned()).collect()
    };
    assert!(
        ["life", "power", "coverage", "history"]
            .iter()
            .all(|section| unknown(&shown).contains(&(*section).to_owned()))
    );
    assert_eq!((&shown[0]["life"], &shown[0]["coverage"]), (&json!(null), &json!(null)));
    assert_eq!(shown[0]["unknown"][0]["why"], "there is no store yet");

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
    assert_eq!(vault["life"]["stage"], "active");
    assert_eq!(vault["life"]["gap"], "no-gap", "{}", vault["life"]);
    assert!(vault["coverage"]["cells"].as_u64().unwrap() > 0, "{}", vault["coverage"]);
    assert!(!unknown(&beside.json()).contains(&"life".to_owned()));
    let text = registry(&["show", "vault", "--folder", folder]).await.out;
    for wanted in [
        "vault on devnet",
        "class        vault",
        "proxy        ERC-1967 proxy",
        "Life",
        "stage        active (in use and monitored)",
        "Power over it",
        "Relies on",
        "Watched by",
        "Coverage",
        "Threatened by",
        "Can be asked to",
        "Says",
        "Changes",
    ] {
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
        let public = [
            "address",
            "class",
            "code_hash",
            "creator",
            "delegates",
            "facets",
            "first_block",
            "interface",
            "label",
            "network",
            "protocol",
            "proxy",
            "shows",
        ];
        assert_eq!(fields, public);
    }
    assert_eq!(document["version"], 2);
    let vault = &document["deployments"].as_array().unwrap().iter().find(|d| d["label"] == "vault");
    assert!(vault.unwrap()["proxy"].as_str().unwrap().contains("ERC-1967"), "{vault:?}");
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
