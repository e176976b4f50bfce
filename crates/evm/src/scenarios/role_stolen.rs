use alloy_primitives::{U256, keccak256};

use super::{Area, Scenario, Stage, Step};
use crate::meridian::{
    MeridianError, call,
    contracts::{MeridianToken, Pair},
    ether,
};

/// What the thief issues: twice what the market holds.
const ISSUED_MUSD: u64 = 2_000_000;
/// What the thief sells at once.
const SOLD_MUSD: u64 = 250_000;

/// The key of the token's admin is stolen.
pub(super) static SCENARIO: Scenario = Scenario {
    name: "role_stolen",
    story: "With a stolen admin key a stranger becomes an issuer, issues two million mUSD and sells.",
    areas: &[Area::RoleChange, Area::Issuance, Area::LargeWithdrawal],
    hurts: &["token", "pair"],
    steps: &[
        Step::once("the stolen key makes a stranger an issuer", grant),
        Step::once("the stranger issues two million mUSD", issue),
        Step::once("and sells them for ether", sell),
        Step::quiet(1),
        Step::once("the team takes the role back", revoke),
    ],
};

fn grant(stage: &mut Stage<'_>) -> Result<(), MeridianError> {
    let account = stage.attacker.address();
    let role = keccak256("ISSUER_ROLE");
    let grant = call(stage.on.token, MeridianToken::grantRoleCall { role, account });
    stage.send(&stage.on.actors.admin, grant, "grant the role")
}

fn issue(stage: &mut Stage<'_>) -> Result<(), MeridianError> {
    let to = stage.attacker.address();
    let issue = MeridianToken::issueCall { to, amount: ether(ISSUED_MUSD) };
    stage.send(stage.attacker, call(stage.on.token, issue), "issue")
}

fn sell(stage: &mut Stage<'_>) -> Result<(), MeridianError> {
    let on = stage.on;
    let amount0 = ether(SOLD_MUSD);
    let approve = MeridianToken::approveCall { spender: on.pair, value: amount0 };
    stage.send(stage.attacker, call(on.token, approve), "approve")?;
    let to = stage.attacker.address();
    let sell = Pair::swapTokenForEtherCall { amount0, amount1Min: U256::ZERO, to };
    stage.send(stage.attacker, call(on.pair, sell), "sell")
}

fn revoke(stage: &mut Stage<'_>) -> Result<(), MeridianError> {
    let account = stage.attacker.address();
    let role = keccak256("ISSUER_ROLE");
    let revoke = call(stage.on.token, MeridianToken::revokeRoleCall { role, account });
    stage.send(&stage.on.actors.admin, revoke, "revoke the role")
}
