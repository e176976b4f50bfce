//! All receivers, from the configuration.

use std::{collections::BTreeMap, fmt, sync::Arc};

use model::Name;
use store::Store;
use tokio::sync::watch;

use super::{Context, Receiver, ReceiverConfig, ReceiverError, SendError, Worker, people::Contact};
use crate::{clock, config::Config};

/// Who can be reached, and what messages know; replaced as a whole when the configuration is read
/// again.
#[derive(Debug, Default)]
pub struct Receivers {
    /// By the name in the configuration.
    pub by_name: BTreeMap<Name, Receiver>,
    /// What messages know beyond their alert.
    pub context: Context,
    /// Where persons are reached, by their names in `people.toml`.
    pub contacts: BTreeMap<Name, Contact>,
}

/// Receivers that cannot be set up, all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiversError(pub Vec<(Name, ReceiverError)>);

impl fmt::Display for ReceiversError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (name, error)) in self.0.iter().enumerate() {
            write!(f, "{}receiver {name}: {error}", if i > 0 { "\n" } else { "" })?;
        }
        Ok(())
    }
}

impl std::error::Error for ReceiversError {}

impl Receivers {
    /// Sets up receivers. Opens no connection.
    ///
    /// # Errors
    /// All that cannot work.
    pub fn new(
        configs: &[(Name, ReceiverConfig)],
        context: Context,
    ) -> Result<Self, ReceiversError> {
        let mut by_name = BTreeMap::new();
        let mut errors = Vec::new();
        for (name, config) in configs {
            match Receiver::new(config) {
                Ok(receiver) => drop(by_name.insert(name.clone(), receiver)),
                Err(error) => errors.push((name.clone(), error)),
            }
        }
        if errors.is_empty() {
            Ok(Self { by_name, context, contacts: BTreeMap::new() })
        } else {
            Err(ReceiversError(errors))
        }
    }

    /// Sets up the receivers of a configuration.
    ///
    /// # Errors
    /// All that cannot work.
    pub fn of(config: &Config) -> Result<Self, ReceiversError> {
        let explorers = config
            .networks
            .iter()
            .filter_map(|network| Some((network.chain.name.clone(), network.explorer.clone()?)))
            .collect();
        let context = Context {
            installation: config.general.name.clone(),
            public_url: Some(config.general.public_url.clone()),
            explorers,
            answers: None,
        };
        let contacts = config.contacts.clone();
        Ok(Self { contacts, ..Self::new(&config.receivers, context)? })
    }

    /// Where a person is reached over a receiver; `None` for the configured place, which also serves
    /// what reaches rooms and programs.
    ///
    /// # Errors
    /// When the receiver reaches persons and this one has no such address: what is meant for one
    /// must not go to another.
    pub fn address_of(
        &self,
        person: Option<&Name>,
        receiver: &Receiver,
    ) -> Result<Option<&str>, SendError> {
        let (Some(person), Some(kind)) = (person, receiver.contact_kind()) else { return Ok(None) };
        let address = self.contacts.get(person).and_then(|contact| contact.get(kind));
        match address {
            Some(address) => Ok(Some(address.reveal().as_str())),
            None => Err(SendError::permanent(format!("{person} has no {kind} in people.toml"))),
        }
    }
}

/// Delivers everything in a store's outbox, with the usual retries, and returns when nothing is left.
///
/// # Errors
/// When a receiver cannot be set up, or the outbox cannot be read or written.
pub async fn deliver_all(store: &Store, config: &Config) -> anyhow::Result<()> {
    let receivers = Arc::new(Receivers::of(config)?);
    let receivers = watch::Sender::new(receivers).subscribe();
    Ok(Worker::new(store.outbox(), receivers, clock::now).drain().await?)
}
