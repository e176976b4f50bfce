//! Our own requests to the chats: few, short, to addresses from the configuration.

use std::time::Duration;

use serde_json::Value;

/// Longest time to a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Bytes of an answer that are read: a hundred updates of Telegram with their messages.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A client of chats.
#[derive(Debug, Clone)]
pub(super) struct Reach(reqwest::Client);

/// Why a request came to nothing; never with the address, which may hold a secret.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unreached(pub(super) String);

impl Reach {
    pub(super) fn new() -> Result<Self, Unreached> {
        // Whoever asks first chooses for the process, and a choice made before is as good.
        rustls::crypto::ring::default_provider().install_default().ok();
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("bellwether/", env!("CARGO_PKG_VERSION")))
            .build();
        client.map(Self).map_err(unreached)
    }

    /// Posts JSON within a time; the answer's status and body, which is null when it is no JSON.
    pub(super) async fn post(
        &self,
        url: &str,
        body: &Value,
        within: Duration,
    ) -> Result<(u16, Value), Unreached> {
        let bytes = serde_json::to_vec(body).map_err(|error| Unreached(error.to_string()))?;
        let request = self
            .0
            .post(url)
            .timeout(within)
            .header(reqwest::header::CONTENT_TYPE, "application/json")
            .body(bytes);
        let mut response = request.send().await.map_err(unreached)?;
        let status = response.status().as_u16();
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreached)? {
            if answer.len() + chunk.len() > ANSWER_BYTES_MAX {
                let size = format!("the answer is longer than {ANSWER_BYTES_MAX} bytes");
                return Err(Unreached(size));
            }
            answer.extend_from_slice(&chunk);
        }
        Ok((status, serde_json::from_slice(&answer).unwrap_or(Value::Null)))
    }
}

fn unreached(error: reqwest::Error) -> Unreached {
    Unreached(crate::web::error_chain(&error.without_url()))
}
