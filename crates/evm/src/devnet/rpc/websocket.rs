use std::sync::Arc;

use axum::extract::ws::{Message, WebSocket};
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;

use super::{
    Shared,
    answer::{self, Answer},
    json,
    methods::View,
};
use crate::devnet::Block;

/// Most subscriptions of one connection.
const SUBSCRIPTIONS_MAX: usize = 16;

/// Serves one connection until either side closes it.
pub(super) async fn run(shared: Shared, mut socket: WebSocket) {
    let mut heads = shared.devnet.heads.subscribe();
    let mut endpoint = shared.clone();
    let mut subscriptions: Vec<String> = Vec::new();
    let mut subscribed_ever: u64 = 0;
    loop {
        tokio::select! {
            () = endpoint.closed() => return,
            head = heads.recv() => {
                if shared.faults.is_websocket_dropped() {
                    return;
                }
                let head = match head {
                    Ok(head) => head,
                    Err(RecvError::Lagged(_)) => continue,
                    Err(RecvError::Closed) => return,
                };
                let believed = believed_head(&shared, head);
                for id in &subscriptions {
                    let text = notification(id, &believed);
                    if socket.send(Message::Text(text.into())).await.is_err() {
                        return;
                    }
                }
            }
            message = socket.recv() => {
                let text = match message {
                    Some(Ok(Message::Text(text))) => text,
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Binary(_))) => continue,
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                };
                let answered = match subscription(&text, &mut subscriptions, &mut subscribed_ever) {
                    Some(text) => Answer::Text(text),
                    None => answer::answer(&shared, text.as_bytes().to_vec()).await,
                };
                let Answer::Text(text) = answered else { return };
                if socket.send(Message::Text(text.into())).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// A lagging endpoint tells of the head that it believes in.
fn believed_head(shared: &Shared, head: Arc<Block>) -> Arc<Block> {
    match shared.faults.lag_blocks() {
        0 => head,
        lag_blocks => Arc::clone(View::new(&shared.devnet.lock(), lag_blocks).head()),
    }
}

fn notification(id: &str, head: &Block) -> String {
    json!({
        "jsonrpc": "2.0",
        "method": "eth_subscription",
        "params": { "subscription": id, "result": json::header(head) },
    })
    .to_string()
}

/// Answers `eth_subscribe` and `eth_unsubscribe`; `None` for anything else.
fn subscription(text: &str, subscriptions: &mut Vec<String>, ever: &mut u64) -> Option<String> {
    let request: Value = serde_json::from_str(text).ok()?;
    let first = request.pointer("/params/0").and_then(Value::as_str);
    let result = match request.get("method")?.as_str()? {
        "eth_subscribe" if first != Some("newHeads") => {
            Err((-32601, format!("no {:?} subscription", first.unwrap_or_default())))
        }
        "eth_subscribe" if subscriptions.len() >= SUBSCRIPTIONS_MAX => {
            Err((-32000, format!("at most {SUBSCRIPTIONS_MAX} subscriptions per connection")))
        }
        "eth_subscribe" => {
            *ever += 1;
            let id = format!("{ever:#x}");
            subscriptions.push(id.clone());
            Ok(json!(id))
        }
        "eth_unsubscribe" => {
            let before = subscriptions.len();
            subscriptions.retain(|id| Some(id.as_str()) != first);
            Ok(json!(subscriptions.len() < before))
        }
        _ => return None,
    };
    let id = request.get("id").cloned().unwrap_or(Value::Null);
    let answer = match result {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err((code, message)) => {
            json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
        }
    };
    Some(answer.to_string())
}
