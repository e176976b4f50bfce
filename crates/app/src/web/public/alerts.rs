//! The list of what is published, one notice, its signed document.

use alert::public::{Notice, PublicId, Standing, Status};
use axum::{
    Json,
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{Closed, Site, ask, broken, community, render};
use crate::{
    community::{self, Line, entry_of},
    notify::safe,
    web::layout::When,
    words,
};

#[derive(Serialize)]
struct Page {
    name: String,
    alerts: Vec<Row>,
    ongoing: usize,
    has_severity: bool,
    has_list: bool,
}

#[derive(Serialize)]
struct Row {
    id: String,
    title: String,
    place: String,
    status: &'static str,
    severity: Option<&'static str>,
    published: When,
    changed: When,
}

/// `GET /public/alerts`.
pub(super) async fn page(State(site): State<Site>) -> Result<Response, Closed> {
    let community = community(&site)?;
    let (store, known) = (site.store().clone(), community.clone());
    let listing = ask(move || known.listing(&store)).await?.map_err(|error| broken(&error))?;
    let now = words::seconds(site.now());
    let row = |notice: &Notice| Row {
        id: notice.id.to_string(),
        title: safe::ours(&notice.title),
        place: place(notice),
        status: notice.status.as_str(),
        severity: notice.severity.map(model::Severity::as_str),
        published: When::new(words::seconds(notice.published_at), now),
        changed: When::new(words::seconds(notice.updated_at), now),
    };
    let is_ongoing = |notice: &&Notice| notice.status == Status::Ongoing;
    render(
        "public_alerts.html",
        Page {
            name: safe::ours(&community.settings.name),
            ongoing: listing.notices.iter().filter(is_ongoing).count(),
            has_severity: listing.notices.iter().any(|notice| notice.severity.is_some()),
            has_list: community.settings.mail_list().is_some(),
            alerts: listing.notices.iter().map(row).collect(),
        },
    )
}

fn place(notice: &Notice) -> String {
    let names = [&notice.contract, &notice.network];
    let names: Vec<&str> = names.into_iter().flatten().map(model::Name::as_str).collect();
    names.join(" on ")
}

#[derive(Serialize)]
struct One {
    name: String,
    id: String,
    subject: String,
    title: String,
    severity: Option<&'static str>,
    meaning: &'static str,
    lines: Vec<Line>,
    revision: u32,
}

/// `GET /public/alerts/{id}` and `…/{id}.json`, the signed document.
pub(super) async fn one(
    State(site): State<Site>,
    Path(address): Path<String>,
) -> Result<Response, Closed> {
    let community = community(&site)?;
    let (id, is_document) = match address.strip_suffix(".json") {
        Some(id) => (id, true),
        None => (address.as_str(), false),
    };
    let id: PublicId = id.parse().map_err(|_| Closed::Nothing)?;
    let store = site.store().clone();
    let found = ask(move || store.public_entry(id.0)).await?.map_err(|error| broken(&error))?;
    let found = found.ok_or(Closed::Nothing)?;
    let entry = entry_of(found.alert, found.body.as_deref()).ok_or(Closed::Nothing)?;
    let Standing::Published { notice } = entry.standing else { return Err(Closed::Nothing) };
    if is_document {
        let sealed = community.settings.seal(&notice, 0).map_err(|error| {
            tracing::error!(error = format!("{error:#}"), "a notice could not be signed");
            Closed::Broken
        })?;
        let open = [(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")];
        return Ok((open, Json(sealed)).into_response());
    }
    render(
        "public_alert.html",
        One {
            name: safe::ours(&community.settings.name),
            id: notice.id.to_string(),
            subject: community::subject(&notice),
            title: safe::ours(&notice.title),
            severity: notice.severity.map(model::Severity::as_str),
            meaning: community::meaning(notice.status),
            lines: community::lines(&notice, &community.explorers),
            revision: notice.revision,
        },
    )
}
