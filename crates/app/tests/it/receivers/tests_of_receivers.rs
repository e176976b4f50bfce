//! Receivers are tested from end to end, by people and by the program itself.

use std::{sync::Arc, time::Duration};

use bellwether::notify::{Context, Message, Receiver, Receivers, trial};
use model::{Name, UnixMillis};
use serde_json::{Value, json};
use store::Store;

use super::{
    chat::Slack,
    pagers::PagerDuty,
    peer::{KEY, Mood, Peer},
    webhook::Webhook,
};
use crate::world::{Project, Url, bellwether, run_to_end, workspace};

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// A node that is not there: nothing here asks it.
const NOBODY: [Url<'_>; 1] = [Url { http: "http://127.0.0.1:1", ws: None }];

const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// This many days after the beginning.
fn day(day: i64) -> UnixMillis {
    UnixMillis(1_800_014_400_000 + day * 24 * 60 * 60 * 1_000)
}

async fn receivers(peers: &[(&str, &Peer)]) -> Receivers {
    let by_name =
        peers.iter().map(|(of, peer)| (name(of), Receiver::new(&peer.config()).unwrap())).collect();
    let context = Context { installation: "meridian".to_owned(), ..Context::default() };
    Receivers { by_name, context, ..Receivers::default() }
}

#[tokio::test]
async fn each_receiver_is_tested_monthly_and_others_hear_of_a_failure_once() {
    let store = Store::in_memory().unwrap();
    let (chat, own, pager) = (
        Peer::start(Box::new(Slack::default())).await,
        Peer::start(Box::new(Webhook::default())).await,
        Peer::start(Box::new(PagerDuty::default())).await,
    );
    let all = Arc::new(receivers(&[("chat", &chat), ("own", &own), ("pager", &pager)]).await);
    let test = |at| trial::test_due(&store, &all, MONTH, at);

    assert_eq!(test(day(0)).await.unwrap(), 0, "the first look only notes them");
    assert_eq!(test(day(29)).await.unwrap(), 0);
    assert_eq!(test(day(30)).await.unwrap(), 3);
    assert!(chat.shown()[0].text.starts_with("[TEST] TEST of receiver chat"), "{:?}", chat.shown());
    assert!(own.shown()[0].text.contains("\"test\":true"), "{:?}", own.shown());
    assert!(pager.shown()[0].is_over, "nobody has to close a test");
    assert_eq!(test(day(31)).await.unwrap(), 0);

    chat.feel(Mood::Refusing);
    assert_eq!(test(day(60)).await.unwrap(), 3);
    let told: Vec<String> = own.shown().into_iter().map(|shown| shown.text).collect();
    assert_eq!(told.len(), 3, "two tests and the news: {told:#?}");
    let news = told.iter().find(|text| text.contains("Receiver chat failed its test")).unwrap();
    assert!(news.contains("\"test\":false") && news.contains("\"severity\":\"high\""), "{news}");
    assert!(pager.shown().iter().any(|shown| !shown.is_over), "the pager has it, too");

    // Tried again soon, told once.
    assert_eq!(test(day(61)).await.unwrap(), 1);
    assert_eq!(own.shown().len(), 3);
    let record = store.receiver_test(&name("chat")).unwrap().unwrap();
    assert_eq!((record.failing_since, record.told), (Some(day(60)), true));
    chat.feel(Mood::Well);
    assert_eq!(test(day(62)).await.unwrap(), 1);
    assert_eq!(store.receiver_test(&name("chat")).unwrap().unwrap().failing_since, None);
}

#[tokio::test]
async fn a_failure_that_nobody_could_be_told_of_is_told_at_the_next_look() {
    let store = Store::in_memory().unwrap();
    let (chat, own) = (
        Peer::start(Box::new(Slack::default())).await,
        Peer::start(Box::new(Webhook::default())).await,
    );
    let all = receivers(&[("chat", &chat), ("own", &own)]).await;
    let test = |at| trial::test_due(&store, &all, MONTH, at);
    test(day(0)).await.unwrap();
    chat.feel(Mood::Refusing);
    own.feel(Mood::Refusing);
    test(day(30)).await.unwrap();
    own.feel(Mood::Well);
    test(day(31)).await.unwrap();
    let told: Vec<String> = own.shown().into_iter().map(|shown| shown.text).collect();
    assert!(told.iter().any(|text| text.contains("Receiver chat failed its test")), "{told:#?}");
}

#[tokio::test]
async fn a_test_says_in_every_form_that_nothing_is_wrong() {
    let context = Context { installation: "meridian".to_owned(), ..Context::default() };
    let message = Message::test(&name("night"), &context, day(0), false);
    let forms = [
        message.subject(),
        message.text(),
        message.html(),
        message.json().to_string(),
        message.slack().to_string(),
        message.discord().to_string(),
        message.telegram().to_string(),
        message.matrix().to_string(),
        message.teams().to_string(),
        message.pagerduty("key").to_string(),
        message.opsgenie().to_string(),
        message.alertmanager(MONTH).to_string(),
        message.sms(),
        message.spoken(),
    ];
    for form in forms {
        assert!(form.contains("TEST") || form.contains("only a test"), "{form}");
        assert!(!form.contains("CRITICAL"), "{form}");
    }
}

#[tokio::test]
async fn a_person_tests_receivers_from_the_command_line() {
    let peer = Peer::start(Box::new(PagerDuty::default())).await;
    let bellwether::notify::ReceiverConfig::PagerDuty { url, .. } = peer.config() else { panic!() };
    let project = Project::new();
    project.network("mainnet", "chain_id = 1\n", &NOBODY);
    project.write("pager.key", KEY).write(
        "routes.toml",
        &format!(
            "receivers_tested = \"never\"\n\n[[receiver]]\nname = \"pager\"\nkind = \"pagerduty\"\n\
             url = \"{url}\"\nkey = {{ file = \"pager.key\" }}\n\n[[receiver]]\nname = \"terminal\"\n\
             kind = \"stdout\"\n\n[[route]]\nseverity = \"info\"\nreceivers = [\"pager\", \"terminal\"]\n"
        ),
    );
    let run = |arguments: &[&str]| {
        let mut command = bellwether();
        command.args(["receivers", "test"]).args(arguments).arg("--folder").arg(project.path());
        run_to_end(command)
    };
    let ended = run(&[]).await;
    let expected = "pager (pagerduty): only a test message can tell\n\
                    terminal (stdout): ready: always there\n";
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), expected), "{}", ended.err);
    assert_eq!(peer.shown(), [], "a question reaches nobody");

    let ended = run(&["pager", "--send", "--json"]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let told: Value = serde_json::from_str(&ended.out).unwrap();
    assert!(told[0]["receipt"].as_str().unwrap().starts_with("taken by PagerDuty"), "{told}");
    assert_eq!(told[0]["failed"], json!(false));
    assert!(peer.shown()[0].text.contains("TEST of receiver pager"), "{:?}", peer.shown());

    peer.feel(Mood::Refusing);
    let ended = run(&["pager", "--send"]).await;
    assert_eq!(ended.code, Some(1), "{}", ended.out);
    assert!(ended.out.contains("test message failed: HTTP 400"), "{}", ended.out);
    assert!(!ended.out.contains(KEY), "{}", ended.out);
    let ended = run(&["pagre"]).await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains("one of: pager, terminal"), "{}", ended.err);

    let mut check = bellwether();
    check.arg("check").arg(project.path());
    let ended = run_to_end(check).await;
    assert!(ended.out.contains("receivers_tested is never"), "{}", ended.out);
}

#[tokio::test]
async fn the_files_that_the_page_shows_are_accepted() {
    let page = std::fs::read_to_string(workspace().join("docs/receivers.md")).unwrap();
    let blocks = page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let blocks: Vec<&str> = blocks.collect();
    // What stands above every table comes first.
    let (above, tables): (Vec<&str>, Vec<&str>) =
        blocks.into_iter().partition(|block| !block.contains("[["));
    let routes = format!(
        "{}\n{}\n[[route]]\nseverity = \"info\"\nreceivers = [\"team-mail\"]\n",
        above.join("\n"),
        tables.join("\n")
    );
    let project = Project::new();
    project.network("mainnet", "chain_id = 1\n", &NOBODY).write("routes.toml", &routes);
    let mut check = bellwether();
    check.arg("check").arg(project.path());
    let ended = run_to_end(check).await;
    assert_eq!(ended.code, Some(0), "{}", ended.out);
}
