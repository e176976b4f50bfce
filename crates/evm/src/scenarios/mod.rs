//! Named attacks on Meridian. Each is a real exploit that runs on the EVM, spread over blocks that
//! everyday traffic shares, and says what a monitor should have to say about it.
//!
//! ```text
//! let mut run = scenario.begin();
//! while let Some(step) = run.step(&devnet, &meridian, &mut traffic)? {   // queue the attack's part
//!     traffic.submit(&devnet, &meridian)?;                               // and everyone else's
//!     devnet.mine()?;                                                    // one block
//! }
//! ```

mod bridge_release_unbacked;
mod deep_reorg;
mod failing_call_storm;
mod flash_loan_price_manipulation;
mod insurance_fund_drained;
mod known_bad_address_interaction;
mod malicious_upgrade;
mod oracle_stops;
mod parameter_pushed;
mod reentrant_drain;
mod role_stolen;
mod run;

use model::BlockRef;

pub use run::Run;

use crate::{
    devnet::{Devnet, Wallet},
    meridian::{Meridian, MeridianError, Traffic},
};
use run::Stage;

/// What a monitor should have noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Area {
    /// A price feed broke its promise.
    OracleLag,
    /// Someone gained or lost a role.
    RoleChange,
    /// A setting changed.
    ParameterUpdate,
    /// What runs behind a proxy changed.
    Upgrade,
    /// A large part of what a contract held left it.
    LargeWithdrawal,
    /// A contract was entered again before it was done.
    Reentrancy,
    /// Money was borrowed and returned within a transaction.
    FlashLoan,
    /// A price moved far and back.
    PriceManipulation,
    /// Calls failed far more often than usual.
    FailedCalls,
    /// Someone who is on a list took part.
    KnownAddress,
    /// Far more was issued than usual.
    Issuance,
    /// Blocks left the chain.
    Reorg,
}

impl Area {
    /// The word used in files and reports: the name of the detector that answers for it, where there
    /// is one.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OracleLag => "oracle_lag",
            Self::RoleChange => "role_change",
            Self::ParameterUpdate => "parameter_update",
            Self::Upgrade => "proxy_upgraded",
            Self::LargeWithdrawal => "large_withdrawal",
            Self::Reentrancy => "reentrant_call",
            Self::FlashLoan => "flash_loan",
            Self::PriceManipulation => "price_manipulation",
            Self::FailedCalls => "failed_calls_rise",
            Self::KnownAddress => "known_bad_address",
            Self::Issuance => "issuance",
            Self::Reorg => "reorg",
        }
    }
}

/// One attack.
#[derive(Debug)]
pub struct Scenario {
    /// Its name on the command line and in reports.
    pub name: &'static str,
    /// What happens, in one sentence.
    pub story: &'static str,
    /// What should be noticed; the first is what the attack is about.
    pub areas: &'static [Area],
    /// The deployments that it hurts, by the names of [`Meridian::deployments`].
    pub hurts: &'static [&'static str],
    steps: &'static [Step],
}

/// What happens before one block is made.
#[derive(Debug)]
struct Step {
    /// One clause for the one who watches.
    what: &'static str,
    /// For how many blocks in a row it happens.
    blocks: u32,
    act: fn(&mut Stage<'_>) -> Result<(), MeridianError>,
}

impl Step {
    const fn once(
        what: &'static str,
        act: fn(&mut Stage<'_>) -> Result<(), MeridianError>,
    ) -> Self {
        Self { what, blocks: 1, act }
    }

    const fn times(
        blocks: u32,
        what: &'static str,
        act: fn(&mut Stage<'_>) -> Result<(), MeridianError>,
    ) -> Self {
        Self { what, blocks, act }
    }

    /// Blocks in which only everyday life goes on.
    const fn quiet(blocks: u32) -> Self {
        Self { what: "life goes on", blocks, act: |_| Ok(()) }
    }

    /// The treasury brings the protocol to full health, so that there is something to take.
    const fn refill() -> Self {
        Self::once("the protocol is in good health", |stage| stage.on.refill(stage.devnet))
    }
}

/// Why an attack could not be carried out.
#[derive(Debug, thiserror::Error)]
#[error("scenario {scenario}, step {step:?}")]
pub struct ScenarioError {
    /// Which one.
    pub scenario: &'static str,
    /// What was tried.
    pub step: &'static str,
    /// Why it failed.
    pub source: MeridianError,
}

static ALL: [&Scenario; 11] = [
    &oracle_stops::SCENARIO,
    &role_stolen::SCENARIO,
    &parameter_pushed::SCENARIO,
    &reentrant_drain::SCENARIO,
    &flash_loan_price_manipulation::SCENARIO,
    &failing_call_storm::SCENARIO,
    &malicious_upgrade::SCENARIO,
    &insurance_fund_drained::SCENARIO,
    &bridge_release_unbacked::SCENARIO,
    &known_bad_address_interaction::SCENARIO,
    &deep_reorg::SCENARIO,
];

/// All scenarios, in the order a demonstration tells them.
pub fn all() -> &'static [&'static Scenario] {
    &ALL
}

/// The scenario with this name.
pub fn find(name: &str) -> Option<&'static Scenario> {
    all().iter().copied().find(|scenario| scenario.name == name)
}

impl Scenario {
    /// Starts it; nothing happens before the first step.
    pub fn begin(&'static self) -> Run {
        Run::new(self)
    }

    /// Carries it out from beginning to end, one block per step, and returns the blocks.
    pub fn run(
        &'static self,
        devnet: &Devnet,
        on: &Meridian,
        traffic: &mut Traffic,
    ) -> Result<(Run, Vec<BlockRef>), ScenarioError> {
        let mut run = self.begin();
        let mut blocks = Vec::new();
        while let Some(step) = run.step(devnet, on, traffic)? {
            let failed = |source| ScenarioError { scenario: self.name, step, source };
            traffic.submit(devnet, on).map_err(failed)?;
            let mined = devnet.mine();
            blocks.push(
                mined.map_err(|source| failed(MeridianError::Devnet { what: step, source }))?,
            );
        }
        Ok((run, blocks))
    }

    /// How many blocks it takes.
    pub fn blocks(&self) -> u32 {
        self.steps.iter().map(|step| step.blocks).sum()
    }

    /// Its attacker: each scenario has its own, a stranger to all others.
    pub fn attacker<'a>(&self, on: &'a Meridian) -> &'a Wallet {
        if self.name == known_bad_address_interaction::SCENARIO.name {
            return &on.actors.known_exploiter;
        }
        let position = all().iter().position(|other| other.name == self.name).unwrap_or(0);
        &on.actors.attackers[position % on.actors.attackers.len()]
    }
}
