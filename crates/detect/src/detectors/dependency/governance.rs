//! A governor is about to call something of ours, or something that ours rely on. The page is
//! `governance.md`.

use std::{collections::BTreeSet, sync::LazyLock};

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, B256};
use model::{BlindReason, FactValue, Level, Severity};
use registry::{ContractAbi, DecodedLog, dependencies::named_in_words};

use super::watched::{self, Watched, at, with_stake};
use crate::{
    detectors::{
        Block, Claim, Detector, Judge, Report, Settings, Site, Spec, Touch, Wants, What, worse,
    },
    state::StateTable,
};

static SPEC: Spec = Spec {
    id: "dependency/governance",
    version: 1,
    needs: Level::Logs,
    severity: Severity::Medium,
    params: &[],
    page: include_str!("governance.md"),
};

/// Events by which governors and timelocks announce calls. Source: the published interfaces of
/// OpenZeppelin's Governor and TimelockController, Compound's Bravo and Timelock, and Meridian.
pub(crate) static EVENTS: LazyLock<ContractAbi> = LazyLock::new(|| {
    ContractAbi::from_solidity([
        "event ProposalCreated(uint256 proposalId, address proposer, address[] targets, uint256[] values, string[] signatures, bytes[] calldatas, uint256 voteStart, uint256 voteEnd, string description)",
        "event ProposalCreated(uint256 indexed proposalId, address indexed proposer, address target, bytes data, string description)",
        "event CallScheduled(bytes32 indexed id, uint256 indexed index, address target, uint256 value, bytes data, bytes32 predecessor, uint256 delay)",
        "event QueueTransaction(bytes32 indexed txHash, address indexed target, uint256 value, string signature, bytes data, uint256 eta)",
    ])
    .expect("a test reads all of them")
});

/// See the page.
#[derive(Debug)]
pub struct Governance;

impl Detector for Governance {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn watches_dependencies(&self) -> bool {
        true
    }

    fn configure(&self, _: &Settings, site: Site) -> Box<dyn Judge> {
        let own = site.registry.own().filter(|(_, d)| d.network == site.network);
        let ours = own.map(|(_, deployment)| deployment.address).collect();
        Box::new(Configured { ours, all: watched::watched(&site), severity: site.severity })
    }
}

struct Configured {
    ours: BTreeSet<Address>,
    all: Vec<Watched>,
    severity: Severity,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        let topics = EVENTS.events().filter_map(|event| event.topic0).collect();
        Wants { topics, stakes: true, ..Wants::default() }
    }

    fn judge(
        &self,
        block: &Block<'_>,
        touches: &[Touch],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        for touch in touches {
            let What::Log(ordinal) = touch.what else { continue };
            let log = block.log(touch.tx, ordinal);
            let Some((topic0, indexed)) = log.topics.split_first() else { continue };
            let event = EVENTS.event_by_topic(*topic0, indexed.len());
            match event.map(|event| event.decode(log)) {
                Some(Ok(decoded)) => {
                    self.announced(block, touch, ordinal, &decoded, memory, report)
                }
                Some(Err(why)) => report.blind(BlindReason::Undecodable(why.to_string())),
                // An event of that name in another form: what it announces is not known.
                None => {
                    let who = block.name_of(log.address);
                    let reason =
                        format!("a proposal of {who} has another form than the usual ones");
                    report.blind(BlindReason::Undecodable(reason));
                }
            }
        }
    }
}

impl Configured {
    fn announced(
        &self,
        block: &Block<'_>,
        touch: &Touch,
        ordinal: u32,
        decoded: &DecodedLog,
        memory: &StateTable,
        report: &mut Report<'_>,
    ) {
        let (called, named) = addresses(decoded);
        let is_ours = |address: &Address| self.ours.contains(address);
        let relied_on = |address: &&Address| self.of(**address).is_some();
        let ours: Vec<Address> =
            called.iter().chain(&named).filter(|a| is_ours(a)).copied().collect();
        let others: Vec<Address> = called.iter().filter(relied_on).copied().collect();
        let governor = block.log(touch.tx, ordinal).address;
        let who = block.name_of(governor);
        let (target, severity) = match (ours.first(), others.first()) {
            (Some(own), _) => (*own, worse(self.severity, 1)),
            (None, Some(other)) => (*other, self.severity),
            (None, None) => return,
        };
        let verb = if called.contains(&target) { "call" } else { "name" };
        let whose = if ours.is_empty() { ", which ours rely on" } else { ", which is ours" };
        let title = format!("{who} is asked to {verb} {}{whose}", block.name_of(target));
        let mut facts = vec![
            ("target", block.address_fact(target)),
            ("governor", block.address_fact(governor)),
        ];
        let more: Vec<FactValue> =
            ours.iter().chain(&others).skip(1).map(|a| block.address_fact(*a)).collect();
        if !more.is_empty() {
            facts.push(("also", FactValue::List(more)));
        }
        for name in ["proposalId", "id", "txHash", "description", "delay"] {
            if let Some(value) = decoded.arg(name) {
                facts.push((name, registry::fact(value, block.network(), block.registry)));
            }
        }
        let claim = Claim::about_log(block, touch.tx, ordinal, title).severity(severity);
        let claim = facts.into_iter().fold(claim, |claim, (name, value)| claim.fact(name, value));
        // The money is that of what is called, or of the governor itself.
        let weighed = self.of(target).or_else(|| at(&self.all, touch.deployment));
        report.claim(match weighed {
            Some(of) => with_stake(claim, block, of, memory).about(block, governor),
            None => claim,
        });
    }

    fn of(&self, address: Address) -> Option<&Watched> {
        self.all.iter().find(|of| of.dependency.address == address)
    }
}

/// Addresses that would be called, and addresses among the arguments of the calls.
fn addresses(decoded: &DecodedLog) -> (Vec<Address>, Vec<Address>) {
    let mut called = Vec::new();
    let mut named = Vec::new();
    for argument in ["target", "targets"] {
        each(decoded.arg(argument), &mut |value| called.extend(value.as_address()));
    }
    for argument in ["data", "calldatas"] {
        each(decoded.arg(argument), &mut |value| {
            if let Some(data) = value.as_bytes() {
                // With a selector before the words, or with a signature beside them.
                for start in [0, 4] {
                    let words = data.get(start..).unwrap_or_default().chunks_exact(32);
                    let words = words.map(|word| (None, B256::from_slice(word)));
                    named.extend(named_in_words(words).into_iter().map(|(of, _)| of));
                }
            }
        });
    }
    (called, named)
}

fn each(value: Option<&DynSolValue>, then: &mut dyn FnMut(&DynSolValue)) {
    match value {
        Some(DynSolValue::Array(values) | DynSolValue::FixedArray(values)) => {
            values.iter().for_each(then);
        }
        Some(value) => then(value),
        None => {}
    }
}
