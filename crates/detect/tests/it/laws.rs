//! Forks, restarts and finality change nothing that is remembered or found.

use std::sync::Arc;

use alloy_primitives::U256;
use bellwether_detect::{MonitorSpec, Subject};
use model::{B256, BlockBundle, ChainEvent, Severity, StorageWrite};
use proptest::prelude::*;
use registry::{Category, Deployment, Label, Labels};

use crate::{
    cases::{bridge, governance, signers},
    chain::*,
};

/// Every detector that remembers something, and some that do not.
fn monitors() -> Vec<MonitorSpec> {
    let quick = [("warm_up_s", "60"), ("warm_up_observations", "8"), ("bucket_s", "10")];
    vec![
        detector("telemetry/failed_calls_rise", &["vault"], &quick, Severity::High),
        detector("telemetry/gas_unusual", &["vault"], &quick, Severity::High),
        detector("telemetry/call_rate_unusual", &["vault"], &quick, Severity::High),
        detector("oracle/feed_late", &["feed"], &[("grace_s", "10")], Severity::High),
        detector(
            "liquidity/outflow_exceeds_share",
            &["vault"],
            &[("starts_empty", "true")],
            Severity::High,
        ),
        detector("reputation/known_bad_address", &["vault"], &[], Severity::High),
        detector("reputation/fresh_caller", &["vault"], &[("llr_min", "0")], Severity::High),
        detector("reputation/attack_contract_created", &["vault"], &[], Severity::Medium),
        detector(
            "telemetry/calls_in_quick_succession",
            &["vault"],
            &[("warm_up_s", "60"), ("warm_up_observations", "8")],
            Severity::High,
        ),
        detector("flow/reentrant_call", &["vault"], &[], Severity::Critical),
        detector("flow/attack_shape", &["vault"], &[("notify_score", "1")], Severity::Critical),
        detector(
            "flow/unusual_code_path",
            &["vault"],
            &[("transactions_min", "10"), ("unseen_share_max", "0.5")],
            Severity::Critical,
        ),
        detector("liquidity/share_price_jumped", &["vault"], &[], Severity::High),
        detector(
            "liquidity/unexpected_outflow",
            &["vault"],
            &[("native", "false")],
            Severity::High,
        ),
        detector("flow/flash_loan", &["vault"], &[], Severity::Critical),
        detector("flow/value_extracted", &["vault"], &[], Severity::High),
        detector("chain/blind", &[], &[("blind_s_max", "30")], Severity::High),
        detector("signers/safe_changed", &["treasury"], &[], Severity::High),
        detector("storage/silent_write", &["vault"], &[("warm_up_txs", "10")], Severity::Medium),
        detector(
            "invariant/broken",
            &["vault"],
            &[("holds", "vault.sharePrice() >= before(vault.sharePrice())"), ("for_times", "2")],
            Severity::High,
        ),
        detector(
            "governance/power_concentrated",
            &["votes"],
            &[("quorum_votes", "100")],
            Severity::High,
        ),
        detector("governance/votes_borrowed", &["votes"], &[], Severity::Critical),
        detector(
            "silence/expected_event_missing",
            &["vault"],
            &[("events", "Redeemed"), ("every_s", "300"), ("grace_s", "0")],
            Severity::Medium,
        ),
        detector(
            "silence/contract_silent",
            &["vault"],
            &[("silent_s_min", "200"), ("pauses_min", "5")],
            Severity::Medium,
        ),
        bridge::monitor(&[("late_s", "300")]),
        detector("silence/canary", &[], &[("every_s", "600")], Severity::Info),
        detector(
            "dispersion/share_crossed",
            &["vault"],
            &[
                ("shares", "a=10, b=10, c=10"),
                ("gained", "Redeemed"),
                ("who", "holder"),
                ("weight", "amount"),
            ],
            Severity::Medium,
        ),
        expression("redeemed", &["vault"], Subject::Event("Redeemed".into()), Some("amount > 3")),
    ]
}

/// The contracts of all stories, a Safe and a token of votes.
fn all() -> Vec<Deployment> {
    let mut all = signers::deployments_with_safe();
    all.extend(bridge::all());
    all.extend(governance::all().into_iter().filter(|d| d.label.as_str() == "votes"));
    all
}

fn world() -> World {
    World::with(all(), listed(), monitors())
}

/// One thief, so that accounts have kin.
fn listed() -> Labels {
    let mut labels = Labels::builder();
    let thief = Label::new(&Category::Exploiter, "list");
    labels.add(None, address(0x60), thief).unwrap();
    labels.build()
}

/// One block's worth of activity.
#[derive(Debug, Clone)]
struct Activity {
    seconds: u64,
    calls: u8,
    failing: bool,
    gas: u64,
    moved: Option<(bool, u16)>,
    price: Option<u8>,
    redeemed: Option<u8>,
    votes: Option<u8>,
    /// Answers of the Safe and the vault: slot 0 and nonce of one, share price of the other.
    answers: (u8, u8),
    paid: Option<(u8, u8)>,
    created: Option<(u8, u8)>,
}

fn activity() -> impl Strategy<Value = Activity> {
    let moved = proptest::option::of((any::<bool>(), any::<u16>()));
    let price = proptest::option::weighted(0.3, any::<u8>());
    let redeemed = proptest::option::of(0u8..10);
    let votes = proptest::option::weighted(0.3, any::<u8>());
    let answers = (0u8..3, 0u8..3);
    let accounts = || proptest::option::weighted(0.4, (0u8..6, 0u8..6));
    let more = (votes, answers, accounts(), accounts());
    (0u64..400, 0u8..6, any::<bool>(), 30_000u64..300_000, moved, price, redeemed, more).prop_map(
        |(seconds, calls, failing, gas, moved, price, redeemed, more)| {
            let (votes, answers, paid, created) = more;
            Activity {
                seconds,
                calls,
                failing,
                gas,
                moved,
                price,
                redeemed,
                votes,
                answers,
                paid,
                created,
            }
        },
    )
}

impl Activity {
    fn block(&self, at: u64, fork: u64) -> BlockBuilder {
        let mut txs = Vec::new();
        for i in 0..self.calls {
            let call = tx(ALICE, VAULT)
                .input(call("redeem(uint256)", u64::from(i)))
                .gas(self.gas + u64::from(i))
                .salt(fork);
            txs.push(if self.failing { call.failed() } else { call });
        }
        if let Some((is_out, amount)) = self.moved {
            let (vault, who) = (address(VAULT), address(amount as u8));
            let (from, to) = if is_out { (vault, who) } else { (who, vault) };
            txs.push(tx(ALICE, VAULT).salt(fork + 1).log(transfer(TOKEN, from, to, amount.into())));
        }
        if let Some(price) = self.price {
            let value = 100_000_000 + i64::from(price) * 100_000;
            txs.push(tx(ALICE, FEED).salt(fork + 2).log(answer(value, u64::from(price), at)));
        }
        if let Some((from, to)) = self.paid {
            txs.push(tx(0x60 + from, 0x60 + to).pays(7).salt(fork + 4));
            txs.push(tx(0x60 + to, VAULT).input(call("redeem(uint256)", 1)).salt(fork + 5));
        }
        if let Some((by, code)) = self.created {
            let new = address(0x80 + code);
            let code = [vec![0x73], address(VAULT).to_vec(), vec![code; 300]].concat();
            let frames = vec![creation(None, 0, address(0x60 + by), new, &code)];
            txs.push(tx(0x60 + by, VAULT).creates(new).frames(frames).salt(fork + 6));
        }
        if let Some(amount) = self.redeemed {
            txs.push(tx(ALICE, VAULT).salt(fork + 3).log(redeemed(address(ALICE), amount.into())));
        }
        if let Some(amount) = self.redeemed {
            let sent = bridge::locked(amount, amount.into());
            txs.extend(sent.txs.into_iter().map(|tx| tx.salt(fork + 5)));
        }
        if let Some(after) = self.votes {
            let log = governance::power(ALICE, u64::from(after) / 2, after.into());
            txs.push(tx(ALICE, VAULT).salt(fork + 4).log(log));
        }
        let (safe, price) = self.answers;
        let write = |(tx, slot): (u32, u8)| {
            let word = B256::with_last_byte;
            StorageWrite { tx, slot: word(slot), before: word(1), after: word(2) }
        };
        let writes: Vec<StorageWrite> =
            (0u32..).zip([safe, price, safe + price]).take(txs.len()).map(write).collect();
        let answers = signers::Answers { singleton: safe, nonce: price.into(), ..signers::usual() };
        let block = signers::state(txs, &answers)
            .read(VAULT, selector("sharePrice()"), &[U256::from(price)])
            .read(VAULT, selector("totalAssets()"), &[U256::from(price)])
            .read(VAULT, selector("totalSupply()"), &[U256::from(1_000)])
            .writes(address(VAULT), &writes);
        if self.calls.is_multiple_of(2) { block.traced() } else { block }
    }
}

/// What happens next on the chain.
#[derive(Debug, Clone)]
enum Move {
    Block(Activity),
    Revert(usize),
    Restart,
    Finalize(usize),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        8 => activity().prop_map(Move::Block),
        3 => (1usize..12).prop_map(Move::Revert),
        1 => Just(Move::Restart),
        1 => (4usize..20).prop_map(Move::Finalize),
    ];
    proptest::collection::vec(one, 1..120)
}

/// Plays the moves; the canonical chain that remains, with the newest final height.
fn play(world: &mut World, moves: &[Move]) -> (Vec<Arc<BlockBundle>>, u64) {
    let mut last_final = 0;
    for (fork, next) in moves.iter().enumerate() {
        let fork = fork as u64;
        match next {
            Move::Block(activity) => {
                let block = activity.block(world.at + activity.seconds, fork);
                world.push_fork(activity.seconds, &block, fork);
            }
            Move::Revert(depth) => {
                let above = world.chain.iter().filter(|b| b.header.number > last_final).count();
                let depth = (*depth).min(above);
                if depth > 0 {
                    world.revert(depth);
                }
            }
            Move::Restart => world.restart(),
            Move::Finalize(behind) => {
                if let Some(at) = world.chain.len().checked_sub(*behind) {
                    let block = world.chain[at].block_ref();
                    if block.number > last_final {
                        last_final = block.number;
                        world.apply(&ChainEvent::Finalized { network: name(NETWORK), block });
                    }
                }
            }
        }
    }
    (world.chain.clone(), last_final)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_tree_of_forks_ends_as_if_the_orphans_had_never_been(moves in moves()) {
        let mut forked = world();
        let (canonical, last_final) = play(&mut forked, &moves);

        let mut straight = world();
        for bundle in &canonical {
            straight.apply(&ChainEvent::Committed(bundle.clone()));
            if bundle.header.number == last_final {
                let block = bundle.block_ref();
                straight.apply(&ChainEvent::Finalized { network: name(NETWORK), block });
            }
        }
        prop_assert_eq!(forked.state(), straight.state(), "what is remembered differs");
        let rows: Vec<_> = forked.rows.iter().collect();
        let state = forked.state();
        let live: Vec<_> = state.iter().map(|e| (&e.key, e.value.as_ref().unwrap())).collect();
        prop_assert_eq!(rows, live, "the store's rows differ from memory");
        prop_assert_eq!(&forked.findings, &straight.findings, "findings of canonical blocks differ");
        let undo = |world: &World| world.undos.clone();
        prop_assert_eq!(undo(&forked), undo(&straight), "the ways back differ");
    }

    #[test]
    fn a_restart_between_any_two_events_changes_nothing(
        activities in proptest::collection::vec(activity(), 1..60),
    ) {
        let mut steady = world();
        let mut restless = world();
        for activity in &activities {
            let block = activity.block(steady.at + activity.seconds, 0);
            let one = steady.push(activity.seconds, &block);
            restless.restart();
            let other = restless.push(activity.seconds, &block);
            prop_assert_eq!(one, other);
        }
        prop_assert_eq!(steady.state(), restless.state());
    }
}
