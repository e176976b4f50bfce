//! Alerts: what people get to hear about findings.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    Finding, FindingId, FindingStatus, Name, Provenance, Severity, UnixMillis, UnixSeconds,
};

/// Identity of an alert: derived from its fingerprint and first finding, so that it is the same in
/// every run.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AlertId(pub [u8; 16]);

impl AlertId {
    /// The id of the alert with this fingerprint that began with this finding.
    pub fn derive(fingerprint: &str, first: FindingId) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"alert/1");
        hash.update((fingerprint.len() as u64).to_be_bytes());
        hash.update(fingerprint.as_bytes());
        hash.update(first.0);
        let mut id = [0; 16];
        id.copy_from_slice(&hash.finalize()[..16]);
        Self(id)
    }
}

impl fmt::Display for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for AlertId {
    type Err = hex::FromHexError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut id = [0; 16];
        hex::decode_to_slice(text, &mut id)?;
        Ok(Self(id))
    }
}

/// Where an alert is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertState {
    /// At least one finding stands on a block that can still be reverted; none is final yet.
    Provisional,
    /// At least one finding is final.
    Confirmed,
    /// All its findings left the chain with their blocks.
    Retracted,
}

impl AlertState {
    /// The word used in pages and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provisional => "provisional",
            Self::Confirmed => "confirmed",
            Self::Retracted => "retracted",
        }
    }
}

/// What an alert remembers of each of its findings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingSummary {
    /// Finding.
    pub id: FindingId,
    /// Height and hash of its block.
    pub block: crate::BlockRef,
    /// The block's time.
    pub at: UnixSeconds,
    /// Whether the chain still supports it.
    pub status: FindingStatus,
    /// How bad.
    pub severity: Severity,
}

/// Findings beyond those an alert keeps one by one: those of one block, counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingCount {
    /// Their block; the newest one, when the counts of final blocks were added up.
    pub block: crate::BlockRef,
    /// The block's time.
    pub at: UnixSeconds,
    /// Whether the chain still supports them; never [`FindingStatus::Retracted`].
    pub status: FindingStatus,
    /// Highest severity among them.
    pub severity: Severity,
    /// How many.
    pub count: u64,
    /// Exclusive or of the first eight bytes of their ids, to know the same findings again.
    pub digest: u64,
}

/// What a receiver was told last about an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// What the last message said.
    pub kind: crate::NotificationKind,
    /// Its sequence number.
    pub sequence: u32,
    /// When it was decided.
    pub at: UnixMillis,
    /// The alert's severity in it.
    pub severity: Severity,
    /// How many findings stood.
    pub findings: u64,
}

/// Findings of one monitor about one thing, close together in time: one message, one life.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Identity.
    pub id: AlertId,
    /// What makes findings belong together: monitor, network, deployment or address.
    pub fingerprint: String,
    /// Network.
    pub network: Name,
    /// Monitor.
    pub monitor: Name,
    /// Deployment, when the findings are about one.
    pub deployment: Option<Name>,
    /// Where it is in its life.
    pub state: AlertState,
    /// Highest severity among the findings that stand (as it last was, once retracted).
    pub severity: Severity,
    /// The first finding, whole: it is what the message tells.
    pub first: Finding,
    /// Findings in order of arrival, at most the alert engine's limit; `more` counts the rest.
    pub findings: Vec<FindingSummary>,
    /// Findings that stand beyond those kept in `findings`, counted per block.
    pub more: Vec<FindingCount>,
    /// Block time of the first finding.
    pub opened_at: UnixSeconds,
    /// Block time of the newest finding that stands (as it last was, once retracted).
    pub last_finding_at: UnixSeconds,
    /// When we made the alert, for latency only.
    pub created_at: UnixMillis,
    /// Receivers that were told, with what they were told last; who hears a retraction.
    pub told: BTreeMap<Name, Told>,
}

impl Alert {
    /// Whether it is real, a drill's, or a canary.
    pub fn provenance(&self) -> Provenance {
        self.first.provenance()
    }

    /// Findings that stand but are not kept one by one.
    pub fn more_findings(&self) -> u64 {
        self.more.iter().map(|more| more.count).sum()
    }

    /// Findings in all, kept (retracted ones too) and counted.
    pub fn findings_total(&self) -> u64 {
        self.findings.len() as u64 + self.more_findings()
    }

    /// Findings that the chain still supports.
    pub fn findings_standing(&self) -> u64 {
        let stands = |finding: &&FindingSummary| finding.status != FindingStatus::Retracted;
        self.findings.iter().filter(stands).count() as u64 + self.more_findings()
    }
}
