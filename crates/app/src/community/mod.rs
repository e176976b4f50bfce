//! Community alerts: what everybody may hear, signed, over public channels and feeds.
//!
//! ```text
//!  desk ── alerts that changed, in the transaction of what was decided ──► public_alerts
//!                                                                             │ due
//!                 alert::public::consider  (Publishable, policy, silences) ◄──┘
//!                          │ one transaction
//!                          ├──► page, Atom, RSS, JSON feed, signed documents
//!                          ▼
//!              queue ──► bulletins (what a channel bears) ──► messages ──► webhook, Discord,
//!                                                                          Telegram, mail
//!  /public/subscribe ──► a signed link by mail ──► /public/confirm ──► subscribers
//! ```
//!
//! Deliberately absent: the private message. Nothing here sees who is told, which rules there are, or
//! what was measured; it has [`alert::public::Notice`], which holds what the user listed. A drill
//! cannot come here: only [`alert::public::Publishable`] is considered, and none can be made of it.

pub(crate) mod agreed; // two installations, one message
mod channel; //   over which people are told
mod export; //    files for a mirror
mod feeds; //     Atom, RSS, JSON Feed
mod letter; //    mail to a subscriber
mod look; //      where alerts stand before the public
mod publisher; // at work
mod sealed; //    documents that everybody can check
mod settings; //  public.toml
mod signup; //    who wants mail
mod words; //     a notice in words

use std::{collections::BTreeMap, sync::Arc};

use model::Name;
use registry::Explorer;
use store::{Store, StoreError};

use crate::{answers::Answers, notify::ReceiverError};

pub use channel::{Channel, Said};
pub(crate) use export::Static;
pub use export::{ExportError, File};
pub(crate) use feeds::mail_date;
pub use feeds::{FEED_MAX, Feed, Listing};
pub use look::{entry_of, stored};
pub use publisher::{Parts, keep_publishing};
pub use sealed::{NOTICE_TYPE, SealedNotice, opened};
pub use settings::{ChannelSettings, Settings};
pub use signup::{Confirmed, SignupFault};
pub(crate) use words::meaning;
pub use words::{Line, lines, subject};

#[cfg(test)]
mod tests;

/// Everything that community alerts need, set up. Replaced as a whole when the files change.
#[derive(Debug)]
pub struct Community {
    /// What the user wrote.
    pub settings: Settings,
    /// By name.
    pub channels: BTreeMap<Name, Channel>,
    /// Where addresses and transactions can be looked up.
    pub explorers: BTreeMap<Name, Explorer>,
    answers: Answers,
    signups: signup::Limits,
}

impl Community {
    /// Sets up channels. Opens no connection.
    ///
    /// # Errors
    /// When a channel cannot work, whoever is on the other side.
    pub fn new(
        settings: Settings,
        explorers: BTreeMap<Name, Explorer>,
        answers: Answers,
    ) -> Result<Self, ReceiverError> {
        let channels = settings
            .channels
            .iter()
            .map(|channel| Ok((channel.name.clone(), Channel::new(&channel.config)?)))
            .collect::<Result<_, ReceiverError>>()?;
        Ok(Self { settings, channels, explorers, answers, signups: signup::Limits::default() })
    }

    /// What is published, newest first, at most [`FEED_MAX`].
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn listing(self: &Arc<Self>, store: &Store) -> Result<Listing, StoreError> {
        let entries = store.public_entries(true, FEED_MAX)?;
        let notices = entries.iter().filter_map(|entry| {
            entry_of(entry.alert, entry.body.as_deref())?.standing.notice().cloned()
        });
        Ok(Listing::new(self.clone(), notices.collect()))
    }
}
