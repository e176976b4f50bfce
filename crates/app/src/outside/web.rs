//! An address that takes a block with POST and answers with findings.

use std::time::Duration;

use super::{ANSWER_BYTES_MAX, Answers, Failure};

/// An address, with a client of its own.
pub(super) struct Address {
    url: String,
    client: Option<(tokio::runtime::Runtime, reqwest::Client)>,
}

impl Address {
    pub(super) fn new(url: String) -> Self {
        Self { url, client: None }
    }
}

fn client() -> Result<(tokio::runtime::Runtime, reqwest::Client), Failure> {
    let unreachable = |error: &dyn std::fmt::Display| Failure::Unreachable(error.to_string());
    rustls::crypto::ring::default_provider().install_default().ok();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| unreachable(&error))?;
    // Following a redirect would tell the block to whom nobody named.
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| unreachable(&error))?;
    Ok((runtime, client))
}

impl Answers for Address {
    fn answer(&mut self, line: &str, timeout: Duration) -> Result<String, Failure> {
        if self.client.is_none() {
            self.client = Some(client()?);
        }
        let Some((runtime, client)) = &self.client else {
            return Err(Failure::Unreachable("there is no client".to_owned()));
        };
        let asked = client
            .post(&self.url)
            .header("content-type", "application/json")
            .timeout(timeout)
            .body(line.to_owned());
        runtime.block_on(async {
            let failed = |error: reqwest::Error| {
                // Without the address: it may hold a secret.
                let error = error.without_url();
                if error.is_timeout() {
                    Failure::TooSlow(timeout)
                } else {
                    Failure::Unreachable(error.to_string())
                }
            };
            let mut answer = asked.send().await.map_err(failed)?;
            let status = answer.status();
            if !status.is_success() {
                return Err(Failure::NoAnswer(format!("status {status}")));
            }
            let mut body = Vec::new();
            while let Some(chunk) = answer.chunk().await.map_err(failed)? {
                body.extend_from_slice(&chunk);
                if body.len() > ANSWER_BYTES_MAX {
                    return Err(Failure::TooLong);
                }
            }
            String::from_utf8(body).map_err(|_| Failure::NoAnswer("it is not UTF-8".to_owned()))
        })
    }
}
