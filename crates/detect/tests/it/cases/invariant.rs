//! Sentences that must hold.

use std::sync::Arc;

use alloy_primitives::U256;
use bellwether_detect::Engine;
use expect_test::expect;
use model::{Finding, Severity};
use registry::{ContractAbi, Deployment, Labels, Registry};

use crate::chain::*;

fn all() -> Vec<Deployment> {
    let vault = ContractAbi::from_solidity([
        "function totalAssets() view returns (uint256)",
        "function totalSupply() view returns (uint256)",
        "function paused() view returns (bool)",
        "function getReserves() view returns (uint112 r0, uint112 r1, uint32 at)",
    ]);
    let token = ContractAbi::from_solidity([
        "function balanceOf(address holder) view returns (uint256)",
        "function totalSupply() view returns (uint256)",
        "event Transfer(address indexed from, address indexed to, uint256 value)",
    ]);
    let mut all = deployments();
    all[0].abi = Arc::new(vault.unwrap());
    all[1].abi = Arc::new(token.unwrap());
    all
}

fn world(params: &[(&str, &str)]) -> World {
    let monitor = detector("invariant/broken", &["vault"], params, Severity::High);
    World::with(all(), Labels::default(), vec![monitor])
}

fn mistakes(params: &[(&str, &str)]) -> String {
    let monitor = detector("invariant/broken", &["vault"], params, Severity::High);
    let registry = Registry::new(all(), Labels::default()).unwrap();
    let mistakes = Engine::new(Arc::new(registry), vec![monitor]).unwrap_err();
    mistakes.iter().map(|mistake| mistake.message.as_str()).collect::<Vec<_>>().join("\n---\n")
}

const SOLVENT: [(&str, &str); 1] = [("holds", "usd.balanceOf(vault) >= vault.totalAssets()")];

fn solvent_after(held: u64, owed: u64) -> BlockBuilder {
    let number = |n: u64| [U256::from(n)];
    block([]).balance(TOKEN, VAULT, held).read(VAULT, selector("totalAssets()"), &number(owed))
}

pub(crate) fn insolvent() -> Vec<Finding> {
    let mut world = world(&SOLVENT);
    world.push(12, &solvent_after(100, 90));
    world.push(12, &solvent_after(80, 90)).findings
}

pub(crate) fn solvent() -> Vec<Finding> {
    let mut world = world(&SOLVENT);
    world.push(12, &solvent_after(90, 90)).findings
}

#[test]
fn a_broken_sentence_is_told_once_until_it_held_again() {
    let mut world = world(&SOLVENT);
    assert_eq!(told(&world.push(12, &solvent_after(100, 90))), "");
    let broken = world.push(12, &solvent_after(80, 90));
    expect!["high: an invariant of usd is broken: usd.balanceOf(vault) >= vault.totalAssets()"]
        .assert_eq(&told(&broken));
    let facts: Vec<String> = broken.findings[0]
        .evidence
        .facts
        .iter()
        .map(|fact| format!("{} = {}", fact.name, fact.value))
        .collect();
    assert_eq!(facts, ["usd.balanceOf(vault) = 80", "vault.totalAssets() = 90"]);
    assert_eq!(told(&world.push(12, &solvent_after(70, 90))), "");
    assert_eq!(told(&world.push(12, &solvent_after(90, 90))), "");
    assert_eq!(world.push(12, &solvent_after(80, 90)).findings.len(), 1);
    world.revert(1);
    assert_eq!(world.push_fork(12, &solvent_after(80, 90), 1).findings.len(), 1);
}

#[test]
fn what_was_not_read_is_blindness() {
    let mut world = world(&SOLVENT);
    let judgement = world.push(12, &block([]).balance(TOKEN, VAULT, 3));
    assert_eq!(
        blind(&judgement),
        ["invariant.broken: state read missing: vault.totalAssets(): the call was not made"]
    );
}

#[test]
fn it_can_be_asked_to_last() {
    let mut world = world(&[SOLVENT[0], ("for_times", "3")]);
    let found: Vec<usize> =
        (0..5).map(|_| world.push(12, &solvent_after(80, 90)).findings.len()).collect();
    assert_eq!(found, [0, 0, 1, 0, 0]);
}

/// Assets, shares, reserves and whether it is paused.
fn vault(
    txs: Vec<TxBuilder>,
    assets: u64,
    shares: u64,
    reserves: [u64; 2],
    paused: bool,
) -> BlockBuilder {
    let number = U256::from::<u64>;
    block(txs)
        .read(VAULT, selector("totalAssets()"), &[number(assets)])
        .read(VAULT, selector("totalSupply()"), &[number(shares)])
        .read(VAULT, selector("paused()"), &[number(u64::from(paused))])
        .read(
            VAULT,
            selector("getReserves()"),
            &[number(reserves[0]), number(reserves[1]), number(1)],
        )
}

#[test]
fn templates_know_shares_reserves_pauses_and_supplies() {
    let names = "share_price_never_falls, reserves_product_never_falls, paused_pays_nothing, supply_is_sum_of_transfers";
    let mut world = world(&[("templates", names), ("tolerance", "0.1%")]);
    let minted = |amount| {
        let of_share = transfer(VAULT, alloy_primitives::Address::ZERO, address(ALICE), amount);
        tx(ALICE, VAULT).log(of_share)
    };
    let honest = [
        vault(vec![], 1_000, 1_000, [50, 200], false),
        // A deposit, a gain, a swap with a fee, a pause.
        vault(vec![minted(100)], 1_100, 1_100, [50, 200], false),
        vault(vec![], 1_200, 1_100, [25, 401], false),
        vault(vec![], 1_200, 1_100, [25, 401], true),
    ];
    for block in &honest {
        let judgement = world.push(12, block);
        assert_eq!((told(&judgement), blind(&judgement)), (String::new(), Vec::new()));
    }
    let out = tx(ALICE, VAULT).log(transfer(TOKEN, address(VAULT), address(MALLORY), 5));
    let judgement = world.push(12, &vault(vec![out], 900, 1_101, [20, 401], true));
    expect![[r#"
        high: an invariant of vault is broken: before(this.totalSupply()) == 0 || this.totalAssets() * before(this.totalSupply()) >= before(this.totalAssets()) * this.totalSupply() * (1 - 0.001000000)
        high: an invariant of vault is broken: !this.paused() || sent(this) == 0
        high: an invariant of vault is broken: this.totalSupply() + burned(this) == before(this.totalSupply()) + minted(this)"#]]
    .assert_eq(&told(&judgement));
    let judgement = world.push(12, &vault(vec![], 900, 1_101, [19, 401], false));
    expect!["high: an invariant of vault is broken: this.totalSupply() != before(this.totalSupply()) || this.getReserves().0 * this.getReserves().1 >= before(this.getReserves()).0 * before(this.getReserves()).1 * (1 - 0.001000000)"]
        .assert_eq(&told(&judgement));
}

#[test]
fn mistakes_point_into_the_sentence() {
    expect![[r#"
        parameter "holds":
        unknown function "totalAsset"; did you mean "totalAssets"? (one of: getReserves, paused, totalAssets, totalSupply)"#]].assert_eq(&mistakes(&[("holds", "vault.totalAsset() > 1")]));
    expect![[r#"
        parameter "holds":
        "valt" is no address of balanceOf(address)"#]]
    .assert_eq(&mistakes(&[("holds", "usd.balanceOf(valt) >= 1")]));
    expect![[r#"
        parameter "holds":
        1:24: no variable `paused`
          | vault.totalAssets() >= paused
          |                        ^^^^^^
          = in scope: block, tx"#]]
    .assert_eq(&mistakes(&[("holds", "vault.totalAssets() >= paused")]));
    expect![[r#"
        parameter "holds":
        "1 > 2" asks no contract: write LABEL.FUNCTION() or this.FUNCTION()"#]]
    .assert_eq(&mistakes(&[("holds", "1 > 2")]));
    expect![[r#"parameter "templates": unknown template "solvency" (one of: share_price_never_falls, assets_cover_liabilities, collateral_covers_debt, supply_is_sum_of_transfers, reserves_product_never_falls, paused_pays_nothing)"#]].assert_eq(&mistakes(&[("templates", "solvency, collateral_covers_debt")]));
    expect![[r#"parameter "every_blocks" must be 1: burned(this) counts what each block did"#]]
        .assert_eq(&mistakes(&[
            ("templates", "supply_is_sum_of_transfers"),
            ("every_blocks", "5"),
        ]));
    expect![[r#"nothing to hold: give "holds" a sentence, or name "templates""#]]
        .assert_eq(&mistakes(&[]));
}
