//! Who holds power is not what the policy says. The page is `authority_drift.md`.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
    sync::Arc,
};

use alloy_primitives::{Address, keccak256};
use model::{
    BlindReason, Confidence, FactValue, Level, Name, PlannedRead, ReadRequest, Severity,
    StateEntry, UnixSeconds,
};
use registry::{
    Class, ContractAbi, Registry,
    authority::{
        Change, DriftItem, DriftKey, History, Holdings, Moment, Observed, Past, Question, Reading,
        Role, drift, questions,
    },
};

use super::watched::{Drifts, Held, Told, Uses};
use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants, What, milder, worse,
    },
    monitors::{MonitorSpec, RuleSpec, version_of},
    state::{Key, Kind, MonitorKey, RestoreError, StateTable},
};

static SPEC: Spec = Spec {
    id: "access/authority_drift",
    version: 1,
    needs: Level::Logs,
    severity: Severity::High,
    params: &[
        ParamSpec {
            name: "verify_every_blocks",
            kind: ParamKind::Integer { default: 300, min: 1, max: 100_000 },
            doc: "each read that verifies what logs said is made once in so many blocks",
        },
        ParamSpec {
            name: "judge_every_s",
            kind: ParamKind::Integer { default: 3_600, min: 1, max: 86_400 },
            doc: "everything is held against the policy this often although nothing changed",
        },
    ],
    page: include_str!("authority_drift.md"),
};

/// Drifts that are remembered at once. Who has more has no policy.
const DRIFTS_MAX: usize = 4_096;

/// See the page.
#[derive(Debug)]
pub struct AuthorityDrift;

impl Detector for AuthorityDrift {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        Box::new(Configured::new(settings, site))
    }
}

/// What a monitor of authority remembers: who holds what as of the newest block judged, and what is
/// needed to say how old a drift is.
#[derive(Debug, Clone)]
pub struct Remembered {
    /// Who holds what.
    pub observed: Observed,
    /// Since when drifts stand, and when power was used.
    pub history: History,
}

/// Kinds of state that [`remembered`] reads, as the bounds of their keys.
pub const REMEMBERED_KEYS: (&[u8], &[u8]) = (&[Kind::Held as u8], &[Kind::Drifts as u8 + 1]);

/// Reads what a monitor of authority remembers of a network, out of the rows of the store; `None`
/// when the monitor is of another kind or has not judged a block there.
///
/// # Errors
/// When a row cannot be read.
pub fn remembered(
    spec: &MonitorSpec,
    registry: &Arc<Registry>,
    network: &Name,
    at: Moment,
    entries: Vec<StateEntry>,
) -> Result<Option<Remembered>, RestoreError> {
    let RuleSpec::Detector { id, params } = &spec.rule else { return Ok(None) };
    let Some(settings) = Settings::check(SPEC.params, params).ok().filter(|_| *id == SPEC.id)
    else {
        return Ok(None);
    };
    let is_on = |d: &registry::Deployment| {
        d.network == *network && (spec.on.is_empty() || spec.on.contains(&d.label))
    };
    let all = registry.own().map(|(index, d)| (d, index));
    let site = Site {
        network: network.clone(),
        guarded: all.filter(|(d, _)| is_on(d)).map(|(_, index)| index).collect(),
        registry: registry.clone(),
        key: MonitorKey::of(&spec.name, version_of(spec.version, SPEC.version)),
        severity: spec.severity,
        children_of: Vec::new(),
    };
    let configured = Configured::new(&settings, site);
    let memory = StateTable::restore(network.clone(), entries, [])?;
    let key = Key::new(Kind::Drifts).monitor(&configured.key);
    let Some(began) = memory.get::<Drifts>(&key).map(|drifts| drifts.began) else {
        return Ok(None);
    };
    let (observed, history) = configured.observed(at, began, &memory);
    Ok(Some(Remembered { observed, history }))
}

impl Configured {
    fn new(settings: &Settings, site: Site) -> Self {
        let every = u32::try_from(settings.integer("verify_every_blocks")).unwrap_or(u32::MAX);
        let every = NonZeroU32::new(every).unwrap_or(NonZeroU32::MIN);
        let registry = site.registry.clone();
        let policy = registry.authority().policy.as_ref();
        let guarded = site.deployments().map(|(_, deployment)| deployment.address);
        let mut watched: BTreeSet<Address> = guarded.collect();
        let named = policy.map(|policy| policy.contracts(&site.network, &registry));
        let treasuries = policy.map(|policy| policy.treasuries(&site.network)).unwrap_or_default();
        watched.extend(named.into_iter().flatten());
        watched.extend(&treasuries);
        let asked = asked(&registry, &site.network, &watched, &treasuries);
        let asked = asked.into_iter().map(|question| Asked {
            id: question_id(&question.request),
            read: question.request.clone().every(every),
            question,
        });
        Self {
            severity: site.severity,
            key: site.key,
            network: site.network,
            asked: asked.collect(),
            registry,
            watched,
            treasuries,
            judge_every_s: settings.integer("judge_every_s"),
        }
    }
}

/// A question with its plan.
struct Asked {
    /// The same for the same question in every configuration.
    id: u64,
    read: PlannedRead,
    question: Question,
}

struct Configured {
    severity: Severity,
    key: MonitorKey,
    network: Name,
    registry: Arc<Registry>,
    /// Contracts whose holders are watched: guarded ones and those that the policy names.
    watched: BTreeSet<Address>,
    treasuries: BTreeSet<Address>,
    asked: Vec<Asked>,
    judge_every_s: u64,
}

/// Everything that is asked of the watched contracts: about the accounts that the policy names, and
/// about those that history names.
fn asked(
    registry: &Registry,
    network: &Name,
    watched: &BTreeSet<Address>,
    treasuries: &BTreeSet<Address>,
) -> Vec<Question> {
    let declared = registry.authority();
    let Some(policy) = &declared.policy else { return Vec::new() };
    let mut history: BTreeMap<Address, Holdings> = BTreeMap::new();
    for scan in declared.scans.iter().filter(|scan| scan.network == *network) {
        // A scan that cannot be folded makes the monitor blind when its state is first needed.
        let folded = scan.fold_before(u64::MAX, |_| Some(0), |who| treasuries.contains(&who));
        history.extend(folded.unwrap_or_default());
    }
    let empty = ContractAbi::default();
    let mut all = Vec::new();
    for &contract in watched {
        let mut known: BTreeMap<Role, BTreeSet<Address>> = BTreeMap::new();
        for (role, holders) in policy.expected(network, contract, registry) {
            known.entry(role).or_default().extend(holders.keys());
        }
        for (role, holder, _) in history.get(&contract).iter().flat_map(|held| held.all()) {
            known.entry(role.clone()).or_default().insert(holder);
        }
        let deployment = registry.at(network, contract);
        let (class, abi) =
            deployment.map_or((Class::Contract, &empty), |d| (d.class, d.abi.as_ref()));
        let kind = policy.principal_at(network, contract).map(|principal| principal.kind);
        all.extend(questions(contract, class, kind, abi, &known));
    }
    all
}

/// The beginning of a hash, because the place of a question in the list changes with the policy.
fn question_id(request: &ReadRequest) -> u64 {
    let digest = keccak256(format!("{request:?}"));
    digest.iter().take(8).fold(0, |id, byte| id << 8 | u64::from(*byte))
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants {
            topics: Change::topics(),
            calls: true,
            every_block: true,
            remembers: true,
            ..Wants::default()
        }
    }

    fn reads(&self) -> Vec<PlannedRead> {
        self.asked.iter().map(|asked| asked.read.clone()).collect()
    }

    fn judge(
        &self,
        block: &Block<'_>,
        touches: &[Touch],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        if self.registry.authority().policy.is_none() {
            let reason = "there is no policy.toml to hold authority against".to_owned();
            return report.blind(BlindReason::Evaluation(reason));
        }
        let mut is_changed = self.begin(block, memory, report);
        let mut sources = BTreeMap::new();
        for touch in touches {
            match touch.what {
                What::Log(ordinal) => {
                    is_changed |=
                        self.fold(block, (touch.tx, ordinal), memory, &mut sources, report);
                }
                What::Frame(frame) => self.note_use(block, touch, frame, memory),
                What::Transaction | What::Transfer(_) => {}
            }
        }
        is_changed |= self.verify(block, memory, report);
        let drifts = Key::new(Kind::Drifts).monitor(&self.key);
        let is_due = memory.get::<Drifts>(&drifts).is_none_or(|d| block.at >= d.next_at);
        if is_changed || is_due {
            self.compare(block, &sources, memory, report);
        }
    }
}

/// Where in the block a contract's role of an account changed: transaction and log.
type SourceOf = BTreeMap<(Address, Option<Role>, Option<Address>), (u32, u32)>;

impl Configured {
    fn key_of(&self, kind: Kind, contract: Address) -> Key {
        Key::new(kind).monitor(&self.key).address(contract)
    }

    fn is_treasury(&self, account: Address) -> bool {
        self.treasuries.contains(&account)
    }

    /// Takes the past from a scan: at the first block, and when a newer scan knows more than was
    /// seen. True when something changed by it.
    fn begin(&self, block: &Block<'_>, memory: &mut StateTable, report: &mut Report<'_>) -> bool {
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
    fn held(&self, contract: Address, began: Moment, memory: &StateTable) -> Held {
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

    fn keep(&self, contract: Address, held: Held, memory: &mut StateTable) {
        let slot = memory.entry(self.key_of(Kind::Held, contract), || held.clone());
        *slot = held;
    }

    fn began(&self, memory: &StateTable, block: &Block<'_>) -> Moment {
        let drifts = memory.get::<Drifts>(&Key::new(Kind::Drifts).monitor(&self.key));
        let now = Moment { block: block.bundle.header.number, at: block.at };
        drifts.map_or(now, |drifts| drifts.began)
    }

    fn fold(
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
    fn note_use(&self, block: &Block<'_>, touch: &Touch, frame: u32, memory: &mut StateTable) {
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

    /// Holds what contracts answer against what their logs said. True when something is new.
    fn verify(&self, block: &Block<'_>, memory: &mut StateTable, report: &mut Report<'_>) -> bool {
        let number = block.bundle.header.number;
        let began = self.began(memory, block);
        let mut is_changed = false;
        for asked in self.asked.iter().filter(|asked| asked.read.is_due(number)) {
            let contract = asked.question.contract;
            let mut reading = Reading::default();
            match block.answer(&asked.question.request) {
                Some(Ok(bytes)) => reading.take(&asked.question, Ok(bytes)),
                Some(Err(reason)) => reading.take(&asked.question, Err(reason)),
                None => reading.take(&asked.question, Err("was not asked")),
            }
            if let Some(failed) = reading.failed.first() {
                let reason = format!("{} of {}", failed, block.name_of(contract));
                report.blind(BlindReason::ReadMissing(reason));
                continue;
            }
            let held = self.held(contract, began, memory);
            let mismatches = reading.mismatches(&held.holdings);
            let known = held.mismatches.get(&asked.id).map_or(&[][..], Vec::as_slice);
            let mut now = held.clone();
            if mismatches.is_empty() {
                now.mismatches.remove(&asked.id);
                now.holdings = reading.over(&held.holdings);
            } else if mismatches != known {
                now.mismatches.insert(asked.id, mismatches);
            }
            let is_new = memory.get::<Held>(&self.key_of(Kind::Held, contract)).is_none();
            if now != held || is_new {
                self.keep(contract, now, memory);
                is_changed = true;
            }
        }
        is_changed
    }

    /// Holds everything against the policy and tells what is new or worse.
    fn compare(
        &self,
        block: &Block<'_>,
        sources: &SourceOf,
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let key = Key::new(Kind::Drifts).monitor(&self.key);
        let began = self.began(memory, block);
        let at = Moment { block: block.bundle.header.number, at: block.at };
        let (observed, history) = self.observed(at, began, memory);
        let known = memory.get::<Drifts>(&key).map(|drifts| drifts.open.clone());
        let known = known.unwrap_or_default();
        let declared = self.registry.authority();
        let mut items =
            drift(std::slice::from_ref(&observed), &self.registry, declared, block.at, &history);
        if items.len() > DRIFTS_MAX {
            let reason = format!("{} drifts, at most {DRIFTS_MAX} are followed", items.len());
            report.blind(BlindReason::Evaluation(reason));
            items.truncate(DRIFTS_MAX);
        }
        let mut open = BTreeMap::new();
        for item in items {
            let told = known.get(&item.key).and_then(|told| told.severity);
            let severity = item.accepted.is_none().then_some(item.severity);
            if severity > told {
                report.claim(self.claim(block, &item, sources));
            }
            open.insert(item.key.clone(), Told { since: item.since, severity: severity.max(told) });
        }
        let next_at = UnixSeconds(block.at.0.saturating_add(self.judge_every_s));
        let drifts = memory.entry(key, || Drifts::new(began));
        drifts.open = open;
        drifts.next_at = next_at;
    }

    fn observed(&self, at: Moment, began: Moment, memory: &StateTable) -> (Observed, History) {
        let mut observed = Observed::new(self.network.clone(), None, at);
        let mut history = History { watched_since: Some(began.at), ..History::default() };
        let is_asked: BTreeSet<u64> = self.asked.iter().map(|asked| asked.id).collect();
        for &contract in &self.watched {
            let held = self.held(contract, began, memory);
            let mismatches = held.mismatches.iter().filter(|(id, _)| is_asked.contains(id));
            let mismatches: Vec<_> = mismatches.flat_map(|(_, all)| all.clone()).collect();
            if !mismatches.is_empty() {
                observed.mismatches.insert(contract, mismatches);
            }
            observed.contracts.insert(contract, held.holdings);
            if let Some(uses) = memory.get::<Uses>(&self.key_of(Kind::Uses, contract)) {
                for (holder, at) in uses.all() {
                    history.used.insert((self.network.clone(), contract, holder), at);
                }
            }
        }
        if let Some(drifts) = memory.get::<Drifts>(&Key::new(Kind::Drifts).monitor(&self.key)) {
            let seen = drifts.open.iter().map(|(key, told)| (key.clone(), told.since));
            history.first_seen = seen.collect();
        }
        (observed, history)
    }

    fn claim(&self, block: &Block<'_>, item: &DriftItem, sources: &SourceOf) -> Claim {
        let key = &item.key;
        // The monitor's severity is that of a stranger with power over money.
        let at = |severity| Severity::ALL.iter().position(|s| *s == severity).unwrap_or(0);
        let (wanted, usual) = (at(item.severity), at(Severity::High));
        let severity = match wanted.checked_sub(usual) {
            Some(steps) => worse(self.severity, steps),
            None => milder(self.severity, usual - wanted),
        };
        let entity = entity(key);
        let mut claim = Claim::about_episode(block, entity, item.since.at, item.title.clone())
            .about(block, key.contract)
            .what(item.severity.as_str())
            .severity(severity)
            .confidence(Confidence::Proven)
            .fact("drift", FactValue::Text(key.class.as_str().to_owned()))
            .fact("power", FactValue::Number { value: item.power, unit: "of 10".to_owned() });
        if let Some(role) = &key.role {
            claim = claim.fact("role", FactValue::Text(role.words()));
        }
        if let Some(account) = key.account {
            claim = claim.fact("account", block.address_fact(account));
        }
        if item.age_s > 0 {
            claim = claim.fact("stands for", FactValue::Seconds(item.age_s));
        }
        for repair in &item.repairs {
            if let Some(from) = repair.from {
                claim = claim.fact("repair must come from", block.address_fact(from));
            }
            claim = claim
                .fact("repair calls", block.address_fact(repair.to))
                .fact("repair", FactValue::Text(repair.explanation.clone()))
                .fact("repair calldata, unsigned", FactValue::Bytes(repair.data.clone()));
        }
        let source = sources.get(&(key.contract, key.role.clone(), key.account));
        if let Some(&(tx, ordinal)) = source {
            claim.origin.tx = Some(block.tx(tx).hash);
            claim.origin.log_index = Some(block.log(tx, ordinal).index);
            claim = claim.fact("transaction sender", block.address_fact(block.tx(tx).from));
        }
        claim
    }
}

/// A drift as the entity of an episode.
fn entity(key: &DriftKey) -> String {
    let role = key.role.as_ref().map(ToString::to_string).unwrap_or_default();
    let account = key.account.map(|account| account.to_string()).unwrap_or_default();
    format!("{} {} {role} {account}", key.class, key.contract)
}
