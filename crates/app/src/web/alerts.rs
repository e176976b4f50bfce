//! All alerts, newest first, in pages.

use std::collections::BTreeMap;

use axum::{
    extract::{Query, State},
    response::Html,
};
use model::{Alert, AlertState, FactValue, UnixMillis, UnixSeconds};
use serde::Serialize;
use store::{AlertFilter, Cursor, Drills};

use super::{
    Site,
    layout::{self, Failure, When},
};
use crate::{paging, words};

/// Alerts on one page: two screens.
const ALERTS_PER_PAGE: usize = 50;

/// Receivers that a row names one by one.
const TOLD_NAMED_MAX: usize = 3;

/// An alert in a table.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    id: String,
    severity: &'static str,
    state: &'static str,
    /// Which drill it belongs to, if any.
    drill: Option<String>,
    title: String,
    place: String,
    findings: String,
    opened: When,
    /// From the block's time to the alert.
    latency: String,
    told: Vec<String>,
    told_more: usize,
}

impl Row {
    pub(super) fn new(alert: &Alert, now: UnixSeconds) -> Self {
        let told: Vec<String> =
            alert.told.keys().take(TOLD_NAMED_MAX).map(ToString::to_string).collect();
        Self {
            id: alert.id.to_string(),
            severity: alert.severity.as_str(),
            state: alert.state.as_str(),
            drill: alert.provenance().drill().map(ToString::to_string),
            title: words::clean(alert.title()),
            place: words::place(alert),
            findings: findings(alert),
            opened: When::new(alert.opened_at, now),
            latency: latency(alert),
            told_more: alert.told.len() - told.len(),
            told,
        }
    }
}

/// How many findings stand, and how many do not any more.
fn findings(alert: &Alert) -> String {
    let (standing, total) = (alert.findings_standing(), alert.findings_total());
    if alert.state == AlertState::Retracted || standing == total {
        words::grouped(total)
    } else {
        format!("{} of {}", words::grouped(standing), words::grouped(total))
    }
}

/// From the block's time to the alert, in seconds; a block's clock may be ahead of ours.
pub(super) fn latency(alert: &Alert) -> String {
    let ms = alert.created_at.millis_since(UnixMillis::from(alert.opened_at));
    match ms {
        ..0 => "< 1 s".to_owned(),
        0..10_000 => format!("{:.1} s", ms as f64 / 1_000.0),
        _ => FactValue::Seconds(ms.unsigned_abs() / 1_000).to_string(),
    }
}

#[derive(Serialize)]
struct Page {
    page: &'static str,
    alerts: Vec<Row>,
    /// Where the next page begins.
    next: Option<String>,
    is_first: bool,
    is_watching: bool,
}

/// `GET /alerts?before=…`.
pub(super) async fn page(
    State(site): State<Site>,
    Query(parameters): Query<BTreeMap<String, String>>,
) -> Result<Html<String>, Failure> {
    let before = parameters.get("before").map(|text| text.parse::<Cursor>()).transpose();
    let before = before.map_err(|error| Failure::BadAddress(words::clean(&error.to_string())))?;
    let all = AlertFilter { drills: Drills::With, ..AlertFilter::default() };
    let found = site
        .read(move |store| {
            let mut page = store.alerts(&all, before, ALERTS_PER_PAGE)?;
            page.items = paging::with_told(store, page.items)?;
            Ok(page)
        })
        .await?;
    let snapshot = site.snapshot().await?;
    let now = words::seconds(site.now());
    let page = Page {
        page: "alerts",
        alerts: found.items.iter().map(|alert| Row::new(alert, now)).collect(),
        next: found.next.map(|cursor| cursor.to_string()),
        is_first: before.is_none(),
        is_watching: snapshot.is_watching(),
    };
    layout::render(&site, &site.info(), "alerts.html", page)
}
