//! Who wants mail: asked twice, kept only then.
//!
//! An address that somebody types into the form is put nowhere but into the link that goes to it,
//! signed; only who holds the address can bring that link back, and only then the address is stored.
//! The answer to the form is the same whoever is on the list already, so nobody can find out who is.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use model::{Secret, UnixMillis};
use ring::rand::{SecureRandom as _, SystemRandom};
use sha2::{Digest as _, Sha256};
use store::{Store, StoreError, Subscribed};
use tokio::sync::Semaphore;

use super::{Channel, Community, letter};
use crate::{
    answers::KeyError,
    notify::{SendError, check_mail_address},
};

/// What links are signed for.
const PURPOSE: &str = "subscribe";

/// How long a link to confirm counts: a day.
const LINK_LASTS_MS: i64 = 24 * 60 * 60 * 1_000;

/// One address is written to once in this time, so that nobody can be flooded through the form: an
/// hour.
const ADDRESS_REST_MS: i64 = 60 * 60 * 1_000;

/// Addresses that were written to within [`ADDRESS_REST_MS`]; beyond it nobody is, for a while.
const ADDRESSES_MAX: usize = 1_000;

/// Invitations on their way at one time; beyond it the form says to come back.
const INVITATIONS_MAX: usize = 16;

/// Longest address (RFC 5321).
const ADDRESS_LEN_MAX: usize = 254;

/// Attempts to send an invitation; whoever waits for one asks again.
const ATTEMPTS: u32 = 3;

/// Why a wish for mail is not taken.
#[derive(Debug, thiserror::Error)]
pub enum SignupFault {
    /// There is no list.
    #[error("there are no alerts by mail here")]
    NoList,
    /// That is none.
    #[error("this is no mail address")]
    NoAddress,
    /// Too many at the moment.
    #[error("too many ask at the moment; try again in an hour")]
    TooMany,
    /// The link is none of ours, or too old.
    #[error("this link is not ours, was cut off on its way, or is more than a day old")]
    Forged,
    /// It cannot be signed.
    #[error("the link cannot be made at the moment")]
    Key(#[from] KeyError),
    /// The store refused.
    #[error("the list cannot be written at the moment")]
    Store(#[from] StoreError),
}

/// What became of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmed {
    /// Mail will come.
    Now,
    /// It was used before.
    UsedBefore,
    /// The list is full.
    Full,
}

/// How fast people may ask.
#[derive(Debug)]
pub(super) struct Limits {
    /// Digests of addresses, and when they were written to.
    written_to: Mutex<HashMap<[u8; 32], UnixMillis>>,
    invitations: Arc<Semaphore>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            written_to: Mutex::default(),
            invitations: Arc::new(Semaphore::new(INVITATIONS_MAX)),
        }
    }
}

/// What became of an address that asks.
#[derive(Debug, PartialEq, Eq)]
enum Turn {
    Now,
    WrittenToAlready,
    TooMany,
}

impl Limits {
    fn take(&self, address: &str, now: UnixMillis) -> Turn {
        let digest: [u8; 32] = Sha256::digest(address.to_lowercase()).into();
        let mut written_to = self.written_to.lock().unwrap_or_else(PoisonError::into_inner);
        written_to.retain(|_, at| now.millis_since(*at) < ADDRESS_REST_MS);
        if written_to.contains_key(&digest) {
            return Turn::WrittenToAlready;
        }
        if written_to.len() >= ADDRESSES_MAX {
            return Turn::TooMany;
        }
        written_to.insert(digest, now);
        Turn::Now
    }
}

impl Community {
    /// Somebody asks for mail to an address: a link goes to it, unless it is on the list or one went
    /// there a short while ago, which nobody is told.
    ///
    /// # Errors
    /// [`SignupFault`], never because of who is on the list.
    pub fn ask(
        self: &Arc<Self>,
        store: &Store,
        address: &str,
        now: UnixMillis,
    ) -> Result<(), SignupFault> {
        let list = self.settings.mail_list().ok_or(SignupFault::NoList)?;
        let address = address.trim();
        let is_plain = !address.contains(['<', '>', ',', ';', '"']) && address.contains('@');
        if address.len() > ADDRESS_LEN_MAX || !is_plain || check_mail_address(address).is_err() {
            return Err(SignupFault::NoAddress);
        }
        let permit = self.signups.invitations.clone().try_acquire_owned();
        let permit = permit.map_err(|_| SignupFault::TooMany)?;
        match self.signups.take(address, now) {
            Turn::Now => {}
            Turn::WrittenToAlready => return Ok(()),
            Turn::TooMany => return Err(SignupFault::TooMany),
        }
        if store.is_subscribed(list, address)? {
            return Ok(());
        }
        let mut payload = now.plus(LINK_LASTS_MS).0.to_be_bytes().to_vec();
        payload.extend_from_slice(address.as_bytes());
        let token = self.answers.seal(PURPOSE, &payload)?;
        let link = format!("{}/public/confirm/{token}", self.settings.url);
        let (community, address) = (self.clone(), Secret::new(address.to_owned()));
        tokio::spawn(async move {
            let _permit = permit;
            if let Err(error) = community.invite(&address, &link, now).await {
                tracing::error!(%error, "an invitation could not be sent");
            }
        });
        Ok(())
    }

    async fn invite(
        &self,
        address: &Secret<String>,
        link: &str,
        now: UnixMillis,
    ) -> Result<(), SendError> {
        let list = self.settings.mail_list().and_then(|list| self.channels.get(list));
        let Some(Channel::Mail(mail)) = list else {
            return Err(SendError::permanent("there is no mail list"));
        };
        let (letter, to) = letter::invitation(self, mail, address, link, now)?;
        let mut attempt = 1;
        loop {
            match mail.post(&letter, to.clone()).await {
                Err(SendError::Retry { .. }) if attempt < ATTEMPTS => {
                    tokio::time::sleep(std::time::Duration::from_secs(1 << (2 * attempt))).await;
                    attempt += 1;
                }
                outcome => return outcome.map(drop),
            }
        }
    }

    /// Whose address a link is about; does nothing.
    ///
    /// # Errors
    /// [`SignupFault::Forged`].
    pub fn address_in(&self, token: &str, now: UnixMillis) -> Result<Secret<String>, SignupFault> {
        self.read_link(token, now).map(|(address, _)| address)
    }

    fn read_link(
        &self,
        token: &str,
        now: UnixMillis,
    ) -> Result<(Secret<String>, UnixMillis), SignupFault> {
        let payload = self.answers.open(PURPOSE, token).ok_or(SignupFault::Forged)?;
        let (expires, address) = payload.split_first_chunk::<8>().ok_or(SignupFault::Forged)?;
        let expires_at = UnixMillis(i64::from_be_bytes(*expires));
        let address = String::from_utf8(address.to_vec()).map_err(|_| SignupFault::Forged)?;
        if now > expires_at {
            return Err(SignupFault::Forged);
        }
        Ok((Secret::new(address), expires_at))
    }

    /// Subscribes the address of a link, once.
    ///
    /// # Errors
    /// [`SignupFault`].
    pub fn confirm(
        &self,
        store: &Store,
        token: &str,
        now: UnixMillis,
    ) -> Result<Confirmed, SignupFault> {
        let (address, expires_at) = self.read_link(token, now)?;
        let list = self.settings.mail_list().ok_or(SignupFault::NoList)?;
        let mut leave = [0; 16];
        SystemRandom::new().fill(&mut leave).map_err(|_| KeyError::NoRandomness)?;
        let digest: [u8; 32] = Sha256::digest(token).into();
        let link = (digest, expires_at);
        Ok(match store.subscribe(list, &address, leave, link, now)? {
            Subscribed::Now => Confirmed::Now,
            Subscribed::UsedBefore => Confirmed::UsedBefore,
            Subscribed::Full => Confirmed::Full,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_written_to_once_an_hour_whoever_asks() {
        let limits = Limits::default();
        let now = UnixMillis(1_800_000_000_000);
        assert_eq!(limits.take("a@example.org", now), Turn::Now);
        assert_eq!(limits.take("A@Example.org", now.plus(1)), Turn::WrittenToAlready);
        assert_eq!(limits.take("a@example.org", now.plus(ADDRESS_REST_MS)), Turn::Now);
        let many = (0..2 * ADDRESSES_MAX)
            .map(|n| limits.take(&format!("{n}@example.org"), now.plus(ADDRESS_REST_MS)))
            .filter(|turn| *turn == Turn::Now)
            .count();
        assert_eq!(many, ADDRESSES_MAX - 1);
    }
}
