//! Clocks and certificates of those we ask: every HTTPS answer tells both.

use std::time::Duration;

use model::{UnixMillis, UnixSeconds};
use reqwest::{Url, header::DATE, tls::TlsInfo};
use x509_cert::{Certificate as X509, der::Decode};

/// Longest exchange.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(10);

/// Until when a server's certificate is good.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Certificate {
    /// Server, with its port where it is not 443.
    pub host: String,
    /// End of its validity.
    pub not_after: UnixSeconds,
}

/// What a server's clock said beside ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockReading {
    /// Ours minus theirs, in milliseconds: above zero when ours is ahead.
    pub ahead_ms: i64,
    /// How wrong it may be: the way of the answer, and that HTTP tells whole seconds.
    pub error_ms: i64,
}

/// What one answer told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Probed {
    pub(super) clock: Option<ClockReading>,
    pub(super) certificate: Option<Certificate>,
}

/// A client that shows the certificate it was shown.
pub(super) fn client() -> Result<reqwest::Client, reqwest::Error> {
    // Two TLS backends could be compiled in; whoever asks first chooses for the process.
    rustls::crypto::ring::default_provider().install_default().ok();
    reqwest::Client::builder()
        .timeout(EXCHANGE_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .tls_info(true)
        .user_agent(concat!("bellwether/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// The server of an address, without path, account or query: those may be secrets, and any answer
/// tells clock and certificate.
pub(super) fn origin(address: &str) -> Option<Url> {
    let mut url = Url::parse(address).ok()?;
    let is_http = matches!(url.scheme(), "http" | "https");
    let is_bare = url.set_username("").is_ok() && url.set_password(None).is_ok();
    url.set_path("/");
    url.set_query(None);
    url.set_fragment(None);
    (is_http && is_bare).then_some(url)
}

/// Asks a server for anything.
pub(super) async fn probe(
    client: &reqwest::Client,
    origin: &Url,
    now: impl Fn() -> UnixMillis,
) -> Option<Probed> {
    let asked_at = now();
    let answer = client.head(origin.clone()).send().await.ok()?;
    let answered_at = now();
    let date = answer.headers().get(DATE).and_then(|value| value.to_str().ok());
    let certificate = answer.extensions().get::<TlsInfo>().and_then(TlsInfo::peer_certificate);
    Some(Probed {
        clock: date.and_then(|date| reading(date, asked_at, answered_at)),
        certificate: certificate.and_then(|der| {
            let not_after = not_after(der)?;
            let host = origin.host_str()?.to_owned();
            let host = origin.port().map_or(host.clone(), |port| format!("{host}:{port}"));
            Some(Certificate { host, not_after })
        }),
    })
}

/// The difference of the clocks, from a `Date` header that was written between two moments.
fn reading(date: &str, asked_at: UnixMillis, answered_at: UnixMillis) -> Option<ClockReading> {
    let theirs = jiff::fmt::rfc2822::parse(date).ok()?.timestamp().as_millisecond();
    let way_ms = answered_at.millis_since(asked_at).max(0);
    // A whole second was cut off: on average half of one.
    let middle = asked_at.0 + way_ms / 2;
    Some(ClockReading { ahead_ms: middle - (theirs + 500), error_ms: way_ms / 2 + 500 })
}

fn not_after(der: &[u8]) -> Option<UnixSeconds> {
    let certificate = X509::from_der(der).ok()?;
    let until = certificate.tbs_certificate.validity.not_after.to_unix_duration();
    Some(UnixSeconds(until.as_secs()))
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    use super::*;

    #[test]
    fn an_address_is_probed_without_its_secrets() {
        let bare = |text: &str| origin(text).map(|url| url.to_string());
        let secret = "https://user:pass@rpc.example:8443/v2/KEY?token=T#x";
        assert_eq!(bare(secret).as_deref(), Some("https://rpc.example:8443/"));
        assert_eq!(bare("http://127.0.0.1:8545").as_deref(), Some("http://127.0.0.1:8545/"));
        assert_eq!(bare("wss://rpc.example/KEY"), None);
        assert_eq!(bare("no address"), None);
    }

    #[test]
    fn a_date_header_is_read_as_the_middle_of_its_second_and_of_the_way() {
        let date = "Sat, 21 Nov 2026 22:00:00 GMT";
        let true_ms = 1_795_298_400_000;
        let at = |ms: i64| UnixMillis(true_ms + ms);
        let read = |from, to| reading(date, at(from), at(to)).unwrap();
        assert_eq!(read(400, 600), ClockReading { ahead_ms: 0, error_ms: 600 });
        assert_eq!(read(60_450, 60_550).ahead_ms, 60_000, "ours is a minute ahead");
        assert_eq!(read(-59_550, -59_450).ahead_ms, -60_000);
        assert_eq!(reading("yesterday", at(0), at(0)), None);
    }

    /// Made for this test with `openssl req -x509 -days 30 -subj /CN=rpc.example`.
    const CERTIFICATE: &str = "\
        MIIBgTCCASegAwIBAgIUHuptRcWgkezm/7MA0pqQdYSMjlEwCgYIKoZIzj0EAwIwFjEUMBIGA1UEAwwLcnBjLmV4\
        YW1wbGUwHhcNMjYxMTIxMjI0NzUyWhcNMjYxMjIxMjI0NzUyWjAWMRQwEgYDVQQDDAtycGMuZXhhbXBsZTBZMBMG\
        ByqGSM49AgEGCCqGSM49AwEHA0IABB3T8RyXkv/3ETOjCNnN7xCHt+CkO6ib7EqkGzGuNXvUWbEaEcN7MXma9Z8n\
        QtWuwYLLjHz5+Knf6vVkX7sNPvqjUzBRMB0GA1UdDgQWBBRhrkcXYqzNMuNEIQ0ryTee8CJQ3DAfBgNVHSMEGDAW\
        gBRhrkcXYqzNMuNEIQ0ryTee8CJQ3DAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIQDHzbst/SqK\
        kNhxodUjpAwE/r6sZ2XoQtuNJYOkRp7bYgIgIwp1anoVymb1YUklxjHb3U1Br8hbLYw4B05vWmea4Es=\
    ";

    #[test]
    fn the_end_of_a_certificate_is_read_from_it() {
        let der = STANDARD.decode(CERTIFICATE.trim()).unwrap();
        // notAfter=Dec 21 22:47:52 2026 GMT
        assert_eq!(not_after(&der), Some(UnixSeconds(1_797_893_272)));
        assert_eq!(not_after(&der[..100]), None);
    }
}
