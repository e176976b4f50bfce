use super::{Area, Scenario, Stage, Step};
use crate::meridian::{MeridianError, call, contracts::Vault, ether};

/// Not an exploit yet; who it is makes it one to look at.
pub(super) static SCENARIO: Scenario = Scenario {
    name: "known_bad_address_interaction",
    story: "An account that is on every list of exploiters parks two ether in the vault and takes half of it out again.",
    areas: &[Area::KnownAddress],
    hurts: &["vault"],
    steps: &[
        Step::once("a known exploiter deposits two ether", deposit),
        Step::quiet(1),
        Step::once("and takes one out again", withdraw),
        Step::quiet(1),
    ],
};

fn deposit(stage: &mut Stage<'_>) -> Result<(), MeridianError> {
    let deposit = call(stage.on.vault, Vault::depositEtherCall {}).with_value(ether(2));
    stage.send(stage.attacker, deposit, "deposit")
}

fn withdraw(stage: &mut Stage<'_>) -> Result<(), MeridianError> {
    let withdraw = call(stage.on.vault, Vault::withdrawEtherCall { amount: ether(1) });
    stage.send(stage.attacker, withdraw, "withdraw")
}
