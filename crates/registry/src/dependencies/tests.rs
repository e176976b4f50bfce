use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::{Address, B256, Bytes, I256, U256, keccak256};
use expect_test::expect;
use model::{BlockRef, Frame, FrameKind, Name, TxTrace};
use proptest::prelude::*;

use super::*;
use crate::{ContractAbi, Deployment, Labels, Registry, recognise::by_abi};

const VAULT: Address = Address::repeat_byte(0xa1);
const USER: Address = Address::repeat_byte(0x11);
const TOKEN: Address = Address::repeat_byte(0xd1);
const FEED: Address = Address::repeat_byte(0xd2);
const AGGREGATOR: Address = Address::repeat_byte(0xd3);
const POOL: Address = Address::repeat_byte(0xd4);

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn frame(parent: Option<u32>, kind: FrameKind, from: Address, to: Address, input: &[u8]) -> Frame {
    Frame {
        parent,
        depth: 0,
        kind,
        from,
        to: Some(to),
        value: U256::ZERO,
        gas_used: 0,
        input: Bytes::copy_from_slice(input),
        output: Bytes::new(),
        error: None,
    }
}

fn leaving(frames: Vec<Frame>) -> Vec<(Address, u8, bool)> {
    let ours = [VAULT].into();
    let found = Calls { ours: &ours }.of(&TxTrace { frames });
    found.iter().map(|call| (call.to, call.depth, call.is_delegate)).collect()
}

#[test]
fn calls_that_leave_ours_are_found_two_steps_far() {
    use FrameKind::{Call, DelegateCall, StaticCall};
    let call = [1, 2, 3, 4];
    let found = leaving(vec![
        frame(None, Call, USER, VAULT, &call),
        frame(Some(0), StaticCall, VAULT, FEED, &call),
        frame(Some(1), StaticCall, FEED, AGGREGATOR, &call),
        frame(Some(2), StaticCall, AGGREGATOR, POOL, &call),
        frame(Some(0), Call, VAULT, TOKEN, &call),
        frame(Some(4), DelegateCall, TOKEN, AGGREGATOR, &call),
        frame(Some(5), StaticCall, TOKEN, POOL, &call),
    ]);
    let expected = [
        (FEED, 1, false),
        (AGGREGATOR, 2, false),
        (TOKEN, 1, false),
        (AGGREGATOR, 2, true),
        (POOL, 2, false),
    ];
    assert_eq!(found, expected);
}

#[test]
fn whoever_called_us_and_whoever_is_paid_is_no_dependency() {
    use FrameKind::{Call, DelegateCall};
    let call = [1, 2, 3, 4];
    let attacker = Address::repeat_byte(0x66);
    let mut failed = frame(Some(1), Call, VAULT, FEED, &call);
    failed.error = Some("execution reverted".to_owned());
    let found = leaving(vec![
        frame(None, Call, USER, attacker, &call),
        frame(Some(0), Call, attacker, VAULT, &call),
        frame(Some(1), Call, VAULT, attacker, &call),
        frame(Some(1), Call, VAULT, USER, &[]),
        frame(Some(1), Call, VAULT, POOL, &CALLBACKS[6]),
        failed,
        frame(Some(1), Call, VAULT, Address::with_last_byte(4), &call),
        frame(Some(1), DelegateCall, VAULT, VAULT, &call),
    ]);
    assert_eq!(found, []);
}

#[test]
fn selectors_of_callbacks_are_those_of_their_signatures() {
    let signatures = [
        "onERC721Received(address,address,uint256,bytes)",
        "onERC1155Received(address,address,uint256,uint256,bytes)",
        "onERC1155BatchReceived(address,address,uint256[],uint256[],bytes)",
        "tokensReceived(address,address,address,uint256,bytes,bytes)",
        "tokensToSend(address,address,address,uint256,bytes,bytes)",
        "onFlashLoan(address,address,uint256,uint256,bytes)",
        "uniswapV2Call(address,uint256,uint256,bytes)",
        "uniswapV3SwapCallback(int256,int256,bytes)",
        "uniswapV3FlashCallback(uint256,uint256,bytes)",
        "executeOperation(address[],uint256[],uint256[],address,bytes)",
        "executeOperation(address,uint256,uint256,address,bytes)",
        "isValidSignature(bytes32,bytes)",
    ];
    let own = signatures.map(|signature| <[u8; 4]>::try_from(&keccak256(signature)[..4]).unwrap());
    assert_eq!(own, CALLBACKS);
}

#[test]
fn only_feeds_and_proxies_are_followed_a_second_step() {
    let mut graph = Graph::new(name("main"), [VAULT]);
    let outside = |from, to, depth| OutsideCall { from, to, depth, is_delegate: false, frame: 0 };
    let block = BlockRef { number: 7, hash: B256::ZERO };
    let calls = [
        outside(VAULT, FEED, 1),
        outside(FEED, AGGREGATOR, 2),
        outside(VAULT, POOL, 1),
        outside(POOL, Address::repeat_byte(0xee), 2),
    ];
    graph.observe(block, &calls);
    graph.add(VAULT, TOKEN, Reason::Named("asset".to_owned()));
    graph.add(VAULT, FEED, Reason::Named("oracle".to_owned()));
    graph.add(Address::repeat_byte(0x99), TOKEN, Reason::InCode);
    graph.node_mut(FEED).unwrap().kind = Kind::Feed;
    graph.settle();
    let text: String = graph
        .edges()
        .map(|(from, to, edge)| {
            let reasons: Vec<String> = edge.reasons.iter().map(ToString::to_string).collect();
            format!(
                "{}→{} {} {}\n",
                &from.to_string()[..4],
                &to.to_string()[..4],
                edge.calls,
                reasons.join(", ")
            )
        })
        .collect();
    expect![[r#"
        0xA1→0xD1 0 named by asset()
        0xA1→0xd2 1 called, named by oracle(), priced by it
        0xA1→0xd4 1 called
        0xd2→0xd3 1 called
    "#]]
    .assert_eq(&text);
    let read = Graph::from_json(&graph.to_json().to_string()).unwrap();
    assert_eq!(read, graph);
    let other = graph.to_json().to_string().replace("\"version\":1", "\"version\":9");
    assert_eq!(Graph::from_json(&other), Err(GraphError::Version { found: 9 }));
    assert!(matches!(Graph::from_json("[]"), Err(GraphError::Version { found: 0 })));
}

proptest! {
    #[test]
    fn what_a_block_changed_is_taken_back_exactly(
        blocks in prop::collection::vec(prop::collection::vec((0u8..3, 0u8..6, 1u8..3, any::<bool>()), 0..6), 1..8),
        kept in 0usize..8,
    ) {
        let ours: Vec<Address> = (0..2).map(Address::repeat_byte).collect();
        let calls = |block: &[(u8, u8, u8, bool)]| -> Vec<OutsideCall> {
            let call = |(from, to, depth, is_delegate): &(u8, u8, u8, bool)| OutsideCall {
                from: Address::repeat_byte(*from),
                to: Address::repeat_byte(*to),
                depth: *depth,
                is_delegate: *is_delegate,
                frame: 0,
            };
            block.iter().map(call).collect()
        };
        let at = |number: usize| BlockRef { number: number as u64, hash: B256::ZERO };
        let mut graph = Graph::new(name("main"), ours.clone());
        let undos: Vec<Undo> = blocks.iter().enumerate().map(|(n, block)| graph.observe(at(n), &calls(block))).collect();
        for undo in undos.into_iter().skip(kept).rev() {
            graph.undo(undo).unwrap();
        }
        let mut straight = Graph::new(name("main"), ours);
        for (n, block) in blocks.iter().enumerate().take(kept) {
            straight.observe(at(n), &calls(block));
        }
        prop_assert_eq!(graph, straight);
    }

    #[test]
    fn money_is_what_exact_arithmetic_says(amount: u64, price in 1u64..1_000_000_000_000, decimals in 0u8..=30) {
        let cents = cents_of(U256::from(amount), decimals, Price(U256::from(price)));
        // amount · price / 10^(decimals + 6), floored.
        let exact = U256::from(amount) * U256::from(price) / U256::from(10).pow(U256::from(decimals + 6));
        prop_assert_eq!(cents, exact);
    }
}

#[test]
fn a_block_that_is_not_the_newest_is_not_taken_back() {
    let mut graph = Graph::new(name("main"), [VAULT]);
    let first = graph.observe(BlockRef { number: 1, hash: B256::ZERO }, &[]);
    graph.observe(BlockRef { number: 2, hash: B256::ZERO }, &[]);
    let refused = graph.clone().undo(first).unwrap_err();
    expect!["block 1 cannot be taken back, the newest one is 2"].assert_eq(&refused.to_string());
}

#[test]
fn hostile_amounts_do_not_overflow() {
    assert_eq!(cents_of(U256::MAX, 0, Price(U256::MAX)), U256::MAX);
    assert!(cents_of(U256::MAX, 77, Price(U256::MAX)) > U256::ZERO);
    assert_eq!(Price::of_answer(I256::MINUS_ONE, 8), None);
    assert_eq!(Price::of_answer(I256::MAX, 0), None);
    assert_eq!(
        Price::of_answer(I256::try_from(5).unwrap(), 0),
        Some(Price(U256::from(500_000_000)))
    );
}

#[test]
fn a_kind_follows_from_what_a_contract_is() {
    let kind = |items: &[&str]| {
        let abi = ContractAbi::from_solidity(items.iter().copied()).unwrap();
        Kind::of(&by_abi(None, &abi))
    };
    let feed = "function latestRoundData() view returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)";
    assert_eq!(kind(&[feed]), Kind::Feed);
    let lending = [
        "function getReserveData(address asset) view returns (uint256)",
        "function supply(address asset, uint256 amount, address onBehalfOf, uint16 referralCode)",
        "function totalSupply() view returns (uint256)",
    ];
    assert_eq!(kind(&lending), Kind::Lending);
    assert_eq!(kind(&["function nothing()"]), Kind::Contract);
    for kind in Kind::ALL {
        assert_eq!(kind.as_str().parse(), Ok(kind));
        assert!(standard_abi(kind).events().count() >= 7, "{kind} reads the common events");
        assert!(!templates(kind).is_empty());
    }
}

fn vault() -> Deployment {
    Deployment {
        label: name("vault"),
        network: name("main"),
        address: VAULT,
        protocol: None,
        class: crate::Class::Vault,
        abi: Arc::default(),
        abi_known: true,
        first_block: None,
        value_at_risk: None,
        token: None,
        oracle: None,
    }
}

fn dependency(label: &str, address: Address, kind: Kind) -> Dependency {
    Dependency {
        label: name(label),
        network: name("main"),
        address,
        kind,
        of: Vec::new(),
        standing: Standing::Watched,
        stated_cents: None,
        covers: Vec::new(),
        token: None,
        feed: None,
        lending: None,
        code_hash: None,
        implementation: None,
    }
}

#[test]
fn exposure_is_what_is_held_and_lent_at_the_price_of_the_feed() {
    let registry = Registry::new(vec![vault()], Labels::default()).unwrap();
    let mut usdc = dependency("usdc", TOKEN, Kind::Token);
    usdc.token = Some(TokenTerms {
        symbol: "USDC".into(),
        decimals: 6,
        price: None,
        priced_by: Some(name("feed")),
        peg: None,
    });
    let mut feed = dependency("feed", FEED, Kind::Feed);
    feed.feed = Some(FeedTerms { decimals: 8, aggregator: None, heartbeat_s: None });
    feed.covers = vec![name("usdc"), name("pool")];
    let mut pool = dependency("pool", POOL, Kind::Lending);
    pool.lending =
        Some(LendingTerms { interface: Lending::Aave, asset: name("usdc"), receipt: POOL });
    let mut bridge = dependency("bridge", AGGREGATOR, Kind::Bridge);
    let declared = |bridge: &Dependency| {
        let all = vec![usdc.clone(), feed.clone(), pool.clone(), bridge.clone()];
        Declared::new(all, BTreeMap::new())
    };
    let book = declared(&bridge);
    let readings = book.readings(&name("main"), &registry);
    assert_eq!(readings.len(), 3, "two balances and one price: {readings:?}");
    let read = |reading: &Reading| match reading {
        Reading::Price { .. } => Some(U256::from(99_000_000)),
        Reading::Held { token: TOKEN, .. } => Some(U256::from(1_000_000_000)),
        Reading::Held { .. } => Some(U256::from(500_000_000)),
    };
    let told = |book: &Declared, label: &str, read: &dyn Fn(&Reading) -> Option<U256>| {
        let exposure = book.exposure(book.get(&name(label)).unwrap(), &registry, read);
        exposure.cents().map(|cents| usd(cents).to_string())
    };
    assert_eq!(told(&book, "usdc", &read).as_deref(), Some("990 USD"));
    assert_eq!(told(&book, "pool", &read).as_deref(), Some("495 USD"));
    assert_eq!(told(&book, "feed", &read).as_deref(), Some("1,485 USD"), "all that it prices");
    assert_eq!(told(&book, "bridge", &read), None, "nobody says, so it is not nothing");
    let half_blind = |reading: &Reading| {
        read(reading).filter(|_| !matches!(reading, Reading::Held { token: POOL, .. }))
    };
    assert_eq!(told(&book, "feed", &half_blind), None, "a part would look like all of it");
    let tvl = book.tvl_cents(&name("main"), &registry, &read).unwrap();
    assert_eq!(usd(tvl).to_string(), "1,485 USD");
    bridge.stated_cents = Some(U256::from(70_000));
    assert_eq!(told(&declared(&bridge), "bridge", &|_| None).as_deref(), Some("700 USD"));
}

#[test]
fn a_proposal_is_a_file_that_names_the_reasons() {
    let mut token = dependency("usdc", TOKEN, Kind::Token);
    token.of = vec![name("vault")];
    token.token = Some(TokenTerms {
        symbol: "US\"\nDC".into(),
        decimals: 6,
        price: Some(Price(U256::from(99_500_000))),
        priced_by: None,
        peg: Some(Price::DOLLAR),
    });
    let why = vec!["vault: called, held".to_owned()];
    expect![[r##"
        # What our contracts on main rely on, as traces, getters and storage show it. Confirm each, or set
        # ignore = "why" where it does not matter. exposure = "1_000_000" says in dollars what would be lost.

        # vault: called, held
        [[dependency]]
        label = "usdc"
        network = "main"
        address = "0xD1d1d1D1d1d1D1d1D1D1D1d1d1D1D1D1d1D1d1d1"
        kind = "token"
        of = ["vault"]
        token = { symbol = "USDC", decimals = 6, price = "0.995", peg = "1" }
    "##]]
    .assert_eq(&proposal(&name("main"), &[(token, why)]));
}
