//! JSON-RPC 2.0 as nodes really speak it.
//!
//! Requests over HTTP, one by one or in batches; each answer is the raw JSON of its `result`, cut
//! out of the body without building a tree. Whatever a node does wrong (an error inside HTTP 200,
//! no JSON, another request's id, an endless body, silence) becomes an [`RpcError`] that says what
//! a caller may do about it. A `null` result is an answer of its own, `Ok(None)`, never an error
//! and never an empty one. Over WebSocket only `newHeads` is read, and only to be woken.
//!
//! Nothing here retries, and nothing here shows a URL.

mod envelope; //      the JSON around requests and answers
mod error; //         what can go wrong, and what a caller may do about it
mod http; //          one request or batch over HTTP
mod redact; //        keeps the URL out of what nodes and libraries say
mod subscription; //  newHeads as an alarm clock

pub use envelope::Request;
pub use error::{ErrorClass, RpcError, RpcErrorKind};
pub use http::{HttpRpc, SetupError};
pub use subscription::{Socket, SocketState};

/// Makes ring the process's TLS implementation, unless the program chose another before.
fn install_tls() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // An error means that somebody else was faster, which is as good.
            drop(rustls::crypto::ring::default_provider().install_default());
        }
    });
}
