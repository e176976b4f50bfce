//! Who is on the other side: lists, origins, fresh accounts, contracts made against ours.

use alloy_primitives::{Address, B256, keccak256};
use expect_test::expect;
use model::{Finding, Severity};
use registry::{Category, Label, Labels, threats::Day};

use crate::chain::*;

fn labels() -> Labels {
    let mut labels = Labels::builder();
    let mut add = |byte: u8, category: Category, name: &str, confidence_percent: u8| {
        let label = Label { name, confidence_percent, ..Label::new(&category, "list") };
        labels.add(None, address(byte), label).unwrap();
    };
    add(MALLORY, Category::Exploiter, "mallory", 90);
    add(0x22, Category::Exploiter, "", 90);
    add(0x22, Category::Benign, "friend", 100);
    labels.build()
}

fn reputation_world() -> World {
    let monitor = detector("reputation/known_bad_address", &["vault"], &[], Severity::High);
    World::with(deployments(), labels(), vec![monitor])
}

pub(crate) fn listed_caller() -> Vec<Finding> {
    reputation_world().push(12, &block([tx(MALLORY, VAULT)])).findings
}

pub(crate) fn benign_caller() -> Vec<Finding> {
    let others = [tx(ALICE, VAULT), tx(0x22, VAULT), tx(MALLORY, OTHER_TOKEN)];
    reputation_world().push(12, &block(others)).findings
}

#[test]
fn a_listed_address_is_found_wherever_it_appears_and_dust_is_only_noted() {
    let mallory = address(MALLORY);
    let mut world = reputation_world();
    let nested = vec![
        frame(None, 0, address(ALICE), address(VAULT), &[]),
        frame(Some(0), 1, address(VAULT), mallory, &[]),
    ];
    let judgement = world.push(
        12,
        &block([
            tx(MALLORY, VAULT),
            tx(ALICE, VAULT).frames(nested).salt(1),
            tx(ALICE, VAULT).log(redeemed(mallory, 5)).salt(2),
            tx(ALICE, VAULT).log(transfer(TOKEN, mallory, address(VAULT), 1)).salt(3),
            tx(ALICE, VAULT)
                .input([call("redeem(uint256)", 0), word_of(mallory).to_vec()].concat())
                .salt(4),
        ])
        .traced(),
    );
    let parts: Vec<String> = judgement
        .findings
        .iter()
        .map(|f| {
            let part = f.evidence.facts.iter().find(|fact| fact.name == "part").unwrap();
            format!("{} {}", f.severity, part.value)
        })
        .collect();
    expect![[r#"
        high sender of the transaction
        high caller or callee inside the transaction
        high argument of an event
        info sender of tokens to a guarded contract
        high argument of the call"#]]
    .assert_eq(&parts.join("\n"));
}

/// A mixer, an exchange and a thief whose label is old or late.
const MIXER: u8 = 0x31;
const EXCHANGE: u8 = 0x32;
const OLD_THIEF: u8 = 0x33;
const LATE_THIEF: u8 = 0x34;
const BOB: u8 = 0x12;
const CAROL: u8 = 0x13;
const DAVE: u8 = 0x14;

fn known() -> Labels {
    let mut labels = Labels::builder();
    let mut add = |byte: u8, category: Category, first_seen: Option<(u16, u8, u8)>| {
        let first_seen = first_seen.and_then(|(year, month, day)| Day::new(year, month, day));
        let label = Label { first_seen, ..Label::new(&category, "list") };
        labels.add(None, address(byte), label).unwrap();
    };
    // The stories begin on 2023-11-15.
    add(MALLORY, Category::Exploiter, None);
    add(MIXER, Category::Mixer, None);
    add(EXCHANGE, Category::Exchange, None);
    add(OLD_THIEF, Category::Exploiter, Some((2022, 1, 1)));
    add(LATE_THIEF, Category::Exploiter, Some((2023, 11, 20)));
    labels.build()
}

fn world(id: &str, params: &[(&str, &str)]) -> World {
    World::with(deployments(), known(), vec![detector(id, &["vault"], params, Severity::High)])
}

fn bad() -> World {
    world("reputation/known_bad_address", &[("confidence_percent_min", "30")])
}

#[test]
fn a_label_fades_and_one_that_came_later_wakes_nobody() {
    let mut world = bad();
    let judgement = world.push(12, &block([tx(OLD_THIEF, VAULT)]));
    assert_eq!(told(&judgement), "", "600 days later it is believed a tenth");
    let judgement = world.push(12, &block([tx(LATE_THIEF, VAULT)]));
    expect!["info: 0x3434343434343434343434343434343434343435, listed as exploiter by list (listed only later), took part in a transaction with vault"].assert_eq(&told(&judgement));
    let facts = &judgement.findings[0].evidence.facts;
    assert!(facts.iter().any(|fact| fact.name == "retrospective"));
}

#[test]
fn whom_a_listed_account_funds_or_creates_is_kin_but_not_through_a_hub() {
    let mut world = bad();
    let funded = |from: u8, to: u8| tx(from, to).pays(5).salt(u64::from(from) << 8 | u64::from(to));
    // Mallory pays Bob, Bob pays Carol, Carol pays Dave; Mallory pays the exchange, it pays Alice.
    world.push(12, &block([funded(MALLORY, BOB), funded(BOB, CAROL), funded(CAROL, DAVE)]));
    world.push(12, &block([funded(MALLORY, EXCHANGE), funded(EXCHANGE, ALICE)]));
    let callers = [BOB, CAROL, DAVE, ALICE].map(|caller| tx(caller, VAULT).salt(caller.into()));
    let judgement = world.push(12, &block(callers));
    expect![[r#"
        medium: 0x1212121212121212121212121212121212121213, funded by 0x6666666666666666666666666666666666666667, listed as exploiter by list, took part in a transaction with vault
        low: 0x1313131313131313131313131313131313131314, funded by 0x1212121212121212121212121212121212121213, which was funded by 0x6666666666666666666666666666666666666667, listed as exploiter by list, took part in a transaction with vault"#]].assert_eq(&told(&judgement));

    // A contract that the listed account creates, and a copy of its code by a stranger.
    let code = [vec![0x60; 300], vec![1]].concat();
    let (tool, copy) = (address(0x71), address(0x72));
    let made = |from: u8, at: Address| {
        tx(from, VAULT).creates(at).frames(vec![creation(None, 0, address(from), at, &code)])
    };
    world.push(12, &block([made(MALLORY, tool)]).traced());
    world.push(12, &block([made(0x15, copy)]).traced());
    let through = |contract: Address, salt: u64| {
        let frames = vec![
            frame(None, 0, address(ALICE), contract, &[]),
            frame(Some(0), 1, contract, address(VAULT), &call("redeem(uint256)", 1)),
        ];
        let mut call = tx(ALICE, 0x71).salt(salt).frames(frames);
        call.to = Some(contract);
        call
    };
    let judgement = world.push(12, &block([through(tool, 7), through(copy, 8)]).traced());
    expect![[r#"
        medium: 0x7171717171717171717171717171717171717172, created by 0x6666666666666666666666666666666666666667, listed as exploiter by list, took part in a transaction with vault
        low: 0x7272727272727272727272727272727272727273, made with the code of 0x7171717171717171717171717171717171717172, which was created by 0x6666666666666666666666666666666666666667, listed as exploiter by list, took part in a transaction with vault"#]].assert_eq(&told(&judgement));
}

#[test]
fn what_is_known_of_origins_leaves_with_its_block() {
    let mut world = bad();
    world.push(12, &block([]));
    world.push(12, &block([tx(MALLORY, BOB).pays(5)]));
    let judgement = world.push(12, &block([tx(BOB, VAULT)]));
    assert_eq!(judgement.findings.len(), 1);
    world.revert(2);
    let judgement = world.push(12, &block([tx(BOB, VAULT)]));
    assert_eq!(told(&judgement), "", "the payment never was");
}

#[test]
fn a_listed_address_in_the_code_of_a_created_contract_is_told() {
    let mut code = vec![0x73];
    code.extend(address(MALLORY));
    let new = address(0x73);
    let frames = vec![
        creation(None, 0, address(ALICE), new, &code),
        frame(Some(0), 1, new, address(VAULT), &[]),
    ];
    let made = tx(ALICE, VAULT).creates(new).frames(frames);
    let judgement = bad().push(12, &block([made]).traced());
    expect!["high: 0x6666666666666666666666666666666666666667, listed as exploiter by list, took part in a transaction with vault"].assert_eq(&told(&judgement));
}

const DAY: u64 = 86_400;

fn fresh() -> World {
    world("reputation/fresh_caller", &[])
}

fn by_contract(contract: Address, sender: u8) -> TxBuilder {
    let frames = vec![
        frame(None, 0, address(sender), contract, &[]),
        frame(Some(0), 1, contract, address(VAULT), &call("redeem(uint256)", 1)),
    ];
    let mut call = tx(sender, 0x71).nonce(1).frames(frames).salt(9);
    call.to = Some(contract);
    call
}

fn mixer_story() -> World {
    let mut world = fresh();
    world.push(12, &block([tx(MIXER, BOB).pays(100).nonce(900), tx(BOB, CAROL).pays(50)]));
    let tool = address(0x74);
    let made = vec![creation(None, 0, address(CAROL), tool, &[0x60; 40])];
    world.push(600, &block([tx(CAROL, VAULT).creates(tool).frames(made)]).traced());
    world.push(60, &block([by_contract(tool, CAROL)]).traced());
    world
}

pub(crate) fn mixer_funded_contract() -> Vec<Finding> {
    mixer_story().findings
}

pub(crate) fn old_caller() -> Vec<Finding> {
    let mut world = fresh();
    world.push(12, &block([tx(EXCHANGE, ALICE).pays(100).nonce(900)]));
    world.push(40 * DAY, &block([tx(ALICE, VAULT).nonce(30).input(call("redeem(uint256)", 1))]));
    world.findings
}

#[test]
fn a_new_contract_with_money_from_a_mixer_is_told_with_its_trail() {
    let world = mixer_story();
    let lines: Vec<String> =
        world.findings.iter().map(|f| format!("{}: {}", f.severity, f.title)).collect();
    expect![[r#"
        medium: 0x7474747474747474747474747474747474747475, a contract created 1 min 0 s before by somebody funded by a mixer, called vault
        info: 0x1313131313131313131313131313131313131314, first seen 11 min 0 s before and funded by a mixer, called vault"#]].assert_eq(&lines.join("\n"));
    let facts = &world.findings[0].evidence.facts;
    let facts: Vec<String> = facts.iter().map(|f| format!("{}: {}", f.name, f.value)).collect();
    expect![[r#"
        caller: 0x7474747474747474747474747474747474747475
        age: 1 min 0 s
        transaction sender: 0x1313131313131313131313131313131313131314
        funding: funded by a mixer
        created by: 0x1313131313131313131313131313131313131314
        funded by: 0x1212121212121212121212121212121212121213
        funded by: mixer (0x3131313131313131313131313131313131313132)
        the trail ends: at a known account"#]]
    .assert_eq(&facts.join("\n"));
}

#[test]
fn power_in_the_hands_of_an_account_without_a_past_is_told_and_of_an_old_one_not() {
    let granted = |to: u8, salt: u64| {
        let topics = vec![
            keccak256("RoleGranted(bytes32,address,address)"),
            B256::repeat_byte(3),
            word_of(address(to)),
            word_of(address(ALICE)),
        ];
        tx(ALICE, VAULT).nonce(40).log(log(VAULT, topics, Vec::new())).salt(salt)
    };
    let mut world = fresh();
    world.push(12, &block([tx(EXCHANGE, BOB).pays(9).nonce(900)]));
    world.push(30 * DAY, &block([tx(EXCHANGE, CAROL).pays(9).nonce(901)]));
    let judgement = world.push(2 * DAY, &block([granted(BOB, 1), granted(CAROL, 2)]));
    expect!["high: 0x1313131313131313131313131313131313131314, first seen 2 d 0 h before, was given power over vault"].assert_eq(&told(&judgement));
    assert_eq!(blind(&judgement), Vec::<String>::new());
}

#[test]
fn what_was_not_recorded_is_unknown_and_said() {
    let mut world = fresh();
    let redeem = || tx(DAVE, VAULT).nonce(2).input(call("redeem(uint256)", 1));
    let judgement = world.push(12, &block([redeem()]));
    assert_eq!(told(&judgement), "");
    expect!["reputation.fresh_caller: warming up: 0 of 7 observations"]
        .assert_eq(&blind(&judgement).join("\n"));
}

#[test]
fn the_account_of_a_user_operation_is_judged_and_not_its_bundler() {
    let operation = |account: Address| {
        let topics = vec![
            keccak256("UserOperationEvent(bytes32,address,address,uint256,bool,uint256,uint256)"),
            B256::repeat_byte(1),
            word_of(account),
            B256::ZERO,
        ];
        log(0x55, topics, vec![0; 128])
    };
    let mut world = fresh();
    world.push(12, &block([tx(MIXER, BOB).pays(100).nonce(900)]));
    let bundle = tx(ALICE, VAULT)
        .nonce(5_000)
        .input(call("redeem(uint256)", 1))
        .log(operation(address(BOB)));
    let judgement = world.push(12, &block([bundle]));
    expect!["info: 0x1212121212121212121212121212121212121213, first seen 12 s before and funded by a mixer, called vault"].assert_eq(&told(&judgement));
}

/// Code with one function and calls of the vault at this address.
fn attack_code(of: Address) -> Vec<u8> {
    let mut code = vec![0x60, 0x00, 0x35, 0x63, 0x10, 0xd1, 0xe8, 0x5c, 0x14, 0x57];
    for _ in 0..8 {
        code.extend([0x63]);
        code.extend(selector("redeem(uint256)"));
        code.push(0x52);
        code.push(0x63);
        code.extend(selector("approve(address,uint256)"));
        code.push(0x73);
        code.extend(of);
        code.extend([0x5a, 0xf1]);
    }
    code
}

fn made(of: u8, by: u8) -> Vec<Finding> {
    let new = address(0x75);
    let frames = vec![creation(None, 0, address(by), new, &attack_code(address(of)))];
    let made = tx(by, VAULT).creates(new).frames(frames);
    let id = "reputation/attack_contract_created";
    let monitor = detector(id, &["vault"], &[], Severity::Medium);
    let mut world = World::with(deployments(), known(), vec![monitor]);
    world.push(12, &block([made]).traced()).findings
}

pub(crate) fn made_against_us() -> Vec<Finding> {
    made(VAULT, CAROL)
}

pub(crate) fn made_against_others() -> Vec<Finding> {
    made(0x99, CAROL)
}

#[test]
fn a_contract_made_against_ours_is_told_with_every_part_of_its_score() {
    let findings = made(VAULT, CAROL);
    let facts = &findings[0].evidence.facts;
    let facts: Vec<String> = facts.iter().map(|f| format!("{}: {}", f.name, f.value)).collect();
    expect![[r#"
        0x1313131313131313131313131313131313131314 created 0x7575757575757575757575757575757575757576, which mentions vault and looks made for an attack
        created contract: 0x7575757575757575757575757575757575757576
        transaction sender: 0x1313131313131313131313131313131313131314
        log-likelihood ratio: 4.59 nat
        mentions: vault (0xA1a1A1a1A1a1a1a1A1A1a1a1a1A1A1A1A1a1a1a2)
        calls: redeem
        funding: of unrecorded funding
        the trail ends: where nobody recorded what came before
        adds: calls more functions than it has: 0.82 nat
        adds: answers flash loans: 0.59 nat
        adds: call sites: 0.54 nat
        adds: functions of its own: -0.30 nat
        adds: no compiler's metadata: 0.28 nat
        adds: functions of others that it calls: -0.12 nat
        adds: addresses in the code: 0.04 nat
        adds: any contract: 1.24 nat
        adds: calls functions of yours: 1 nat
        adds: few transactions of its sender: 0.50 nat"#]].assert_eq(&format!("{}\n{}", findings[0].title, facts.join("\n")));
}
