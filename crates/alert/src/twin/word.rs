//! What was said to whom about an alert, and whether it says what another word says.

use model::{AlertId, NotificationKind, Severity, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::pager::Whom;

/// A word of the other installation that is this old when ours is decided, or younger, is about the
/// same: a minute, less than the shortest step of an escalation.
pub const FRESH_S: u64 = 60;

/// A repeated word with the same number is the same one for this long: ten minutes. Beyond it the
/// numbers of two installations may have come apart, and a reminder is worth more than one too few.
pub const SAME_S: u64 = 600;

/// What a message says about one alert to somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// To whom.
    pub whom: Whom,
    /// About which alert.
    pub alert: AlertId,
    /// What.
    pub kind: NotificationKind,
    /// How bad it was said to be.
    pub severity: Severity,
    /// How many words about it the same people had before.
    pub sequence: u32,
}

/// A word that another installation says it told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spoken {
    /// What.
    pub word: Word,
    /// When it was delivered; when the attempt began while it is under way.
    pub at: UnixMillis,
    /// What the receiver's side answered; `None` while it is under way.
    pub receipt: Option<String>,
}

impl Word {
    /// Whether people who heard `other` heard what this word, decided at `decided_at`, says. Less bad
    /// never says it.
    pub fn is_said_by(&self, other: &Spoken, decided_at: UnixMillis) -> bool {
        use NotificationKind::{Closed, Confirmed, Opened, Retracted, Updated};
        let theirs = &other.word;
        if theirs.alert != self.alert || theirs.whom != self.whom {
            return false;
        }
        let age_ms = decided_at.millis_since(other.at);
        let is_fresh = age_ms <= (FRESH_S * 1_000) as i64;
        let is_numbered_so = theirs.sequence == self.sequence;
        match (self.kind, theirs.kind) {
            // The number tells one beginning from the next, however long ago it was told.
            (Opened, Opened) => theirs.severity >= self.severity && (is_numbered_so || is_fresh),
            (Opened, Updated) => theirs.severity >= self.severity && is_fresh,
            // Whoever lagged may say at once what the other said in two words.
            (Updated, Opened) => theirs.severity >= self.severity && is_fresh,
            (Updated, Updated) => {
                let is_same = is_numbered_so && age_ms <= (SAME_S * 1_000) as i64;
                theirs.severity >= self.severity && (is_same || is_fresh)
            }
            (Confirmed, Confirmed) => {
                theirs.severity >= self.severity && (is_numbered_so || is_fresh)
            }
            (Retracted, Retracted) | (Closed, Closed) => is_numbered_so || is_fresh,
            _ => false,
        }
    }
}
