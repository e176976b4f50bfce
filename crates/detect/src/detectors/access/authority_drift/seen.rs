//! What logs and calls of a block change.

use std::collections::BTreeMap;

use alloy_primitives::Address;
use model::BlindReason;
use registry::authority::{Change, Moment, Role};

use super::{Configured, Held, Uses};
use crate::{
    detectors::{Block, Report, Touch},
    state::{Kind, StateTable},
};

/// Where in the block a contract's role of an account changed: transaction and log.
pub(super) type SourceOf = BTreeMap<(Address, Option<Role>, Option<Address>), (u32, u32)>;

impl Configured {
    pub(super) fn fold(
        &self,
        block: &Block<'_>,
        (tx, ordinal): (u32, u32),
        memory: &mut StateTable,
        sources: &mut SourceOf,
        report: &mut Report<'_>,
    ) -> bool {
        let log = block.log(tx, ordinal);
        let changes = match Change::read(log, |who| self.is_treasury(who)) {
            Ok(changes) => changes,
            Err(why) => {
                report.blind(BlindReason::Undecodable(why.to_string()));
                return false;
            }
        };
        let when = Moment { block: block.bundle.header.number, at: block.at };
        let began = self.began(memory, block);
        let mut is_changed = false;
        for (contract, change) in changes {
            if !self.watched.contains(&contract) {
                continue;
            }
            let mut held = self.held(contract, began, memory);
            if let Err(why) = held.holdings.apply(&change, when) {
                report
                    .blind(BlindReason::Evaluation(format!("{}: {why}", block.name_of(contract))));
                continue;
            }
            held.changed_at = Some(when.block);
            let (role, account) = match &change {
                Change::Gained { role, account } => (Some(role.clone()), Some(*account)),
                Change::Lost { role, account } => (Some(role.clone()), *account),
                _ => (None, None),
            };
            sources.insert((contract, role, account), (tx, ordinal));
            self.keep(contract, held, memory);
            is_changed = true;
        }
        is_changed
    }

    /// Remembers that somebody who holds power over a contract called it.
    pub(super) fn note_use(
        &self,
        block: &Block<'_>,
        touch: &Touch,
        frame: u32,
        memory: &mut StateTable,
    ) {
        let frames = block.trace(touch.tx);
        let caller = match frames.and_then(|trace| trace.frames.get(frame as usize)) {
            Some(frame) => frame.from,
            None if frame == 0 => block.tx(touch.tx).from,
            None => return,
        };
        let contract = self.registry.deployments()[touch.deployment as usize].address;
        let held = memory.get::<Held>(&self.key_of(Kind::Held, contract));
        let is_holder =
            held.is_some_and(|held| held.holdings.all().any(|(_, holder, _)| holder == caller));
        let key = self.key_of(Kind::Uses, contract);
        let is_news = memory.get::<Uses>(&key).is_none_or(|uses| uses.is_news(caller, block.at));
        if is_holder && is_news {
            memory.entry(key, Uses::default).note(caller, block.at);
        }
    }
}
