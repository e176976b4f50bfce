//! The same facts as JSON under `/api/v1`; what people say afterwards is written with the write
//! key, and what other systems report with their tokens.
//!
//! The shapes in [`wire`] are a promise to other programs: a field is added, never renamed or
//! removed, within one version. They are separate from the types inside, which may change.
//! `docs/api.md` describes every address.

mod feedback; //   what people say afterwards, with the write key
mod paging; //     what people tell the pager, with the write key
mod parameters; // what may be asked, and what is said about what may not
mod reply; //      errors as JSON
mod reports; //    other systems report alerts
mod routes; //     one function an address
mod twin; //       another installation says what it told
pub mod wire; //   shapes

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
};

use crate::{twin::TALK_BYTES_MAX, web::Site};

pub(crate) use reports::as_alertmanager;

/// `/api/v1/…`, to be nested there.
pub(crate) fn router() -> Router<Site> {
    Router::new()
        .route("/status", get(routes::status))
        .route("/heartbeat", get(routes::heartbeat))
        .route("/networks", get(routes::networks))
        .route("/coverage", get(routes::coverage))
        .route("/ledger", get(routes::ledger))
        .route("/alerts", get(routes::alerts))
        .route("/alerts/{id}", get(routes::alert))
        .route("/findings", get(routes::findings))
        .route("/series", get(routes::series))
        .route("/deployments", get(routes::deployments))
        .route("/addresses/{network}/{address}", get(routes::address))
        .route("/threats", get(routes::threats))
        .route("/outbox", get(routes::outbox))
        .route("/twin", post(twin::exchange).layer(DefaultBodyLimit::max(TALK_BYTES_MAX)))
        .route("/alertmanager", reports::of_alertmanager())
        .route("/silences", get(paging::silences))
        .route("/words", post(paging::tell).layer(body()))
        .route("/drills", post(paging::begin_drill).layer(body()))
        .route("/public/subscribers/remove", post(feedback::remove_subscriber).layer(body()))
        .route("/attacks", get(feedback::attacks))
        .route("/fatigue", get(paging::fatigue))
        .route("/quality", get(feedback::quality))
        .route("/incidents", get(feedback::incidents).post(feedback::declare).layer(body()))
        .route("/alerts/{id}/verdicts", get(feedback::verdicts).post(feedback::say).layer(body()))
        .fallback(routes::unknown)
        .method_not_allowed_fallback(routes::read_only)
}

/// What may be sent where something may be sent at all.
fn body() -> DefaultBodyLimit {
    DefaultBodyLimit::max(feedback::BODY_BYTES_MAX)
}

/// `/healthz`, `/readyz` and `/metrics`.
pub(crate) fn health_router() -> Router<Site> {
    Router::new()
        .route("/healthz", get(routes::healthz))
        .route("/readyz", get(routes::readyz))
        .route("/metrics", get(routes::metrics))
}
