//! A folder's proxies, routers and timelocks are judged for what they are.

use std::{collections::BTreeMap, io};

use super::*;

struct InMemory(BTreeMap<String, String>);

impl Surroundings for InMemory {
    fn read(&self, path: &str) -> io::Result<String> {
        self.0.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let prefix = format!("{folder}/");
        Ok(self.0.keys().filter(|path| path.starts_with(&prefix)).cloned().collect())
    }
    fn variable(&self, _name: &str) -> Option<String> {
        None
    }
}

fn folder(files: &[(&str, &str)]) -> InMemory {
    let base = [
        ("bellwether.toml", "name = \"x\""),
        (
            "networks/main.toml",
            "chain_id = 1\n[[endpoint]]\nname = \"node\"\nurl = { env = \"RPC\" }\n",
        ),
    ];
    let all = base.iter().chain(files);
    InMemory(all.map(|(path, text)| ((*path).into(), (*text).into())).collect())
}

fn found(files: &[(&str, &str)]) -> Vec<String> {
    let around = folder(files);
    let config = Config::load(&around, Missing::IsFine).unwrap();
    let mut report = judge(&config, &around);
    report.waive(&config.lints.waivers, model::UnixSeconds(0));
    report.sort();
    let line =
        |d: &registry::lint::Diagnostic| format!("{}[{}]: {}", d.severity, d.rule.id, d.message);
    report.diagnostics.iter().map(line).collect()
}

/// An interface with this function, and with an event, so that it is not one that says nothing.
fn function(name: &str, inputs: &str) -> String {
    let inputs: Vec<String> = inputs
        .split(',')
        .filter(|ty| !ty.is_empty())
        .map(|ty| format!(r#"{{"name":"","type":"{ty}"}}"#))
        .collect();
    let inputs = inputs.join(",");
    format!(
        r#"[{{"type":"function","name":"{name}","inputs":[{inputs}],"outputs":[],"stateMutability":"nonpayable"}},{{"type":"event","name":"Told","inputs":[]}}]"#
    )
}

fn deployment(label: &str, nibble: char, abi: &str, rest: &str) -> String {
    let digits: String = std::iter::repeat_n(nibble, 40).collect();
    format!(
        "label = \"{label}\"\nnetwork = \"main\"\naddress = \"0x{digits}\"\nabi = {abi}\n{rest}"
    )
}

#[test]
fn what_stands_behind_a_proxy_is_held_against_it() {
    let files = [
        ("abis/proxy.json", &*function("clash550254402", "")),
        ("abis/vault.json", &*function("proxyOwner", "")),
        (
            "deployments/vault.toml",
            &*deployment("vault", '1', r#"["abis/proxy.json", "abis/vault.json"]"#, ""),
        ),
    ];
    assert_eq!(
        found(&files),
        [
            "error[proxy-clash]: clash550254402() of vault hides proxyOwner() of its implementation: both have the selector 0x025313a2"
        ]
    );
    let waived = (
        "lints.toml",
        "[[waiver]]\nrule = \"proxy-clash\"\nsubject = \"*proxyOwner*\"\nreason = \"demo\"\nuntil = \"2030-01-01\"\n",
    );
    assert_eq!(found(&[&files[..], &[waived]].concat()), [""; 0]);
}

#[test]
fn what_a_router_reaches_and_what_lies_in_abis_is_judged() {
    let (a, b) = (function("transfer", "address,uint256"), function("many_msg_babbage", "bytes1"));
    let (token, game) = (
        deployment("token", '1', "\"abis/token.json\"", "protocol = \"p\"\n"),
        deployment("game", '2', "\"abis/game.json\"", "protocol = \"p\"\n"),
    );
    let (route, router) = (
        function("route", ""),
        deployment("router", '3', "\"abis/router.json\"", "protocol = \"p\"\nclass = \"router\"\n"),
    );
    let files = [
        ("abis/token.json", &*a),
        ("abis/game.json", &*b),
        ("deployments/token.toml", &*token),
        ("deployments/game.toml", &*game),
    ];
    let collision = "[selector-collision]: many_msg_babbage(bytes1) and transfer(address,uint256) have the same selector 0xa9059cbb";
    assert_eq!(found(&files), [format!("warning{collision}")]);
    assert_eq!(
        found(&files[..3]),
        [format!("warning{collision}")],
        "a dependency's interface counts"
    );
    let routed = [("abis/router.json", &*route), ("deployments/router.toml", &*router)];
    assert_eq!(found(&[&files[..], &routed].concat()), [format!("error{collision}")]);
}

#[test]
fn a_declared_timelock_is_held_against_the_policy() {
    let abi = function("schedule", "");
    let timelock = |rest: &str| {
        let rest = format!("class = \"timelock\"\n{rest}");
        deployment("timelock", '1', "\"abis/timelock.json\"", &rest)
    };
    let said = |delay: &str, lints: &str| {
        let file = timelock(delay);
        let files = [
            ("abis/timelock.json", &*abi),
            ("deployments/timelock.toml", &*file),
            ("lints.toml", lints),
        ];
        found(&files).first().cloned().unwrap_or_default()
    };
    assert_eq!(said("", ""), "warning[timelock-undeclared]: timelock declares no min_delay");
    assert_eq!(said("min_delay = \"48h\"\n", ""), "");
    let short = "[timelock-too-short]: timelock delays by";
    assert_eq!(
        said("min_delay = \"47h\"\n", ""),
        format!("warning{short} 47 h, the policy is 48 h")
    );
    assert_eq!(said("min_delay = \"1h\"\n", ""), format!("error{short} 1 h, the floor is 24 h"));
    let strict = "[timelock]\nmin_delay = \"72h\"\n";
    assert_eq!(
        said("min_delay = \"48h\"\n", strict),
        format!("warning{short} 48 h, the policy is 72 h")
    );
}
