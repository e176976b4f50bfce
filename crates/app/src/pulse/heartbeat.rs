//! What this installation says of itself, signed.
//!
//! It tells as little as another installation needs to notice that this one is dead, blind, behind,
//! or on another chain: heights, hashes and the verdict, no monitors, contracts or messages.

use model::{BlockRef, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::snapshot::Snapshot;

/// The type that is signed with it, so that a heartbeat is no other document.
pub const HEARTBEAT_TYPE: &str = "application/vnd.bellwether.heartbeat.v1+json";

/// The state of an installation at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// When, by its own clock.
    pub at: UnixMillis,
    /// When the program started.
    pub started_at: UnixMillis,
    /// Version of the program.
    pub version: String,
    /// Whether it trusts what it sees: `yes`, `partly` or `no`.
    pub verdict: String,
    /// Codes of what is missing, as `/api/v1/status` names them.
    pub missing: Vec<String>,
    /// How far it is.
    pub heads: Vec<Head>,
}

/// How far one chain is judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// EIP-155 id: what a network is called differs between installations.
    pub chain_id: u64,
    /// Newest judged block.
    pub judged: Option<BlockRef>,
    /// Newest judged block that is final.
    pub finalized: Option<BlockRef>,
}

impl Heartbeat {
    /// What a snapshot has to say.
    pub fn of(snapshot: &Snapshot, started_at: UnixMillis) -> Self {
        let mut missing: Vec<String> =
            snapshot.trust.reasons.iter().map(|reason| reason.code.as_str().to_owned()).collect();
        missing.sort_unstable();
        missing.dedup();
        let heads = snapshot.networks.iter().map(|network| Head {
            chain_id: network.health.chain_id,
            judged: network.judged.map(|judged| judged.block),
            finalized: network.finalized,
        });
        Self {
            at: snapshot.at,
            started_at,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            verdict: snapshot.trust.verdict.as_str().to_owned(),
            missing,
            heads: heads.collect(),
        }
    }
}
