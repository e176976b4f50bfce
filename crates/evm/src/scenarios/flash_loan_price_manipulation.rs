use alloy_primitives::U256;

use super::{Area, Scenario, Stage, Step};
use crate::{
    artifact,
    meridian::{MeridianError, call, contracts::FlashAttacker, ether},
};

/// What the attacker pledges: worth a fifth of what it gets at the true price.
const PLEDGE_ETHER: u64 = 40;
/// The attack swaps twice, deposits, borrows and repays.
const GAS: u64 = 3_000_000;

/// `borrow` believes a spot price.
pub(super) static SCENARIO: Scenario = Scenario {
    name: "flash_loan_price_manipulation",
    story: "With mUSD borrowed for one call a contract makes ether absurdly dear in the market, borrows the vault empty at that price and walks away.",
    areas: &[Area::FlashLoan, Area::PriceManipulation, Area::LargeWithdrawal],
    hurts: &["vault", "pair", "flash-lender"],
    steps: &[
        Step::refill(),
        Step::once("a stranger deploys a contract", deploy),
        Step::once("it bends the price, borrows the vault empty and bends it back", attack),
        Step::quiet(1),
    ],
};

fn deploy(stage: &mut Stage<'_>) -> Result<(), MeridianError> {
    let (lender, vault) = (stage.on.flash_lender, stage.on.vault);
    stage.create(artifact::FLASH_ATTACKER, FlashAttacker::constructorCall { lender, vault })
}

fn attack(stage: &mut Stage<'_>) -> Result<(), MeridianError> {
    // Twice what the market holds makes ether nine times as dear.
    let loan = stage.on.musd_of(stage.devnet, stage.on.pair)? * U256::from(2);
    let available = stage.on.musd_of(stage.devnet, stage.on.flash_lender)?;
    let attack = FlashAttacker::attackCall { loan: loan.min(available) };
    let attack = call(stage.contract(), attack).with_value(ether(PLEDGE_ETHER)).with_gas_limit(GAS);
    stage.send(stage.attacker, attack, "attack")
}
