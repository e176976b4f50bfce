//! One block under judgement: which monitors it concerns, and what each says.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use alloy_primitives::Address;
use model::{BlindMonitor, BlindReason, Finding, FrameKind, Name, Sample};
use registry::EventAbi;
use rustc_hash::FxHashMap;

use super::{
    network::Network,
    routes::{Bucket, MatcherRef},
};
use crate::{
    chronicle::CHILDREN_MAX,
    detectors::{
        Block, Report, Touch, What,
        block::{TRANSFER, Transfer},
    },
    expression::{Call, Occurrence},
    monitors::{Match, Matcher, Occasion, Rule, address_of},
    state::StateTable,
};

/// What all monitors together say about one block.
#[derive(Debug, Default)]
pub(super) struct Verdicts {
    pub(super) findings: Vec<Finding>,
    pub(super) blind: Vec<BlindMonitor>,
    pub(super) samples: Vec<Sample>,
}

/// What a block woke: detectors with their touches, expressions with their matches.
#[derive(Debug, Default)]
struct Woken {
    /// By monitor. Transactions come in the block's order; within one, touches are in none.
    touches: FxHashMap<u32, Vec<Touch>>,
    matches: Vec<(MatcherRef, Match)>,
    failures: Vec<(u32, BlindReason)>,
    /// Guarded deployments that appear in the transaction being looked at, some more than once.
    appeared: Vec<u32>,
}

impl Woken {
    fn touch(&mut self, monitors: &[u32], touch: Touch) {
        for monitor in monitors {
            self.touches.entry(*monitor).or_default().push(touch);
        }
    }

    /// The touches of each monitor in the block's order, each once, monitors ascending.
    fn in_order(touches: FxHashMap<u32, Vec<Touch>>) -> Vec<(u32, Vec<Touch>)> {
        let mut touches: Vec<(u32, Vec<Touch>)> = touches.into_iter().collect();
        touches.sort_unstable_by_key(|(monitor, _)| *monitor);
        for (_, of_monitor) in &mut touches {
            of_monitor.chunk_by_mut(|a, b| a.tx == b.tx).for_each(<[Touch]>::sort_unstable);
            of_monitor.dedup();
        }
        touches
    }
}

/// Judges a block. `is_late` leaves out what remembers: a block that arrives out of order cannot be
/// folded into what later blocks already built on. Monitors of the present are no part of that: they
/// judged that the block went missing when it did, and who is blind in it now is a hole in the ledger.
pub(super) fn judge(
    network: &Network,
    block: &Block<'_>,
    memory: &mut StateTable,
    is_late: bool,
) -> Verdicts {
    let mut woken = Woken::default();
    for tx in 0..block.bundle.transactions.len() as u32 {
        wake_transaction(network, block, tx, &mut woken);
    }
    let mut verdicts = Verdicts::default();
    let mut reports = Reports::new(network, block.network());
    if is_late {
        let reason = "the block was judged late, out of order with what is remembered";
        for (at, monitor) in network.monitors.iter().enumerate() {
            if let Rule::Detector { wants, .. } = &monitor.rule
                && wants.remembers
                && !wants.is_live_only()
            {
                reports.blind(at as u32, BlindReason::Unverified(reason.to_owned()));
            }
        }
    }
    let level = block.level;
    for &(at, needs) in &network.needs_more_than_logs {
        if needs > level {
            reports.too_low.push((at, block.bundle.too_low(needs)));
        }
    }
    let Woken { touches, mut matches, failures, .. } = woken;
    for (at, reason) in failures {
        reports.blind(at, reason);
    }
    for refusal in &block.news.refused {
        let factory = block.deployment(refusal.factory);
        let reason = format!(
            "{} has more than {CHILDREN_MAX} children; {} is not watched",
            factory.label, refusal.address
        );
        for &at in network.watchers_of_children(refusal.factory) {
            reports.blind(at, BlindReason::Evaluation(reason.clone()));
        }
    }
    for unread in &block.news.unread {
        let factory = block.deployment(unread.factory);
        let reason = format!("a child of {}: {}", factory.label, unread.why);
        for &at in network.watchers_of_children(unread.factory) {
            reports.blind(at, BlindReason::Undecodable(reason.clone()));
        }
    }
    matches.sort_by_key(|(matcher, _)| *matcher);
    for (matcher, at) in matches {
        reports.matched(network, block, matcher, at);
    }
    let touches = Woken::in_order(touches);
    let mut touches = touches.as_slice();
    let mut ticking = network.routes.every_block.as_slice();
    loop {
        let next = match (touches.first(), ticking.first()) {
            (None, None) => break,
            (Some((touched, _)), Some(ticks)) => (*touched).min(*ticks),
            (Some((touched, _)), None) => *touched,
            (None, Some(ticks)) => *ticks,
        };
        let of_this = match touches.split_first() {
            Some(((touched, of_this), rest)) if *touched == next => {
                touches = rest;
                of_this.as_slice()
            }
            _ => &[],
        };
        if ticking.first() == Some(&next) {
            ticking = &ticking[1..];
        }
        reports.detector(network, next, is_late, level, memory, |judge, memory, report| {
            judge.judge(block, of_this, memory, report);
        });
    }
    reports.drain_into(&mut verdicts);
    if !is_late {
        let blind = std::mem::take(&mut verdicts.blind);
        for &at in &network.routes.coverage {
            reports.detector(network, at, false, level, memory, |judge, memory, report| {
                judge.after_block(block, &blind, memory, report);
            });
        }
        verdicts.blind = blind;
        reports.drain_into(&mut verdicts);
    }
    verdicts
}

fn wake_transaction(network: &Network, block: &Block<'_>, at: u32, woken: &mut Woken) {
    let tx = block.tx(at);
    let bundle = block.bundle;
    let occurrence = Occurrence { args: &[], block: &bundle.header, tx, log: None, call: None };
    let whole = Match::Transaction { tx: at };
    woken.test(network, &network.routes.transactions, &occurrence, whole, |_| true);
    woken.appeared.clear();
    let appear = |address: &Address, woken: &mut Woken| {
        woken.appeared.extend(network.guarded.get(address));
    };
    appear(&tx.from, woken);
    for address in tx.to.iter().chain(&tx.created) {
        appear(address, woken);
        if let Some(local) = network.local_at(address) {
            woken.test(network, &local.direct_transactions, &occurrence, whole, |_| true);
        }
    }
    match block.trace(at).filter(|trace| !trace.frames.is_empty()) {
        Some(trace) => {
            let effects = trace.effects();
            for (i, frame) in trace.frames.iter().enumerate() {
                appear(&frame.from, woken);
                if let Some(to) = &frame.to {
                    appear(to, woken);
                }
                if let Some(call) = Call::of_frame(frame, effects[i]) {
                    wake_call(network, block, at, i as u32, call, woken);
                }
            }
        }
        None => {
            if let Some(call) = Call::of_transaction(tx) {
                wake_call(network, block, at, 0, call, woken);
            }
        }
    }
    for (ordinal, log) in tx.logs.iter().enumerate() {
        appear(&log.address, woken);
        wake_log(network, block, at, ordinal as u32, woken);
    }
    wake_appeared(network, at, woken);
    if network.routes.wants_involving {
        wake_involved(network, &occurrence, whole, woken);
    }
}

/// The detectors that want whole transactions of the deployments that appeared in this one.
fn wake_appeared(network: &Network, tx: u32, woken: &mut Woken) {
    let mut appeared = std::mem::take(&mut woken.appeared);
    appeared.sort_unstable();
    appeared.dedup();
    for &deployment in &appeared {
        let Some(local) = network.local(deployment) else { continue };
        let touch = Touch { tx, deployment, what: What::Transaction };
        woken.touch(&local.detectors.by_transaction, touch);
    }
    woken.appeared = appeared;
}

/// The monitors of every deployment that the transaction involves, each monitor once.
fn wake_involved(network: &Network, occurrence: &Occurrence<'_>, whole: Match, woken: &mut Woken) {
    let tx = occurrence.tx;
    let parties = std::iter::once(&tx.from).chain(&tx.to).chain(&tx.created);
    let mut involved: Vec<u32> = parties
        .chain(tx.logs.iter().map(|log| &log.address))
        .filter_map(|address| network.guarded.get(address).copied())
        .collect();
    involved.sort_unstable();
    involved.dedup();
    let before = (woken.matches.len(), woken.failures.len());
    for index in involved {
        if let Some(local) = network.routes.local.get(&index) {
            woken.test(network, &local.involving_transactions, occurrence, whole, |_| true);
        }
    }
    // One transaction that involves several deployments of a monitor is still one match.
    let mut told = std::collections::BTreeSet::new();
    let new = woken.matches.split_off(before.0);
    woken.matches.extend(new.into_iter().filter(|(to, _)| told.insert(to.monitor)));
    let mut told = std::collections::BTreeSet::new();
    let new = woken.failures.split_off(before.1);
    woken.failures.extend(new.into_iter().filter(|(monitor, _)| told.insert(*monitor)));
}

fn wake_call(
    network: &Network,
    block: &Block<'_>,
    tx: u32,
    index: u32,
    call: Call<'_>,
    woken: &mut Woken,
) {
    let is_delegate = call.kind == FrameKind::DelegateCall;
    let deployment = network.guarded.get(&call.to).copied();
    let local = deployment.and_then(|index| network.local(index));
    if let (Some(local), Some(deployment), false) = (local, deployment, is_delegate) {
        let touch = Touch { tx, deployment, what: What::Frame(index) };
        woken.touch(&local.detectors.by_call, touch);
    }
    let enters_code =
        !matches!(call.kind, FrameKind::Create | FrameKind::Create2 | FrameKind::SelfDestruct);
    let Some(selector) = call.input.first_chunk::<4>().filter(|_| enters_code) else { return };
    let here = local.and_then(|local| local.calls.get(selector));
    let anywhere = network.routes.calls_anywhere.get(selector);
    let transaction = block.tx(tx);
    let took_effect = call.success != Some(false);
    let looks_at =
        |matcher: &Matcher| matcher.looks_at(is_delegate, transaction.status, took_effect);
    for (bucket, is_here) in [(here, true), (anywhere, false)] {
        let Some(bucket) = bucket else { continue };
        // All matchers of one selector have the same argument types, so one of them decodes for all.
        let Some(function) = network.function_of(bucket) else { continue };
        let occurrence = |args| Occurrence {
            args,
            block: &block.bundle.header,
            tx: transaction,
            log: None,
            call: Some(call),
        };
        match function.decode(call.input) {
            Ok(decoded) => {
                let at = Match::Frame { tx, index };
                woken.test(network, bucket, &occurrence(&decoded.args), at, looks_at);
            }
            // A call that took no effect may carry anything; one that did and cannot be read is a
            // hole, unless nobody said what that address is.
            Err(why) if is_here && took_effect => {
                let reason = BlindReason::Undecodable(why.to_string());
                let all = network.all_of(bucket);
                woken.failures.extend(all.map(|monitor| (monitor, reason.clone())));
            }
            Err(_) => {}
        }
    }
}

fn wake_log(network: &Network, block: &Block<'_>, tx: u32, ordinal: u32, woken: &mut Woken) {
    let log = block.log(tx, ordinal);
    let topic0 = log.topic0();
    let transaction = block.tx(tx);
    let around = Occurrence {
        args: &[],
        block: &block.bundle.header,
        tx: transaction,
        log: Some(log),
        call: None,
    };
    let at = Match::Log { tx, ordinal };
    let deployment = network.guarded.get(&log.address).copied();
    if let Some(deployment) = deployment
        && let Some(local) = network.local(deployment)
    {
        if let Some(monitors) = topic0.and_then(|topic0| local.detectors.by_topic.get(&topic0)) {
            let touch = Touch { tx, deployment, what: What::Log(ordinal) };
            woken.touch(monitors, touch);
        }
        let named = topic0.and_then(|topic0| local.events.get(&topic0));
        let anonymous = Some(&local.anonymous_events).filter(|bucket| !bucket.is_empty());
        for bucket in named.into_iter().chain(anonymous) {
            match block.decoded(tx, ordinal) {
                Ok(decoded) => {
                    let is_it = |matcher: &Matcher| match &matcher.occasion {
                        Occasion::Event(event) => has_layout_of(event, &decoded.event),
                        _ => false,
                    };
                    let occurrence = Occurrence { args: &decoded.args, ..around };
                    woken.test(network, bucket, &occurrence, at, is_it);
                }
                Err(why) if named.is_some() => {
                    let reason = BlindReason::Undecodable(why.to_string());
                    let all = network.all_of(bucket);
                    woken.failures.extend(all.map(|monitor| (monitor, reason.clone())));
                }
                // A log that is no known event at all is not the anonymous one either.
                Err(_) => {}
            }
        }
    }
    if let Some(bucket) = topic0.and_then(|topic0| network.routes.events_anywhere.get(&topic0)) {
        for event in network.events_of(bucket) {
            // On an address that nobody guards, a log that does not fit is another event.
            if let Ok(decoded) = event.decode(log) {
                let is_it = |matcher: &Matcher| match &matcher.occasion {
                    Occasion::Event(own) => has_layout_of(own, event),
                    _ => false,
                };
                let occurrence = Occurrence { args: &decoded.args, ..around };
                woken.test(network, bucket, &occurrence, at, is_it);
            }
        }
    }
    if network.routes.wants_transfers && topic0 == Some(TRANSFER) {
        wake_transfer(network, block, tx, ordinal, woken);
    }
}

fn wake_transfer(network: &Network, block: &Block<'_>, tx: u32, ordinal: u32, woken: &mut Woken) {
    let Some(transfer) = Transfer::of(block.log(tx, ordinal)) else { return };
    for party in [transfer.from, transfer.to] {
        let Some(&deployment) = network.guarded.get(&party) else { continue };
        let Some(local) = network.local(deployment) else { continue };
        let touch = Touch { tx, deployment, what: What::Transfer(ordinal) };
        woken.touch(&local.detectors.by_transfer, touch);
    }
}

impl Woken {
    fn test(
        &mut self,
        network: &Network,
        bucket: &Bucket,
        occurrence: &Occurrence<'_>,
        at: Match,
        is_meant: impl Fn(&Matcher) -> bool,
    ) {
        for to in bucket.candidates(|slot| address_of(occurrence, slot)) {
            let matcher = network.matcher(to);
            if !is_meant(matcher) {
                continue;
            }
            match matcher.matches(occurrence) {
                Ok(true) => self.matches.push((to, at)),
                Ok(false) => {}
                Err(why) => {
                    self.failures.push((to.monitor, BlindReason::Evaluation(why.to_string())));
                }
            }
        }
    }
}

/// One report per monitor that had something to say, kept in the monitors' order.
struct Reports<'a> {
    network: &'a Network,
    name: &'a Name,
    by_monitor: std::collections::BTreeMap<u32, Report<'a>>,
    /// Monitors, ascending, that need more than the network gives: on a node without traces there
    /// may be thousands in every block, which is no reason for a report each.
    too_low: Vec<(u32, BlindReason)>,
}

impl<'a> Reports<'a> {
    fn new(network: &'a Network, name: &'a Name) -> Self {
        Self { network, name, by_monitor: std::collections::BTreeMap::new(), too_low: Vec::new() }
    }

    fn of(&mut self, monitor: u32) -> &mut Report<'a> {
        let claimant = &self.network.monitors[monitor as usize].claimant;
        self.by_monitor.entry(monitor).or_insert_with(|| Report::new(claimant, self.name))
    }

    fn blind(&mut self, monitor: u32, reason: BlindReason) {
        self.of(monitor).blind(reason);
    }

    /// Lets a detector judge in isolation: if it fails, it is blind, and what it changed in memory
    /// is taken back.
    fn detector(
        &mut self,
        network: &Network,
        at: u32,
        is_late: bool,
        level: model::Level,
        memory: &mut StateTable,
        ask: impl FnOnce(&dyn crate::detectors::Judge, &mut StateTable, &mut Report<'_>),
    ) {
        let monitor = &network.monitors[at as usize];
        let Rule::Detector { judge, wants, .. } = &monitor.rule else { return };
        if is_late && wants.remembers || monitor.needs > level {
            return;
        }
        let savepoint = memory.savepoint();
        let mut report = Report::new(&monitor.claimant, self.name);
        let outcome = catch_unwind(AssertUnwindSafe(|| ask(judge.as_ref(), memory, &mut report)));
        match outcome {
            Ok(()) => {
                let (findings, blind, samples) = report.into_parts();
                if !findings.is_empty() || blind.is_some() || !samples.is_empty() {
                    self.of(at).absorb(findings, blind, samples);
                }
            }
            Err(panic) => {
                memory.roll_back_to(savepoint);
                self.blind(at, BlindReason::Panicked(panic_text(panic.as_ref())));
            }
        }
    }

    fn matched(&mut self, network: &Network, block: &Block<'_>, to: MatcherRef, at: Match) {
        let matcher = network.matcher(to);
        let severity = network.severities[to.monitor as usize];
        let claim = match claim_of(matcher, block, at, severity) {
            Some(claim) => claim,
            // It was decoded and matched a moment ago, so this cannot happen; if it does, it is a
            // hole and not silence.
            None => {
                let reason = "a match could not be decoded again".to_owned();
                return self.blind(to.monitor, BlindReason::Undecodable(reason));
            }
        };
        self.of(to.monitor).claim(claim);
    }

    fn drain_into(&mut self, verdicts: &mut Verdicts) {
        let monitors = &self.network.monitors;
        let name_of = |at: u32| monitors[at as usize].name.clone();
        let mut too_low = std::mem::take(&mut self.too_low).into_iter().peekable();
        let mut tell = |at: u32, reason| {
            verdicts.blind.push(BlindMonitor { monitor: name_of(at), reason });
        };
        for (at, report) in std::mem::take(&mut self.by_monitor) {
            while let Some((before, reason)) = too_low.next_if(|(before, _)| *before < at) {
                tell(before, reason);
            }
            let (findings, blind, samples) = report.into_parts();
            verdicts.findings.extend(findings);
            verdicts.samples.extend(samples);
            let by_level = too_low.next_if(|(same, _)| *same == at).map(|(_, reason)| reason);
            if let Some(reason) = by_level.or(blind) {
                tell(at, reason);
            }
        }
        too_low.for_each(|(at, reason)| tell(at, reason));
    }
}

/// Whether two events are read alike: the signature decides the types, and what is indexed decides
/// where they are. Names of arguments do not matter.
fn has_layout_of(one: &EventAbi, other: &EventAbi) -> bool {
    let indexed = |event: &EventAbi| event.params.iter().map(|p| p.indexed).collect::<Vec<_>>();
    std::ptr::eq(one, other)
        || one.signature == other.signature
            && one.topic0 == other.topic0
            && indexed(one) == indexed(other)
}

/// Findings are rare, so a match is decoded once more to tell about it.
fn claim_of(
    matcher: &Matcher,
    block: &Block<'_>,
    at: Match,
    severity: model::Severity,
) -> Option<crate::detectors::Claim> {
    let header = &block.bundle.header;
    match (at, &matcher.occasion) {
        (Match::Log { tx, ordinal }, Occasion::Event(event)) => {
            let log = block.log(tx, ordinal);
            let args = event.decode(log).ok()?.args;
            let tx = block.tx(tx);
            let occurrence =
                Occurrence { args: &args, block: header, tx, log: Some(log), call: None };
            Some(matcher.claim(block, at, &occurrence, severity))
        }
        (Match::Frame { tx, index }, Occasion::Call(function)) => {
            let frame = block.trace(tx).and_then(|trace| {
                let frame = trace.frames.get(index as usize)?;
                Call::of_frame(frame, trace.took_effect(index as usize))
            });
            let call = frame.or_else(|| Call::of_transaction(block.tx(tx)))?;
            let args = function.decode(call.input).ok()?.args;
            let tx = block.tx(tx);
            let occurrence =
                Occurrence { args: &args, block: header, tx, log: None, call: Some(call) };
            Some(matcher.claim(block, at, &occurrence, severity))
        }
        (Match::Transaction { tx }, Occasion::Transaction | Occasion::Involving) => {
            let tx = block.tx(tx);
            let occurrence = Occurrence { args: &[], block: header, tx, log: None, call: None };
            Some(matcher.claim(block, at, &occurrence, severity))
        }
        _ => None,
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("panicked without a message").to_owned()
}

#[cfg(test)]
mod tests;
