//! What people say afterwards. Reading is free; writing takes the write key as a bearer.

use axum::{
    Json,
    extract::{Path, State, rejection::JsonRejection},
    http::{HeaderMap, StatusCode, header},
};
use model::{AlertId, Incident};
use serde::Deserialize;

use super::{parameters::Parameters, reply::Failure, wire};
use crate::{
    feedback::{Said, SayError, may_write, parse_assessment},
    web::Site,
    words,
};

/// Bytes of what may be sent: every field at its longest.
pub(super) const BODY_BYTES_MAX: usize = 16 * 1024;

type Answer<T> = Result<Json<T>, Failure>;

pub(super) async fn quality(State(site): State<Site>, asked: Parameters) -> Answer<wire::Quality> {
    asked.only(&[])?;
    Ok(Json(wire::Quality::new(&*site.quality().await?)))
}

/// Alerts of the last two weeks that belong together.
pub(super) async fn attacks(State(site): State<Site>, asked: Parameters) -> Answer<wire::Attacks> {
    asked.only(&[])?;
    Ok(Json(wire::Attacks::new(&*site.attacks().await?)))
}

pub(super) async fn incidents(
    State(site): State<Site>,
    asked: Parameters,
) -> Answer<wire::Page<Incident>> {
    asked.only(&[])?;
    let incidents = site.read(store::Store::incidents).await?;
    Ok(Json(wire::Page { items: incidents.into_values().collect(), next: None }))
}

pub(super) async fn verdicts(
    State(site): State<Site>,
    Path(id): Path<String>,
    asked: Parameters,
) -> Answer<wire::Page<wire::AlertVerdict>> {
    asked.only(&[])?;
    let alert = alert(&id)?;
    let verdicts = site.read(move |store| store.verdicts_on(alert)).await?;
    Ok(Json(wire::Page {
        items: verdicts.iter().map(wire::AlertVerdict::new).collect(),
        next: None,
    }))
}

/// What is sent about an alert.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sent {
    verdict: String,
    by: String,
    because: String,
}

pub(super) async fn say(
    State(site): State<Site>,
    Path(id): Path<String>,
    headers: HeaderMap,
    sent: Result<Json<Sent>, JsonRejection>,
) -> Result<(StatusCode, Json<wire::AlertVerdict>), Failure> {
    check_key(&site, &headers)?;
    let Json(sent) = sent.map_err(|error| Failure::bad(error.body_text(), Vec::new()))?;
    let alert = alert(&id)?;
    let bad = |error: String| Failure::bad(error, Vec::new());
    let assessment = parse_assessment(&sent.verdict).map_err(bad)?;
    let said = Said { alert, assessment, by: sent.by, because: sent.because };
    match site.say(said).await? {
        Ok(verdict) => Ok((StatusCode::CREATED, Json(wire::AlertVerdict::new(&verdict)))),
        Err(SayError::NoAlert(alert)) => {
            Err(Failure::missing(format!("there is no alert {alert}")))
        }
        Err(error @ (SayError::Bad(_) | SayError::Drill(_))) => Err(bad(error.to_string())),
        Err(SayError::Store(error)) => Err(Failure::Read(error.into())),
    }
}

pub(super) async fn declare(
    State(site): State<Site>,
    headers: HeaderMap,
    sent: Result<Json<Incident>, JsonRejection>,
) -> Result<(StatusCode, Json<Incident>), Failure> {
    check_key(&site, &headers)?;
    let Json(incident) = sent.map_err(|error| Failure::bad(error.body_text(), Vec::new()))?;
    let bad = |error: model::FeedbackError| Failure::bad(error.to_string(), Vec::new());
    // When it was said is for this program to say.
    let incident = Incident { at: site.now(), ..incident }.checked().map_err(bad)?;
    site.declare(incident.clone()).await?;
    Ok((StatusCode::CREATED, Json(incident)))
}

fn alert(id: &str) -> Result<AlertId, Failure> {
    let missing = |_| Failure::missing(format!("there is no alert {:?}", words::clean(id)));
    id.parse().map_err(missing)
}

pub(super) fn check_key(site: &Site, headers: &HeaderMap) -> Result<(), Failure> {
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let shown = shown.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    let info = site.info();
    if may_write(info.write_key.as_deref(), shown) {
        return Ok(());
    }
    let error = match info.write_key {
        Some(_) => "writing takes the write key: Authorization: Bearer KEY",
        None => "only reading is offered: bellwether.toml names no write_key",
    };
    Err(refused(error))
}

/// Whoever asks may not.
pub(super) fn refused(error: impl Into<String>) -> Failure {
    Failure::NotAllowed(wire::Error { error: error.into(), allowed: Vec::new() })
}

/// Who is to get no public alerts any more.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Leaving {
    /// Mail address. Personal: in no log.
    address: String,
}

/// Whether somebody was on a list.
#[derive(Debug, serde::Serialize)]
pub(super) struct Left {
    /// Whether the address was on a list; it is on none now.
    removed: bool,
}

/// Takes an address off the lists of public alerts, with all that waits for it.
pub(super) async fn remove_subscriber(
    State(site): State<Site>,
    headers: HeaderMap,
    sent: Result<Json<Leaving>, JsonRejection>,
) -> Answer<Left> {
    check_key(&site, &headers)?;
    let Json(leaving) = sent.map_err(|error| Failure::bad(error.body_text(), Vec::new()))?;
    let removed = site.read(move |store| store.remove_subscriber(&leaving.address)).await?;
    Ok(Json(Left { removed }))
}
