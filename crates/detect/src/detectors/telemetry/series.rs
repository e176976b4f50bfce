//! What the telemetry detectors have in common: series, buckets, warm-up, and what each remembers.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use model::{Address, BlindReason, Name, SeriesKey, UnixSeconds};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::{
    detectors::{Block, ParamKind, ParamSpec, Settings, Site},
    state::{Key, Kind, MonitorKey, StateTable},
    thresholds::{
        Calibration, Episode, EpisodeRules, EwmaChart, FailedShare, Level, OwnLimit, Rate,
        VarianceChart,
    },
    windows::{CallTally, Function, function_label},
};

/// Parameters that all telemetry detectors share.
pub(super) const BUCKET_S: ParamSpec = ParamSpec {
    name: "bucket_s",
    kind: ParamKind::Integer { default: 60, min: 1, max: 86_400 },
    doc: "seconds of chain time that make one observation",
};
pub(super) const WARM_UP_OBSERVATIONS: ParamSpec = ParamSpec {
    name: "warm_up_observations",
    kind: ParamKind::Integer { default: 200, min: 5, max: 1_000_000 },
    doc: "observations of a function before it is judged",
};
pub(super) const WARM_UP_S: ParamSpec = ParamSpec {
    name: "warm_up_s",
    kind: ParamKind::Integer { default: 86_400, min: 0, max: 31_536_000 },
    doc: "seconds of chain time that those observations must span",
};

/// How much slower baselines learn while an episode is open.
pub(super) const CAUTION_WHILE_OPEN: f64 = 0.1;

/// One function of one contract.
pub(super) type Entity = (Address, [u8; 5]);

/// Buckets of one monitor that a later block must close even if nothing touches them again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenBuckets {
    /// Chain time divided by the bucket's length.
    bucket: u64,
    entities: BTreeSet<Entity>,
}

/// What [`super::gas_unusual`] remembers of a function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GasLevel {
    pub(super) first_at: UnixSeconds,
    /// Of the open bucket: calls that took effect and the sum of ln gas.
    pub(super) calls: u64,
    pub(super) sum_ln: f64,
    /// ln gas of the last calls.
    pub(super) last_ln: VecDeque<f64>,
    pub(super) fast: Level,
    pub(super) slow: Level,
    /// Of ln variance within the last calls.
    pub(super) scatter: Level,
    pub(super) mean_chart: EwmaChart,
    pub(super) variance_chart: VarianceChart,
    pub(super) scatter_chart: EwmaChart,
    /// Limits of the charts out of their own past: spike, lasting shift, spread, scatter.
    pub(super) own: [OwnLimit; 4],
    pub(super) episode: Episode,
}

/// What the charts of one function did while nothing was wrong: changes once in a block of
/// observations, so it lies beside what changes with each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChartPast(Vec<Calibration>);

impl ChartPast {
    /// The pasts of so many charts. What was stored by a detector with another number of charts is
    /// learned anew.
    pub(super) fn charts<const N: usize>(&mut self) -> &mut [Calibration; N] {
        if self.0.len() != N {
            self.0 = vec![Calibration::new(); N];
        }
        self.0.as_mut_slice().try_into().expect("the length was made right above")
    }
}

/// What [`super::failed_calls_rise`] remembers of a function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FailedCalls {
    pub(super) first_at: UnixSeconds,
    /// Calls not yet learned from: those of the open bucket and of earlier ones too small to judge.
    pub(super) calls: u64,
    pub(super) failed: u64,
    pub(super) share: FailedShare,
    pub(super) episode: Episode,
}

/// What [`super::call_rate_unusual`] remembers of a function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallRate {
    pub(super) first_at: UnixSeconds,
    /// The open bucket and its calls.
    pub(super) bucket: u64,
    pub(super) calls: u64,
    pub(super) rate: Rate,
    pub(super) own: OwnLimit,
    pub(super) episode: Episode,
}

/// The name of the contract that a series was made for, with the series.
type Named = (String, Arc<SeriesKey>);

/// Settings and names that all telemetry detectors need.
#[derive(Debug)]
pub(super) struct Telemetry {
    pub(super) site: Site,
    pub(super) bucket_s: u64,
    pub(super) warm_up_observations: u64,
    pub(super) warm_up_s: u64,
    pub(super) rules: EpisodeRules,
    monitor: MonitorKey,
    kind: Kind,
    /// Names of series made so far, each with the contract's name in it: a child that a reorg
    /// brings back may have another number. No judgement depends on it.
    names: Mutex<FxHashMap<(Entity, &'static str), Named>>,
}

impl Telemetry {
    pub(super) fn new(settings: &Settings, site: Site, kind: Kind) -> Self {
        let warm_up_s = settings.integer("warm_up_s");
        Self {
            bucket_s: settings.integer("bucket_s"),
            warm_up_observations: settings.integer("warm_up_observations"),
            warm_up_s,
            rules: EpisodeRules::for_baseline_span(warm_up_s),
            monitor: site.key,
            kind,
            site,
            names: Mutex::default(),
        }
    }

    /// Number of the bucket that a moment falls into.
    pub(super) fn bucket(&self, at: UnixSeconds) -> u64 {
        at.0 / self.bucket_s
    }

    /// Key of what is remembered of a function.
    pub(super) fn key(&self, (address, function): Entity) -> Key {
        Key::new(self.kind).monitor(&self.monitor).address(address).with(&function)
    }

    /// What the charts of a function did in the past.
    pub(super) fn past<'m>(&self, entity: Entity, memory: &'m mut StateTable) -> &'m mut ChartPast {
        let (address, function) = entity;
        let key = Key::new(Kind::ChartPast).monitor(&self.monitor).address(address).with(&function);
        memory.entry(key, || ChartPast(Vec::new()))
    }

    /// The calls of this block to guarded functions.
    pub(super) fn tallies<'b>(
        &'b self,
        block: &'b Block<'_>,
    ) -> impl Iterator<Item = (Entity, &'b CallTally)> + 'b {
        block.activity.calls.iter().filter(|c| block.is_guarded_by(&self.site, c.deployment)).map(
            |calls| {
                let address = block.deployment(calls.deployment).address;
                ((address, calls.function.key_bytes()), &calls.tally)
            },
        )
    }

    /// Entities whose open bucket ended before this block, with that bucket's number; they are
    /// forgotten as open. Entities touched by this block are remembered as open.
    pub(super) fn turn_over(
        &self,
        block: &Block<'_>,
        memory: &mut StateTable,
    ) -> (u64, Vec<Entity>) {
        // Kind first, so that the three detectors of one monitor could not meet; the monitor's key
        // keeps monitors apart.
        let key = Key::new(Kind::OpenBuckets).monitor(&self.monitor);
        let now = self.bucket(block.at);
        let (bucket, ended) = match memory.get::<OpenBuckets>(&key) {
            Some(open) if open.bucket < now => {
                (open.bucket, open.entities.iter().copied().collect())
            }
            Some(open) => (open.bucket, Vec::new()),
            None => (now, Vec::new()),
        };
        let touched: Vec<Entity> = self.tallies(block).map(|(entity, _)| entity).collect();
        if ended.is_empty() && touched.is_empty() {
            return (bucket, ended);
        }
        let open = memory.entry(key, OpenBuckets::default);
        if open.bucket < now {
            open.entities.clear();
        }
        open.bucket = open.bucket.max(now);
        open.entities.extend(touched);
        (bucket, ended)
    }

    /// Whether a function is known well enough; else why not.
    pub(super) fn warm(
        &self,
        observations: u64,
        first_at: UnixSeconds,
        now: UnixSeconds,
    ) -> Result<(), BlindReason> {
        let needed = self.warm_up_observations;
        let spanned_s = now.seconds_since(first_at);
        if observations >= needed && spanned_s >= self.warm_up_s {
            return Ok(());
        }
        // Whichever is further from its end tells how far the warm-up is.
        let by_time = match self.warm_up_s {
            0 => needed,
            span => {
                (u128::from(needed) * u128::from(spanned_s.min(span)) / u128::from(span)) as u64
            }
        };
        Err(BlindReason::WarmingUp { seen: observations.min(by_time), needed })
    }

    /// Name of a contract's function in sentences: `vault.redeem`.
    pub(super) fn title_of(&self, block: &Block<'_>, entity: Entity) -> String {
        format!("{}.{}", block.name_of(entity.0), self.function_of(block, entity))
    }

    fn function_of(&self, block: &Block<'_>, (address, function): Entity) -> String {
        match block.guarded(&address) {
            Some((_, d)) => function_label(&d.abi, Function::from_key_bytes(function)),
            None => hex::encode(&function[1..]),
        }
    }

    /// A series of this monitor about a function.
    pub(super) fn series(
        &self,
        block: &Block<'_>,
        monitor: &Name,
        entity: Entity,
        metric: &'static str,
    ) -> Arc<SeriesKey> {
        // A poisoned cache of names is still a cache of names.
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let is_current = |(contract, _): &&(String, Arc<SeriesKey>)| {
            block.registry.label(block.network(), entity.0) == Some(contract)
        };
        if let Some((_, key)) = names.get(&(entity, metric)).filter(is_current) {
            return Arc::clone(key);
        }
        let contract = block.name_of(entity.0);
        let key = Arc::new(SeriesKey::new(
            metric,
            [
                ("network", block.network().as_str()),
                ("contract", contract.as_str()),
                ("function", self.function_of(block, entity).as_str()),
                ("monitor", monitor.as_str()),
            ],
        ));
        names.insert((entity, metric), (contract, Arc::clone(&key)));
        key
    }
}

/// The identity of an episode's entity in findings.
pub(super) fn entity_name(what: &str, (address, function): Entity) -> String {
    format!("{what} {address} {}", hex::encode(function))
}
