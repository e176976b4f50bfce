//! Notifications: one message to one receiver, kept in the outbox until it is delivered.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{AlertId, Name, Severity, UnixMillis};

/// What a message says about its alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NotificationKind {
    /// Something happened.
    Opened,
    /// More of the same happened, or it became worse.
    Updated,
    /// It is final now.
    Confirmed,
    /// It left the chain: what was told before is void.
    Retracted,
    /// It is over: somebody said so, or its cause is gone.
    Closed,
}

impl NotificationKind {
    /// The word used in messages and headers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Updated => "updated",
            Self::Confirmed => "confirmed",
            Self::Retracted => "retracted",
            Self::Closed => "closed",
        }
    }

    /// All kinds.
    pub const ALL: [Self; 5] =
        [Self::Opened, Self::Updated, Self::Confirmed, Self::Retracted, Self::Closed];
}

/// What kind of attention a message asks for.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum MessageForm {
    /// To be read when one looks.
    #[default]
    Notice,
    /// To wake somebody; asks for an acknowledgement.
    Page,
    /// Many at once.
    Summary,
}

impl MessageForm {
    /// All forms.
    pub const ALL: [Self; 3] = [Self::Notice, Self::Page, Self::Summary];

    /// The word used in the store, the API and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Page => "page",
            Self::Summary => "summary",
        }
    }
}

/// What a message says about one of its alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationLine {
    /// Alert.
    pub alert: AlertId,
    /// What it says.
    pub kind: NotificationKind,
    /// How bad it says that the alert is.
    pub severity: Severity,
    /// Counts the words about this alert to the same people, from 0.
    pub sequence: u32,
}

/// Identity of a message: what receivers use to recognise a second delivery of the same message.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NotificationId(pub [u8; 16]);

impl NotificationId {
    /// The `sequence`-th message about `alert` to `receiver`.
    pub fn derive(alert: AlertId, receiver: &Name, sequence: u32) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"notification/1");
        hash.update(alert.0);
        hash.update(sequence.to_be_bytes());
        hash.update(receiver.as_str().as_bytes());
        let mut id = [0; 16];
        id.copy_from_slice(&hash.finalize()[..16]);
        Self(id)
    }
}

impl fmt::Display for NotificationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for NotificationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where a message is on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum NotificationState {
    /// Waiting for its (next) attempt.
    Due {
        /// Not before this.
        not_before: UnixMillis,
    },
    /// The receiver's side took it.
    Delivered {
        /// When.
        at: UnixMillis,
        /// What the receiver's side answered (status, message id).
        receipt: String,
    },
    /// It will never be taken: the receiver refused it for good, or attempts ran out.
    Failed {
        /// When we gave up.
        at: UnixMillis,
        /// Why.
        reason: String,
    },
}

/// One message to one receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// Identity.
    pub id: NotificationId,
    /// Alert it tells about; the worst of them.
    pub alert: AlertId,
    /// Receiver, by its name in the configuration.
    pub receiver: Name,
    /// The person it is for; `None`: all who read the receiver.
    pub person: Option<Name>,
    /// What kind of attention it asks for.
    pub form: MessageForm,
    /// Group of the alerts it speaks of; `None`: several groups.
    pub group: Option<[u8; 16]>,
    /// How many alerts it speaks of.
    pub alerts: u32,
    /// What it says about `alert`.
    pub kind: NotificationKind,
    /// Counts the messages about `alert` to the same people, from 0.
    pub sequence: u32,
    /// Why it is sent ("first finding", "severity rose to critical", "block 123 left the chain").
    pub reason: String,
    /// When it was decided.
    pub decided_at: UnixMillis,
    /// Attempts so far.
    pub attempts: u32,
    /// Where it is on its way.
    pub state: NotificationState,
}
