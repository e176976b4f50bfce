//! What a share of a vault is worth.

use alloy_primitives::U256;
use expect_test::expect;
use model::{Finding, Severity};

use crate::chain::*;

fn world() -> World {
    let id = "liquidity/share_price_jumped";
    World::new(vec![detector(id, &["vault"], &[], Severity::High)])
}

/// A block with what the vault answers after it.
fn holds(block: BlockBuilder, assets: u64, shares: u64) -> BlockBuilder {
    block.read(VAULT, selector("totalAssets()"), &[U256::from(assets)]).read(
        VAULT,
        selector("totalSupply()"),
        &[U256::from(shares)],
    )
}

/// One share, then a gift that makes it worth a thousand.
pub(crate) fn inflated() -> Vec<Finding> {
    let mut world = world();
    world.push(12, &holds(block([]), 0, 0));
    world.push(12, &holds(block([tx(MALLORY, VAULT)]), 1, 1));
    let gift = tx(MALLORY, TOKEN).log(transfer(TOKEN, address(MALLORY), address(VAULT), 999));
    world.push(12, &holds(block([gift]), 1_000, 1));
    world.findings
}

/// Interest in every block, and people who come and go at the price.
pub(crate) fn grows() -> Vec<Finding> {
    let mut world = world();
    let mut assets = 1_000_000_000;
    for at in 0..50 {
        assets += assets / 10_000;
        world.push(12, &holds(block([]), assets, 900_000_000));
        if at % 10 == 0 {
            world.push(12, &holds(block([]), 2 * assets, 1_800_000_000));
            world.push(12, &holds(block([]), assets, 900_000_000));
        }
    }
    world.findings
}

#[test]
fn a_gift_to_a_vault_with_one_share_is_told_with_what_it_does() {
    let found = inflated();
    let titles: Vec<String> =
        found.iter().map(|f| format!("{}: {}", f.severity, f.title)).collect();
    expect!["critical: what a share of vault is worth rose by 99900.00 %: it has next to no shares, so who deposits now may get none"].assert_eq(&titles.join("\n"));
}

#[test]
fn gifts_and_losses_of_a_vault_in_use_are_told_once() {
    let mut world = world();
    let mut told_of = Vec::new();
    for (assets, shares) in [
        (1_000_000_000, 1_000_000_000),
        (1_000_900_000, 1_000_000_000),
        (1_100_900_000, 1_000_000_000),
        (1_100_900_000, 1_000_000_000),
        (990_000_000, 1_000_000_000),
        (0, 1_000_000_000),
    ] {
        told_of.push(told(&world.push(12, &holds(block([]), assets, shares))));
    }
    expect![[r#"


        high: what a share of vault is worth rose by 9.99 %: assets came for which no shares were made

        high: what a share of vault is worth fell by 10.07 %
        high: what a share of vault is worth fell beyond all measure"#]].assert_eq(&told_of.join("\n"));
}

#[test]
fn usual_steps_raise_what_is_told() {
    let mut world = world();
    let mut assets = 1_000_000_000_u64;
    for _ in 0..40 {
        assets += assets / 250;
        world.push(12, &holds(block([]), assets, 1_000_000_000));
    }
    let before = world.findings.len();
    assets += assets / 20;
    world.push(12, &holds(block([]), assets, 1_000_000_000));
    assert_eq!(world.findings.len(), before, "five per cent is not twenty times 0.4");
    assets += assets / 10;
    world.push(12, &holds(block([]), assets, 1_000_000_000));
    assert_eq!(world.findings.len(), before + 1);
}

#[test]
fn without_an_answer_the_monitor_is_blind() {
    let mut world = world();
    let judgement = world.push(12, &block([]));
    assert!(blind(&judgement)[0].contains("state read missing"), "{:?}", blind(&judgement));
}
