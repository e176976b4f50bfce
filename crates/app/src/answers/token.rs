//! What a link or a button carries.
//!
//! ```text
//!  ┌─────┬──────┬────────────┬───────────────────────────────┐
//!  │ key │ wish │ message id │ HMAC-SHA256 of these, its      │   30 bytes, 40 characters of
//!  │ 1 B │ 1 B  │ 16 B       │ first 12 bytes                 │   base64url
//!  └─────┴──────┴────────────┴───────────────────────────────┘
//! ```
//!
//! Forty characters fit everywhere: Telegram takes 64 bytes, a text message 160 characters with the
//! address before it. Whom the message was for, which alerts it spoke of and when is read from the
//! message itself, so nothing needs storing until somebody answers, and a message that is sent again
//! after a failed attempt carries the same tokens.
//!
//! Keys live in the store, are made when first needed and anew each [`ROTATED_AFTER_MS`]; an old one
//! goes when nothing that it signed counts any more. Two installations without a common store can
//! share one key from the configuration instead.

use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use model::{Secret, UnixMillis};
use ring::rand::{SecureRandom, SystemRandom};
use sha2::Sha256;
use store::{AnswerKey, Store, StoreError};

use super::Wish;

/// A key signs for 30 days.
pub const ROTATED_AFTER_MS: i64 = 30 * 24 * 60 * 60 * 1_000;

/// An old key is kept for another 14 days: twice as long as anything that it signed counts.
const KEPT_AFTER_MS: i64 = 14 * 24 * 60 * 60 * 1_000;

/// Bytes of the signature that a token carries: 96 bits cannot be guessed at any rate.
const TAG_LEN: usize = 12;

/// Bytes of a token.
const TOKEN_LEN: usize = 1 + 1 + 16 + TAG_LEN;

/// Characters of a token.
pub const TOKEN_CHARS: usize = TOKEN_LEN / 3 * 4;

/// Longest sealed text that is looked at: it may carry a mail address.
const SEALED_CHARS_MAX: usize = 512;

/// The number by which tokens name the key of the configuration; those of the store have others.
const CONFIGURED: u8 = 0;

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It cannot be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It cannot be made.
    #[error("the system gives no randomness for a key")]
    NoRandomness,
}

/// The keys that sign and check tokens.
#[derive(Debug)]
pub(super) struct Keys {
    store: Store,
    /// Signs instead of those in the store.
    configured: Option<Secret<String>>,
    /// What the store holds, oldest first. Only this process writes it.
    known: Mutex<Vec<AnswerKey>>,
}

impl Keys {
    pub(super) fn new(
        store: Store,
        configured: Option<Secret<String>>,
    ) -> Result<Self, StoreError> {
        let known = Mutex::new(store.answer_keys()?);
        Ok(Self { store, configured, known })
    }

    /// The token of one button of a message.
    pub(super) fn sign(
        &self,
        wish: Wish,
        message: [u8; 16],
        now: UnixMillis,
    ) -> Result<String, KeyError> {
        let (number, key) = self.newest(now)?;
        Ok(token(number, key.reveal(), wish, message))
    }

    /// What a token asks for, of which message; `None` when it is none of ours.
    pub(super) fn check(&self, text: &str) -> Option<(Wish, [u8; 16])> {
        if text.len() != TOKEN_CHARS {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (signed, tag) = bytes.split_at_checked(TOKEN_LEN - TAG_LEN)?;
        let [key, wish, message @ ..] = signed else { return None };
        let is_signed_by = |secret: &[u8]| mac(secret, signed).verify_truncated_left(tag).is_ok();
        let is_ours = match (*key, &self.configured) {
            (CONFIGURED, Some(configured)) => is_signed_by(configured.reveal().as_bytes()),
            (CONFIGURED, None) => false,
            // Also beside a key of the configuration: messages of before it count on.
            _ => self
                .known()
                .iter()
                .any(|known| number(known.id) == *key && is_signed_by(known.key.reveal())),
        };
        let message = message.try_into().ok()?;
        is_ours.then(|| Wish::from_code(*wish).map(|wish| (wish, message)))?
    }

    /// A text that carries `payload` and that nobody else can make, for one purpose only.
    pub(super) fn seal(
        &self,
        purpose: &str,
        payload: &[u8],
        now: UnixMillis,
    ) -> Result<String, KeyError> {
        let (number, key) = self.newest(now)?;
        let mut bytes = vec![number];
        bytes.extend_from_slice(payload);
        let tag = purposeful(purpose, key.reveal(), &bytes).finalize().into_bytes();
        bytes.extend_from_slice(&tag[..TAG_LEN]);
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// What a sealed text carries; `None` when it is none of ours, or for something else.
    pub(super) fn open(&self, purpose: &str, text: &str) -> Option<Vec<u8>> {
        if text.len() > SEALED_CHARS_MAX {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (signed, tag) = bytes.split_at_checked(bytes.len().checked_sub(TAG_LEN)?)?;
        let (number, payload) = signed.split_first()?;
        let is_signed_by =
            |key: &[u8]| purposeful(purpose, key, signed).verify_truncated_left(tag).is_ok();
        let is_ours = match (*number, &self.configured) {
            (CONFIGURED, Some(configured)) => is_signed_by(configured.reveal().as_bytes()),
            (CONFIGURED, None) => false,
            _ => self
                .known()
                .iter()
                .any(|known| self::number(known.id) == *number && is_signed_by(known.key.reveal())),
        };
        is_ours.then(|| payload.to_vec())
    }

    /// The key that signs, and the number by which it is named.
    fn newest(&self, now: UnixMillis) -> Result<(u8, Secret<Vec<u8>>), KeyError> {
        if let Some(key) = &self.configured {
            return Ok((CONFIGURED, Secret::new(key.reveal().as_bytes().to_vec())));
        }
        let mut known = self.known();
        let is_fresh = |key: &AnswerKey| now.millis_since(key.made_at) < ROTATED_AFTER_MS;
        if !known.last().is_some_and(is_fresh) {
            let key = Secret::new(random()?);
            let old = now.plus(-(ROTATED_AFTER_MS + KEPT_AFTER_MS));
            self.store.add_answer_key(&key, now, old)?;
            *known = self.store.answer_keys()?;
        }
        let newest = known.last().ok_or(KeyError::NoRandomness)?;
        Ok((number(newest.id), newest.key.clone()))
    }

    fn known(&self) -> MutexGuard<'_, Vec<AnswerKey>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How tokens name a key of the store: keys are so few at a time that 255 names suffice.
fn number(id: i64) -> u8 {
    u8::try_from(id.rem_euclid(255) + 1).unwrap_or(u8::MAX)
}

fn mac(key: &[u8], signed: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(b"bellwether answer/1\0");
    mac.update(signed);
    mac
}

fn purposeful(purpose: &str, key: &[u8], signed: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(b"bellwether ");
    mac.update(purpose.as_bytes());
    mac.update(b"/1\0");
    mac.update(signed);
    mac
}

fn token(key: u8, secret: &[u8], wish: Wish, message: [u8; 16]) -> String {
    let mut bytes = Vec::with_capacity(TOKEN_LEN);
    bytes.extend([key, wish.code()]);
    bytes.extend(message);
    let tag = mac(secret, &bytes).finalize().into_bytes();
    bytes.extend_from_slice(&tag[..TAG_LEN]);
    URL_SAFE_NO_PAD.encode(bytes)
}

fn random() -> Result<Vec<u8>, KeyError> {
    let mut key = vec![0; 32];
    SystemRandom::new().fill(&mut key).map_err(|_| KeyError::NoRandomness)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

    fn keys() -> Keys {
        Keys::new(Store::in_memory().unwrap(), None).unwrap()
    }

    #[test]
    fn a_token_says_what_it_is_for_and_fits_where_space_is_short() {
        let keys = keys();
        for wish in Wish::ALL {
            let token = keys.sign(wish, [9; 16], NOW).unwrap();
            assert_eq!(token.len(), TOKEN_CHARS);
            const { assert!(TOKEN_CHARS <= 64, "Telegram's callback_data") };
            assert_eq!(keys.check(&token), Some((wish, [9; 16])));
            assert_eq!(token, keys.sign(wish, [9; 16], NOW).unwrap(), "the same when sent again");
        }
    }

    #[test]
    fn a_key_is_made_anew_and_what_the_old_one_signed_counts_on_for_a_while() {
        let keys = keys();
        let first = keys.sign(Wish::Acknowledge, [1; 16], NOW).unwrap();
        let later = NOW.plus(ROTATED_AFTER_MS);
        let second = keys.sign(Wish::Acknowledge, [1; 16], later).unwrap();
        assert_ne!(first, second);
        assert!(keys.check(&first).is_some() && keys.check(&second).is_some());
        let much_later = later.plus(ROTATED_AFTER_MS);
        keys.sign(Wish::Acknowledge, [1; 16], much_later).unwrap();
        assert_eq!(keys.check(&first), None, "its key is gone");
        assert!(keys.check(&second).is_some());
        let reopened = Keys::new(keys.store.clone(), None).unwrap();
        assert!(reopened.check(&second).is_some(), "also after a restart");
    }

    #[test]
    fn two_installations_with_one_key_take_each_others_tokens() {
        let configured = || Some(Secret::new("k".repeat(32)));
        let here = Keys::new(Store::in_memory().unwrap(), configured()).unwrap();
        let there = Keys::new(Store::in_memory().unwrap(), configured()).unwrap();
        let token = here.sign(Wish::Benign, [3; 16], NOW).unwrap();
        assert_eq!(there.check(&token), Some((Wish::Benign, [3; 16])));
        assert_eq!(keys().check(&token), None, "without the key it is nobody's");
    }

    proptest! {
        #[test]
        fn a_token_with_any_change_is_none_of_ours(at in 0..TOKEN_CHARS, to in "[A-Za-z0-9_-]") {
            let keys = keys();
            let token = keys.sign(Wish::Acknowledge, [7; 16], NOW).unwrap();
            let mut forged = token.clone();
            forged.replace_range(at..=at, &to);
            prop_assert_eq!(keys.check(&forged).is_some(), forged == token);
        }

        #[test]
        fn anything_may_be_shown_as_a_token(text in ".{0,80}") {
            prop_assert_eq!(keys().check(&text), None);
        }
    }
}
