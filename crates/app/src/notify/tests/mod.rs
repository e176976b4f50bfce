//! Receivers and worker against real servers on loopback.

mod http;
mod keypad; //   webhooks and Slack against axum
mod mail; //   lettre against the mail sink, and against a server with moods
mod sip; //    calls to a real telephone
mod worker; // outbox, schedule and lanes

/// SIPp, as the calls' own tests use it.
#[path = "../../../../voice/tests/telephone/peer.rs"]
#[allow(dead_code, reason = "not every test needs every step")]
mod telephone;
