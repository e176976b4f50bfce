//! Who hears what: explained hop by hop, held against what the user expects; rotas in and out.

use std::fs;

use expect_test::expect;
use serde_json::Value;

use crate::world::{Project, bellwether};

/// A team of three over two continents, with a night that nobody covers.
fn team() -> Project {
    let project = Project::new();
    for (path, text) in [
        ("bellwether.toml", "name = \"Vault\"\n"),
        (
            "networks/main.toml",
            "chain_id = 1\n\n[[endpoint]]\nname = \"node\"\nurl = { env = \"RPC_MAIN\" }\n",
        ),
        (
            "deployments/vault.toml",
            "label = \"vault\"\nnetwork = \"main\"\naddress = \"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed\"\nabi = \"abis/vault.json\"\nclass = \"vault\"\nprotocol = \"acme\"\n",
        ),
        (
            "abis/vault.json",
            r#"[{"type": "event", "name": "Redeemed", "anonymous": false, "inputs": [{"name": "amount", "type": "uint256", "indexed": false}]}]"#,
        ),
        (
            "monitors/vault.toml",
            "[[monitor]]\nname = \"large-redemption\"\non = [\"vault\"]\nevent = \"Redeemed\"\nseverity = \"high\"\n",
        ),
        (
            "routes.toml",
            r#"receivers = ["team-chat"]
group_by = ["protocol"]

[[receiver]]
name = "team-chat"
kind = "slack"
url = { env = "SLACK" }

[[receiver]]
name = "pager-mail"
kind = "mail"
host = "mail.example.org"
from = "bellwether@example.org"
to = ["pager@example.org"]

[[route]]
name = "acme"
match = ['protocol="acme"']
budget_per_week = 20

[[route.route]]
name = "pages"
match = ['severity>=high']
escalation = "wake"
group_wait = "0s"

[[route.route]]
name = "office"
active = ["mon-fri 09:00-17:00"]
zone = "Europe/Berlin"
group_wait = "2m"
"#,
        ),
        (
            "people.toml",
            r#"[[person]]
name = "ann"
zone = "Europe/Berlin"
channels = ["pager-mail", "team-chat"]
mail = "ann@example.org"

[[person]]
name = "bob"
zone = "Europe/Berlin"
channels = ["pager-mail"]
mail = { env = "BOB_MAIL" }

[[person]]
name = "cleo"
zone = "America/New_York"
channels = ["team-chat"]
"#,
        ),
        (
            "on-call.toml",
            r#"fallback = ["ann"]

[[schedule]]
name = "primary"

[[schedule.rotation]]
name = "europe"
zone = "Europe/Berlin"
people = ["ann", "bob"]
hours = ["08:00-20:00"]
begins = 2026-01-05

[[schedule.rotation]]
name = "america"
zone = "America/New_York"
people = ["cleo"]
length = "1d"
hours = ["mon-fri 09:00-21:00"]

[[schedule.override]]
person = "bob"
from = 2026-12-24T00:00:00+01:00
to = 2026-12-24T12:00:00+01:00

[[escalation]]
name = "wake"

[[escalation.step]]
to = ["primary"]

[[escalation.step]]
to = ["cleo"]
"#,
        ),
    ] {
        project.write(path, text);
    }
    project
}

fn run(project: &Project, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = bellwether();
    command.args(arguments).arg("--folder").arg(project.path());
    let ran = command.output().unwrap();
    let said = String::from_utf8(ran.stdout).unwrap() + &String::from_utf8_lossy(&ran.stderr);
    (ran.status.code(), said)
}

#[test]
fn an_alert_is_followed_hop_by_hop_to_those_who_hear() {
    let project = team();
    let night = ["routes", "test", "--deployment", "vault", "--at", "2026-12-24T03:00Z"];
    let (code, said) = run(&project, &night);
    assert_eq!(code, Some(0));
    expect![[r#"
        class="vault" deployment="vault" network="main" protocol="acme" severity="critical" at 2026-12-24 03:00:00 UTC

        all: yes
          all/acme: yes
            all/acme/pages: yes, and it stays here
            all/acme/office: no: a branch before it took the alert

        by all/acme/pages:
          tells team-chat over chat at once
          pages bob over mail at once (on call by an override)
          pages cleo over chat at once (named by the escalation)
          pages cleo over chat after 2 min (named by the escalation)

        not told:
          ann: not on call then; by primary from 2026-12-24 11:00:00 UTC
    "#]]
    .assert_eq(&said);
    let low = ["routes", "test", "--severity", "low", "--deployment", "vault", "--at"];
    let (_, said) = run(&project, &[&low[..], &["2026-12-22T12:00Z", "--json"]].concat());
    let told: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(told["ways"][0]["route"], "all/acme/office");
    assert_eq!(told["ways"][0]["tells"][0]["when"], "after 2 min");
    assert_eq!(told["ways"][0]["pages"].as_array().unwrap().len(), 0);
    let (code, said) = run(&project, &["routes", "test", "--monitor", "large-redemptoin"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("did you mean large-redemption?"), "{said}");
}

#[test]
fn what_the_user_expects_of_the_routes_is_checked_with_the_folder() {
    let project = team();
    let expected = |reaches: &str| {
        format!(
            "[[expect]]\nname = \"a drain at night\"\nalert = {{ severity = \"critical\", protocol = \"acme\" }}\nat = \"2026-12-24T03:00Z\"\nreaches = [{reaches}]\nroutes = [\"all/acme/pages\"]\n"
        )
    };
    project.write("tests/routes.toml", &expected("\"bob over mail\", \"team-chat\""));
    assert_eq!(run(&project, &["routes", "test"]), (Some(0), "1 expectation met\n".to_owned()));
    project.write("tests/routes.toml", &expected("\"ann\""));
    let (code, said) = run(&project, &["routes", "test"]);
    assert_eq!(code, Some(1));
    expect![[r#"
        tests/routes.toml:1: a drain at night
           = ann is expected; reached are bob over mail, cleo over chat, team-chat over chat
        1 of 1 expectation not met
    "#]]
    .assert_eq(&said);
    let checked = bellwether().arg("check").arg(project.path()).output().unwrap();
    assert_eq!(checked.status.code(), Some(1));
    let said = String::from_utf8(checked.stdout).unwrap();
    assert!(said.contains("ann is expected; reached are bob over mail"), "{said}");
    assert!(
        said.contains("nobody has night cover") || said.contains("nobody is on call"),
        "{said}"
    );
}

#[test]
fn who_is_on_call_is_known_with_the_hand_overs_and_gaps_to_come() {
    let project = team();
    let at = ["--at", "2026-12-23T12:00Z"];
    let (code, said) = run(&project, &[&["oncall", "now"][..], &at].concat());
    assert_eq!(code, Some(0));
    expect![[r#"
        primary: ann until 2026-12-23T14:00:00Z (layer europe)
          then cleo from 2026-12-23T14:00:00Z
    "#]]
    .assert_eq(&said);
    let (_, said) = run(&project, &[&["oncall", "next", "--days", "2"][..], &at].concat());
    expect![[r#"
        2026-12-23T14:00:00Z  primary: ann → cleo (layer america)
        2026-12-23T23:00:00Z  primary: cleo → bob (override)
        2026-12-24T11:00:00Z  primary: bob → ann (layer europe)
        2026-12-24T14:00:00Z  primary: ann → cleo (layer america)
        2026-12-25T02:00:00Z  primary: cleo → nobody
        2026-12-25T07:00:00Z  primary: nobody → ann (layer europe)
    "#]]
    .assert_eq(&said);
    let (code, said) = run(&project, &[&["oncall", "gaps", "--days", "2"][..], &at].concat());
    assert_eq!(code, Some(1), "a gap is found");
    expect![[r#"
        primary: nobody is on call from 2026-12-25T02:00:00Z to 2026-12-25T07:00:00Z (5 h)
        1 gap in the next 2 days
    "#]]
    .assert_eq(&said);
}

#[test]
fn a_calendar_that_was_written_is_read_back_and_shown_before_it_is_kept() {
    let project = team();
    let calendar = project.path().join("primary.ics");
    let file = calendar.to_str().unwrap();
    let at = ["--at", "2026-12-23T12:00Z", "--days", "2"];
    let (code, said) = run(&project, &[&["oncall", "export", file][..], &at].concat());
    assert_eq!(code, Some(0), "{said}");
    // Somebody takes a shift of somebody else's in their calendar.
    let text = fs::read_to_string(&calendar).unwrap().replacen("SUMMARY:ann", "SUMMARY:Bob", 1);
    fs::write(&calendar, text).unwrap();
    let before = fs::read_to_string(project.path().join("on-call.toml")).unwrap();
    let import = [&["oncall", "import", file][..], &at].concat();
    let (code, said) = run(&project, &import);
    assert_eq!(code, Some(1), "the gap is nobody's");
    assert!(said.contains("+ person = \"bob\"\n+ from = 2026-12-23T13:00:00+01:00"), "{said}");
    assert!(said.contains("left out: nobody is known as \"NOBODY ON CALL\""), "{said}");
    assert_eq!(fs::read_to_string(project.path().join("on-call.toml")).unwrap(), before);
    run(&project, &[&import[..], &["--write"]].concat());
    let (_, said) = run(&project, &["oncall", "now", "--at", "2026-12-23T12:30Z"]);
    assert!(said.starts_with("primary: bob until"), "{said}");
    let (_, said) = run(&project, &[&import[..], &["--json"]].concat());
    let again: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(again["added"].as_array().unwrap().len(), 0, "what is there is not added again");
}
