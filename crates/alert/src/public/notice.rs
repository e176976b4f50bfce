//! What everybody is told about an alert.

use std::{fmt, str::FromStr};

use model::{Address, AlertId, B256, BlockNumber, Name, Severity, UnixMillis, UnixSeconds};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Field, Policy, Subject, kind};
use crate::life::Stage;

/// Identity of a notice. It follows from the alert's, and does not tell it: what is inside is not
/// addressed from outside.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicId(pub [u8; 16]);

impl PublicId {
    /// The id of the notice about an alert.
    pub fn of(alert: AlertId) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"public/1");
        hash.update(alert.0);
        let mut id = [0; 16];
        id.copy_from_slice(&hash.finalize()[..16]);
        Self(id)
    }
}

impl fmt::Display for PublicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for PublicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PublicId {
    type Err = hex::FromHexError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut id = [0; 16];
        hex::decode_to_slice(text, &mut id)?;
        Ok(Self(id))
    }
}

impl TryFrom<String> for PublicId {
    type Error = hex::FromHexError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<PublicId> for String {
    fn from(id: PublicId) -> Self {
        id.to_string()
    }
}

/// Whether it goes on, as everybody may know it: not who is on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It goes on.
    Ongoing,
    /// It is over.
    Over,
    /// It was looked at, and is nothing bad.
    Harmless,
    /// It left the chain: what was told is void.
    Retracted,
}

impl Status {
    /// The word used in feeds and pages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ongoing => "ongoing",
            Self::Over => "over",
            Self::Harmless => "harmless",
            Self::Retracted => "retracted",
        }
    }

    /// Whether it takes something back or closes it: whoever was told must hear that.
    pub fn is_end(self) -> bool {
        self != Self::Ongoing
    }
}

impl From<Stage> for Status {
    fn from(stage: Stage) -> Self {
        match stage {
            Stage::Provisional | Stage::Open | Stage::Acknowledged | Stage::Promoted => {
                Self::Ongoing
            }
            Stage::Resolved | Stage::Duplicate => Self::Over,
            Stage::Benign => Self::Harmless,
            Stage::Retracted => Self::Retracted,
        }
    }
}

/// What everybody is told. Each field beyond the title is there only when the allow-list names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Identity, the same in all revisions.
    pub id: PublicId,
    /// Counts what was published about it, from 1.
    pub revision: u32,
    /// Whether it goes on.
    pub status: Status,
    /// What it is, in public words.
    pub title: String,
    /// When it was first published.
    pub published_at: UnixMillis,
    /// When this revision was.
    pub updated_at: UnixMillis,
    /// How bad.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// The network's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Name>,
    /// The deployment's label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<Name>,
    /// The contract's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// The transaction that it began with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<B256>,
    /// The block that it began with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<BlockNumber>,
    /// The time of that block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<UnixSeconds>,
    /// What is at risk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Which detector found it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detector: Option<String>,
    /// The finding's own headline, made safe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headline: Option<String>,
}

impl Notice {
    /// What may be told of an alert now, field by field.
    pub(super) fn of(
        subject: &Subject<'_>,
        policy: &Policy,
        before: Option<&Self>,
        now: UnixMillis,
    ) -> Self {
        let alert = subject.shown.alert();
        let first = subject.shown.finding();
        let listed = |field| policy.fields.contains(&field);
        let own = policy.rule(alert).and_then(|rule| rule.title.clone());
        let usual = || kind(&first.detector).title.to_owned();
        // It keeps the name under which it became known.
        let title = before.map(|before| before.title.clone()).or(own).unwrap_or_else(usual);
        Self {
            id: PublicId::of(alert.id),
            revision: before.map_or(1, |before| before.revision.saturating_add(1)),
            status: subject.life.stage().into(),
            title,
            published_at: before.map_or(now, |before| before.published_at),
            updated_at: now,
            severity: listed(Field::Severity).then_some(subject.severity),
            network: listed(Field::Network).then(|| first.network.clone()),
            contract: alert.deployment.clone().filter(|_| listed(Field::Contract)),
            address: first.address.filter(|_| listed(Field::Address)),
            transaction: first.origin.tx.filter(|_| listed(Field::Transaction)),
            block: listed(Field::Block).then_some(first.origin.block.number),
            since: listed(Field::Time).then_some(alert.opened_at),
            value: first
                .value_at_risk
                .as_ref()
                .filter(|_| listed(Field::Value))
                .map(ToString::to_string),
            detector: listed(Field::Detector).then(|| first.detector.to_string()),
            headline: listed(Field::Headline).then(|| subject.headline.to_owned()),
        }
    }

    /// Whether it tells something else than `before` but for its revision and times.
    pub(super) fn is_news_after(&self, before: &Self) -> bool {
        let is_worse = self.severity > before.severity;
        self.status != before.status || is_worse
    }
}
