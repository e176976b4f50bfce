//! Notifications: one message to one receiver, kept in the outbox until it is delivered.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{AlertId, Name, UnixMillis};

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
}

impl NotificationKind {
    /// The word used in messages and headers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Updated => "updated",
            Self::Confirmed => "confirmed",
            Self::Retracted => "retracted",
        }
    }
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
    /// Alert it tells about.
    pub alert: AlertId,
    /// Receiver, by its name in the configuration.
    pub receiver: Name,
    /// What it says.
    pub kind: NotificationKind,
    /// Counts the messages about this alert to this receiver, from 0.
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
