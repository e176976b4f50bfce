use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, U256, b256, keccak256};
use alloy_sol_types::SolEvent;
use bellwether_evm::{
    devnet::{Devnet, DevnetConfig},
    meridian::{
        Meridian, Traffic,
        contracts::{Governor, MeridianToken, PriceOracle, Proxy, Timelock, Vault},
        ether, read,
    },
};

/// The protocol on a fresh chain.
pub(crate) fn deployed() -> (Devnet, Meridian) {
    let devnet = Devnet::new(Meridian::devnet_config());
    let meridian = Meridian::deploy(&devnet).unwrap();
    (devnet, meridian)
}

/// `blocks` blocks of everyday life.
pub(crate) fn live(devnet: &Devnet, on: &Meridian, traffic: &mut Traffic, blocks: usize) {
    for _ in 0..blocks {
        traffic.submit(devnet, on).unwrap();
        devnet.mine().unwrap();
    }
}

#[test]
fn the_protocol_is_deployed_at_the_same_addresses_with_its_money() {
    let (devnet, on) = deployed();
    let (again, _) = deployed();
    assert_eq!(devnet.head(), again.head(), "deployment is deterministic to the last bit");
    // Configurations of the demo name these: they must be the same in every version.
    let deployed = on.deployments();
    let mut named: Vec<String> = deployed
        .iter()
        .map(|deployed| {
            format!("{} {} from {}", deployed.address, deployed.name, deployed.first_block)
        })
        .collect();
    named.extend(on.actors.named().iter().map(|(name, address)| format!("{address} {name}")));
    named.extend(on.actors.known_bad().iter().map(|(address, why)| format!("{address} {why}")));
    expect_test::expect![[r#"
        0xf8E5cCEEbbA7EC415c17fd2e8d525a7B42811fe6 token from 1
        0xBed1a3ADCAC7e1528bB8E4adf3bE060E7Bc89f8a vault from 1
        0x1f5013Deb40881c2101c55522938DFeB0c841A17 vault-implementation from 1
        0x65Ffe89a40606Ee84B7706e274915a564c503B5b oracle from 1
        0xb07eCb3DCc5464544E66dB00a8f41CFDEEDE0eDE pair from 1
        0x9364446b0A81D7763d17e521D209c86F873ec857 flash-lender from 1
        0x821b66790340439a2beBaC19f726b9e6D2679f90 governor from 1
        0xa008bc61a66194ab65D799AA0C933243164b5927 timelock from 1
        0x9f1f6e2A7B281233f519034eAd5b4EF64e1152b4 insurance-fund from 1
        0x2030F72411D3bA0F99fd96720e0e0dc3fcB103a7 bridge from 1
        0x5DfbaDc68ba75C97AA9A4c573e416CB16984339E admin
        0xe151585B466607F9288EBa8aaA50de3B80D364B2 upgrader
        0x50389A1D176c16Be421627CeC2761C51Ad264A5E reporter
        0x8e7079AE2b67ff7B5624a473aaC5278A7643Ab99 issuer
        0xf519B541dEdcb588D6a03868749BFeA695A1a6bC claims
        0xb08b2588798AaB952a98339a6227e23282b24D6F relayer
        0x77CdB5A705345a608055d100E8698ec60bd56163 risk-manager
        0x3E192B3A513b728ccCeeCF6107bfdbaFf9C7C470 guardian
        0xb441D434F069f3A42122c2e58B1D606B212C4108 treasury
        0xCbB21b64E3d5BaF0dDb441Af2729722EDf481Fc5 market-maker
        0x0fd03F8c145eD65d21363Da23c3fDAC5a3EfeD10 council-0
        0xC691c646C836dA020f6D8a37eA650C8374048c2F council-1
        0xE8111F0B5d4ec4B0725407375B504F8A4b369022 council-2
        0xf3E39A7b8f9C7E37399a8C19eD2853E5Fd70A882 council-3
        0x1e7DbC1405fB0DC52fD104102782826AA9DE9A41 council-4
        0x30F0fd624dbaa7cDD15a0Bae62E238F22CCc1E63 exploiter"#]]
    .assert_eq(&named.join("\n"));
    let names: BTreeSet<_> = on.deployments().iter().map(|deployed| deployed.name).collect();
    assert_eq!(names.len(), 10);
    for deployed in on.deployments() {
        assert!(!devnet.code(deployed.address).is_empty(), "{}", deployed.name);
        let block = devnet.block(deployed.first_block).unwrap();
        let created = block.transactions.iter().any(|tx| tx.created == Some(deployed.address));
        assert!(created, "{} was created in block {}", deployed.name, deployed.first_block);
    }
    assert!(devnet.balance(on.vault) >= ether(300));
    assert!(on.musd_of(&devnet, on.vault).unwrap() >= ether(400_000));
    assert!(on.musd_of(&devnet, on.fund).unwrap() >= ether(250_000));
    assert!(on.musd_of(&devnet, on.bridge).unwrap() >= ether(300_000));
}

#[test]
fn the_proxy_uses_the_slots_of_the_standard() {
    let (devnet, on) = deployed();
    let slot = |name: &str| U256::from_be_bytes(keccak256(name).0) - U256::from(1);
    let word = |address: Address| U256::from_be_slice(address.as_slice());
    let implementation = devnet.storage(on.vault, slot("eip1967.proxy.implementation"));
    assert_eq!(implementation, word(on.vault_impl));
    let admin = devnet.storage(on.vault, slot("eip1967.proxy.admin"));
    assert_eq!(admin, word(on.actors.upgrader.address()));
}

#[test]
fn the_events_that_watchers_know_have_their_well_known_topics() {
    let known = [
        (Vault::ParameterUpdate::SIGNATURE, "ParameterUpdate(bytes32,address,bytes,bytes)"),
        (Governor::RoleChange::SIGNATURE, "RoleChange(bytes32,address,address,bool,bytes32)"),
        (PriceOracle::AnswerUpdated::SIGNATURE, "AnswerUpdated(int256,uint256,uint256)"),
        (MeridianToken::RoleGranted::SIGNATURE, "RoleGranted(bytes32,address,address)"),
        (Proxy::Upgraded::SIGNATURE, "Upgraded(address)"),
        (
            Timelock::CallScheduled::SIGNATURE,
            "CallScheduled(bytes32,uint256,address,uint256,bytes,bytes32,uint256)",
        ),
    ];
    for (ours, standard) in known {
        assert_eq!(ours, standard);
    }
    let granted = b256!("0x2f8788117e7eff1d82e926ec794901d17c78024a50270940304540a733656f0d");
    assert_eq!(MeridianToken::RoleGranted::SIGNATURE_HASH, granted);
    assert_eq!(Proxy::Upgraded::SIGNATURE_HASH[..4], [0xbc, 0x7c, 0xd7, 0x5a]);
    assert_eq!(Governor::RoleChange::SIGNATURE_HASH[..4], [0xc4, 0x3a, 0x0d, 0xce]);
    assert_eq!(Vault::ParameterUpdate::SIGNATURE_HASH[..4], [0xa9, 0xd4, 0xe0, 0xf3]);
    assert_eq!(PriceOracle::AnswerUpdated::SIGNATURE_HASH[..4], [0x05, 0x59, 0x88, 0x4f]);
}

#[test]
fn the_native_risk_events_are_the_ones_the_registry_reads() {
    use registry::{ContractAbi, risk};
    let abi = ContractAbi::from_json(bellwether_evm::artifact::RISK_EVENTS.json).unwrap();
    for signature in [risk::ROLE_CHANGE, risk::PARAMETER_UPDATE, risk::ORACLE_LAG] {
        let event = abi.find_event(signature).unwrap();
        assert!(signature.starts_with(&format!("{}(", event.name)), "{signature}");
    }
}

#[test]
fn everyday_life_stays_within_what_it_promises() {
    const BLOCKS: u64 = 400;
    let (devnet, on) = deployed();
    let mut traffic = Traffic::new(7);
    traffic.governance_every_blocks = 100;
    let first = devnet.head().number + 1;
    let (mut transactions, mut failures) = (0u32, 0u32);
    let mut last_round_at = None;
    let mut called: BTreeMap<[u8; 4], u32> = BTreeMap::new();
    let mut executed = 0;
    let pools = [on.vault, on.pair, on.fund, on.bridge, on.flash_lender];
    for _ in 0..BLOCKS {
        let musd_before = pools.map(|pool| on.musd_of(&devnet, pool).unwrap());
        let ether_before = pools.map(|pool| devnet.balance(pool));
        traffic.submit(&devnet, &on).unwrap();
        devnet.mine().unwrap();
        let block = devnet.block(devnet.head().number).unwrap();
        for (i, pool) in pools.into_iter().enumerate() {
            let lost = |before: U256, now: U256| {
                before.saturating_sub(now) * U256::from(100) / before.max(U256::from(1))
            };
            let musd = lost(musd_before[i], on.musd_of(&devnet, pool).unwrap());
            let wei = lost(ether_before[i], devnet.balance(pool));
            assert!(musd.max(wei) <= U256::from(5), "pool {i} lost {musd} % / {wei} % in a block");
        }
        for included in &block.transactions {
            use alloy_consensus::Transaction;
            transactions += 1;
            failures += u32::from(!included.receipt.is_success());
            let input = included.transaction.inner().input();
            let selector = input.get(..4).map_or([0; 4], |four| four.try_into().unwrap());
            *called.entry(selector).or_default() += 1;
            for log in included.receipt.logs() {
                let topic = log.data.topics()[0];
                if topic == PriceOracle::AnswerUpdated::SIGNATURE_HASH {
                    let gap = last_round_at.map_or(0, |at| block.header.timestamp - at);
                    assert!(gap <= on.oracle_heartbeat_s, "the oracle was {gap} s late");
                    last_round_at = Some(block.header.timestamp);
                }
                executed += u32::from(topic == Timelock::CallExecuted::SIGNATURE_HASH);
                let is_privileged = [
                    MeridianToken::RoleGranted::SIGNATURE_HASH,
                    MeridianToken::RoleRevoked::SIGNATURE_HASH,
                    Governor::RoleChange::SIGNATURE_HASH,
                    Proxy::Upgraded::SIGNATURE_HASH,
                    PriceOracle::OracleLag::SIGNATURE_HASH,
                    Vault::Paused::SIGNATURE_HASH,
                ];
                assert!(!is_privileged.contains(&topic), "an everyday block looked like an attack");
            }
        }
    }
    assert!(devnet.now() - last_round_at.unwrap() <= on.oracle_heartbeat_s);
    let per_mille = failures * 1_000 / transactions;
    assert!((5..=30).contains(&per_mille), "{failures} of {transactions} failed");
    assert!(called.len() >= 16, "only {} kinds of calls in {} blocks", called.len(), BLOCKS);
    assert!(executed >= 2, "the council executed {executed} proposals since block {first}");
    let fee = read(&devnet, on.vault, Vault::withdrawalFeeBpsCall {}).unwrap();
    assert!([5, 6].map(U256::from).contains(&fee));
}

#[test]
fn the_same_seed_makes_the_same_blocks_and_another_makes_others() {
    let run = |seed: u64| {
        let (devnet, on) = deployed();
        live(&devnet, &on, &mut Traffic::new(seed), 20);
        devnet.head()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn a_chain_without_the_actors_ether_says_so() {
    let devnet = Devnet::new(DevnetConfig::default());
    let error = Meridian::deploy(&devnet).unwrap_err().to_string();
    assert!(error.contains("insufficient funds"), "{error}");
}
