//! The same facts as JSON, read only, under `/api/v1`.
//!
//! The shapes in [`wire`] are a promise to other programs: a field is added, never renamed or
//! removed, within one version. They are separate from the types inside, which may change.
//! `docs/api.md` describes every address.

mod parameters; // what may be asked, and what is said about what may not
mod reply; //      errors as JSON
mod routes; //     one function an address
pub mod wire; //   shapes

use axum::{Router, routing::get};

use crate::web::Site;

/// `/api/v1/…`, to be nested there.
pub(crate) fn router() -> Router<Site> {
    Router::new()
        .route("/status", get(routes::status))
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
        .fallback(routes::unknown)
        .method_not_allowed_fallback(routes::read_only)
}

/// `/healthz`, `/readyz` and `/metrics`.
pub(crate) fn health_router() -> Router<Site> {
    Router::new()
        .route("/healthz", get(routes::healthz))
        .route("/readyz", get(routes::readyz))
        .route("/metrics", get(routes::metrics))
}
