//! Calls to a real telephone (SIPp): what it does, and what is heard of it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop at once")]

mod peer;

use std::{net::SocketAddr, time::Duration};

use model::{Secret, Severity};
use peer::{Peer, Scenario, program};
use tokio::net::UdpSocket;
use voice::{
    Account, Announcement, CallError, Heard, Number, Script, Speech, Transport, call,
    media::{Law, Packet},
    sip::Manner,
};

fn account(port: u16) -> Account {
    Account {
        server: format!("127.0.0.1:{port}"),
        transport: Transport::Udp,
        user: Some("bellwether".to_owned()),
        secret: Some(Secret::new("correct horse".to_owned())),
        from: "+49 30 901820".to_owned(),
        domain: None,
        registers: false,
        authorities: None,
    }
}

async fn ring(account: &Account) -> Result<Heard, CallError> {
    let number = Number::new("+49 170 1234567").unwrap();
    call(account, &number, Script::in_tones(), Manner::default()).await
}

fn ringing() -> Scenario {
    Scenario::default().expect("INVITE").answer(100).answer(180).pause(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_given_when_asked_for_and_a_key_acknowledges() {
    for (code, algorithm) in [(401, "MD5"), (407, "SHA-256")] {
        let scenario =
            Scenario::default().expect("INVITE").challenge(code, algorithm).expect("ACK");
        let scenario = match algorithm {
            "MD5" => scenario.expect_password("bellwether", "correct horse"),
            _ => scenario.expect("INVITE"),
        };
        let scenario =
            scenario.answer(180).pick_up().pause(1_500).info(1, '1').expect("BYE").answer(200);
        let Some(peer) = Peer::start(&scenario, "u1") else { return };
        let heard = ring(&account(peer.port)).await.unwrap();
        assert_eq!(heard, Heard::Acknowledged);
        let messages = peer.messages();
        assert!(messages.contains("username=\"bellwether\""), "{messages}");
        assert!(messages.contains(&format!("algorithm={algorithm}, ")), "{messages}");
        assert!(!messages.contains("correct horse"), "the password itself never leaves");
        peer.was_content();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_pressed_in_the_sound_stream_acknowledges() {
    let scenario =
        ringing().pick_up().pause(2_000).press('1').pause(1_000).expect("BYE").answer(200);
    if !is_root() {
        eprintln!("skipped: SIPp sends events from a raw socket, which only root may");
        return;
    }
    let Some(peer) = Peer::start(&scenario, "u1") else { return };
    assert_eq!(ring(&account(peer.port)).await.unwrap(), Heard::Acknowledged);
    peer.was_content();
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_asks_for_the_next_person_over_a_connection_too() {
    let scenario = ringing().pick_up().pause(500).info(1, '2').expect("BYE").answer(200);
    let Some(peer) = Peer::start(&scenario, "t1") else { return };
    let account = Account { transport: Transport::Tcp, ..account(peer.port) };
    assert_eq!(ring(&account).await.unwrap(), Heard::Escalate);
    peer.was_content();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_hangs_up_in_the_middle_has_not_acknowledged() {
    let scenario = ringing().pick_up().pause(2_000).request("BYE", 1, None).expect_answer(200);
    let Some(peer) = Peer::start(&scenario, "u1") else { return };
    assert_eq!(ring(&account(peer.port)).await.unwrap(), Heard::HungUp);
    peer.was_content();
}

#[tokio::test(flavor = "multi_thread")]
async fn busy_refused_and_out_of_order_are_told_apart() {
    for (code, expected) in [
        (486, Some(Heard::Busy)),
        (600, Some(Heard::Busy)),
        (480, Some(Heard::NoAnswer)),
        (403, Some(Heard::Rejected { code: 403 })),
        (404, Some(Heard::Rejected { code: 404 })),
        (503, None),
    ] {
        let scenario = ringing().answer(code).expect("ACK");
        let Some(peer) = Peer::start(&scenario, "u1") else { return };
        match (ring(&account(peer.port)).await, expected) {
            (Ok(heard), Some(expected)) => assert_eq!(heard, expected),
            (Err(CallError::Trouble { code: 503, .. }), None) => {}
            (other, _) => panic!("{code}: {other:?}"),
        }
        peer.was_content();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_not_tried_again_and_again() {
    let scenario = Scenario::default()
        .expect("INVITE")
        .challenge(401, "MD5")
        .expect("ACK")
        .expect("INVITE")
        .challenge(401, "MD5")
        .expect("ACK");
    let Some(peer) = Peer::start(&scenario, "u1") else { return };
    assert_eq!(ring(&account(peer.port)).await.unwrap(), Heard::Rejected { code: 401 });
    peer.was_content();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_nobody_takes_is_withdrawn() {
    let scenario =
        Scenario::default().expect("INVITE").answer(180).expect("CANCEL").answer(200).pause(1);
    let Some(peer) = Peer::start(&scenario, "u1") else { return };
    let number = Number::new("100").unwrap();
    let manner = Manner { ring_s: 2, ..Manner::default() };
    let heard = call(&account(peer.port), &number, Script::in_tones(), manner).await.unwrap();
    assert_eq!(heard, Heard::NoAnswer);
    peer.was_content();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_its_caller_gives_up_is_hung_up() {
    let scenario = ringing().pick_up().expect("BYE").answer(200);
    let Some(peer) = Peer::start(&scenario, "u1") else { return };
    let account = account(peer.port);
    let given_up = tokio::time::timeout(Duration::from_secs(2), ring(&account)).await;
    assert!(given_up.is_err());
    peer.was_content();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_other_side_asks_during_a_call_is_answered() {
    let scenario = ringing()
        .pick_up()
        .pause(300)
        .request("OPTIONS", 1, None)
        .expect_answer(200)
        .request("UPDATE", 2, None)
        .expect_answer(200)
        .reinvite(3)
        .pause(300)
        .info(4, '9')
        .info(5, '1')
        .expect("BYE")
        .answer(200);
    let Some(peer) = Peer::start(&scenario, "u1") else { return };
    assert_eq!(ring(&account(peer.port)).await.unwrap(), Heard::Acknowledged);
    peer.was_content();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_registers_where_it_must_and_leaves_again() {
    let scenario =
        Scenario::default().expect("REGISTER").challenge(401, "MD5").expect("REGISTER").answer(200);
    let Some(peer) = Peer::start(&scenario, "u1") else { return };
    let account = Account { registers: true, ..account(peer.port) };
    // SIPp plays one dialogue a call; that of the INVITE is another one and stays unanswered.
    let outcome = tokio::time::timeout(Duration::from_secs(3), ring(&account)).await;
    assert!(outcome.is_err());
    let messages = peer.messages();
    assert!(messages.contains("Authorization: Digest"), "{messages}");
    peer.was_content();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_is_trouble_and_not_an_answer() {
    // A socket that hears and never answers.
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let account = account(silent.local_addr().unwrap().port());
    let began = std::time::Instant::now();
    let error = ring(&account).await.unwrap_err();
    assert!(matches!(error, CallError::NoResponse { .. }), "{error}");
    assert!(began.elapsed() < Duration::from_secs(12));

    let nobody = Account { server: "127.0.0.1:9".to_owned(), transport: Transport::Tcp, ..account };
    let error = ring(&nobody).await.unwrap_err();
    assert!(matches!(error, CallError::Unreachable { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn words_are_said_as_they_sound() {
    let Some(espeak) = program("espeak-ng") else { return };
    let speech = Speech {
        command: [espeak.to_str().unwrap(), "--stdin", "--stdout", "-v", "en", "-s", "160"]
            .map(str::to_owned)
            .to_vec(),
    };
    let announcement = Announcement {
        installation: "Meridian".to_owned(),
        severity: Severity::Critical,
        headline: "93 % of vault left in one transaction".to_owned(),
        others: 0,
        is_drill: true,
    };
    let message = speech.say(&announcement.text()).await.unwrap();
    // Some 40 words, of which nobody says more than four a second.
    assert!((9_000..25_000).contains(&message.duration_ms()), "{}", message.duration_ms());

    let ear = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let (ear_at, samples) = listen(ear);
    let scenario =
        ringing().pick_up_elsewhere(ear_at).pause(8_000).info(1, '1').expect("BYE").answer(200);
    let Some(peer) = Peer::start(&scenario, "u1") else { return };
    let number = Number::new("100").unwrap();
    let script = Script::in_words(&message, Default::default(), Default::default());
    let heard = call(&account(peer.port), &number, script, Manner::default()).await.unwrap();
    assert_eq!(heard, Heard::Acknowledged);
    let samples = samples.await.unwrap();
    // What was sent in 8 s: in time, and as loud as speech in between its pauses.
    assert!((56_000..72_000).contains(&samples.len()), "{}", samples.len());
    let loud = samples.chunks(800).filter(|tenth| tenth.iter().any(|s| s.abs() > 3_000)).count();
    assert!(loud > 40, "{loud} tenths of a second are loud");
    peer.was_content();
}

type Samples = tokio::task::JoinHandle<Vec<i16>>;

/// An ear at a socket: where it is, and what it has heard once nothing comes any more.
fn listen(ear: UdpSocket) -> (SocketAddr, Samples) {
    let at = ear.local_addr().unwrap();
    let samples = tokio::spawn(async move {
        let mut samples = Vec::new();
        let mut buffer = [0; 2_048];
        let mut patience = Duration::from_secs(20);
        while let Ok(read) = tokio::time::timeout(patience, ear.recv_from(&mut buffer)).await {
            let (len, _) = read.unwrap();
            let packet = Packet::read(&buffer[..len]).unwrap();
            assert_eq!(packet.payload_type, Law::A.payload_type());
            samples.extend(packet.payload.iter().map(|byte| Law::A.unpack(*byte)));
            patience = Duration::from_secs(2);
        }
        samples
    });
    (at, samples)
}
