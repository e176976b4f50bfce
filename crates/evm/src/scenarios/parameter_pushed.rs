use alloy_primitives::U256;

use super::{Area, Scenario, Stage, Step};
use crate::meridian::{MeridianError, call, contracts::Vault, ether};

/// A hundred times the value of the collateral.
const PUSHED_BPS: u64 = 1_000_000;
/// What it was.
const USUAL_BPS: u64 = 7_500;
/// What the attacker pledges.
const PLEDGE_ETHER: u64 = 5;

/// The risk manager's key is stolen.
pub(super) static SCENARIO: Scenario = Scenario {
    name: "parameter_pushed",
    story: "With a stolen risk manager's key the collateral factor is pushed to 10,000 %, and a stranger borrows nearly everything against five ether.",
    areas: &[Area::ParameterUpdate, Area::LargeWithdrawal],
    hurts: &["vault"],
    steps: &[
        Step::refill(),
        Step::once("the collateral factor is pushed to 10,000 %", push),
        Step::once("a stranger borrows nearly all the vault's mUSD", borrow),
        Step::quiet(1),
        Step::once("the team sets the parameter back", set_back),
    ],
};

fn push(stage: &mut Stage<'_>) -> Result<(), MeridianError> {
    set(stage, PUSHED_BPS)
}

fn borrow(stage: &mut Stage<'_>) -> Result<(), MeridianError> {
    let vault = stage.on.vault;
    let pledge = call(vault, Vault::depositEtherCall {}).with_value(ether(PLEDGE_ETHER));
    stage.send(stage.attacker, pledge, "pledge ether")?;
    let there = stage.on.musd_of(stage.devnet, vault)?;
    let amount = there * U256::from(9) / U256::from(10);
    stage.send(stage.attacker, call(vault, Vault::borrowCall { amount }), "borrow")
}

fn set_back(stage: &mut Stage<'_>) -> Result<(), MeridianError> {
    set(stage, USUAL_BPS)
}

fn set(stage: &mut Stage<'_>, bps: u64) -> Result<(), MeridianError> {
    let set = Vault::setCollateralFactorCall { bps: U256::from(bps) };
    stage.send(&stage.on.actors.risk_manager, call(stage.on.vault, set), "set the parameter")
}
