//! Alerts: what people get to hear about findings.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    Fact, Finding, FindingId, FindingStatus, Name, Provenance, Report, Severity, Source,
    UnixMillis, UnixSeconds,
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
    /// It is of no chain: none can confirm it or take it back.
    Reported,
}

impl AlertState {
    /// The word used in pages and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provisional => "provisional",
            Self::Confirmed => "confirmed",
            Self::Retracted => "retracted",
            Self::Reported => "reported",
        }
    }
}

/// What an alert began with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "almost every alert is of a finding")]
pub enum Cause {
    /// A finding on a chain.
    Found(Finding),
    /// What no chain says.
    Reported(Report),
}

impl From<Finding> for Cause {
    fn from(finding: Finding) -> Self {
        Self::Found(finding)
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

/// Findings of one monitor about one thing, close together in time, or what another system reports:
/// one message, one life.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Identity.
    pub id: AlertId,
    /// What makes findings belong together: monitor, network, deployment or address.
    pub fingerprint: String,
    /// Network; `None`: it is of no chain.
    pub network: Option<Name>,
    /// Monitor; of a report, the name of its source.
    pub monitor: Name,
    /// Deployment, when the findings are about one.
    pub deployment: Option<Name>,
    /// Where it is in its life.
    pub state: AlertState,
    /// Highest severity among the findings that stand (as it last was, once retracted).
    pub severity: Severity,
    /// The first finding, or the report, whole: it is what the message tells.
    pub cause: Cause,
    /// Findings in order of arrival, at most the alert engine's limit; `more` counts the rest. A
    /// report has none.
    pub findings: Vec<FindingSummary>,
    /// Findings that stand beyond those kept in `findings`, counted per block.
    pub more: Vec<FindingCount>,
    /// Block time of the first finding; when the report began.
    pub opened_at: UnixSeconds,
    /// Block time of the newest finding that stands (as it last was, once retracted); when the report
    /// was made last.
    pub last_finding_at: UnixSeconds,
    /// When we made the alert, for latency only.
    pub created_at: UnixMillis,
    /// Receivers that were told, with what they were told last; who hears a retraction.
    pub told: BTreeMap<Name, Told>,
}

impl Alert {
    /// The alert that a report makes at `now`; `nth` as in [`Report::id`].
    pub fn reported(report: Report, severity: Severity, nth: u64, now: UnixMillis) -> Self {
        let fingerprint = format!("{}/{}", report.source, report.fingerprint);
        let id = Report::id(&report.source, &report.fingerprint, report.began, nth);
        let seconds = |at: UnixMillis| UnixSeconds(u64::try_from(at.0 / 1_000).unwrap_or_default());
        Self {
            id: AlertId::derive(&fingerprint, id),
            fingerprint,
            network: None,
            monitor: report.source.name(),
            deployment: None,
            state: AlertState::Reported,
            severity,
            opened_at: seconds(report.began),
            last_finding_at: seconds(now),
            created_at: now,
            cause: Cause::Reported(report),
            findings: Vec::new(),
            more: Vec::new(),
            told: BTreeMap::new(),
        }
    }

    /// The first finding; `None`: it is of no chain.
    pub fn finding(&self) -> Option<&Finding> {
        match &self.cause {
            Cause::Found(finding) => Some(finding),
            Cause::Reported(_) => None,
        }
    }

    /// The first finding, to be changed.
    pub fn finding_mut(&mut self) -> Option<&mut Finding> {
        match &mut self.cause {
            Cause::Found(finding) => Some(finding),
            Cause::Reported(_) => None,
        }
    }

    /// The report; `None`: it is of a chain.
    pub fn report(&self) -> Option<&Report> {
        match &self.cause {
            Cause::Found(_) => None,
            Cause::Reported(report) => Some(report),
        }
    }

    /// Who reports it; `None`: a chain says so.
    pub fn source(&self) -> Option<&Source> {
        self.report().map(|report| &report.source)
    }

    /// What happened, in one sentence. Of another system it is untrusted as a whole.
    pub fn title(&self) -> &str {
        match &self.cause {
            Cause::Found(finding) => &finding.title,
            Cause::Reported(report) => &report.title,
        }
    }

    /// What noticed it: a detector, or a rule of the source.
    pub fn rule(&self) -> &str {
        match &self.cause {
            Cause::Found(finding) => &finding.detector,
            Cause::Reported(report) => &report.rule,
        }
    }

    /// Decoded values and context, most telling first.
    pub fn facts(&self) -> Cow<'_, [Fact]> {
        match &self.cause {
            Cause::Found(finding) => Cow::Borrowed(&finding.evidence.facts),
            Cause::Reported(report) => Cow::Owned(report.facts()),
        }
    }

    /// Where it is: its network, or who reports it.
    pub fn place(&self) -> &Name {
        // A report's monitor is its source.
        self.network.as_ref().unwrap_or(&self.monitor)
    }

    /// Whether it is real, a drill's, or a canary.
    pub fn provenance(&self) -> Provenance {
        self.finding().map_or(Provenance::Live, Finding::provenance)
    }

    /// Findings that stand but are not kept one by one.
    pub fn more_findings(&self) -> u64 {
        self.more.iter().map(|more| more.count).sum()
    }

    /// Findings in all, kept (retracted ones too) and counted; of a report, how many it stands for.
    pub fn findings_total(&self) -> u64 {
        match &self.cause {
            Cause::Found(_) => self.findings.len() as u64 + self.more_findings(),
            Cause::Reported(report) => report.times,
        }
    }

    /// Findings that the chain still supports; of a report, how many it stands for.
    pub fn findings_standing(&self) -> u64 {
        let stands = |finding: &&FindingSummary| finding.status != FindingStatus::Retracted;
        match &self.cause {
            Cause::Found(_) => {
                self.findings.iter().filter(stands).count() as u64 + self.more_findings()
            }
            Cause::Reported(report) => report.times,
        }
    }
}
