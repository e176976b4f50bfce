use expect_test::expect;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::*;

async fn sink() -> MailSink {
    MailSink::start("127.0.0.1:0".parse().unwrap()).await.unwrap()
}

/// Says everything at once, as a pipelining client does, and returns all answers.
async fn converse(sink: &MailSink, said: &[u8]) -> String {
    let mut stream = TcpStream::connect(sink.address()).await.unwrap();
    stream.write_all(said).await.unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).await.unwrap();
    answers.replace('\r', "")
}

#[tokio::test]
async fn a_conversation_follows_its_order() {
    let sink = sink().await;
    let said = b"EHLO me\r\nRCPT TO:<a@b.c>\r\nDATA\r\nmail from:<me@b.c> size=12 body=8bitmime\r\n\
        MAIL FROM:<x@b.c>\r\nRCPT TO:<>\r\nRCPT TO:<a@b.c>\r\nRSET\r\nDATA\r\nNOOP\r\nVRFY a\r\n\
        EXPN all\r\nMAIL FROM:<> SIZE=1000001\r\nMAIL FROM:<> SIZE=x\r\nMAIL <>\r\nQUIT\r\nNOOP\r\n";
    expect![[r#"
        220 bellwether mail sink, keeps mail and sends none
        250-bellwether
        250-SIZE 1000000
        250-PIPELINING
        250 8BITMIME
        503 MAIL first
        503 no valid recipients
        250 ok
        503 one mail after the other
        501 write RCPT TO:<address>
        250 ok
        250 forgotten
        503 no valid recipients
        250 still here
        252 send it and see
        502 not known here
        552 larger than 1000000 bytes
        501 SIZE is not a number
        501 write MAIL FROM:<address>
        221 bye
    "#]]
    .assert_eq(&converse(&sink, said).await);
    assert_eq!(sink.inbox().mails(), []);
}

#[tokio::test]
async fn stuffed_dots_are_taken_out_and_only_a_lone_dot_ends_a_mail() {
    let sink = sink().await;
    let said = b"HELO me\r\nMAIL FROM:<me@b.c>\r\nRCPT TO:<a@b.c>\r\nRCPT TO:<d@b.c>\r\nDATA\r\n\
        Subject: dots\r\n\r\n..one\r\n...\r\nx\n.\nMAIL FROM:<smuggled@b.c>\r\n.\r\nQUIT\r\n";
    let answers = converse(&sink, said).await;
    assert!(answers.contains("250 kept as 1\n221 bye"), "{answers}");
    let mails = sink.inbox().mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].from, "me@b.c");
    assert_eq!(mails[0].to, ["a@b.c", "d@b.c"]);
    let expected = "Subject: dots\r\n\r\n.one\r\n..\r\nx\n.\nMAIL FROM:<smuggled@b.c>\r\n";
    assert_eq!(String::from_utf8_lossy(&mails[0].raw), expected);
    assert_eq!(mails[0].read().subject, "dots");
}

#[tokio::test]
async fn a_mail_that_is_too_large_is_refused_and_the_next_one_is_taken() {
    let sink = sink().await;
    let begin = b"MAIL FROM:<me@b.c>\r\nRCPT TO:<a@b.c>\r\nDATA\r\n";
    let mut said = begin.to_vec();
    // One line, far longer than any buffer; its inner dots end nothing.
    said.extend(b".".repeat(MAIL_BYTES_MAX + 10));
    said.extend(b"\r\n.\r\n");
    said.extend(begin);
    said.extend(b"small\r\n.\r\nQUIT\r\n");
    let answers = converse(&sink, &said).await;
    assert!(answers.contains("552 larger than 1000000 bytes"), "{answers}");
    assert!(answers.contains("250 kept as 1"), "{answers}");
}

#[tokio::test]
async fn a_command_without_an_end_ends_the_conversation() {
    let sink = sink().await;
    let answers = converse(&sink, &b"x".repeat(4_096)).await;
    assert!(answers.ends_with("500 line too long\n"), "{answers}");
}

#[tokio::test]
async fn the_newest_mails_are_kept() {
    let inbox = Inbox::new();
    for i in 0..MAILS_MAX as u64 + 3 {
        let id = inbox.put(UnixMillis(i as i64), String::new(), Vec::new(), Vec::new());
        assert_eq!(id, i + 1);
    }
    assert_eq!(inbox.mails().len(), MAILS_MAX);
    assert_eq!(inbox.mails()[0].id, 4);
    assert_eq!(inbox.get(3), None);
    assert_eq!(inbox.get(4).unwrap().received_at, UnixMillis(3));
    assert_eq!(*inbox.received().borrow(), MAILS_MAX as u64 + 3);
}

#[tokio::test]
async fn it_does_not_listen_where_others_could_reach_it() {
    let error = MailSink::start("0.0.0.0:0".parse().unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}
