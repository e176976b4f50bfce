//! What an endpoint turned out to offer.

use std::time::Duration;

/// How long a refusal is remembered: nodes are upgraded and plans are changed.
const REFUSAL_STANDS: Duration = Duration::from_secs(3_600);

/// One thing an endpoint may or may not be able to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Ability {
    #[default]
    Untried,
    Yes,
    No {
        since: Duration,
    },
}

impl Ability {
    pub(super) fn is_worth_trying(self, now: Duration) -> bool {
        match self {
            Self::Untried | Self::Yes => true,
            Self::No { since } => now.saturating_sub(since) >= REFUSAL_STANDS,
        }
    }
}

/// What an endpoint turned out to offer.
#[derive(Debug, Default)]
pub(super) struct Abilities {
    /// Several calls in one HTTP request.
    pub(super) batch: Ability,
    /// `eth_getBlockReceipts`.
    pub(super) block_receipts: Ability,
    /// `debug_traceBlockByHash` with `callTracer`.
    pub(super) call_tracer: Ability,
    /// `debug_traceBlockByHash` with `prestateTracer` in `diffMode`.
    pub(super) state_diff: Ability,
    /// `trace_block`.
    pub(super) trace_block: Ability,
    /// `eth_call` or `eth_getBalance` at a block hash (EIP-1898).
    pub(super) call_at_hash: Ability,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_stands_for_an_hour() {
        let hour = Duration::from_secs(3_600);
        let refused = Ability::No { since: hour };
        assert!(!refused.is_worth_trying(hour));
        assert!(!refused.is_worth_trying(hour * 2 - Duration::from_secs(1)));
        assert!(refused.is_worth_trying(hour * 2));
        assert!(Ability::Untried.is_worth_trying(hour) && Ability::Yes.is_worth_trying(hour));
    }
}
