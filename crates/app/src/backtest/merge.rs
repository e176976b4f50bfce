//! What workers say, back in order: a batch is given on when every voice has spoken of it.

use std::collections::{BTreeMap, HashMap};

use model::Name;

use super::{
    Batch,
    work::{Judged, Said},
};

/// What has been said of batches that are not whole yet.
pub(super) struct Merge<'a> {
    voices: usize,
    order: &'a HashMap<Name, u32>,
    waiting: BTreeMap<u64, Vec<Said>>,
}

impl<'a> Merge<'a> {
    /// Waits for so many voices on each batch.
    pub(super) fn new(voices: usize, order: &'a HashMap<Name, u32>) -> Self {
        Self { voices, order, waiting: BTreeMap::new() }
    }

    pub(super) fn take(&mut self, said: Said) {
        self.waiting.entry(said.batch).or_default().push(said);
    }

    pub(super) fn is_whole(&self, batch: u64) -> bool {
        self.waiting.get(&batch).map_or(0, Vec::len) == self.voices
    }

    /// What all together say of each event of a whole batch: findings in the order in which one
    /// engine would have made them.
    pub(super) fn give(&mut self, batch: &Batch) -> Vec<Judged> {
        let mut events: Vec<Judged> = batch.events.iter().map(|_| Judged::default()).collect();
        for said in self.waiting.remove(&batch.number).unwrap_or_default() {
            for (all, one) in events.iter_mut().zip(said.events) {
                all.findings.extend(one.findings);
                all.blind.extend(one.blind);
                all.judging_ns = all.judging_ns.saturating_add(one.judging_ns);
            }
        }
        for event in &mut events {
            // Findings of one monitor stay in their own order: the sort is stable, and one voice
            // alone speaks for each monitor.
            event.findings.sort_by_key(|finding| self.order.get(&finding.monitor).copied());
            event.blind.sort_by_key(|(at, _)| *at);
            event.blind.dedup_by_key(|(at, _)| *at);
        }
        events
    }
}
