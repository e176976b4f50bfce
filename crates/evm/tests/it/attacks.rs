use std::collections::BTreeSet;

use alloy_primitives::{Address, B256, I256, U256, keccak256};
use alloy_sol_types::SolEvent;
use bellwether_evm::{
    devnet::Devnet,
    meridian::{
        Meridian, Traffic,
        contracts::{
            BridgeLocker, FlashLender, InsuranceFund, MeridianToken, Pair, PriceOracle, Proxy,
            Vault,
        },
        ether, read,
    },
    scenarios::{self, Run},
};

use crate::protocol::{deployed, live};

/// A chain where life went on for a while, one attack, and life after it.
struct Attack {
    devnet: Devnet,
    on: Meridian,
    run: Run,
    attacker: Address,
    /// What the attacker had before.
    ether_before: U256,
    musd_before: U256,
    vault_ether_before: U256,
}

impl Attack {
    fn new(name: &str) -> Self {
        let (devnet, on) = deployed();
        let mut traffic = Traffic::new(11);
        live(&devnet, &on, &mut traffic, 10);
        let scenario = scenarios::find(name).unwrap();
        let attacker = scenario.attacker(&on).address();
        let ether_before = devnet.balance(attacker);
        let musd_before = on.musd_of(&devnet, attacker).unwrap();
        let vault_ether_before = devnet.balance(on.vault);
        let (run, blocks) = scenario.run(&devnet, &on, &mut traffic).unwrap();
        assert_eq!(blocks.len() as u32, scenario.blocks());
        assert_life_goes_on(&devnet, &on, &mut traffic, name);
        Self { devnet, on, run, attacker, ether_before, musd_before, vault_ether_before }
    }

    fn ether_gained(&self) -> I256 {
        I256::from_raw(self.devnet.balance(self.attacker)) - I256::from_raw(self.ether_before)
    }

    fn musd_gained(&self) -> U256 {
        self.on.musd_of(&self.devnet, self.attacker).unwrap() - self.musd_before
    }

    /// Whether each of the attack's transactions succeeded; those that left the chain are missing.
    fn statuses(&self) -> Vec<bool> {
        let found =
            self.run.transactions().iter().filter_map(|hash| self.devnet.transaction(*hash));
        found.map(|(block, index)| block.transactions[index].receipt.is_success()).collect()
    }

    /// Events of this kind that the attack's transactions emitted.
    fn events<E: SolEvent>(&self) -> Vec<E> {
        let found =
            self.run.transactions().iter().filter_map(|hash| self.devnet.transaction(*hash));
        found
            .flat_map(|(block, index)| block.transactions[index].receipt.logs().to_vec())
            .filter_map(|log| E::decode_log(&log).ok().map(|log| log.data))
            .collect()
    }
}

/// Traffic after an attack fails no more than usual, and nothing it sends is lost.
fn assert_life_goes_on(devnet: &Devnet, on: &Meridian, traffic: &mut Traffic, after: &str) {
    let first = devnet.head().number + 1;
    let mut queued = 0;
    for _ in 0..15 {
        queued += traffic.submit(devnet, on).unwrap();
        devnet.mine().unwrap();
    }
    let blocks: Vec<_> = (first..=devnet.head().number).map(|n| devnet.block(n).unwrap()).collect();
    let included: Vec<_> = blocks.iter().flat_map(|block| &block.transactions).collect();
    let failed = included.iter().filter(|tx| !tx.receipt.is_success()).count();
    assert_eq!(included.len(), queued, "after {after}");
    assert!(failed * 10 <= queued, "after {after}, {failed} of {queued} failed");
}

#[test]
fn oracle_stops_leaves_a_stale_price_that_users_run_into() {
    let attack = Attack::new("oracle_stops");
    let lag = attack.events::<PriceOracle::OracleLag>().remove(0);
    let heartbeat = U256::from(attack.on.oracle_heartbeat_s);
    assert!(lag.lag > heartbeat * U256::from(2), "{} s late", lag.lag);
    assert_eq!((lag.feed, lag.heartbeat), (attack.on.oracle, heartbeat));

    // While it lasts, who has debt cannot take out collateral.
    let (devnet, on) = deployed();
    let mut traffic = Traffic::new(11);
    let mut run = scenarios::find("oracle_stops").unwrap().begin();
    let user = &on.actors.users[1];
    let borrow = Vault::borrowCall { amount: ether(10) };
    devnet.submit(user, bellwether_evm::meridian::call(on.vault, borrow)).unwrap();
    while run.step(&devnet, &on, &mut traffic).unwrap() != Some("a user puts the lag on record") {
        devnet.mine().unwrap();
    }
    devnet.mine().unwrap();
    let withdraw = Vault::withdrawEtherCall { amount: ether(1) };
    let request = bellwether_evm::meridian::call(on.vault, withdraw);
    let hash = devnet.submit(user, request).unwrap();
    devnet.mine().unwrap();
    let (block, index) = devnet.transaction(hash).unwrap();
    let frames = devnet.trace_block(block.hash).unwrap();
    let stale = &keccak256("StalePrice(uint256)")[..4];
    assert_eq!(&frames[index].output[..4], stale);
}

#[test]
fn role_stolen_issues_from_nothing_and_takes_the_markets_ether() {
    let attack = Attack::new("role_stolen");
    assert!(attack.statuses().iter().all(|ok| *ok));
    let granted = attack.events::<MeridianToken::RoleGranted>().remove(0);
    assert_eq!(granted.role, keccak256("ISSUER_ROLE"));
    assert_eq!(granted.account, attack.attacker);
    assert_eq!(granted.sender, attack.on.actors.admin.address());
    let issued = attack.events::<MeridianToken::Issued>().remove(0);
    assert_eq!((issued.to, issued.amount), (attack.attacker, ether(2_000_000)));
    assert!(attack.ether_gained() > I256::from_raw(ether(80)), "{}", attack.ether_gained());
    let role = MeridianToken::hasRoleCall { role: granted.role, account: attack.attacker };
    assert!(!read(&attack.devnet, attack.on.token, role).unwrap(), "taken back at the end");
}

#[test]
fn parameter_pushed_lets_five_ether_borrow_nearly_everything() {
    let attack = Attack::new("parameter_pushed");
    assert!(attack.statuses().iter().all(|ok| *ok));
    let updates = attack.events::<Vault::ParameterUpdate>();
    let word = |n: u64| B256::from(U256::from(n)).to_vec();
    assert_eq!(&updates[0].parameter[..21], b"collateral_factor_bps");
    assert_eq!(updates[0].oldValue, word(7_500));
    assert_eq!(updates[0].newValue, word(1_000_000));
    assert_eq!(updates[1].newValue, word(7_500));
    assert!(attack.musd_gained() >= ether(360_000), "{}", attack.musd_gained());
    assert!(attack.ether_gained() > -I256::from_raw(ether(6)), "against five ether and some gas");
}

#[test]
fn reentrant_drain_takes_everyone_elses_ether_in_one_transaction() {
    let attack = Attack::new("reentrant_drain");
    let gained = attack.ether_gained();
    assert!(gained > I256::from_raw(ether(280)), "{gained}");
    assert!(attack.vault_ether_before >= ether(280));
    let (block, index) = attack.devnet.transaction(attack.run.transactions()[1]).unwrap();
    let frames = attack.devnet.trace_block(block.hash).unwrap();
    // withdrawEther on the vault inside withdrawEther on the vault, many times over.
    let selector = &keccak256("withdrawEther(uint256)")[..4];
    let entries = frames[index]
        .walk()
        .filter(|frame| frame.to == Some(attack.on.vault) && frame.input.starts_with(selector));
    assert!(entries.count() > 20);
    assert_eq!(frames[index].error, None);
}

#[test]
fn flash_loan_price_manipulation_pays_and_leaves_the_price_where_it_was() {
    let attack = Attack::new("flash_loan_price_manipulation");
    assert!(attack.statuses().iter().all(|ok| *ok));
    let loan = attack.events::<FlashLender::FlashLoan>().remove(0);
    assert!(loan.amount > ether(1_500_000));
    // 40 ether are worth 80,000 mUSD.
    assert!(attack.musd_gained() > ether(200_000), "{}", attack.musd_gained());
    let borrowed = attack.events::<Vault::Borrowed>().remove(0);
    assert!(borrowed.price > ether(10_000), "at {} mUSD an ether", borrowed.price);
    let price = read(&attack.devnet, attack.on.pair, Pair::spotPriceCall {}).unwrap();
    assert!((ether(1_900)..ether(2_100)).contains(&price), "afterwards {price}");
}

#[test]
fn failing_call_storm_fails_two_hundred_times() {
    let attack = Attack::new("failing_call_storm");
    let statuses = attack.statuses();
    assert_eq!(statuses.len(), 200);
    assert!(statuses.iter().all(|ok| !ok));
}

#[test]
fn malicious_upgrade_changes_the_slot_and_empties_the_vault() {
    let attack = Attack::new("malicious_upgrade");
    assert!(attack.statuses().iter().all(|ok| *ok));
    let upgrades = attack.events::<Proxy::Upgraded>();
    let evil = attack.attacker.create(0);
    let implementations: Vec<_> = upgrades.iter().map(|event| event.implementation).collect();
    assert_eq!(implementations, [evil, attack.on.vault_impl]);
    assert!(attack.ether_gained() > I256::from_raw(ether(280)));
    assert!(attack.musd_gained() > ether(380_000));
    let slot = U256::from_be_bytes(keccak256("eip1967.proxy.implementation").0) - U256::from(1);
    // The slot held the attacker's contract in the blocks between; now it is back.
    let word = attack.devnet.storage(attack.on.vault, slot);
    assert_eq!(word, U256::from_be_slice(attack.on.vault_impl.as_slice()));
    assert!(attack.devnet.balance(attack.on.vault) >= ether(290), "refilled");
}

#[test]
fn insurance_fund_drained_pays_invented_claims() {
    let attack = Attack::new("insurance_fund_drained");
    assert_eq!(attack.events::<InsuranceFund::Covered>().len(), 3);
    assert!(attack.musd_gained() > ether(230_000));
    let left = attack.on.musd_of(&attack.devnet, attack.on.fund).unwrap();
    assert!(left < ether(20_000), "{left}");
}

#[test]
fn bridge_release_unbacked_takes_four_fifths_of_the_bridge() {
    let attack = Attack::new("bridge_release_unbacked");
    let released = attack.events::<BridgeLocker::Released>().remove(0);
    assert_eq!(released.to, attack.attacker);
    assert_eq!(attack.musd_gained(), released.amount);
    assert!(released.amount > ether(230_000));
}

#[test]
fn known_bad_address_interaction_is_an_exploiters_deposit() {
    let attack = Attack::new("known_bad_address_interaction");
    assert_eq!(attack.attacker, attack.on.actors.known_exploiter.address());
    assert_eq!(attack.statuses(), [true, true]);
    let held = read(&attack.devnet, attack.on.vault, Vault::etherOfCall(attack.attacker)).unwrap();
    assert_eq!(held, ether(1));
}

#[test]
fn deep_reorg_makes_a_grant_never_have_happened() {
    let attack = Attack::new("deep_reorg");
    assert!(attack.statuses().is_empty(), "its transaction left the chain");
    let role = MeridianToken::hasRoleCall { role: B256::ZERO, account: attack.attacker };
    assert!(!read(&attack.devnet, attack.on.token, role).unwrap());
}

#[test]
fn every_scenario_has_a_name_a_story_and_something_to_notice() {
    let all = scenarios::all();
    let names: BTreeSet<_> = all.iter().map(|scenario| scenario.name).collect();
    assert_eq!(names.len(), all.len());
    let (_, on) = deployed();
    let attackers: BTreeSet<_> = all.iter().map(|s| s.attacker(&on).address()).collect();
    assert_eq!(attackers.len(), all.len(), "each attacker is a stranger");
    let deployments: BTreeSet<_> = on.deployments().iter().map(|d| d.name).collect();
    for scenario in all {
        assert!(!scenario.areas.is_empty() && scenario.story.ends_with('.'), "{}", scenario.name);
        for hurt in scenario.hurts {
            assert!(deployments.contains(hurt), "{} hurts {hurt}", scenario.name);
        }
    }
    assert!(scenarios::find("nothing").is_none());
}

#[test]
fn all_attacks_can_follow_each_other_twice_with_life_in_between() {
    let (devnet, on) = deployed();
    let mut traffic = Traffic::new(3);
    for _ in 0..2 {
        for scenario in scenarios::all() {
            let attacker = scenario.attacker(&on).address();
            let (run, _) = scenario.run(&devnet, &on, &mut traffic).unwrap();
            let statuses: Vec<bool> = run
                .transactions()
                .iter()
                .filter_map(|hash| devnet.transaction(*hash))
                .map(|(block, index)| block.transactions[index].receipt.is_success())
                .collect();
            let is_storm = scenario.name == "failing_call_storm";
            assert!(statuses.iter().all(|ok| *ok != is_storm), "{} by {attacker}", scenario.name);
            assert_life_goes_on(&devnet, &on, &mut traffic, scenario.name);
        }
    }
}
