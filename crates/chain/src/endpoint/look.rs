//! Keeps an eye on one endpoint: is it on the right chain, and what is its head?

use std::{sync::Arc, time::Duration};

use tokio::sync::Notify;

use super::{
    call::Endpoint,
    health::{EndpointState, SeenHead},
};
use crate::{
    Fault, Part,
    config::{EndpointConfig, Timing},
    follow::Link,
    rpc::{Request, Socket},
    verify,
};

/// How much rarer an endpoint in an outage is looked at, at most.
const OUTAGE_SLOWDOWN_MAX: u32 = 8;

/// An endpoint on another chain is asked again after this long: somebody may have corrected it.
const WRONG_CHAIN_PAUSE: Duration = Duration::from_secs(300);

/// Looks for ever; `changed` is rung after each look.
pub(super) async fn look_after(
    endpoint: Arc<Endpoint>,
    config: EndpointConfig,
    timing: Timing,
    changed: Arc<Notify>,
) {
    let poll = async {
        loop {
            endpoint.look().await;
            changed.notify_one();
            let pause = endpoint.pause(Duration::from_millis(timing.poll_interval_ms));
            // Woken or not, the next look is due: the timer only bounds the wait.
            tokio::select! {
                () = endpoint.wake.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    };
    let Some(url) = config.ws_url else { return poll.await };
    let socket = Socket {
        url,
        silence: Duration::from_millis(timing.ws_silence_ms),
        connect_timeout: Duration::from_millis(timing.connect_timeout_ms),
    };
    let subscription = socket.run(&endpoint.socket, || endpoint.wake.notify_one());
    tokio::join!(poll, subscription);
}

impl Endpoint {
    async fn look(&self) {
        let needs_chain_check = self.health().needs_chain_check();
        if needs_chain_check && !self.check_chain().await {
            return;
        }
        match self.latest().await {
            Ok(seen) => self.health().head = Some(seen),
            // What went wrong with the request was counted with the request.
            Err(Fault::Rpc(_)) => {}
            Err(fault) => self.health().refused(format!("head: {fault}")),
        }
    }

    /// Whether the endpoint serves our chain.
    async fn check_chain(&self) -> bool {
        let Ok(Some(answer)) = self.call(&Request::new("eth_chainId", "[]")).await else {
            return false;
        };
        let chain_id = sonic_rs::from_slice::<&str>(&answer)
            .ok()
            .and_then(|text| u64::from_str_radix(text.strip_prefix("0x")?, 16).ok());
        let mut health = self.health();
        match chain_id {
            Some(found) if found == self.chain_id => {
                health.checked(true);
                true
            }
            Some(found) => {
                health.checked(false);
                let expected = self.chain_id;
                health.refused(format!("serves chain {found}, the network is chain {expected}"));
                tracing::error!(
                    network = %self.network, endpoint = %self.name, found, expected,
                    "endpoint serves another chain and is not used"
                );
                false
            }
            None => {
                health.refused("eth_chainId: the answer is no number".to_owned());
                false
            }
        }
    }

    async fn latest(&self) -> Result<SeenHead, Fault> {
        let request = Request::new("eth_getBlockByNumber", r#"["latest",false]"#);
        let body = self.call(&request).await?.ok_or(Fault::Absent(Part::Block))?;
        let (header, _) = verify::head(&body, &self.prove)?;
        Ok(SeenHead { link: Link::from(&header), timestamp: header.timestamp, seen_at: self.now() })
    }

    fn pause(&self, poll_interval: Duration) -> Duration {
        let now = self.now();
        let health = self.health();
        match health.state(now) {
            EndpointState::WrongChain => WRONG_CHAIN_PAUSE,
            EndpointState::Resting => health.rest(now).unwrap_or(poll_interval),
            EndpointState::Down => {
                let slowdown = health.consecutive_errors.min(OUTAGE_SLOWDOWN_MAX);
                poll_interval * slowdown.max(1)
            }
            EndpointState::Unchecked | EndpointState::Up | EndpointState::Distrusted => {
                poll_interval
            }
        }
    }
}
