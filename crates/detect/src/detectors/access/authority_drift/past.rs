//! Who held what before the first block that was judged.

use alloy_primitives::Address;
use model::BlindReason;
use registry::authority::{Holdings, Moment, Past};

use super::{Configured, Drifts, Held};
use crate::{
    detectors::{Block, Report},
    state::{Key, Kind, StateTable},
};

impl Configured {
    pub(super) fn key_of(&self, kind: Kind, contract: Address) -> Key {
        Key::new(kind).monitor(&self.key).address(contract)
    }

    pub(super) fn is_treasury(&self, account: Address) -> bool {
        self.treasuries.contains(&account)
    }

    /// Takes the past from a scan: at the first block, and when a newer scan knows more than was
    /// seen. True when something changed by it.
    pub(super) fn begin(
        &self,
        block: &Block<'_>,
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) -> bool {
        let number = block.bundle.header.number;
        let drifts = Key::new(Kind::Drifts).monitor(&self.key);
        let scans = &self.registry.authority().scans;
        let scans = scans.iter().filter(|scan| scan.network == self.network);
        let reaches: Vec<_> = scans.clone().map(|scan| scan.to_block).collect();
        let known = memory.get::<Drifts>(&drifts);
        let is_first = known.is_none();
        if known.is_some_and(|known| known.scanned_to == reaches) {
            return false;
        }
        let began = Moment { block: number, at: block.at };
        memory.entry(drifts, || Drifts::new(began)).scanned_to = reaches;
        let mut is_changed = false;
        for scan in scans {
            let knows_more = |contract: &Address| {
                let held = memory.get::<Held>(&self.key_of(Kind::Held, *contract));
                let is_better = held.is_none_or(|held| {
                    let is_newer = held.scanned_to.is_none_or(|to| to < scan.to_block);
                    let has_all = held.changed_at.is_none_or(|block| block <= scan.to_block);
                    held.holdings.past != Past::Whole && is_newer && has_all
                });
                self.watched.contains(contract) && is_better
            };
            let wanted: Vec<Address> = scan.contracts.keys().copied().filter(knows_more).collect();
            if wanted.is_empty() {
                continue;
            }
            let first_block =
                |contract| self.registry.at(&self.network, contract).and_then(|d| d.first_block);
            let folded = scan.fold_before(number, first_block, |who| self.is_treasury(who));
            let mut folded = match folded {
                Ok(folded) => folded,
                Err(why) => {
                    let reason = format!("the scan of {}: {why}", self.network);
                    report.blind(BlindReason::Undecodable(reason));
                    continue;
                }
            };
            for contract in wanted {
                let Some(mut holdings) = folded.remove(&contract) else { continue };
                let key = self.key_of(Kind::Held, contract);
                let seen_from = if is_first { number } else { self.began(memory, block).block };
                let live_from = memory.get::<Held>(&key).map_or(seen_from, |held| held.live_from);
                // From `live_from` on every log was seen; the scan need only reach up to there.
                let begins_in_time =
                    first_block(contract).unwrap_or(0) >= scan.contracts[&contract];
                if begins_in_time && scan.to_block.saturating_add(1) >= live_from {
                    holdings.past = Past::Whole;
                }
                self.keep(contract, Held::new(holdings, live_from, Some(scan.to_block)), memory);
                is_changed = true;
            }
        }
        is_changed
    }

    /// What is remembered of a contract, or what may be known of it from here on.
    pub(super) fn held(&self, contract: Address, began: Moment, memory: &StateTable) -> Held {
        let key = self.key_of(Kind::Held, contract);
        memory.get::<Held>(&key).cloned().unwrap_or_else(|| {
            let deployment = self.registry.at(&self.network, contract);
            let first_block = deployment.and_then(|d| d.first_block);
            let past = match first_block {
                Some(first) if first >= began.block => Past::Whole,
                _ => Past::UnknownBefore(began.block),
            };
            Held::new(Holdings::new(past), began.block, None)
        })
    }

    pub(super) fn keep(&self, contract: Address, held: Held, memory: &mut StateTable) {
        let slot = memory.entry(self.key_of(Kind::Held, contract), || held.clone());
        *slot = held;
    }

    pub(super) fn began(&self, memory: &StateTable, block: &Block<'_>) -> Moment {
        let drifts = memory.get::<Drifts>(&Key::new(Kind::Drifts).monitor(&self.key));
        let now = Moment { block: block.bundle.header.number, at: block.at };
        drifts.map_or(now, |drifts| drifts.began)
    }
}
