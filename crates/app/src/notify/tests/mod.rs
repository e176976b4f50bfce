//! Receivers and worker against real servers on loopback.

mod http;
mod keypad; //   webhooks and Slack against axum
mod mail; //   lettre against the mail sink, and against a server with moods
mod worker; // outbox, schedule and lanes
