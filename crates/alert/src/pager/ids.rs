//! Identities: of groups, of messages, and of whom a message is for.

use std::{fmt, str::FromStr};

use model::{AlertId, Name, Provenance};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Facts;
use crate::route::{GroupBy, Way};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(pub [u8; 16]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = hex::FromHexError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let mut id = [0; 16];
                hex::decode_to_slice(text, &mut id)?;
                Ok(Self(id))
            }
        }

        impl TryFrom<String> for $name {
            type Error = hex::FromHexError;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    };
}

id! {
    /// Identity of a group: the way that its alerts take and the values they have in common, so that
    /// it is the same in every run. A drill's groups are its own, and so are a canary's.
    GroupId
}

id! {
    /// Identity of a message: whom it is for, and the how-manieth word about each of its alerts it
    /// is, so that it is the same in every run and on every instance, and a second delivery is
    /// recognised.
    MessageId
}

struct Parts(Sha256);

impl Parts {
    fn new(kind: &str) -> Self {
        Self(Sha256::new()).and(kind.as_bytes())
    }

    fn and(mut self, part: &[u8]) -> Self {
        self.0.update((part.len() as u64).to_be_bytes());
        self.0.update(part);
        self
    }

    fn id(self) -> [u8; 16] {
        let mut id = [0; 16];
        id.copy_from_slice(&self.0.finalize()[..16]);
        id
    }
}

impl GroupId {
    /// The group of an alert that takes a way, and what the group has in common.
    pub(crate) fn of(way: &Way, facts: &Facts) -> (Self, Vec<(String, String)>) {
        let parts = match &facts.provenance {
            Provenance::Live => Parts::new("group/1"),
            Provenance::Drill { drill } => Parts::new("drill/1").and(drill.as_str().as_bytes()),
            Provenance::Canary => Parts::new("canary/1"),
        };
        let parts = parts.and(way.path.as_str().as_bytes());
        match &way.group_by {
            GroupBy::Alert => (Self(parts.and(&facts.alert.0).id()), Vec::new()),
            GroupBy::Labels(labels) => {
                let pair = |label: &String| (label.clone(), facts.labels.get(label).to_owned());
                let common: Vec<_> = labels.iter().map(pair).collect();
                let parts = common.iter().fold(parts, |parts, (label, value)| {
                    parts.and(label.as_bytes()).and(value.as_bytes())
                });
                (Self(parts.id()), common)
            }
        }
    }
}

impl MessageId {
    /// The message to `whom` that is the so-manieth word about each of these alerts.
    pub(super) fn derive(whom: &Whom, words: impl IntoIterator<Item = (AlertId, u32)>) -> Self {
        let mut words: Vec<_> = words.into_iter().collect();
        words.sort_unstable();
        let parts = Parts::new("page/1").and(whom.to_string().as_bytes());
        let parts = words.into_iter().fold(parts, |parts, (alert, sequence)| {
            parts.and(&alert.0).and(&sequence.to_be_bytes())
        });
        Self(parts.id())
    }
}

/// Whom a message is for: all who read a channel, or one person over it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Whom {
    /// Channel.
    pub channel: Name,
    /// Person, when it is for one.
    pub person: Option<Name>,
}

impl Whom {
    /// All who read a channel.
    pub fn readers(channel: &Name) -> Self {
        Self { channel: channel.clone(), person: None }
    }

    /// One person, over a channel.
    pub fn person(person: &Name, channel: &Name) -> Self {
        Self { channel: channel.clone(), person: Some(person.clone()) }
    }
}

impl fmt::Display for Whom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.person {
            None => write!(f, "{}", self.channel),
            Some(person) => write!(f, "{person} over {}", self.channel),
        }
    }
}

impl TryFrom<String> for Whom {
    type Error = model::NameError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let (person, channel) = match text.split_once(" over ") {
            Some((person, channel)) => (Some(Name::new(person)?), channel),
            None => (None, &*text),
        };
        Ok(Self { channel: Name::new(channel)?, person })
    }
}

impl From<Whom> for String {
    fn from(whom: Whom) -> Self {
        whom.to_string()
    }
}
