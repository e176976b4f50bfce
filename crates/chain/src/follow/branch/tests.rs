use alloy_primitives::{B256, keccak256};
use model::{BlindReason, BlockRef, ChainEvent, Name};
use proptest::prelude::*;

use super::*;

const WINDOW: usize = 16;

/// Block `number` of fork `fork`; forks share nothing but what their parents say.
fn block(number: u64, fork: u64) -> BlockRef {
    BlockRef { number, hash: keccak256([number.to_be_bytes(), fork.to_be_bytes()].concat()) }
}

fn link(number: u64, fork: u64, parent_fork: u64) -> Link {
    let parent_hash =
        number.checked_sub(1).map_or(B256::ZERO, |parent| block(parent, parent_fork).hash);
    Link { block: block(number, fork), parent_hash }
}

fn push(cursor: &mut Cursor, link: Link) {
    let event = ChainEvent::Quarantined {
        network: Name::new("net").unwrap(),
        block: link.block,
        parent_hash: link.parent_hash,
        reason: BlindReason::Unverified("for the test".into()),
    };
    cursor.apply(&event, WINDOW);
}

/// Our chain: blocks `from..=to` of fork 0.
fn ours(from: u64, to: u64) -> Cursor {
    let mut cursor = Cursor::default();
    for number in from..=to {
        push(&mut cursor, link(number, 0, 0));
    }
    cursor
}

fn revert(cursor: &mut Cursor, ancestor: BlockRef) {
    let undone = cursor.above(ancestor.number);
    let event = ChainEvent::Reverted { network: Name::new("net").unwrap(), undone, ancestor };
    cursor.apply(&event, WINDOW);
}

#[test]
fn everything_continues_nothing() {
    assert_eq!(Branch::new(link(7, 0, 0)).relate(&Cursor::default()), Relation::Continues);
}

#[test]
fn a_child_continues_and_an_old_block_of_ours_is_known() {
    let cursor = ours(100, 105);
    assert_eq!(Branch::new(link(106, 9, 0)).relate(&cursor), Relation::Continues);
    assert_eq!(Branch::new(link(105, 0, 0)).relate(&cursor), Relation::Known);
    assert_eq!(Branch::new(link(101, 0, 0)).relate(&cursor), Relation::Known);
}

#[test]
fn a_branch_is_walked_down_to_the_common_ancestor() {
    let cursor = ours(100, 105);
    let mut branch = Branch::new(link(106, 1, 1));
    assert_eq!(branch.relate(&cursor), Relation::Open { parent: block(105, 1) });
    assert!(branch.walk_down(link(105, 2, 1)).is_err(), "another block cannot slip in");
    branch.walk_down(link(105, 1, 1)).unwrap();
    branch.walk_down(link(104, 1, 0)).unwrap();
    assert_eq!(branch.relate(&cursor), Relation::Fork { ancestor: block(103, 0) });
    assert_eq!(branch.upwards().collect::<Vec<_>>(), [block(104, 1), block(105, 1), block(106, 1)]);
}

#[test]
fn a_reorg_that_starts_before_our_first_block_undoes_all_we_told() {
    let mut cursor = ours(100, 101);
    let mut branch = Branch::new(link(101, 1, 1));
    branch.walk_down(link(100, 1, 1)).unwrap();
    assert_eq!(branch.relate(&cursor), Relation::Fork { ancestor: block(99, 1) });
    assert_eq!(cursor.above(99), [block(101, 0), block(100, 0)]);
    revert(&mut cursor, block(99, 1));
    assert_eq!(cursor.head(), Some(block(99, 1)));
    assert_eq!(Branch::new(link(100, 1, 1)).relate(&cursor), Relation::Continues);
}

#[test]
fn a_reorg_below_a_forgotten_block_cannot_be_told() {
    let cursor = ours(100, 100 + WINDOW as u64 + 3);
    let lowest = cursor.base.unwrap().number;
    let mut branch = Branch::new(link(lowest + 1, 1, 1));
    assert_eq!(branch.relate(&cursor), Relation::Below);
    branch = Branch::new(link(lowest + 1, 1, 0));
    assert_eq!(branch.relate(&cursor), Relation::Fork { ancestor: block(lowest, 0) });
    assert_eq!(Branch::new(link(3, 1, 1)).relate(&cursor), Relation::Below);
    assert_eq!(Branch::new(link(0, 1, 1)).relate(&ours(0, 4)), Relation::Below);
}

fn evidence() -> Evidence {
    Evidence {
        newest: 106,
        ancestor: 103,
        head: 105,
        finalized: Some(90),
        for_branch: 1,
        for_ours: 0,
        endpoints: 3,
        stood_ms: 0,
        patience_ms: 1_000,
    }
}

#[test]
fn a_longer_branch_is_followed_at_once() {
    assert_eq!(judge(&evidence()), Weighed::Accept);
    assert_eq!(judge(&Evidence { for_branch: 0, for_ours: 2, ..evidence() }), Weighed::Accept);
}

#[test]
fn a_branch_as_long_as_ours_needs_more_endpoints() {
    let same = Evidence { newest: 105, ..evidence() };
    assert_eq!(judge(&same), Weighed::Accept);
    let tied = Evidence { for_ours: 1, ..same };
    assert_eq!(judge(&tied), Weighed::Wait(WaitReason::OursStands));
    assert_eq!(judge(&Evidence { for_branch: 2, ..tied }), Weighed::Accept);
}

#[test]
fn a_shorter_branch_needs_patience_and_a_second_endpoint() {
    let short = Evidence { newest: 104, for_branch: 1, ..evidence() };
    assert_eq!(judge(&short), Weighed::Wait(WaitReason::Shorter));
    let stood = Evidence { stood_ms: 1_000, ..short };
    assert_eq!(judge(&stood), Weighed::Wait(WaitReason::Alone));
    assert_eq!(judge(&Evidence { for_branch: 2, ..stood }), Weighed::Accept);
    assert_eq!(judge(&Evidence { endpoints: 1, ..stood }), Weighed::Accept);
    let contested = Evidence { for_branch: 2, for_ours: 2, ..stood };
    assert_eq!(judge(&contested), Weighed::Wait(WaitReason::OursStands));
}

#[test]
fn final_blocks_are_not_undone_lightly() {
    let deep = Evidence { finalized: Some(104), ..evidence() };
    assert_eq!(judge(&deep), Weighed::Wait(WaitReason::UndoesFinal));
    let stood = Evidence { stood_ms: 1_000, for_branch: 2, ..deep };
    assert_eq!(judge(&stood), Weighed::Accept);
}

proptest! {
    /// Whatever tree of forks is offered, in whatever order: what a fold over the resulting
    /// events remembers is a hash chain, and following a branch ends on that branch.
    #[test]
    fn following_any_branch_keeps_a_hash_chain(
        forks in prop::collection::vec((1_u64..=6, 1_u64..=6), 1..40)
    ) {
        // The whole tree as the chains of its leaves; block ids are unique per fork.
        let mut cursor = ours(100, 110);
        let mut chain: Vec<Link> = (90..=110).map(|number| link(number, 0, 0)).collect();
        for (fork, (depth, length)) in (1_u64..).zip(forks) {
            let keep = chain.len() - (depth as usize).min(chain.len() - 1);
            chain.truncate(keep);
            let mut parent_fork_tip = chain[chain.len() - 1].block;
            for _ in 0..length {
                let number = parent_fork_tip.number + 1;
                let next = Link { block: block(number, fork), parent_hash: parent_fork_tip.hash };
                chain.push(next);
                parent_fork_tip = next.block;
            }

            let by_hash = |wanted: BlockRef| chain.iter().find(|link| link.block == wanted).copied();
            let mut branch = Branch::new(chain[chain.len() - 1]);
            let relation = loop {
                match branch.relate(&cursor) {
                    Relation::Open { parent } => match by_hash(parent) {
                        Some(parent) => branch.walk_down(parent).unwrap(),
                        None => break Relation::Below,
                    },
                    relation => break relation,
                }
            };
            match relation {
                Relation::Fork { ancestor } => revert(&mut cursor, ancestor),
                Relation::Continues => {}
                // Too deep: nothing is told and nothing changes.
                Relation::Below => {
                    chain = cursor.recent.iter().copied().collect();
                    continue;
                }
                Relation::Known | Relation::Open { .. } => prop_assert!(false, "{relation:?}"),
            }
            for wanted in branch.upwards() {
                let next = by_hash(wanted).unwrap();
                prop_assert_eq!(next.parent(), cursor.head());
                push(&mut cursor, next);
            }
            prop_assert_eq!(cursor.head(), Some(chain[chain.len() - 1].block));
            for (below, above) in cursor.recent.iter().zip(cursor.recent.iter().skip(1)) {
                prop_assert_eq!(Some(below.block), above.parent());
            }
            if let (Some(base), Some(oldest)) = (cursor.base, cursor.recent.front()) {
                prop_assert_eq!(Some(base), oldest.parent());
            }
            prop_assert!(cursor.recent.len() <= WINDOW);
        }
    }
}
