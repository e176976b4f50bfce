use alloy_primitives::{U256, keccak256};

use super::{Area, Scenario, Stage, Step};
use crate::meridian::{MeridianError, call, contracts::BridgeLocker, read};

/// A chain that nothing was ever sent to.
const INVENTED_CHAIN: u64 = 424_242;

/// Nothing proves to the bridge that something was burnt elsewhere.
pub(super) static SCENARIO: Scenario = Scenario {
    name: "bridge_release_unbacked",
    story: "With a stolen relayer's key four fifths of what the bridge holds is released for something that was never burnt anywhere.",
    areas: &[Area::LargeWithdrawal],
    hurts: &["bridge"],
    steps: &[
        Step::refill(),
        Step::once("the stolen key releases four fifths of the bridge", release),
        Step::quiet(1),
    ],
};

fn release(stage: &mut Stage<'_>) -> Result<(), MeridianError> {
    let bridge = stage.on.bridge;
    let locked = read(stage.devnet, bridge, BridgeLocker::lockedCall {})?;
    let release = BridgeLocker::releaseCall {
        id: keccak256(format!("never burnt, {}", stage.devnet.now())),
        to: stage.attacker.address(),
        amount: locked * U256::from(4) / U256::from(5),
        sourceChain: U256::from(INVENTED_CHAIN),
    };
    stage.send(&stage.on.actors.relayer, call(bridge, release), "release")
}
