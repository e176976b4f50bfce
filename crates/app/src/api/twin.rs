//! Another installation that tells the same people says what it told, and hears what was told here.

use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
};

use super::{feedback::refused, reply::Failure};
use crate::{signature::Envelope, twin, web::Site};

/// Only a key that the files name is answered, and nobody else learns anything.
pub(super) async fn exchange(
    State(site): State<Site>,
    sent: Result<Json<Envelope>, JsonRejection>,
) -> Result<Json<Envelope>, Failure> {
    let Json(envelope) = sent.map_err(|error| Failure::bad(error.body_text(), Vec::new()))?;
    twin::answer(&site, &envelope).await.map(Json).map_err(|error| refused(format!("{error:#}")))
}
