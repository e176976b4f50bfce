//! One endpoint: requests that are paced, timed and counted.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use model::Name;
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use super::{
    abilities::{Abilities, Ability},
    health::Health,
    rate::TokenBucket,
    status::EndpointStatus,
};
use crate::{
    Prove,
    config::{EndpointConfig, NetworkConfig},
    rpc::{ErrorClass, HttpRpc, Request, RpcError, RpcErrorKind, SetupError, SocketState},
};

/// Calls made at the same time where batches are not supported.
const SINGLES_PARALLEL: usize = 4;

/// One endpoint of a network.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) name: Name,
    pub(super) network: Name,
    pub(super) chain_id: u64,
    pub(super) prove: Prove,
    /// What its owner allows.
    pub(super) requests_per_second: Option<u32>,
    rpc: HttpRpc,
    batch_calls_max: usize,
    /// Start of all durations below.
    epoch: Instant,
    bucket: Option<Mutex<TokenBucket>>,
    /// Written by every request and by the look at the head; read when choosing whom to ask.
    health: Mutex<Health>,
    /// Written when a request succeeds or is refused as unsupported.
    abilities: Mutex<Abilities>,
    /// Written by the subscription.
    pub(super) socket: watch::Sender<SocketState>,
    /// Rung by the subscription, heard by the look at the head.
    pub(super) wake: Notify,
}

impl Endpoint {
    pub(super) fn new(
        config: &EndpointConfig,
        network: &NetworkConfig,
        epoch: Instant,
    ) -> Result<Self, SetupError> {
        let socket = match config.ws_url {
            Some(_) => SocketState::Connecting,
            None => SocketState::NotConfigured,
        };
        let bucket = config
            .requests_per_second
            .map(|per_second| Mutex::new(TokenBucket::new(per_second, epoch.elapsed())));
        Ok(Self {
            name: config.name.clone(),
            network: network.name.clone(),
            chain_id: network.chain_id,
            prove: network.prove.clone(),
            requests_per_second: config.requests_per_second,
            rpc: HttpRpc::new(config, &network.timing, &network.limits)?,
            batch_calls_max: network.limits.batch_calls_max,
            epoch,
            bucket,
            health: Mutex::default(),
            abilities: Mutex::default(),
            socket: watch::Sender::new(socket),
            wake: Notify::new(),
        })
    }

    /// Time since the start.
    pub(super) fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    pub(super) fn health(&self) -> MutexGuard<'_, Health> {
        // A panic while holding the lock leaves counters, not broken invariants.
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn can(&self, ability: impl Fn(&Abilities) -> Ability) -> bool {
        let abilities = self.abilities.lock().unwrap_or_else(PoisonError::into_inner);
        ability(&abilities).is_worth_trying(self.now())
    }

    pub(super) fn learn(&self, ability: impl Fn(&mut Abilities) -> &mut Ability, works: bool) {
        let learned = if works { Ability::Yes } else { Ability::No { since: self.now() } };
        let mut abilities = self.abilities.lock().unwrap_or_else(PoisonError::into_inner);
        *ability(&mut abilities) = learned;
    }

    /// Asks once. `Ok(None)` is `null`.
    pub(super) async fn call(&self, request: &Request) -> Result<Option<Bytes>, RpcError> {
        self.take_turn(request.method, 1).await?;
        let asked_at = Instant::now();
        let answer = self.rpc.call(request).await;
        self.count(answer.as_ref().err(), asked_at.elapsed());
        answer
    }

    /// Asks many things, in batches where the endpoint takes them. Answers in the order of the
    /// requests.
    pub(super) async fn call_all(
        &self,
        requests: &[Request],
    ) -> Vec<Result<Option<Bytes>, RpcError>> {
        let mut answers = Vec::with_capacity(requests.len());
        for chunk in requests.chunks(self.batch_calls_max) {
            if chunk.len() > 1 && self.can(|abilities| abilities.batch) {
                match self.batch(chunk).await {
                    Ok(batch) => {
                        answers.extend(batch);
                        continue;
                    }
                    Err(error) if error.kind == RpcErrorKind::BatchUnsupported => {
                        self.learn(|abilities| &mut abilities.batch, false);
                    }
                    Err(error) => {
                        let in_place = chunk.iter().map(|request| {
                            Err(RpcError { method: request.method, kind: error.kind.clone() })
                        });
                        answers.extend(in_place);
                        continue;
                    }
                }
            }
            let singles: Vec<_> = chunk.iter().map(|request| self.call(request)).collect();
            let singles = stream::iter(singles).buffered(SINGLES_PARALLEL);
            answers.extend(singles.collect::<Vec<_>>().await);
        }
        answers
    }

    async fn batch(
        &self,
        requests: &[Request],
    ) -> Result<Vec<Result<Option<Bytes>, RpcError>>, RpcError> {
        self.take_turn("batch", requests.len()).await?;
        let asked_at = Instant::now();
        let answers = self.rpc.batch(requests).await;
        match &answers {
            Ok(answers) => {
                self.learn(|abilities| &mut abilities.batch, true);
                for answer in answers {
                    self.count(answer.as_ref().err(), asked_at.elapsed());
                }
            }
            Err(error) => self.count(Some(error), asked_at.elapsed()),
        }
        answers
    }

    /// Waits until the rate limit allows `cost` requests.
    async fn take_turn(&self, method: &'static str, cost: usize) -> Result<(), RpcError> {
        if let Some(retry_after) = self.health().rest(self.now()) {
            return Err(RpcError { method, kind: RpcErrorKind::RateLimited { retry_after } });
        }
        let wait = self.bucket.as_ref().map_or(Duration::ZERO, |bucket| {
            let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
            bucket.draw(cost, self.now())
        });
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        Ok(())
    }

    fn count(&self, error: Option<&RpcError>, latency: Duration) {
        let now = self.now();
        let mut health = self.health();
        match error {
            // A contract that reverts and a method that does not exist are answers.
            Some(error) if !error.is_revert() && error.class() != ErrorClass::NotSupported => {
                health.failed(error, now);
            }
            _ => health.answered(latency),
        }
    }

    pub(super) fn status(&self) -> EndpointStatus {
        let now = self.now();
        let health = self.health();
        EndpointStatus {
            name: self.name.clone(),
            state: health.state(now),
            head: health.head.map(|head| head.link.block.number),
            latency_ms: health.latency_ms,
            requests: health.requests,
            errors: health.errors,
            refusals: health.refusals,
            last_error: health.last_error.clone(),
            socket: self.socket.borrow().clone(),
        }
    }
}
