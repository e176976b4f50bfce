//! What people say of alerts, and how good detection is by it.
//!
//! ```text
//!  command ──► the store, or the program that has it open ─┐
//!  page, form with the write key ──────────────────────────┼──► verdicts, incidents (only added to)
//!  API, bearer with the write key ─────────────────────────┘              │
//!                                        alerts, ledger, plan ──► figures ┴─► proposals of stages
//!                                                                                 │ a person confirms
//!                                                                          the monitor's own file
//! ```
//!
//! Pages carry no cookie and no other ambient right: whoever writes shows the key with each request,
//! so that no other site can make a reader's browser write.

mod gather; // figures from what is on record
mod remote; // through the program that has the store open
mod stage; //  a stage in a monitor's file

use std::path::Path;

use anyhow::{Context, bail};
use model::{AlertId, AlertVerdict, Assessment, Incident, Name, Secret, UnixMillis};
use store::{Store, StoreError};

use crate::{
    config::Config,
    paging::{self, Word},
};

pub use gather::{Quality, Scope, gather};
pub(crate) use gather::{rate, share};
pub use remote::Remote;
pub use stage::{Edit, StageError, set_stage};

/// What a person says of an alert, before it is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Alert.
    pub alert: AlertId,
    /// What it was; `None` takes back what was said before.
    pub assessment: Option<Assessment>,
    /// Who says so.
    pub by: String,
    /// Why.
    pub because: String,
}

/// Why what a person said was not kept.
#[derive(Debug, thiserror::Error)]
pub enum SayError {
    /// There is no such alert.
    #[error("there is no alert {0}")]
    NoAlert(AlertId),
    /// Nothing happened that could be judged.
    #[error("alert {0} is a drill: nothing happened that could be judged")]
    Drill(AlertId),
    /// It cannot be kept so.
    #[error(transparent)]
    Bad(#[from] model::FeedbackError),
    /// The store refused.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for SayError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NoAlert(alert) => Self::NoAlert(alert),
            error => Self::Store(error),
        }
    }
}

/// Word with which a verdict is taken back.
pub const WITHDRAW: &str = "withdraw";

/// Reads a verdict as people write it: one of the words, or [`WITHDRAW`].
///
/// # Errors
/// When it is neither; the error lists what is allowed.
pub fn parse_assessment(text: &str) -> Result<Option<Assessment>, String> {
    if text == WITHDRAW {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error: model::ParseAssessmentError| {
        let words: Vec<&str> = Assessment::ALL.iter().map(|one| one.as_str()).collect();
        format!("unknown verdict {:?} (one of: {}, {WITHDRAW})", error.0, words.join(", "))
    })
}

/// Keeps what a person said of an alert; what was said before stays on record.
///
/// # Errors
/// When there is no such alert, nobody says it or no reason is given, or the store refuses.
pub fn say(store: &Store, said: &Said, now: UnixMillis) -> Result<AlertVerdict, SayError> {
    let details = store.alert(said.alert)?.ok_or(SayError::NoAlert(said.alert))?;
    if !details.alert.provenance().is_live() {
        return Err(SayError::Drill(said.alert));
    }
    let verdict = AlertVerdict::new(&details.alert, said.assessment, &said.by, &said.because, now)?;
    store.add_verdict(&verdict)?;
    Ok(verdict)
}

/// Whether somebody may write: compared without telling by its time how much was right.
pub fn may_write(key: Option<&Secret<String>>, shown: &str) -> bool {
    let Some(key) = key.map(|key| key.reveal().as_bytes()).filter(|key| !key.is_empty()) else {
        return false;
    };
    // Hashes have one length, and what is equal in them is unknown to whoever guesses.
    let hash = |bytes: &[u8]| ring::digest::digest(&ring::digest::SHA256, bytes);
    let (a, b) = (hash(key), hash(shown.as_bytes()));
    let difference = a.as_ref().iter().zip(b.as_ref()).fold(0, |all, (a, b)| all | (a ^ b));
    difference == 0
}

/// Where a command writes: the store itself, or the program that has it open.
pub enum Desk {
    /// Nobody else has it.
    Store(Store),
    /// A program runs on it.
    Running(Remote),
}

impl Desk {
    /// Opens the folder's store, or finds the program that runs on it.
    ///
    /// # Errors
    /// When there is no store yet, or a program runs on it and no write key is configured.
    pub fn open(folder: &Path, config: &Config) -> anyhow::Result<Self> {
        let path = folder.join(&config.general.store);
        if !path.exists() {
            bail!("nothing was watched yet: there is no store {}", path.display());
        }
        match Store::open(&path) {
            Ok(store) => Ok(Self::Store(store)),
            Err(StoreError::InUse { .. }) => {
                let Some(key) = config.general.write_key.clone() else {
                    bail!(
                        "bellwether runs on {}, and it takes verdicts only with a key: write write_key = {{ file = \"…\" }} or {{ env = \"…\" }} in bellwether.toml",
                        path.display()
                    );
                };
                Ok(Self::Running(Remote::new(config.general.listen, key)?))
            }
            Err(error) => {
                Err(error).with_context(|| format!("opening the store {}", path.display()))
            }
        }
    }

    /// Keeps what a person said of an alert.
    ///
    /// # Errors
    /// As [`say`], or what the running program answers.
    pub async fn say(&self, said: &Said, now: UnixMillis) -> anyhow::Result<()> {
        match self {
            Self::Store(store) => {
                say(store, said, now)?;
                Ok(())
            }
            Self::Running(remote) => remote.say(said).await,
        }
    }

    /// Tells the pager. Without a running program it hears the word when it starts.
    ///
    /// # Errors
    /// When the word cannot be passed on, or the store or the running program refuses.
    pub async fn tell(&self, word: &Word, people: &[Name], now: UnixMillis) -> anyhow::Result<()> {
        let input = word.clone().input(people, now)?;
        match self {
            Self::Store(store) => {
                store.inbox().put(&[paging::stored(&input, now)])?;
                Ok(())
            }
            Self::Running(remote) => remote.tell(word).await,
        }
    }

    /// Takes an address off the lists of public alerts; whether it was on one.
    ///
    /// # Errors
    /// When the store or the running program refuses.
    pub async fn remove_subscriber(&self, address: &str) -> anyhow::Result<bool> {
        match self {
            Self::Store(store) => Ok(store.remove_subscriber(address)?),
            Self::Running(remote) => remote.remove_subscriber(address).await,
        }
    }

    /// Keeps what really happened.
    ///
    /// # Errors
    /// When it cannot be kept so, or the store or the running program refuses.
    pub async fn declare(&self, incident: Incident) -> anyhow::Result<()> {
        match self {
            Self::Store(store) => {
                store.add_incident(&incident.checked()?)?;
                Ok(())
            }
            Self::Running(remote) => remote.declare(&incident.checked()?).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_key_writes_and_no_key_never_does() {
        let key = Secret::new("a long enough key".to_owned());
        assert!(may_write(Some(&key), "a long enough key"));
        for wrong in ["", "a long enough ke", "a long enough key ", "A long enough key"] {
            assert!(!may_write(Some(&key), wrong), "{wrong:?}");
        }
        assert!(!may_write(None, ""), "without a key nobody writes");
        assert!(!may_write(Some(&Secret::new(String::new())), ""), "an empty key is none");
    }

    #[test]
    fn verdicts_are_read_as_people_write_them() {
        assert_eq!(parse_assessment("benign-true"), Ok(Some(Assessment::BenignTrue)));
        assert_eq!(parse_assessment("withdraw"), Ok(None));
        let error = parse_assessment("tp").unwrap_err();
        assert!(error.ends_with("duplicate, unknown, withdraw)"), "{error}");
    }
}
