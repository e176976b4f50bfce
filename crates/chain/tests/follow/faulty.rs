//! A node that can be told to misbehave: real HTTP and WebSocket on loopback.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{State, WebSocketUpgrade, ws},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bellwether_chain::config::EndpointConfig;
use model::{BlockRef, Name, Secret};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::broadcast, task::JoinHandle};

use crate::synthetic::{CHAIN_ID, World, hex};

/// One call as the node received it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) params: Value,
    /// The block it is about, where that can be told.
    pub(crate) number: Option<u64>,
}

/// How to misbehave.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// This, as the result.
    Result(Value),
    /// An error object inside HTTP 200.
    Error(i64, &'static str),
    /// An HTTP status, with `Retry-After` in seconds.
    Http(u16, Option<&'static str>),
    /// This body, whatever it is.
    Body(&'static str),
    /// An answer to some other request.
    WrongId,
    /// A body of this many bytes whose length is not announced.
    Endless(usize),
    /// Nothing, ever.
    Hang,
}

type Fault = Box<dyn FnMut(&Call) -> Option<Reply> + Send>;

/// What a frame of the WebSocket says, or that it breaks.
#[derive(Debug, Clone)]
pub(crate) enum Frame {
    Text(String),
    Drop,
}

struct Node {
    world: World,
    chain_id: Mutex<u64>,
    tip: Mutex<BlockRef>,
    finalized: Mutex<Option<u64>>,
    faults: Mutex<Vec<Fault>>,
    calls: Mutex<Vec<Call>>,
    batches: Mutex<Option<&'static str>>,
    frames: broadcast::Sender<Frame>,
}

/// A faulty node. Dropping it closes its port.
pub(crate) struct FaultyEndpoint {
    address: SocketAddr,
    node: Arc<Node>,
    server: JoinHandle<()>,
}

impl Drop for FaultyEndpoint {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl FaultyEndpoint {
    /// A well-behaved node whose head is `tip`.
    pub(crate) async fn start(world: &World, tip: BlockRef) -> Self {
        let node = Arc::new(Node {
            world: world.clone(),
            chain_id: Mutex::new(CHAIN_ID),
            tip: Mutex::new(tip),
            finalized: Mutex::default(),
            faults: Mutex::default(),
            calls: Mutex::default(),
            batches: Mutex::default(),
            frames: broadcast::Sender::new(64),
        });
        let app = Router::new()
            .route("/secretkey", post(serve))
            .route("/ws/secretkey", get(subscribe))
            .with_state(node.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, node, server }
    }

    pub(crate) fn config(&self, name: &str) -> EndpointConfig {
        EndpointConfig {
            name: Name::new(name).unwrap(),
            url: Secret::new(format!("http://{}/secretkey", self.address)),
            ws_url: None,
            headers: Vec::new(),
            requests_per_second: None,
        }
    }

    pub(crate) fn config_with_socket(&self, name: &str) -> EndpointConfig {
        let ws_url = Some(Secret::new(format!("ws://{}/ws/secretkey", self.address)));
        EndpointConfig { ws_url, ..self.config(name) }
    }

    /// Moves the head, without a word over the WebSocket.
    pub(crate) fn set_tip(&self, tip: BlockRef) {
        *self.node.tip.lock().unwrap() = tip;
    }

    /// Moves the head and says so over the WebSocket.
    pub(crate) fn announce(&self, tip: BlockRef) {
        self.set_tip(tip);
        let frame = json!({
            "jsonrpc": "2.0", "method": "eth_subscription",
            "params": { "subscription": "0x1", "result": { "number": hex(tip.number) } },
        });
        self.send_frame(Frame::Text(frame.to_string()));
    }

    /// Sends to all subscribers; whether there was one.
    pub(crate) fn send_frame(&self, frame: Frame) -> bool {
        self.node.frames.send(frame).is_ok()
    }

    pub(crate) fn subscribers(&self) -> usize {
        self.node.frames.receiver_count()
    }

    pub(crate) fn set_finalized(&self, number: u64) {
        *self.node.finalized.lock().unwrap() = Some(number);
    }

    pub(crate) fn set_chain_id(&self, chain_id: u64) {
        *self.node.chain_id.lock().unwrap() = chain_id;
    }

    /// Answers every batch with this body.
    pub(crate) fn refuse_batches(&self, body: &'static str) {
        *self.node.batches.lock().unwrap() = Some(body);
    }

    /// Misbehaves wherever `fault` says how.
    pub(crate) fn fault(&self, fault: impl FnMut(&Call) -> Option<Reply> + Send + 'static) {
        self.node.faults.lock().unwrap().push(Box::new(fault));
    }

    /// Answers each call of `method` about block `number` with `reply`, the first `times` times.
    pub(crate) fn fault_at(
        &self,
        method: &'static str,
        number: u64,
        mut times: usize,
        reply: Reply,
    ) {
        self.fault(move |call| {
            let is_meant = call.method == method && call.number == Some(number) && times > 0;
            times -= usize::from(is_meant);
            is_meant.then(|| reply.clone())
        });
    }

    /// Answers each call about the body of block `number` (by number or by hash, with or without
    /// transactions) with `reply`.
    pub(crate) fn poison_block(&self, number: u64, reply: Reply) {
        self.fault(move |call| {
            let is_block = call.method.starts_with("eth_getBlockBy");
            let is_meant = is_block && call.number == Some(number) && call.params[0] != "latest";
            is_meant.then(|| reply.clone())
        });
    }

    /// Behaves from now on.
    pub(crate) fn heal(&self) {
        self.node.faults.lock().unwrap().clear();
    }

    /// What was asked so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.node.calls.lock().unwrap().clone()
    }

    pub(crate) fn calls_of(&self, method: &str) -> usize {
        self.calls().iter().filter(|call| call.method == method).count()
    }
}

async fn serve(State(node): State<Arc<Node>>, body: Bytes) -> Response {
    let request: Value = serde_json::from_slice(&body).unwrap();
    let Value::Array(batch) = request else {
        return match node.answer(&request).await {
            Ok(answer) => ok(answer.to_string()),
            Err(response) => response,
        };
    };
    let refusal = *node.batches.lock().unwrap();
    if let Some(body) = refusal {
        return ok(body.to_owned());
    }
    let mut answers = Vec::new();
    for request in &batch {
        match node.answer(request).await {
            Ok(answer) => answers.push(answer),
            Err(response) => return response,
        }
    }
    // The order is the server's choice.
    answers.reverse();
    ok(Value::Array(answers).to_string())
}

fn ok(body: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

impl Node {
    /// The answer to one call, or an HTTP response in its place.
    async fn answer(&self, request: &Value) -> Result<Value, Response> {
        let id = request["id"].clone();
        let call = Call {
            method: request["method"].as_str().unwrap().to_owned(),
            params: request["params"].clone(),
            number: self.number_of(request),
        };
        self.calls.lock().unwrap().push(call.clone());
        let fault = self.faults.lock().unwrap().iter_mut().find_map(|fault| fault(&call));
        let envelope = |result: Value| json!({ "jsonrpc": "2.0", "id": id, "result": result });
        match fault {
            None => Ok(match self.result(&call) {
                Some(result) => envelope(result),
                None => json!({
                    "jsonrpc": "2.0", "id": id,
                    "error": { "code": -32601, "message": "the method does not exist" },
                }),
            }),
            Some(Reply::Result(result)) => Ok(envelope(result)),
            Some(Reply::Error(code, message)) => Ok(json!({
                "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message },
            })),
            Some(Reply::Http(status, retry_after)) => {
                let mut headers = HeaderMap::new();
                if let Some(seconds) = retry_after {
                    headers.insert(header::RETRY_AFTER, seconds.parse().unwrap());
                }
                Err((StatusCode::from_u16(status).unwrap(), headers, "no").into_response())
            }
            Some(Reply::Body(body)) => Err(ok(body.to_owned())),
            Some(Reply::Endless(bytes)) => {
                let chunks = (0..bytes / 1_000).map(|_| Ok::<_, Infallible>(vec![b' '; 1_000]));
                Err(Body::from_stream(futures_util::stream::iter(chunks)).into_response())
            }
            Some(Reply::WrongId) => {
                Ok(json!({ "jsonrpc": "2.0", "id": 999_999_999, "result": [] }))
            }
            Some(Reply::Hang) => {
                tokio::time::sleep(Duration::from_secs(45)).await;
                Err(StatusCode::GATEWAY_TIMEOUT.into_response())
            }
        }
    }

    fn number_of(&self, request: &Value) -> Option<u64> {
        let tip = *self.tip.lock().unwrap();
        match request["params"][0].as_str()? {
            "latest" => Some(tip.number),
            text => {
                if let Ok(hash) = text.parse() {
                    return self.world.find(hash).map(|block| block.at.number);
                }
                u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
            }
        }
    }

    /// What a well-behaved node says; `None` for a method it does not have.
    fn result(&self, call: &Call) -> Option<Value> {
        let tip = *self.tip.lock().unwrap();
        let first = call.params[0].as_str().unwrap_or_default();
        let at = |number: u64| self.world.at(tip, number);
        // A node has the blocks of its own chain and of forks it saw, but none above its head.
        let by_hash = || {
            let block = self.world.find(first.parse().ok()?)?;
            (block.at.number <= tip.number).then_some(block)
        };
        let by_number = || match first {
            "latest" => at(tip.number),
            "finalized" | "safe" => at((*self.finalized.lock().unwrap())?),
            number => at(u64::from_str_radix(number.strip_prefix("0x")?, 16).ok()?),
        };
        let shown = |block: Option<Arc<crate::synthetic::Block>>| {
            block.map_or(Value::Null, |block| {
                if call.params[1] == true { block.full.clone() } else { block.with_hashes() }
            })
        };
        let result = match call.method.as_str() {
            "eth_chainId" => json!(hex(*self.chain_id.lock().unwrap())),
            "eth_getBlockByNumber" => shown(by_number()),
            "eth_getBlockByHash" => shown(by_hash()),
            "eth_getBlockReceipts" => by_hash().map_or(Value::Null, |block| block.receipts.clone()),
            "eth_getTransactionReceipt" => self
                .world
                .chain(tip, 0)
                .into_iter()
                .flat_map(|at| {
                    let receipts = self.world.get(at.hash).receipts.clone();
                    receipts.as_array().unwrap().clone()
                })
                .find(|receipt| receipt["transactionHash"] == first)
                .unwrap_or(Value::Null),
            // The returned word names the block, so that a test sees where the call was made.
            "eth_call" => match &call.params[1] {
                Value::String(number) => {
                    json!(at(u64::from_str_radix(number.strip_prefix("0x")?, 16).ok()?)?.at.hash)
                }
                at_hash => at_hash["blockHash"].clone(),
            },
            _ => return None,
        };
        Some(result)
    }
}

async fn subscribe(State(node): State<Arc<Node>>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(move |mut socket| async move {
        let mut frames = node.frames.subscribe();
        if let Some(Ok(ws::Message::Text(_))) = socket.recv().await {
            let subscribed = r#"{"jsonrpc":"2.0","id":1,"result":"0x1"}"#;
            if socket.send(ws::Message::text(subscribed)).await.is_err() {
                return;
            }
        }
        loop {
            tokio::select! {
                frame = frames.recv() => match frame {
                    Ok(Frame::Text(text)) => {
                        if socket.send(ws::Message::text(text)).await.is_err() {
                            return;
                        }
                    }
                    Ok(Frame::Drop) | Err(_) => return,
                },
                received = socket.recv() => if received.is_none() { return },
            }
        }
    })
}
