//! Laws that hold for every history.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_alert::{AlertBook, AlertInput, Policy, Route};
use model::{
    Alert, AlertId, AlertState, B256, BlockRef, Cause, Finding, FindingId, FindingStatus,
    Notification, NotificationId, Severity, UnixMillis, UnixSeconds,
};
use proptest::prelude::*;

use crate::play::{START_S, finding, name};

/// One thing that happens to the chain.
#[derive(Debug, Clone)]
enum Happening {
    /// A block so many seconds after its parent, with findings: deployment, identity, severity.
    Block { after_s: u64, found: Vec<(u8, u8, usize)> },
    /// A block that is judged only after the next few happenings, if it still stands then.
    Late { after_s: u64, found: Vec<(u8, u8, usize)> },
    /// The late blocks that stand are judged now.
    Judged,
    /// The newest blocks leave the chain.
    Revert { depth: usize },
    /// All but the newest blocks become final.
    Final { but: usize },
    /// Time passes without anything else.
    Tick,
}

fn happening() -> impl Strategy<Value = Happening> {
    let found = || proptest::collection::vec((0u8..2, 0u8..12, 0usize..5), 0..6);
    // Windows are 900 s: some blocks join, some do not.
    let after_s = || prop_oneof![12u64..400, 800u64..1_000];
    prop_oneof![
        6 => (after_s(), found()).prop_map(|(after_s, found)| Happening::Block { after_s, found }),
        1 => (after_s(), found()).prop_map(|(after_s, found)| Happening::Late { after_s, found }),
        1 => Just(Happening::Judged),
        2 => (1usize..6).prop_map(|depth| Happening::Revert { depth }),
        1 => (0usize..6).prop_map(|but| Happening::Final { but }),
        1 => Just(Happening::Tick),
    ]
}

/// An input, and the blocks whose existence it rests on (for a run that never saw the orphans).
#[derive(Debug, Clone)]
struct Step {
    input: AlertInput,
    rests_on: Option<BlockRef>,
}

struct Told {
    steps: Vec<Step>,
    canonical: Vec<BlockRef>,
}

/// Turns happenings into inputs on a tree of blocks.
fn tell(happenings: &[Happening]) -> Told {
    let network = name("mainnet");
    let mut chain: Vec<(BlockRef, u64)> = Vec::new();
    let mut on_branch: Vec<(BlockRef, FindingId)> = Vec::new();
    let mut late: Vec<(BlockRef, Vec<Finding>)> = Vec::new();
    let mut settled = 0;
    let mut branch = 0u8;
    let mut steps = Vec::new();
    for happening in happenings {
        match happening {
            Happening::Block { after_s, found } | Happening::Late { after_s, found } => {
                let number = chain.len() as u64;
                let mut hash = B256::with_last_byte(branch);
                hash[..8].copy_from_slice(&number.to_be_bytes());
                let block = BlockRef { number, hash };
                let at = chain.last().map_or(START_S, |(_, at)| *at) + after_s;
                chain.push((block, at));
                // Identities repeat across branches and heights, like transactions that are mined
                // again; on one branch each occurs once.
                let mut findings: Vec<Finding> = Vec::new();
                for (about, what, severity) in found {
                    let about = ["vault", "oracle"][usize::from(*about)];
                    let what = format!("{what}-{}", number / 4);
                    let severity = Severity::ALL[*severity];
                    let made = finding("mainnet", about, &what, severity, block, UnixSeconds(at));
                    if !on_branch.iter().any(|(_, id)| *id == made.id) {
                        on_branch.push((block, made.id));
                        findings.push(made);
                    }
                }
                if matches!(happening, Happening::Late { .. }) {
                    late.push((block, findings));
                } else {
                    let input = AlertInput::Findings { network: network.clone(), findings };
                    steps.push(Step { input, rests_on: Some(block) });
                }
            }
            Happening::Judged => {
                for (block, findings) in std::mem::take(&mut late) {
                    let input = AlertInput::Findings { network: network.clone(), findings };
                    steps.push(Step { input, rests_on: Some(block) });
                }
            }
            Happening::Revert { depth } => {
                let depth = (*depth).min(chain.len() - settled);
                if depth == 0 {
                    continue;
                }
                branch += 1;
                let undone: Vec<BlockRef> =
                    chain.split_off(chain.len() - depth).into_iter().rev().map(|b| b.0).collect();
                late.retain(|(block, _)| !undone.contains(block));
                on_branch.retain(|(block, _)| !undone.contains(block));
                let input = AlertInput::Reverted { network: network.clone(), undone };
                steps.push(Step { input, rests_on: None });
            }
            Happening::Final { but } => {
                let first_late = late.iter().map(|(b, _)| b.number as usize).min();
                let upto = chain.len().saturating_sub(*but).min(first_late.unwrap_or(usize::MAX));
                if upto > settled {
                    settled = upto;
                    let block = chain[upto - 1].0;
                    let input = AlertInput::Finalized { network: network.clone(), block };
                    steps.push(Step { input, rests_on: Some(block) });
                }
            }
            Happening::Tick => steps.push(Step { input: AlertInput::Tick, rests_on: None }),
        }
    }
    Told { steps, canonical: chain.into_iter().map(|(block, _)| block).collect() }
}

impl Told {
    /// The same history as someone tells it who never saw the orphans.
    fn without_orphans(&self) -> Vec<Step> {
        let stands = |step: &&Step| match (&step.input, &step.rests_on) {
            (AlertInput::Reverted { .. }, _) => false,
            (_, Some(block)) => self.canonical.contains(block),
            (_, None) => true,
        };
        self.steps.iter().filter(stands).cloned().collect()
    }
}

fn policy() -> Policy {
    let pages = Route {
        severity_min: Severity::High,
        continue_matching: true,
        ..Route::catch_all(name("pages"), vec![name("pager")])
    };
    let rest =
        Route { severity_min: Severity::Low, ..Route::catch_all(name("rest"), vec![name("mail")]) };
    Policy { routes: vec![pages, rest], ..Policy::default() }
}

/// Wall time of the `i`-th step: some updates fall due, some wait.
fn wall(i: usize) -> UnixMillis {
    UnixMillis(START_S as i64 * 1000 + i as i64 * 100_000)
}

fn play(book: &mut AlertBook, steps: &[Step]) {
    let policy = policy();
    for (i, step) in steps.iter().enumerate() {
        book.apply(step.input.clone(), &policy, wall(i));
    }
}

/// What must not depend on orphans: everything but wall times, messages and what left the chain.
#[derive(Debug, PartialEq)]
struct Standing {
    state: AlertState,
    severity: Severity,
    first: Cause,
    kept: Vec<(FindingId, BlockRef, FindingStatus)>,
    total: u64,
    opened_at: UnixSeconds,
    last_finding_at: UnixSeconds,
}

fn standing(book: &AlertBook) -> BTreeMap<AlertId, Standing> {
    let stands = |alert: &&Alert| alert.state != AlertState::Retracted;
    book.alerts()
        .filter(stands)
        .map(|alert| {
            let kept = alert.findings.iter();
            let standing = Standing {
                state: alert.state,
                severity: alert.severity,
                first: alert.cause.clone(),
                kept: kept
                    .filter(|kept| kept.status != FindingStatus::Retracted)
                    .map(|kept| (kept.id, kept.block, kept.status))
                    .collect(),
                total: alert.findings_standing(),
                opened_at: alert.opened_at,
                last_finding_at: alert.last_finding_at,
            };
            (alert.id, standing)
        })
        .collect()
}

fn histories() -> impl Strategy<Value = Vec<Happening>> {
    proptest::collection::vec(happening(), 0..60)
}

fn without_late_blocks() -> impl Strategy<Value = Vec<Happening>> {
    histories().prop_map(|happenings| {
        let punctual = |happening: Happening| match happening {
            Happening::Late { after_s, found } => Happening::Block { after_s, found },
            other => other,
        };
        happenings.into_iter().map(punctual).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_alerts_that_stand_are_those_of_a_run_that_never_saw_the_orphans(
        happenings in histories(),
    ) {
        let told = tell(&happenings);
        let (mut seen, mut unseen) = (AlertBook::new(), AlertBook::new());
        play(&mut seen, &told.steps);
        play(&mut unseen, &told.without_orphans());
        prop_assert_eq!(standing(&seen), standing(&unseen));
    }

    #[test]
    fn the_same_holds_for_findings_that_are_only_counted(happenings in without_late_blocks()) {
        let told = tell(&happenings);
        let mut seen = AlertBook::new().with_findings_max(2);
        let mut unseen = AlertBook::new().with_findings_max(2);
        play(&mut seen, &told.steps);
        play(&mut unseen, &told.without_orphans());
        prop_assert_eq!(standing(&seen), standing(&unseen));
    }

    #[test]
    fn a_book_restored_from_stored_alerts_goes_on_as_if_it_had_never_stopped(
        happenings in histories(),
        stop in 0usize..60,
        findings_max in prop_oneof![Just(2usize), Just(256)],
    ) {
        let steps = tell(&happenings).steps;
        let stop = stop.min(steps.len());
        let policy = policy();
        let mut book = AlertBook::new().with_findings_max(findings_max);
        let mut stored: BTreeMap<AlertId, Alert> = BTreeMap::new();
        for (i, step) in steps[..stop].iter().enumerate() {
            let outcome = book.apply(step.input.clone(), &policy, wall(i));
            stored.extend(outcome.alerts.into_iter().map(|alert| (alert.id, alert)));
        }
        let mut restored =
            AlertBook::restore(stored.into_values()).with_findings_max(findings_max);
        for (i, step) in steps.iter().enumerate().skip(stop) {
            prop_assert_eq!(
                restored.apply(step.input.clone(), &policy, wall(i)),
                book.apply(step.input.clone(), &policy, wall(i))
            );
            prop_assert_eq!(restored.next_due(&policy), book.next_due(&policy));
        }
    }

    #[test]
    fn the_same_input_twice_changes_nothing_the_second_time(
        happenings in histories(),
        findings_max in prop_oneof![Just(2usize), Just(256)],
    ) {
        let policy = policy();
        let mut book = AlertBook::new().with_findings_max(findings_max);
        for (i, step) in tell(&happenings).steps.iter().enumerate() {
            book.apply(step.input.clone(), &policy, wall(i));
            let again = book.apply(step.input.clone(), &policy, wall(i));
            prop_assert_eq!(again, bellwether_alert::Outcome::default());
            for alert in book.alerts() {
                let ids: BTreeSet<_> = alert.findings.iter().map(|kept| kept.id).collect();
                prop_assert_eq!(ids.len(), alert.findings.len(), "a finding is kept twice");
            }
        }
    }

    #[test]
    fn an_input_decided_again_after_a_crash_sends_under_the_same_ids(happenings in histories()) {
        let policy = policy();
        let mut book = AlertBook::new();
        let ids = |notifications: &[Notification]| -> Vec<NotificationId> {
            notifications.iter().map(|notification| notification.id).collect()
        };
        for (i, step) in tell(&happenings).steps.iter().enumerate() {
            // Decided, but never stored: the process died.
            let lost = book.clone().apply(step.input.clone(), &policy, wall(i));
            let restored = AlertBook::restore(book.alerts().cloned());
            book = restored;
            let again = book.apply(step.input.clone(), &policy, wall(i));
            prop_assert_eq!(ids(&lost.notifications), ids(&again.notifications));
        }
    }

    #[test]
    fn whoever_was_told_of_something_that_does_not_stand_hears_so_last(happenings in histories()) {
        let policy = policy();
        let mut book = AlertBook::new();
        let mut last = BTreeMap::new();
        let mut sequences: BTreeMap<_, u32> = BTreeMap::new();
        for (i, step) in tell(&happenings).steps.iter().enumerate() {
            for sent in book.apply(step.input.clone(), &policy, wall(i)).notifications {
                let of = (sent.alert, sent.receiver.clone());
                let expected = sequences.entry(of.clone()).or_default();
                prop_assert_eq!(sent.sequence, *expected, "sequence numbers have no gaps");
                *expected += 1;
                last.insert(of, sent.kind);
            }
            for ((alert, receiver), kind) in &last {
                let is_retracted = book.get(*alert).unwrap().state == AlertState::Retracted;
                let says_retracted = *kind == model::NotificationKind::Retracted;
                prop_assert_eq!(is_retracted, says_retracted, "{} believes otherwise", receiver);
            }
        }
    }
}
