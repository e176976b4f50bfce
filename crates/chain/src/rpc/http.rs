//! One request, or one batch, over HTTP.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use model::Secret;
use reqwest::{Client, Response, StatusCode, header};

use super::{
    Request, RpcError, RpcErrorKind, envelope, error::RATE_LIMIT_DEFAULT, redact::Redactor,
};
use crate::config::{EndpointConfig, Limits, Timing};

/// Longest `Retry-After` that is honoured: an endpoint that wants a day is looked at again after
/// this long.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(600);

/// Speaks JSON-RPC over HTTP to one address.
#[derive(Debug)]
pub struct HttpRpc {
    client: Client,
    url: Secret<String>,
    redactor: Redactor,
    timeout: Duration,
    response_bytes_max: usize,
    next_id: AtomicU64,
}

/// The HTTP client could not be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("HTTP client of endpoint {endpoint}: {why}")]
pub struct SetupError {
    /// Endpoint.
    pub endpoint: model::Name,
    /// The library's words, without the URL.
    pub why: String,
}

impl HttpRpc {
    /// A client for one endpoint. Opens no connection yet.
    ///
    /// # Errors
    /// When TLS cannot be set up or a header cannot be sent.
    pub fn new(
        endpoint: &EndpointConfig,
        timing: &Timing,
        limits: &Limits,
    ) -> Result<Self, SetupError> {
        super::install_tls();
        let redactor = Redactor::new(&endpoint.url, &endpoint.headers);
        let setup_error =
            |why: &str| SetupError { endpoint: endpoint.name.clone(), why: redactor.clean(why) };
        let mut headers = header::HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        for (name, value) in &endpoint.headers {
            let name = header::HeaderName::from_bytes(name.as_bytes())
                .map_err(|error| setup_error(&error.to_string()))?;
            let mut value = header::HeaderValue::from_str(value.reveal())
                .map_err(|error| setup_error(&error.to_string()))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let client = Client::builder()
            .default_headers(headers)
            .connect_timeout(Duration::from_millis(timing.connect_timeout_ms))
            // A redirect would carry the request, and perhaps a key, to somebody else.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| setup_error(&innermost(&error)))?;
        Ok(Self {
            client,
            url: endpoint.url.clone(),
            redactor,
            timeout: Duration::from_millis(timing.request_timeout_ms),
            response_bytes_max: limits.response_bytes_max,
            next_id: AtomicU64::new(1),
        })
    }

    /// Asks once. `Ok(None)` is a `null` result; otherwise the raw JSON of the result.
    ///
    /// # Errors
    /// Everything that is not an answer, see [`RpcErrorKind`].
    pub async fn call(&self, request: &Request) -> Result<Option<Bytes>, RpcError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let mut body = String::with_capacity(64 + request.params.len());
        request.write(id, &mut body);
        let answer = match self.post(body).await {
            Ok(body) => envelope::parse_single(&body, id, &self.redactor),
            Err(kind) => Err(kind),
        };
        answer.map_err(|kind| RpcError { method: request.method, kind })
    }

    /// Asks several things in one HTTP request; the answers come in the order of the requests.
    ///
    /// # Errors
    /// When the batch as a whole failed; a single call's failure is in its place.
    pub async fn batch(
        &self,
        requests: &[Request],
    ) -> Result<Vec<Result<Option<Bytes>, RpcError>>, RpcError> {
        let Some(first) = requests.first() else { return Ok(Vec::new()) };
        let first_id = self.next_id.fetch_add(requests.len() as u64, Ordering::Relaxed);
        let mut body = String::from("[");
        for (id, request) in (first_id..).zip(requests) {
            if id > first_id {
                body.push(',');
            }
            request.write(id, &mut body);
        }
        body.push(']');
        let answers = match self.post(body).await {
            Ok(body) => envelope::parse_batch(&body, first_id, requests.len(), &self.redactor),
            // Some servers answer a batch with a bare client error.
            Err(RpcErrorKind::Http(400 | 404 | 405 | 415 | 422 | 501)) => {
                Err(RpcErrorKind::BatchUnsupported)
            }
            Err(kind) => Err(kind),
        };
        let answers = answers.map_err(|kind| RpcError { method: first.method, kind })?;
        let in_place = requests.iter().zip(answers).map(|(request, answer)| {
            answer.map_err(|kind| RpcError { method: request.method, kind })
        });
        Ok(in_place.collect())
    }

    async fn post(&self, body: String) -> Result<Bytes, RpcErrorKind> {
        let exchange = async {
            let response = self
                .client
                .post(self.url.reveal())
                .body(body)
                .send()
                .await
                .map_err(|error| self.transport_error(error))?;
            let status = response.status();
            if status == StatusCode::TOO_MANY_REQUESTS {
                return Err(RpcErrorKind::RateLimited { retry_after: retry_after(&response) });
            }
            if status == StatusCode::SERVICE_UNAVAILABLE
                && response.headers().contains_key(header::RETRY_AFTER)
            {
                return Err(RpcErrorKind::RateLimited { retry_after: retry_after(&response) });
            }
            if !status.is_success() {
                return Err(RpcErrorKind::Http(status.as_u16()));
            }
            self.read(response).await
        };
        match tokio::time::timeout(self.timeout, exchange).await {
            Ok(outcome) => outcome,
            Err(_elapsed) => {
                Err(RpcErrorKind::Timeout { after_ms: self.timeout.as_millis() as u64 })
            }
        }
    }

    /// The body, as long as it stays below the limit. The limit holds for what comes out of
    /// decompression, so a small answer cannot unfold into a large one.
    async fn read(&self, mut response: Response) -> Result<Bytes, RpcErrorKind> {
        let oversize = RpcErrorKind::Oversize { limit_bytes: self.response_bytes_max };
        let announced = response.content_length().unwrap_or(0);
        if announced > self.response_bytes_max as u64 {
            return Err(oversize);
        }
        let mut body = BytesMut::with_capacity(announced as usize);
        while let Some(chunk) =
            response.chunk().await.map_err(|error| self.transport_error(error))?
        {
            if body.len() + chunk.len() > self.response_bytes_max {
                return Err(oversize);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }

    fn transport_error(&self, error: reqwest::Error) -> RpcErrorKind {
        let error = error.without_url();
        RpcErrorKind::Connection(self.redactor.clean(&innermost(&error)))
    }
}

/// The deepest cause says what happened ("connection refused"); the layers above only where.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string().to_lowercase()
}

fn retry_after(response: &Response) -> Duration {
    let seconds = response
        .headers()
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.trim().parse::<f64>().ok())
        .filter(|seconds| seconds.is_finite() && *seconds >= 0.0);
    seconds.map_or(RATE_LIMIT_DEFAULT, |seconds| {
        Duration::from_secs_f64(seconds.min(RETRY_AFTER_MAX.as_secs_f64()))
    })
}
