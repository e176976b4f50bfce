//! What contracts are asked, to verify what their logs said.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, keccak256};
use model::{BlindReason, Name, PlannedRead, ReadRequest};
use registry::{
    Class, ContractAbi, Registry,
    authority::{Holdings, Question, Reading, Role, questions},
};

use super::{Configured, Held};
use crate::{
    detectors::{Block, Report},
    state::{Kind, StateTable},
};

/// A question with its plan.
pub(super) struct Asked {
    /// The same for the same question in every configuration.
    pub(super) id: u64,
    pub(super) read: PlannedRead,
    pub(super) question: Question,
}

/// Everything that is asked of the watched contracts: about the accounts that the policy names, and
/// about those that history names.
pub(super) fn asked(
    registry: &Registry,
    network: &Name,
    watched: &BTreeSet<Address>,
    treasuries: &BTreeSet<Address>,
) -> Vec<Question> {
    let declared = registry.authority();
    let Some(policy) = &declared.policy else { return Vec::new() };
    let mut history: BTreeMap<Address, Holdings> = BTreeMap::new();
    for scan in declared.scans.iter().filter(|scan| scan.network == *network) {
        // A scan that cannot be folded makes the monitor blind when its state is first needed.
        let folded = scan.fold_before(u64::MAX, |_| Some(0), |who| treasuries.contains(&who));
        history.extend(folded.unwrap_or_default());
    }
    let empty = ContractAbi::default();
    let mut all = Vec::new();
    for &contract in watched {
        let mut known: BTreeMap<Role, BTreeSet<Address>> = BTreeMap::new();
        for (role, holders) in policy.expected(network, contract, registry) {
            known.entry(role).or_default().extend(holders.keys());
        }
        for (role, holder, _) in history.get(&contract).iter().flat_map(|held| held.all()) {
            known.entry(role.clone()).or_default().insert(holder);
        }
        let deployment = registry.at(network, contract);
        let (class, abi) =
            deployment.map_or((Class::Contract, &empty), |d| (d.class, d.abi.as_ref()));
        let kind = policy.principal_at(network, contract).map(|principal| principal.kind);
        all.extend(questions(contract, class, kind, abi, &known));
    }
    all
}

/// The beginning of a hash, because the place of a question in the list changes with the policy.
pub(super) fn question_id(request: &ReadRequest) -> u64 {
    let digest = keccak256(format!("{request:?}"));
    digest.iter().take(8).fold(0, |id, byte| id << 8 | u64::from(*byte))
}

impl Configured {
    /// Holds what contracts answer against what their logs said. True when something is new.
    pub(super) fn verify(
        &self,
        block: &Block<'_>,
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) -> bool {
        let number = block.bundle.header.number;
        let began = self.began(memory, block);
        let mut is_changed = false;
        for asked in self.asked.iter().filter(|asked| asked.read.is_due(number)) {
            let contract = asked.question.contract;
            let mut reading = Reading::default();
            match block.answer(&asked.question.request) {
                Some(Ok(bytes)) => reading.take(&asked.question, Ok(bytes)),
                Some(Err(reason)) => reading.take(&asked.question, Err(reason)),
                None => reading.take(&asked.question, Err("was not asked")),
            }
            if let Some(failed) = reading.failed.first() {
                let reason = format!("{} of {}", failed, block.name_of(contract));
                report.blind(BlindReason::ReadMissing(reason));
                continue;
            }
            let held = self.held(contract, began, memory);
            let mismatches = reading.mismatches(&held.holdings);
            let known = held.mismatches.get(&asked.id).map_or(&[][..], Vec::as_slice);
            let mut now = held.clone();
            if mismatches.is_empty() {
                now.mismatches.remove(&asked.id);
                now.holdings = reading.over(&held.holdings);
            } else if mismatches != known {
                now.mismatches.insert(asked.id, mismatches);
            }
            let is_new = memory.get::<Held>(&self.key_of(Kind::Held, contract)).is_none();
            if now != held || is_new {
                self.keep(contract, now, memory);
                is_changed = true;
            }
        }
        is_changed
    }
}
