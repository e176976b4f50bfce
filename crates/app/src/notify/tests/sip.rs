//! Calls to a real telephone (SIPp), and what becomes of their messages.

use model::Secret;
use voice::{Account, Speech, Transport, sip::Manner};

use super::telephone::{Peer, Scenario, program};
use crate::notify::{Receiver, ReceiverConfig, SendError, SipConfig, message::tests::message};

fn receiver(port: u16, speech: Option<Speech>) -> Receiver {
    let account = Account {
        server: format!("127.0.0.1:{port}"),
        transport: Transport::Udp,
        user: Some("bellwether".to_owned()),
        secret: Some(Secret::new("correct horse".to_owned())),
        from: "+49 30 901820".to_owned(),
        domain: None,
        registers: false,
        authorities: None,
    };
    let manner = Manner { ring_s: 2, ..Manner::default() };
    let config = SipConfig { account, to: "+49 170 1234567".to_owned(), speech, manner };
    Receiver::new(&ReceiverConfig::Sip(Box::new(config))).unwrap()
}

fn ringing() -> Scenario {
    Scenario::default().expect("INVITE").answer(180).pause(100)
}

fn permanent(reason: &str) -> Result<String, SendError> {
    Err(SendError::Permanent { reason: reason.to_owned() })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_pressed_decides_what_becomes_of_the_message() {
    let bye = |scenario: Scenario| scenario.expect("BYE").answer(200);
    let cases = [
        (
            bye(ringing().pick_up().pause(300).info(1, '1')),
            Ok("answered, acknowledged by key".to_owned()),
        ),
        (bye(ringing().pick_up().pause(300).info(1, '2')), permanent("answered, passed on by key")),
        (ringing().answer(486).expect("ACK"), permanent("the line was busy")),
        (ringing().answer(603).expect("ACK"), permanent("the call was refused with 603")),
        (ringing().expect("CANCEL").answer(200).pause(1), permanent("nobody answered")),
    ];
    for (scenario, expected) in cases {
        let Some(peer) = Peer::start(&scenario, "u1") else { return };
        let receipt = receiver(peer.port, None).send(&message()).await;
        assert_eq!(receipt.map(|receipt| receipt.text), expected);
        peer.was_content();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_hung_up_or_not_placed_is_tried_again() {
    let hangs_up = ringing().pick_up().pause(300).request("BYE", 1, None).expect_answer(200);
    for scenario in [hangs_up, ringing().answer(503).expect("ACK")] {
        let Some(peer) = Peer::start(&scenario, "u1") else { return };
        let error = receiver(peer.port, None).send(&message()).await.unwrap_err();
        assert!(matches!(error, SendError::Retry { .. }), "{error}");
        peer.was_content();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_synthesiser_that_fails_takes_the_words_and_not_the_call() {
    let broken = Speech { command: vec!["/no/such/program".to_owned()] };
    let speaks = program("espeak-ng").map(|espeak| Speech {
        command: [espeak.to_str().unwrap(), "--stdin", "--stdout"].map(str::to_owned).to_vec(),
    });
    for speech in [Some(broken), speaks] {
        let scenario = ringing().pick_up().pause(300).info(1, '1').expect("BYE").answer(200);
        let Some(peer) = Peer::start(&scenario, "u1") else { return };
        assert!(receiver(peer.port, speech).send(&message()).await.is_ok());
        peer.was_content();
    }
}
