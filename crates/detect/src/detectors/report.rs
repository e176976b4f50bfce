//! Claims and blindness: what a configured detector hands back.

use std::sync::Arc;

use model::{
    Address, Anchor, BlindReason, BlockRef, Confidence, Evidence, Fact, FactValue, Finding,
    FindingId, Measure, Name, Origin, Sample, SeriesKey, Severity, TokenAmount, UnixSeconds,
};

use super::Block;

/// A finding in the making: what the detector knows. Monitor, network, version and runbook are
/// added by the report.
#[derive(Debug, Clone)]
pub struct Claim {
    /// What it is anchored to.
    pub anchor: Anchor,
    /// Keeps apart several claims about one anchor; empty when there is only one.
    pub what: String,
    /// How bad.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// One full sentence.
    pub title: String,
    /// Where on the chain.
    pub origin: Origin,
    /// Deployment it is about.
    pub deployment: Option<Name>,
    /// Contract it is about.
    pub address: Option<Address>,
    /// The deciding measurement.
    pub measure: Option<Measure>,
    /// Decoded values, most telling first.
    pub facts: Vec<Fact>,
    /// Money at risk.
    pub value_at_risk: Option<TokenAmount>,
}

impl Claim {
    /// A claim about a log, by its ordinal in the transaction.
    pub fn about_log(block: &Block<'_>, tx: u32, ordinal: u32, title: String) -> Self {
        let transaction = block.tx(tx);
        let log = block.log(tx, ordinal);
        let mut claim = Self::new(
            Anchor::Log { tx: transaction.hash, ordinal },
            origin_of(block, Some(tx)),
            title,
        );
        claim.origin.log_index = Some(log.index);
        claim.about(block, log.address)
    }

    /// A claim about a call frame; frame 0 is the transaction itself.
    pub fn about_frame(block: &Block<'_>, tx: u32, frame: u32, title: String) -> Self {
        let anchor = Anchor::Frame { tx: block.tx(tx).hash, index: frame };
        let mut claim = Self::new(anchor, origin_of(block, Some(tx)), title);
        claim.origin.frame = Some(frame);
        claim
    }

    /// A claim about an episode that began at this time.
    pub fn about_episode(
        block: &Block<'_>,
        entity: String,
        began: UnixSeconds,
        title: String,
    ) -> Self {
        Self::new(Anchor::Episode { entity, began }, origin_of(block, None), title)
    }

    /// A claim about an episode that is not about what a block did, and rests on a block that is
    /// final.
    pub fn about_lasting(
        (block, timestamp): (BlockRef, UnixSeconds),
        entity: String,
        began: UnixSeconds,
        title: String,
    ) -> Self {
        let origin = Origin { block, timestamp, tx: None, log_index: None, frame: None };
        Self::new(Anchor::Episode { entity, began }, origin, title)
    }

    /// A claim about a block as a whole, when there is no bundle of it.
    pub fn about_block(block: BlockRef, timestamp: UnixSeconds, title: String) -> Self {
        let origin = Origin { block, timestamp, tx: None, log_index: None, frame: None };
        Self::new(Anchor::Block(block), origin, title)
    }

    fn new(anchor: Anchor, origin: Origin, title: String) -> Self {
        Self {
            anchor,
            what: String::new(),
            severity: Severity::Info,
            confidence: Confidence::Proven,
            title,
            origin,
            deployment: None,
            address: None,
            measure: None,
            facts: Vec::new(),
            value_at_risk: None,
        }
    }

    /// Names the contract it is about; a guarded one brings its label and its value at risk.
    #[must_use]
    pub fn about(mut self, block: &Block<'_>, address: Address) -> Self {
        self.address = Some(address);
        if let Some((_, deployment)) = block.guarded(&address) {
            self.deployment = Some(deployment.label.clone());
            self.value_at_risk = self.value_at_risk.or_else(|| deployment.value_at_risk.clone());
        }
        self
    }

    /// Tells it apart from other claims about the same anchor.
    #[must_use]
    pub fn what(mut self, what: impl Into<String>) -> Self {
        self.what = what.into();
        self
    }

    /// How bad.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// How sure.
    #[must_use]
    pub fn confidence(mut self, confidence: Confidence) -> Self {
        self.confidence = confidence;
        self
    }

    /// The deciding measurement.
    #[must_use]
    pub fn measure(mut self, measure: Measure) -> Self {
        self.measure = Some(measure);
        self
    }

    /// One more fact.
    #[must_use]
    pub fn fact(mut self, name: impl Into<String>, value: FactValue) -> Self {
        self.facts.push(Fact { name: name.into(), value });
        self
    }
}

fn origin_of(block: &Block<'_>, tx: Option<u32>) -> Origin {
    Origin {
        block: block.bundle.block_ref(),
        timestamp: block.at,
        tx: tx.map(|tx| block.tx(tx).hash),
        log_index: None,
        frame: None,
    }
}

/// On whose behalf claims are made.
#[derive(Debug, Clone)]
pub struct Claimant {
    /// Detector, or `expression`.
    pub detector: String,
    /// Monitor.
    pub monitor: Name,
    /// Version of monitor and detector together.
    pub version: u32,
    /// Runbook of the monitor, else of the detector's page.
    pub runbook: Option<String>,
}

/// Collects what one monitor says about one block.
#[derive(Debug)]
pub struct Report<'a> {
    claimant: &'a Claimant,
    network: &'a Name,
    findings: Vec<Finding>,
    blind: Option<BlindReason>,
    samples: Vec<Sample>,
}

impl<'a> Report<'a> {
    /// An empty report.
    pub fn new(claimant: &'a Claimant, network: &'a Name) -> Self {
        Self { claimant, network, findings: Vec::new(), blind: None, samples: Vec::new() }
    }

    /// The monitor on whose behalf claims are made.
    pub fn monitor(&self) -> &Name {
        &self.claimant.monitor
    }

    /// Makes a finding of a claim; gives its id.
    pub fn claim(&mut self, claim: Claim) -> FindingId {
        let Claimant { detector, monitor, version, runbook } = self.claimant;
        let id = FindingId::derive(monitor, *version, self.network, &claim.anchor, &claim.what);
        self.findings.push(Finding {
            id,
            detector: detector.clone(),
            monitor: monitor.clone(),
            version: *version,
            network: self.network.clone(),
            deployment: claim.deployment,
            address: claim.address,
            severity: claim.severity,
            confidence: claim.confidence,
            title: claim.title,
            origin: claim.origin,
            evidence: Evidence { measure: claim.measure, facts: claim.facts },
            value_at_risk: claim.value_at_risk,
            runbook: runbook.clone(),
        });
        id
    }

    /// Says that something could not be judged. The first reason is kept; findings about what could
    /// be judged stand beside it.
    pub fn blind(&mut self, reason: BlindReason) {
        self.blind.get_or_insert(reason);
    }

    /// Adds a point to a series.
    pub fn sample(&mut self, series: Arc<SeriesKey>, at: UnixSeconds, value: f64) {
        if value.is_finite() {
            self.samples.push(Sample { series, at, value });
        }
    }

    /// Takes in what another report of the same monitor said.
    pub(crate) fn absorb(
        &mut self,
        findings: Vec<Finding>,
        blind: Option<BlindReason>,
        samples: Vec<Sample>,
    ) {
        self.findings.extend(findings);
        self.samples.extend(samples);
        if let Some(reason) = blind {
            self.blind(reason);
        }
    }

    /// Takes the report apart.
    pub fn into_parts(self) -> (Vec<Finding>, Option<BlindReason>, Vec<Sample>) {
        (self.findings, self.blind, self.samples)
    }
}
