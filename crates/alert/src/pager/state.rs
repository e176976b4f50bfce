//! What the pager remembers, in rows: one per alert, group, reader, silence and week, so that a step
//! stores only what it changed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use model::{AlertId, Name, Severity, UnixMillis};
use serde::{Deserialize, Serialize};

use super::{Facts, GroupId, MessageId, Whom};
use crate::{life::Life, quiet::Silence, route::Path};

/// Version of the rows; a row of a later one is refused rather than misread.
pub const ROWS_VERSION: u32 = 1;

/// What hides an alert in a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Hidden {
    Silence(Name),
    Inhibited { rule: Name, by: AlertId },
    Quiet,
    Flapping { times: u64 },
}

/// An alert's place in a group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Member {
    /// Whether the group has yet to look at what changed in it.
    pub(super) is_pending: bool,
    /// Whether the group spoke since it joined.
    pub(super) is_seen: bool,
    /// Whether people were called for it, since it last began.
    pub(super) is_paged: bool,
    pub(super) hidden: Option<Hidden>,
    /// The silence that would hide it, were it signed by two.
    pub(super) unsigned: Option<Name>,
}

/// What somebody was told last about an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Told {
    pub(super) severity: Severity,
    pub(super) findings: u64,
    /// Whether it was said to stand.
    pub(super) is_firing: bool,
    /// Whether it was final then.
    pub(super) is_final: bool,
    /// The group that spoke.
    pub(super) group: GroupId,
    /// How many words about it they had before.
    pub(super) sequence: u32,
}

/// What is known about an alert, and who knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// As it is now.
    pub(super) facts: Facts,
    pub(super) life: Life,
    pub(super) groups: BTreeMap<GroupId, Member>,
    pub(super) told: BTreeMap<Whom, Told>,
    /// When it began again after being over; the last few.
    pub(super) returns: VecDeque<UnixMillis>,
    /// When anything last changed.
    pub(super) touched_at: UnixMillis,
}

impl Card {
    /// The alert as it is now.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Where it is, and how it came there.
    pub fn life(&self) -> &Life {
        &self.life
    }

    /// Who was told of it.
    pub fn told(&self) -> impl Iterator<Item = &Whom> {
        self.told.keys()
    }

    /// Its groups.
    pub fn groups(&self) -> impl Iterator<Item = GroupId> {
        self.groups.keys().copied()
    }
}

/// Where a page is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum TryState {
    /// Not known yet.
    Waiting,
    Delivered,
    Failed,
}

/// One page to one person over one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Try {
    pub(super) whom: Whom,
    /// `None` while it waits for a summary.
    pub(super) message: Option<MessageId>,
    pub(super) at: UnixMillis,
    pub(super) state: TryState,
}

/// People are being called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Run {
    pub(super) escalation: Name,
    /// When this round began.
    pub(super) began: UnixMillis,
    pub(super) severity: Severity,
    /// The next rung.
    pub(super) rung: usize,
    pub(super) rounds: u32,
    pub(super) next_at: UnixMillis,
    /// Pages of the last rung.
    pub(super) tries: Vec<Try>,
}

/// Alerts that share their messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    pub(super) id: GroupId,
    pub(super) path: Path,
    /// What its alerts have in common.
    pub(super) common: Vec<(String, String)>,
    /// A beat of its rhythm, the next one unless it rests.
    pub(super) flush_at: UnixMillis,
    /// When each was told last, for repeats and to keep a distance.
    pub(super) told_at: BTreeMap<Whom, UnixMillis>,
    /// Who waits for a summary that speaks of it.
    pub(super) queued: BTreeSet<Whom>,
    pub(super) run: Option<Run>,
    /// All alerts in it; written in the alerts' own rows.
    #[serde(skip)]
    pub(super) members: BTreeSet<AlertId>,
    /// Those it has yet to look at; written there, too.
    #[serde(skip)]
    pub(super) pending: BTreeSet<AlertId>,
    /// When it wakes; `None`: it rests. Follows from the rest.
    #[serde(skip)]
    pub(super) wakes_at: Option<UnixMillis>,
}

impl Group {
    /// What its alerts have in common.
    pub fn common(&self) -> &[(String, String)] {
        &self.common
    }

    /// Its alerts.
    pub fn members(&self) -> impl Iterator<Item = AlertId> {
        self.members.iter().copied()
    }

    /// Whether people are being called for it.
    pub fn is_escalating(&self) -> bool {
        self.run.is_some()
    }
}

/// What somebody bears: a bucket of messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desk {
    pub(super) whom: Whom,
    /// Thousandths of a message that may be sent now.
    pub(super) room_milli: u64,
    pub(super) filled_at: UnixMillis,
    pub(super) summary_at: Option<UnixMillis>,
    /// Alerts put off since the last summary.
    pub(super) shed: BTreeMap<Severity, u64>,
    /// Groups that wait for the summary; written in the groups' own rows.
    #[serde(skip)]
    pub(super) queue: BTreeSet<GroupId>,
}

/// How many alerts came on a way this week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Week {
    pub(super) path: Path,
    /// Weeks since 1970; they begin on Monday, UTC.
    pub(super) week: i64,
    pub(super) alerts: u32,
    /// Whether it was said that they are too many.
    pub(super) is_told: bool,
}

/// One row of the pager's memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "row", rename_all = "lowercase")]
pub enum Row {
    /// An alert.
    Card(Box<Card>),
    /// A group.
    Group(Box<Group>),
    /// A reader.
    Desk(Desk),
    /// A silence.
    Silence(Silence),
    /// A week of a branch.
    Week(Week),
}

/// What a row is filed under.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// An alert.
    Card(AlertId),
    /// A group.
    Group(GroupId),
    /// A reader.
    Desk(Whom),
    /// A silence.
    Silence(Name),
    /// A week of a branch.
    Week(Path),
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Card(id) => write!(f, "card/{id}"),
            Self::Group(id) => write!(f, "group/{id}"),
            Self::Desk(whom) => write!(f, "desk/{whom}"),
            Self::Silence(id) => write!(f, "silence/{id}"),
            Self::Week(path) => write!(f, "week/{path}"),
        }
    }
}

impl Row {
    /// What it is filed under.
    pub fn key(&self) -> Key {
        match self {
            Self::Card(card) => Key::Card(card.facts.alert),
            Self::Group(group) => Key::Group(group.id),
            Self::Desk(desk) => Key::Desk(desk.whom.clone()),
            Self::Silence(silence) => Key::Silence(silence.id.clone()),
            Self::Week(week) => Key::Week(week.path.clone()),
        }
    }
}

/// A row with the version of its form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// [`ROWS_VERSION`] when it was written.
    pub version: u32,
    /// What.
    pub row: Row,
}

/// Rows that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// Written by a later version of the program.
    #[error("the row {key} has version {version}; this program reads up to {ROWS_VERSION}")]
    Version {
        /// Row.
        key: Key,
        /// Its version.
        version: u32,
    },
}
