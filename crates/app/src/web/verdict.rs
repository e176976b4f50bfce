//! The form on an alert's page: what it turned out to be.
//!
//! It carries the write key itself. Nothing else gives the right to write (no cookie, no address),
//! so a page of somebody else that makes a browser send this form sends nothing that counts.

use axum::{
    Form,
    extract::{Path, State, rejection::FormRejection},
    response::{IntoResponse, Redirect, Response},
};
use model::{AlertId, AlertVerdict, Assessment};
use serde::{Deserialize, Serialize};

use super::{
    Site,
    layout::{Failure, When},
};
use crate::{
    feedback::{self, Said, SayError},
    words,
};

/// Bytes of a form: every field at its longest, encoded.
pub(super) const FORM_BYTES_MAX: usize = 16 * 1024;

/// What the form sends.
#[derive(Deserialize)]
pub(super) struct Filled {
    verdict: String,
    by: String,
    because: String,
    key: String,
}

/// What people said, and the form to say more.
#[derive(Serialize)]
pub(super) struct Verdicts {
    /// Whether the form can be sent: a write key is configured.
    is_open: bool,
    /// The word that holds now.
    now: Option<&'static str>,
    said: Vec<Line>,
    choices: Vec<Choice>,
}

#[derive(Serialize)]
struct Line {
    verdict: &'static str,
    by: String,
    because: String,
    at: When,
}

#[derive(Serialize)]
struct Choice {
    word: &'static str,
    meaning: &'static str,
}

impl Verdicts {
    pub(super) fn new(site: &Site, verdicts: &[AlertVerdict], now: model::UnixSeconds) -> Self {
        let line = |verdict: &AlertVerdict| Line {
            verdict: verdict.assessment.map_or("withdrawn", Assessment::as_str),
            by: words::clean(&verdict.by),
            because: words::clean(&verdict.because),
            at: When::new(words::seconds(verdict.at), now),
        };
        let choice = |one: Assessment| Choice { word: one.as_str(), meaning: one.meaning() };
        let mut choices: Vec<Choice> = Assessment::ALL.into_iter().map(choice).collect();
        if !verdicts.is_empty() {
            choices.push(Choice {
                word: feedback::WITHDRAW,
                meaning: "take back what was said before",
            });
        }
        Self {
            is_open: site.info().write_key.is_some(),
            now: verdicts.last().and_then(|verdict| verdict.assessment).map(Assessment::as_str),
            said: verdicts.iter().rev().map(line).collect(),
            choices,
        }
    }
}

/// `POST /alerts/{id}/verdict`.
pub(super) async fn say(
    State(site): State<Site>,
    Path(id): Path<String>,
    filled: Result<Form<Filled>, FormRejection>,
) -> Result<Response, Failure> {
    let Form(filled) = filled.map_err(|error| Failure::BadAddress(error.body_text()))?;
    let alert: AlertId = id
        .parse()
        .map_err(|_| Failure::NotFound(format!("there is no alert {}", words::clean(&id))))?;
    let info = site.info();
    if !feedback::may_write(info.write_key.as_deref(), &filled.key) {
        return Err(Failure::Forbidden(
            "the write key is not the one that bellwether.toml names".to_owned(),
        ));
    }
    let assessment = feedback::parse_assessment(&filled.verdict).map_err(Failure::BadAddress)?;
    let said = Said { alert, assessment, by: filled.by, because: filled.because };
    match site.say(said).await? {
        // Seen again with GET, so that a reload does not say it twice.
        Ok(_) => Ok(Redirect::to(&format!("/alerts/{alert}#verdict")).into_response()),
        Err(SayError::NoAlert(alert)) => {
            Err(Failure::NotFound(format!("there is no alert {alert}")))
        }
        Err(error) => Err(Failure::BadAddress(error.to_string())),
    }
}
