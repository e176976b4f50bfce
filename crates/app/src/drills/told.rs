//! How far a drill came: who was told over what, and when somebody was on it.

use alert::life::Stage;
use model::{AlertId, MessageForm, NotificationState, UnixMillis};
use serde::Serialize;
use store::AlertDetails;

use crate::paging;

/// One message of a drill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    /// Channel.
    pub channel: String,
    /// Person, when it was for one.
    pub person: Option<String>,
    /// `notice`, `page` or `summary`.
    pub form: &'static str,
    /// `due`, `delivered` or `failed`.
    pub state: &'static str,
    /// Receipt, or what went wrong last.
    pub detail: String,
    /// Milliseconds from the beginning of the drill to the delivery.
    pub delivered_after_ms: Option<i64>,
}

impl Told {
    /// In one line.
    pub fn line(&self) -> String {
        let Self { channel, form, state, detail, .. } = self;
        let whom = match &self.person {
            Some(person) => format!("{person} over {channel}"),
            None => channel.clone(),
        };
        let when =
            self.delivered_after_ms.map_or(String::new(), |ms| format!(" after {}", span(ms)));
        let detail = if detail.is_empty() { String::new() } else { format!(" ({detail})") };
        format!("{form} to {whom}: {state}{when}{detail}")
    }
}

/// How far a drill came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Alert.
    pub alert: String,
    /// Drill.
    pub drill: Option<String>,
    /// Where it is among people; `None`: the pager has not looked at it yet.
    pub stage: Option<&'static str>,
    /// Messages, in order of their decision.
    pub told: Vec<Told>,
    /// Milliseconds from the beginning to the first delivery.
    pub first_delivery_ms: Option<i64>,
    /// Milliseconds from the beginning to the first acknowledgement.
    pub acknowledged_ms: Option<i64>,
    /// Who was on it first.
    pub acknowledged_by: Option<String>,
    /// Whether it goes on.
    #[serde(skip)]
    pub is_over: bool,
    /// Identity.
    #[serde(skip)]
    pub id: AlertId,
}

impl Progress {
    /// What is on record about the alert of a drill.
    pub fn of(details: &AlertDetails) -> Self {
        let began = details.alert.created_at;
        let after = |at: UnixMillis| at.millis_since(began);
        let life = paging::life(details);
        let stage = life.as_ref().map(alert::life::Life::stage);
        let first =
            life.as_ref().and_then(|life| life.acknowledgements().min_by_key(|(_, at)| *at));
        let mut messages: Vec<_> = details.notifications.iter().collect();
        messages.sort_by_key(|message| (message.decided_at, message.id));
        let told: Vec<Told> = messages
            .into_iter()
            .map(|message| {
                let last = details.attempts.iter().rfind(|a| a.notification == message.id);
                let (state, detail, delivered) = match &message.state {
                    NotificationState::Due { .. } => {
                        ("due", last.map_or("", |attempt| &*attempt.detail), None)
                    }
                    NotificationState::Delivered { at, receipt } => {
                        ("delivered", &**receipt, Some(after(*at)))
                    }
                    NotificationState::Failed { reason, .. } => ("failed", &**reason, None),
                };
                Told {
                    channel: message.receiver.to_string(),
                    person: message.person.as_ref().map(ToString::to_string),
                    form: MessageForm::as_str(message.form),
                    state,
                    detail: crate::words::clean(detail),
                    delivered_after_ms: delivered,
                }
            })
            .collect();
        Self {
            alert: details.alert.id.to_string(),
            drill: details.alert.provenance().drill().map(ToString::to_string),
            stage: stage.map(Stage::as_str),
            first_delivery_ms: told.iter().filter_map(|told| told.delivered_after_ms).min(),
            acknowledged_ms: first.as_ref().map(|(_, at)| after(*at)),
            acknowledged_by: first.map(|(by, _)| by.to_string()),
            is_over: stage.is_some_and(|stage| !stage.is_firing()),
            id: details.alert.id,
            told,
        }
    }

    /// What came of it, in a sentence without its full stop.
    pub fn verdict(&self) -> String {
        let delivered = match self.first_delivery_ms {
            Some(ms) => format!("first delivery after {}", span(ms)),
            None => "nothing was delivered".to_owned(),
        };
        match (self.acknowledged_ms, &self.acknowledged_by) {
            (Some(ms), Some(by)) => {
                format!("{delivered}, acknowledged by {by} after {}", span(ms))
            }
            _ => format!("{delivered}, nobody acknowledged it"),
        }
    }
}

/// A span in tenths of a second.
fn span(ms: i64) -> String {
    if ms < 60_000 {
        format!("{:.1} s", ms as f64 / 1_000.0)
    } else {
        crate::words::span(ms.unsigned_abs() / 1_000)
    }
}
