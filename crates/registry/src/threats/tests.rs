//! A small map with a hole of each kind, and what is said about it.

use expect_test::expect;
use model::{Address, UnixSeconds};

use super::*;
use crate::{Class, Deployment, Labels};

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn names(text: &str) -> Vec<Name> {
    text.split_whitespace().map(name).collect()
}

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn threat(id: &str, domain: Domain, likelihood: Likelihood, impact: u64) -> Threat {
    Threat {
        id: name(id),
        title: format!("{id} | happens"),
        domain,
        likelihood,
        impact,
        reviewed: day("2025-01-01"),
        review: day("2026-01-01"),
        classes: Vec::new(),
        assets: Vec::new(),
        controls: Vec::new(),
        events: Vec::new(),
        monitors: Vec::new(),
        panels: Vec::new(),
        plans: Vec::new(),
    }
}

fn registry() -> Registry {
    let abi = ContractAbi::from_solidity([
        "event Paused(address by)",
        "event RoleChange(bytes32 indexed role, address indexed account)",
    ]);
    let vault = Deployment {
        label: name("vault"),
        network: name("mainnet"),
        address: Address::repeat_byte(1),
        protocol: None,
        class: Class::Vault,
        abi: Arc::new(abi.unwrap()),
        abi_known: true,
        first_block: None,
        value_at_risk: None,
        token: None,
        oracle: None,
    };
    Registry::new(vec![vault], Labels::default()).unwrap()
}

fn required(id: &str, shape: &str) -> RequiredEvent {
    RequiredEvent {
        id: name(id),
        shape: shape.parse().unwrap(),
        meaning: format!("says {id} */ @dev"),
        on: names("vault"),
        interfaces: Vec::new(),
    }
}

/// A map in which everything is joined but what a test takes away.
fn whole() -> ThreatMap {
    let mut drained = threat("vault-drained", Domain::OnChain, Likelihood::Possible, 5_000_000);
    drained.assets = names("funds");
    drained.controls = names("pause");
    drained.events = names("paused");
    drained.monitors = names("outflow");
    drained.panels = names("money");
    drained.plans = vec!["plans/drain.md".into()];
    drained.classes = names("reentrancy");
    let mut phished = threat("signer-phished", Domain::People, Likelihood::Likely, 500_000);
    phished.controls = names("pause");
    phished.monitors = names("outflow");
    phished.panels = names("money");
    phished.plans = vec!["plans/drain.md".into()];
    ThreatMap {
        name: "my protocol".into(),
        threats: vec![phished, drained],
        assets: vec![Asset {
            id: name("funds"),
            title: "deposits".into(),
            deployments: names("vault"),
            is_immutable: false,
        }],
        controls: vec![Control { id: name("pause"), title: "pause".into() }],
        events: vec![required("paused", "event Paused(address by)")],
        panels: vec![Panel { id: name("money"), title: "money".into(), at: None }],
        classes: vec![VulnerabilityClass {
            id: name("reentrancy"),
            title: "entered again".into(),
            known_since: day("2016-06-17"),
        }],
        monitors: names("outflow"),
        plans: vec!["plans/drain.md".into()],
        chains: [(name("mainnet"), 1)].into(),
        ..ThreatMap::default()
    }
}

fn gaps(map: &ThreatMap, today: &str) -> String {
    let gaps = map.gaps(&registry(), day(today));
    gaps.iter().map(|gap| format!("[{}] {gap}\n", gap.kind)).collect()
}

#[test]
fn what_is_joined_has_no_gap() {
    assert_eq!(gaps(&whole(), "2025-06-01"), "");
}

#[test]
fn every_kind_of_gap_is_found_with_what_would_close_it() {
    let mut map = whole();
    let drained = &mut map.threats[1];
    (drained.controls, drained.events) = (Vec::new(), Vec::new());
    (drained.monitors, drained.panels, drained.plans) = (Vec::new(), Vec::new(), Vec::new());
    map.threats[0].plans = Vec::new();
    map.assets[0].is_immutable = true;
    map.assets.push(Asset { id: name("keys"), ..map.assets[0].clone() });
    map.classes[0].known_since = day("2025-02-02");
    map.classes.push(VulnerabilityClass { id: name("rounding"), ..map.classes[0].clone() });
    map.events = vec![
        required("paused", "event Paused(address indexed by)"),
        required("swept", "event Swept(uint256 amount)"),
        required("role", "event RoleChange(bytes32 role)"),
    ];
    expect![[r#"
        [no-monitor] vault-drained (critical) has no monitor
           = name one in monitors of the threat
        [no-plan] vault-drained (critical) has no plan
           = name one in plans of the threat
        [no-plan] signer-phished (high) has no plan
           = name one in plans of the threat
        [no-control] vault-drained (critical) has no control
           = name one in controls of the threat
        [no-event] vault-drained (critical) has no required event
           = name one in events of the threat
        [no-panel] vault-drained (critical) has no panel
           = name one in panels of the threat
        [event-not-emitted] vault must emit event Paused(address indexed by) (paused): it has this event, with other indexed parameters
           = a requirement back to the contract: `bellwether threats export --format solidity`
        [event-not-emitted] vault must emit event Swept(uint256 amount) (swept): it has no event of this name
           = a requirement back to the contract: `bellwether threats export --format solidity`
        [event-not-emitted] vault must emit event RoleChange(bytes32 role) (role): it has RoleChange(bytes32,address)
           = a requirement back to the contract: `bellwether threats export --format solidity`
        [event-without-threat] event paused belongs to no threat
           = name it in events of a threat, or remove it
        [event-without-threat] event swept belongs to no threat
           = name it in events of a threat, or remove it
        [event-without-threat] event role belongs to no threat
           = name it in events of a threat, or remove it
        [plan-without-threat] plan plans/drain.md belongs to no threat
           = name it in plans of a threat, or remove it
        [asset-without-threat] asset keys belongs to no threat
           = write down what could happen to it, or remove it
        [class-without-threat] class rounding belongs to no threat
           = ask whether it concerns you, and write the answer down as a threat
        [overdue] vault-drained should have been reviewed by 2026-01-01, 31 d ago
           = think it through again, then set reviewed and review
        [overdue] signer-phished should have been reviewed by 2026-01-01, 31 d ago
           = think it through again, then set reviewed and review
        [class-is-newer] vault-drained was reviewed on 2025-01-01, before class reentrancy was known (2025-02-02)
           = check the contracts for it, then set reviewed
        [fork-is-newer] vault-drained was reviewed on 2025-01-01; Prague (2025-05-07) has changed the chain under funds since: an account with a key may have code: neither tx.origin == msg.sender nor an empty code proves a person (EIP-7702); calldata costs more where a transaction does little else (EIP-7623); older block hashes can be read from a system contract (EIP-2935)
           = check what the contract relies on, then set reviewed
        [fork-is-newer] vault-drained was reviewed on 2025-01-01; Osaka (2025-12-03) has changed the chain under funds since: a transaction may use at most 16,777,216 gas: larger batches and liquidations fail (EIP-7825); MODEXP is bounded and costs more (EIP-7823, EIP-7883); CLZ and a precompile for P-256 signatures exist (EIP-7939, EIP-7951)
           = check what the contract relies on, then set reviewed
    "#]].assert_eq(&gaps(&map, "2026-02-01"));
}

#[test]
fn a_threat_that_is_not_high_needs_nothing_and_one_without_traces_no_event() {
    let mut map = whole();
    map.threats.push(threat("dust", Domain::OnChain, Likelihood::Certain, 1));
    map.threats[0].events = Vec::new();
    assert_eq!(gaps(&map, "2025-06-01"), "");
}

#[test]
fn a_fork_reopens_only_what_lies_under_it_and_only_once_it_came() {
    let mut map = whole();
    map.assets[0].is_immutable = true;
    assert_eq!(gaps(&map, "2025-05-06"), "");
    assert!(gaps(&map, "2025-05-07").contains("Prague (2025-05-07)"));
    assert!(!gaps(&map, "2025-05-07").contains("Osaka"));
    map.threats[1].reviewed = day("2025-05-07");
    assert_eq!(gaps(&map, "2025-05-08"), "");
    map.threats[1].reviewed = day("2025-01-01");
    map.chains = [(name("mainnet"), 31_338)].into();
    assert_eq!(gaps(&map, "2025-06-01"), "");
    map.forks = vec![Fork {
        name: "Regolith".into(),
        on: day("2025-03-03"),
        place: ForkPlace::Networks(names("mainnet")),
        changes: vec!["deposits count gas".into()],
    }];
    assert!(gaps(&map, "2025-06-01").contains("Regolith (2025-03-03)"));
}

#[test]
fn interfaces_alone_are_enough() {
    let mut map = whole();
    let abi = ContractAbi::from_solidity(["event Resumed(address by)"]).unwrap();
    map.events[0].on = Vec::new();
    map.events[0].interfaces = vec![("abis/vault.json".into(), Arc::new(abi))];
    let gaps = map.gaps(&Registry::default(), day("2025-06-01"));
    expect![
        "abis/vault.json must emit event Paused(address by) (paused): it has no event of this name"
    ]
    .assert_eq(&gaps[0].text);
    assert_eq!(gaps.len(), 1);
}

#[test]
fn matrices_show_links_gaps_and_what_is_linked_to_nothing() {
    let mut map = whole();
    map.threats[1].monitors = Vec::new();
    map.monitors = names("outflow idle");
    let matrix = map.matrix(MatrixKind::Monitors);
    let rows: Vec<_> =
        matrix.rows.iter().map(|r| (r.id.as_str(), r.links.clone(), r.is_gap)).collect();
    assert_eq!(
        rows,
        [("vault-drained", vec![false, false], true), ("signer-phished", vec![true, false], false)]
    );
    assert_eq!(matrix.unlinked(), ["idle"]);
    let assets = map.matrix(MatrixKind::Assets);
    assert_eq!(assets.columns, ["vault-drained", "signer-phished"]);
    assert_eq!((assets.rows[0].count(), assets.gaps()), (1, 0));
    let events = map.matrix(MatrixKind::Events);
    assert!(!events.rows[1].is_gap, "people leave no trace on the chain");
}

#[test]
fn domains_are_counted_apart() {
    let map = whole();
    let shown: Vec<String> = map
        .domains(&registry(), day("2026-02-01"))
        .iter()
        .map(|d| {
            let worst = d.ratings.iter().find(|(_, count)| *count > 0);
            let worst = worst.map_or("none", |(rating, _)| rating.as_str());
            format!("{}: {worst}, {} a century, {} gaps", d.domain, d.expected_per_century, d.gaps)
        })
        .collect();
    expect![[r#"
        on-chain: critical, 165000000 a century, 1 gaps
        people: high, 35000000 a century, 1 gaps
        infrastructure: none, 0 a century, 0 gaps
        governance: none, 0 a century, 0 gaps"#]]
    .assert_eq(&shown.join("\n"));
}

#[test]
fn the_exports_are_what_a_specification_and_a_compiler_take() {
    let mut map = whole();
    map.events.push(required("paused-again", "Paused(address by)"));
    map.events.push(required(
        "moved",
        "event Moved(address indexed from, uint256[] amounts, bytes data)",
    ));
    map.threats[1].events = names("paused moved");
    map.events[0].meaning = "somebody\n stopped } it".into();
    expect![[r#"
        // SPDX-License-Identifier: CC0-1.0
        pragma solidity ^0.8.0;

        /// Events that my protocol must emit for its threats to be seen.
        /// Written from the threat map; change that, not this.
        interface IMyProtocolRiskEvents {
            /// paused: somebody  stopped } it. Threats: vault-drained.
            /// paused-again: says paused-again */ (at)dev.
            event Paused(address by);

            /// moved: says moved */ (at)dev. Threats: vault-drained.
            event Moved(address indexed from, uint256[] amounts, bytes data);
        }
    "#]]
    .assert_eq(&map.solidity());
    expect![[r#"
        ## Monitoring requirements of my protocol

        Written from the threat map. Each requirement names the threats that it meets; a threat that is rated high or critical has a monitor, a plan and, where it happens on the chain, an event.

        ### Threats: on-chain

        | id | threat | likelihood | impact | rating | events | monitors | plans |
        |---|---|---|---|---|---|---|---|
        | T-vault-drained | vault-drained \| happens | possible | 5,000,000 USD | critical | E-paused, E-moved | M-outflow | P-plans/drain.md |

        ### Threats: people

        | id | threat | likelihood | impact | rating | events | monitors | plans |
        |---|---|---|---|---|---|---|---|
        | T-signer-phished | signer-phished \| happens | likely | 500,000 USD | high | none | M-outflow | P-plans/drain.md |

        ### Events that contracts must emit

        **E-paused** — somebody  stopped } it

        ```solidity
        event Paused(address by);
        ```

        Emitted by vault. Meets T-vault-drained.

        **E-paused-again** — says paused-again */ @dev

        ```solidity
        event Paused(address by);
        ```

        Emitted by vault. Meets none.

        **E-moved** — says moved */ @dev

        ```solidity
        event Moved(address indexed from, uint256[] amounts, bytes data);
        ```

        Emitted by vault. Meets T-vault-drained.

        ### Monitors

        | id | threats |
        |---|---|
        | M-outflow | T-signer-phished, T-vault-drained |

        ### Plans

        | id | threats |
        |---|---|
        | P-plans/drain.md | T-signer-phished, T-vault-drained |
    "#]].assert_eq(&map.markdown());
}

#[test]
fn events_that_cannot_be_required_are_refused() {
    let said = [
        "Paused",
        "event Paused(adress by)",
        "event P((uint256,bool) x)",
        "event 1()",
        "event P(uint7 x)",
    ]
    .map(|text| match text.parse::<EventShape>() {
        Ok(shape) => format!("taken: {shape}"),
        Err(error) => error.to_string().lines().next().unwrap_or_default().to_owned(),
    });
    expect![[r#"
        "Paused" is not an event (write "event Paused(address indexed by)"): it has no parameters; an event without any is written Name()
        event Paused: there is no type "adress"
        event P: a parameter is a struct; write its fields as parameters
        "event 1()" is not an event (write "event Paused(address indexed by)"): parser error:
        event P: there is no type "uint7""#]].assert_eq(&said.join("\n"));
}

#[test]
fn a_day_is_that_of_its_moment() {
    assert_eq!(Day::of(UnixSeconds(1_735_689_599)).to_string(), "2024-12-31");
    assert_eq!(Day::of(UnixSeconds(1_735_689_600)).to_string(), "2025-01-01");
    assert_eq!(Day::of(UnixSeconds(u64::MAX)).to_string(), "9999-12-31");
}
