//! The switch outside: somebody else's, who calls people when nobody pings.

use std::time::Duration;

use model::{Secret, UnixMillis};

use super::PingSettings;

/// Longest exchange.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(10);

/// How pinging goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PingState {
    /// When a ping was last taken.
    pub taken_at: Option<UnixMillis>,
    /// When the first of those in a row was not taken.
    pub refused_since: Option<UnixMillis>,
    /// What the switch said then. Never holds its address.
    pub error: Option<String>,
}

impl PingState {
    /// Notes what came of a ping.
    pub fn note(&mut self, outcome: Result<(), String>, now: UnixMillis) {
        match outcome {
            Ok(()) => *self = Self { taken_at: Some(now), ..Self::default() },
            Err(error) => {
                self.refused_since.get_or_insert(now);
                self.error = Some(error);
            }
        }
    }
}

/// Says that all is well, or which `missing` codes say that it is not. Without an address for that
/// nothing is sent: silence is what the switch waits for.
pub(super) async fn ping(
    client: &reqwest::Client,
    settings: &PingSettings,
    missing: &[&str],
) -> Option<Result<(), String>> {
    if missing.is_empty() {
        return Some(send(client, &settings.url, String::new()).await);
    }
    let url = settings.fail_url.as_ref()?;
    // What the failing address takes is no ping: the switch must not hold it for life.
    send(client, url, missing.join(" ")).await.err().map(Err)
}

async fn send(client: &reqwest::Client, url: &Secret<String>, body: String) -> Result<(), String> {
    let request = client.post(url.reveal().as_str()).timeout(EXCHANGE_TIMEOUT).body(body);
    match request.send().await {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(format!("HTTP {}", answer.status().as_u16())),
        Err(error) if error.is_timeout() => Err("it does not answer in time".to_owned()),
        Err(error) => Err(format!("it cannot be reached: {}", error.without_url())),
    }
}
