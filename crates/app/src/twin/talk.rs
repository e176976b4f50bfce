//! What one installation says to another, signed for it alone.

use alert::{
    pager::Whom,
    twin::{Spoken, Word},
};
use model::{AlertId, NotificationKind, Severity, UnixMillis};
use serde::{Deserialize, Serialize};
use store::{TwinSaid, TwinWord};

/// The type that is signed with it, so that it is no other document.
pub const TALK_TYPE: &str = "application/vnd.bellwether.twin.v1+json";

/// Bytes of one exchange: [`TOLD_MAX`] messages of many alerts.
pub const TALK_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Messages that one exchange tells of; the next one goes on.
pub(super) const TOLD_MAX: usize = 200;

/// Words that are being delivered, of which one exchange tells.
pub(super) const UNDER_WAY_MAX: usize = 1_000;

/// Things people said, of which one exchange tells; the next one goes on.
pub(super) const SAID_MAX: usize = 200;

/// How far back the logs are told to whoever knows nothing of them: a day.
pub(super) const TOLD_MS: i64 = 24 * 60 * 60 * 1_000;

/// Most that the clocks of both may differ: half a minute, because "told a minute ago" is compared.
pub const CLOCK_MS_MAX: i64 = 30_000;

/// What one installation says to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Talk {
    /// For whom: the public key, so that it is of no use to anybody else.
    pub to: String,
    /// Made up by whoever asked; the answer repeats it, so that no old answer passes for a new one.
    pub nonce: String,
    /// When, by its own clock.
    pub at: UnixMillis,
    /// Whether it means to speak before the one it talks to.
    pub speaks_first: bool,
    /// EIP-155 ids of the networks that it sees.
    pub sees: Vec<u64>,
    /// What it told, after message `told_after`.
    pub told: Vec<Told>,
    /// See `told`.
    pub told_after: u64,
    /// Newest message that it ever told.
    pub told_newest: u64,
    /// What it is telling now.
    pub under_way: Vec<Told>,
    /// What it told in public lately; its alerts are notices.
    #[serde(default)]
    pub published: Vec<Told>,
    /// What people said to it, after input `said_after`.
    pub said: Vec<Said>,
    /// See `said`.
    pub said_after: u64,
    /// Newest input that it ever had.
    pub said_newest: u64,
    /// Newest of the other's messages that it knows of.
    pub knows_told: u64,
    /// Newest of the other's inputs that it knows of.
    pub knows_said: u64,
}

/// A word that was told, or is being told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Its message's number; 0 while it is under way.
    pub number: u64,
    /// To whom.
    pub whom: Whom,
    /// About which alert.
    pub alert: String,
    /// What.
    pub kind: NotificationKind,
    /// How bad.
    pub severity: Severity,
    /// How many words about it the same people had before.
    pub sequence: u32,
    /// When it arrived, or the attempt began.
    pub at: UnixMillis,
    /// What the receiver's side answered; none while it is under way.
    pub receipt: Option<String>,
}

/// Something that a person said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Its number in the inbox.
    pub number: u64,
    /// When it came.
    pub at: UnixMillis,
    /// Versioned JSON, as the pager takes it.
    pub input: String,
}

impl Told {
    pub(super) fn new(number: u64, word: TwinWord) -> Self {
        let whom = Whom { channel: word.receiver, person: word.person };
        let TwinWord { alert, kind, severity, sequence, at, receipt, .. } = word;
        Self { number, whom, alert: alert.to_string(), kind, severity, sequence, at, receipt }
    }

    /// As the store keeps it; `None` when its alert is no id.
    pub(super) fn stored(&self) -> Option<TwinWord> {
        Some(TwinWord {
            alert: self.alert.parse::<AlertId>().ok()?,
            receiver: self.whom.channel.clone(),
            person: self.whom.person.clone(),
            kind: self.kind,
            severity: self.severity,
            sequence: self.sequence,
            at: self.at,
            receipt: self.receipt.clone(),
        })
    }
}

impl Said {
    pub(super) fn new(said: TwinSaid) -> Self {
        Self { number: said.number, at: said.at, input: said.json }
    }

    pub(super) fn stored(&self) -> TwinSaid {
        TwinSaid { number: self.number, at: self.at, json: self.input.clone() }
    }
}

/// What another installation said, as it is compared with ours.
pub(super) fn spoken(word: TwinWord) -> Spoken {
    let whom = Whom { channel: word.receiver, person: word.person };
    let TwinWord { alert, kind, severity, sequence, at, receipt, .. } = word;
    Spoken { word: Word { whom, alert, kind, severity, sequence }, at, receipt }
}
