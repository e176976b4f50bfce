//! Other systems report alerts: as to an Alertmanager, and as an Alertmanager does.
//!
//! The answer is 200 only once everything that was said is on record and on its way to the pager.

use axum::{
    Json,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{MethodRouter, post},
};

use super::{reply::Failure, wire};
use crate::{
    reports::{self, BODY_BYTES_MAX, Door, Told, ToldFault, Turned},
    web::Site,
};

/// `POST /api/v2/alerts`, where a Prometheus expects an Alertmanager.
pub(crate) fn as_alertmanager() -> MethodRouter<Site> {
    post(alerts).layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
}

/// `POST /api/v1/alertmanager`, to which an Alertmanager's webhook sends.
pub(super) fn of_alertmanager() -> MethodRouter<Site> {
    post(webhook).layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
}

async fn alerts(State(site): State<Site>, headers: HeaderMap, body: Bytes) -> Response {
    answered(&site, &headers, |_| reports::posted(&body)).await
}

async fn webhook(State(site): State<Site>, headers: HeaderMap, body: Bytes) -> Response {
    let read = |door: &Door| {
        let (told, left_out) = reports::webhook(&body)?;
        if left_out > 0 {
            // Only the sender's settings can help; it would send the same again.
            tracing::error!(source = %door.name, left_out, "alerts were left out by their sender: take max_alerts out of its webhook_config");
        }
        Ok(told)
    };
    answered(&site, &headers, read).await
}

async fn answered(
    site: &Site,
    headers: &HeaderMap,
    read: impl FnOnce(&Door) -> Result<Vec<Told>, ToldFault>,
) -> Response {
    let door = match door(site, headers) {
        Ok(door) => door,
        Err(refused) => return *refused,
    };
    let told = match read(&door) {
        Ok(told) => told,
        Err(fault) => {
            tracing::warn!(source = %door.name, %fault, "alerts were not taken");
            return Failure::bad(fault.to_string(), Vec::new()).into_response();
        }
    };
    match site.take_reports(door, told).await {
        Ok(taken) if taken.refused > 0 => {
            // Whoever sends again later may find room.
            (StatusCode::SERVICE_UNAVAILABLE, Json(taken)).into_response()
        }
        Ok(taken) => (StatusCode::OK, Json(taken)).into_response(),
        Err(error) => Failure::Read(error).into_response(),
    }
}

/// Whose request it is. The error is the answer.
fn door(site: &Site, headers: &HeaderMap) -> Result<Door, Box<Response>> {
    let info = site.info();
    if info.sources.is_empty() {
        let missing = "nobody may report alerts here: there is no sources.toml";
        return Err(Box::new(Failure::missing(missing).into_response()));
    }
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let shown = shown.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    info.sources.door(shown.trim(), site.now()).cloned().map_err(|turned| {
        let error =
            |error: &str| Json(wire::Error { error: error.to_owned(), allowed: Vec::new() });
        Box::new(match turned {
            Turned::Unknown => (
                StatusCode::UNAUTHORIZED,
                [(header::WWW_AUTHENTICATE, "Bearer")],
                error("the token is none of sources.toml"),
            )
                .into_response(),
            Turned::TooOften { again_in_s } => (
                StatusCode::TOO_MANY_REQUESTS,
                [(header::RETRY_AFTER, again_in_s.to_string())],
                error("too many requests; per_minute of sources.toml is the limit"),
            )
                .into_response(),
        })
    })
}
