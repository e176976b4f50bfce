//! A detector that fails takes nobody with it.

use std::sync::Arc;

use alloy_primitives::{B256, Bloom, U256};
use model::{
    BlindReason, BlockBundle, BlockRef, CoverageResult, Header, Level, Name, Proof, Proven,
    Severity, UnixSeconds,
};
use registry::Registry;

use crate::{
    detectors::{
        Block, Judge, Report, Touch, Wants,
        report::{Claim, Claimant},
    },
    engine::network::Network,
    monitors::{Compiled, Rule},
    state::{Key, Kind, StateTable},
    windows::EventWindow,
};

/// Remembers something, claims something, and then fails if told to.
struct Clumsy {
    fails: bool,
    key: u8,
}

impl Judge for Clumsy {
    fn wants(&self) -> Wants {
        Wants { every_block: true, remembers: true, ..Wants::default() }
    }

    fn judge(
        &self,
        block: &Block<'_>,
        _: &[Touch],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let key = Key::new(Kind::EventWindow).with(&[self.key]);
        memory.entry(key, EventWindow::default).add(block.at, 1);
        let title = "a clumsy detector saw a block".to_owned();
        report.claim(Claim::about_block(block.bundle.block_ref(), block.at, title));
        assert!(!self.fails, "tripped over its own feet");
    }
}

fn monitor(label: &str, fails: bool, key: u8) -> Compiled {
    let name = Name::new(label).unwrap();
    let judge = Box::new(Clumsy { fails, key });
    Compiled {
        claimant: Claimant {
            detector: "test/clumsy".to_owned(),
            monitor: name.clone(),
            version: 1,
            runbook: None,
        },
        name,
        needs: Level::Logs,
        needs_for_children: Level::Logs,
        rule: Rule::Detector {
            wants: judge.wants(),
            judge,
            guarded: Vec::new(),
            children_of: Vec::new(),
        },
    }
}

fn bundle(network: &Name) -> BlockBundle {
    let proven = || Proven::Yes;
    BlockBundle {
        network: network.clone(),
        endpoint: network.clone(),
        header: Header {
            number: 1,
            hash: B256::repeat_byte(1),
            parent_hash: B256::ZERO,
            timestamp: UnixSeconds(60),
            beneficiary: Default::default(),
            base_fee_per_gas: Some(U256::ZERO),
            gas_used: 0,
            gas_limit: 0,
            logs_bloom: Bloom::ZERO,
            receipts_root: B256::ZERO,
            transactions_root: B256::ZERO,
            state_root: B256::ZERO,
        },
        transactions: Vec::new(),
        traces: None,
        reads: Vec::new(),
        proof: Proof {
            header: proven(),
            transactions: proven(),
            senders: proven(),
            bloom: proven(),
            receipts: proven(),
        },
        traced_by: model::TraceSource::default(),
    }
}

#[test]
fn a_detector_that_fails_is_blind_and_leaves_no_trace() {
    let name = Name::new("testnet").unwrap();
    let registry = Arc::new(Registry::default());
    let (mut network, _) = Network::new(name.clone(), &registry, &[]);
    let monitors =
        vec![monitor("first", false, 1), monitor("clumsy", true, 2), monitor("last", false, 3)];
    network.replace_monitors(monitors, vec![Severity::High; 3]);
    let bundle = bundle(&name);
    let judgement = network.committed(&bundle, 7, &crate::elsewhere::Nowhere);

    let tellers: Vec<&str> = judgement.findings.iter().map(|f| f.monitor.as_str()).collect();
    assert_eq!(tellers, ["first", "last"]);
    let CoverageResult::Judged { monitors_judged, blind } = &judgement.coverage[0].result else {
        panic!("the block was judged")
    };
    assert_eq!(*monitors_judged, 2);
    assert_eq!(blind[0].monitor.as_str(), "clumsy");
    assert_eq!(blind[0].reason, BlindReason::Panicked("tripped over its own feet".to_owned()));
    let is_remembered = |key: u8| {
        network.table.get::<EventWindow>(&Key::new(Kind::EventWindow).with(&[key])).is_some()
    };
    assert_eq!([1, 2, 3].map(is_remembered), [true, false, true]);
    assert_eq!(
        judgement.state.undo.unwrap().block,
        BlockRef { number: 1, hash: B256::repeat_byte(1) }
    );
}
