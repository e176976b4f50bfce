use alloy_primitives::B256;

use super::{Area, Scenario, Stage, Step};
use crate::meridian::{MeridianError, call, contracts::MeridianToken};

/// Blocks that are mined on top of the grant before it disappears.
const BLOCKS_ON_TOP: u32 = 3;

/// What was alerted turns out never to have happened.
pub(super) static SCENARIO: Scenario = Scenario {
    name: "deep_reorg",
    story: "A stranger is made admin of the token; then the chain drops the block and the three on top of it, and it never happened.",
    areas: &[Area::Reorg, Area::RoleChange],
    hurts: &["token"],
    steps: &[
        Step::once("a stranger is made admin of the token", grant),
        Step::quiet(BLOCKS_ON_TOP),
        Step::once("the chain drops these blocks for a branch without it", drop_it),
        Step::quiet(1),
    ],
};

fn grant(stage: &mut Stage<'_>) -> Result<(), MeridianError> {
    stage.memory.began_at = stage.devnet.head().number;
    let account = stage.attacker.address();
    let grant = MeridianToken::grantRoleCall { role: B256::ZERO, account };
    stage.send(&stage.on.actors.admin, call(stage.on.token, grant), "grant the admin role")
}

fn drop_it(stage: &mut Stage<'_>) -> Result<(), MeridianError> {
    let depth = stage.devnet.head().number - stage.memory.began_at;
    let hashes = stage.memory.transactions.clone();
    let reorg = stage.devnet.reorg(depth, |branch| {
        for hash in hashes {
            branch.leave_out(hash);
        }
    });
    stage.chain("reorg", reorg)?;
    Ok(())
}
