//! What people get to see of an endpoint.

use model::{BlockNumber, Name};

use super::health::EndpointState;
use crate::rpc::SocketState;

/// One endpoint's health. Holds no URL.
#[derive(Debug, Clone, PartialEq)]
pub struct EndpointStatus {
    /// Name from the configuration.
    pub name: Name,
    /// Whether it is asked.
    pub state: EndpointState,
    /// Newest block it showed.
    pub head: Option<BlockNumber>,
    /// Moving average over about ten requests.
    pub latency_ms: Option<f64>,
    /// Requests so far; each call of a batch counts.
    pub requests: u64,
    /// Requests that failed.
    pub errors: u64,
    /// Answers that did not add up.
    pub refusals: u64,
    /// The newest error or refusal, without the URL.
    pub last_error: Option<String>,
    /// The `newHeads` subscription.
    pub socket: SocketState,
}
