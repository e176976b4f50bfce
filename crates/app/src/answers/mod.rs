//! A person's answer, from any side.
//!
//! ```text
//!  mail link ──► /answer/TOKEN ──┐
//!  Slack, Discord ──► /hooks/… ──┤   token ─► message, button     alert::pager::Input
//!  Telegram ◄── asked for word ──┼─► account ─► person  ──► act ──► Said, Silence, Sign ──► the pager's inbox
//!  PagerDuty, Opsgenie ─► hooks ─┤   once, in time                │
//!  keypad ───────────────────────┘                                └► the path's judgement ──► the folder
//! ```
//!
//! Whatever side it comes from, an answer is checked in one place, [`Answers::act`]: the token is
//! ours, the message is on record, its time is not over, nobody answered the same before, and
//! whoever answers is known ([`who`]) well enough for what they ask. Only then it becomes an input
//! of the pager, which alone decides what follows. A wish that is repeated is told who was first.

mod act; //     an answer that is taken
mod calm; //    the silence that a button asks for
pub mod discord; // interactions
mod limit; //   how fast wrong tokens may be tried
pub mod opsgenie; // what was done there
pub mod pagerduty; // what was done there
mod reach; //   our own requests to the chats
pub mod slack; // interactivity
pub mod telegram; // callback queries: asked for, or delivered
mod token; //   what a link or a button carries
pub mod who; // who answered, and what they may
pub mod wiring; // from where answers are taken
mod wish; //    what a button asks for
mod words; //   what is said to whoever answered

use std::{fmt, sync::Arc};

use alert::plan::Plan;
use model::{Alert, AlertId, Name, Notification, NotificationId, Secret, UnixMillis};
use store::{AnswerRecord, Store, StoreError};

use crate::{
    config::Config,
    paging::Inbox,
    paths::{self, TaughtFolder},
};

pub use act::Done;
pub use limit::WRONG_MAX;
pub use token::{KeyError, ROTATED_AFTER_MS, TOKEN_CHARS};
pub use who::{People, Stranger, System, Who};
pub use wiring::{Chats, Wiring};
pub use wish::Wish;

/// Alerts of one message that one answer is about: as many as one message speaks of.
pub const ALERTS_MAX: usize = alert::pager::LINES_MAX;

/// Alerts of a message whose records are read: what a page shows and a silence is made of. The worst
/// come first, and an answer is about all of them.
const READ_MAX: usize = 50;

/// What an answer is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// What is asked for.
    pub wish: Wish,
    /// The message whose button or link it is.
    pub message: [u8; 16],
    /// The channel over which the message went.
    pub channel: Name,
    /// The person for whom it was alone.
    pub person: Option<Name>,
    /// When it was decided.
    pub decided_at: UnixMillis,
    /// The alerts that it spoke of, the worst first; never empty.
    pub ids: Vec<AlertId>,
    /// The first of them, as they are now; never empty.
    pub alerts: Vec<Alert>,
    /// Who answered so before, oldest first.
    pub answered: Vec<AnswerRecord>,
}

impl Asked {
    /// When it can no longer be asked for.
    pub fn expires_at(&self) -> UnixMillis {
        self.decided_at.plus(self.wish.lasts_ms())
    }

    /// People whose answers count: further ones are told who was before them.
    pub(crate) fn people_max(&self) -> usize {
        self.wish.people_max()
    }
}

/// Why an answer is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Closed {
    /// No token of ours.
    #[error("this is no link or button of ours; it may have been cut off on its way")]
    Forged,
    /// Too many wrong tokens of late.
    #[error("too many wrong links were tried; try again in a few seconds")]
    TooMany,
    /// The message or its alert is not on record any more.
    #[error("the message that this belongs to is not on record any more")]
    Gone,
    /// Its time is over.
    #[error("the time in which this could be answered is over")]
    Expired(Box<Asked>),
    /// Somebody was first.
    #[error("it was answered before")]
    Answered(Box<Asked>),
    /// Not by them.
    #[error(transparent)]
    Stranger(#[from] Stranger),
    /// It cannot be done.
    #[error("{0}")]
    Impossible(String),
    /// The store refused.
    #[error("the answer could not be kept")]
    Store(#[from] StoreError),
}

/// Takes answers. Clones share everything.
#[derive(Clone)]
pub struct Answers {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    keys: token::Keys,
    inbox: Inbox,
    plan: Arc<Plan>,
    people: Arc<People>,
    /// Where judgements about paths are written, when there is a folder for them.
    teacher: Option<Arc<TaughtFolder>>,
    limit: std::sync::Mutex<limit::Limit>,
    clock: fn() -> UnixMillis,
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers").field("store", &self.inner.store).finish_non_exhaustive()
    }
}

/// What answers are made from.
#[derive(Clone)]
pub struct Parts {
    /// Where messages are on record.
    pub store: Store,
    /// Signs instead of the store's own keys.
    pub key: Option<Secret<String>>,
    /// Where answers go.
    pub inbox: Inbox,
    /// Who hears what, and what looks like an attack.
    pub plan: Arc<Plan>,
    /// Who there is.
    pub people: Arc<People>,
    /// Where judgements about paths are written, when there is a folder for them.
    pub teacher: Option<Arc<TaughtFolder>>,
    /// The machine's clock.
    pub clock: fn() -> UnixMillis,
}

/// A button of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Button {
    /// What it asks for.
    pub wish: Wish,
    /// What it carries.
    pub token: String,
}

impl Answers {
    /// Takes answers into this store.
    ///
    /// # Errors
    /// When the keys cannot be read.
    pub fn new(parts: Parts) -> Result<Self, StoreError> {
        let Parts { store, key, inbox, plan, people, teacher, clock } = parts;
        let keys = token::Keys::new(store.clone(), key)?;
        let limit = std::sync::Mutex::new(limit::Limit::new(clock()));
        let inner = Inner { store, keys, inbox, plan, people, teacher, limit, clock };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Takes answers as a configuration says.
    ///
    /// # Errors
    /// When the keys cannot be read.
    pub fn of(
        config: &Config,
        store: &Store,
        inbox: &Inbox,
        teacher: Option<Arc<TaughtFolder>>,
    ) -> Result<Self, StoreError> {
        Self::new(Parts {
            store: store.clone(),
            key: config.answers.key.clone(),
            inbox: inbox.clone(),
            plan: config.plan.clone(),
            people: Arc::new(People::of(config)),
            teacher,
            clock: crate::clock::now,
        })
    }

    pub(crate) fn now(&self) -> UnixMillis {
        (self.inner.clock)()
    }

    pub(crate) fn store(&self) -> &Store {
        &self.inner.store
    }

    /// The buttons of a message about alerts, the most pressing first. What says nothing that could
    /// be answered (all of it is void) has none.
    ///
    /// # Errors
    /// When there is no key to sign with.
    pub fn buttons(&self, message: [u8; 16], alerts: &[Alert]) -> Result<Vec<Button>, KeyError> {
        let stands = |alert: &&Alert| alert.state != model::AlertState::Retracted;
        if !alerts.iter().any(|alert| stands(&alert)) {
            return Ok(Vec::new());
        }
        let now = self.now();
        let has_path =
            alerts.iter().filter_map(Alert::finding).any(|first| paths::path_of(first).is_some());
        let is_offered =
            |wish: &Wish| *wish != Wish::PathFine || has_path && self.inner.teacher.is_some();
        let sign = |wish| Ok(Button { wish, token: self.inner.keys.sign(wish, message, now)? });
        Wish::ALL.into_iter().filter(is_offered).map(sign).collect()
    }

    /// What a token asks for. Does nothing: links are opened by mail scanners and previews, too.
    ///
    /// # Errors
    /// When the token is none of ours, or its message is not on record any more.
    pub fn look(&self, token: &str) -> Result<Asked, Closed> {
        let Some((wish, message)) = self.inner.keys.check(token) else {
            let mut limit =
                self.inner.limit.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            return Err(if limit.take(self.now()) { Closed::Forged } else { Closed::TooMany });
        };
        self.asked(wish, message)
    }

    /// Who may say that they read a channel.
    pub fn readers(&self, channel: &Name) -> Vec<Name> {
        self.inner.people.readers(channel).to_vec()
    }

    /// A text that carries `payload` and that nobody else can make, for one purpose only; it counts
    /// for as long as the caller's payload says, and 14 days at least.
    ///
    /// # Errors
    /// When there is no key to sign with.
    pub(crate) fn seal(&self, purpose: &str, payload: &[u8]) -> Result<String, KeyError> {
        self.inner.keys.seal(purpose, payload, self.now())
    }

    /// What a sealed text carries; `None` when it is none of ours, or for something else.
    pub(crate) fn open(&self, purpose: &str, text: &str) -> Option<Vec<u8>> {
        self.inner.keys.open(purpose, text)
    }

    fn asked(&self, wish: Wish, message: [u8; 16]) -> Result<Asked, Closed> {
        let store = &self.inner.store;
        let spoken = spoken_of(store, message)?.ok_or(Closed::Gone)?;
        if spoken.alerts.is_empty() {
            return Err(Closed::Gone);
        }
        let answered = store.answers(message, wish.code())?;
        let Spoken { channel, person, decided_at, ids, alerts } = spoken;
        Ok(Asked { wish, message, channel, person, decided_at, ids, alerts, answered })
    }
}

/// A message that is on record.
struct Spoken {
    channel: Name,
    person: Option<Name>,
    decided_at: UnixMillis,
    ids: Vec<AlertId>,
    alerts: Vec<Alert>,
}

fn spoken_of(store: &Store, message: [u8; 16]) -> Result<Option<Spoken>, StoreError> {
    let id = NotificationId(message);
    let outbox = store.outbox();
    let Some(notification) = outbox.get(id)? else { return Ok(None) };
    let lines = outbox.lines(id, ALERTS_MAX)?;
    let ids: Vec<AlertId> = lines.iter().map(|line| line.alert).collect();
    let alerts = outbox.alerts_of(&ids[..ids.len().min(READ_MAX)])?;
    let Notification { receiver: channel, person, decided_at, .. } = notification;
    Ok(Some(Spoken { channel, person, decided_at, ids, alerts }))
}

#[cfg(test)]
mod tests;
