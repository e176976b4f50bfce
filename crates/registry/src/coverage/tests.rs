use std::{collections::BTreeMap, sync::Arc};

use expect_test::expect;
use model::{
    Address, BackfilledRange, BlindMonitor, BlindReason, BlockNumber, BlockRange, BlockRanges,
    CoverageRun, Guards, HoleCause, LedgerRows, Name, Roster, RosterDeployment, RosterMonitor,
    TokenAmount, U256,
};
use proptest::prelude::*;

use super::*;
use crate::{Class, ContractAbi, Deployment, risk};

/// Every label has an address of its own.
fn address_of(label: &str) -> Address {
    Address::repeat_byte(label.as_bytes()[0])
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

const DEPLOYMENTS: [&str; 2] = ["vault", "token"];
const MONITORS: [&str; 2] = ["roles", "gas"];

/// A roster out of small choices: which deployments there are, and of each monitor its rule (0: it
/// is not there) and what it guards.
fn roster(has_token: bool, monitors: [(u8, u8); 2]) -> Roster {
    let labels = if has_token { &DEPLOYMENTS[..] } else { &DEPLOYMENTS[..1] };
    let deployments = labels
        .iter()
        .map(|label| RosterDeployment { label: name(label), address: address_of(label) });
    let monitors = MONITORS.iter().zip(monitors).filter(|(_, (rule, _))| *rule > 0);
    let monitors = monitors.map(|(monitor, (rule, guards))| RosterMonitor {
        name: name(monitor),
        rule: u64::from(rule),
        guards: match guards {
            0 => Guards::All,
            1 => Guards::Some(vec![0]),
            _ => Guards::Some((0..labels.len() as u32).collect()),
        },
        is_live_only: false,
    });
    Roster { deployments: deployments.collect(), monitors: monitors.collect() }
}

fn roster_choice() -> impl Strategy<Value = Roster> {
    (any::<bool>(), (0_u8..3, 0_u8..3), (0_u8..3, 0_u8..3))
        .prop_map(|(has_token, a, b)| roster(has_token, [a, b]))
}

/// What became of one block.
#[derive(Debug, Clone)]
struct Block {
    version: u64,
    is_missing: bool,
    is_quarantined: bool,
    blind: Vec<usize>,
}

fn block_choice() -> impl Strategy<Value = Block> {
    (0_u64..4, 0_u8..12, prop::sample::subsequence(vec![0_usize, 1], 0..=2)).prop_map(
        |(version, fate, blind)| Block {
            version,
            is_missing: fate == 0,
            is_quarantined: fate == 1,
            blind: if fate < 9 { vec![] } else { blind },
        },
    )
}

fn reason() -> BlindReason {
    BlindReason::ReadMissing("price".into())
}

fn runs(blocks: &[Block]) -> Vec<CoverageRun> {
    let mut runs = Vec::new();
    for (number, block) in (10..).zip(blocks).filter(|(_, block)| !block.is_missing) {
        let blind = block
            .blind
            .iter()
            .map(|at| BlindMonitor { monitor: name(MONITORS[*at]), reason: reason() });
        let is_judged = !block.is_quarantined;
        runs.push(CoverageRun {
            range: BlockRange::one(number),
            monitors_version: block.version,
            blind: Arc::new(if is_judged { blind.collect() } else { vec![] }),
            quarantine: block.is_quarantined.then(|| BlindReason::Unverified("root".into())),
            endpoints: vec![],
        });
    }
    runs
}

/// One block, asked alone.
fn account(
    blocks: &[Block],
    rosters: &BTreeMap<u64, Arc<Roster>>,
    backfilled: &[BackfilledRange],
    present: (&RosterMonitor, Address),
    number: BlockNumber,
) -> Option<(HoleCause, bool)> {
    let (monitor, address) = present;
    let cause = |version| -> Option<HoleCause> {
        let Some(roster) = rosters.get(version) else { return Some(HoleCause::Unrecorded) };
        let at = roster.deployments.iter().position(|d| d.address == address);
        let then = roster.monitors.iter().find(|m| m.name == monitor.name);
        match (at, then) {
            (Some(at), Some(then)) if then.guards.contains(at as u32) => {
                (then.rule != monitor.rule).then_some(HoleCause::RuleChanged)
            }
            _ => Some(HoleCause::AddedLater),
        }
    };
    let block = number.checked_sub(10).and_then(|at| blocks.get(at as usize));
    let live = match block.filter(|block| !block.is_missing) {
        None => Some(HoleCause::NotFollowed),
        Some(block) if block.is_quarantined => {
            Some(HoleCause::Quarantined(BlindReason::Unverified("root".into())))
        }
        Some(block) => {
            let is_blind = block.blind.iter().any(|at| MONITORS[*at] == monitor.name.as_str());
            cause(&block.version).or(is_blind.then(|| HoleCause::Blind(reason())))
        }
    };
    let live = live?;
    let afterwards = backfilled.iter().find(|filled| {
        filled.monitor == monitor.name
            && filled.range.contains(number)
            && cause(&filled.monitors_version).is_none()
    });
    match afterwards {
        Some(BackfilledRange { blind: None, .. }) => None,
        Some(BackfilledRange { blind: Some(reason), .. }) => {
            Some((HoleCause::Blind(reason.clone()), true))
        }
        None => Some((live, false)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn ranges_say_what_every_block_asked_alone_would_say(
        // Of versions 0 to 2 the roster is on record, of version 3 it is not.
        rosters in prop::collection::vec(roster_choice(), 3),
        blocks in prop::collection::vec(block_choice(), 1..24),
        fills in prop::collection::vec((0_usize..2, 0_u64..4, 0_u64..24, 1_u64..6, any::<bool>()), 0..6),
        start in prop::option::of(5_u64..40),
    ) {
        let rosters: BTreeMap<u64, Arc<Roster>> = (0..).zip(rosters.into_iter().map(Arc::new)).collect();
        let mut taken: [BlockRanges; 2] = Default::default();
        let mut backfilled = Vec::new();
        for (monitor, version, first, length, is_blind) in fills {
            let range = BlockRange { first: 10 + first, last: 9 + first + length };
            let met = taken[monitor].intersection(&range.into());
            if met.is_empty() {
                taken[monitor].insert(range);
                backfilled.push(BackfilledRange {
                    monitor: name(MONITORS[monitor]),
                    monitors_version: version,
                    range,
                    blind: is_blind.then(|| BlindReason::Evaluation("zero".into())),
                    endpoint: None,
                });
            }
        }
        let rows = LedgerRows { from: 0, runs: runs(&blocks), rosters: rosters.clone(), backfilled };
        let present = &rosters[&0];
        let ledger = Ledger::new(&rows, present);
        for (monitor, m) in present.monitors.iter().zip(0u32..) {
            let mut union = BTreeMap::new();
            for (deployment, d) in present.deployments.iter().zip(0u32..) {
                if !monitor.guards.contains(d) {
                    continue;
                }
                let found = ledger.of(m, Some(d), start);
                let (first, last) = match (rows.runs.first(), rows.runs.last()) {
                    (Some(first), Some(last)) => (start.unwrap_or(first.range.first), last.range.last),
                    _ => (1, 0),
                };
                prop_assert_eq!(found.scope, BlockRange::new(first, last));
                let told: BTreeMap<u64, (HoleCause, bool)> = found.holes.iter()
                    .flat_map(|h| (h.range.first..=h.range.last).map(|n| (n, (h.cause.clone(), h.is_tried))))
                    .collect();
                prop_assert_eq!(told.len() as u64, found.holes.iter().map(|h| h.range.blocks()).sum::<u64>());
                for number in first..=last {
                    let expected = account(
                        &blocks,
                        &rosters,
                        &rows.backfilled,
                        (monitor, deployment.address),
                        number,
                    );
                    prop_assert_eq!(told.get(&number), expected.as_ref(), "block {}", number);
                    prop_assert_eq!(found.judged.contains(number), expected.is_none());
                    if let Some((cause, _)) = expected {
                        union.entry(number).or_insert(cause);
                    }
                }
            }
            let holes = ledger.holes_of(m, |_| start);
            let told: Vec<u64> = holes.iter().flat_map(|h| h.range.first..=h.range.last).collect();
            prop_assert_eq!(told, union.into_keys().collect::<Vec<_>>(), "each block once");
        }
    }
}

#[test]
fn a_monitor_of_the_present_owes_nothing_from_before_it_was_there() {
    let mut watched = roster(true, [(1, 0), (1, 0)]);
    watched.monitors[0].is_live_only = true;
    let mut before = watched.clone();
    before.monitors.remove(0);
    let run = |first, last, monitors_version| CoverageRun {
        range: BlockRange { first, last },
        monitors_version,
        blind: Arc::default(),
        quarantine: None,
        endpoints: vec![],
    };
    let rows = LedgerRows {
        from: 0,
        runs: vec![run(10, 19, 0), run(20, 29, 1)],
        rosters: [(0, Arc::new(before)), (1, Arc::new(watched.clone()))].into(),
        backfilled: vec![],
    };
    let ledger = Ledger::new(&rows, &watched);
    assert_eq!(ledger.of(0, None, Some(1)).scope, BlockRange::new(20, 29));
    assert_eq!(ledger.of(0, None, Some(1)).holes, []);
    assert_eq!(ledger.of(1, None, Some(1)).scope, BlockRange::new(1, 29));
}

#[test]
fn every_event_of_the_risk_table_is_classified_from_zeros() {
    let mut counts = BTreeMap::new();
    for source in risk::sources() {
        *counts.entry(source.indicator().as_str()).or_insert(0_u32) += 1;
    }
    assert_eq!(counts.values().sum::<u32>() as usize, risk::sources().len());
    assert!(counts.values().all(|count| *count > 2), "{counts:?}");
    let of = |event: &str| {
        let source = risk::sources().iter().find(|s| s.event.name == event).unwrap();
        source.indicator().as_str()
    };
    assert_eq!(of("OwnershipTransferred"), "RoleChange");
    assert_eq!(of("Upgraded"), "ParameterUpdate");
    assert_eq!(of("AnswerUpdated"), "OracleLag");
}

fn deployment(label: &str, class: Class, value: Option<u64>, abi: &[&str]) -> Deployment {
    Deployment {
        label: name(label),
        network: name("mainnet"),
        address: address_of(label),
        protocol: None,
        class,
        abi: Arc::new(ContractAbi::from_solidity(abi.iter().copied()).unwrap()),
        abi_known: class != Class::Contract,
        first_block: Some(1),
        value_at_risk: value.map(|value| TokenAmount {
            raw: U256::from(value),
            decimals: 0,
            symbol: "USD".into(),
        }),
        token: None,
        oracle: None,
    }
}

#[test]
fn targets_are_what_can_be_called_what_says_who_rules_and_what_holds_money() {
    let vault = deployment(
        "vault",
        Class::Vault,
        Some(1_000),
        &[
            "function withdraw(uint256 amount)",
            "function deposit() payable",
            "function total() view returns (uint256)",
            "function price() pure returns (uint256)",
            "event OwnershipTransferred(address indexed previousOwner, address indexed newOwner)",
            "event Upgraded(address indexed implementation)",
            "event Deposited(address who)",
        ],
    );
    let feed = deployment("feed", Class::Oracle, None, &[]);
    let odd = deployment("odd", Class::Contract, None, &[]);
    let list: Vec<String> = [&vault, &feed, &odd]
        .into_iter()
        .flat_map(|d| {
            targets(d).into_iter().map(|t| format!("{} {}: {}", d.label, t.kind.as_str(), t.name))
        })
        .collect();
    expect![[r#"
        vault entry: deposit()
        vault entry: withdraw(uint256)
        vault role: OwnershipTransferred(address,address)
        vault setting: Upgraded(address)
        vault money: its money
        feed dependency: its answers
        odd unknown_code: functions that no ABI names"#]]
    .assert_eq(&list.join("\n"));
    let abi = r#"[{"type":"fallback","stateMutability":"nonpayable"},{"type":"receive","stateMutability":"payable"}]"#;
    let implementation = ContractAbi::from_json(abi).unwrap();
    let proxy =
        ContractAbi::from_json(r#"[{"type":"fallback","stateMutability":"payable"}]"#).unwrap();
    assert!(implementation.has_fallback() && implementation.has_receive());
    let behind = ContractAbi::from_solidity(["function pause()"]).unwrap();
    let merged = ContractAbi::merged([&proxy, &behind]);
    assert!(!merged.has_fallback(), "the proxy's own is only the way");
    assert!(ContractAbi::merged([&proxy, &implementation]).has_fallback());
}

struct Watchers(Vec<(Reach, Stage)>);

impl Monitors for Watchers {
    fn reach(&self, monitor: u32) -> &Reach {
        &self.0[monitor as usize].0
    }
    fn stage(&self, monitor: u32, _: &Deployment) -> Stage {
        self.0[monitor as usize].1
    }
    fn start(&self, _: u32, deployment: &Deployment) -> Option<BlockNumber> {
        deployment.first_block
    }
}

#[test]
fn a_hand_worked_score() {
    let vault = deployment("vault", Class::Vault, Some(99), &["function withdraw(uint256 amount)"]);
    let token = deployment("token", Class::Token, None, &["function mint(uint256 amount)"]);
    let nothing = Reach {
        entries: Entries::These(vec![]),
        topics: vec![],
        money: false,
        feeds: false,
        threats: vec![],
    };
    let calls = Reach { entries: Entries::All, threats: vec![Threat::Misuse], ..nothing.clone() };
    let money = Reach { money: true, threats: vec![Threat::Drain], ..nothing };
    let watchers = Watchers(vec![(calls, Stage::Notify), (money, Stage::Page)]);
    // `roles` sees calls of both, `gas` the money of the first; `gas` was blind in a quarter.
    let roster = roster(true, [(1, 0), (1, 1)]);
    let run = |first, last, blind: Vec<BlindMonitor>| CoverageRun {
        range: BlockRange { first, last },
        monitors_version: 0,
        blind: Arc::new(blind),
        quarantine: None,
        endpoints: vec![],
    };
    let blind = vec![BlindMonitor { monitor: name("gas"), reason: reason() }];
    let rows = LedgerRows {
        from: 0,
        runs: vec![run(1, 75, vec![]), run(76, 100, blind)],
        rosters: [(0, Arc::new(roster.clone()))].into(),
        backfilled: vec![],
    };
    let ledger = Ledger::new(&rows, &roster);
    let score = score(&ledger, &roster, &[&vault, &token], &watchers);
    let [of_vault, of_token] = &score.deployments[..] else { panic!("{score:?}") };
    // withdraw × misuse 2/3, withdraw × anomaly 0, money × drain 3/3 · 75/100.
    assert!((of_vault.value.unwrap() - (2.0 / 3.0 + 0.0 + 0.75) / 3.0).abs() < 1e-12);
    // mint × misuse 2/3, mint × anomaly 0.
    assert!((of_token.value.unwrap() - 1.0 / 3.0).abs() < 1e-12);
    assert!((of_vault.weight - 100_f64.ln()).abs() < 1e-12);
    assert_eq!(of_token.weight, of_vault.weight, "unstated weighs as much as the heaviest");
    assert!(!of_token.is_weight_stated);
    let expected = f64::midpoint(of_vault.value.unwrap(), of_token.value.unwrap());
    assert!((score.value.unwrap() - expected).abs() < 1e-12);
    assert_eq!(score.cells, 5);
    let states: Vec<_> = of_vault.cells.iter().map(|cell| cell.state().as_str()).collect();
    assert_eq!(states, ["watched", "unwatched", "partly"]);
}
