//! A small chain with forks that turns operations into events and steps.

use std::{collections::BTreeMap, sync::Arc};

use bellwether_store::{
    Audit, BlockSamples, EventLog, Input, OutboxMessage, PagingStep, Step, Store,
};
use model::{
    Action, Address, Alert, AlertId, AlertState, Anchor, B256, BlindMonitor, BlindReason,
    BlockBundle, BlockCoverage, BlockRef, Bloom, ChainEvent, Confidence, CoverageResult, Decision,
    Evidence, Finding, FindingId, FindingStatus, FindingSummary, Header, Name, Notification,
    NotificationId, NotificationKind, NotificationLine, NotificationState, Origin, Position, Proof,
    Proven, Reason, Sample, SeriesKey, Severity, StateChange, StateEntry, StateUndo, Told, U256,
    UnixMillis, UnixSeconds,
};

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(crate) fn hash(seed: u64) -> B256 {
    let mut bytes = [0xab; 32];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    B256::from(bytes)
}

pub(crate) fn block(number: u64, seed: u64) -> BlockRef {
    BlockRef { number, hash: hash(seed) }
}

/// Two blocks share each second.
pub(crate) fn time_of(number: u64) -> UnixSeconds {
    UnixSeconds(1_000 + number / 2)
}

pub(crate) fn bundle(network: &Name, block: BlockRef, parent_hash: B256) -> BlockBundle {
    let header = Header {
        number: block.number,
        hash: block.hash,
        parent_hash,
        timestamp: time_of(block.number),
        beneficiary: Address::ZERO,
        base_fee_per_gas: Some(U256::from(7)),
        gas_used: 21_000,
        gas_limit: 30_000_000,
        logs_bloom: Bloom::ZERO,
        receipts_root: B256::ZERO,
        transactions_root: B256::ZERO,
        state_root: B256::ZERO,
    };
    let proof = Proof {
        header: Proven::Yes,
        transactions: Proven::NotAsked,
        senders: Proven::NotAsked,
        bloom: Proven::Yes,
        receipts: Proven::NotProvable("receipts before Byzantium commit to state roots".into()),
    };
    BlockBundle {
        network: network.clone(),
        endpoint: name("node-a"),
        header,
        transactions: Vec::new(),
        traces: None,
        reads: Vec::new(),
        proof,
        traced_by: model::TraceSource::default(),
    }
}

pub(crate) fn finding(network: &Name, tx: u64, block: BlockRef) -> Finding {
    let monitor = name("large-withdrawal");
    let anchor = Anchor::Log { tx: hash(tx), ordinal: 0 };
    Finding {
        id: FindingId::derive(&monitor, 1, network, &anchor, ""),
        detector: "expression".into(),
        monitor,
        version: 1,
        network: network.clone(),
        deployment: tx.is_multiple_of(2).then(|| name("vault")),
        address: Some(Address::repeat_byte(7)),
        severity: Severity::ALL[tx as usize % 5],
        confidence: Confidence::Statistical { p: 0.001 },
        title: format!("withdrawal {tx} in block {block}"),
        origin: Origin {
            block,
            timestamp: time_of(block.number),
            tx: Some(hash(tx)),
            log_index: Some(3),
            frame: None,
        },
        evidence: Evidence::default(),
        value_at_risk: None,
        runbook: None,
    }
}

pub(crate) fn alert(finding: &Finding, state: AlertState) -> Alert {
    let fingerprint = format!("{}/{}", finding.monitor, finding.id);
    let status = match state {
        AlertState::Provisional => FindingStatus::Tentative,
        AlertState::Confirmed => FindingStatus::Confirmed,
        AlertState::Retracted => FindingStatus::Retracted,
        AlertState::Reported => unreachable!("a report has no finding"),
    };
    let told = Told {
        kind: NotificationKind::Opened,
        sequence: 0,
        at: UnixMillis(1),
        severity: finding.severity,
        findings: 1,
    };
    Alert {
        id: AlertId::derive(&fingerprint, finding.id),
        fingerprint,
        network: Some(finding.network.clone()),
        monitor: finding.monitor.clone(),
        deployment: finding.deployment.clone(),
        state,
        severity: finding.severity,
        cause: finding.clone().into(),
        findings: vec![FindingSummary {
            id: finding.id,
            block: finding.origin.block,
            at: finding.origin.timestamp,
            status,
            severity: finding.severity,
        }],
        more: Vec::new(),
        opened_at: finding.origin.timestamp,
        last_finding_at: finding.origin.timestamp,
        created_at: UnixMillis(1),
        told: BTreeMap::from([(name("ops-mail"), told)]),
    }
}

pub(crate) fn notification(alert: AlertId, kind: NotificationKind, sequence: u32) -> Notification {
    let receiver = name("ops-mail");
    Notification {
        id: NotificationId::derive(alert, &receiver, sequence),
        alert,
        receiver,
        person: None,
        form: model::MessageForm::Notice,
        group: None,
        alerts: 1,
        kind,
        sequence,
        reason: format!("{} for a reason", kind.as_str()),
        decided_at: UnixMillis(1_000),
        attempts: 0,
        state: NotificationState::Due { not_before: UnixMillis(1_000) },
    }
}

/// What the pager of these tests is told: whom it tells what is what it is told.
pub(crate) fn told(alert: AlertId, kind: NotificationKind, sequence: u32) -> Input {
    let json = format!("{alert} {} {sequence}", kind.as_str());
    Input { kind: "alert", at: UnixMillis(2_000_000), json }
}

/// The message that follows from an input.
pub(crate) fn heard(json: &str) -> Notification {
    let words: Vec<&str> = json.split(' ').collect();
    let kind = NotificationKind::ALL.into_iter().find(|kind| kind.as_str() == words[1]);
    notification(words[0].parse().unwrap(), kind.unwrap(), words[2].parse().unwrap())
}

/// A message about its one alert.
pub(crate) fn message(notification: &Notification) -> OutboxMessage {
    let Notification { alert, kind, sequence, .. } = *notification;
    let lines = vec![NotificationLine { alert, kind, severity: model::Severity::High, sequence }];
    OutboxMessage { notification: notification.clone(), lines, held_for: None }
}

/// The simplest pager: one message for each input that waits.
pub(crate) fn page(store: &Store) {
    let inbox = store.inbox();
    let (from, waiting) = (inbox.applied().unwrap(), inbox.waiting(usize::MAX).unwrap());
    let Some(last) = waiting.last() else { return };
    let messages = waiting.iter().map(|taken| message(&heard(&taken.json))).collect();
    let step = PagingStep { from, applied: last.sequence, messages, ..PagingStep::default() };
    store.commit_paging(&step).unwrap();
}

/// Puts alerts on record, and messages into the outbox.
pub(crate) fn put_alert(store: &Store, alert: &Alert, notifications: &[Notification]) {
    let audit = Audit {
        network: alert.network.clone().unwrap(),
        holes: vec![],
        findings: vec![],
        withdrawn: vec![],
        alerts: vec![alert.clone()],
        inputs: vec![],
        decisions: vec![decision(alert.id, NotificationKind::Opened)],
    };
    store.commit_audit(&audit).unwrap();
    send(store, notifications);
}

/// Puts messages into the outbox.
pub(crate) fn send(store: &Store, notifications: &[Notification]) {
    let applied = store.inbox().applied().unwrap();
    let messages = notifications.iter().map(message).collect();
    let step = PagingStep { from: applied, applied, messages, ..PagingStep::default() };
    store.commit_paging(&step).unwrap();
}

pub(crate) fn decision(alert: AlertId, kind: NotificationKind) -> Decision {
    Decision {
        alert,
        receiver: Some(name("ops-mail")),
        at: UnixMillis(1_000),
        action: Action::Notify(kind),
        reason: Reason::FirstFinding { more: 0 },
    }
}

fn series_key(block: &Block) -> Arc<SeriesKey> {
    let contract = format!("c{}", block.at.number % 3);
    Arc::new(SeriesKey::new("calls", [("contract", contract)]))
}

/// What may happen to the chain next. Operations that make no sense yet become a `Commit`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Op {
    /// A block joins, with this many transactions worth a finding.
    Commit(u8),
    /// A block joins unjudged.
    Quarantine,
    /// The oldest block in quarantine is judged after all.
    Recover,
    /// This many blocks (at least one) leave.
    Revert(u8),
    /// All but this many blocks are final.
    Finalize(u8),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Block {
    pub(crate) at: BlockRef,
    parent_hash: B256,
    /// Transactions that each make a finding.
    txs: Vec<u64>,
    is_quarantined: bool,
    /// It was in quarantine once: judged late, it leaves no detector state.
    was_quarantined: bool,
}

/// The chain as it is, and the detectors' state on it.
pub(crate) struct World {
    pub(crate) network: Name,
    /// Blocks 0 to the head.
    pub(crate) chain: Vec<Block>,
    /// Operations so far: the next event's position.
    pub(crate) position: u64,
    finalized: Option<u64>,
    /// Transactions of blocks that left, which may join again.
    pool: Vec<u64>,
    next_tx: u64,
    state: BTreeMap<Vec<u8>, Vec<u8>>,
    undo: BTreeMap<B256, Vec<StateEntry>>,
    /// Messages sent so far about each alert.
    sequences: BTreeMap<AlertId, u32>,
}

impl World {
    pub(crate) fn new(network: &str) -> Self {
        Self {
            network: name(network),
            chain: Vec::new(),
            position: 0,
            finalized: None,
            pool: Vec::new(),
            next_tx: 0,
            state: BTreeMap::new(),
            undo: BTreeMap::new(),
            sequences: BTreeMap::new(),
        }
    }

    /// What the operation does to the log, and what judging it does to the store.
    pub(crate) fn step(&mut self, op: Op) -> (ChainEvent, Step) {
        let from = Position(self.position);
        let mut step = Step::new(self.network.clone(), from, from.next(), 1 << 63 | 5);
        self.position += 1;
        let event = match op {
            Op::Revert(depth) => self.revert(depth, &mut step),
            Op::Finalize(kept) => self.finalize(kept, &mut step),
            Op::Recover => self.recover(&mut step),
            Op::Quarantine => Some(self.commit(0, true, &mut step)),
            Op::Commit(txs) => Some(self.commit(txs, false, &mut step)),
        };
        let event = event.unwrap_or_else(|| self.commit(1, false, &mut step));
        (event, step)
    }

    fn commit(&mut self, txs: u8, is_quarantined: bool, step: &mut Step) -> ChainEvent {
        let number = self.chain.len() as u64;
        let mut taken = Vec::new();
        for i in 0..txs {
            // Every other time a transaction comes back from a block that left.
            let back = if i % 2 == 0 { self.pool.pop() } else { None };
            taken.push(back.unwrap_or(self.next_tx));
            self.next_tx += u64::from(back.is_none());
        }
        let block = Block {
            // Unique over all forks.
            at: block(number, step.from.0 + 1),
            parent_hash: self.chain.last().map_or(B256::ZERO, |parent| parent.at.hash),
            txs: taken,
            is_quarantined,
            was_quarantined: is_quarantined,
        };
        self.join(block, step)
    }

    /// Puts a block on the chain: also used to rebuild a chain from its blocks.
    pub(crate) fn join(&mut self, block: Block, step: &mut Step) -> ChainEvent {
        self.chain.push(block.clone());
        let network = self.network.clone();
        if block.is_quarantined {
            let reason = BlindReason::Unverified("receipts root differs".into());
            step.coverage.push(self.coverage(&block));
            return ChainEvent::Quarantined {
                network,
                block: block.at,
                parent_hash: block.parent_hash,
                reason,
            };
        }
        self.judge(&block, step);
        if !block.was_quarantined {
            self.remember(&block, step);
        }
        ChainEvent::Committed(Arc::new(bundle(&network, block.at, block.parent_hash)))
    }

    fn judge(&mut self, block: &Block, step: &mut Step) {
        for &tx in &block.txs {
            let finding = finding(&self.network, tx, block.at);
            self.tell(&finding, AlertState::Provisional, NotificationKind::Opened, step);
            step.findings.push(finding);
        }
        let sample = |at: UnixSeconds, value| Sample { series: series_key(block), at, value };
        let at = time_of(block.at.number);
        let mut samples = vec![sample(at, block.txs.len() as f64 + block.at.number as f64 / 100.0)];
        if block.at.number.is_multiple_of(4) {
            // A window that closes writes its point at the window's own, earlier, time.
            samples.push(sample(UnixSeconds(at.0 - 50), -(block.at.number as f64)));
        }
        step.samples.push(BlockSamples { block: block.at, samples });
        step.coverage.push(self.coverage(block));
    }

    fn tell(
        &mut self,
        finding: &Finding,
        state: AlertState,
        kind: NotificationKind,
        step: &mut Step,
    ) {
        let alert = alert(finding, state);
        let sequence = self.sequences.entry(alert.id).or_default();
        step.inputs.push(told(alert.id, kind, *sequence));
        step.decisions.push(decision(alert.id, kind));
        *sequence += 1;
        step.alerts.push(alert);
    }

    fn coverage(&self, block: &Block) -> BlockCoverage {
        let result = if block.is_quarantined {
            CoverageResult::Quarantined(BlindReason::Unverified("receipts root differs".into()))
        } else {
            let warming_up = BlindMonitor {
                monitor: name("gas-anomaly"),
                reason: BlindReason::WarmingUp { seen: block.at.number, needed: 3 },
            };
            let blind = if block.at.number < 3 { vec![warming_up] } else { Vec::new() };
            CoverageResult::Judged { monitors_judged: 9, blind }
        };
        let is_judged = !block.is_quarantined;
        BlockCoverage {
            network: self.network.clone(),
            block: block.at,
            timestamp: is_judged.then(|| time_of(block.at.number)),
            endpoint: is_judged.then(|| name("node-a")),
            monitors_version: u64::MAX,
            result,
        }
    }

    /// Detector state that depends on all blocks and forgets some: one entry counts, one is of this
    /// height modulo 3, one removed.
    fn remember(&mut self, block: &Block, step: &mut Step) {
        let number = block.at.number;
        let count = self.state.get(b"count".as_slice()).map_or(0, |value| value[0]);
        let entries = vec![
            StateEntry { key: b"count".to_vec(), value: Some(vec![count.wrapping_add(1)]) },
            StateEntry { key: vec![number as u8 % 3], value: Some(block.at.hash.to_vec()) },
            StateEntry { key: vec![(number + 1) as u8 % 3], value: None },
        ];
        let prior = |entry: &StateEntry| StateEntry {
            key: entry.key.clone(),
            value: self.state.get(&entry.key).cloned(),
        };
        let undo: Vec<StateEntry> = entries.iter().map(prior).collect();
        put(&mut self.state, &entries);
        self.undo.insert(block.at.hash, undo.clone());
        step.state.push(StateChange {
            network: self.network.clone(),
            entries,
            undo: Some(StateUndo { block: block.at, entries: undo }),
            undo_dropped: Vec::new(),
        });
    }

    fn revert(&mut self, depth: u8, step: &mut Step) -> Option<ChainEvent> {
        // Final blocks stay, and so does the first one.
        let kept = self.finalized.map_or(1, |finalized| finalized as usize + 1);
        let depth = usize::from(depth).max(1).min(self.chain.len().saturating_sub(kept));
        if depth == 0 {
            return None;
        }
        let mut undone = Vec::new();
        let mut entries = Vec::new();
        for _ in 0..depth {
            let block = self.chain.pop()?;
            undone.push(block.at);
            let undo = self.undo.remove(&block.at.hash).unwrap_or_default();
            put(&mut self.state, &undo);
            entries.extend(undo);
            let judged = if block.is_quarantined { &[][..] } else { &block.txs[..] };
            for &tx in judged {
                let finding = finding(&self.network, tx, block.at);
                self.tell(&finding, AlertState::Retracted, NotificationKind::Retracted, step);
            }
            self.pool.extend(block.txs);
        }
        step.reverted.clone_from(&undone);
        let (network, undo) = (self.network.clone(), None);
        let undo_dropped = undone.clone();
        step.state.push(StateChange { network: network.clone(), entries, undo, undo_dropped });
        let ancestor = self.chain.last()?.at;
        Some(ChainEvent::Reverted { network, undone, ancestor })
    }

    fn finalize(&mut self, kept: u8, step: &mut Step) -> Option<ChainEvent> {
        let number = (self.chain.len() as u64).checked_sub(u64::from(kept) + 1)?;
        if self.finalized.is_some_and(|finalized| finalized >= number) {
            return None;
        }
        self.finalized = Some(number);
        let block = self.chain[number as usize].at;
        step.finalized = Some(block);
        Some(ChainEvent::Finalized { network: self.network.clone(), block })
    }

    fn recover(&mut self, step: &mut Step) -> Option<ChainEvent> {
        let block = self.chain.iter_mut().find(|block| block.is_quarantined)?;
        block.is_quarantined = false;
        let block = block.clone();
        self.judge(&block, step);
        let recovered = bundle(&self.network, block.at, block.parent_hash);
        Some(ChainEvent::Recovered(Arc::new(recovered)))
    }
}

pub(crate) fn put(state: &mut BTreeMap<Vec<u8>, Vec<u8>>, entries: &[StateEntry]) {
    for entry in entries {
        match &entry.value {
            Some(value) => drop(state.insert(entry.key.clone(), value.clone())),
            None => drop(state.remove(&entry.key)),
        }
    }
}

/// Appends the event and commits the step: what a judge does.
pub(crate) fn judge(store: &Store, world: &mut World, op: Op) -> Step {
    let (event, step) = world.step(op);
    store.event_log().append(&world.network, &[event]).unwrap();
    store.commit(&step).unwrap();
    page(store);
    step
}
