//! Where chats and other pagers tell what was answered there.
//!
//! Each checks who speaks before it looks at what is said; what is not signed is refused with 401
//! and says nothing of why. A system that is not configured is not there.

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};

use super::{Site, answer};
use crate::answers::{
    Closed, System,
    discord::{self, Interaction},
    pagerduty,
    slack::{self, Refused},
    telegram::{self, Update},
};

/// Bytes of a request: a message of fifty blocks comes back with its button.
const BODY_BYTES_MAX: usize = 512 * 1024;

/// `/hooks/…`, to be nested there.
pub(super) fn router() -> Router<Site> {
    Router::new()
        .route("/slack", post(slack))
        .route("/discord", post(discord))
        .route("/telegram", post(telegram))
        .route("/pagerduty", post(pagerduty))
        .route("/opsgenie", post(opsgenie))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn refused(system: System, refused: Refused) -> Response {
    let system = system.as_str();
    tracing::warn!(system, %refused, "a request was refused");
    match refused {
        Refused::Signature | Refused::Old => StatusCode::UNAUTHORIZED,
        Refused::Form => StatusCode::BAD_REQUEST,
    }
    .into_response()
}

async fn slack(State(site): State<Site>, headers: HeaderMap, body: Bytes) -> Response {
    let Some(chats) = site.chats() else { return StatusCode::NOT_FOUND.into_response() };
    let Some(slack) = &chats.wiring.slack else { return StatusCode::NOT_FOUND.into_response() };
    let signature = text(&headers, slack::SIGNATURE_HEADER);
    let timestamp = text(&headers, slack::TIMESTAMP_HEADER);
    match slack.read(signature, timestamp, &body, site.now()) {
        Err(why) => refused(System::Slack, why),
        Ok(None) => StatusCode::OK.into_response(),
        Ok(Some(pressed)) => {
            chats.slack(pressed).await;
            site.changed();
            StatusCode::OK.into_response()
        }
    }
}

async fn discord(State(site): State<Site>, headers: HeaderMap, body: Bytes) -> Response {
    let Some(chats) = site.chats() else { return StatusCode::NOT_FOUND.into_response() };
    let Some(known) = &chats.wiring.discord else { return StatusCode::NOT_FOUND.into_response() };
    let signature = text(&headers, discord::SIGNATURE_HEADER);
    let timestamp = text(&headers, discord::TIMESTAMP_HEADER);
    match known.read(signature, timestamp, &body, site.now()) {
        Err(why) => refused(System::Discord, why),
        Ok(Interaction::Ping) => Json(discord::pong()).into_response(),
        Ok(Interaction::Other) => StatusCode::BAD_REQUEST.into_response(),
        Ok(Interaction::Pressed { token, user, content }) => {
            let answers = chats.answers.clone();
            let replied =
                answer::blocking(move || discord::reply(&answers, &token, &user, &content)).await;
            site.changed();
            match replied {
                Ok(reply) => Json(reply).into_response(),
                Err(failure) => failure.into_response(),
            }
        }
    }
}

async fn telegram(State(site): State<Site>, headers: HeaderMap, body: Bytes) -> Response {
    let Some(chats) = site.chats() else { return StatusCode::NOT_FOUND.into_response() };
    let known = chats.wiring.telegram.as_ref().filter(|known| known.secret_token.is_some());
    let Some(known) = known else { return StatusCode::NOT_FOUND.into_response() };
    if !known.is_from(text(&headers, telegram::SECRET_HEADER)) {
        return refused(System::Telegram, Refused::Signature);
    }
    let Ok(update) = serde_json::from_slice::<Update>(&body) else {
        return refused(System::Telegram, Refused::Form);
    };
    chats.telegram(known, update).await;
    site.changed();
    StatusCode::OK.into_response()
}

async fn pagerduty(State(site): State<Site>, headers: HeaderMap, body: Bytes) -> Response {
    let Some(chats) = site.chats() else { return StatusCode::NOT_FOUND.into_response() };
    let Some(known) = &chats.wiring.pagerduty else { return StatusCode::NOT_FOUND.into_response() };
    let signature = text(&headers, pagerduty::SIGNATURE_HEADER);
    taken(&site, System::PagerDuty, known.read(signature, &body)).await
}

async fn opsgenie(State(site): State<Site>, headers: HeaderMap, body: Bytes) -> Response {
    let Some(chats) = site.chats() else { return StatusCode::NOT_FOUND.into_response() };
    let Some(known) = &chats.wiring.opsgenie else { return StatusCode::NOT_FOUND.into_response() };
    let authorization = text(&headers, header::AUTHORIZATION.as_str());
    taken(&site, System::Opsgenie, known.read(authorization, &body)).await
}

/// Hands on what was done in another pager. What we refuse is answered with 202: sending it again
/// would change nothing. What we could not keep is answered with 503, and is sent again.
async fn taken(
    site: &Site,
    system: System,
    read: Result<Option<pagerduty::Word>, Refused>,
) -> Response {
    let word = match read {
        Err(why) => return refused(system, why),
        Ok(None) => return StatusCode::NO_CONTENT.into_response(),
        Ok(Some(word)) => word,
    };
    let Some(answers) = site.answers() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let alert = word.alert;
    let took = answer::blocking(move || pagerduty::take(&answers, system, word)).await;
    let system = system.as_str();
    match took {
        Err(failure) => failure.into_response(),
        Ok(Ok(())) => {
            site.changed();
            StatusCode::OK.into_response()
        }
        Ok(Err(Closed::Store(error))) => {
            let cause = super::error_chain(&error);
            tracing::error!(system, cause, "what was answered there could not be kept");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
        Ok(Err(closed)) => {
            tracing::warn!(system, %alert, %closed, "what was answered there does not count");
            StatusCode::ACCEPTED.into_response()
        }
    }
}
