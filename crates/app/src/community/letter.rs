//! Mail to a subscriber, and to who may become one.

use std::time::{Duration, SystemTime};

use lettre::{
    Address,
    message::{Attachment, Body, Mailbox, MultiPart, SinglePart, header},
};
use model::{Secret, UnixMillis};
use store::Subscriber;

use super::{Community, Said, words};
use crate::{
    notify::{Mail, SendError, safe},
    signature::Envelope,
};

fn builder(
    mail: &Mail,
    to: &Mailbox,
    subject: &str,
    headers: &[(&'static str, String)],
    now: UnixMillis,
) -> lettre::message::MessageBuilder {
    let at = u64::try_from(now.0).unwrap_or_default();
    let mut builder = lettre::Message::builder()
        .from(mail.from().clone())
        .to(to.clone())
        .subject(subject)
        .date(SystemTime::UNIX_EPOCH + Duration::from_millis(at));
    // Robots do not answer robots (RFC 3834).
    let robot = ("Auto-Submitted", "auto-generated".to_owned());
    for (name, value) in headers.iter().cloned().chain([robot]) {
        let name = header::HeaderName::new_from_ascii_str(name);
        builder = builder.raw_header(header::HeaderValue::new(name, value));
    }
    builder
}

fn mailbox(address: &Secret<String>) -> Result<Mailbox, SendError> {
    let address: Address = address
        .reveal()
        .parse()
        .map_err(|_| SendError::permanent("the subscriber's address is none"))?;
    Ok(Mailbox::new(None, address))
}

fn unmade(error: &lettre::error::Error) -> SendError {
    SendError::permanent(format!("the mail cannot be put together: {error}"))
}

/// What is told, with the signed document, and a way off the list in one click (RFC 8058).
pub(super) fn news(
    community: &Community,
    mail: &Mail,
    said: &Said,
    sealed: &Envelope,
    reader: &Subscriber,
    now: UnixMillis,
) -> Result<(lettre::Message, Address), SendError> {
    let settings = &community.settings;
    let to = mailbox(&reader.address)?;
    let domain = mail.from().email.domain();
    let notice = &said.lead;
    let id = |revision: u32| format!("<{}.{revision}.{}@{domain}>", notice.id, reader.id);
    let leave = format!("{}/public/leave/{}", settings.url, hex::encode(reader.leave));
    let headers = [
        ("List-Id", format!("<{}.{domain}>", reader.channel)),
        ("List-Unsubscribe", format!("<{leave}>")),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()),
        ("X-Bellwether-Notice", notice.id.to_string()),
        ("X-Bellwether-Status", notice.status.as_str().to_owned()),
    ];
    let mut text = words::text(notice, &community.explorers);
    if let Some(more) = words::others(said.others) {
        text.push_str(&format!("\n{more}: {}/public/alerts\n", settings.url));
    }
    text.push_str(&format!(
        "\n{}\n\nThis mail carries the signed notice. Check it with\n  bellwether public verify alert.json --public KEY\nand the key that you noted from {}/public/key.\n\nYou subscribed to {}. To get no more of these: {leave}\n",
        settings.page_of(notice),
        settings.url,
        safe::ours(&settings.name),
    ));
    let mut builder = builder(mail, &to, &words::subject(notice), &headers, now)
        .message_id(Some(id(notice.revision)));
    if notice.revision > 1 {
        builder = builder.in_reply_to(id(1)).references(id(1));
    }
    let json = header::ContentType::parse("application/json")
        .map_err(|error| SendError::permanent(error.to_string()))?;
    let document = Body::new(serde_json::json!(sealed).to_string());
    let letter = builder
        .multipart(
            MultiPart::mixed()
                .singlepart(SinglePart::plain(text))
                .singlepart(Attachment::new("alert.json".to_owned()).body(document, json)),
        )
        .map_err(|error| unmade(&error))?;
    Ok((letter, to.email))
}

/// Asks whoever holds the address whether they asked for it.
pub(super) fn invitation(
    community: &Community,
    mail: &Mail,
    address: &Secret<String>,
    link: &str,
    now: UnixMillis,
) -> Result<(lettre::Message, Address), SendError> {
    let to = mailbox(address)?;
    let name = safe::ours(&community.settings.name);
    let text = format!(
        "Somebody, probably you, asked for {name} by mail to this address.\n\nTo get them, open this within a day and press the button:\n  {link}\n\nIf it was not you, do nothing: the address is kept nowhere, and nothing more will come.\n",
    );
    let letter = builder(mail, &to, &format!("Confirm: {name}"), &[], now)
        .message_id(None)
        .singlepart(SinglePart::plain(text))
        .map_err(|error| unmade(&error))?;
    Ok((letter, to.email))
}
