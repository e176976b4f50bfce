//! What belongs together, and how likely it is an attack.

use std::collections::{BTreeMap, BTreeSet};

use model::{FindingId, Name, Severity, TokenAmount, UnixSeconds};

use super::{
    ACT_FROM, Calibration, NOTIFY_FROM, PAGE_FROM, PRIOR, SIGNALS_MAX, SPAN_S,
    cluster::Sets,
    signal::{Entity, Phase, Signal},
};

/// What is known besides the signals.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// Protocol of each deployment; those not named belong to their network as a whole.
    pub protocols: BTreeMap<Name, Name>,
    /// From stated to observed; without it, what is stated stands.
    pub calibration: Option<Calibration>,
}

/// How far an attack reaches people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// On record.
    Watch,
    /// People are told.
    Notify,
    /// People are woken.
    Page,
    /// Confirmed by the chain's own word: an action may be proposed.
    Act,
}

impl Reach {
    /// The word used in pages and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Watch => "watch",
            Self::Notify => "notify",
            Self::Page => "page",
            Self::Act => "act",
        }
    }
}

/// One line of the explanation.
#[derive(Debug, Clone, PartialEq)]
pub struct Contribution {
    /// The signal.
    pub signal: Signal,
    /// What it adds to the log odds: its weight, or 0 when a stronger one of its group counts.
    pub adds: f64,
    /// The stronger one of its group, if so.
    pub covered_by: Option<FindingId>,
}

/// Findings that belong together, as one hypothesis.
#[derive(Debug, Clone, PartialEq)]
pub struct Attack {
    /// Its first finding: what it is known by while it grows.
    pub id: FindingId,
    /// Network.
    pub network: Name,
    /// Protocol, or the network when no finding is about a protocol's own contract.
    pub protocol: Name,
    /// Phases that were seen, in the order in which attacks go.
    pub phases: BTreeSet<Phase>,
    /// Every finding, the heaviest first: they add up to the log odds, from [`PRIOR`]'s.
    pub contributions: Vec<Contribution>,
    /// Log odds that it is an attack.
    pub log_odds: f64,
    /// Chance that it is an attack, calibrated where there is a calibration.
    pub posterior: f64,
    /// How far it reaches.
    pub reach: Reach,
    /// Worst severity among what is true if it is one.
    pub severity: Severity,
    /// Largest amounts at risk, one a token.
    pub value_at_risk: Vec<TokenAmount>,
    /// Strangers' addresses and transactions that join it.
    pub entities: BTreeSet<Entity>,
    /// Time of the first finding.
    pub first_at: UnixSeconds,
    /// Time of the newest finding.
    pub last_at: UnixSeconds,
}

/// The attacks that these signals speak of, the likeliest first, and how many of the oldest signals
/// were too many to be taken into account. The same signals in any order give the same attacks.
pub fn fuse(signals: &[Signal], context: &Context) -> (Vec<Attack>, usize) {
    let mut signals: Vec<&Signal> = signals.iter().collect();
    signals.sort_by_key(|signal| (signal.at, signal.finding));
    signals.dedup_by_key(|signal| signal.finding);
    let left_out = signals.len().saturating_sub(SIGNALS_MAX);
    let signals = &signals[left_out..];
    let protocol_of = |signal: &Signal| {
        let own = signal.deployment.as_ref().and_then(|label| context.protocols.get(label));
        own.unwrap_or(&signal.network).clone()
    };
    // Who is on the other side is no protocol's: a stranger that was seen before joins whatever
    // protocol he touches next, but two protocols he touches are two attacks.
    let places: Vec<(Name, Name)> =
        signals.iter().map(|signal| (signal.network.clone(), protocol_of(signal))).collect();
    let mut sets = Sets::new(signals.len());
    let mut seen: BTreeMap<(&Name, &Name, Entity), u32> = BTreeMap::new();
    for (at, signal) in (0u32..).zip(signals) {
        let (network, protocol) = &places[at as usize];
        for entity in &signal.entities {
            let before = seen.insert((network, protocol, *entity), at);
            let close =
                |other: &u32| signal.at.seconds_since(signals[*other as usize].at) <= SPAN_S;
            if let Some(other) = before.filter(close) {
                sets.join(at, other);
            }
        }
    }
    let mut clusters: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for at in 0..signals.len() as u32 {
        clusters.entry(sets.find(at)).or_default().push(at);
    }
    let mut attacks: Vec<Attack> = clusters
        .into_values()
        .map(|members| {
            let place = &places[members[0] as usize];
            let members: Vec<&Signal> = members.iter().map(|at| signals[*at as usize]).collect();
            attack(place, &members, context.calibration.as_ref())
        })
        .collect();
    attacks.sort_by(|a, b| b.log_odds.total_cmp(&a.log_odds).then_with(|| a.id.cmp(&b.id)));
    (attacks, left_out)
}

/// One hypothesis; `members` in order of time, never empty.
fn attack(
    (network, protocol): &(Name, Name),
    members: &[&Signal],
    calibration: Option<&Calibration>,
) -> Attack {
    let mut strongest: BTreeMap<&str, &Signal> = BTreeMap::new();
    for signal in members {
        let best = strongest.entry(signal.weight.group).or_insert(signal);
        if signal.llr > best.llr {
            *best = signal;
        }
    }
    let prior = libm::log(PRIOR / (1.0 - PRIOR));
    let log_odds = prior + strongest.values().map(|signal| signal.llr).sum::<f64>();
    let stated = 1.0 / (1.0 + libm::exp(-log_odds));
    let posterior = calibration.map_or(stated, |calibration| calibration.apply(stated));
    let mut contributions: Vec<Contribution> = members
        .iter()
        .map(|signal| {
            let best = strongest[signal.weight.group].finding;
            let counts = best == signal.finding;
            Contribution {
                signal: (*signal).clone(),
                adds: if counts { signal.llr } else { 0.0 },
                covered_by: (!counts).then_some(best),
            }
        })
        .collect();
    contributions.sort_by(|a, b| {
        b.adds.total_cmp(&a.adds).then_with(|| a.signal.finding.cmp(&b.signal.finding))
    });
    let is_confirmed =
        members.iter().any(|signal| signal.weight.is_deterministic && signal.is_proven);
    let reach = match posterior {
        p if p >= ACT_FROM && is_confirmed => Reach::Act,
        p if p >= PAGE_FROM => Reach::Page,
        p if p >= NOTIFY_FROM => Reach::Notify,
        _ => Reach::Watch,
    };
    Attack {
        id: members[0].finding,
        network: network.clone(),
        protocol: protocol.clone(),
        phases: members.iter().map(|signal| signal.weight.phase).collect(),
        contributions,
        log_odds,
        posterior,
        reach,
        severity: members.iter().map(|signal| signal.severity).max().unwrap_or_default(),
        value_at_risk: largest(members),
        entities: members.iter().flat_map(|signal| signal.entities.iter().copied()).collect(),
        first_at: members[0].at,
        last_at: members[members.len() - 1].at,
    }
}

/// The largest amount of each token: amounts of one theft seen twice are not added up.
fn largest(members: &[&Signal]) -> Vec<TokenAmount> {
    let mut by_token: BTreeMap<(String, u8), TokenAmount> = BTreeMap::new();
    for amount in members.iter().filter_map(|signal| signal.value_at_risk.as_ref()) {
        let known = by_token
            .entry((amount.symbol.to_string(), amount.decimals))
            .or_insert_with(|| amount.clone());
        if amount.raw > known.raw {
            *known = amount.clone();
        }
    }
    by_token.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fusion::{History, LLR_RANGE};
    use alloy_primitives::{Address, B256};
    use model::{BlockRef, Confidence, Evidence, Fact, FactValue, Finding, FindingId, Origin};
    use proptest::prelude::*;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    /// A finding of a detector at a time, with a stranger and a transaction by number.
    fn finding(id: u8, detector: &str, at: u64, stranger: u8, tx: u8) -> Finding {
        let address = Address::repeat_byte(stranger);
        let hash = B256::repeat_byte(tx);
        Finding {
            id: FindingId([id; 16]),
            detector: detector.into(),
            monitor: name("m"),
            version: 1,
            network: name("mainnet"),
            deployment: Some(name("vault")),
            address: None,
            severity: model::Severity::High,
            confidence: Confidence::Heuristic,
            title: format!("{detector} by {stranger}"),
            origin: Origin {
                block: BlockRef { number: at, hash: B256::ZERO },
                timestamp: UnixSeconds(at),
                tx: (tx > 0).then_some(hash),
                log_index: None,
                frame: None,
            },
            evidence: Evidence {
                measure: None,
                facts: vec![
                    Fact {
                        name: "caller".into(),
                        value: FactValue::Address { address, label: None },
                    },
                    Fact {
                        name: "vault".into(),
                        value: FactValue::Address {
                            address: Address::repeat_byte(0xee),
                            label: Some("vault".into()),
                        },
                    },
                ],
            },
            value_at_risk: None,
            runbook: None,
        }
    }

    /// A monitor that was quiet for a long time.
    const QUIET: History = History { blocks: 1_000_000, benign: 0 };

    fn signal(id: u8, detector: &str, at: u64, stranger: u8, tx: u8) -> Signal {
        Signal::of(&finding(id, detector, at, stranger, tx), QUIET).unwrap()
    }

    fn only(signals: &[Signal]) -> Attack {
        let (mut attacks, left_out) = fuse(signals, &Context::default());
        assert_eq!((attacks.len(), left_out), (1, 0));
        attacks.remove(0)
    }

    #[test]
    fn what_shares_a_stranger_or_a_transaction_is_one_attack() {
        let funded = signal(1, "reputation/known_bad_address", 100, 7, 0);
        let drained = signal(2, "liquidity/outflow_exceeds_share", 900, 7, 3);
        let entered = signal(3, "flow/reentrant_call", 900, 8, 3);
        let attack = only(&[entered, drained, funded]);
        assert_eq!(attack.id, FindingId([1; 16]), "known by its first finding");
        assert_eq!(
            attack.phases.iter().map(|phase| phase.as_str()).collect::<Vec<_>>(),
            ["funding", "exploitation"]
        );
        // Three independent groups at the most that each may weigh.
        assert!((attack.log_odds - (3.0 * LLR_RANGE.1 - 13.8155)).abs() < 1e-3);
        assert_eq!(attack.reach, Reach::Page);
        let shares_only_our_own = [
            signal(1, "reputation/known_bad_address", 100, 7, 0),
            signal(2, "liquidity/outflow_exceeds_share", 900, 9, 3),
        ];
        let (attacks, _) = fuse(&shares_only_our_own, &Context::default());
        assert_eq!(attacks.len(), 2, "the vault is everybody's");
    }

    #[test]
    fn ten_words_for_one_thing_are_one_proof() {
        let one = only(&[signal(1, "liquidity/outflow_exceeds_share", 100, 7, 1)]);
        let ten: Vec<Signal> =
            (1..=10).map(|id| signal(id, "liquidity/outflow_exceeds_share", 100, 7, 1)).collect();
        let ten = only(&ten);
        assert_eq!(one.log_odds, ten.log_odds);
        assert_eq!(one.reach, Reach::Watch);
        let counted: Vec<f64> =
            ten.contributions.iter().map(|c| c.adds).filter(|a| *a > 0.0).collect();
        assert_eq!(counted, [LLR_RANGE.1], "the others say by what they are covered");
        assert!(
            ten.contributions[1..]
                .iter()
                .all(|c| c.covered_by == Some(ten.contributions[0].signal.finding))
        );
    }

    #[test]
    fn a_detector_that_cries_wolf_weighs_nothing() {
        let found = finding(1, "flow/reentrant_call", 100, 7, 1);
        let noisy = Signal::of(&found, History { blocks: 1_000, benign: 900 }).unwrap();
        assert!(noisy.llr < 0.0, "{}", noisy.llr);
        let fresh = Signal::of(&found, History::default()).unwrap();
        assert_eq!(fresh.p, 8.6e-3, "without a history the table speaks");
        let short = Signal::of(&found, History { blocks: 9, benign: 0 }).unwrap();
        assert_eq!(short.p, 0.1, "ten blocks show no more than one in ten");
        assert_eq!(Signal::of(&finding(1, "chain/blind", 1, 7, 1), QUIET), None);
    }

    #[test]
    fn a_week_apart_or_in_another_protocol_is_another_attack() {
        let early = signal(1, "flow/reentrant_call", 100, 7, 1);
        let late = signal(2, "liquidity/outflow_exceeds_share", 101 + SPAN_S, 7, 2);
        assert_eq!(fuse(&[early.clone(), late], &Context::default()).0.len(), 2);
        let other = Signal {
            deployment: Some(name("bridge")),
            ..signal(3, "liquidity/outflow_exceeds_share", 200, 7, 2)
        };
        let protocols = [(name("vault"), name("lending")), (name("bridge"), name("bridging"))];
        let context = Context { protocols: protocols.into(), calibration: None };
        let (attacks, _) = fuse(&[early, other], &context);
        assert_eq!(attacks.len(), 2);
        assert!(attacks.iter().any(|attack| attack.protocol.as_str() == "bridging"));
    }

    #[test]
    fn only_the_chains_own_word_lets_an_attack_reach_action() {
        let mut all = vec![
            signal(1, "reputation/known_bad_address", 100, 7, 0),
            signal(2, "liquidity/outflow_exceeds_share", 900, 7, 3),
            signal(3, "flow/reentrant_call", 900, 7, 3),
        ];
        assert_eq!(only(&all).reach, Reach::Page);
        let mut taken = finding(4, "access/role_change", 950, 7, 4);
        taken.confidence = Confidence::Proven;
        all.push(Signal::of(&taken, QUIET).unwrap());
        assert_eq!(only(&all).reach, Reach::Act);
    }

    const DETECTORS: [&str; 5] = [
        "reputation/known_bad_address",
        "liquidity/outflow_exceeds_share",
        "flow/reentrant_call",
        "access/role_change",
        "expression",
    ];

    proptest! {
        /// Order, repetition and restarts change nothing.
        #[test]
        fn attacks_are_a_function_of_the_set_of_findings(
            all in prop::collection::vec((0..5usize, 0..2_000_000u64, 1..6u8, 0..4u8), 1..40),
            seed in any::<u64>(),
        ) {
            let signals: Vec<Signal> = (1u8..).zip(&all)
                .map(|(id, (detector, at, stranger, tx))| signal(id, DETECTORS[*detector], *at, *stranger, *tx))
                .collect();
            let (expected, _) = fuse(&signals, &Context::default());
            let mut shuffled = signals.clone();
            shuffled.sort_by_key(|s| u64::from(s.finding.0[0]).wrapping_mul(seed | 1));
            shuffled.extend(signals.iter().take(3).cloned());
            let (found, _) = fuse(&shuffled, &Context::default());
            prop_assert_eq!(&found, &expected);
            let total: usize = expected.iter().map(|attack| attack.contributions.len()).sum();
            prop_assert_eq!(total, signals.len(), "every finding is in exactly one");
            for attack in &expected {
                let sum: f64 = attack.contributions.iter().map(|c| c.adds).sum();
                let prior = (PRIOR / (1.0 - PRIOR)).ln();
                prop_assert!((attack.log_odds - prior - sum).abs() < 1e-9, "the table adds up");
            }
        }
    }
}
