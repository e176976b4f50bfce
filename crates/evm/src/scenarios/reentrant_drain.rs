use super::{Area, Scenario, Stage, Step};
use crate::{
    artifact,
    meridian::{MeridianError, call, contracts::ReentrancyAttacker, ether},
};

/// What the attacker deposits and takes out again and again.
const STAKE_ETHER: u64 = 12;
/// Enough for some sixty withdrawals inside each other.
const GAS: u64 = 12_000_000;

/// `withdrawEther` pays before it books.
pub(super) static SCENARIO: Scenario = Scenario {
    name: "reentrant_drain",
    story: "A contract takes its one deposit out of the vault again and again, re-entering before the vault has booked it.",
    areas: &[Area::Reentrancy, Area::LargeWithdrawal],
    hurts: &["vault"],
    steps: &[
        Step::refill(),
        Step::once("a stranger deploys a contract", deploy),
        Step::once("it drains the vault's ether in one transaction", attack),
        Step::quiet(1),
    ],
};

fn deploy(stage: &mut Stage<'_>) -> Result<(), MeridianError> {
    let arguments = ReentrancyAttacker::constructorCall { vault: stage.on.vault };
    stage.create(artifact::REENTRANCY_ATTACKER, arguments)
}

fn attack(stage: &mut Stage<'_>) -> Result<(), MeridianError> {
    let attack = call(stage.contract(), ReentrancyAttacker::attackCall {})
        .with_value(ether(STAKE_ETHER))
        .with_gas_limit(GAS);
    stage.send(stage.attacker, attack, "attack")
}
