//! The machine's clock, read only here and handed down as an argument.
//!
//! The demonstration lives on the clock of its chain, which runs faster than the machine's; it sets
//! this one along, so that ages and latencies are those of its world. Nothing else sets it.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use model::UnixMillis;

/// How far the demonstration's clock is ahead of the machine's, in milliseconds; 0 elsewhere.
static AHEAD_MS: AtomicI64 = AtomicI64::new(0);

/// Now.
pub fn now() -> UnixMillis {
    machine().plus(AHEAD_MS.load(Ordering::Relaxed))
}

/// Lets the clock go on from `to`.
pub(crate) fn set(to: UnixMillis) {
    AHEAD_MS.store(to.millis_since(machine()), Ordering::Relaxed);
}

fn machine() -> UnixMillis {
    // A machine whose clock stands before 1970 gets 0: every age is then absurdly large, which
    // shows as stale rather than as fresh.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
