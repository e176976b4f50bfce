//! What one block says about the lives and lineages of deployments.

use std::collections::BTreeSet;

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, B256, KECCAK256_EMPTY};
use model::{BlockBundle, BlockRef, Log};
use registry::{
    Registry,
    lifecycle::{Cause, Lifecycle},
    lineage::{Birth, Delegate, FacetCut},
    risk::{self, OperationCall, Parameter, ParameterUpdate, RiskKind, Stage},
};
use rustc_hash::FxHashMap;

use super::{Chronicle, Cut, Moved, News, OwnCode, PendingUpgrade, Place};
use crate::{state::StateTable, windows::Activity};

/// What is needed to read a block for what it says about deployments.
pub(crate) struct Scene<'a> {
    pub(crate) bundle: &'a BlockBundle,
    pub(crate) known: &'a Registry,
    pub(crate) guarded: &'a FxHashMap<Address, u32>,
    pub(crate) activity: &'a Activity,
    /// Whether any monitor is on the deployment.
    pub(crate) is_watched: &'a dyn Fn(u32) -> bool,
}

/// Notes everything a block says about deployments. `enrol` are those that nothing is remembered of
/// yet, but for children, which come with their creation.
pub(crate) fn tell(
    scene: &Scene<'_>,
    enrol: impl Iterator<Item = u32>,
    news: &mut News,
    memory: &mut StateTable,
) {
    let mut teller = Teller {
        scene,
        block: scene.bundle.block_ref(),
        memory,
        moves: Vec::new(),
        cuts: Vec::new(),
    };
    enrol.for_each(|index| teller.enrol(index));
    teller.creations(news);
    teller.code_hashes();
    teller.logs();
    teller.uses();
    (news.moves, news.cuts) = (teller.moves, teller.cuts);
}

struct Teller<'a, 's> {
    scene: &'a Scene<'s>,
    block: BlockRef,
    memory: &'a mut StateTable,
    moves: Vec<Moved>,
    cuts: Vec<Cut>,
}

impl Teller<'_, '_> {
    fn address(&self, index: u32) -> Address {
        self.scene.known.deployment(index).address
    }

    /// Changes a chronicle only if there is something to change: what is not touched is not written.
    fn learn(&mut self, index: u32, cause: Cause, place: Place) {
        let key = Chronicle::key(self.address(index));
        let known = self.memory.get::<Chronicle>(&key);
        if known.is_none_or(|chronicle| chronicle.life.is_news(cause)) {
            let chronicle = self.memory.entry(key, Chronicle::default);
            if let Some(change) = chronicle.learn(cause, self.block) {
                self.moves.push(Moved { deployment: index, change, place });
            }
        }
    }

    fn enrol(&mut self, index: u32) {
        let is_planned = self.scene.known.planned(index).is_some();
        let life = if is_planned { Lifecycle::planned() } else { Lifecycle::deployed() };
        let key = Chronicle::key(self.address(index));
        if self.memory.get::<Chronicle>(&key).is_none() {
            self.memory.entry(key, || Chronicle::begin(life));
        }
        if (self.scene.is_watched)(index) {
            self.learn(index, Cause::Watched, Place::State);
        }
        let declared = self.scene.known.declared_end(index);
        self.learn(index, Cause::Declared(declared), Place::State);
    }

    fn creations(&mut self, news: &News) {
        let bundle = self.scene.bundle;
        for arrival in &news.arrivals {
            let key = Chronicle::key(self.address(arrival.child));
            self.memory.entry(key, || Chronicle::begin(Lifecycle::planned()));
            if (self.scene.is_watched)(arrival.child) {
                self.learn(arrival.child, Cause::Watched, arrival.place);
            }
            self.learn(arrival.child, Cause::CodeSeen, arrival.place);
        }
        for creation in &news.creations {
            let Some(&index) = self.scene.guarded.get(&creation.address) else { continue };
            let place = Place::Frame { tx: creation.tx, index: creation.frame };
            let transaction = &bundle.transactions[creation.tx as usize];
            let birth = Birth {
                creator: creation.creator,
                sender: transaction.from,
                tx: transaction.hash,
                block: self.block,
            };
            let key = Chronicle::key(creation.address);
            self.memory.entry(key, Chronicle::default).lineage.birth = Some(birth);
            self.learn(index, Cause::CodeSeen, place);
            if let Some(hash) = creation.code(bundle).hash() {
                self.code(index, hash, place);
            }
        }
    }

    /// Notes the hash of a deployment's code.
    fn code(&mut self, index: u32, hash: B256, place: Place) {
        let code = (hash != KECCAK256_EMPTY).then_some(hash);
        let deployment = self.scene.known.deployment(index);
        let key = Chronicle::key(deployment.address);
        let known = self.memory.get::<Chronicle>(&key);
        // Before a planned contract exists, that it has no code is no history; of an account it is.
        let is_planned = self.scene.known.planned(index).is_some();
        let is_news = known.is_none_or(|chronicle| {
            let history = &chronicle.lineage.code;
            history.is_news(code) && (code.is_some() || history.now().is_some() || !is_planned)
        });
        if !is_news {
            return;
        }
        let is_account = known.is_some_and(|chronicle| {
            let first = chronicle.lineage.code.iter().next();
            chronicle.lineage.birth.is_none() && first.is_none_or(|since| since.what.is_none())
        });
        let chronicle = self.memory.entry(key, Chronicle::default);
        chronicle.lineage.code.note(code, self.block);
        match code {
            // An account may delegate to code and stop (EIP-7702); that ends nothing.
            None if is_account => {}
            None => self.learn(index, Cause::CodeVanished, place),
            Some(hash) => {
                self.learn(index, Cause::CodeSeen, place);
                let own = OwnCode::key(hash);
                if self.memory.get::<OwnCode>(&own).is_none() {
                    let (of, label) = (deployment.address, deployment.label.clone());
                    self.memory.entry(own, || OwnCode { of, label });
                }
            }
        }
    }

    fn code_hashes(&mut self) {
        let scene = self.scene;
        for read in &scene.bundle.reads {
            let model::ReadRequest::CodeHash(of) = read.request else { continue };
            let word = read.result.as_ref().ok().and_then(|b| B256::try_from(b.as_ref()).ok());
            if let (Some(hash), Some(&index)) = (word, scene.guarded.get(&of)) {
                self.code(index, hash, Place::State);
            }
        }
    }

    fn logs(&mut self) {
        let scene = self.scene;
        for (tx, transaction) in (0u32..).zip(&scene.bundle.transactions) {
            for (ordinal, log) in (0u32..).zip(&transaction.logs) {
                let Some(&index) = scene.guarded.get(&log.address) else { continue };
                let place = Place::Log { tx, ordinal };
                // What cannot be read makes the monitors on it blind; it is no news of a life.
                let Ok(Some(event)) = risk::read(log) else { continue };
                if let RiskKind::ParameterUpdate(update) = &event.kind {
                    self.update(index, log, update, place);
                }
            }
        }
    }

    fn update(&mut self, index: u32, log: &Log, update: &ParameterUpdate, place: Place) {
        let address_of = |value: &DynSolValue| value.as_address();
        match (update.parameter, update.new.as_ref()) {
            (Parameter::Paused, Some(DynSolValue::Bool(is_paused))) => {
                let cause = if *is_paused { Cause::Paused } else { Cause::Unpaused };
                self.learn(index, cause, place);
            }
            (Parameter::Implementation, Some(new)) => {
                if let Some(to) = address_of(new) {
                    self.delegate(index, Delegate::Implementation(to), place);
                }
            }
            (Parameter::Beacon, Some(new)) => {
                if let Some(to) = address_of(new) {
                    self.delegate(index, Delegate::Beacon(to), place);
                }
            }
            (Parameter::Facets, Some(new)) => {
                let Some(cuts) = FacetCut::read_all(new) else { return };
                let key = Chronicle::key(log.address);
                let chronicle = self.memory.entry(key, Chronicle::default);
                let diff = chronicle.lineage.diff(&cuts);
                chronicle.lineage.cut(&diff);
                self.cuts.push(Cut { place, diff });
                self.learn(index, Cause::Upgraded, place);
            }
            (Parameter::Operation { id, stage }, _) => {
                let pending = PendingUpgrade::key(log.address, id);
                match stage {
                    Stage::Scheduled => {
                        let of = update.call.as_ref().and_then(|call| self.upgraded_by(call));
                        let Some((target, of)) = of else { return };
                        self.memory.entry(pending, || PendingUpgrade { of });
                        self.learn(target, Cause::UpgradeScheduled(id), place);
                    }
                    Stage::Executed | Stage::Cancelled => {
                        let Some(of) = self.memory.get::<PendingUpgrade>(&pending).map(|p| p.of)
                        else {
                            return;
                        };
                        self.memory.remove(&pending);
                        let Some(&target) = self.scene.guarded.get(&of) else { return };
                        let cause = match stage {
                            Stage::Executed => Cause::Upgraded,
                            _ => Cause::UpgradeCancelled(id),
                        };
                        self.learn(target, cause, place);
                    }
                }
            }
            _ => {}
        }
    }

    fn delegate(&mut self, index: u32, to: Delegate, place: Place) {
        let key = Chronicle::key(self.address(index));
        let known = self.memory.get::<Chronicle>(&key);
        if known.is_none_or(|chronicle| chronicle.lineage.delegates.is_news(to)) {
            let block = self.block;
            self.memory.entry(key, Chronicle::default).lineage.delegates.note(to, block);
        }
        self.learn(index, Cause::Upgraded, place);
    }

    /// The guarded deployment that an operation would upgrade.
    fn upgraded_by(&self, call: &OperationCall) -> Option<(u32, Address)> {
        let (target, data) = (call.target?, call.data.as_ref()?);
        let (selector, arguments) = match call.signature.as_deref() {
            Some(signature) if !signature.is_empty() => {
                (alloy_primitives::keccak256(signature)[..4].try_into().ok()?, data.as_ref())
            }
            _ => (*data.first_chunk::<4>()?, &data[4..]),
        };
        let of = match upgrade_of(selector)? {
            Upgrades::Callee => target,
            Upgrades::FirstArgument => Address::from_word(B256::from(*arguments.first_chunk()?)),
        };
        Some((*self.scene.guarded.get(&of)?, of))
    }

    /// Whoever was called, or said something, is in use, and has code.
    fn uses(&mut self) {
        let activity = self.scene.activity;
        let spoke: BTreeSet<u32> = activity.logs.iter().map(|(index, ..)| *index).collect();
        for index in &spoke {
            self.learn(*index, Cause::CodeSeen, Place::State);
        }
        let called = activity.calls.iter().filter(|calls| calls.tally.calls() > calls.tally.failed);
        let used: BTreeSet<u32> = called.map(|calls| calls.deployment).chain(spoke).collect();
        for index in used {
            self.learn(index, Cause::Used, Place::State);
        }
    }
}

/// Whom an upgrading function upgrades.
enum Upgrades {
    Callee,
    FirstArgument,
}

/// Functions that put other code in place, by selector.
fn upgrade_of(selector: [u8; 4]) -> Option<Upgrades> {
    Some(match selector {
        // upgradeTo(address), upgradeToAndCall(address,bytes), diamondCut(…),
        // changeMasterCopy(address)
        [0x36, 0x59, 0xcf, 0xe6]
        | [0x4f, 0x1e, 0xf2, 0x86]
        | [0x1f, 0x93, 0x1c, 0x1c]
        | [0x7d, 0xe7, 0xed, 0xef] => Upgrades::Callee,
        // ProxyAdmin: upgrade(address,address), upgradeAndCall(address,address,bytes)
        [0x99, 0xa8, 0x8e, 0xc4] | [0x96, 0x23, 0x60, 0x9d] => Upgrades::FirstArgument,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::keccak256;

    #[test]
    fn upgrading_functions_are_known_by_their_selectors() {
        let selector = |text: &str| keccak256(text)[..4].try_into().unwrap();
        for text in [
            "upgradeTo(address)",
            "upgradeToAndCall(address,bytes)",
            "diamondCut((address,uint8,bytes4[])[],address,bytes)",
            "changeMasterCopy(address)",
        ] {
            assert!(matches!(upgrade_of(selector(text)), Some(Upgrades::Callee)), "{text}");
        }
        for text in ["upgrade(address,address)", "upgradeAndCall(address,address,bytes)"] {
            assert!(matches!(upgrade_of(selector(text)), Some(Upgrades::FirstArgument)), "{text}");
        }
        assert!(upgrade_of(selector("transfer(address,uint256)")).is_none());
    }
}
