//! Calls, the keys pressed in them, and numbers of people's own.

use std::sync::Arc;

use bellwether::notify::{
    Errand, Heard, Receiver, SendError, TELEPHONE_SIGNATURE_HEADER, telephone_signature,
};
use model::Secret;

use super::{
    message::found,
    peer::{KEY, Peer},
    telephone::{Sms, Voice},
};
use crate::world::until;

#[tokio::test]
async fn how_a_call_ended_is_known_without_being_reachable() {
    for (ends, expected) in [
        ("completed", Ok(Some(Heard::Played))),
        ("busy", Err("the line was busy")),
        ("no-answer", Err("nobody answered")),
        ("failed", Err("the call failed")),
    ] {
        let peer = Peer::start(Box::new(Voice { ends, ..Voice::default() })).await;
        let receiver = Receiver::new(&peer.config()).unwrap();
        let outcome = receiver.send(&found()).await.map(|receipt| receipt.heard);
        let expected =
            expected.map_err(|reason: &str| SendError::Permanent { reason: reason.into() });
        assert_eq!(outcome, expected, "{ends}");
        let shown = peer.shown();
        assert!(!shown[0].text.contains("Press"), "keys that nobody hears are not offered");
    }
}

/// Tells the receiver what was pressed, as the provider does; what it answers.
fn press(receiver: &Receiver, action: &str, key: &str, signed_with: &str) -> Option<String> {
    let Receiver::Voice(voice) = receiver else { panic!("no voice") };
    let form =
        vec![("CallSid".to_owned(), "CA1".to_owned()), ("Digits".to_owned(), key.to_owned())];
    let signature = telephone_signature(&Secret::new(signed_with.to_owned()), action, &form);
    voice.pressed("team", found().id, &form, &signature)
}

#[tokio::test]
async fn a_key_is_heard_when_the_provider_signed_it() {
    for (key, heard) in [("1", Heard::Acknowledged), ("2", Heard::Escalate), ("9", Heard::Played)] {
        // The call goes on until something was pressed.
        let ends = if heard == Heard::Played { "completed" } else { "in-progress" };
        let callback = Some("https://watch.example".to_owned());
        let peer = Peer::start(Box::new(Voice { ends, callback, ..Voice::default() })).await;
        let receiver = Arc::new(Receiver::new(&peer.config()).unwrap());
        assert_eq!(
            press(&receiver, "https://watch.example/calls/team/x", key, KEY),
            None,
            "no call"
        );
        let calling = receiver.clone();
        let call = tokio::spawn(async move { calling.send(&found()).await });
        until("the telephone rings", || !peer.shown().is_empty()).await;
        let action = format!("https://watch.example/calls/team/{}", found().id);
        assert!(peer.shown()[0].text.contains("Press 1 to acknowledge"), "{:?}", peer.shown());
        assert_eq!(press(&receiver, &action, key, "another account's token"), None);
        assert_eq!(press(&receiver, "https://evil.example/", key, KEY), None);
        assert!(press(&receiver, &action, key, KEY).unwrap().starts_with("<?xml"));
        let receipt = call.await.unwrap().unwrap();
        assert_eq!(receipt.heard, Some(heard), "{key}");
        assert_eq!(press(&receiver, &action, key, KEY), None, "the call is over");
    }
}

#[tokio::test]
async fn a_message_to_a_person_goes_to_their_own_number() {
    let peer = Peer::start(Box::new(Sms::default())).await;
    let receiver = Receiver::new(&peer.config()).unwrap();
    let message = found();
    let to = |address| Errand { address, ..Errand::of(&message) };
    receiver.deliver(&to(None)).await.unwrap();
    receiver.deliver(&to(Some("+16175551212"))).await.unwrap();
    let error = receiver.deliver(&to(Some("ada's phone"))).await.unwrap_err();
    assert!(matches!(error, SendError::Permanent { .. }), "{error}");
    assert_eq!(peer.shown().len(), 2);
    assert_eq!(TELEPHONE_SIGNATURE_HEADER, "x-twilio-signature");
}
