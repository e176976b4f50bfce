use super::{Area, Scenario, Stage, Step};
use crate::meridian::{MeridianError, call, contracts::Vault, ether};

/// Ten times everyday traffic.
const CALLS_PER_BLOCK: u64 = 40;
const GAS: u64 = 150_000;

/// Someone probes the vault, or jams it.
pub(super) static SCENARIO: Scenario = Scenario {
    name: "failing_call_storm",
    story: "A stranger hammers the vault with loans and withdrawals that must fail, forty a block.",
    areas: &[Area::FailedCalls],
    hurts: &["vault"],
    steps: &[Step::times(5, "forty failing calls hit the vault", hammer), Step::quiet(1)],
};

fn hammer(stage: &mut Stage<'_>) -> Result<(), MeridianError> {
    for i in 0..CALLS_PER_BLOCK {
        let amount = ether(1_000 + i);
        let request = if i % 2 == 0 {
            call(stage.on.vault, Vault::borrowCall { amount })
        } else {
            call(stage.on.vault, Vault::withdrawEtherCall { amount })
        };
        stage.send(stage.attacker, request.with_gas_limit(GAS), "probe")?;
    }
    Ok(())
}
