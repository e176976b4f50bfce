//! State changed and no event said so. The page is `silent_write.md`.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256, U256};
use model::{
    BlindReason, FactValue, Level, Measure, Name, PlannedRead, ReadRequest, Severity, StorageWrite,
};
use registry::{Registry, proxy::AUTHORITY_SLOTS};
use serde::{Deserialize, Serialize};

use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants, milder, worse,
    },
    state::{Key, Kind, StateTable},
};

static SPEC: Spec = Spec {
    id: "storage/silent_write",
    version: 1,
    needs: Level::StateDiffs,
    severity: Severity::Medium,
    params: &[
        ParamSpec {
            name: "slots",
            kind: ParamKind::Words { default: &[] },
            doc: "slots, as numbers or in hex, whose every silent change is told, beside those of proxies and Safes",
        },
        ParamSpec {
            name: "warm_up_txs",
            kind: ParamKind::Integer { default: 1_000, min: 10, max: 1_000_000 },
            doc: "transactions that wrote to a contract before it is known how it usually writes",
        },
        ParamSpec {
            name: "always_told_min",
            kind: ParamKind::Integer { default: 20, min: 2, max: 100_000 },
            doc: "so many changes of a kind, each with an event, make the first one without an event a finding",
        },
    ],
    page: include_str!("silent_write.md"),
};

/// Kinds of writes that are remembered of one contract. A contract of 24 KiB has fewer than a
/// hundred functions and a few dozen plain slots; what has more is not learned.
const KINDS_MAX: u32 = 4_096;

/// Slots from here on are places of mappings and arrays, which are hashes. A contract whose plain
/// variables reach beyond 65,536 slots does not fit on a chain.
const PLAIN_SLOTS: u64 = 1 << 16;

/// Writes that a fact lists.
const WRITES_SHOWN_MAX: usize = 8;

/// See the page.
#[derive(Debug)]
pub struct SilentWrite;

impl Detector for SilentWrite {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn mistakes(&self, settings: &Settings, _: &Registry, _: &Name) -> Vec<String> {
        let wrong = settings.words("slots").iter().filter(|word| slot(word).is_none());
        let mistake = |word: &String| {
            format!("parameter \"slots\": {word:?} is no slot (a number, or hex such as 0x3608…)")
        };
        wrong.map(mistake).collect()
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        Box::new(Configured {
            contracts: site.deployments().map(|(_, known)| known.address).collect(),
            slots: settings.words("slots").iter().filter_map(|word| slot(word)).collect(),
            warm_up_txs: settings.integer("warm_up_txs"),
            always_told_min: settings.integer("always_told_min"),
            site,
        })
    }
}

fn slot(word: &str) -> Option<B256> {
    word.parse::<U256>().ok().map(B256::from)
}

struct Configured {
    site: Site,
    contracts: Vec<Address>,
    slots: BTreeSet<B256>,
    warm_up_txs: u64,
    always_told_min: u64,
}

/// How a contract writes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WritesSeen {
    /// Transactions that changed its storage.
    txs: u64,
    /// Kinds of writes that are remembered.
    kinds: u32,
}

/// How often one kind of write was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteKind {
    told: u64,
    silent: u64,
}

/// What a slot is, as far as its number tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// It decides what code runs, or who may change it.
    Authority(&'static str),
    /// The user named it.
    Named(B256),
    /// A plain variable.
    Plain(B256),
    /// Somewhere in a mapping or array.
    Hashed,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants { every_block: true, remembers: true, ..Wants::default() }
    }

    fn reads(&self) -> Vec<PlannedRead> {
        self.contracts.iter().map(|of| ReadRequest::Writes(*of).every_block()).collect()
    }

    fn judge(
        &self,
        block: &Block<'_>,
        _: &[Touch],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        for &contract in &self.contracts {
            let Some(writes) = block.writes(contract) else {
                let reason = format!("state differences of {}", block.name_of(contract));
                report.blind(BlindReason::ReadMissing(reason));
                continue;
            };
            for of_tx in writes.chunk_by(|one, other| one.tx == other.tx) {
                self.transaction(block, contract, of_tx, memory, report);
            }
        }
    }
}

impl Configured {
    fn transaction(
        &self,
        block: &Block<'_>,
        contract: Address,
        writes: &[StorageWrite],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let tx = writes[0].tx;
        let Some(transaction) = block.bundle.transactions.get(tx as usize) else {
            let reason =
                format!("state differences of {} name no transaction", block.name_of(contract));
            return report.blind(BlindReason::Unverified(reason));
        };
        let is_told = transaction.logs.iter().any(|log| log.address == contract);
        let entered = entered_by(block, tx, contract);
        let seen_key = Key::new(Kind::WritesSeen).monitor(&self.site.key).address(contract);
        let seen = memory.get::<WritesSeen>(&seen_key).cloned().unwrap_or_default();
        let is_warm = seen.txs >= self.warm_up_txs;
        let mut places: Vec<(Place, Vec<&StorageWrite>)> = Vec::new();
        for write in writes {
            let place = self.place(write.slot);
            match places.iter_mut().find(|(known, _)| *known == place) {
                Some((_, same)) => same.push(write),
                None => places.push((place, vec![write])),
            }
        }
        let mut kinds = seen.kinds;
        let mut is_unlearned = false;
        for (place, writes) in &places {
            let of_place = match place {
                Place::Authority(_) | Place::Named(_) if !is_told => {
                    report.claim(self.guarded(block, contract, tx, (place, writes)));
                    continue;
                }
                Place::Authority(_) | Place::Named(_) => continue,
                Place::Plain(slot) => *slot,
                Place::Hashed => B256::ZERO,
            };
            let is_hashed = [u8::from(*place == Place::Hashed)];
            let key = Key::new(Kind::WriteKind).monitor(&self.site.key).address(contract);
            // Plain slots lie below 2^16: eight bytes name them.
            let key = key.with(&is_hashed).with(&of_place[24..]).with(&entered.unwrap_or_default());
            let known = memory.get::<WriteKind>(&key).cloned();
            if known.is_none() && kinds >= KINDS_MAX {
                is_unlearned = true;
                continue;
            }
            kinds += u32::from(known.is_none());
            let kind = memory.entry(key, WriteKind::default);
            *(if is_told { &mut kind.told } else { &mut kind.silent }) += 1;
            if !is_warm {
                continue;
            }
            match known {
                None => report.claim(self.first(block, contract, tx, writes, is_told)),
                Some(was) if !is_told && was.silent == 0 && was.told >= self.always_told_min => {
                    report.claim(self.silent(block, contract, tx, writes, was.told))
                }
                Some(_) => continue,
            };
        }
        *memory.entry(seen_key, WritesSeen::default) = WritesSeen { txs: seen.txs + 1, kinds };
        if is_unlearned {
            let who = block.name_of(contract);
            let reason = format!("{who} writes in more than {KINDS_MAX} kinds");
            report.blind(BlindReason::Evaluation(reason));
        } else if !is_warm {
            let needed = self.warm_up_txs;
            report.blind(BlindReason::WarmingUp { seen: seen.txs + 1, needed });
        }
    }

    fn place(&self, slot: B256) -> Place {
        let known = AUTHORITY_SLOTS.iter().find(|(known, _)| *known == slot);
        match known {
            Some((_, name)) => Place::Authority(name),
            None if self.slots.contains(&slot) => Place::Named(slot),
            None if U256::from_be_bytes(slot.0) < U256::from(PLAIN_SLOTS) => Place::Plain(slot),
            None => Place::Hashed,
        }
    }

    fn guarded(
        &self,
        block: &Block<'_>,
        contract: Address,
        tx: u32,
        (place, writes): (&Place, &[&StorageWrite]),
    ) -> Claim {
        let who = block.name_of(contract);
        let (what, severity) = match place {
            Place::Authority(name) => (format!("the {name}"), Severity::Critical),
            _ => (format!("slot {}", shown(writes[0].slot)), worse(self.site.severity, 1)),
        };
        let title = format!("{what} of {who} was written, and {who} said nothing");
        self.claim(block, contract, tx, writes, title).severity(severity)
    }

    fn first(
        &self,
        block: &Block<'_>,
        contract: Address,
        tx: u32,
        writes: &[&StorageWrite],
        is_told: bool,
    ) -> Claim {
        let (who, what) = (block.name_of(contract), said(writes));
        let (how, severity) = match is_told {
            true => ("", milder(self.site.severity, 1)),
            false => (", and it said nothing", self.site.severity),
        };
        let title = format!("{who} changed {what} for the first time in this way{how}");
        self.claim(block, contract, tx, writes, title).severity(severity)
    }

    fn silent(
        &self,
        block: &Block<'_>,
        contract: Address,
        tx: u32,
        writes: &[&StorageWrite],
        told: u64,
    ) -> Claim {
        let (who, what) = (block.name_of(contract), said(writes));
        let title =
            format!("{who} changed {what} without an event, which {told} times came with one");
        self.claim(block, contract, tx, writes, title)
            .severity(worse(self.site.severity, 1))
            .measure(Measure {
                name: "changes of this kind that came with an event".to_owned(),
                unit: String::new(),
                value: told as f64,
                threshold: self.always_told_min as f64,
                history: None,
            })
    }

    fn claim(
        &self,
        block: &Block<'_>,
        contract: Address,
        tx: u32,
        writes: &[&StorageWrite],
        title: String,
    ) -> Claim {
        let mut claim = Claim::about_frame(block, tx, 0, title)
            .about(block, contract)
            .what(format!("{contract} {}", said(writes)));
        for write in writes.iter().take(WRITES_SHOWN_MAX) {
            let change = format!("{} → {}", shown(write.before), shown(write.after));
            claim = claim.fact(format!("slot {}", shown(write.slot)), FactValue::Text(change));
        }
        claim.fact("transaction sender", block.address_fact(block.tx(tx).from))
    }
}

/// The function by which the transaction entered the contract first, of those calls that could write
/// and took effect.
fn entered_by(block: &Block<'_>, tx: u32, contract: Address) -> Option<[u8; 4]> {
    let trace = block.trace(tx)?;
    let frames = trace.frames.iter().enumerate();
    let mut entering = frames.filter(|(at, frame)| {
        let is_entry = matches!(frame.kind, model::FrameKind::Call | model::FrameKind::CallCode);
        is_entry && frame.to == Some(contract) && trace.took_effect(*at)
    });
    entering.next().and_then(|(_, frame)| frame.selector())
}

fn said(writes: &[&StorageWrite]) -> String {
    let is_plain = U256::from_be_bytes(writes[0].slot.0) < U256::from(PLAIN_SLOTS);
    match is_plain {
        true => format!("slot {}", shown(writes[0].slot)),
        false => "an entry of a mapping".to_owned(),
    }
}

/// A word without its leading zeros.
fn shown(word: B256) -> String {
    let value = U256::from_be_bytes(word.0);
    if value < U256::from(PLAIN_SLOTS) { value.to_string() } else { format!("{value:#x}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_what_its_number_says() {
        assert_eq!(slot("0x10"), slot("16"));
        assert_eq!(slot("sixteen"), None);
    }
}
