use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use super::{Shared, methods};
use crate::devnet::Fault;

/// What goes back over the wire.
pub(super) enum Answer {
    Text(String),
    /// No JSON-RPC answer, only an HTTP status.
    Status(u16),
}

/// A JSON-RPC error object.
#[derive(Debug)]
pub(super) struct RpcError {
    pub(super) code: i64,
    pub(super) message: String,
    pub(super) data: Option<Value>,
}

impl RpcError {
    pub(super) fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    pub(super) fn invalid_params(message: impl Into<String>) -> Self {
        Self::new(-32602, message)
    }

    fn to_json(&self) -> Value {
        let mut error = json!({ "code": self.code, "message": self.message });
        if let Some(data) = &self.data {
            error["data"] = data.clone();
        }
        error
    }
}

impl From<crate::devnet::DevnetError> for RpcError {
    fn from(error: crate::devnet::DevnetError) -> Self {
        Self::new(-32000, error.to_string())
    }
}

#[derive(Deserialize)]
struct Request {
    #[serde(default)]
    id: Option<Box<RawValue>>,
    method: String,
    #[serde(default)]
    params: Value,
}

/// Most requests in one batch, as other nodes have it.
const BATCH_MAX: usize = 1_000;

pub(super) async fn answer(shared: &Shared, body: Vec<u8>) -> Answer {
    let is_batch = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    if !is_batch {
        return match serde_json::from_slice(&body) {
            Ok(request) => one(shared, request).await,
            Err(error) => Answer::Text(parse_error(&error)),
        };
    }
    let requests: Vec<Request> = match serde_json::from_slice(&body) {
        Ok(requests) => requests,
        Err(error) => return Answer::Text(parse_error(&error)),
    };
    if requests.is_empty() || requests.len() > BATCH_MAX {
        let error = RpcError::new(-32600, format!("a batch has 1 to {BATCH_MAX} requests"));
        return Answer::Text(envelope(None, Err(error)));
    }
    let mut texts = Vec::with_capacity(requests.len());
    for request in requests {
        match one(shared, request).await {
            Answer::Text(text) => texts.push(text),
            status @ Answer::Status(_) => return status,
        }
    }
    Answer::Text(format!("[{}]", texts.join(",")))
}

async fn one(shared: &Shared, request: Request) -> Answer {
    let faults = shared.faults.take(&request.method, &request.params);
    let mut lag_blocks = 0;
    let mut instead: Option<Result<Value, RpcError>> = None;
    for fault in faults {
        match fault {
            Fault::Delay { ms } => tokio::time::sleep(Duration::from_millis(ms)).await,
            Fault::Lag { blocks } => lag_blocks = lag_blocks.max(blocks),
            Fault::Http { status } => return Answer::Status(status),
            Fault::Garbage => return Answer::Text("<html>upstream timed out</html>".to_owned()),
            Fault::Null => instead = Some(Ok(Value::Null)),
            Fault::Empty => instead = Some(Ok(json!([]))),
            Fault::Error { code, message } => instead = Some(Err(RpcError::new(code, message))),
            Fault::DropWebsocket => {}
        }
    }
    let Request { id, method, params } = request;
    let result = match instead {
        Some(result) => result,
        None => run(shared, method, params, lag_blocks).await,
    };
    Answer::Text(envelope(id.as_deref(), result))
}

/// Executing and tracing take the processor for milliseconds: off the threads that serve sockets.
async fn run(
    shared: &Shared,
    method: String,
    params: Value,
    lag_blocks: u64,
) -> Result<Value, RpcError> {
    let shared = shared.clone();
    let work = move || methods::run(&shared, &method, &params, lag_blocks);
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(RpcError::new(-32603, format!("internal error: {error}"))))
}

fn envelope(id: Option<&RawValue>, result: Result<Value, RpcError>) -> String {
    let id = id.map_or("null", RawValue::get);
    match result {
        Ok(result) => format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#),
        Err(error) => format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{}}}"#, error.to_json()),
    }
}

fn parse_error(error: &serde_json::Error) -> String {
    envelope(None, Err(RpcError::new(-32700, format!("parse error: {error}"))))
}
