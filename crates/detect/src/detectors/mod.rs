//! Detectors: code that judges blocks. Each is one file with one page beside it.
//!
//! A detector reports; it never sends, retries, logs or looks at a clock, and it has no state of its
//! own: what it must remember lives in the [`StateTable`] and is undone with the block. What it
//! cannot judge it says ([`Report::blind`]); an error never becomes silence.
//!
//! To add one: write `detectors/<area>/<name>.rs` with a `SPEC`, an `impl Detector` and tests of a
//! firing and a quiet case, write its page with the four headings, and name it in [`ALL`]. Tests
//! refuse a detector without page or without cases.

pub mod access; //      who may do what
mod answers; //          what the node answered
pub mod block; //       the block as detectors see it
pub mod bridge; //      what travels between networks
pub mod chain; //       the chain itself, and our own blindness
pub mod change; //      how the protocol works
pub mod dependency; //  contracts of others that ours rely on
pub mod deployment; //  what is deployed, by whom
pub mod dispersion; //  few where there should be many
pub mod flow; //        the shape of calls
pub mod governance; //  votes, and what they are about to do
pub mod invariant; //   what must always hold
pub mod liquidity; //   money that leaves
pub mod oracle; //      prices
pub mod params; //      what a monitor may set
pub mod report; //      claims and blindness
pub mod reputation; //  who is on the other side
pub mod signers; //     who signs, and what
pub mod silence; //     what should be heard and is not
pub mod storage; //     what contracts keep
pub mod telemetry; //   gas, failures and rates against their own past

use std::sync::Arc;

use model::{
    BlindMonitor, BlockRef, ChainEvent, Level, Name, OpenHole, PlannedRead, Severity, UnixMillis,
    UnixSeconds,
};
use registry::{Deployment, Registry, coverage::Threat};

pub use block::{Block, Touch, What};
pub use params::{ParamKind, ParamSpec, Params, Settings};
pub use report::{Claim, Report};

use crate::state::{MonitorKey, StateTable};

/// What is fixed about a detector.
#[derive(Debug)]
pub struct Spec {
    /// Area and the bad thing it finds: `access/role_change`.
    pub id: &'static str,
    /// Raised when the same block would be judged differently; part of every finding's identity.
    pub version: u32,
    /// Least that the network must give; below it the detector is blind.
    pub needs: Level,
    /// Severity of its main claim unless the monitor says otherwise.
    pub severity: Severity,
    /// What a monitor may set.
    pub params: &'static [ParamSpec],
    /// The page: Detects, Why it matters, When it is wrong, Respond.
    pub page: &'static str,
}

impl Spec {
    /// Where the page's *Respond* section is found, for findings whose monitor names no runbook.
    pub fn runbook(&self) -> String {
        format!("/docs/detectors/{}#respond", self.id)
    }
}

/// Code that can be configured to judge.
pub trait Detector: Sync {
    /// What is fixed about it.
    fn spec(&self) -> &'static Spec;
    /// Whether it can watch contracts that it hears of only while judging: children of a factory.
    fn watches_children(&self) -> bool {
        false
    }
    /// Whether it watches what the guarded contracts rely on, besides or instead of them.
    fn watches_dependencies(&self) -> bool {
        false
    }
    /// What is wrong with settings of the right kind: names that nothing has, texts that cannot be
    /// read. Each names the parameter.
    fn mistakes(&self, settings: &Settings, registry: &Registry, network: &Name) -> Vec<String> {
        let (_, _, _) = (settings, registry, network);
        Vec::new()
    }
    /// What is wrong with them for the contracts that the monitor is on.
    fn mistakes_at(&self, settings: &Settings, site: &Site) -> Vec<String> {
        let (_, _) = (settings, site);
        Vec::new()
    }
    /// Makes it ready to judge one monitor's contracts on one network.
    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge>;
    /// What it is about, for the account of what is watched. Unless it says otherwise, what its area
    /// is about.
    fn threats(&self) -> &'static [Threat] {
        threats_of_area(self.spec().id)
    }
}

/// Where a configured detector judges.
#[derive(Debug, Clone)]
pub struct Site {
    /// Network.
    pub network: Name,
    /// Contracts that the monitor guards there: indexes into the registry's deployments, ascending.
    pub guarded: Vec<u32>,
    /// Factories whose children the monitor guards as well, ascending. Children come while blocks
    /// are judged: [`Block::deployment`] knows them, this site does not.
    pub children_of: Vec<u32>,
    /// Everything declared.
    pub registry: Arc<Registry>,
    /// Prefix of the monitor's state.
    pub key: MonitorKey,
    /// Severity that the monitor gives to the main claim.
    pub severity: Severity,
}

impl Site {
    /// A deployment by its index.
    pub fn deployment(&self, index: u32) -> &Deployment {
        &self.registry.deployments()[index as usize]
    }

    /// The guarded deployments.
    pub fn deployments(&self) -> impl Iterator<Item = (u32, &Deployment)> {
        self.guarded.iter().map(|&index| (index, self.deployment(index)))
    }

    /// Dependencies of this network that a guarded contract relies on, or that are guarded
    /// themselves: numbers of their deployments, ascending.
    pub fn dependencies(&self) -> Vec<u32> {
        dependencies_of(&self.registry, &self.network, &self.guarded)
    }

    /// Whether this monitor guards the deployment.
    pub fn guards(&self, index: u32) -> bool {
        self.guarded.binary_search(&index).is_ok()
    }
}

pub(crate) fn dependencies_of(registry: &Registry, network: &Name, guarded: &[u32]) -> Vec<u32> {
    let book = registry.dependencies();
    let own: std::collections::BTreeSet<&Name> =
        guarded.iter().map(|&index| &registry.deployment(index).label).collect();
    let has_own = guarded.iter().any(|&index| {
        let address = registry.deployment(index).address;
        book.at(network, address).is_none()
    });
    let mut found: Vec<u32> = book
        .watched(network)
        .filter(|one| match one.of.is_empty() {
            true => has_own || own.contains(&one.label),
            false => own.contains(&one.label) || one.of.iter().any(|label| own.contains(label)),
        })
        .filter_map(|one| registry.index_at(network, one.address))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Which parts of a block wake a configured detector. It sleeps through all others, so that a
/// block costs what it touches and not what is configured.
#[derive(Debug, Clone, Default)]
pub struct Wants {
    /// Logs of guarded contracts with these topics.
    pub topics: Vec<model::B256>,
    /// All calls to guarded contracts.
    pub calls: bool,
    /// ERC-20 transfers from or to guarded contracts.
    pub transfers: bool,
    /// Transactions in which a guarded contract appears: as sender, target, emitter of a log or
    /// party of a frame.
    pub transactions: bool,
    /// Every block, touched or not.
    pub every_block: bool,
    /// Reverted and quarantined blocks ([`Judge::chain_moved`]).
    pub chain_moves: bool,
    /// What the others could not judge ([`Judge::after_block`]).
    pub coverage: bool,
    /// What is at stake with dependencies is read for it.
    pub stakes: bool,
    /// It asks where accounts come from ([`crate::origins`]), which is recorded for it.
    pub origins: bool,
    /// It remembers something, so a block that arrives out of order cannot be judged.
    pub remembers: bool,
}

impl Wants {
    /// Whether nothing but what happens to the chain and to other monitors wakes it. Such a detector
    /// judges what happens while it happens, never what a block holds: it owes nothing of a block
    /// that arrives late.
    pub fn is_live_only(&self) -> bool {
        !self.is_of_contracts() && !self.every_block
    }

    /// Whether something that happens at a guarded contract wakes it.
    pub fn is_of_contracts(&self) -> bool {
        let Self { topics, calls, transfers, transactions, .. } = self;
        !topics.is_empty() || *calls || *transfers || *transactions
    }
}

/// Something that happened to the chain as a whole.
#[derive(Debug, Clone, Copy)]
pub struct Moved<'a> {
    /// The event: `Reverted` or `Quarantined`.
    pub event: &'a ChainEvent,
    /// Newest final block before it.
    pub finalized: Option<BlockRef>,
    /// Time of the newest block that was judged, if any.
    pub head_at: Option<UnixSeconds>,
    /// Whether more blocks left than can be undone.
    pub is_too_deep: bool,
}

/// A look at the ledger.
#[derive(Debug, Clone, Copy)]
pub struct LedgerLook<'a> {
    /// Holes that are open.
    pub holes: &'a [OpenHole],
    /// Newest final block and its time: what is said of the ledger rests on it, because it cannot
    /// be reverted.
    pub finalized: (BlockRef, UnixSeconds),
    /// Wall time: holes are as old as people have waited.
    pub now: UnixMillis,
}

/// A hole that was told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// The hole's place in [`LedgerLook::holes`].
    pub hole: usize,
    /// The finding.
    pub finding: model::FindingId,
}

/// A configured detector.
pub trait Judge: Send + Sync {
    /// What wakes it.
    fn wants(&self) -> Wants;

    /// Reads it needs, each with how often. One that is due and missing makes the judge blind.
    fn reads(&self) -> Vec<PlannedRead> {
        Vec::new()
    }

    /// Judges one block. `touches` is what woke it, in block order; empty for a block that it
    /// wanted only because it wants every block.
    fn judge(
        &self,
        block: &Block<'_>,
        touches: &[Touch],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    );

    /// Judges a move of the chain.
    fn chain_moved(&self, moved: Moved<'_>, report: &mut Report<'_>) {
        let (_, _) = (moved, report);
    }

    /// Judges holes in the ledger: blocks that monitors did not judge, and that nobody has judged
    /// since. Gives what it has to say of each, in their order.
    fn ledger(&self, look: &LedgerLook<'_>, report: &mut Report<'_>) -> Vec<Told> {
        let (_, _) = (look, report);
        Vec::new()
    }

    /// Judges what the others could not, after they are done with a block.
    fn after_block(
        &self,
        block: &Block<'_>,
        blind: &[BlindMonitor],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let (_, _, _, _) = (block, blind, memory, report);
    }
}

/// What the detectors of an area are about.
fn threats_of_area(id: &str) -> &'static [Threat] {
    match id.split('/').next() {
        Some("access" | "dispersion" | "governance" | "signers") => &[Threat::Takeover],
        Some("change" | "deployment" | "storage") => &[Threat::Change],
        Some("bridge" | "invariant" | "liquidity") => &[Threat::Drain],
        Some("flow" | "reputation") => &[Threat::Misuse],
        Some("telemetry") => &[Threat::Anomaly],
        Some("dependency") => &[Threat::Manipulation, Threat::Change],
        Some("oracle") => &[Threat::Silence, Threat::Manipulation],
        Some("silence") => &[Threat::Silence],
        // `chain` is about the watching itself.
        _ => &[],
    }
}

/// Every detector there is.
pub static ALL: &[&dyn Detector] = &[
    &access::role_change::RoleChange,
    &change::code_changed::CodeChanged,
    &access::authority_drift::AuthorityDrift,
    &change::parameter_update::ParameterUpdate,
    &change::proxy_upgraded::ProxyUpgraded,
    &deployment::created::Created,
    &deployment::lifecycle_moved::LifecycleMoved,
    &deployment::lookalike::Lookalike,
    &dependency::appeared::Appeared,
    &dependency::code_changed::CodeChanged,
    &dependency::token_event::TokenEvent,
    &dependency::market_state::MarketState,
    &dependency::feed_changed::FeedChanged,
    &dependency::depeg::Depeg,
    &dependency::governance::Governance,
    &bridge::arrived_unbacked::ArrivedUnbacked,
    &oracle::feed_late::FeedLate,
    &oracle::price_moved_in_transaction::PriceMovedInTransaction,
    &oracle::price_moved_then_used::PriceMovedThenUsed,
    &liquidity::outflow_exceeds_share::OutflowExceedsShare,
    &liquidity::outflow_unusually_large::OutflowUnusuallyLarge,
    &liquidity::unexpected_outflow::UnexpectedOutflow,
    &liquidity::share_price_jumped::SharePriceJumped,
    &reputation::known_bad_address::KnownBadAddress,
    &reputation::fresh_caller::FreshCaller,
    &reputation::attack_contract_created::AttackContractCreated,
    &telemetry::calls_in_quick_succession::CallsInQuickSuccession,
    &telemetry::failed_calls_rise::FailedCallsRise,
    &telemetry::gas_unusual::GasUnusual,
    &telemetry::call_rate_unusual::CallRateUnusual,
    &flow::reentrant_call::ReentrantCall,
    &flow::attack_shape::AttackShape,
    &flow::unusual_code_path::UnusualCodePath,
    &flow::flash_loan::FlashLoan,
    &flow::value_extracted::ValueExtracted,
    &signers::safe_delegatecall::SafeDelegatecall,
    &signers::safe_changed::SafeChanged,
    &storage::silent_write::SilentWrite,
    &invariant::broken::Broken,
    &governance::power_concentrated::PowerConcentrated,
    &governance::votes_borrowed::VotesBorrowed,
    &governance::vote_turned_late::VoteTurnedLate,
    &governance::proposal_dangerous::ProposalDangerous,
    &governance::proposed_by_newcomer::ProposedByNewcomer,
    &governance::quorum_held_by_few::QuorumHeldByFew,
    &governance::quorum_cheaper_than_prize::QuorumCheaperThanPrize,
    &governance::delay_shorter_than_exit::DelayShorterThanExit,
    &silence::expected_event_missing::ExpectedEventMissing,
    &silence::contract_silent::ContractSilent,
    &silence::canary::Canary,
    &dispersion::share_crossed::ShareCrossed,
    &chain::reorg::Reorg,
    &chain::blind::Blind,
];

/// The detector with this id.
pub fn find(id: &str) -> Option<&'static dyn Detector> {
    ALL.iter().copied().find(|detector| detector.spec().id == id)
}

/// The addresses that a parameter of words names: as such, or by the label of a deployment of the
/// network. A deployment of another network is no mistake and no address here.
///
/// # Errors
/// All words that are neither.
pub(crate) fn addresses_named(
    settings: &Settings,
    param: &str,
    registry: &Registry,
    network: &Name,
) -> Result<Vec<model::Address>, Vec<String>> {
    let (mut found, mut mistakes) = (Vec::new(), Vec::new());
    for word in settings.words(param) {
        if let Ok(address) = word.parse() {
            found.push(address);
            continue;
        }
        let mut named = registry.deployments().iter().filter(|d| d.label.as_str() == word);
        match named.clone().next() {
            Some(_) => found.extend(named.find(|d| d.network == *network).map(|d| d.address)),
            None => {
                let known: Vec<&str> =
                    registry.deployments().iter().map(|d| d.label.as_str()).collect();
                let what = params::unknown("deployment or address", word, &known);
                mistakes.push(format!("parameter {param:?}: {what}"));
            }
        }
    }
    if mistakes.is_empty() { Ok(found) } else { Err(mistakes) }
}

/// A severity so many steps milder.
pub fn milder(severity: Severity, steps: usize) -> Severity {
    shifted(severity, |at| at.saturating_sub(steps))
}

/// A severity so many steps worse.
pub fn worse(severity: Severity, steps: usize) -> Severity {
    shifted(severity, |at| (at + steps).min(Severity::ALL.len() - 1))
}

fn shifted(severity: Severity, to: impl Fn(usize) -> usize) -> Severity {
    let at = Severity::ALL.iter().position(|s| *s == severity).unwrap_or(0);
    Severity::ALL[to(at)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_detector_is_called_like_a_drill() {
        for detector in ALL {
            assert!(model::Provenance::of_detector(detector.spec().id).is_live());
        }
    }
}
