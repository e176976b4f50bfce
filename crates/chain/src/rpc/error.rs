//! What can go wrong with a request, and what a caller may do about it.

use std::time::Duration;

/// A request that got no usable answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{method}: {kind}")]
pub struct RpcError {
    /// The JSON-RPC method that was asked.
    pub method: &'static str,
    /// What went wrong.
    pub kind: RpcErrorKind,
}

/// What went wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RpcErrorKind {
    /// Silence.
    #[error("no answer within {after_ms} ms")]
    Timeout {
        /// How long was waited.
        after_ms: u64,
    },
    /// The connection could not be made, or broke.
    #[error("connection failed: {0}")]
    Connection(String),
    /// HTTP said no.
    #[error("HTTP status {0}")]
    Http(u16),
    /// Too many requests, says the endpoint or our own limit for it.
    #[error("rate limited, try again in {} ms", retry_after.as_millis())]
    RateLimited {
        /// How long the endpoint wants to be left alone.
        retry_after: Duration,
    },
    /// The body is larger than we are willing to read.
    #[error("answer is larger than {limit_bytes} bytes")]
    Oversize {
        /// The limit.
        limit_bytes: usize,
    },
    /// The body is not a JSON-RPC answer.
    #[error("answer is not JSON-RPC: {0}")]
    NotJsonRpc(String),
    /// The answer belongs to another request.
    #[error("answer carries id {found}, expected {expected}")]
    WrongId {
        /// The id we sent.
        expected: u64,
        /// The id that came back, as JSON.
        found: String,
    },
    /// A batch came back without an answer to this call.
    #[error("batch answer leaves this call out")]
    LeftOut,
    /// The node refuses batches as such.
    #[error("batch requests are not supported")]
    BatchUnsupported,
    /// The node answered with an error object.
    #[error("node error {code}: {message}")]
    Node {
        /// JSON-RPC error code.
        code: i64,
        /// The node's words, shortened, without our URL.
        message: String,
    },
}

/// What a caller may do about an [`RpcError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// The same request may succeed later, or at another endpoint.
    Retryable,
    /// This endpoint wants to be left alone for so long.
    RateLimited(Duration),
    /// This endpoint does not offer the method; asking again is useless.
    NotSupported,
    /// This endpoint will not answer this request; another one may.
    Refused,
}

/// How long an endpoint is left alone that says "too many requests" but not for how long.
pub(crate) const RATE_LIMIT_DEFAULT: Duration = Duration::from_secs(2);

impl RpcError {
    /// What a caller may do about it.
    pub fn class(&self) -> ErrorClass {
        match &self.kind {
            RpcErrorKind::RateLimited { retry_after } => ErrorClass::RateLimited(*retry_after),
            RpcErrorKind::BatchUnsupported => ErrorClass::NotSupported,
            RpcErrorKind::Oversize { .. } => ErrorClass::Refused,
            RpcErrorKind::Http(status) => match status {
                408 | 425 | 500..=599 => ErrorClass::Retryable,
                _ => ErrorClass::Refused,
            },
            RpcErrorKind::Node { code, message } => class_of_node_error(*code, message),
            RpcErrorKind::Timeout { .. }
            | RpcErrorKind::Connection(_)
            | RpcErrorKind::NotJsonRpc(_)
            | RpcErrorKind::WrongId { .. }
            | RpcErrorKind::LeftOut => ErrorClass::Retryable,
        }
    }

    /// Whether the call itself reverted: the contract's answer, not the node's trouble.
    pub fn is_revert(&self) -> bool {
        let RpcErrorKind::Node { code, message } = &self.kind else { return false };
        let message = message.to_ascii_lowercase();
        *code == 3
            || message.contains("revert")
            || message.contains("invalid opcode")
            || message.contains("vm execution error")
    }
}

/// Codes are used loosely in the wild: -32000 means anything, and several providers say "method
/// not available" under a code of their own. So the words count too.
fn class_of_node_error(code: i64, message: &str) -> ErrorClass {
    let message = message.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if code == -32601 || code == -32004 {
        return ErrorClass::NotSupported;
    }
    let is_about_method = message.contains("method") || message.contains("tracer");
    let is_refusal = says(&[
        "not found",
        "not supported",
        "unsupported",
        "not available",
        "unavailable",
        "does not exist",
        "not allowed",
        "not whitelisted",
        "disabled",
    ]);
    if is_about_method && is_refusal {
        return ErrorClass::NotSupported;
    }
    if code == -32005 || code == 429 || says(&["rate limit", "too many requests", "compute units"])
    {
        return ErrorClass::RateLimited(RATE_LIMIT_DEFAULT);
    }
    match code {
        3 | -32600 | -32602 => ErrorClass::Refused,
        _ => ErrorClass::Retryable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(code: i64, message: &str) -> RpcError {
        let kind = RpcErrorKind::Node { code, message: message.into() };
        RpcError { method: "eth_call", kind }
    }

    #[test]
    fn node_errors_are_classed_by_code_and_by_words() {
        let class = |code, message: &str| node(code, message).class();
        let limited = ErrorClass::RateLimited(RATE_LIMIT_DEFAULT);
        assert_eq!(class(-32601, "nope"), ErrorClass::NotSupported);
        assert_eq!(
            class(-32000, "the method trace_block does not exist"),
            ErrorClass::NotSupported
        );
        assert_eq!(
            class(-32603, "Method is not available on the free plan"),
            ErrorClass::NotSupported
        );
        assert_eq!(class(-32005, "limit"), limited);
        assert_eq!(class(-32000, "Too Many Requests"), limited);
        assert_eq!(class(-32602, "invalid argument 0"), ErrorClass::Refused);
        assert_eq!(class(-32000, "header not found"), ErrorClass::Retryable);
        assert_eq!(class(-32603, "internal error"), ErrorClass::Retryable);
    }

    #[test]
    fn a_revert_is_told_from_a_node_in_trouble() {
        assert!(node(3, "execution reverted: paused").is_revert());
        assert!(node(-32000, "execution reverted").is_revert());
        assert!(node(-32015, "VM execution error.").is_revert());
        assert!(!node(-32000, "header not found").is_revert());
        assert!(!node(-32000, "missing trie node 0xabc").is_revert());
    }

    #[test]
    fn http_errors_are_classed_by_status() {
        let class =
            |status| RpcError { method: "eth_chainId", kind: RpcErrorKind::Http(status) }.class();
        assert_eq!(class(503), ErrorClass::Retryable);
        assert_eq!(class(408), ErrorClass::Retryable);
        assert_eq!(class(401), ErrorClass::Refused);
        assert_eq!(class(413), ErrorClass::Refused);
    }
}
