//! The built-in mailbox, when there is one: the demo's.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::header,
    response::{Html, IntoResponse, Response},
};
use serde::Serialize;

use super::{
    Mail, MailSummary, Mailbox, Site,
    layout::{self, Failure, When},
};
use crate::words;

/// A mail is a stranger's document: no scripts, nothing loaded, its own origin; only our page
/// frames it.
const MAIL_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox";

#[derive(Serialize)]
struct Row {
    number: u64,
    to: String,
    subject: String,
    at: When,
}

#[derive(Serialize)]
struct MailsPage {
    page: &'static str,
    mails: Vec<Row>,
}

#[derive(Serialize)]
struct MailPage {
    page: &'static str,
    from: String,
    has_html: bool,
    text: String,
    mail: Row,
}

fn row(mail: MailSummary, site: &Site) -> Row {
    let at = When::new(words::seconds(mail.at), words::seconds(site.now()));
    let clean = |text: &str| words::clean(text);
    Row { number: mail.number, to: clean(&mail.to), subject: clean(&mail.subject), at }
}

/// `GET /mail`.
pub(super) async fn list(State(site): State<Site>) -> Result<Html<String>, Failure> {
    let mails = ask(&site, |mailbox| mailbox.list()).await?;
    let mails: Vec<Row> = mails.into_iter().map(|mail| row(mail, &site)).collect();
    layout::render(&site, &site.info(), "mails.html", MailsPage { page: "mail", mails })
}

/// `GET /mail/{number}`.
pub(super) async fn page(
    State(site): State<Site>,
    Path(number): Path<String>,
) -> Result<Html<String>, Failure> {
    let mail = find(&site, &number).await?;
    let page = MailPage {
        page: "mail",
        from: words::clean(&mail.from),
        has_html: mail.html.is_some(),
        text: words::clean_lines(&mail.text),
        mail: row(mail.summary, &site),
    };
    layout::render(&site, &site.info(), "mail.html", page)
}

/// `GET /mail/{number}/body`: the mail's HTML, alone.
pub(super) async fn body(
    State(site): State<Site>,
    Path(number): Path<String>,
) -> Result<Response, Failure> {
    let mail = find(&site, &number).await?;
    let html = mail.html.ok_or_else(|| Failure::NotFound(format!("mail {number} has no HTML")))?;
    Ok(([(header::CONTENT_SECURITY_POLICY, MAIL_POLICY)], Html(html)).into_response())
}

async fn find(site: &Site, number: &str) -> Result<Mail, Failure> {
    let missing = || Failure::NotFound(format!("there is no mail {}", words::clean(number)));
    let number = number.parse::<u64>().map_err(|_| missing())?;
    ask(site, move |mailbox| mailbox.get(number)).await?.ok_or_else(missing)
}

/// Asks the mailbox, which may block, where that is allowed.
async fn ask<T: Send + 'static>(
    site: &Site,
    question: impl FnOnce(&dyn Mailbox) -> T + Send + 'static,
) -> Result<T, Failure> {
    let missing = || Failure::NotFound("there is no mailbox".to_owned());
    let mailbox: Arc<dyn Mailbox> = site.mailbox().cloned().ok_or_else(missing)?;
    site.read(move |_| Ok(question(mailbox.as_ref()))).await.map_err(Failure::Read)
}
