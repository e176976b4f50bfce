//! Signed JSON to an address of the user's own. Not signed only on this machine.
//!
//! ```text
//! POST …
//! Content-Type: application/json
//! Idempotency-Key: 3476f07ee608a467d99f9ed6afa23630        the same in each attempt
//! X-Bellwether-Signature: t=1800014404,v1=5257a869…        HMAC-SHA256 of `t.body`, hex
//!
//! {"schema":"bellwether.alert/1", …}
//! ```
//!
//! Who receives it computes the signature over the raw body, compares in constant time, and refuses
//! a `t` that is more than a few minutes off, so that a recorded request cannot be played again.

use hmac::{Hmac, Mac};
use model::{Secret, UnixMillis};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use sha2::Sha256;

use super::{
    Message, Receipt, ReceiverError, SendError,
    http::{Endpoint, Exposure},
};

/// Header that holds time and signature.
pub const SIGNATURE_HEADER: &str = "x-bellwether-signature";

/// Header that holds the identity of the message.
const IDEMPOTENCY_HEADER: &str = "idempotency-key";

/// Shortest key of a signature: 128 bits, if it is random.
pub(super) const SECRET_LEN_MIN: usize = 16;

/// A webhook.
#[derive(Debug)]
pub struct Webhook {
    endpoint: Endpoint,
    secret: Option<Secret<String>>,
}

impl Webhook {
    pub(crate) fn new(
        url: &Secret<String>,
        secret: Option<&Secret<String>>,
    ) -> Result<Self, ReceiverError> {
        let found = secret.map(|secret| secret.reveal().len());
        if let Some(found) = found.filter(|found| *found < SECRET_LEN_MIN) {
            return Err(ReceiverError::WeakSecret { found });
        }
        let endpoint = Endpoint::new("webhook", url, Exposure::Open)?;
        if secret.is_none() && !endpoint.is_loopback() {
            return Err(ReceiverError::Unsigned);
        }
        let endpoint = match secret {
            Some(secret) => endpoint.hiding(secret),
            None => endpoint,
        };
        Ok(Self { endpoint, secret: secret.cloned() })
    }

    pub(super) async fn send(&self, message: &Message) -> Result<Receipt, SendError> {
        let body = message.json().to_string().into_bytes();
        self.post(message.id.to_string(), body, message.at).await
    }

    /// Posts a body under an identity: letters, digits and hyphens.
    pub(crate) async fn post(
        &self,
        id: String,
        body: Vec<u8>,
        now: UnixMillis,
    ) -> Result<Receipt, SendError> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let mut told = vec![(IDEMPOTENCY_HEADER, id)];
        if let Some(secret) = &self.secret {
            let timestamp_s = now.0.div_euclid(1000);
            let signature = signature(secret, timestamp_s, &body);
            told.push((SIGNATURE_HEADER, format!("t={timestamp_s},v1={signature}")));
        }
        for (name, value) in told {
            let value =
                HeaderValue::from_str(&value).expect("letters, digits and punctuation only");
            headers.insert(HeaderName::from_static(name), value);
        }
        self.endpoint.post(headers, body, now).await
    }
}

/// The signature of a body sent at a time: hex of HMAC-SHA256 (RFC 2104) over `time.body`.
pub fn signature(secret: &Secret<String>, timestamp_s: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes())
        .expect("HMAC takes keys of any length");
    mac.update(timestamp_s.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_openssl() {
        // printf '1800000000.{"a":1}' | openssl dgst -sha256 -hmac 0123456789abcdef
        let secret = Secret::new("0123456789abcdef".to_owned());
        assert_eq!(
            signature(&secret, 1_800_000_000, br#"{"a":1}"#),
            "d3e17924cac4a72ca2ee9e5700df170fdb5733eaf69ecd909fb0c18a962b03a5"
        );
    }

    #[test]
    fn a_key_that_can_be_guessed_is_refused() {
        let url = Secret::new("https://example.org/hook".to_owned());
        let error = Webhook::new(&url, Some(&Secret::new("short".to_owned()))).unwrap_err();
        assert_eq!(error, ReceiverError::WeakSecret { found: 5 });
    }

    #[test]
    fn without_a_key_it_stays_on_this_machine() {
        let webhook = |url: &str| Webhook::new(&Secret::new(url.to_owned()), None).map(|_| ());
        assert_eq!(webhook("http://127.0.0.1:9/hook"), Ok(()));
        assert_eq!(webhook("https://example.org/hook"), Err(ReceiverError::Unsigned));
        assert_eq!(webhook("http://127.0.0.1.example.org/"), Err(ReceiverError::Unsigned));
    }
}
