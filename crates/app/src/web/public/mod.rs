//! What everybody may hear: a page, feeds, signed documents, a list by mail. Without a login, without
//! scripts.
//!
//! Nothing here is made from what the other pages are made from: these see notices, and the settings
//! of `public.toml`. Their frame is their own, too, so that not even the names of other pages, or what
//! the installation is called inside, stand in it.

mod alerts; // the list, one notice, its signed document
mod feed; //   Atom, RSS, JSON Feed, the key
mod signup; // mail

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Serialize;

use super::{Site, layout};
use crate::community::Community;

/// Bytes of a form: a mail address.
const FORM_BYTES_MAX: usize = 1_024;

/// `/public/…`, to be nested there.
pub(super) fn router() -> Router<Site> {
    Router::new()
        .route("/", get(|| async { Redirect::permanent("/public/alerts") }))
        .route("/alerts", get(alerts::page))
        .route("/alerts/{id}", get(alerts::one))
        .route("/feed.atom", get(feed::atom))
        .route("/feed.rss", get(feed::rss))
        .route("/feed.json", get(feed::json))
        .route("/key", get(feed::key))
        .route("/subscribe", post(signup::subscribe))
        .route("/confirm/{token}", get(signup::confirm_page).post(signup::confirm))
        .route("/leave/{token}", get(signup::leave_page).post(signup::leave))
        .fallback(elsewhere)
        .method_not_allowed_fallback(elsewhere)
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
}

/// Why there is no page. Says nothing about the rest of the program.
#[derive(Debug, thiserror::Error)]
enum Closed {
    #[error("there is nothing here")]
    Nothing,
    #[error("{0}")]
    Refused(&'static str, StatusCode),
    #[error("this cannot be shown at the moment")]
    Broken,
}

impl IntoResponse for Closed {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Nothing => StatusCode::NOT_FOUND,
            Self::Refused(_, status) => status,
            Self::Broken => StatusCode::SERVICE_UNAVAILABLE,
        };
        (status, format!("{self}\n")).into_response()
    }
}

/// Nothing has this address.
pub(super) async fn elsewhere() -> Response {
    Closed::Nothing.into_response()
}

/// What is published, when anything is.
fn community(site: &Site) -> Result<Arc<Community>, Closed> {
    site.info().community.clone().ok_or(Closed::Nothing)
}

/// Asks the store where blocking is allowed.
async fn ask<T: Send + 'static, E: std::error::Error + Send + 'static>(
    question: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<Result<T, E>, Closed> {
    crate::blocking::blocking(question).await.map_err(|panic| {
        tracing::error!(panic, "a public page could not be made");
        Closed::Broken
    })
}

fn broken(error: &(dyn std::error::Error + 'static)) -> Closed {
    tracing::error!(cause = super::error_chain(error), "a public page could not be made");
    Closed::Broken
}

fn render(template: &str, page: impl Serialize) -> Result<Response, Closed> {
    let html = layout::render_public(template, page).map_err(|error| broken(&error))?;
    Ok(html.into_response())
}
