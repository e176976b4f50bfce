use alloy_consensus::TxEnvelope;
use alloy_primitives::{U256, address};
use bellwether_evm::devnet::{Devnet, DevnetConfig, DevnetError, TransactionRequest, Wallet};
use proptest::prelude::*;

/// Something that may happen to a chain.
#[derive(Debug, Clone)]
enum Event {
    Pay { from: usize, to: usize, wei: u64 },
    Mine { after_s: u64 },
    Reorg { depth: u64, leave_out: usize },
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0..3usize, 0..3usize, 1..1_000u64)
            .prop_map(|(from, to, wei)| Event::Pay { from, to, wei }),
        3 => (1..40u64).prop_map(|after_s| Event::Mine { after_s }),
        1 => (1..5u64, 0..6usize)
            .prop_map(|(depth, leave_out)| Event::Reorg { depth, leave_out }),
    ]
}

fn wallets() -> [Wallet; 3] {
    ["ann", "bob", "cleo"].map(|name| Wallet::derive(2, name))
}

fn devnet() -> Devnet {
    let ether = U256::from(10).pow(U256::from(18));
    let genesis = wallets().map(|wallet| (wallet.address(), ether)).into();
    Devnet::new(DevnetConfig { genesis, ..DevnetConfig::default() })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// After any reorgs, the state is that of a chain which never saw the orphans.
    #[test]
    fn a_chain_with_reorgs_equals_one_that_never_saw_the_orphans(
        events in prop::collection::vec(event(), 1..40)
    ) {
        let (devnet, wallets) = (devnet(), wallets());
        for event in events {
            match event {
                Event::Pay { from, to, wei } => {
                    let request = TransactionRequest::pay(wallets[to].address(), U256::from(wei));
                    devnet.submit(&wallets[from], request).unwrap();
                }
                Event::Mine { after_s } => {
                    devnet.mine_at(devnet.now() + after_s).unwrap();
                }
                Event::Reorg { depth, leave_out } => {
                    let before = devnet.head().number;
                    let outcome = devnet.reorg(depth, |branch| {
                        let hashes: Vec<_> = branch
                            .blocks
                            .iter()
                            .flat_map(|block| &block.transactions)
                            .map(|transaction| *transaction.tx_hash())
                            .collect();
                        if let Some(hash) = hashes.get(leave_out) {
                            branch.leave_out(*hash);
                        }
                    });
                    if depth > before {
                        let too_deep = DevnetError::Depth { depth, max: before };
                        prop_assert_eq!(outcome.unwrap_err(), too_deep);
                    } else {
                        let reorg = outcome.unwrap();
                        prop_assert_eq!(reorg.removed.len() as u64, depth);
                        prop_assert_eq!(devnet.head().number, before + 1);
                    }
                }
            }
        }
        let undisturbed = self::devnet();
        for number in 1..=devnet.head().number {
            let block = devnet.block(number).unwrap();
            let parent = devnet.block(number - 1).unwrap();
            prop_assert_eq!(block.header.parent_hash, parent.hash);
            prop_assert!(block.header.timestamp > parent.header.timestamp);
            for included in &block.transactions {
                let transaction: TxEnvelope = included.transaction.inner().clone();
                undisturbed.send_raw(transaction).unwrap();
            }
            undisturbed.mine_at(block.header.timestamp).unwrap();
            let same = undisturbed.block(number).unwrap();
            prop_assert_eq!(same.header.state_root, block.header.state_root);
            prop_assert_eq!(same.header.receipts_root, block.header.receipts_root);
            prop_assert_eq!(same.header.transactions_root, block.header.transactions_root);
        }
    }
}

#[test]
fn what_is_kept_is_bounded_and_what_is_gone_says_so() {
    let config = DevnetConfig { states_kept: 4, blocks_kept: 8, ..DevnetConfig::default() };
    let devnet = Devnet::new(config);
    for _ in 0..20 {
        devnet.mine().unwrap();
    }
    assert!(devnet.block(12).is_none());
    assert!(devnet.block(13).is_some());
    let trace = |number: u64| devnet.trace_block(devnet.block(number).unwrap().hash);
    assert_eq!(trace(20), Ok(Vec::new()));
    assert_eq!(trace(14), Err(DevnetError::StateGone(13)));
    assert_eq!(devnet.reorg(4, |_| {}), Err(DevnetError::Depth { depth: 4, max: 3 }));
    assert_eq!(devnet.reorg(3, |_| {}).unwrap().added.len(), 4);
    assert_eq!(devnet.head().number, 21);
}

#[test]
fn the_queue_is_bounded_and_refuses_what_cannot_be_mined() {
    let devnet = devnet();
    let [ann, bob, _] = wallets();
    let pay = |wei: u64| TransactionRequest::pay(bob.address(), U256::from(wei));
    let poor = Wallet::derive(2, "nobody");
    let refused = devnet.submit(&poor, pay(1)).unwrap_err();
    assert_eq!(refused, DevnetError::Funds(poor.address()));
    let huge = pay(1).with_gas_limit(100_000_000);
    assert!(matches!(devnet.submit(&ann, huge), Err(DevnetError::Unincludable(_))));
    let mut refused = None;
    for _ in 0..5_000 {
        refused = devnet.submit(&ann, pay(1)).err();
        if refused.is_some() {
            break;
        }
    }
    assert_eq!(refused, Some(DevnetError::Full(4_096)));
    devnet.mine().unwrap();
    let block = devnet.block(1).unwrap();
    assert_eq!(block.transactions.len(), 36_000_000 / 21_000, "a full block");
    assert_eq!(devnet.pending(), 4_096 - block.transactions.len());
    devnet.mine().unwrap();
    let fees = [1, 2].map(|number| devnet.block(number).unwrap().header.base_fee_per_gas.unwrap());
    assert!(fees[1] > fees[0], "full blocks raise the base fee");
}

#[test]
fn wallets_never_change() {
    // Configurations of the demo name addresses: they must be the same in every version.
    assert_eq!(
        Wallet::derive(0, "ann").address(),
        address!("0x121e3c6e1f8b022bd44d6eda65b3485e558dca87")
    );
}
