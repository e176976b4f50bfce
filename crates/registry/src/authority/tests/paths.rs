//! Who can make what happen through whom.

use expect_test::expect;

use super::{world::*, *};

#[test]
fn paths_name_everybody_on_the_way_with_signatures_and_delay() {
    let world = World::new();
    let graph = world.graph();
    let of_vault: Vec<String> = graph
        .effective(at(VAULT))
        .iter()
        .filter(|e| e.capability.weight() >= 10.0 || e.path.principal == at(GUARDIAN))
        .map(|e| e.words(&graph))
        .collect();
    expect![[r#"
        ops (2 of 3) can upgrade vault with 2 signatures, after 2 d 0 h: ops (2 of 3) → timelock (2 d 0 h) → proxy-admin → admin of vault
        ops (2 of 3) can decide who controls vault with 2 signatures, after 2 d 0 h: ops (2 of 3) → timelock (2 d 0 h) → DEFAULT_ADMIN_ROLE of vault
        guardian can pause vault at once, with one signature: guardian → guardian of vault"#]]
    .assert_eq(&of_vault.join("\n"));
}

#[test]
fn the_weakest_path_wins_and_contracts_that_control_each_other_end() {
    let mut world = World::new();
    world.gain(SAFE, &Role::Module, MALLORY);
    world.gain(PROXY_ADMIN, &Role::Owner, SAFE);
    // A module that the Safe owns, which is a circle.
    world.gain(MALLORY, &Role::Owner, SAFE);
    world.observed[0].kinds.insert(at(MALLORY), PrincipalKind::Contract);
    let graph = world.graph();
    let upgrades: Vec<(String, u64, u64)> = graph
        .effective(at(VAULT))
        .iter()
        .filter(|e| e.capability == Capability::Upgrade)
        .map(|e| (graph.name(e.path.principal), e.path.signatures, e.path.delay_s))
        .collect();
    let mallory = at(MALLORY).to_string();
    assert_eq!(upgrades, [("ops".into(), 2, 0), (mallory, 1, 0)]);
}

#[test]
fn power_adds_up_over_contracts_and_is_less_where_others_must_agree() {
    let world = World::new();
    let graph = world.graph();
    let powers = graph.powers();
    let lines: Vec<String> =
        powers.iter().map(|p| format!("{} {:.2}", graph.name(p.principal), p.power)).collect();
    expect![[r#"
        ops 12.83
        issuer 8.00
        reporter 5.00
        guardian 4.00
        tx-guard 2.00"#]]
    .assert_eq(&lines.join("\n"));
}
