//! What goes to the outbox.

use std::collections::BTreeMap;

use model::{AlertId, NotificationKind, Severity, UnixMillis};
use serde::{Deserialize, Serialize};

use super::{GroupId, MessageId, Whom, Why};
use crate::{life::Stage, twin::Word};

/// Alerts that one message speaks of; further ones wait for the next message. Receivers show the
/// first few and count the rest.
pub const LINES_MAX: usize = 10_000;

/// What kind of message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MessageKind {
    /// To be read when one looks.
    Notice,
    /// To wake somebody; asks for an acknowledgement.
    Page,
    /// Many at once.
    Summary,
}

/// What a message says about one alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    /// What was told is void.
    Void,
    /// It is there.
    New,
    /// It is there again.
    Again,
    /// It is worse.
    Worse,
    /// There is much more of it.
    More,
    /// It is final now.
    Confirmed,
    /// It still waits for somebody, or still stands.
    Still,
    /// It is over.
    Over(Stage),
}

impl News {
    /// What receivers are told it is.
    pub fn kind(self) -> NotificationKind {
        match self {
            Self::New | Self::Again => NotificationKind::Opened,
            Self::Worse | Self::More | Self::Still => NotificationKind::Updated,
            Self::Confirmed => NotificationKind::Confirmed,
            Self::Void => NotificationKind::Retracted,
            Self::Over(_) => NotificationKind::Closed,
        }
    }
}

/// One alert in a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Alert.
    pub alert: AlertId,
    /// How bad.
    pub severity: Severity,
    /// What is new about it.
    pub news: News,
    /// How many words about it the same people had before.
    pub sequence: u32,
}

/// A message for the outbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Identity.
    pub id: MessageId,
    /// For whom.
    pub to: Whom,
    /// What kind.
    pub kind: MessageKind,
    /// The worst of its alerts.
    pub severity: Severity,
    /// Its group; `None` for a summary of several.
    pub group: Option<GroupId>,
    /// Its alerts, the worst first.
    pub lines: Vec<Line>,
    /// Alerts put off since the last summary, by severity.
    pub shed: BTreeMap<Severity, u64>,
    /// Why it is sent.
    pub why: Why,
    /// When it was decided.
    pub at: UnixMillis,
}

impl Message {
    /// What it says to whom, one word for each of its alerts.
    pub fn words(&self) -> impl Iterator<Item = Word> {
        self.lines.iter().map(|line| Word {
            whom: self.to.clone(),
            alert: line.alert,
            kind: line.news.kind(),
            severity: line.severity,
            sequence: line.sequence,
        })
    }
}
