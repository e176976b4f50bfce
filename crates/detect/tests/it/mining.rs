//! Invariants out of the past, put to use as monitors.

use std::sync::Arc;

use bellwether_detect::{
    MonitorSpec, Subject,
    mining::{Kind, Miner, Proposal},
};
use expect_test::expect;
use registry::{Labels, Registry};

use crate::chain::*;

/// So many redemptions by Alice, of up to ten, and one of this amount at the end.
fn mined(blocks: u64, last: u64) -> Vec<Proposal> {
    let registry = Arc::new(Registry::new(deployments(), Labels::default()).unwrap());
    let mut miner = Miner::new(registry, &name(NETWORK), blocks * 9 / 10);
    let mut parent = model::BlockRef { number: 100, hash: Default::default() };
    for at in 0..blocks {
        let amount = if at + 1 == blocks { last } else { at % 10 + 1 };
        let tx = tx(ALICE, VAULT)
            .input(call("redeem(uint256)", amount))
            .log(redeemed(address(ALICE), amount));
        let bundle = block([tx]).traced().build(parent, START + at, 0);
        parent = bundle.block_ref();
        miner.take(&bundle);
    }
    miner.proposals()
}

fn as_monitor(proposal: &Proposal) -> MonitorSpec {
    let subject = match proposal.kind {
        Kind::Event => Subject::Event(proposal.subject.clone()),
        Kind::Call => Subject::Call(proposal.subject.clone()),
    };
    expression(&proposal.name, &[proposal.on.as_str()], subject, Some(&proposal.when))
}

#[test]
fn what_always_held_is_proposed_with_its_rate_of_false_alarms() {
    let shown: Vec<String> = mined(1_000, 5)
        .iter()
        .map(|p| {
            format!(
                "{} | {} | {} | {} | {}/{} ≤ {:.4} {}",
                p.name,
                p.subject,
                p.when,
                p.holds,
                p.false_alarms,
                p.held_out,
                p.rate_max(),
                p.is_acceptable()
            )
        })
        .collect();
    expect![[r#"
        mined-vault-redeemed-amount | Redeemed(address,uint256) | amount > 20 | amount was never above 10 | 0/100 ≤ 0.0370 true
        mined-vault-redeem-amount | redeem(uint256) | amount > 20 | amount was never above 10 | 0/100 ≤ 0.0370 true
        mined-vault-redeem-caller | redeem(uint256) | !(call.from in [0x1111111111111111111111111111111111111112]) | nobody but 0x1111111111111111111111111111111111111112 called it | 0/100 ≤ 0.0370 true"#]].assert_eq(&shown.join("\n"));
}

#[test]
fn a_proposal_that_is_wrong_where_it_was_not_learned_is_not_acceptable() {
    let proposals = mined(1_000, 21);
    let of = |name: &str| proposals.iter().find(|p| p.name == name).unwrap();
    assert!(!of("mined-vault-redeem-amount").is_acceptable());
    assert!(of("mined-vault-redeem-caller").is_acceptable());
}

#[test]
fn nothing_is_proposed_from_too_little() {
    assert_eq!(mined(100, 5), []);
}

#[test]
fn a_proposal_is_a_monitor_that_is_quiet_on_the_past_and_finds_what_breaks_it() {
    let monitors = mined(1_000, 5).iter().map(as_monitor).collect();
    let mut world = World::new(monitors);
    let of = |who: u8, amount: u64| {
        let tx = tx(who, VAULT).input(call("redeem(uint256)", amount));
        block([tx.log(redeemed(address(who), amount))]).traced()
    };
    assert_eq!(world.push(12, &of(ALICE, 20)).findings.len(), 0);
    let found = world.push(12, &of(MALLORY, 21)).findings;
    let names: Vec<&str> = found.iter().map(|finding| finding.monitor.as_str()).collect();
    assert_eq!(
        names,
        ["mined-vault-redeemed-amount", "mined-vault-redeem-amount", "mined-vault-redeem-caller"]
    );
}
