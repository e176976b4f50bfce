//! `newHeads` over WebSocket, as an alarm clock and nothing more.
//!
//! A frame only says "look now": what the head is, the cursor and the parent hash decide from
//! requests. So a frame that cannot be read, comes twice, late or never does no harm; polling goes
//! on beside it. A socket that is silent for too long is replaced.

use std::{sync::Arc, time::Duration};

use futures_util::{SinkExt, StreamExt};
use model::Secret;
use rand::Rng;
use tokio::{sync::watch, time::timeout};
use tokio_tungstenite::{
    connect_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};

use super::redact::Redactor;

/// Pause before the first reconnection; doubles with each further failure.
const RECONNECT_BASE: Duration = Duration::from_millis(200);

/// Longest pause between two reconnections.
const RECONNECT_MAX: Duration = Duration::from_secs(30);

/// Largest frame that is read. A header is a few kilobytes.
const FRAME_BYTES_MAX: usize = 1 << 20;

/// What the subscription is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SocketState {
    /// No WebSocket is configured.
    NotConfigured,
    /// Connecting for the first time.
    Connecting,
    /// Connected and subscribed.
    Up,
    /// Not connected; polling alone finds new heads.
    Down {
        /// Why, without the URL.
        why: String,
    },
}

/// A subscription to one endpoint's `newHeads`.
#[derive(Debug)]
pub struct Socket {
    /// Address.
    pub url: Secret<String>,
    /// Longest silence before the connection is replaced.
    pub silence: Duration,
    /// Longest time to get connected and subscribed.
    pub connect_timeout: Duration,
}

impl Socket {
    /// Keeps the subscription alive for ever. `wake` is called for each frame that may mean a new
    /// head; `state` follows what happens.
    pub async fn run(&self, state: &watch::Sender<SocketState>, wake: impl Fn()) {
        super::install_tls();
        let redactor = Arc::new(Redactor::new(&self.url, &[]));
        let mut failures: u32 = 0;
        loop {
            let why = self.listen(state, &wake, &mut failures).await;
            state.send_replace(SocketState::Down { why: redactor.clean(&why) });
            // What happened while nobody listened is for polling to find: now.
            wake();
            tokio::time::sleep(pause(failures)).await;
            failures = failures.saturating_add(1);
        }
    }

    /// One connection's life; the returned text says why it ended.
    async fn listen(
        &self,
        state: &watch::Sender<SocketState>,
        wake: &impl Fn(),
        failures: &mut u32,
    ) -> String {
        let config = WebSocketConfig::default()
            .max_message_size(Some(FRAME_BYTES_MAX))
            .max_frame_size(Some(FRAME_BYTES_MAX));
        let connect = connect_async_with_config(self.url.reveal().as_str(), Some(config), true);
        let mut stream = match timeout(self.connect_timeout, connect).await {
            Ok(Ok((stream, _response))) => stream,
            Ok(Err(error)) => return error.to_string(),
            Err(_elapsed) => return "no connection in time".into(),
        };
        let subscribe =
            r#"{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}"#;
        if let Err(error) = stream.send(Message::text(subscribe)).await {
            return error.to_string();
        }
        loop {
            let frame = match timeout(self.silence, stream.next()).await {
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(error))) => return error.to_string(),
                Ok(None) => return "closed by the node".into(),
                Err(_elapsed) => {
                    return format!("silent for {} ms", self.silence.as_millis());
                }
            };
            match frame {
                Message::Text(text) => match understand(text.as_bytes()) {
                    Frame::Subscribed => {
                        *failures = 0;
                        state.send_replace(SocketState::Up);
                        wake();
                    }
                    Frame::Refused(why) => return format!("subscription refused: {why}"),
                    Frame::NewHead => wake(),
                    Frame::Unknown => {}
                },
                Message::Close(_) => return "closed by the node".into(),
                // Pings are answered by the library while reading.
                Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_) => {}
            }
        }
    }
}

/// What a frame means to us.
#[derive(Debug, PartialEq, Eq)]
enum Frame {
    Subscribed,
    Refused(String),
    NewHead,
    Unknown,
}

fn understand(text: &[u8]) -> Frame {
    #[derive(serde::Deserialize)]
    struct Envelope {
        id: Option<u64>,
        method: Option<String>,
        result: Option<String>,
        error: Option<ErrorObject>,
    }
    #[derive(serde::Deserialize)]
    struct ErrorObject {
        #[serde(default)]
        message: String,
    }
    let Ok(envelope) = sonic_rs::from_slice::<Envelope>(text) else { return Frame::Unknown };
    if envelope.method.as_deref() == Some("eth_subscription") {
        return Frame::NewHead;
    }
    match envelope {
        Envelope { id: Some(1), error: Some(error), .. } => Frame::Refused(error.message),
        Envelope { id: Some(1), result: Some(_), .. } => Frame::Subscribed,
        _ => Frame::Unknown,
    }
}

/// Exponential with full jitter, so that a restarted node is not met by everyone at once.
fn pause(failures: u32) -> Duration {
    let longest = RECONNECT_BASE.saturating_mul(1 << failures.min(16)).min(RECONNECT_MAX);
    longest.mul_f64(rand::rng().random_range(0.5..=1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_understood_or_ignored() {
        let frame = |text: &str| understand(text.as_bytes());
        assert_eq!(frame(r#"{"id":1,"result":"0x9c"}"#), Frame::Subscribed);
        assert_eq!(
            frame(r#"{"id":1,"error":{"code":-32601,"message":"no pubsub"}}"#),
            Frame::Refused("no pubsub".into())
        );
        assert_eq!(
            frame(r#"{"method":"eth_subscription","params":{"subscription":"0x9c","result":{}}}"#),
            Frame::NewHead
        );
        for garbage in ["", "{", "null", "[1]", r#"{"id":2,"result":"0x1"}"#, "\u{0}"] {
            assert_eq!(frame(garbage), Frame::Unknown, "{garbage:?}");
        }
    }

    #[test]
    fn pauses_grow_and_stay_bounded() {
        for failures in 0..100 {
            let pause = pause(failures);
            assert!(pause >= RECONNECT_BASE / 2 && pause <= RECONNECT_MAX);
        }
    }
}
