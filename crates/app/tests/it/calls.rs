//! The program calls a real telephone (SIPp): a key acknowledges the alert, and who does not answer, or
//! passes it on, is passed over for the next person.

#[path = "../../../voice/tests/telephone/peer.rs"]
#[allow(dead_code, reason = "the telephone can more than these calls need")]
mod peer;

use peer::{Peer, Scenario, program};
use serde_json::Value;

use crate::world::{Chain, PATIENCE, Program, Project};

/// Strangers get roles; ann is called, then bob.
fn write(project: &Project, chain: &Chain, ports: [u16; 2], speech: &str) {
    let strangers: Vec<String> =
        chain.meridian.actors.attackers.iter().map(|w| w.address().to_string()).collect();
    let receiver = |person: &str, port: u16| {
        format!(
            "[[receiver]]\nname = \"call-{person}\"\nkind = \"sip\"\nserver = \"127.0.0.1:{port}\"\n\
             from = \"+49 30 901820\"\nto = \"+49 170 1234567\"\nring_s = 5\n{speech}\n"
        )
    };
    let person = |person: &str| {
        format!("[[person]]\nname = \"{person}\"\nchannels = [\"call-{person}\"]\n\n")
    };
    project
        .write(
            "monitors/roles.toml",
            &format!(
                "[[monitor]]\nname = \"role-to-stranger\"\non = [\"token\"]\n\
                 event = \"RoleGranted\"\nwhen = \"account in [{}]\"\nseverity = \"high\"\n",
                strangers.join(", ")
            ),
        )
        .write("people.toml", &format!("{}{}", person("ann"), person("bob")))
        .write(
            "on-call.toml",
            "[[escalation]]\nname = \"wake\"\n\n[[escalation.step]]\nto = [\"ann\"]\n\n\
             [[escalation.step]]\nto = [\"bob\"]\n",
        )
        .write(
            "routes.toml",
            &format!(
                "{}\n{}\n[[receiver]]\nname = \"log\"\nkind = \"stdout\"\njson = true\n\n\
                 [[route]]\nseverity = \"info\"\nreceivers = [\"log\"]\nescalation = \"wake\"\n",
                receiver("ann", ports[0]),
                receiver("bob", ports[1])
            ),
        );
}

fn presses(key: char) -> Scenario {
    Scenario::default()
        .expect("INVITE")
        .answer(100)
        .answer(180)
        .pause(200)
        .pick_up()
        .pause(1_500)
        .info(1, key)
        .expect("BYE")
        .answer(200)
}

fn does_not_answer() -> Scenario {
    Scenario::default().expect("INVITE").answer(180).expect("CANCEL").answer(200).pause(1)
}

/// Lets a stranger get a role, and waits until the alert is acknowledged: by whom, and what became of
/// the pages.
async fn called(ann: &Scenario, bob: Option<&Scenario>) -> Option<(String, Vec<Value>)> {
    let mut chain = Chain::start(91).await;
    let project = Project::meridian_contracts();
    chain.declare(&project);
    let speech = program("espeak-ng")
        .map(|path| format!("speech = [\"{}\", \"--stdin\", \"--stdout\"]", path.display()));
    let ann = Peer::start(ann, "u1")?;
    let bob = match bob {
        Some(bob) => Some(Peer::start(bob, "u1")?),
        None => None,
    };
    // Whoever must not be called has a telephone that nobody put there.
    let ports = [ann.port, bob.as_ref().map_or(9, |bob| bob.port)];
    write(&project, &chain, ports, &speech.unwrap_or_default());
    let mut program = Program::run(&project);
    chain.grant(3);
    let head = chain.everydays(2);
    program.judged(head).await;
    let is_on_it = |answer: &Value| answer["items"][0]["stage"] == "acknowledged";
    let path = "alerts?monitor=role-to-stranger";
    program.ask_until(PATIENCE, path, "somebody is on it", is_on_it).await;
    let alert = program.ask(path).await["items"][0].clone();
    let details = program.ask(&format!("alerts/{}", alert["id"].as_str().unwrap())).await;
    let calls = details["messages"].as_array().unwrap().iter();
    let calls = calls.filter(|m| m["receiver"].as_str().unwrap().starts_with("call-")).cloned();
    ann.was_content();
    if let Some(bob) = bob {
        bob.was_content();
    }
    let by = alert["stage_by"].as_str().unwrap().to_owned();
    let calls = calls.collect();
    program.stop().await;
    Some((by, calls))
}

fn of<'c>(calls: &'c [Value], receiver: &str) -> &'c Value {
    let call = calls.iter().find(|call| call["receiver"] == receiver);
    call.unwrap_or_else(|| panic!("{receiver} is called: {calls:#?}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_on_the_telephone_acknowledges_the_alert_and_nobody_else_is_called() {
    let Some((by, calls)) = called(&presses('1'), None).await else { return };
    assert_eq!(by, "ann");
    assert_eq!(calls.len(), 1, "{calls:#?}");
    assert_eq!(of(&calls, "call-ann")["state"], "delivered");
    let receipt = of(&calls, "call-ann").to_string();
    assert!(receipt.contains("answered, acknowledged by key"), "{receipt}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_answer_is_passed_over_for_the_next_person() {
    let Some((by, calls)) = called(&does_not_answer(), Some(&presses('1'))).await else { return };
    assert_eq!(by, "bob");
    let first = of(&calls, "call-ann");
    assert_eq!(first["state"], "failed", "{first:#}");
    assert!(first.to_string().contains("nobody answered"), "{first:#}");
    assert_eq!(of(&calls, "call-bob")["state"], "delivered");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_on_the_telephone_calls_the_next_person() {
    let Some((by, calls)) = called(&presses('2'), Some(&presses('1'))).await else { return };
    assert_eq!(by, "bob");
    let first = of(&calls, "call-ann");
    assert!(first.to_string().contains("passed on by key"), "{first:#}");
}
