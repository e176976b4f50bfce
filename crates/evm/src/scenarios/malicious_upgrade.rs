use alloy_primitives::{Address, Bytes};

use super::{Area, Scenario, Stage, Step};
use crate::{
    artifact,
    devnet::TransactionRequest,
    meridian::{
        MeridianError, call,
        contracts::{MaliciousImplementation, Proxy},
    },
};

/// The proxy admin's key is stolen.
pub(super) static SCENARIO: Scenario = Scenario {
    name: "malicious_upgrade",
    story: "With a stolen proxy admin's key the vault gets an implementation with a back door, through which everything leaves.",
    areas: &[Area::Upgrade, Area::LargeWithdrawal],
    hurts: &["vault"],
    steps: &[
        Step::refill(),
        Step::once("a stranger deploys a vault with a back door", deploy),
        Step::once("the stolen key points the proxy at it", upgrade),
        Step::once("everything leaves through the back door", sweep),
        Step::quiet(1),
        Step::once("the team points the proxy back", point_back),
        Step::refill(),
    ],
};

fn deploy(stage: &mut Stage<'_>) -> Result<(), MeridianError> {
    let nonce = stage.devnet.next_nonce(stage.attacker.address());
    let initcode = artifact::MALICIOUS_IMPLEMENTATION.bytecode();
    stage.send(stage.attacker, TransactionRequest::create(initcode), "deploy")?;
    stage.memory.contract = Some(stage.attacker.address().create(nonce));
    Ok(())
}

fn upgrade(stage: &mut Stage<'_>) -> Result<(), MeridianError> {
    point_at(stage, stage.contract())
}

fn sweep(stage: &mut Stage<'_>) -> Result<(), MeridianError> {
    let sweep = MaliciousImplementation::sweepCall { to: stage.attacker.address() };
    stage.send(stage.attacker, call(stage.on.vault, sweep), "sweep")
}

fn point_back(stage: &mut Stage<'_>) -> Result<(), MeridianError> {
    point_at(stage, stage.on.vault_impl)
}

fn point_at(stage: &mut Stage<'_>, implementation: Address) -> Result<(), MeridianError> {
    // `call` is the name of the data that the new implementation would be called with.
    let upgrade = Proxy::upgradeToAndCallCall { implementation, call: Bytes::new() };
    stage.send(&stage.on.actors.upgrader, call(stage.on.vault, upgrade), "upgrade")
}
