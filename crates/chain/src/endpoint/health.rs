//! How an endpoint is doing, and whether to ask it.
//!
//! Pure: the time is an argument, counted from any fixed moment.

use std::time::Duration;

use model::UnixSeconds;

use crate::{
    follow::Link,
    rpc::{ErrorClass, RpcError, RpcErrorKind},
};

/// Errors in a row after which an endpoint is only looked at for its head, until it answers.
const ERRORS_UNTIL_DOWN: u32 = 3;

/// How long an endpoint is left out that a majority of the others contradicts. 25 blocks of
/// mainnet: about as long as such a node needs to find its way back.
const DISTRUST: Duration = Duration::from_secs(300);

/// Weight of the newest latency in the average: about the last ten requests count.
const LATENCY_WEIGHT: f64 = 0.2;

/// Whether an endpoint is asked, and if not, why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndpointState {
    /// Its chain id is not known yet.
    Unchecked,
    /// It is asked.
    Up,
    /// It wants to be left alone for a moment.
    Resting,
    /// It failed several times in a row. Its head is still looked at.
    Down,
    /// A majority of the others contradicts it.
    Distrusted,
    /// It serves another chain, and is never asked.
    WrongChain,
}

/// What an endpoint showed as its head, proven by its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenHead {
    /// The block.
    pub link: Link,
    /// The block's own time.
    pub timestamp: UnixSeconds,
    /// When it was seen.
    pub seen_at: Duration,
}

/// One endpoint's health.
#[derive(Debug, Default)]
pub(super) struct Health {
    /// What `eth_chainId` said; unknown at the start and after an outage.
    chain: Option<ChainCheck>,
    pub(super) head: Option<SeenHead>,
    pub(super) requests: u64,
    pub(super) errors: u64,
    pub(super) consecutive_errors: u32,
    /// Answers that contradicted themselves or their header.
    pub(super) refusals: u64,
    pub(super) latency_ms: Option<f64>,
    pub(super) last_error: Option<String>,
    rests_until: Option<Duration>,
    distrusted_until: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ChainCheck {
    Right,
    Wrong,
}

impl Health {
    pub(super) fn state(&self, now: Duration) -> EndpointState {
        let is_distrusted = self.distrusted_until.is_some_and(|until| now < until);
        match self.chain {
            Some(ChainCheck::Wrong) => EndpointState::WrongChain,
            _ if self.consecutive_errors >= ERRORS_UNTIL_DOWN => EndpointState::Down,
            None => EndpointState::Unchecked,
            Some(ChainCheck::Right) if is_distrusted => EndpointState::Distrusted,
            Some(ChainCheck::Right) if self.rest(now).is_some() => EndpointState::Resting,
            Some(ChainCheck::Right) => EndpointState::Up,
        }
    }

    /// How much longer it wants to be left alone.
    pub(super) fn rest(&self, now: Duration) -> Option<Duration> {
        self.rests_until?.checked_sub(now).filter(|rest| !rest.is_zero())
    }

    pub(super) fn checked(&mut self, is_right_chain: bool) {
        self.chain = Some(if is_right_chain { ChainCheck::Right } else { ChainCheck::Wrong });
        if !is_right_chain {
            self.head = None;
        }
    }

    /// Whether `eth_chainId` has to be asked before anything else.
    pub(super) fn needs_chain_check(&self) -> bool {
        self.chain != Some(ChainCheck::Right)
    }

    pub(super) fn answered(&mut self, latency: Duration) {
        self.requests += 1;
        self.consecutive_errors = 0;
        let latency_ms = latency.as_secs_f64() * 1_000.0;
        self.latency_ms = Some(match self.latency_ms {
            None => latency_ms,
            Some(average) => average + LATENCY_WEIGHT * (latency_ms - average),
        });
    }

    pub(super) fn failed(&mut self, error: &RpcError, now: Duration) {
        self.requests += 1;
        self.errors += 1;
        self.last_error = Some(error.to_string());
        if let ErrorClass::RateLimited(retry_after) = error.class() {
            self.rests_until = Some(now + retry_after);
            return;
        }
        if is_outage(error) {
            self.consecutive_errors += 1;
            // Whoever answers at this address after an outage may be somebody else.
            if self.consecutive_errors >= ERRORS_UNTIL_DOWN {
                self.chain = None;
            }
        }
    }

    pub(super) fn refused(&mut self, why: String) {
        self.refusals += 1;
        self.last_error = Some(why);
    }

    pub(super) fn distrust(&mut self, why: String, now: Duration) {
        self.refused(why);
        self.distrusted_until = Some(now + DISTRUST);
    }
}

/// Whether the endpoint as a whole is in trouble. A node that answers with an error object is
/// there; it dislikes one request.
fn is_outage(error: &RpcError) -> bool {
    match &error.kind {
        RpcErrorKind::Timeout { .. }
        | RpcErrorKind::Connection(_)
        | RpcErrorKind::NotJsonRpc(_)
        | RpcErrorKind::WrongId { .. } => true,
        RpcErrorKind::Http(status) => *status >= 500 || matches!(status, 401 | 403 | 407),
        RpcErrorKind::RateLimited { .. }
        | RpcErrorKind::Oversize { .. }
        | RpcErrorKind::LeftOut
        | RpcErrorKind::BatchUnsupported
        | RpcErrorKind::Node { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(100);

    fn error(kind: RpcErrorKind) -> RpcError {
        RpcError { method: "eth_chainId", kind }
    }

    fn right_chain() -> Health {
        let mut health = Health::default();
        health.checked(true);
        health
    }

    #[test]
    fn nobody_is_asked_before_the_chain_id_is_known_and_never_on_another_chain() {
        let mut health = Health::default();
        assert_eq!(health.state(NOW), EndpointState::Unchecked);
        health.checked(false);
        assert_eq!(health.state(NOW), EndpointState::WrongChain);
    }

    #[test]
    fn three_outages_in_a_row_ask_for_the_chain_id_again() {
        let mut health = right_chain();
        for _ in 0..2 {
            health.failed(&error(RpcErrorKind::Http(503)), NOW);
        }
        assert_eq!(health.state(NOW), EndpointState::Up);
        health.failed(&error(RpcErrorKind::Timeout { after_ms: 1 }), NOW);
        assert_eq!(health.state(NOW), EndpointState::Down);
        health.answered(Duration::from_millis(3));
        assert_eq!(health.state(NOW), EndpointState::Unchecked);
        health.checked(true);
        assert_eq!(health.state(NOW), EndpointState::Up);
    }

    #[test]
    fn an_error_object_is_no_outage() {
        let mut health = right_chain();
        for _ in 0..10 {
            let kind = RpcErrorKind::Node { code: -32000, message: "boom".into() };
            health.failed(&error(kind), NOW);
        }
        assert_eq!(health.state(NOW), EndpointState::Up);
        assert_eq!(health.errors, 10);
    }

    #[test]
    fn a_rate_limited_endpoint_rests_as_long_as_it_asked_for() {
        let mut health = right_chain();
        let retry_after = Duration::from_secs(7);
        health.failed(&error(RpcErrorKind::RateLimited { retry_after }), NOW);
        assert_eq!(health.state(NOW + Duration::from_secs(6)), EndpointState::Resting);
        assert_eq!(health.state(NOW + retry_after), EndpointState::Up);
    }

    #[test]
    fn a_contradicted_endpoint_is_left_out_for_a_while() {
        let mut health = right_chain();
        health.distrust("others see another block".into(), NOW);
        assert_eq!(health.state(NOW), EndpointState::Distrusted);
        assert_eq!(health.state(NOW + DISTRUST), EndpointState::Up);
    }
}
