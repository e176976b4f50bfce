use model::{AlertState, NotificationId, NotificationKind, Secret};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
};

use crate::{
    mail_sink::MailSink,
    notify::{
        MailTls, Receiver, ReceiverConfig, ReceiverError, SendError,
        message::tests::{finding, message},
    },
};

fn config(port: u16, to: &[&str]) -> ReceiverConfig {
    ReceiverConfig::Mail {
        host: "127.0.0.1".to_owned(),
        port,
        tls: MailTls::None,
        username: None,
        password: None,
        from: "Bellwether <alerts@watch.example>".to_owned(),
        to: to.iter().map(|to| (*to).to_owned()).collect(),
    }
}

fn mail(port: u16, to: &[&str]) -> Receiver {
    Receiver::new(&config(port, to)).unwrap()
}

#[tokio::test]
async fn a_mail_arrives_whole_and_its_successors_thread_under_it() {
    let sink = MailSink::start("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let receiver = mail(sink.address().port(), &["ann@corp.example", "Bo <bo@corp.example>"]);
    let opened = message();
    let receipt = receiver.send(&opened).await.unwrap();
    assert!(receipt.text.starts_with("SMTP 250 kept as 1"), "{}", receipt.text);
    let mut retracted = message();
    retracted.kind = NotificationKind::Retracted;
    retracted.sequence = 1;
    retracted.id = NotificationId::derive(retracted.alert.id, &retracted.receiver, 1);
    retracted.alert.state = AlertState::Retracted;
    receiver.send(&retracted).await.unwrap();

    let mails = sink.inbox().mails();
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0].from, "alerts@watch.example");
    assert_eq!(mails[0].to, ["ann@corp.example", "bo@corp.example"]);
    let (first, second) = (mails[0].read(), mails[1].read());
    assert_eq!(first.subject, opened.subject());
    assert_eq!(first.message_id, format!("<{}@watch.example>", opened.id));
    assert_eq!(first.in_reply_to, None);
    assert_eq!(second.in_reply_to.as_deref(), Some(first.message_id.as_str()));
    assert!(second.subject.starts_with("[CRITICAL] Retracted: "), "{}", second.subject);
    assert_eq!(first.text.unwrap().replace("\r\n", "\n").trim_end(), opened.text());
    assert_eq!(first.html.unwrap().trim_end(), opened.html());
    let raw = String::from_utf8_lossy(&mails[0].raw).into_owned();
    assert!(raw.contains("Auto-Submitted: auto-generated\r\n"), "{raw}");
    assert!(raw.contains("Importance: high\r\n"), "{raw}");
    assert!(!String::from_utf8_lossy(&mails[1].raw).contains("Importance"));
}

#[tokio::test]
async fn a_hostile_title_adds_no_header_and_no_recipient() {
    let sink = MailSink::start("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let receiver = mail(sink.address().port(), &["ann@corp.example"]);
    let mut message = message();
    // Even if it got past the cleaning.
    message.headline =
        "x\r\nBcc: all@corp.example\r\n\r\n.\r\nRCPT TO:<all@corp.example>".to_owned();
    message.alert.cause = finding().into();
    receiver.send(&message).await.unwrap();
    let mails = sink.inbox().mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, ["ann@corp.example"]);
    let raw = String::from_utf8_lossy(&mails[0].raw).into_owned();
    let headers = raw.split("\r\n\r\n").next().unwrap();
    assert!(!headers.lines().any(|line| line.starts_with("Bcc")), "{headers}");
}

/// A server that answers `RCPT` as its script says, in order, and takes everything else.
async fn moody(rcpt: &'static [&'static str]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut script = rcpt.iter();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (reader, mut writer) = stream.into_split();
            let mut lines = BufReader::new(reader).lines();
            writer.write_all(b"220 moody\r\n").await.ok();
            let mut in_data = false;
            while let Ok(Some(line)) = lines.next_line().await {
                let answer = match line.get(..4) {
                    _ if in_data && line != "." => continue,
                    _ if in_data => {
                        in_data = false;
                        "250 taken"
                    }
                    Some("DATA") => {
                        in_data = true;
                        "354 go on"
                    }
                    Some("RCPT") => script.next().unwrap_or(&"250 ok"),
                    Some("QUIT") => "221 bye",
                    _ => "250 ok",
                };
                writer.write_all(format!("{answer}\r\n").as_bytes()).await.ok();
            }
        }
    });
    port
}

#[tokio::test]
async fn an_address_that_is_gone_does_not_silence_the_others() {
    // Refused in the mail to both; then one by one: the first taken, the second refused.
    let port = moody(&["250 ok", "550 gone", "250 ok", "550 gone"]).await;
    let receipt = mail(port, &["ann@corp.example", "bo@corp.example"]).send(&message()).await;
    let receipt = receipt.unwrap().text;
    assert!(receipt.starts_with("taken for 1 of 2; refused: bo@corp.example: "), "{receipt}");
}

#[tokio::test]
async fn a_server_that_is_busy_is_tried_again_and_one_that_refuses_is_not() {
    let busy = mail(moody(&["451 greylisted"]).await, &["ann@corp.example"]);
    let error = busy.send(&message()).await.unwrap_err();
    assert!(matches!(error, SendError::Retry { .. }), "{error:?}");
    let refuses = mail(moody(&["550 no such user"]).await, &["ann@corp.example"]);
    let error = refuses.send(&message()).await.unwrap_err();
    assert!(matches!(error, SendError::Permanent { .. }), "{error:?}");
    assert!(error.to_string().contains("no such user"), "{error}");
}

#[tokio::test]
async fn a_server_that_is_gone_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let error = mail(port, &["ann@corp.example"]).send(&message()).await.unwrap_err();
    assert!(matches!(error, SendError::Retry { .. }), "{error:?}");
}

#[test]
fn a_configuration_that_cannot_work_is_refused_when_it_is_read() {
    let refused = |change: &dyn Fn(&mut ReceiverConfig)| {
        let mut config = config(25, &["ann@corp.example"]);
        change(&mut config);
        Receiver::new(&config).unwrap_err()
    };
    let error = refused(&|config| {
        let ReceiverConfig::Mail { to, .. } = config else { unreachable!() };
        to.push("not an address".to_owned());
    });
    assert!(matches!(error, ReceiverError::MailAddress { .. }), "{error:?}");
    let error = refused(&|config| {
        let ReceiverConfig::Mail { to, .. } = config else { unreachable!() };
        to.clear();
    });
    assert_eq!(error, ReceiverError::NoAddressee);
    let error = refused(&|config| {
        let ReceiverConfig::Mail { username, .. } = config else { unreachable!() };
        *username = Some("bellwether".to_owned());
    });
    assert_eq!(error, ReceiverError::HalfAnAccount);
    let error = refused(&|config| {
        let ReceiverConfig::Mail { host, username, password, .. } = config else { unreachable!() };
        *host = "smtp.corp.example".to_owned();
        *username = Some("bellwether".to_owned());
        *password = Some(Secret::new("hunter2".to_owned()));
    });
    assert_eq!(error, ReceiverError::PasswordInClear { host: "smtp.corp.example".to_owned() });
}
