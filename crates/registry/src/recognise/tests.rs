use std::{collections::BTreeMap, sync::Arc};

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, B256, Bytes, U256, hex, keccak256};
use expect_test::expect;
use proptest::prelude::*;

use super::{
    Answer, Artefact, Inquiry, Question, ROUNDS_MAX, Recognition, Trait, by_abi, inquiry,
    signatures,
    standard::{DICTIONARY, STANDARDS},
};
use crate::{
    Class, ContractAbi,
    proxy::{self, ProxyKind},
};

/// A chain of made-up contracts: what is not in it is not there.
#[derive(Default, Clone)]
struct World {
    code: BTreeMap<Address, Bytes>,
    slots: BTreeMap<(Address, B256), B256>,
    calls: BTreeMap<(Address, Vec<u8>), Vec<u8>>,
    /// Questions that the node refuses.
    is_silent: bool,
}

const SUBJECT: Address = Address::repeat_byte(0xaa);
const TARGET: Address = Address::repeat_byte(0xbb);
const ADMIN: Address = Address::repeat_byte(0xcc);

fn selector(signature: &str) -> [u8; 4] {
    keccak256(signature)[..4].try_into().unwrap()
}

/// Code as solc writes it: a dispatcher over these functions, each of which only returns.
fn dispatcher(signatures: &[&str], tail: &[u8]) -> Bytes {
    let mut code = hex!("5f3560e01c").to_vec();
    let end = code.len() + signatures.len() * 11 + 1;
    for (at, signature) in signatures.iter().enumerate() {
        let to = u16::try_from(end + at * 8).unwrap().to_be_bytes();
        code.extend([0x80, 0x63]);
        code.extend(selector(signature));
        code.extend([0x14, 0x61, to[0], to[1], 0x57]);
    }
    code.push(0xfe);
    for _ in signatures {
        code.extend(hex!("5b60015f52602080")); // JUMPDEST, one word of memory …
        let last = code.len();
        code[last - 2] = 0x5f; // … returned from offset 0
        code[last - 1] = 0xf3;
    }
    code.extend(tail);
    code.into()
}

/// Code that delegates and dispatches nothing itself.
fn delegating() -> Bytes {
    Bytes::from_static(&hex!("5f80f400"))
}

impl World {
    fn code(mut self, at: Address, code: impl Into<Bytes>) -> Self {
        self.code.insert(at, code.into());
        self
    }

    fn slot(mut self, slot: B256, holds: Address) -> Self {
        self.slots.insert((SUBJECT, slot), holds.into_word());
        self
    }

    fn says(mut self, at: Address, signature: &str, answer: impl Into<Vec<u8>>) -> Self {
        self.calls.insert((at, selector(signature).to_vec()), answer.into());
        self
    }

    fn names(self, at: Address, signature: &str, target: Address) -> Self {
        self.says(at, signature, target.into_word().to_vec())
    }

    fn answer(&self, question: &Question) -> Answer {
        if self.is_silent {
            return Answer::None("timeout".to_owned());
        }
        match question {
            Question::Code(of) => Answer::Bytes(self.code.get(of).cloned().unwrap_or_default()),
            Question::Storage { of, slot } => {
                Answer::Word(self.slots.get(&(*of, *slot)).copied().unwrap_or_default())
            }
            Question::Call { to, input } => match self.calls.get(&(*to, input.to_vec())) {
                Some(answer) => Answer::Bytes(answer.clone().into()),
                None => Answer::Reverted,
            },
        }
    }

    fn inquire(&self) -> Inquiry {
        let mut inquiry = Inquiry::new(SUBJECT);
        let mut rounds = 0;
        loop {
            let questions = inquiry.questions();
            if questions.is_empty() {
                return inquiry;
            }
            rounds += 1;
            assert!(rounds <= ROUNDS_MAX);
            let answers: Vec<_> =
                questions.into_iter().map(|q| (q.clone(), self.answer(&q))).collect();
            inquiry.learn(answers);
        }
    }

    fn recognise(&self) -> Recognition {
        self.inquire().conclude()
    }

    fn kind(&self) -> Option<ProxyKind> {
        self.recognise().proxy.map(|proxy| proxy.kind)
    }
}

fn meridian(name: &str) -> (Artefact, Bytes) {
    let path = format!("{}/../../contracts/artifacts/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let code = hex::decode(value["deployedBytecode"].as_str().unwrap()).unwrap();
    (Artefact::from_json(&text, name).unwrap(), code.into())
}

#[test]
fn every_declaration_parses_and_every_standard_is_declared() {
    for line in signatures::all() {
        assert_eq!(ContractAbi::from_solidity([line]).map(drop), Ok(()), "{line}");
    }
    for standard in STANDARDS {
        for signature in standard.needs {
            let known = DICTIONARY.abi.function_by_selector(selector(signature));
            assert_eq!(known.map(|f| f.signature.as_str()), Some(*signature));
        }
        for event in standard.events {
            assert!(DICTIONARY.events.contains_key(&keccak256(event)), "{event}");
        }
    }
}

#[test]
fn selectors_written_as_numbers_are_those_of_their_functions() {
    for (written, signature) in inquiry::SELECTORS {
        assert_eq!(*written, selector(signature), "{signature}");
    }
    for (written, signature) in proxy::SELECTORS {
        assert_eq!(*written, selector(signature), "{signature}");
    }
}

#[test]
fn a_standard_is_recognised_by_all_of_its_functions_and_by_nothing_less() {
    for standard in STANDARDS {
        let whole = World::default().code(SUBJECT, dispatcher(standard.needs, &[]));
        assert!(whole.recognise().is(standard.is), "{}", standard.is);
        // Another form of the same trait may still be there.
        let is_alone = STANDARDS.iter().filter(|s| s.is == standard.is).count() == 1;
        let partial = World::default().code(SUBJECT, dispatcher(&standard.needs[1..], &[]));
        assert!(!is_alone || !partial.recognise().is(standard.is), "{} in part", standard.is);
    }
}

#[test]
fn meridian_is_recognised_from_its_bytecode_alone_as_from_its_abi() {
    let names = [
        "MeridianToken",
        "Vault",
        "PriceOracle",
        "Pair",
        "FlashLender",
        "Timelock",
        "Governor",
        "InsuranceFund",
        "BridgeLocker",
    ];
    let mut told = String::new();
    for name in names {
        let (artefact, code) = meridian(name);
        assert!(artefact.matches(&code), "{name} is its own artefact");
        let by_code = World::default().code(SUBJECT, code).recognise();
        let by_abi = by_abi(Some(name), &artefact.abi);
        assert!(by_code.unverified && !by_abi.unverified);
        assert_eq!(by_code.class.class, by_abi.class.class, "{name}");
        told.push_str(&format!("{name}: {}, {}\n", by_code.class.class, by_code.class.confidence));
        for evidence in &by_code.traits {
            told.push_str(&format!("  {}: {}\n", evidence.is, evidence.why));
        }
    }
    expect![[r#"
        MeridianToken: token, sure
          ERC-20 token: answers totalSupply(), balanceOf, transfer and 3 more and has Transfer and Approval
          AccessControl: answers hasRole, grantRole and revokeRole and has RoleGranted and RoleRevoked
        Vault: vault, likely
          AccessControl: answers hasRole, grantRole and revokeRole and has RoleGranted and RoleRevoked
          Pausable: answers paused() and has Paused and Unpaused
          vault: has deposit(), depositEther(), withdraw() and 5 more
        PriceOracle: oracle, sure
          AccessControl: answers hasRole, grantRole and revokeRole and has RoleGranted and RoleRevoked
          Chainlink-style feed: answers latestRoundData() and has AnswerUpdated
        Pair: pool, likely
          liquidity pair: has reserve0(), spotPrice(), Sync and Swap
        FlashLender: pool, sure
          ERC-3156 flash lender: answers maxFlashLoan, flashFee and flashLoan
        Timelock: timelock, likely
          AccessControl: answers hasRole, grantRole and revokeRole and has RoleGranted and RoleRevoked
          timelock: has minDelay(), readyAt(), schedule() and 3 more
        Governor: governor, likely
          governor: has propose(), ProposalCreated, castVote() and VoteCast
        InsuranceFund: insurance-fund, likely
          AccessControl: answers hasRole, grantRole and revokeRole and has RoleGranted and RoleRevoked
          insurance fund: has cover(), CLAIMS_ROLE(), contribute() and 4 more
        BridgeLocker: bridge, likely
          AccessControl: answers hasRole, grantRole and revokeRole and has RoleGranted and RoleRevoked
          lock-and-release bridge: has lock(), Locked, release() and 4 more
    "#]].assert_eq(&told);
}

#[test]
fn the_abi_of_unverified_code_is_the_part_that_is_well_known() {
    let (_, code) = meridian("InsuranceFund");
    let seen = World::default().code(SUBJECT, code).recognise();
    let abi = ContractAbi::from_json(&seen.interface.to_json()).unwrap();
    assert!(abi.find_function("cover").is_ok());
    assert!(abi.find_event("RoleGranted").is_ok());
    assert!(abi.find_event("Transfer").is_err(), "it calls a token and is none");
    let tuple = Inquiry::new(SUBJECT);
    assert!(tuple.conclude().interface.is_empty());
    let diamond = World::default().code(SUBJECT, dispatcher(&["facets()"], &[])).recognise();
    let abi = ContractAbi::from_json(&diamond.interface.to_json()).unwrap();
    let facets = abi.find_function("facets").unwrap();
    assert_eq!(facets.outputs[0].components.len(), 2, "tuples keep their parts");
}

#[test]
fn a_proxy_with_an_admin_is_transparent_and_one_that_upgrades_itself_is_uups() {
    let uups = World::default()
        .code(SUBJECT, delegating())
        .code(TARGET, dispatcher(&["proxiableUUID()", "upgradeToAndCall(address,bytes)"], &[]))
        .slot(proxy::EIP1967_IMPLEMENTATION, TARGET)
        .says(TARGET, "proxiableUUID()", proxy::EIP1967_IMPLEMENTATION.to_vec());
    assert_eq!(uups.kind(), Some(ProxyKind::Uups { implementation: TARGET }));
    assert!(uups.recognise().is(Trait::UupsImplementation), "what is behind it counts");

    let owner = Address::repeat_byte(0xdd);
    let transparent = uups
        .clone()
        .slot(proxy::EIP1967_ADMIN, ADMIN)
        .code(ADMIN, dispatcher(&["owner()"], &[]))
        .names(ADMIN, "owner()", owner);
    let kind = transparent.kind().unwrap();
    assert_eq!(kind.controllers(), [("proxy admin", ADMIN), ("owner of the proxy admin", owner)]);
    assert!(matches!(kind, ProxyKind::Transparent { implementation: TARGET, .. }));

    let plain = uups.says(TARGET, "proxiableUUID()", B256::repeat_byte(1).to_vec());
    assert_eq!(plain.kind(), Some(ProxyKind::Erc1967 { implementation: TARGET }));
}

#[test]
fn slots_of_code_that_never_delegates_make_no_proxy() {
    let slots = World::default()
        .code(SUBJECT, dispatcher(&["owner()"], &[]))
        .slot(proxy::EIP1967_IMPLEMENTATION, TARGET)
        .slot(proxy::EIP1967_BEACON, TARGET)
        .slot(proxy::EIP1822_IMPLEMENTATION, TARGET)
        .slot(proxy::ZOS_IMPLEMENTATION, TARGET)
        .names(SUBJECT, "implementation()", TARGET);
    assert_eq!(slots.kind(), None);
    let empty = World::default().code(SUBJECT, delegating());
    assert_eq!(empty.kind(), None, "and code that delegates needs to say where to");
}

#[test]
fn beacons_old_slots_and_getters_are_told_apart() {
    let base =
        World::default().code(SUBJECT, delegating()).code(TARGET, dispatcher(&["owner()"], &[]));
    let beacon = base.clone().slot(proxy::EIP1967_BEACON, ADMIN);
    let kind = beacon.clone().names(ADMIN, "implementation()", TARGET).kind().unwrap();
    assert_eq!(kind.targets(), [TARGET]);
    assert!(matches!(kind, ProxyKind::Beacon { beacon: ADMIN, beacon_owner: None, .. }));
    assert!(beacon.kind().unwrap().targets().is_empty(), "a beacon that does not answer");

    let old = base.clone().slot(proxy::EIP1822_IMPLEMENTATION, TARGET);
    assert_eq!(old.kind(), Some(ProxyKind::Erc1822 { implementation: TARGET }));
    let zos = base.clone().slot(proxy::ZOS_IMPLEMENTATION, TARGET).slot(proxy::ZOS_ADMIN, ADMIN);
    let kind = ProxyKind::ZeppelinOs { implementation: TARGET, admin: Some(ADMIN) };
    assert_eq!(zos.kind(), Some(kind));

    let getter = base.clone().names(SUBJECT, "implementation()", TARGET);
    assert_eq!(getter.kind(), Some(ProxyKind::Getter { implementation: TARGET }));
    let account = base.clone().names(SUBJECT, "implementation()", ADMIN);
    assert_eq!(account.kind(), None, "there is no code at what it names");
    let itself = base.names(SUBJECT, "implementation()", SUBJECT);
    assert_eq!(itself.kind(), None);
}

#[test]
fn every_kind_of_proxy_has_a_neighbour_that_is_none() {
    let base =
        World::default().code(SUBJECT, delegating()).code(TARGET, dispatcher(&["owner()"], &[]));
    let dirty = {
        let mut word = TARGET.into_word();
        word[0] = 1;
        word
    };
    let holds = |slot: B256| {
        let mut world = base.clone();
        world.slots.insert((SUBJECT, slot), dirty);
        world
    };
    let delegation = |to: &[u8]| {
        World::default().code(SUBJECT, [&hex!("ef0100")[..], to].concat()).code(TARGET, vec![0xfe])
    };
    let clone = [
        &hex!("363d3d373d3d3d363d73")[..],
        TARGET.as_slice(),
        // CALL where a clone has DELEGATECALL: it forwards, and runs nobody's code.
        &hex!("5af13d82803e903d91602b57fd5bf3"),
    ]
    .concat();
    let neighbours = [
        (
            "a word that is no clean address in the ERC-1967 slot",
            holds(proxy::EIP1967_IMPLEMENTATION),
        ),
        ("a word that is no clean address in the beacon slot", holds(proxy::EIP1967_BEACON)),
        (
            "a word that is no clean address in the ERC-1822 slot",
            holds(proxy::EIP1822_IMPLEMENTATION),
        ),
        (
            "a word that is no clean address in the ZeppelinOS slot",
            holds(proxy::ZOS_IMPLEMENTATION),
        ),
        ("an admin without an implementation", base.clone().slot(proxy::EIP1967_ADMIN, ADMIN)),
        ("a ZeppelinOS admin alone", base.clone().slot(proxy::ZOS_ADMIN, ADMIN)),
        ("facets() that lists nothing", {
            let none = DynSolValue::Tuple(vec![DynSolValue::Array(vec![])]).abi_encode_params();
            base.clone().says(SUBJECT, "facets()", none)
        }),
        ("bytecode that calls instead of delegating", World::default().code(SUBJECT, clone)),
        ("a delegation with too few bytes", delegation(&TARGET.as_slice()[..19])),
        ("a delegation with a byte too many", delegation(&[TARGET.as_slice(), &[0]].concat())),
        ("a singleton that is no Safe", {
            let said = base.clone().slot(proxy::SAFE_SINGLETON, TARGET);
            said.names(SUBJECT, "masterCopy()", TARGET)
        }),
    ];
    for (what, world) in neighbours {
        assert_eq!(world.kind(), None, "{what}");
    }
}

#[test]
fn a_safe_names_its_singleton_twice_and_its_owners_once() {
    let owners = DynSolValue::Tuple(vec![DynSolValue::Array(vec![
        DynSolValue::Address(ADMIN),
        DynSolValue::Address(TARGET),
    ])])
    .abi_encode_params();
    let functions = ["getOwners()", "getThreshold()", "isOwner(address)", "nonce()"];
    let safe = World::default()
        .code(SUBJECT, delegating())
        .code(TARGET, dispatcher(&functions, &[]))
        .slot(proxy::SAFE_SINGLETON, TARGET)
        .names(SUBJECT, "masterCopy()", TARGET)
        .says(SUBJECT, "getOwners()", owners)
        .says(SUBJECT, "getThreshold()", U256::from(2).to_be_bytes_vec());
    assert_eq!(safe.kind(), Some(ProxyKind::Safe { singleton: TARGET }));
    let seen = safe.recognise();
    assert_eq!(seen.class.class, Class::Multisig);
    let who = seen.safe.unwrap();
    assert_eq!((who.owners, who.threshold, who.modules), (vec![ADMIN, TARGET], 2, None));

    let unreachable = safe.clone().says(SUBJECT, "getThreshold()", U256::from(3).to_be_bytes_vec());
    assert_eq!(unreachable.recognise().safe, None, "three of two");
    let other = safe.names(SUBJECT, "masterCopy()", ADMIN);
    assert_eq!(other.kind(), None, "slot 0 alone says nothing");
}

#[test]
fn a_diamond_answers_with_what_its_facets_answer() {
    let word = |s: &str| DynSolValue::FixedBytes(B256::right_padding_from(&selector(s)), 4);
    let facet = |at: Address, s: &str| {
        DynSolValue::Tuple(vec![DynSolValue::Address(at), DynSolValue::Array(vec![word(s)])])
    };
    let facets = vec![facet(TARGET, "owner()"), facet(ADMIN, "latestRoundData()")];
    let answer = DynSolValue::Tuple(vec![DynSolValue::Array(facets)]).abi_encode_params();
    let diamond = World::default()
        .code(SUBJECT, delegating())
        .code(TARGET, dispatcher(&["owner()"], &[]))
        .code(ADMIN, dispatcher(&["latestRoundData()"], &[]))
        .says(SUBJECT, "facets()", answer);
    assert_eq!(diamond.kind().unwrap().targets(), [TARGET, ADMIN]);
    assert_eq!(diamond.recognise().class.class, Class::Oracle);
    let liar = diamond.says(SUBJECT, "facets()", vec![0xff; 4_096]);
    assert_eq!(liar.kind(), None);
}

#[test]
fn clones_and_delegations_show_what_they_run() {
    let feed = dispatcher(&["latestRoundData()"], &[]);
    let clone_of = |target: Address| {
        [
            &hex!("363d3d373d3d3d363d73")[..],
            target.as_slice(),
            &hex!("5af43d82803e903d91602b57fd5bf3"),
        ]
        .concat()
    };
    let clone = World::default().code(SUBJECT, clone_of(TARGET)).code(TARGET, feed.clone());
    assert_eq!(clone.kind(), Some(ProxyKind::Clone { implementation: TARGET }));
    assert_eq!(clone.recognise().class.class, Class::Oracle);
    let chain = World::default()
        .code(SUBJECT, clone_of(TARGET))
        .code(TARGET, clone_of(ADMIN))
        .code(ADMIN, feed);
    assert_eq!(chain.recognise().class.class, Class::Oracle, "a clone of a clone");
    let delegation = [&hex!("ef0100")[..], TARGET.as_slice()].concat();
    let account = World::default().code(SUBJECT, delegation);
    assert_eq!(account.kind(), Some(ProxyKind::Delegation { delegate: TARGET }));

    let itself = World::default().code(SUBJECT, clone_of(SUBJECT));
    let proxy = itself.recognise().proxy.unwrap();
    assert!(proxy.evidence[1].contains("points at itself"), "{proxy:?}");
    let circle = World::default().code(SUBJECT, clone_of(TARGET)).code(TARGET, clone_of(SUBJECT));
    assert_eq!(circle.inquire().layers(), [SUBJECT, TARGET]);
}

#[test]
fn enumerable_roles_are_listed_by_the_contract_itself() {
    let functions = [
        "hasRole(bytes32,address)",
        "grantRole(bytes32,address)",
        "revokeRole(bytes32,address)",
        "getRoleMemberCount(bytes32)",
        "getRoleMember(bytes32,uint256)",
        "PAUSER_ROLE()",
    ];
    let role = keccak256("PAUSER_ROLE");
    let mut world = World::default().code(SUBJECT, dispatcher(&functions, &[])).says(
        SUBJECT,
        "PAUSER_ROLE()",
        role.to_vec(),
    );
    let count = [&selector("getRoleMemberCount(bytes32)")[..], role.as_slice()].concat();
    world.calls.insert((SUBJECT, count), U256::from(2).to_be_bytes_vec());
    for (at, member) in [(0u8, ADMIN), (1, TARGET)] {
        let index = U256::from(at).to_be_bytes::<32>();
        let input =
            [&selector("getRoleMember(bytes32,uint256)")[..], role.as_slice(), &index].concat();
        world.calls.insert((SUBJECT, input), member.into_word().to_vec());
    }
    let seen = world.recognise();
    let [of_role] = &seen.members[..] else { panic!("{:?}", seen.members) };
    assert_eq!((of_role.role, of_role.is_whole), (role, true));
    assert_eq!(of_role.members, [ADMIN, TARGET]);
    let count = [&selector("getRoleMemberCount(bytes32)")[..], role.as_slice()].concat();
    world.calls.insert((SUBJECT, count), vec![0xff; 32]);
    assert!(!world.recognise().members[0].is_whole, "it claims more than can be listed");
}

#[test]
fn what_the_node_does_not_answer_is_told_and_not_taken_for_no() {
    let silent = World { is_silent: true, ..World::default() };
    let seen = silent.recognise();
    assert_eq!((seen.code_hash, seen.class.class), (None, Class::Contract));
    assert_eq!(seen.unanswered.len(), 1);
    assert!(seen.unanswered[0].ends_with("timeout"), "{:?}", seen.unanswered);
    assert_eq!(proxy::find(SUBJECT, silent.inquire().facts()).found, proxy::Found::Unknown);
}

#[test]
fn a_name_decides_where_the_interface_cannot() {
    let abi = ContractAbi::from_solidity(["function token() view returns (address)"]).unwrap();
    let class = |name| by_abi(name, &abi).class;
    assert_eq!(class(Some("ProtocolTreasury")).class, Class::Treasury);
    assert_eq!(class(Some("Insurance Fund")).class, Class::InsuranceFund);
    assert_eq!(class(Some("Thing")).class, Class::Contract);
    assert_eq!(class(None).class, Class::Contract);
    assert!(class(Some("ProtocolTreasury")).why.contains("its name is ProtocolTreasury"));
}

#[test]
fn a_declared_interface_goes_before_a_guessed_one() {
    let (artefact, code) = meridian("Vault");
    let mut inquiry = World::default().code(SUBJECT, code).inquire();
    inquiry.declare(SUBJECT, &artefact.name, Arc::new(artefact.abi));
    let seen = inquiry.conclude();
    assert!(!seen.unverified);
    assert_eq!(seen.class.class, Class::Vault);
    assert_eq!(seen.interface.undeclared(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn no_answers_make_an_inquiry_panic_or_go_on(
        noise in prop::collection::vec(any::<u8>(), 0..300),
        shape in 0..4u8,
    ) {
        let functions = ["getOwners()", "getThreshold()", "isOwner(address)", "nonce()", "facets()",
            "getRoleMemberCount(bytes32)", "getRoleMember(bytes32,uint256)",
            "hasRole(bytes32,address)", "symbol()", "latestRoundData()"];
        let mut inquiry = Inquiry::new(SUBJECT);
        let mut asked = 0;
        loop {
            let questions = inquiry.questions();
            if questions.is_empty() { break; }
            asked += questions.len();
            prop_assert!(asked <= super::QUESTIONS_MAX);
            let answers: Vec<_> = questions.into_iter().map(|q| {
                let answer = match &q {
                    Question::Code(_) if shape == 0 => Answer::Bytes(noise.clone().into()),
                    Question::Code(_) => Answer::Bytes(dispatcher(&functions, &[0xf4])),
                    Question::Storage { .. } if shape == 1 => Answer::Word(SUBJECT.into_word()),
                    Question::Storage { .. } => Answer::Word(B256::left_padding_from(&noise[..noise.len().min(32)])),
                    Question::Call { .. } if shape == 2 => Answer::Bytes(SUBJECT.into_word().to_vec().into()),
                    Question::Call { .. } => Answer::Bytes(noise.clone().into()),
                };
                (q, answer)
            }).collect();
            inquiry.learn(answers);
        }
        inquiry.conclude();
    }
}
