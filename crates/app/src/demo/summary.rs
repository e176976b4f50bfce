//! What came of it, for people and for programs.

use model::Name;
use serde::Serialize;

/// One attack.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScenarioResult {
    /// Name.
    pub name: String,
    /// What happened, in one sentence.
    pub story: String,
    /// Whether what the attack is about was found, somebody was told, and (for a reorg) what was
    /// told was taken back.
    pub detected: bool,
    /// Monitors that found it, first alert first.
    pub by: Vec<String>,
    /// From the moment the block was made to the alert about it, in seconds of wall time; `null`
    /// when it was not found.
    pub seconds_block_to_alert: Option<f64>,
    /// The same, to the first delivered message.
    pub seconds_block_to_delivery: Option<f64>,
    /// Receivers that took a message about it.
    pub delivered_to: Vec<String>,
    /// Who was woken by it and acknowledged; `null` when nobody was.
    pub acknowledged_by: Option<Name>,
    /// Alerts about it that were taken back after a reorg, and whose receivers were told so.
    pub retracted: u32,
}

/// The whole demonstration.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Whether every attack was found and nothing benign paged.
    pub ok: bool,
    /// Blocks that were judged.
    pub blocks: u64,
    /// Blocks between the first and the last judged one that nobody judged.
    pub blocks_missing: u64,
    /// Alerts that would have woken somebody for everyday traffic.
    pub benign_pages: Vec<String>,
    /// Mails in the built-in mailbox.
    pub mails: u64,
    /// Each attack.
    pub scenarios: Vec<ScenarioResult>,
    /// Wall time from start to end, in seconds.
    pub seconds: f64,
}

impl Summary {
    /// Sets [`Summary::ok`] from the rest.
    pub(super) fn judged(mut self) -> Self {
        let all_found = self.scenarios.iter().all(|scenario| scenario.detected);
        self.ok = all_found && self.benign_pages.is_empty() && self.blocks_missing == 0;
        self
    }
}
