//! Everything about one network: monitors, routes, state.

use std::{collections::BTreeSet, sync::Arc};

use alloy_primitives::Address;
use model::{
    BlindMonitor, BlindReason, BlockBundle, BlockCoverage, BlockRef, ChainEvent, CoverageResult,
    Finding, Level, Name, ReadPlan, ReadRequest, Sample, Severity, StateChange, UnixSeconds,
};
use registry::{EventAbi, FunctionAbi, Registry};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    Dependence, Finality, Head, Judgement,
    judging::{self, Verdicts},
    routes::{Bucket, Local, MatcherRef, Routes},
};
use crate::{
    chronicle::{self, Census, Creation, News, Offspring, Scene, overlay},
    detectors::{Block, LedgerLook, Moved, Report, Told},
    elsewhere::Elsewhere,
    monitors::{self, Compiled, Matcher, MonitorError, MonitorSpec, Occasion, On, Rule},
    stakes::Stakes,
    state::{Key, Kind, Reverted, StateTable},
    windows::{Activity, CallWindow, EventWindow, SeriesCache},
};

/// Monitors, routes and state of one network.
pub(super) struct Network {
    name: Name,
    pub(super) monitors: Vec<Compiled>,
    pub(super) severities: Vec<Severity>,
    pub(super) routes: Routes,
    /// What is declared, with the children that were found on this network laid over it.
    known: Registry,
    /// Deployments of this network by address, children included.
    pub(super) guarded: FxHashMap<Address, u32>,
    /// Whether each declared deployment of this network has its chronicle.
    is_enrolled: bool,
    /// Monitors that are on the children of each factory.
    watchers_of_children: FxHashMap<u32, Vec<u32>>,
    /// Declared deployments that a monitor is on.
    watched: FxHashSet<u32>,
    pub(super) needs_more_than_logs: Vec<(u32, Level)>,
    /// Monitors that do not compile here although they did elsewhere: blind on every block.
    broken: Vec<BlindMonitor>,
    pub(super) table: StateTable,
    series: SeriesCache,
    /// What is read to know what is at stake with dependencies.
    stakes: Stakes,
}

impl Network {
    pub(super) fn new(
        name: Name,
        registry: &Arc<Registry>,
        specs: &[MonitorSpec],
    ) -> (Self, Vec<MonitorError>) {
        let (monitors, errors) = monitors::compile(registry, specs, &name);
        let by_name: FxHashMap<&Name, Severity> =
            specs.iter().map(|spec| (&spec.name, spec.severity)).collect();
        let severities =
            monitors.iter().map(|m| by_name.get(&m.name).copied().unwrap_or_default()).collect();
        let deployments = registry.deployments().iter().zip(0u32..);
        let guarded = deployments
            .filter(|(deployment, _)| deployment.network == name)
            .map(|(deployment, index)| (deployment.address, index))
            .collect();
        let needs = |m: &Compiled| m.needs.max(m.needs_for_children);
        let needs = monitors.iter().zip(0u32..).map(|(m, at)| (at, needs(m)));
        let (watched, watchers_of_children) = who_watches(&monitors);
        let broken = errors
            .iter()
            .map(|error| BlindMonitor {
                monitor: error.monitor.clone(),
                reason: BlindReason::Evaluation(error.message.clone()),
            })
            .collect();
        let wants_stakes = |monitor: &Compiled| match &monitor.rule {
            Rule::Detector { wants, .. } => wants.stakes,
            Rule::Expression(_) => false,
        };
        let stakes = Stakes::new(registry, &name, monitors.iter().any(wants_stakes));
        let network = Self {
            stakes,
            routes: Routes::new(&monitors),
            needs_more_than_logs: needs.filter(|(_, needs)| *needs > Level::Logs).collect(),
            known: registry.as_ref().clone(),
            is_enrolled: false,
            watchers_of_children,
            watched,
            severities,
            monitors,
            guarded,
            broken,
            table: StateTable::new(name.clone()),
            series: SeriesCache::default(),
            name,
        };
        (network, errors)
    }

    /// Puts monitors in place that no configuration could name.
    #[cfg(test)]
    pub(super) fn replace_monitors(&mut self, monitors: Vec<Compiled>, severities: Vec<Severity>) {
        self.routes = Routes::new(&monitors);
        (self.watched, self.watchers_of_children) = who_watches(&monitors);
        self.monitors = monitors;
        self.severities = severities;
    }

    /// Lets all other monitors sleep. They stay known: what a deployment's life says of who watches
    /// it, and which names an expression may use, is as before.
    pub(super) fn keep_only(&mut self, is_kept: impl Fn(&Name) -> bool) {
        let kept: Vec<bool> = self.monitors.iter().map(|monitor| is_kept(&monitor.name)).collect();
        let is_kept = |at: u32| kept[at as usize];
        self.routes = Routes::to_some(&self.monitors, is_kept);
        self.needs_more_than_logs.retain(|(at, _)| is_kept(*at));
        for watchers in self.watchers_of_children.values_mut() {
            watchers.retain(|at| is_kept(*at));
        }
    }

    /// How each monitor's verdict depends on more than the block, in the order of the roster.
    pub(super) fn dependence(&self) -> Vec<Dependence> {
        // What a child is called, and that it is guarded, is known from the block it came in.
        let registry_changes =
            !self.known.factories().is_empty() || !self.known.all_planned().is_empty();
        let of_rule = |rule: &Rule| match rule {
            Rule::Detector { wants, .. } if wants.is_live_only() => Dependence::Watch,
            Rule::Detector { .. } => Dependence::Past,
            Rule::Expression(_) if registry_changes => Dependence::Past,
            Rule::Expression(_) => Dependence::Block,
        };
        self.monitors.iter().map(|monitor| of_rule(&monitor.rule)).collect()
    }

    pub(super) fn reads(&self) -> ReadPlan {
        let reads = self.monitors.iter().flat_map(|monitor| match &monitor.rule {
            Rule::Detector { judge, .. } => judge.reads(),
            Rule::Expression(_) => Vec::new(),
        });
        // Without traces nothing else would show the block in which a planned contract appears.
        let planned = self.known.all_planned().into_iter().map(|at| self.known.deployment(at));
        let planned = planned
            .filter(|deployment| deployment.network == self.name)
            .map(|deployment| ReadRequest::CodeHash(deployment.address).every_block());
        ReadPlan::new(reads.chain(planned).chain(self.stakes.reads()).collect())
    }

    pub(super) fn matcher(&self, at: MatcherRef) -> &Matcher {
        match &self.monitors[at.monitor as usize].rule {
            Rule::Expression(matchers) => &matchers[at.matcher as usize],
            Rule::Detector { .. } => unreachable!("routes to matchers are made from expressions"),
        }
    }

    pub(super) fn local_at(&self, address: &Address) -> Option<&Local> {
        self.local(*self.guarded.get(address)?)
    }

    /// What concerns a deployment: a child shares it with its siblings.
    pub(super) fn local(&self, index: u32) -> Option<&Local> {
        match self.known.child(index) {
            None => self.routes.local.get(&index),
            Some(child) => self.routes.of_children.get(&child.factory),
        }
    }

    /// Monitors that are on the children of a factory, ascending.
    pub(super) fn watchers_of_children(&self, factory: u32) -> &[u32] {
        self.watchers_of_children.get(&factory).map_or(&[], Vec::as_slice)
    }

    /// Puts back what was remembered, and the children among it.
    pub(super) fn restore(&mut self, table: StateTable) {
        self.table = table;
        self.is_enrolled = false;
        self.put_children_back();
    }

    fn children_remembered(&self) -> u64 {
        self.table.get::<Census>(&Census::of_all()).map_or(0, |census| census.count)
    }

    /// Makes the children that are known those that are remembered.
    fn put_children_back(&mut self) {
        for child in self.known.children() {
            self.guarded.remove(&child.deployment.address);
        }
        self.known.keep_children(0);
        // Numbers of children may mean others now.
        self.series = SeriesCache::default();
        for running in 0..self.children_remembered() {
            let Some(child) = self.table.get::<Offspring>(&Offspring::key(running)) else {
                continue;
            };
            if let Some(index) = overlay(&mut self.known, &self.name, child) {
                self.guarded.insert(child.address, index);
            }
        }
    }

    /// Notes what a block changes about deployments, before anything is judged by it.
    fn take_news(&mut self, bundle: &BlockBundle) -> (Activity, News) {
        let creations = Creation::all(bundle);
        let (known, guarded, table) = (&mut self.known, &mut self.guarded, &mut self.table);
        let mut news = chronicle::adopt(bundle, creations, known, guarded, table);
        let known = &self.known;
        let at = |address: &Address| {
            // How busy others' contracts are is theirs to know: a token may have a hundred calls in
            // every block.
            let index = *self.guarded.get(address).filter(|index| !known.is_outside(**index))?;
            Some((index, known.deployment(index)))
        };
        let activity = Activity::of(bundle, at);
        let enrol = if self.is_enrolled { 0..0 } else { 0..known.deployments().len() as u32 };
        let enrol = enrol.filter(|index| known.deployment(*index).network == self.name);
        let is_watched = |index: u32| match known.child(index) {
            None => self.watched.contains(&index),
            Some(child) => self.watchers_of_children.contains_key(&child.factory),
        };
        let scene = Scene {
            bundle,
            known,
            guarded: &self.guarded,
            activity: &activity,
            is_watched: &is_watched,
        };
        chronicle::tell(&scene, enrol, &mut news, &mut self.table);
        self.is_enrolled = true;
        (activity, news)
    }

    /// A function that all matchers of a bucket agree on: they were put together by selector.
    pub(super) fn function_of(&self, bucket: &Bucket) -> Option<&Arc<FunctionAbi>> {
        match &self.matcher(bucket.all().next()?).occasion {
            Occasion::Call(function) => Some(function),
            _ => None,
        }
    }

    /// The different events that matchers of a bucket wait for; they share a topic but may index
    /// other arguments.
    pub(super) fn events_of<'n>(&'n self, bucket: &'n Bucket) -> Vec<&'n Arc<EventAbi>> {
        let mut events: Vec<&Arc<EventAbi>> = Vec::new();
        for to in bucket.shapes() {
            if let Occasion::Event(event) = &self.matcher(to).occasion
                && !events.contains(&event)
            {
                events.push(event);
            }
        }
        events
    }

    /// Monitors of a bucket.
    pub(super) fn all_of<'n>(&'n self, bucket: &'n Bucket) -> impl Iterator<Item = u32> + 'n {
        bucket.all().map(|to| to.monitor)
    }

    pub(super) fn committed(
        &mut self,
        bundle: &BlockBundle,
        monitors_version: u64,
        elsewhere: &dyn Elsewhere,
    ) -> Judgement {
        let at = bundle.header.timestamp;
        *self.table.entry(Key::new(Kind::Head), || Head { block: bundle.block_ref(), at }) =
            Head { block: bundle.block_ref(), at };
        let (activity, news) = self.take_news(bundle);
        let mut samples = Vec::new();
        self.roll_windows(at, &activity, &mut samples);
        self.stakes.take(bundle, &mut self.table);
        let mut table = std::mem::replace(&mut self.table, StateTable::new(self.name.clone()));
        let block =
            Block::new(bundle, &self.known, (&activity, &news), &self.guarded).beside(elsewhere);
        let verdicts = judging::judge(self, &block, &mut table, false);
        self.table = table;
        let state = self.table.commit_block(bundle.block_ref());
        self.judgement(bundle, verdicts, samples, monitors_version, state)
    }

    /// Judges a block that was in quarantine. What remembers cannot take it in any more, because
    /// later blocks were built on its absence; whatever judges the block alone does.
    pub(super) fn recovered(&mut self, bundle: &BlockBundle, monitors_version: u64) -> Judgement {
        let activity = Activity::default();
        // Children cannot be taken in any more: their numbers are given to later ones.
        let news = News { creations: Creation::all(bundle), ..News::default() };
        let mut table = std::mem::replace(&mut self.table, StateTable::new(self.name.clone()));
        let block = Block::new(bundle, &self.known, (&activity, &news), &self.guarded);
        let verdicts = judging::judge(self, &block, &mut table, true);
        table.roll_back_to(0);
        self.table = table;
        let state = self.unchanged();
        self.judgement(bundle, verdicts, Vec::new(), monitors_version, state)
    }

    fn judgement(
        &self,
        bundle: &BlockBundle,
        verdicts: Verdicts,
        mut samples: Vec<Sample>,
        monitors_version: u64,
        state: StateChange,
    ) -> Judgement {
        let Verdicts { findings, mut blind, samples: more } = verdicts;
        samples.extend(more);
        let monitors_judged = (self.monitors.len() - blind.len()) as u32;
        blind.extend(self.broken.iter().cloned());
        let coverage = BlockCoverage {
            network: self.name.clone(),
            block: bundle.block_ref(),
            timestamp: Some(bundle.header.timestamp),
            endpoint: Some(bundle.endpoint.clone()),
            monitors_version,
            result: CoverageResult::Judged { monitors_judged, blind },
        };
        Judgement { samples, coverage: vec![coverage], ..self.nothing(findings, state) }
    }

    pub(super) fn reverted(&mut self, event: &ChainEvent, undone: &[BlockRef]) -> Judgement {
        let head = self.table.get::<Head>(&Key::new(Kind::Head)).cloned();
        let finality = self.table.get::<Finality>(&Key::new(Kind::Finality)).cloned();
        let was_applied = |_: BlockRef| head.is_some();
        let final_children = self.final_children(finality.as_ref());
        let children_before = self.children_remembered();
        let (mut state, is_too_deep) = match self.table.revert(undone, was_applied) {
            Reverted::Exactly(state) => (state, false),
            Reverted::TooDeep(state) => (state, true),
        };
        if let (true, Some(finality)) = (is_too_deep, finality.clone()) {
            // What is final stays known although everything learned is gone.
            *self.table.entry(Key::new(Kind::Finality), || finality.clone()) = finality.clone();
            self.remember_children(&final_children);
            let written = self.table.commit_final(finality.block).entries;
            state.entries.retain(|entry| written.iter().all(|new| new.key != entry.key));
            state.entries.extend(written);
        }
        if is_too_deep || self.children_remembered() != children_before {
            self.put_children_back();
        }
        // A deployment that was enrolled by a block that left is enrolled by the next one.
        self.is_enrolled = false;
        let at = self.table.get::<Head>(&Key::new(Kind::Head)).or(head.as_ref()).map(|h| h.at);
        let finalized = finality.map(|finality| finality.block);
        let moved = Moved { event, finalized, head_at: at, is_too_deep };
        let findings = self.ask_about_chain(moved);
        Judgement { reverted: undone.to_vec(), ..self.nothing(findings, state) }
    }

    /// Children that no reorg can take back, in the order in which they came.
    fn final_children(&self, finality: Option<&Finality>) -> Vec<Offspring> {
        let Some(finality) = finality else { return Vec::new() };
        let all = (0..self.children_remembered())
            .filter_map(|running| self.table.get::<Offspring>(&Offspring::key(running)));
        all.filter(|child| child.born.number <= finality.block.number).cloned().collect()
    }

    /// Remembers children anew after everything was forgotten: what is not known to exist would be
    /// watched by nobody.
    fn remember_children(&mut self, children: &[Offspring]) {
        for (running, child) in (0u64..).zip(children) {
            self.table.entry(Offspring::key(running), || child.clone());
            self.table.entry(Census::of_all(), Census::default).count = running + 1;
            self.table.entry(Census::of(child.factory), Census::default).count = child.number;
        }
    }

    pub(super) fn quarantined(
        &mut self,
        event: &ChainEvent,
        block: BlockRef,
        reason: &BlindReason,
        monitors_version: u64,
    ) -> Judgement {
        let head_at = self.table.get::<Head>(&Key::new(Kind::Head)).map(|head| head.at);
        let head = Head { block, at: head_at.unwrap_or(UnixSeconds(0)) };
        *self.table.entry(Key::new(Kind::Head), || head.clone()) = head.clone();
        let findings =
            self.ask_about_chain(Moved { event, finalized: None, head_at, is_too_deep: false });
        let state = self.table.commit_block(block);
        let coverage = BlockCoverage {
            network: self.name.clone(),
            block,
            timestamp: None,
            endpoint: None,
            monitors_version,
            result: CoverageResult::Quarantined(reason.clone()),
        };
        Judgement { coverage: vec![coverage], ..self.nothing(findings, state) }
    }

    pub(super) fn finalized(&mut self, block: BlockRef) -> Judgement {
        let key = Key::new(Kind::Finality);
        let is_newer =
            self.table.get::<Finality>(&key).is_none_or(|known| known.block.number < block.number);
        if is_newer {
            *self.table.entry(key, || Finality { block }) = Finality { block };
        }
        let state = self.table.commit_final(block);
        Judgement { finalized: Some(block), ..self.nothing(Vec::new(), state) }
    }

    pub(super) fn remembers(&self) -> bool {
        self.monitors.iter().any(|monitor| match &monitor.rule {
            Rule::Detector { wants, .. } => wants.remembers,
            Rule::Expression(_) => false,
        })
    }

    pub(super) fn look_at_ledger(&self, look: &LedgerLook<'_>) -> (Vec<Finding>, Vec<Told>) {
        let (mut findings, mut told) = (Vec::new(), Vec::new());
        for &at in &self.routes.coverage {
            let monitor = &self.monitors[at as usize];
            if let Rule::Detector { judge, .. } = &monitor.rule {
                let mut report = Report::new(&monitor.claimant, &self.name);
                told.extend(judge.ledger(look, &mut report));
                findings.extend(report.into_parts().0);
            }
        }
        (findings, told)
    }

    fn ask_about_chain(&self, moved: Moved<'_>) -> Vec<Finding> {
        let mut findings = Vec::new();
        for &at in &self.routes.chain_moves {
            let monitor = &self.monitors[at as usize];
            if let Rule::Detector { judge, .. } = &monitor.rule {
                let mut report = Report::new(&monitor.claimant, &self.name);
                judge.chain_moved(moved, &mut report);
                findings.extend(report.into_parts().0);
            }
        }
        findings
    }

    fn roll_windows(&mut self, at: UnixSeconds, activity: &Activity, samples: &mut Vec<Sample>) {
        for calls in &activity.calls {
            let deployment = self.known.deployment(calls.deployment);
            let key = Key::new(Kind::CallWindow)
                .address(deployment.address)
                .with(&calls.function.key_bytes());
            let window = self.table.entry(key, CallWindow::default);
            window.add(at, &calls.tally);
            let series = self.series.of_calls(calls.deployment, deployment, calls.function);
            let points = [
                (&series.calls, Some(calls.tally.calls() as f64)),
                (&series.failed_calls, Some(calls.tally.failed as f64)),
                (&series.inner_reverts, Some(calls.tally.inner_reverts as f64)),
                (&series.failed_ratio, window.failed_ratio()),
                (&series.gas_mean, window.gas().mean()),
                (&series.gas_variance, window.gas().variance()),
            ];
            for (series, value) in points {
                let sample = |value| Sample { series: Arc::clone(series), at, value };
                samples.extend(value.map(sample));
            }
        }
        for &(index, topic, count) in &activity.logs {
            let deployment = self.known.deployment(index);
            let key = Key::new(Kind::EventWindow)
                .address(deployment.address)
                .with(topic.unwrap_or_default().as_slice());
            self.table.entry(key, EventWindow::default).add(at, count);
            let series = Arc::clone(self.series.of_logs(index, deployment, topic));
            samples.push(Sample { series, at, value: count as f64 });
        }
    }

    fn nothing(&self, findings: Vec<Finding>, state: StateChange) -> Judgement {
        Judgement {
            network: self.name.clone(),
            findings,
            reverted: Vec::new(),
            finalized: None,
            samples: Vec::new(),
            coverage: Vec::new(),
            state,
        }
    }

    fn unchanged(&self) -> StateChange {
        StateChange {
            network: self.name.clone(),
            entries: Vec::new(),
            undo: None,
            undo_dropped: Vec::new(),
        }
    }
}

/// Declared deployments that some monitor is on, and the monitors on the children of each factory.
fn who_watches(monitors: &[Compiled]) -> (FxHashSet<u32>, FxHashMap<u32, Vec<u32>>) {
    let mut watched = FxHashSet::default();
    let mut of_children: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
    for (at, monitor) in (0u32..).zip(monitors) {
        let mut children_of = BTreeSet::new();
        match &monitor.rule {
            Rule::Detector { guarded, children_of: factories, .. } => {
                watched.extend(guarded);
                children_of.extend(factories);
            }
            Rule::Expression(matchers) => {
                for matcher in matchers {
                    match matcher.on {
                        On::AnyAddress => {}
                        On::Deployment(index) => drop(watched.insert(index)),
                        On::ChildrenOf(factory) => drop(children_of.insert(factory)),
                    }
                }
            }
        }
        for factory in children_of {
            of_children.entry(factory).or_default().push(at);
        }
    }
    (watched, of_children)
}
