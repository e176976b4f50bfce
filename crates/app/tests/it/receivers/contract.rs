//! What holds for every kind of receiver, whoever is on the other side.

use std::{fs, time::Duration};

use bellwether::notify::{Errand, Health, Receiver, ReceiverConfig, SendError};

use super::{
    chat::{Discord, Matrix, Slack, Teams, Telegram},
    message::{HEADLINE, OURS, drilled, found, hostile, retracted},
    pagers::{Alertmanager, Opsgenie, PagerDuty},
    peer::{KEY, Mood, Peer, Provider},
    telephone::{Sms, Voice},
    webhook::Webhook,
};
use crate::world::workspace;

/// Every counterpart.
fn providers() -> Vec<Box<dyn Provider>> {
    vec![
        Box::new(Slack::default()),
        Box::new(Discord::default()),
        Box::new(Telegram::default()),
        Box::new(Matrix::default()),
        Box::new(Teams::default()),
        Box::new(PagerDuty::default()),
        Box::new(Opsgenie::default()),
        Box::new(Alertmanager::default()),
        Box::new(Sms::default()),
        Box::new(Voice::default()),
        Box::new(Webhook::default()),
    ]
}

/// Kinds whose other side is played elsewhere: mail has a real server, SIP a real telephone, and the
/// terminal is read by the tests of commands.
const ELSEWHERE: [&str; 3] = ["mail", "sip", "stdout"];

async fn peers() -> Vec<(&'static str, Peer, Receiver)> {
    let mut peers = Vec::new();
    for provider in providers() {
        let peer = Peer::start(provider).await;
        let config = peer.config();
        peers.push((config.kind(), peer, Receiver::new(&config).unwrap()));
    }
    peers
}

#[tokio::test]
async fn every_kind_has_a_counterpart_and_a_line_in_the_documentation() {
    let page = fs::read_to_string(workspace().join("docs/receivers.md")).unwrap();
    let played: Vec<&str> = peers().await.iter().map(|(kind, ..)| *kind).collect();
    for kind in ReceiverConfig::KINDS {
        assert!(played.contains(&kind) || ELSEWHERE.contains(&kind), "{kind} has no counterpart");
        assert!(page.contains(&format!("| `{kind}` |")), "{kind} is not in the table");
        assert!(page.contains(&format!("kind = \"{kind}\"")), "{kind} has no example");
    }
}

#[tokio::test]
async fn a_message_arrives_and_says_what_happened() {
    for (kind, peer, receiver) in peers().await {
        let receipt =
            receiver.send(&found()).await.unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert!(!receipt.text.is_empty(), "{kind}");
        let shown = peer.shown();
        assert_eq!(shown.len(), 1, "{kind}: {shown:#?}");
        let says = HEADLINE.replace('%', "percent");
        let text = &shown[0].text;
        assert!(text.contains(HEADLINE) || text.contains(&says), "{kind}: {text}");
        assert!(!shown[0].is_over, "{kind}");
    }
}

#[tokio::test]
async fn a_drill_says_so_before_anything_else_and_what_is_real_never_does() {
    for (kind, peer, receiver) in peers().await {
        receiver.send(&drilled(0)).await.unwrap_or_else(|error| panic!("{kind}: {error}"));
        let shown = peer.shown();
        if kind == "webhook" {
            // A program reads it: a field of its own, and the subject that people see.
            assert!(shown[0].text.contains(r#""drill":"tuesday""#), "{kind}");
            assert!(shown[0].text.contains(r#""subject":"[DRILL] [CRITICAL]"#), "{kind}");
            continue;
        }
        let text = shown[0].text.trim_start_matches(|c: char| !c.is_alphanumeric());
        let says = ["DRILL", "This is a drill."].iter().any(|mark| text.starts_with(mark));
        assert!(says, "{kind}: {text}");
    }
    for (kind, peer, receiver) in peers().await {
        receiver.send(&found()).await.unwrap_or_else(|error| panic!("{kind}: {error}"));
        let text = peer.shown()[0].text.to_lowercase();
        assert!(!text.contains("this is a drill") && !text.contains("[drill]"), "{kind}: {text}");
    }
}

#[test]
fn where_no_counterpart_is_played_a_drill_says_so_as_well() {
    let (drill, real) = (drilled(0), found());
    assert!(drill.subject().starts_with("[DRILL] [CRITICAL]"), "{}", drill.subject());
    assert!(drill.text().starts_with("[DRILL]"));
    let body = drill.html().split_once("<body").unwrap().1.to_owned();
    let (mark, headline) = (body.find("DRILL: ").unwrap(), body.find(HEADLINE).unwrap());
    assert!(mark < headline, "{body}");
    assert_eq!(drill.json()["drill"], "tuesday");
    assert!(drill.spoken().starts_with("This is a drill."));
    // A subject is cut at its end, never at its mark.
    let mut long = drilled(1);
    long.headline = format!("DRILL: {}", "x".repeat(500));
    assert!(long.subject().starts_with("[DRILL] [CRITICAL]"));
    assert!(long.sms().starts_with("DRILL"), "{}", long.sms());
    for text in [real.subject(), real.text(), real.html(), real.spoken(), real.sms()] {
        assert!(!text.to_lowercase().contains("drill"), "{text}");
    }
    assert!(real.json()["drill"].is_null());
}

#[tokio::test]
async fn strings_from_the_chain_stay_text_and_within_limits() {
    for (kind, peer, receiver) in peers().await {
        receiver.send(&hostile()).await.unwrap_or_else(|error| panic!("{kind}: {error}"));
        for shown in peer.shown() {
            let is_ours = |link: &String| OURS.iter().any(|ours| link.starts_with(ours));
            let strange: Vec<_> = shown.links.iter().filter(|link| !is_ours(link)).collect();
            assert_eq!(strange, [""; 0], "{kind} leads elsewhere");
            for bait in ["https://evil", "evil.com", "@here", "@everyone", "@corp"] {
                assert!(!shown.text.contains(bait), "{kind}: {bait} in {}", shown.text);
            }
        }
    }
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_rests_as_asked() {
    for (kind, peer, receiver) in peers().await {
        peer.feel(Mood::Limiting);
        let limited = receiver.send(&found()).await.unwrap_err();
        let SendError::Retry { after, .. } = &limited else { panic!("{kind}: {limited}") };
        assert_eq!(*after, Some(Duration::from_secs(7)), "{kind}");
        peer.feel(Mood::Broken);
        let broken = receiver.send(&found()).await.unwrap_err();
        assert!(matches!(broken, SendError::Retry { .. }), "{kind}: {broken}");
        peer.feel(Mood::Hanging);
        let message = found();
        let errand = Errand::of(&message);
        let hung = receiver.deliver_within(&errand, Duration::from_millis(300)).await.unwrap_err();
        assert!(matches!(hung, SendError::Retry { .. }), "{kind}: {hung}");
        assert_eq!(peer.shown(), [], "{kind}");
        // And then it goes.
        peer.feel(Mood::Well);
        receiver.send(&found()).await.unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_eq!(peer.shown().len(), 1, "{kind}");
    }
}

#[tokio::test]
async fn a_refusal_is_for_good_and_no_secret_is_told() {
    for (kind, peer, receiver) in peers().await {
        peer.feel(Mood::Refusing);
        let refused = receiver.send(&found()).await.unwrap_err();
        assert!(matches!(refused, SendError::Permanent { .. }), "{kind}: {refused}");
        let told = format!("{refused} {refused:?} {receiver:?} {:?}", peer.config());
        assert!(!told.contains(KEY), "{kind}: {told}");
    }
}

#[tokio::test]
async fn a_yes_that_means_no_is_no() {
    for (kind, peer, receiver) in peers().await {
        if peer.provider().lie().is_some() {
            peer.feel(Mood::Lying);
            let error = receiver.send(&found()).await.expect_err(kind);
            assert!(!error.to_string().contains(KEY), "{kind}: {error}");
        }
        // An address of the user's own may answer as it likes.
        if kind != "webhook" {
            peer.feel(Mood::Portal);
            let error = receiver.send(&found()).await.expect_err(kind);
            assert!(matches!(error, SendError::Retry { .. }), "{kind}: {error}");
        }
        assert_eq!(peer.shown(), [], "{kind}");
    }
}

#[tokio::test]
async fn what_has_a_key_is_shown_once() {
    for (kind, peer, receiver) in peers().await {
        for _ in 0..2 {
            receiver.send(&found()).await.unwrap_or_else(|error| panic!("{kind}: {error}"));
        }
        let times = if peer.provider().is_idempotent() { 1 } else { 2 };
        assert_eq!(peer.shown().len(), times, "{kind}");
    }
}

#[tokio::test]
async fn a_retraction_reaches_who_heard_the_alert() {
    for (kind, peer, receiver) in peers().await {
        let first = receiver.send(&found()).await.unwrap();
        let message = retracted();
        let first = first.handle.as_deref();
        // Twice, as it comes when the first answer was lost.
        for _ in 0..2 {
            let errand = Errand { message: &message, address: None, first };
            receiver.deliver(&errand).await.unwrap_or_else(|error| panic!("{kind}: {error}"));
        }
        let shown = peer.shown();
        assert!(shown.last().unwrap().is_over, "{kind}: {shown:#?}");
        let edits = ["discord", "telegram", "matrix", "pagerduty", "opsgenie", "alertmanager"];
        assert_eq!(shown[0].is_over, edits.contains(&kind), "{kind}: {shown:#?}");
    }
}

#[tokio::test]
async fn a_look_reaches_nobody() {
    for (kind, peer, receiver) in peers().await {
        let health = receiver.check(bellwether::clock::now()).await;
        let cannot = ["slack", "teams", "pagerduty", "webhook"].contains(&kind);
        match &health {
            Health::Ready(said) => assert!(!cannot && !said.is_empty(), "{kind}: {said}"),
            Health::OnlyAMessageCanTell => assert!(cannot, "{kind} has a harmless question"),
            Health::Failing(why) => panic!("{kind}: {why}"),
        }
        assert_eq!(peer.shown(), [], "{kind}");
        if !cannot {
            peer.feel(Mood::Refusing);
            let health = receiver.check(bellwether::clock::now()).await;
            // A key that may write and not read is no fault.
            let may_not_read = kind == "opsgenie" && health == Health::OnlyAMessageCanTell;
            assert!(matches!(health, Health::Failing(_)) || may_not_read, "{kind}: {health:?}");
        }
    }
}
