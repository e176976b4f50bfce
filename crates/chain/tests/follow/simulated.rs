//! Random forks, lags and failures of several endpoints, against the whole follower: whatever
//! happens, the events told are a hash chain, and the end is the canonical chain.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bellwether_chain::{
    At, Fault, Head, Missing, Part, Prove, RawBlock, Source, Tag, View, Want, assemble,
    endpoint::{EndpointStatus, SeenHead},
    follow::Link,
    verify,
};
use model::{BlockBundle, BlockNumber, BlockRef, Header, Name, UnixSeconds};
use proptest::prelude::*;
use tokio::sync::Notify;

use crate::{
    rig::{Rig, config},
    synthetic::{Block, Tx, World},
};

/// Endpoints without a network between.
#[derive(Clone)]
struct Simulated(Arc<Shared>);

struct Shared {
    world: World,
    network: Name,
    names: Vec<Name>,
    started: Instant,
    changed: Notify,
    tips: Mutex<Vec<BlockRef>>,
    /// One of so many answers is missing; 0: none is.
    missing_one_in: Mutex<u64>,
    dice: Mutex<u64>,
}

impl Simulated {
    fn new(world: &World, tips: Vec<BlockRef>) -> Self {
        let names = (0..tips.len()).map(|place| Name::new(&format!("e{place}")).unwrap());
        Self(Arc::new(Shared {
            world: world.clone(),
            network: Name::new("testnet").unwrap(),
            names: names.collect(),
            started: Instant::now(),
            changed: Notify::new(),
            tips: Mutex::new(tips),
            missing_one_in: Mutex::new(0),
            dice: Mutex::new(1),
        }))
    }

    fn set_tip(&self, endpoint: usize, tip: BlockRef) {
        self.0.tips.lock().unwrap()[endpoint] = tip;
        self.0.changed.notify_one();
    }

    fn set_missing_one_in(&self, one_in: u64) {
        *self.0.missing_one_in.lock().unwrap() = one_in;
    }

    fn is_missing(&self) -> bool {
        let one_in = *self.0.missing_one_in.lock().unwrap();
        let mut dice = self.0.dice.lock().unwrap();
        *dice =
            dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        one_in > 0 && (*dice >> 33).is_multiple_of(one_in)
    }

    /// The block from the first endpoint that has it.
    fn find(&self, at: At) -> Result<(Name, Arc<Block>), Missing> {
        let tips = self.0.tips.lock().unwrap().clone();
        let mut missing = Missing::default();
        for (name, tip) in self.0.names.iter().zip(tips) {
            if tip.number < at.number() {
                continue;
            }
            let held = self.0.world.at(tip, at.number());
            let wanted = held.filter(|block| match at {
                At::Number(_) => true,
                At::Block(wanted) => block.at == wanted,
            });
            match wanted {
                Some(block) if !self.is_missing() => return Ok((name.clone(), block)),
                _ => missing.faults.push((name.clone(), Fault::Absent(Part::Block))),
            }
        }
        Err(missing)
    }
}

fn header_of(block: &Block) -> Header {
    let body = block.full.to_string();
    verify::head(body.as_bytes(), &Prove::everything()).expect("made-up headers hash well").0
}

impl Source for Simulated {
    fn heads(&self) -> Vec<Head> {
        let tips = self.0.tips.lock().unwrap().clone();
        let head = |(endpoint, tip): (&Name, BlockRef)| {
            let block = self.0.world.get(tip.hash);
            let link = Link { block: tip, parent_hash: block.parent };
            let timestamp = UnixSeconds(block.timestamp);
            let seen = SeenHead { link, timestamp, seen_at: self.0.started.elapsed() };
            Head { endpoint: endpoint.clone(), seen }
        };
        self.0.names.iter().zip(tips).map(head).collect()
    }

    async fn changed(&self) {
        self.0.changed.notified().await;
    }

    async fn header(&self, at: At) -> Result<Header, Missing> {
        tokio::task::yield_now().await;
        Ok(header_of(&self.find(at)?.1))
    }

    async fn bundle(&self, at: At, _: &Want) -> Result<BlockBundle, Missing> {
        tokio::task::yield_now().await;
        let (endpoint, block) = self.find(at)?;
        let (full, receipts) = (block.full.to_string(), block.receipts.to_string());
        let raw = RawBlock { block: full.as_bytes(), receipts: receipts.as_bytes(), traces: None };
        Ok(assemble(&self.0.network, &endpoint, raw, &Prove::nothing()).expect("a sound block"))
    }

    async fn views(&self, number: BlockNumber) -> Vec<View> {
        let tips = self.0.tips.lock().unwrap().clone();
        let view = |(endpoint, tip): (&Name, BlockRef)| {
            let hash = self.0.world.at(tip, number)?.at.hash;
            Some(View { endpoint: endpoint.clone(), hash })
        };
        self.0.names.iter().zip(tips).filter_map(view).collect()
    }

    async fn tagged(&self, _: Tag) -> Result<BlockRef, Missing> {
        Err(Missing::default())
    }

    fn distrust(&self, _: &Name, _: &str) {}

    fn status(&self) -> Vec<EndpointStatus> {
        Vec::new()
    }
}

/// One thing that happens to one endpoint.
#[derive(Debug, Clone)]
enum Happening {
    /// Its chain grows.
    Grows { by: u64 },
    /// Its last blocks are replaced.
    Reorgs { depth: u64, length: u64 },
    /// It shows an older head of its chain.
    Lags { by: u64 },
    /// It takes over another endpoint's chain.
    Joins { other: usize },
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => (1_u64..5).prop_map(|by| Happening::Grows { by }),
        3 => (1_u64..6, 1_u64..7).prop_map(|(depth, length)| Happening::Reorgs { depth, length }),
        2 => (1_u64..6).prop_map(|by| Happening::Lags { by }),
        2 => (0_usize..3).prop_map(|other| Happening::Joins { other }),
    ]
}

const ENDPOINTS: usize = 3;

fn happen(world: &World, tips: &mut [BlockRef], endpoint: usize, what: &Happening, fork: u64) {
    let tip = tips[endpoint];
    let back = |by: u64| world.at(tip, tip.number.saturating_sub(by).max(1)).unwrap().at;
    let grown = |from: BlockRef, by: u64| {
        (0..by).fold(from, |tip, _| world.extend(tip, fork, &[Tx::transfer(tip.number)]))
    };
    tips[endpoint] = match what {
        Happening::Grows { by } => grown(tip, *by),
        Happening::Reorgs { depth, length } => grown(back(*depth), *length),
        Happening::Lags { by } => back(*by),
        Happening::Joins { other } => tips[*other % tips.len()],
    };
}

async fn simulate(happenings: Vec<(usize, Happening, bool)>, missing_one_in: u64) {
    let (world, genesis) = World::new();
    let start = world.extend(genesis, 0, &[Tx::transfer(1)]);
    let mut tips = vec![start; ENDPOINTS];
    let source = Simulated::new(&world, tips.clone());
    let mut settings = config(Vec::new());
    settings.timing.poll_interval_ms = 1;
    settings.timing.retry_base_ms = 1;
    settings.timing.retry_max_ms = 1;
    settings.timing.reorg_patience_ms = 3;
    let mut rig = Rig::on(source.clone(), settings);
    source.set_missing_one_in(missing_one_in);
    for (fork, (endpoint, what, does_rest)) in (1_u64..).zip(&happenings) {
        happen(&world, &mut tips, *endpoint, what, fork);
        source.set_tip(*endpoint, tips[*endpoint]);
        if *does_rest {
            // The follower gets somewhere, wherever that is.
            rig.take_for(Duration::from_millis(3)).await;
        }
    }
    // In the end everybody agrees on the longest chain.
    source.set_missing_one_in(0);
    let longest = tips.iter().copied().max_by_key(|tip| tip.number).unwrap();
    let above_everything = rig.chain().iter().map(|block| block.number).max().unwrap_or(0);
    let mut end = world.extend(longest, 9_999, &[Tx::transfer(0)]);
    while end.number <= above_everything {
        end = world.extend(end, 9_999, &[Tx::transfer(0)]);
    }
    for endpoint in 0..ENDPOINTS {
        source.set_tip(endpoint, end);
    }
    // A block that comes back from quarantine may show that we were on the wrong branch below it.
    while rig.chain().last() != Some(&end) || !rig.cursor.quarantined.is_empty() {
        rig.next().await;
    }
    assert_eq!(rig.chain(), world.chain(end, 1));
    // And every block of it was judged: the last word about it was not "undone".
    for block in world.chain(end, 1) {
        assert!(rig.committed().contains(&block), "{block} was never judged");
    }
}

proptest! {
    // What happens depends on timing too, so a failing case alone is not worth keeping.
    #![proptest_config(ProptestConfig {
        cases: 60,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_the_endpoints_do_the_events_end_in_the_canonical_chain(
        happenings in prop::collection::vec((0..ENDPOINTS, happening(), any::<bool>()), 1..25),
        missing_one_in in prop_oneof![Just(0_u64), 2_u64..10],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(simulate(happenings, missing_one_in));
    }
}
