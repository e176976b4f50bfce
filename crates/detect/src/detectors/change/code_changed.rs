//! Other code runs and nothing said so. The page is `code_changed.md`.

use std::num::NonZeroU32;

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY};
use model::{BlindReason, FactValue, Level, PlannedRead, Severity};
use registry::{
    lineage::{Delegate, FacetCut, FacetDiff, Functions},
    proxy::{
        CodeSeen, EIP1967_ADMIN, EIP1967_BEACON, RebirthKind, ZOS_ADMIN, by_selector, facets,
        implementation_from_word, rebirths,
    },
    risk::{self, Parameter, RiskKind},
};

use super::{
    code_read::{CodeRead, Part, Watched},
    proxy_upgraded::{cut_facts, said},
};
use crate::{
    chronicle::{self, Place},
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants,
    },
    state::StateTable,
};

static SPEC: Spec = Spec {
    id: "change/code_changed",
    version: 1,
    needs: Level::Logs,
    severity: Severity::Critical,
    params: &[
        ParamSpec {
            name: "every_blocks",
            kind: ParamKind::Integer { default: 1, min: 1, max: 7_200 },
            doc: "how often code and slots are read: once in so many blocks",
        },
        ParamSpec {
            name: "all_slots",
            kind: ParamKind::Flag { default: false },
            doc: "whether the slots of proxies are read of contracts whose class and ABI show no proxy, too",
        },
    ],
    page: include_str!("code_changed.md"),
};

/// Type of the transactions that set the code of accounts (EIP-7702).
const SET_CODE_TX: u8 = 4;

/// Transactions that a fact lists.
const TRANSACTIONS_SHOWN_MAX: usize = 8;

/// See the page.
#[derive(Debug)]
pub struct CodeChanged;

impl Detector for CodeChanged {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        let every_blocks = u32::try_from(settings.integer("every_blocks")).ok();
        let every_blocks = every_blocks.and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN);
        let all_slots = settings.flag("all_slots");
        let watched = site.deployments();
        let watched = watched
            .map(|(index, known)| Watched::of(&site.key, (index, known), all_slots, every_blocks));
        Box::new(Configured { watched: watched.collect(), site })
    }
}

struct Configured {
    site: Site,
    watched: Vec<Watched>,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants { every_block: true, remembers: true, ..Wants::default() }
    }

    fn reads(&self) -> Vec<PlannedRead> {
        let reads = self.watched.iter().flat_map(|watched| &watched.parts);
        reads.map(|(_, read)| read.clone()).collect()
    }

    fn judge(
        &self,
        block: &Block<'_>,
        _: &[Touch],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        // Nearly always nothing changed anywhere, and there may be thousands of contracts.
        for watched in &self.watched {
            let known = memory.get::<CodeRead>(&watched.key);
            if !known.is_some_and(|known| is_as_before(block, watched, known)) {
                self.contract(block, watched, memory, report);
            }
        }
    }
}

impl Configured {
    fn contract(
        &self,
        block: &Block<'_>,
        watched: &Watched,
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let mut known = memory.get::<CodeRead>(&watched.key).cloned().unwrap_or_default();
        let before = known.clone();
        if let Some(functions) = &mut known.functions {
            take_cuts(block, watched, functions);
        }
        for (part, read) in &watched.parts {
            if !read.is_due(block.bundle.header.number) {
                continue;
            }
            let Some(Ok(answer)) = block.answer(&read.request) else {
                report.blind(missing(block, watched, *part));
                continue;
            };
            match (part, B256::try_from(answer.as_ref())) {
                (Part::Loupe, _) => {
                    self.loupe(block, watched, answer, &mut known.functions, report)
                }
                (_, Err(_)) => report.blind(missing(block, watched, *part)),
                (Part::Code, Ok(now)) => {
                    let was = known.code.replace(now);
                    self.code(block, watched, (was, now), memory, report);
                }
                (Part::Slot(slot, _), Ok(now)) => {
                    let was = known.slots.insert(*slot, now);
                    self.pointer(block, watched, *part, (was, now), memory, report);
                }
                (Part::Beacon, Ok(now)) => {
                    let was = known.beacon.replace(now);
                    self.pointer(block, watched, *part, (was, now), memory, report);
                }
            }
        }
        if known != before {
            *memory.entry(watched.key, CodeRead::default) = known;
        }
    }

    fn code(
        &self,
        block: &Block<'_>,
        watched: &Watched,
        (was, now): (Option<B256>, B256),
        memory: &StateTable,
        report: &mut Report<'_>,
    ) {
        let Some(was) = was.filter(|was| *was != now) else { return };
        let label = &block.deployment(watched.index).label;
        let title = if now == KECCAK256_EMPTY {
            format!("the code of {label} is gone")
        } else if was != KECCAK256_EMPTY {
            format!("other code runs at the address of {label}")
        } else {
            match rebirth(block, watched, memory) {
                Some(true) => format!("the code of {label}, which was gone, is back"),
                Some(false) => format!("other code stands where the code of {label} was gone"),
                // Code that was to appear is a deployment, and told as such.
                None if is_deployed(block, watched) => return,
                None => format!("code appeared at {label}, which is an account without code"),
            }
        };
        let mut claim = self.claim(block, watched, "code", title);
        claim = claim.fact("code hash", word(now)).fact("code hash before", word(was));
        // An account changes its code by such a transaction alone.
        let delegations = block.bundle.transactions.iter().filter(|tx| tx.kind == SET_CODE_TX);
        let delegations: Vec<FactValue> = delegations.map(|tx| word(tx.hash)).collect();
        if !delegations.is_empty() {
            let shown = delegations.into_iter().take(TRANSACTIONS_SHOWN_MAX).collect();
            claim = claim.fact("transactions with EIP-7702 delegations", FactValue::List(shown));
        }
        report.claim(claim);
    }

    /// A word that names whose code runs, or who may change it.
    fn pointer(
        &self,
        block: &Block<'_>,
        watched: &Watched,
        part: Part,
        (was, now): (Option<B256>, B256),
        memory: &StateTable,
        report: &mut Report<'_>,
    ) {
        let is_admin = matches!(part, Part::Slot(EIP1967_ADMIN | ZOS_ADMIN, _));
        let now_address = implementation_from_word(now);
        // What events said about it; of an admin they are told elsewhere, so any change there is
        // held against what was read before, and the events of this block.
        let told = chronicle::of(memory, watched.address).and_then(|c| c.lineage.delegates.now());
        let told = match (told, part) {
            (Some(Delegate::Beacon(to)), Part::Slot(EIP1967_BEACON, _)) => Some(to),
            (_, Part::Slot(EIP1967_BEACON, _)) => None,
            (Some(Delegate::Implementation(to)), _) if !is_admin => Some(to),
            _ => None,
        };
        let is_explained = match (was, told) {
            (Some(was), _) if was == now => true,
            (_, Some(told)) => now_address == Some(told) || was.is_none() && now.is_zero(),
            (None, None) => true,
            (Some(_), None) => is_admin && admin_changed(block, watched),
        };
        if is_explained {
            return;
        }
        let (label, name) = (&block.deployment(watched.index).label, part.name());
        let shown = now_address.map_or_else(|| now.to_string(), |address| block.name_of(address));
        let title = format!("the {name} of {label} is {shown} now, and no event says so");
        let mut claim =
            self.claim(block, watched, name, title).fact(name, address_or_word(block, now));
        if let Some(was) = was {
            claim = claim.fact(format!("{name} before"), address_or_word(block, was));
        }
        if let Some(told) = told {
            claim = claim.fact("last told by an event", block.address_fact(told));
        }
        report.claim(claim);
    }

    fn loupe(
        &self,
        block: &Block<'_>,
        watched: &Watched,
        answer: &Bytes,
        known: &mut Option<Functions>,
        report: &mut Report<'_>,
    ) {
        let Some(facets) = facets(answer) else {
            report.blind(missing(block, watched, Part::Loupe));
            return;
        };
        let now = by_selector(&facets);
        let diff = known.as_ref().map(|was| FacetDiff::between(was, &now)).unwrap_or_default();
        *known = Some(now);
        if diff.is_empty() {
            return;
        }
        let label = &block.deployment(watched.index).label;
        let title = format!("{label} was cut, and no event says so: {}", said(&diff));
        let mut claim = self.claim(block, watched, "facets", title);
        for (name, facts) in cut_facts(block, &diff) {
            claim = claim.fact(name, FactValue::List(facts));
        }
        report.claim(claim);
    }

    fn claim(&self, block: &Block<'_>, watched: &Watched, what: &str, title: String) -> Claim {
        // The transaction is found by the traces of the block, if it has any that name the contract.
        let place = last_call(block, watched.address).unwrap_or(Place::State);
        let claim = match place {
            Place::Frame { tx, index } => Claim::about_frame(block, tx, index, title),
            _ => Claim::about_block(block.bundle.block_ref(), block.at, title),
        };
        claim
            .about(block, watched.address)
            .what(format!("{} {what}", watched.address))
            .severity(self.site.severity)
    }
}

/// Whether every part that is read after this block says what it said before.
fn is_as_before(block: &Block<'_>, watched: &Watched, known: &CodeRead) -> bool {
    // Of a diamond the block's own cuts count, too.
    known.functions.is_none()
        && watched.parts.iter().filter(|(_, read)| read.is_due(block.bundle.header.number)).all(
            |(part, read)| {
                let before = match part {
                    Part::Code => known.code.as_ref(),
                    Part::Slot(slot, _) => known.slots.get(slot),
                    Part::Beacon => known.beacon.as_ref(),
                    Part::Loupe => None,
                };
                let now = block.answer(&read.request).and_then(|answer| answer.as_ref().ok());
                before.zip(now).is_some_and(|(before, now)| before.as_slice() == now.as_ref())
            },
        )
}

fn missing(block: &Block<'_>, watched: &Watched, part: Part) -> BlindReason {
    let label = &block.deployment(watched.index).label;
    BlindReason::ReadMissing(format!("{} of {label}", part.name()))
}

/// Whether this block brought code back to where it was gone, and whether it is the old one.
fn rebirth(block: &Block<'_>, watched: &Watched, memory: &StateTable) -> Option<bool> {
    let chronicle = chronicle::of(memory, watched.address)?;
    let seen = |since: &registry::lineage::Since<Option<B256>>| CodeSeen {
        block: since.block.number,
        code_hash: since.what.unwrap_or_default(),
    };
    let history: Vec<CodeSeen> = chronicle.lineage.code.iter().map(seen).collect();
    let last = rebirths(&history).into_iter().next_back()?;
    match last.kind {
        RebirthKind::Reborn { is_same } if last.after.block == block.bundle.header.number => {
            Some(is_same)
        }
        _ => None,
    }
}

/// Whether it was to be deployed, or a creation explains its code.
fn is_deployed(block: &Block<'_>, watched: &Watched) -> bool {
    block.registry.planned(watched.index).is_some()
        || block.news.creations.iter().any(|creation| creation.address == watched.address)
}

/// Does to a diamond's functions what its cuts of this block say.
fn take_cuts(block: &Block<'_>, watched: &Watched, functions: &mut Functions) {
    let logs = block.bundle.transactions.iter().flat_map(|tx| &tx.logs);
    for log in logs.filter(|log| log.address == watched.address) {
        let Ok(Some(event)) = risk::read(log) else { continue };
        let RiskKind::ParameterUpdate(update) = event.kind else { continue };
        if let (Parameter::Facets, Some(new)) = (update.parameter, &update.new) {
            for cut in FacetCut::read_all(new).unwrap_or_default() {
                cut.apply(functions);
            }
        }
    }
}

/// The last frame of the block that ran in the contract's name and could have written to it.
fn last_call(block: &Block<'_>, of: Address) -> Option<Place> {
    let transactions = (0..block.bundle.transactions.len() as u32).rev();
    for tx in transactions {
        let Some(trace) = block.trace(tx) else {
            if block.tx(tx).to == Some(of) {
                return Some(Place::Frame { tx, index: 0 });
            }
            continue;
        };
        let at = trace.frames.iter().rposition(|frame| frame.to == Some(of) || frame.from == of);
        if let Some(at) = at.filter(|at| trace.took_effect(*at)) {
            return Some(Place::Frame { tx, index: at as u32 });
        }
    }
    None
}

/// Whether the contract said in this block that its admin changed.
fn admin_changed(block: &Block<'_>, watched: &Watched) -> bool {
    let topic = alloy_primitives::keccak256("AdminChanged(address,address)");
    let mut logs = block.bundle.transactions.iter().flat_map(|tx| &tx.logs);
    logs.any(|log| log.address == watched.address && log.topic0() == Some(topic))
}

fn word(word: B256) -> FactValue {
    FactValue::Bytes(word.to_vec().into())
}

fn address_or_word(block: &Block<'_>, value: B256) -> FactValue {
    implementation_from_word(value).map_or_else(|| word(value), |a| block.address_fact(a))
}
