//! Detectors that read what the chain says outright, against facts that an independent program found in
//! the same blocks: every emitter of a log and every labelled contract is guarded in turn.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::Write as _,
    path::Path,
    sync::Arc,
};

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, keccak256};
use chain::{Prove, assemble, recorded::Recording};
use detect::{Engine, MonitorSpec, Params, RuleSpec};
use model::{
    BlockBundle, ChainEvent, Finding, Name, Position, ReadRequest, Severity, StateRead,
    StorageWrite, UnixSeconds,
};
use registry::{Class, ContractAbi, Deployment, Labels, Registry};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{corpus, folder};

/// Facts, as the file has them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Labelled {
    events: Vec<Event>,
    eip1967_writes: Vec<SlotWrite>,
    reentrant_txs: Vec<(u64, u32, Vec<Address>)>,
    created_contracts: Vec<(u64, u32, Address, String)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    block: u64,
    log_index: u32,
    address: Address,
    event: String,
}

#[derive(Deserialize)]
struct SlotWrite {
    block: u64,
    address: Address,
}

/// Events that say who may do what, and events that say which code runs.
const OF_POWER: [&str; 10] = [
    "OwnershipTransferred",
    "OwnershipTransferStarted",
    "RoleGranted",
    "RoleRevoked",
    "AdminChanged",
    "AddedOwner@Safe",
    "RemovedOwner@Safe",
    "ChangedThreshold@Safe",
    "EnabledModule@Safe",
    "DisabledModule@Safe",
];
const OF_CODE: [&str; 2] = ["Upgraded", "BeaconUpgraded"];

/// What is asked of the blocks.
const DETECTORS: [&str; 7] = [
    "access/role_change",
    "change/proxy_upgraded",
    "change/code_changed",
    "deployment/created",
    "flow/reentrant_call",
    "oracle/price_moved_then_used",
    "storage/silent_write",
];

/// Findings that are no facts, of which so many are printed.
const OTHERS_SHOWN: usize = 5;

/// Counts of one detector.
#[derive(Default)]
struct Counted {
    /// Facts, and those of them that were told.
    facts: usize,
    found: usize,
    /// Findings, and those of them that are facts.
    told: usize,
    right: usize,
    /// Findings that would wake somebody.
    loud: usize,
    others: BTreeMap<String, usize>,
}

fn network() -> Name {
    Name::new("mainnet").unwrap()
}

/// The state before a block, and what each of its transactions changed.
struct States {
    before: HashMap<Address, Value>,
    diffs: Vec<Value>,
}

impl States {
    fn read(folder: &Path, number: u64) -> Self {
        let of = |name: &str| corpus::unpacked(&folder.join(format!("blocks/{number}/{name}")));
        let diffs: Vec<Value> = serde_json::from_str(&of("statediffs.json.zst")).unwrap();
        Self { before: serde_json::from_str(&of("prestate.json.zst")).unwrap(), diffs }
    }

    fn word(value: &Value) -> Option<B256> {
        let text = value.as_str()?.trim_start_matches("0x");
        let bytes = alloy_primitives::hex::decode(format!("{text:0>64}")).ok()?;
        Some(B256::from_slice(&bytes))
    }

    /// What changed in an account, transaction by transaction: before and after.
    fn changes(&self, of: Address) -> impl Iterator<Item = (u32, &Value, &Value)> {
        let account = format!("{of:#x}");
        (0u32..).zip(&self.diffs).filter_map(move |(tx, diff)| {
            let side = |side: &str| &diff["result"][side][&account];
            let (pre, post) = (side("pre"), side("post"));
            (!pre.is_null() || !post.is_null()).then_some((tx, pre, post))
        })
    }

    fn slot(&self, of: Address, slot: B256, is_after: bool) -> B256 {
        let name = format!("{slot:#x}");
        let known = self.before.get(&of).and_then(|of| Self::word(&of["storage"][&name]));
        let mut word = known.unwrap_or_default();
        for (_, pre, post) in self.changes(of).take_while(|_| is_after) {
            if let Some(after) = Self::word(&post["storage"][&name]) {
                word = after;
            } else if !pre["storage"][&name].is_null() {
                word = B256::ZERO;
            }
        }
        word
    }

    fn code_hash(&self, of: Address, is_after: bool) -> B256 {
        let known = self.before.get(&of).and_then(|of| Self::word(&of["codeHash"]));
        let mut hash = known.unwrap_or(KECCAK256_EMPTY);
        for (_, _, post) in self.changes(of).take_while(|_| is_after) {
            if let Some(code) = post["code"].as_str() {
                hash = keccak256(code.parse::<Bytes>().unwrap());
            }
        }
        hash
    }

    fn writes(&self, of: Address) -> Vec<StorageWrite> {
        let mut writes = Vec::new();
        for (tx, pre, post) in self.changes(of) {
            let slots = |side: &Value| -> BTreeSet<String> {
                side["storage"]
                    .as_object()
                    .map_or_else(Default::default, |slots| slots.keys().cloned().collect())
            };
            for slot in slots(pre).union(&slots(post)) {
                let word = |side: &Value| Self::word(&side["storage"][slot]).unwrap_or_default();
                let (before, after) = (word(pre), word(post));
                if before != after {
                    let slot = slot.parse().unwrap();
                    writes.push(StorageWrite { tx, slot, before, after });
                }
            }
        }
        writes
    }

    /// Answers what can be answered from the record; views cannot.
    fn answer(&self, request: &ReadRequest, is_after: bool) -> Option<StateRead> {
        let bytes = match request {
            ReadRequest::Storage { of, slot } => self.slot(*of, *slot, is_after).to_vec(),
            ReadRequest::CodeHash(of) => self.code_hash(*of, is_after).to_vec(),
            ReadRequest::Writes(of) if is_after => {
                StorageWrite::encode_all(&self.writes(*of)).to_vec()
            }
            ReadRequest::Writes(_) => Vec::new(),
            ReadRequest::Balance(_) | ReadRequest::Call { .. } => return None,
        };
        Some(StateRead { request: request.clone(), result: Ok(bytes.into()) })
    }
}

/// The pools of a block: who tells reserves or a swap.
fn is_pool(bundle: &BlockBundle, of: Address) -> bool {
    let sync = keccak256("Sync(uint112,uint112)");
    let swap = keccak256("Swap(address,address,int256,int256,uint160,uint128,int24)");
    let mut logs = bundle.transactions.iter().flat_map(|tx| &tx.logs);
    logs.any(|log| log.address == of && log.topic0().is_some_and(|t| t == sync || t == swap))
}

fn registry(bundle: &BlockBundle, guarded: &BTreeSet<Address>) -> Arc<Registry> {
    let deployment = |(at, address): (usize, &Address)| Deployment {
        label: Name::new(&format!("contract-{at}")).unwrap(),
        network: network(),
        address: *address,
        protocol: None,
        class: if is_pool(bundle, *address) { Class::Pool } else { Class::Contract },
        abi: Arc::new(ContractAbi::default()),
        abi_known: false,
        first_block: None,
        value_at_risk: None,
        token: None,
        oracle: None,
    };
    let deployments = guarded.iter().enumerate().map(deployment).collect();
    Arc::new(Registry::new(deployments, Labels::builder().build()).unwrap())
}

fn monitors(registry: &Registry) -> Vec<MonitorSpec> {
    let of = |id: &&str| MonitorSpec {
        name: Name::new(&id.replace('/', ".")).unwrap(),
        version: 1,
        networks: Vec::new(),
        on: registry.deployments().iter().map(|d| d.label.clone()).collect(),
        children_of: Vec::new(),
        rule: RuleSpec::Detector {
            id: (*id).to_owned(),
            params: match *id {
                "change/code_changed" => [("all_slots".to_owned(), "true".to_owned())].into(),
                _ => Params::new(),
            },
        },
        severity: detect::detectors::find(id).unwrap().spec().severity,
        say: None,
        runbook: None,
    };
    DETECTORS.iter().map(of).collect()
}

/// What the detectors say of one block, with an empty one of the state before it in front.
fn judged(states: &States, bundle: BlockBundle, registry: Arc<Registry>) -> Vec<Finding> {
    let monitors = monitors(&registry);
    let mut engine = Engine::new(registry, monitors).unwrap();
    let number = bundle.header.number;
    let due = engine.reads(&network()).due(number);
    let reads = |is_after| due.iter().filter_map(|r| states.answer(r, is_after)).collect();
    let mut before = bundle.clone();
    before.header.number = number - 1;
    before.header.hash = bundle.header.parent_hash;
    before.header.parent_hash = B256::ZERO;
    before.header.timestamp = UnixSeconds(bundle.header.timestamp.0 - 1);
    before.transactions.clear();
    before.traces = Some(Vec::new());
    before.reads = reads(false);
    let bundle = BlockBundle { reads: reads(true), ..bundle };
    engine.apply(Position(1), &ChainEvent::Committed(Arc::new(before)));
    engine.apply(Position(2), &ChainEvent::Committed(Arc::new(bundle))).findings
}

/// Pairs of a transaction and a guarded contract that it calls.
fn pairs_of(bundle: &BlockBundle, guarded: &BTreeSet<Address>) -> usize {
    let called = |trace: &model::TxTrace| -> BTreeSet<Address> {
        trace.frames.iter().filter_map(|frame| frame.to).filter(|to| guarded.contains(to)).collect()
    };
    bundle.traces.iter().flatten().map(|trace| called(trace).len()).sum()
}

#[test]
fn what_the_chain_says_outright_is_told_and_nothing_else() {
    let Some(folder) = folder() else { return };
    let facts = corpus::unpacked(&folder.join("blocks/ground_truth.json.zst"));
    let facts: Labelled = serde_json::from_str(&facts).unwrap();
    let mut counted: BTreeMap<&str, Counted> = BTreeMap::new();
    let (mut contracts, mut blocks, mut pairs) = (0, 0, 0);
    for (number, block) in Recording::open(&folder).unwrap().blocks() {
        let block = block.unwrap();
        let name = network();
        let raw = block.raw().unwrap();
        let bundle = assemble(&name, &name, raw, &Prove::nothing()).unwrap();
        let here = |of: &Event| of.block == number;
        let created: BTreeSet<Address> =
            facts.created_contracts.iter().filter(|c| c.0 == number).map(|c| c.2).collect();
        let reentered = facts
            .reentrant_txs
            .iter()
            .filter(|(block, ..)| *block == number)
            .flat_map(|(.., of)| of);
        let mut guarded: BTreeSet<Address> =
            bundle.transactions.iter().flat_map(|tx| &tx.logs).map(|log| log.address).collect();
        guarded.extend(&created);
        guarded.extend(reentered);
        guarded
            .extend(facts.eip1967_writes.iter().filter(|w| w.block == number).map(|w| w.address));
        if guarded.is_empty() {
            continue;
        }
        contracts += guarded.len();
        blocks += 1;
        pairs += pairs_of(&bundle, &guarded);
        let states = States::read(&folder, number);
        let registry = registry(&bundle, &guarded);
        let findings = judged(&states, bundle, registry);
        let mut tell = |detector: &'static str,
                        truth: BTreeSet<(Address, u64)>,
                        at: &dyn Fn(&Finding) -> u64| {
            let of = counted.entry(detector).or_default();
            let mut seen = BTreeSet::new();
            for finding in findings.iter().filter(|finding| finding.detector == detector) {
                let place = (finding.address.unwrap_or_default(), at(finding));
                of.told += 1;
                of.loud += usize::from(finding.severity >= Severity::High);
                if truth.contains(&place) {
                    of.right += 1;
                    seen.insert(place);
                } else {
                    let known: String = finding
                        .title
                        .split(' ')
                        .filter(|w| w.len() < 20)
                        .collect::<Vec<_>>()
                        .join(" ");
                    *of.others.entry(format!("{number} {known}")).or_default() += 1;
                }
            }
            of.facts += truth.len();
            of.found += seen.len();
        };
        let events = |names: &[&str]| {
            let of = facts.events.iter().filter(|e| here(e) && names.contains(&e.event.as_str()));
            of.map(|e| (e.address, u64::from(e.log_index))).collect()
        };
        let by_log = |f: &Finding| u64::from(f.origin.log_index.unwrap_or(u32::MAX));
        let whole = |_: &Finding| 0;
        tell("access/role_change", events(&OF_POWER), &by_log);
        tell("change/proxy_upgraded", events(&OF_CODE), &by_log);
        tell("change/code_changed", BTreeSet::new(), &whole);
        tell("deployment/created", created.iter().map(|of| (*of, 0)).collect(), &whole);
        for detector in
            ["flow/reentrant_call", "oracle/price_moved_then_used", "storage/silent_write"]
        {
            tell(detector, BTreeSet::new(), &whole);
        }
    }
    let mut lines = String::new();
    for (detector, of) in &counted {
        println!(
            "{detector}: {} of {} facts, {} of {} findings are facts, {} loud; others {:?}",
            of.found,
            of.facts,
            of.right,
            of.told,
            of.loud,
            of.others.iter().take(OTHERS_SHOWN).collect::<Vec<_>>()
        );
    }
    let mut line = |detector: &str, data: &str, n: String, more: Value| {
        let mut figure =
            json!({ "detector": detector, "data": data, "n": n, "lead": "in its block" });
        figure.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        writeln!(lines, "figure {figure}").unwrap();
    };
    let n = format!("{blocks} blocks, {contracts} contracts");
    for detector in ["access/role_change", "change/proxy_upgraded", "deployment/created"] {
        let of = &counted[detector];
        let data = "facts of recorded blocks, every emitter and creation guarded";
        let more = json!({ "recall": [of.found, of.facts], "precision": [of.right, of.told] });
        line(detector, data, n.clone(), more);
    }
    let quiet = |detector: &str| json!({ "false_per_call": [counted[detector].told, pairs] });
    let n = format!("{pairs} everyday calls of {contracts} contracts");
    let data = "recorded blocks in which nothing changed unannounced";
    line("change/code_changed", data, n.clone(), quiet("change/code_changed"));
    let data = "everyday blocks, every emitter guarded; told at all";
    line("flow/reentrant_call", data, n.clone(), quiet("flow/reentrant_call"));
    let data = "everyday blocks, every emitter guarded, every pool a source; told at all";
    line("oracle/price_moved_then_used", data, n, quiet("oracle/price_moved_then_used"));
    println!("\n{lines}");
    let role = &counted["access/role_change"];
    assert_eq!(role.found, role.facts, "a change of power was missed");
    let upgraded = &counted["change/proxy_upgraded"];
    assert_eq!(upgraded.found, upgraded.facts, "an upgrade was missed");
    assert_eq!(counted["change/code_changed"].told, 0);
}
