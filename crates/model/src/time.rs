//! Two clocks that must not be mixed: the chain's (seconds) and the machine's (milliseconds).

use serde::{Deserialize, Serialize};

/// Chain time: the timestamp of a block, in seconds since 1970. All detection runs on this.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub struct UnixSeconds(pub u64);

/// Wall time, in milliseconds since 1970. Only delivery (retries, latency) runs on this.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub struct UnixMillis(pub i64);

impl UnixSeconds {
    /// Seconds from `earlier` to here; 0 when `earlier` is in fact later.
    pub fn seconds_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl UnixMillis {
    /// The moment `duration_ms` after this one.
    #[must_use]
    pub fn plus(self, duration_ms: i64) -> Self {
        Self(self.0.saturating_add(duration_ms))
    }

    /// Milliseconds from `earlier` to here; negative when `earlier` is in fact later.
    pub fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl From<UnixSeconds> for UnixMillis {
    fn from(at: UnixSeconds) -> Self {
        Self(i64::try_from(at.0).unwrap_or(i64::MAX).saturating_mul(1000))
    }
}
