//! The page behind a link in a message: one sentence, one button.
//!
//! Opening it does nothing, because mail scanners and previews open links, too; the button posts the
//! same address, and counts once. The token is the whole right to answer, so a page of somebody
//! else cannot send this form without knowing it, and it is kept out of what others see: no cache,
//! no referrer.

use axum::{
    Form,
    extract::{Path, State, rejection::FormRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use model::Name;
use serde::{Deserialize, Serialize};

use super::{
    Site,
    layout::{Failure, render},
};
use crate::{
    answers::{Answers, Asked, Closed, Who},
    words,
};

/// Bytes of the form: a name.
pub(super) const FORM_BYTES_MAX: usize = 1_024;

/// What the form sends.
#[derive(Deserialize)]
pub(super) struct Filled {
    /// Who one is, in a message that went to several.
    #[serde(default)]
    by: String,
}

#[derive(Serialize)]
struct AnswerPage {
    page: &'static str,
    /// What the page is about, in its title.
    title: &'static str,
    /// What has happened, or why nothing has.
    told: Option<String>,
    is_done: bool,
    /// The alert, when it is known.
    alert: Option<AlertLine>,
    /// What can be done.
    ask: Option<Ask>,
}

#[derive(Serialize)]
struct AlertLine {
    id: String,
    severity: &'static str,
    state: &'static str,
    headline: String,
    more: usize,
}

#[derive(Serialize)]
struct Ask {
    token: String,
    label: &'static str,
    meaning: &'static str,
    /// For whom the message was.
    person: Option<String>,
    /// Who reads the channel that the message went to.
    readers: Vec<String>,
    until: String,
}

/// `GET /answer/{token}`: says what the button would do.
pub(super) async fn page(
    State(site): State<Site>,
    Path(token): Path<String>,
) -> Result<Response, Failure> {
    let answers = taking(&site)?;
    let looking = (answers.clone(), token.clone());
    let found = blocking(move || looking.0.look(&looking.1)).await?;
    let now = site.now();
    match found {
        Ok(asked) if asked.answered.len() >= asked.people_max() => {
            shown(&site, StatusCode::OK, told(Some(&asked), asked.told(), false))
        }
        Ok(asked) if now > asked.expires_at() => refused(&site, &Closed::Expired(Box::new(asked))),
        Ok(asked) => {
            let ask = Ask {
                token,
                label: asked.wish.label(),
                meaning: asked.wish.meaning(),
                person: asked.person.as_ref().map(ToString::to_string),
                readers: match &asked.person {
                    Some(_) => Vec::new(),
                    None => answers.readers(&asked.channel).iter().map(Name::to_string).collect(),
                },
                until: words::utc(words::seconds(asked.expires_at())),
            };
            let told = (!asked.answered.is_empty()).then(|| asked.told());
            let page = AnswerPage {
                page: "answer",
                title: asked.wish.label(),
                told,
                is_done: false,
                alert: line(&asked),
                ask: Some(ask),
            };
            shown(&site, StatusCode::OK, page)
        }
        Err(closed) => refused(&site, &closed),
    }
}

/// `POST /answer/{token}`: does it, once.
pub(super) async fn act(
    State(site): State<Site>,
    Path(token): Path<String>,
    filled: Result<Form<Filled>, FormRejection>,
) -> Result<Response, Failure> {
    let Form(filled) = filled.map_err(|error| Failure::BadAddress(error.body_text()))?;
    let answers = taking(&site)?;
    let by = match filled.by.trim() {
        "" => None,
        name => Some(Name::new(name).map_err(|error| Failure::BadAddress(error.to_string()))?),
    };
    match blocking(move || answers.act(&token, &Who::Link(by), "link")).await? {
        Ok(done) => {
            site.changed();
            shown(&site, StatusCode::OK, told(Some(&done.asked), done.told(), true))
        }
        Err(closed) => refused(&site, &closed),
    }
}

fn taking(site: &Site) -> Result<Answers, Failure> {
    site.answers().ok_or_else(|| Failure::NotFound("no answers are taken here".to_owned()))
}

/// Runs what waits for the store where waiting is allowed.
pub(super) async fn blocking<T: Send + 'static>(
    body: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    let ran = tokio::task::spawn_blocking(body).await;
    ran.map_err(|stopped| Failure::Read(super::ReadError::Stopped(stopped)))
}

fn line(asked: &Asked) -> Option<AlertLine> {
    let worst = asked.alerts.first()?;
    Some(AlertLine {
        id: worst.id.to_string(),
        severity: worst.severity.as_str(),
        state: worst.state.as_str(),
        headline: format!("{} ({})", words::clean(worst.title()), worst.place()),
        more: asked.ids.len().saturating_sub(1),
    })
}

fn told(asked: Option<&Asked>, told: String, is_done: bool) -> AnswerPage {
    AnswerPage {
        page: "answer",
        title: if is_done { "Done" } else { "Not done" },
        told: Some(told),
        is_done,
        alert: asked.and_then(line),
        ask: None,
    }
}

fn refused(site: &Site, closed: &Closed) -> Result<Response, Failure> {
    let (status, asked) = match closed {
        Closed::Forged => (StatusCode::NOT_FOUND, None),
        Closed::TooMany => (StatusCode::TOO_MANY_REQUESTS, None),
        Closed::Gone => (StatusCode::GONE, None),
        Closed::Expired(asked) => (StatusCode::GONE, Some(asked)),
        Closed::Answered(asked) => (StatusCode::CONFLICT, Some(asked)),
        Closed::Stranger(_) => (StatusCode::FORBIDDEN, None),
        Closed::Impossible(_) => (StatusCode::UNPROCESSABLE_ENTITY, None),
        Closed::Store(error) => {
            let cause = super::error_chain(error);
            tracing::error!(cause, "an answer could not be kept");
            (StatusCode::SERVICE_UNAVAILABLE, None)
        }
    };
    shown(site, status, told(asked.map(|asked| &**asked), closed.told(), false))
}

fn shown(site: &Site, status: StatusCode, page: AnswerPage) -> Result<Response, Failure> {
    Ok((status, render(site, &site.info(), "answer.html", page)?).into_response())
}
