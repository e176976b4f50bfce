//! The form on the page of an alert about a path: this use is fine, from now on.
//!
//! Like a verdict it carries the write key itself, and nothing else gives the right to write.

use axum::{
    Form,
    extract::{Path, State, rejection::FormRejection},
    response::{IntoResponse, Redirect, Response},
};
use model::AlertId;
use serde::{Deserialize, Serialize};
use store::AlertDetails;

use super::{Site, SiteInfo, layout::Failure};
use crate::{
    feedback,
    paths::{self, Covers, FinePath, PathFingerprint},
    words,
};

/// Paths of one alert that can be judged: an alert is about one use, seldom about more.
const PATHS_MAX: usize = 5;

/// What the form sends.
#[derive(Deserialize)]
pub(super) struct Filled {
    /// `general` or `exact`, a colon, and the fingerprint.
    path: String,
    by: String,
    because: String,
    /// Last day on which it holds; empty when it does not end.
    until: String,
    key: String,
}

/// What is known of the alert's paths, and the form to judge them.
#[derive(Serialize)]
pub(super) struct Judged {
    /// Whether the form can be sent: a write key is configured, and there is a folder to write to.
    is_open: bool,
    choices: Vec<Choice>,
    said: Vec<Line>,
}

#[derive(Serialize)]
struct Choice {
    word: String,
    fingerprint: String,
    meaning: &'static str,
}

#[derive(Serialize)]
struct Line {
    path: String,
    covers: &'static str,
    by: String,
    on: String,
    why: String,
    until: Option<String>,
}

impl Judged {
    /// `None` when the alert is about no path.
    pub(super) fn new(site: &Site, info: &SiteInfo, details: &AlertDetails) -> Option<Self> {
        let found = paths_of(details);
        let choices: Vec<Choice> = found
            .iter()
            .map(|(covers, path)| Choice {
                word: format!("{}:{}", covers.as_str(), path.as_str()),
                fingerprint: path.as_str().to_owned(),
                meaning: match covers {
                    Covers::General => "and every path like it: other repetitions, other outsiders",
                    Covers::Exact => "this very path, and none like it",
                },
            })
            .collect();
        let is_of_it = |fine: &&FinePath| {
            let is_meant =
                fine.monitors.is_empty() || fine.monitors.contains(&details.alert.monitor);
            is_meant && found.iter().any(|(_, path)| *path == fine.path)
        };
        let said = info.paths.fine.iter().map(|(_, fine)| fine).filter(is_of_it);
        let line = |fine: &FinePath| Line {
            path: fine.path.as_str().to_owned(),
            covers: fine.covers.as_str(),
            by: words::clean(&fine.judged_by),
            on: fine.judged_on.to_string(),
            why: words::clean(&fine.why),
            until: fine.until.map(|day| day.to_string()),
        };
        let is_open = info.write_key.is_some() && site.teacher().is_some();
        let said: Vec<Line> = said.map(line).collect();
        (!choices.is_empty()).then_some(Self { is_open, choices, said })
    }
}

/// Paths that an alert's findings name, the newest first.
fn paths_of(details: &AlertDetails) -> Vec<(Covers, PathFingerprint)> {
    let mut paths = Vec::new();
    let newest = details.findings.iter().rev().map(|record| &record.finding);
    for finding in newest.chain(details.alert.finding()) {
        for covers in [Covers::General, Covers::Exact] {
            let Some(path) = paths::named(finding, covers) else { continue };
            if paths.len() < 2 * PATHS_MAX && !paths.contains(&(covers, path.clone())) {
                paths.push((covers, path));
            }
        }
    }
    paths
}

/// `POST /alerts/{id}/path`.
pub(super) async fn fine(
    State(site): State<Site>,
    Path(id): Path<String>,
    filled: Result<Form<Filled>, FormRejection>,
) -> Result<Response, Failure> {
    let Form(filled) = filled.map_err(|error| Failure::BadAddress(error.body_text()))?;
    let missing = || Failure::NotFound(format!("there is no alert {}", words::clean(&id)));
    let alert: AlertId = id.parse().map_err(|_| missing())?;
    if !feedback::may_write(site.info().write_key.as_deref(), &filled.key) {
        return Err(Failure::Forbidden(
            "the write key is not the one that bellwether.toml names".to_owned(),
        ));
    }
    let Some(teacher) = site.teacher().cloned() else {
        return Err(Failure::Forbidden("there is no folder here to write into".to_owned()));
    };
    let details = site.read(move |store| store.alert(alert)).await?.ok_or_else(missing)?;
    let bad = Failure::BadAddress;
    let named = |(covers, path): &(Covers, PathFingerprint)| {
        format!("{}:{}", covers.as_str(), path.as_str()) == filled.path
    };
    let Some((covers, path)) = paths_of(&details).into_iter().find(named) else {
        return Err(bad("no finding of this alert names that path".to_owned()));
    };
    let until = match filled.until.trim() {
        "" => None,
        day => Some(day.parse().map_err(|error| bad(format!("the last day: {error}")))?),
    };
    let fine = FinePath {
        path,
        covers,
        monitors: vec![details.alert.monitor.clone()],
        judged_by: filled.by,
        judged_on: paths::today(),
        why: filled.because,
        until,
        salt: None,
    };
    let kept = tokio::task::spawn_blocking(move || teacher.fine(&fine)).await;
    match kept {
        // Seen again with GET, so that a reload does not judge twice.
        Ok(Ok(())) => Ok(Redirect::to(&format!("/alerts/{alert}#path")).into_response()),
        Ok(Err(error)) => Err(bad(format!("{error:#}"))),
        Err(error) => Err(bad(format!("the judgement was not written: {error}"))),
    }
}
