//! Workers and their shares: detectors fold every block in order, expressions take batches as they
//! come.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    time::Instant,
};

use alert::Policy;
use detect::{Dependence, Engine, MonitorAccount};
use model::{BlindReason, ChainEvent, CoverageResult, Finding, Name, PlannedRead, Position};

use super::{Batch, QUEUE_BATCHES, alerts::Desk, merge::Merge, order, report::Report};
use crate::config::Config;

/// One configuration with its workers, ready to judge.
pub(super) struct Side {
    accounts: Vec<MonitorAccount>,
    /// Engines that see every batch, in order; the first also says which reads are wanted.
    in_order: Vec<Engine>,
    /// Engines that see some batches; none where every monitor needs the past.
    apart: Vec<Engine>,
    reads: Vec<PlannedRead>,
}

/// What one worker has to say of one batch.
pub(super) struct Said {
    pub(super) batch: u64,
    /// Per event of the batch.
    pub(super) events: Vec<Judged>,
}

/// What one worker has to say of one event.
#[derive(Default)]
pub(super) struct Judged {
    pub(super) findings: Vec<Finding>,
    /// Monitors, by number, that were blind, with the reason.
    pub(super) blind: Vec<(u32, BlindReason)>,
    pub(super) judging_ns: u64,
}

impl Side {
    pub(super) fn new(config: &Config, network: &Name, workers: usize) -> anyhow::Result<Self> {
        let engine = |keep: &HashSet<Name>| -> anyhow::Result<Engine> {
            let mut engine = Engine::new(config.registry.clone(), config.monitors.clone())
                .map_err(|errors| {
                    let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
                    anyhow::anyhow!("monitors of {network}: {}", errors.join("; "))
                })?;
            engine.keep_only(network, |name| keep.contains(name));
            Ok(engine)
        };
        let whole = engine(&HashSet::new())?;
        let accounts = whole.monitors(network);
        let reads = whole.reads(network).reads().to_vec();
        let of = |dependence| {
            let is_it = move |account: &&MonitorAccount| account.dependence == dependence;
            accounts.iter().filter(is_it).map(|account| account.monitor.clone())
        };
        let mut shares: Vec<HashSet<Name>> = vec![HashSet::new(); workers.max(1)];
        for (at, monitor) in of(Dependence::Past).enumerate() {
            let share = at % shares.len();
            shares[share].insert(monitor);
        }
        shares.retain(|share| !share.is_empty());
        let alone: HashSet<Name> = of(Dependence::Block).collect();
        let in_order = shares.iter().map(&engine).collect::<anyhow::Result<Vec<_>>>()?;
        let apart = if alone.is_empty() { 0 } else { workers.max(1) };
        let apart = (0..apart).map(|_| engine(&alone)).collect::<anyhow::Result<Vec<_>>>()?;
        Ok(Self { accounts, in_order, apart, reads })
    }

    pub(super) fn reads(&self) -> impl Iterator<Item = PlannedRead> {
        self.reads.iter().cloned()
    }

    /// Judges every batch and reports. Runs until the feed ends.
    pub(super) fn judge(
        self,
        network: &Name,
        policy: &Policy,
        batches: Receiver<Batch>,
        brings_finality: bool,
        first_alerts: usize,
    ) -> anyhow::Result<Report> {
        let Self { accounts, in_order, apart, .. } = self;
        let order = order(&accounts);
        let voices = in_order.len() + usize::from(!apart.is_empty());
        let mut desk = Desk::new(network, policy, &accounts, first_alerts);
        let task = Task { network, order: &order, is_final_at_once: !brings_finality };
        let panicked = || anyhow::anyhow!("a worker panicked");
        std::thread::scope(|scope| {
            let (said_out, said_in) = sync_channel::<Said>(QUEUE_BATCHES * (voices + 1));
            let (notes_out, notes_in) = sync_channel::<Batch>(QUEUE_BATCHES);
            let mut feeds: Vec<SyncSender<Batch>> = Vec::new();
            let mut threads = Vec::new();
            for mut engine in in_order {
                let (feed, batches) = sync_channel::<Batch>(QUEUE_BATCHES);
                feeds.push(feed);
                let said_out = said_out.clone();
                threads.push(scope.spawn(move || {
                    for batch in batches {
                        if said_out.send(task.fold(&mut engine, &batch)).is_err() {
                            return;
                        }
                    }
                }));
            }
            if !apart.is_empty() {
                let (feed, batches) = sync_channel::<Batch>(QUEUE_BATCHES);
                feeds.push(feed);
                let batches = Arc::new(Mutex::new(batches));
                for mut engine in apart {
                    let (said_out, batches) = (said_out.clone(), batches.clone());
                    threads.push(scope.spawn(move || {
                        loop {
                            // Held while waiting: one waits for the next batch, the others for it.
                            let next =
                                batches.lock().unwrap_or_else(PoisonError::into_inner).recv();
                            let Ok(batch) = next else { return };
                            if said_out.send(task.fold_alone(&mut engine, &batch)).is_err() {
                                return;
                            }
                        }
                    }));
                }
            }
            drop(said_out);
            let feeder = scope.spawn(move || {
                for batch in batches {
                    if feeds.iter().any(|feed| feed.send(batch.clone()).is_err())
                        || notes_out.send(batch).is_err()
                    {
                        return;
                    }
                }
            });
            let mut merge = Merge::new(voices, &order);
            for batch in notes_in {
                // Every voice speaks of every batch, so this ends; if one died, the channel does.
                while !merge.is_whole(batch.number) {
                    let Ok(said) = said_in.recv() else { return Err(panicked()) };
                    merge.take(said);
                }
                desk.take(&batch, merge.give(&batch), brings_finality);
            }
            let is_sound = feeder.join().is_ok() & threads.into_iter().all(|t| t.join().is_ok());
            if is_sound { Ok(()) } else { Err(panicked()) }
        })?;
        Ok(desk.report())
    }
}

/// What every worker of a side has to know.
#[derive(Clone, Copy)]
struct Task<'a> {
    network: &'a Name,
    order: &'a HashMap<Name, u32>,
    /// Blocks are past and nothing of them is ever undone.
    is_final_at_once: bool,
}

impl Task<'_> {
    /// Every event, in order, as a live engine sees them.
    fn fold(self, engine: &mut Engine, batch: &Batch) -> Said {
        let judged = |event: &ChainEvent| self.judge(engine, event, self.is_final_at_once);
        Said { batch: batch.number, events: batch.events.iter().map(judged).collect() }
    }

    /// The blocks of a batch by monitors that need nothing else. What happens to the chain around
    /// them is for those who fold it: this engine has not seen the blocks before.
    fn fold_alone(self, engine: &mut Engine, batch: &Batch) -> Said {
        let judged = |event: &ChainEvent| match event {
            ChainEvent::Committed(_) | ChainEvent::Recovered(_) => self.judge(engine, event, true),
            _ => Judged::default(),
        };
        Said { batch: batch.number, events: batch.events.iter().map(judged).collect() }
    }

    fn judge(self, engine: &mut Engine, event: &ChainEvent, is_final: bool) -> Judged {
        let began = Instant::now();
        let judgement = engine.apply(Position(0), event);
        if let (true, ChainEvent::Committed(bundle)) = (is_final, event) {
            let (network, block) = (self.network.clone(), bundle.block_ref());
            engine.apply(Position(0), &ChainEvent::Finalized { network, block });
        }
        let judging_ns = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let mut blind: BTreeMap<u32, BlindReason> = BTreeMap::new();
        for row in judgement.coverage {
            let CoverageResult::Judged { blind: found, .. } = row.result else { continue };
            for one in found {
                let Some(at) = self.order.get(&one.monitor) else { continue };
                blind.entry(*at).or_insert(one.reason);
            }
        }
        Judged { findings: judgement.findings, blind: blind.into_iter().collect(), judging_ns }
    }
}
