//! What text messages and calls share: a REST API like Twilio's.
//!
//! The API knows no idempotency key: when the answer to a request is lost, a further attempt may
//! write or ring a second time. That is the better side to err on.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use model::{Secret, UnixMillis};
use reqwest::{Method, RequestBuilder};
use ring::hmac;
use serde_json::Value;

use super::{
    ReceiverError, SendError, Telephone,
    http::{Answer, Endpoint, Exposure},
};

/// Header in which the provider signs what it sends us.
pub const SIGNATURE_HEADER: &str = "x-twilio-signature";

/// An account.
#[derive(Debug)]
pub(super) struct Account {
    endpoint: Endpoint,
    account: String,
    token: Secret<String>,
    pub(super) from: String,
    pub(super) to: String,
}

impl Account {
    pub(super) fn new(telephone: &Telephone) -> Result<Self, ReceiverError> {
        let Telephone { url, account, token, from, to } = telephone;
        let is_account = !account.is_empty()
            && account.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        if !is_account {
            return Err(ReceiverError::Name {
                what: "an account",
                text: account.clone(),
                example: "AC and 32 digits and letters",
            });
        }
        check_number(to)?;
        let url = Secret::new(url.clone());
        let endpoint = Endpoint::new("telephone", &url, Exposure::TakesSecret)?.hiding(token);
        let (account, token) = (account.clone(), token.clone());
        Ok(Self { endpoint, account, token, from: from.clone(), to: to.clone() })
    }

    /// The number to reach: the person's own, or the configured one.
    pub(super) fn number<'a>(&'a self, address: Option<&'a str>) -> Result<&'a str, SendError> {
        let number = address.unwrap_or(&self.to);
        // A person's number is told to nobody.
        check_number(number)
            .map_err(|_| SendError::permanent("the person's telephone number is none"))?;
        Ok(number)
    }

    /// Creates a message or a call; what the provider says of it.
    pub(super) async fn create(
        &self,
        resource: &str,
        form: &[(&str, &str)],
        now: UnixMillis,
    ) -> Result<Value, SendError> {
        let request = self.endpoint.request(Method::POST, self.at(&[resource])).form(form);
        self.exchange(request, now).await
    }

    /// What became of a message or call.
    pub(super) async fn read(
        &self,
        folder: &str,
        resource: &str,
        now: UnixMillis,
    ) -> Result<Value, SendError> {
        let url = self.at(&[folder, &format!("{resource}.json")]);
        self.exchange(self.endpoint.request(Method::GET, url), now).await
    }

    /// Whether the account exists, can be entered and is not suspended.
    pub(super) async fn check(&self, now: UnixMillis) -> Result<Option<String>, SendError> {
        let name = format!("{}.json", self.account);
        let url = self.endpoint.at(&["2010-04-01", "Accounts", &name]);
        let told = self.exchange(self.endpoint.request(Method::GET, url), now).await?;
        match told["status"].as_str() {
            Some("active") => Ok(Some("the account is active".to_owned())),
            Some(other) => {
                let other: String =
                    other.chars().filter(char::is_ascii_alphabetic).take(20).collect();
                Err(SendError::permanent(format!("the account is {other}")))
            }
            None => Err(SendError::permanent("the answer does not speak of an account")),
        }
    }

    /// Whether the provider signed a request to us: HMAC-SHA1, keyed with the account's token, over
    /// the address and then each field's name and value, sorted by name.
    pub(super) fn has_signed(&self, url: &str, form: &[(String, String)], signature: &str) -> bool {
        let Ok(signature) = STANDARD.decode(signature) else { return false };
        let key = self.token.reveal().as_bytes();
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
        hmac::verify(&key, &signed_text(url, form), &signature).is_ok()
    }

    fn at(&self, path: &[&str]) -> reqwest::Url {
        let account = ["2010-04-01", "Accounts", &self.account];
        self.endpoint.at(&[&account[..], path].concat())
    }

    async fn exchange(&self, request: RequestBuilder, now: UnixMillis) -> Result<Value, SendError> {
        let request = request.basic_auth(&self.account, Some(self.token.reveal()));
        let answer = self.endpoint.exchange(request, now).await?;
        account_of(answer)
    }
}

/// The resource that an answer describes.
fn account_of(answer: Answer) -> Result<Value, SendError> {
    answer.verdict()?;
    let told = answer.json().unwrap_or_default();
    if told["sid"].as_str().is_none() {
        // An error's shape under a status that says yes.
        if let Some(status) = told["status"].as_u64().and_then(|status| u16::try_from(status).ok())
        {
            answer.as_if(status).verdict()?;
            return Err(SendError::permanent("the provider refused the request"));
        }
        return Err(answer.is_not_of("the provider"));
    }
    Ok(told)
}

fn signed_text(url: &str, form: &[(String, String)]) -> Vec<u8> {
    let mut fields: Vec<&(String, String)> = form.iter().collect();
    fields.sort();
    let mut text = url.to_owned();
    for (name, value) in fields {
        text.push_str(name);
        text.push_str(value);
    }
    text.into_bytes()
}

/// How the provider signs: for those who play its part.
pub fn telephone_signature(token: &Secret<String>, url: &str, form: &[(String, String)]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, token.reveal().as_bytes());
    STANDARD.encode(hmac::sign(&key, &signed_text(url, form)))
}

/// E.164: `+`, a country and a number, at most 15 digits.
pub(super) fn check_number(text: &str) -> Result<(), ReceiverError> {
    let is_number = text.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len())
            && digits.chars().all(|c| c.is_ascii_digit())
            && !digits.starts_with('0')
    });
    if is_number {
        return Ok(());
    }
    Err(ReceiverError::Name {
        what: "a telephone number",
        text: text.to_owned(),
        example: "+ and the country first, as in +4930123456",
    })
}

/// How long to wait before each look at what became of a message or call; the last one repeats.
pub(super) fn pause(look: usize, longest: Duration) -> Duration {
    let pause = Duration::from_millis(250).saturating_mul(1 << look.min(8));
    pause.min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_openssl() {
        // printf 'https://watch.example/calls/night/00Digits1To+4930123456' |
        //   openssl dgst -sha1 -hmac 12345 -binary | base64
        let form =
            [("To".to_owned(), "+4930123456".to_owned()), ("Digits".to_owned(), "1".to_owned())];
        let url = "https://watch.example/calls/night/00";
        let signature = telephone_signature(&Secret::new("12345".to_owned()), url, &form);
        assert_eq!(signature, "xicZ0E7XWH45mb9GPOjVhijdjWE=");
        let account = Account::new(&Telephone {
            url: "https://api.example".to_owned(),
            account: "AC1".to_owned(),
            token: Secret::new("12345".to_owned()),
            from: "+4930111111".to_owned(),
            to: "+4930123456".to_owned(),
        })
        .unwrap();
        assert!(account.has_signed(url, &form, &signature));
        assert!(!account.has_signed(url, &form[..1], &signature), "a field less");
        assert!(!account.has_signed("https://evil.example/", &form, &signature));
        assert!(!account.has_signed(url, &form, "not base64"));
    }

    #[test]
    fn a_number_names_its_country() {
        for good in ["+4930123456", "+16175551212"] {
            assert_eq!(check_number(good), Ok(()));
        }
        for bad in ["030123456", "+0301234567", "+49 30 123", "+", "sip:x@y", "+1234567890123456"] {
            assert!(check_number(bad).is_err(), "{bad}");
        }
    }
}
