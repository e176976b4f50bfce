//! What people configure of the pulse.

use std::sync::Arc;

use model::{Name, Secret};

use crate::signature::SigningKey;

/// `[pulse]` of `bellwether.toml`.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The dead-man's switch.
    pub ping: Option<PingSettings>,
    /// Other installations that watch the same, and are watched.
    pub peers: Vec<PeerSettings>,
    /// Signs this installation's heartbeat; without a key it has none.
    pub key: Option<Arc<SigningKey>>,
    /// How often a canary tries the path, and how long it may take.
    pub canary: crate::canary::Settings,
    /// Addresses of servers whose clocks and certificates are looked at.
    pub asked: Vec<Secret<String>>,
}

/// A dead-man's switch: it calls people when nobody pings it.
#[derive(Debug, Clone)]
pub struct PingSettings {
    /// Pinged while the program does its job.
    pub url: Secret<String>,
    /// Pinged instead while it knows that it does not.
    pub fail_url: Option<Secret<String>>,
    /// Time between two pings.
    pub every_ms: u64,
}

/// Another installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerSettings {
    /// What people call it.
    pub name: Name,
    /// Where its pages are, without a slash at the end.
    pub url: String,
    /// Its public key, hexadecimal.
    pub key: String,
    /// Its heartbeat is missed when the newest is older than this.
    pub stale_after_ms: u64,
    /// How both agree who tells people; `None` when it tells other people.
    pub twin: Option<TwinSettings>,
}

/// How two installations that tell the same people agree who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TwinSettings {
    /// Whether the other one speaks first; `None`: whoever has the smaller public key does.
    pub speaks_first: Option<bool>,
    /// How long a message is held back for it, when it speaks first.
    pub hold_ms: u64,
}

impl PingSettings {
    /// A minute: switches that expect one an hour bear it, and one that waits five loses four.
    pub const EVERY_MS_DEFAULT: u64 = 60_000;
}

impl PeerSettings {
    /// Two minutes: eight heartbeats.
    pub const STALE_AFTER_MS_DEFAULT: u64 = 120_000;
}

impl TwinSettings {
    /// As long as [`alert::twin::HOLD_S_DEFAULT`] says.
    pub const HOLD_MS_DEFAULT: u64 = alert::twin::HOLD_S_DEFAULT * 1_000;
}
