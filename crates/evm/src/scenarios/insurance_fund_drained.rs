use alloy_primitives::{U256, keccak256};

use super::{Area, Scenario, Stage, Step};
use crate::meridian::{MeridianError, call, contracts::InsuranceFund};

/// The key that pays claims is stolen.
pub(super) static SCENARIO: Scenario = Scenario {
    name: "insurance_fund_drained",
    story: "With a stolen claims key a stranger is paid three invented claims, six tenths of the fund each time.",
    areas: &[Area::LargeWithdrawal],
    hurts: &["insurance-fund"],
    steps: &[Step::refill(), Step::times(3, "an invented claim is paid", pay), Step::quiet(1)],
};

fn pay(stage: &mut Stage<'_>) -> Result<(), MeridianError> {
    let to = stage.attacker.address();
    let there = stage.on.musd_of(stage.devnet, stage.on.fund)?;
    let amount = there * U256::from(6) / U256::from(10);
    let claim = keccak256(format!("invented claim at {}", stage.devnet.now()));
    let cover = InsuranceFund::coverCall { claim, to, amount };
    stage.send(&stage.on.actors.claims, call(stage.on.fund, cover), "pay a claim")
}
