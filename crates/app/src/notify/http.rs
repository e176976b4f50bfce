//! What all receivers behind HTTP have in common: one exchange, and what its answer means.

use std::time::Duration;

use model::{Secret, UnixMillis};
use reqwest::{
    Method, RequestBuilder, StatusCode, Url,
    header::{HeaderMap, RETRY_AFTER},
};
use serde_json::Value;

use super::{Receipt, ReceiverError, SendError};

/// Longest time to a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest exchange, from connecting to the last byte of the answer.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(20);

/// Longest rest that a receiver's side may ask for: an hour. Beyond it the next try comes anyway, or
/// one wrong header would silence a receiver for good.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60 * 60);

/// Bytes of an answer that are read: more than any provider's account of one message (Discord
/// repeats it whole), too few to fill the memory.
const ANSWER_BYTES_MAX: usize = 64 * 1_024;

/// Characters of an answer that a receipt or an error tells.
const ANSWER_CHARS_MAX: usize = 200;

/// Shortest part of an address that is taken for a key: providers' keys are longer, and names of
/// paths shorter.
const KEY_LEN_MIN: usize = 16;

/// What is secret about an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exposure {
    /// Nothing: what goes there is signed, or it is nobody's secret.
    Open,
    /// Who knows the address can write.
    IsSecret,
    /// Anybody may know the address; a key goes there.
    TakesSecret,
}

/// Where messages go.
#[derive(Debug)]
pub(super) struct Endpoint {
    client: reqwest::Client,
    url: Secret<String>,
    exposure: Exposure,
    /// Keys that go there: some servers repeat what they were sent.
    keys: Vec<Secret<String>>,
    what: &'static str,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    /// Status.
    pub(super) status: StatusCode,
    after: Option<Duration>,
    body: Vec<u8>,
    /// The body as a line that may be shown.
    told: String,
}

impl Answer {
    /// The body, if it is JSON.
    pub(super) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The body as a line that may be shown.
    pub(super) fn told(&self) -> &str {
        &self.told
    }

    /// With a rest that the body asks for; the longer of the two holds.
    pub(super) fn resting(mut self, asked: Option<Duration>) -> Self {
        self.after = self.after.max(asked.map(|asked| asked.min(RETRY_AFTER_MAX)));
        self
    }

    /// What the status says, as [`verdict`] has it.
    pub(super) fn verdict(&self) -> Result<Receipt, SendError> {
        verdict(self.status, self.after, &self.told)
    }

    /// Taken to be refused for `status`, whatever the real one says: some say 200 and mean another.
    pub(super) fn as_if(mut self, status: u16) -> Self {
        self.status = StatusCode::from_u16(status)
            .ok()
            .filter(|status| !status.is_success())
            .unwrap_or(StatusCode::BAD_REQUEST);
        self
    }

    /// Somebody said yes who is not the one that was asked: a proxy, a sign-in page.
    pub(super) fn is_not_of(&self, what: &str) -> SendError {
        let told = if self.told.is_empty() { "nothing" } else { &self.told };
        let reason = format!("HTTP {}, but not the answer of {what}: {told}", self.status.as_u16());
        SendError::Retry { after: self.after, reason }
    }
}

impl Endpoint {
    /// Checks an address. A secret must not travel in clear except to this machine.
    pub(super) fn new(
        what: &'static str,
        url: &Secret<String>,
        exposure: Exposure,
    ) -> Result<Self, ReceiverError> {
        let unusable = |reason| ReceiverError::Url { what, reason };
        let parsed = Url::parse(url.reveal()).map_err(|_| unusable("it is no URL"))?;
        match (parsed.scheme(), exposure) {
            ("https", _) | ("http", Exposure::Open) => {}
            ("http", _) if is_loopback(&parsed) => {}
            ("http", Exposure::IsSecret) => {
                return Err(unusable("it is a secret and must be https"));
            }
            ("http", Exposure::TakesSecret) => {
                return Err(unusable("a key goes there, so it must be https"));
            }
            _ => return Err(unusable("it must begin with https:// or http://")),
        }
        // Two TLS backends could be compiled in; whoever asks first chooses for the process, and a
        // choice made before is as good.
        rustls::crypto::ring::default_provider().install_default().ok();
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(EXCHANGE_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("bellwether/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| ReceiverError::Setup { what, reason: chain(&error.without_url()) })?;
        Ok(Self { client, url: url.clone(), exposure, keys: Vec::new(), what })
    }

    /// Never shows this key either.
    pub(super) fn hiding(mut self, key: &Secret<String>) -> Self {
        self.keys.push(key.clone());
        self
    }

    /// Whether the other side is on this machine.
    pub(super) fn is_loopback(&self) -> bool {
        is_loopback(&self.address())
    }

    /// The host's name.
    pub(super) fn host(&self) -> String {
        self.address().host_str().unwrap_or_default().to_owned()
    }

    /// The address itself.
    pub(super) fn address(&self) -> Url {
        Url::parse(self.url.reveal()).expect("checked when the endpoint was made")
    }

    /// The address with more segments of a path, each encoded.
    pub(super) fn at(&self, segments: &[&str]) -> Url {
        let mut url = self.address();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// Begins a request.
    pub(super) fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.client.request(method, url)
    }

    /// Posts a body at the time `now` and tells what the answer means.
    pub(super) async fn post(
        &self,
        headers: HeaderMap,
        body: Vec<u8>,
        now: UnixMillis,
    ) -> Result<Receipt, SendError> {
        let request = self.request(Method::POST, self.address()).headers(headers).body(body);
        self.exchange(request, now).await?.verdict()
    }

    /// Makes a request at the time `now`.
    pub(super) async fn exchange(
        &self,
        request: RequestBuilder,
        now: UnixMillis,
    ) -> Result<Answer, SendError> {
        let mut response = request.send().await.map_err(|error| self.unreachable(error))?;
        let status = response.status();
        let after = retry_after(response.headers(), now);
        let mut body = Vec::new();
        // An answer that breaks off changes nothing about its status.
        while let Ok(Some(chunk)) = response.chunk().await {
            let room = ANSWER_BYTES_MAX - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if body.len() == ANSWER_BYTES_MAX {
                break;
            }
        }
        let told = self.shown(&body);
        Ok(Answer { status, after, body, told })
    }

    fn unreachable(&self, error: reqwest::Error) -> SendError {
        let what = if error.is_timeout() { "does not answer in time" } else { "cannot be reached" };
        let reason = format!("{} {what}: {}", self.what, chain(&error.without_url()));
        SendError::Retry { after: None, reason: self.hide(&reason) }
    }

    fn shown(&self, answer: &[u8]) -> String {
        let text = self.hide(&String::from_utf8_lossy(answer));
        let printable = text.split_whitespace().collect::<Vec<_>>().join(" ");
        printable.chars().filter(|c| !c.is_control()).take(ANSWER_CHARS_MAX).collect()
    }

    /// Some servers print the path, or what they were sent, into their error pages.
    fn hide(&self, text: &str) -> String {
        let mut text = text.to_owned();
        if self.exposure != Exposure::TakesSecret {
            text = text.replace(self.url.reveal().as_str(), "<secret>");
            let url = self.address();
            let whole = [url.path(), url.query().unwrap_or_default()];
            for part in whole.into_iter().filter(|part| part.len() > 1) {
                text = text.replace(part, "<secret>");
            }
            // Some repeat only the part that is the key.
            let parts = whole.into_iter().flat_map(|part| part.split(['/', '&', '=']));
            for part in parts.filter(|part| part.len() >= KEY_LEN_MIN) {
                text = text.replace(part, "<secret>");
            }
        }
        for key in self.keys.iter().filter(|key| !key.reveal().is_empty()) {
            text = text.replace(key.reveal().as_str(), "<secret>");
        }
        text
    }
}

pub(super) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// 2xx is taken; overload, time-outs and faults of the server pass; anything else says that this
/// request is wrong, and it will be as wrong next time.
fn verdict(
    status: StatusCode,
    after: Option<Duration>,
    answer: &str,
) -> Result<Receipt, SendError> {
    let told = if answer.is_empty() { String::new() } else { format!(": {answer}") };
    if status.is_success() {
        return Ok(Receipt::new(format!("HTTP {}{told}", status.as_u16())));
    }
    let reason = format!("HTTP {}{told}", status.as_u16());
    let passes = matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
        || status.as_u16() == 425
        || status.is_server_error();
    if passes {
        Err(SendError::Retry { after, reason })
    } else if status.is_redirection() {
        Err(SendError::Permanent { reason: format!("{reason} (redirects are not followed)") })
    } else {
        Err(SendError::Permanent { reason })
    }
}

/// `Retry-After` in either form, at most [`RETRY_AFTER_MAX`].
fn retry_after(headers: &HeaderMap, now: UnixMillis) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let asked = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp().as_millisecond();
            Duration::from_millis(u64::try_from(at - now.0).unwrap_or(0))
        }
    };
    Some(asked.min(RETRY_AFTER_MAX))
}

/// An error with its causes.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let told = cause.to_string();
        if !text.contains(&told) {
            text.push_str(": ");
            text.push_str(&told);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_in_both_forms_and_bounded() {
        let asked = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            // Wed, 21 Oct 2015 07:28:00 GMT
            retry_after(&headers, UnixMillis(1_445_412_480_000))
        };
        assert_eq!(asked("17"), Some(Duration::from_secs(17)));
        assert_eq!(asked("Wed, 21 Oct 2015 07:30:00 GMT"), Some(Duration::from_secs(120)));
        assert_eq!(asked("Wed, 21 Oct 2015 07:00:00 GMT"), Some(Duration::ZERO), "long past");
        assert_eq!(asked("99999999"), Some(RETRY_AFTER_MAX));
        assert_eq!(asked("soon"), None);
        assert_eq!(asked("-5"), None);
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        for code in 100..600u16 {
            let status = StatusCode::from_u16(code).unwrap();
            let outcome = verdict(status, None, "");
            let expected = match code {
                200..=299 => "taken",
                408 | 425 | 429 | 500..=599 => "retry",
                _ => "permanent",
            };
            let found = match outcome {
                Ok(_) => "taken",
                Err(SendError::Retry { .. }) => "retry",
                Err(SendError::Permanent { .. }) => "permanent",
            };
            assert_eq!(found, expected, "{code}");
        }
    }

    #[test]
    fn addresses_are_checked_and_never_shown() {
        let check = |url: &str, exposure| {
            Endpoint::new("slack", &Secret::new(url.to_owned()), exposure)
                .map(|_| ())
                .map_err(|error| error.to_string())
        };
        assert_eq!(check("https://hooks.example/T0/B0/key", Exposure::IsSecret), Ok(()));
        assert_eq!(check("http://127.0.0.1:9/key", Exposure::IsSecret), Ok(()));
        assert_eq!(check("http://[::1]:9/key", Exposure::IsSecret), Ok(()));
        assert_eq!(check("http://alerts.internal/hook", Exposure::Open), Ok(()));
        for bad in ["http://hooks.example/key", "file:///etc/key", "hooks.example/key", ""] {
            let error = check(bad, Exposure::IsSecret).unwrap_err();
            assert!(!error.contains("/key"), "{error}");
        }
    }
}
