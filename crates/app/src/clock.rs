//! The machine's clock, read only here and handed down as an argument.

use std::time::{SystemTime, UNIX_EPOCH};

use model::UnixMillis;

/// Now.
pub fn now() -> UnixMillis {
    // A machine whose clock stands before 1970 gets 0: every age is then absurdly large, which
    // shows as stale rather than as fresh.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
