//! Other code runs and nothing said so. The page is `code_changed.md`.

use std::num::NonZeroU32;

use alloy_primitives::{Address, B256, KECCAK256_EMPTY};
use model::{BlindReason, FactValue, Level, PlannedRead, ReadRequest, Severity};
use registry::{
    Class, Deployment,
    lineage::Delegate,
    proxy::{AUTHORITY_SLOTS, EIP1967_ADMIN, EIP1967_BEACON, implementation_from_word},
};
use serde::{Deserialize, Serialize};

use crate::{
    chronicle::{self, Place},
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants,
    },
    state::{Key, Kind, StateTable},
};

static SPEC: Spec = Spec {
    id: "change/code_changed",
    version: 1,
    needs: Level::Logs,
    severity: Severity::Critical,
    params: &[ParamSpec {
        name: "every_blocks",
        kind: ParamKind::Integer { default: 1, min: 1, max: 7_200 },
        doc: "how often code and slots are read: once in so many blocks",
    }],
    page: include_str!("code_changed.md"),
};

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
        let watched = site.deployments().map(|(index, deployment)| Watched {
            index,
            address: deployment.address,
            slots: if may_be_proxy(deployment) { AUTHORITY_SLOTS.len() } else { 0 },
        });
        Box::new(Configured { watched: watched.collect(), every_blocks, site })
    }
}

struct Configured {
    site: Site,
    watched: Vec<Watched>,
    every_blocks: NonZeroU32,
}

struct Watched {
    index: u32,
    address: Address,
    /// How many of [`AUTHORITY_SLOTS`] are read: all or none.
    slots: usize,
}

/// What was read of a contract last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeRead {
    code: Option<B256>,
    /// As in [`AUTHORITY_SLOTS`].
    slots: [Option<B256>; AUTHORITY_SLOTS.len()],
}

/// Whether a contract's slots can hold something: it is declared a proxy, or its interface upgrades.
fn may_be_proxy(deployment: &Deployment) -> bool {
    let speaks = |name: &str| matches!(name, "Upgraded" | "BeaconUpgraded" | "AdminChanged");
    let does = |name: &str| matches!(name, "upgradeTo" | "upgradeToAndCall" | "proxiableUUID");
    deployment.class == Class::Proxy
        || deployment.abi.events().any(|event| speaks(&event.name))
        || deployment.abi.functions().any(|function| does(&function.name))
}

impl Watched {
    fn requests(&self) -> impl Iterator<Item = ReadRequest> {
        let of = self.address;
        let slots = AUTHORITY_SLOTS.iter().take(self.slots);
        let slots = slots.map(move |(slot, _)| ReadRequest::Storage { of, slot: *slot });
        std::iter::once(ReadRequest::CodeHash(of)).chain(slots)
    }
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants { every_block: true, remembers: true, ..Wants::default() }
    }

    fn reads(&self) -> Vec<PlannedRead> {
        let requests = self.watched.iter().flat_map(Watched::requests);
        requests.map(|request| request.every(self.every_blocks)).collect()
    }

    fn judge(
        &self,
        block: &Block<'_>,
        _: &[Touch],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        for watched in &self.watched {
            self.contract(block, watched, memory, report);
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
        let key = Key::new(Kind::CodeRead).monitor(&self.site.key).address(watched.address);
        let mut known = memory.get::<CodeRead>(&key).cloned().unwrap_or_default();
        let before = known.clone();
        for (at, request) in watched.requests().enumerate() {
            let number = block.bundle.header.number;
            if !request.clone().every(self.every_blocks).is_due(number) {
                continue;
            }
            let answer = match &request {
                ReadRequest::Storage { of, slot } => block.storage(*of, *slot),
                _ => block.code_hash(watched.address),
            };
            let Some(word) = answer else {
                let label = &block.deployment(watched.index).label;
                let what = if at == 0 { "code hash" } else { AUTHORITY_SLOTS[at - 1].1 };
                report.blind(BlindReason::ReadMissing(format!("{what} of {label}")));
                continue;
            };
            match at.checked_sub(1) {
                None => {
                    let was = known.code.replace(word);
                    self.code(block, watched, was, word, report);
                }
                Some(slot) => {
                    let was = known.slots[slot].replace(word);
                    self.slot(block, watched, slot, (was, word), memory, report);
                }
            }
        }
        if known != before {
            *memory.entry(key, CodeRead::default) = known;
        }
    }

    fn code(
        &self,
        block: &Block<'_>,
        watched: &Watched,
        was: Option<B256>,
        now: B256,
        report: &mut Report<'_>,
    ) {
        let Some(was) = was.filter(|was| *was != now) else { return };
        // Code that appears where there was none is a deployment.
        if was == KECCAK256_EMPTY {
            return;
        }
        let label = &block.deployment(watched.index).label;
        let title = if now == KECCAK256_EMPTY {
            format!("the code of {label} is gone")
        } else {
            format!("other code runs at the address of {label}")
        };
        let claim = self.claim(block, watched, "code", title);
        report.claim(claim.fact("code hash", word(now)).fact("code hash before", word(was)));
    }

    fn slot(
        &self,
        block: &Block<'_>,
        watched: &Watched,
        slot: usize,
        (was, now): (Option<B256>, B256),
        memory: &StateTable,
        report: &mut Report<'_>,
    ) {
        let (place, name) = AUTHORITY_SLOTS[slot];
        let now_address = implementation_from_word(now);
        // What events said about it; of an admin they are told elsewhere, so any change there is
        // held against what was read before, and the events of this block.
        let told = chronicle::of(memory, watched.address).and_then(|c| c.lineage.delegates.now());
        let told = match told {
            Some(Delegate::Implementation(to))
                if place != EIP1967_BEACON && place != EIP1967_ADMIN =>
            {
                Some(to)
            }
            Some(Delegate::Beacon(to)) if place == EIP1967_BEACON => Some(to),
            _ => None,
        };
        let is_explained = match (was, told) {
            (Some(was), _) if was == now => true,
            (_, Some(told)) => now_address == Some(told) || was.is_none() && now.is_zero(),
            (None, None) => true,
            (Some(_), None) => place == EIP1967_ADMIN && admin_changed(block, watched.address),
        };
        if is_explained {
            return;
        }
        let label = &block.deployment(watched.index).label;
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
fn admin_changed(block: &Block<'_>, of: Address) -> bool {
    let topic = alloy_primitives::keccak256("AdminChanged(address,address)");
    let mut logs = block.bundle.transactions.iter().flat_map(|tx| &tx.logs);
    logs.any(|log| log.address == of && log.topic0() == Some(topic))
}

fn word(word: B256) -> FactValue {
    FactValue::Bytes(word.to_vec().into())
}

fn address_or_word(block: &Block<'_>, value: B256) -> FactValue {
    implementation_from_word(value).map_or_else(|| word(value), |a| block.address_fact(a))
}
