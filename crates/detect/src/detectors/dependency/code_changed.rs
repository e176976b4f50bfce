//! Other code runs in a contract that ours rely on. The page is `code_changed.md`.

use std::num::NonZeroU32;

use alloy_primitives::{Address, B256, KECCAK256_EMPTY, keccak256};
use model::{BlindReason, FactValue, Level, PlannedRead, ReadRequest, Severity};
use registry::proxy::{IMPLEMENTATION_SLOTS, implementation_from_word};
use serde::{Deserialize, Serialize};

use super::watched::{self, Watched, at, by_weight, every_blocks, money, weight, with_stake};
use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants, What,
    },
    stakes::Schedule,
    state::{Key, Kind, StateTable},
};

static SPEC: Spec = Spec {
    id: "dependency/code_changed",
    version: 1,
    needs: Level::Logs,
    severity: Severity::Medium,
    params: &[
        ParamSpec {
            name: "every_blocks",
            kind: ParamKind::Integer { default: 25, min: 1, max: 7_200 },
            doc: "how often code and slots are read: once in so many blocks",
        },
        ParamSpec {
            name: "critical_share",
            kind: ParamKind::Number { default: 0.1, min: 0.0, max: 1.0 },
            doc: "share of what is locked above which a change is critical",
        },
    ],
    page: include_str!("code_changed.md"),
};

/// See the page.
#[derive(Debug)]
pub struct CodeChanged;

impl Detector for CodeChanged {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn watches_dependencies(&self) -> bool {
        true
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        let every = every_blocks(settings);
        let all = watched::watched(&site);
        let reads = (0..all.len()).flat_map(|one| {
            let requests = requests(&all[one]).into_iter();
            requests.map(move |request| (request.clone().every(every), (one, request)))
        });
        let schedule = Schedule::new(every, reads.collect::<Vec<_>>());
        let critical_share = settings.number("critical_share");
        Box::new(Configured { site, all, every, schedule, critical_share })
    }
}

/// Its code; and of a proxy, where it may keep whose code runs.
fn requests(of: &Watched) -> Vec<ReadRequest> {
    let address = of.dependency.address;
    let slots = IMPLEMENTATION_SLOTS.iter().filter(|_| of.dependency.implementation.is_some());
    let slots = slots.map(|slot| ReadRequest::Storage { of: address, slot: *slot });
    std::iter::once(ReadRequest::CodeHash(address)).chain(slots).collect()
}

struct Configured {
    site: Site,
    all: Vec<Watched>,
    every: NonZeroU32,
    schedule: Schedule<(usize, ReadRequest)>,
    critical_share: f64,
}

/// What runs in a dependency, as it was seen last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DependencyCode {
    code: Option<B256>,
    implementation: Option<Address>,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        let topics = vec![keccak256("Upgraded(address)")];
        Wants { topics, every_block: true, remembers: true, stakes: true, ..Wants::default() }
    }

    fn reads(&self) -> Vec<PlannedRead> {
        watched::planned(self.all.iter().flat_map(requests), self.every)
    }

    fn judge(
        &self,
        block: &Block<'_>,
        touches: &[Touch],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        for touch in touches {
            let What::Log(ordinal) = touch.what else { continue };
            let Some(of) = at(&self.all, touch.deployment) else { continue };
            let log = block.log(touch.tx, ordinal);
            let told =
                log.topics.get(1).copied().or_else(|| B256::try_from(log.data.as_ref()).ok());
            match told.and_then(implementation_from_word) {
                Some(now) => {
                    let place = Some((touch.tx, ordinal));
                    self.implementation(block, of, now, place, memory, report);
                }
                None => {
                    let reason = format!("Upgraded of {} names no address", of.dependency.label);
                    report.blind(BlindReason::Undecodable(reason));
                }
            }
        }
        for (one, request) in self.schedule.due(block.bundle.header.number) {
            let of = &self.all[*one];
            match request {
                ReadRequest::Storage { of: address, slot } => {
                    match block.storage(*address, *slot) {
                        Some(word) => {
                            if let Some(now) = implementation_from_word(word) {
                                self.implementation(block, of, now, None, memory, report);
                            }
                        }
                        None => missing(of, "implementation", report),
                    }
                }
                _ => match block.code_hash(of.dependency.address) {
                    Some(now) => self.code(block, of, now, memory, report),
                    None => missing(of, "code hash", report),
                },
            }
        }
    }
}

fn missing(of: &Watched, what: &str, report: &mut Report<'_>) {
    let reason = format!("{what} of {}", of.dependency.label);
    report.blind(BlindReason::ReadMissing(reason));
}

impl Configured {
    fn remembered(&self, of: &Watched, memory: &StateTable) -> (Key, DependencyCode) {
        let key =
            Key::new(Kind::DependencyCode).monitor(&self.site.key).address(of.dependency.address);
        // What people looked at is what it is held against at first.
        let reviewed = || DependencyCode {
            code: of.dependency.code_hash,
            implementation: of.dependency.implementation,
        };
        let known = memory.get::<DependencyCode>(&key).cloned();
        (key, known.unwrap_or_else(reviewed))
    }

    fn code(
        &self,
        block: &Block<'_>,
        of: &Watched,
        now: B256,
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let (key, mut known) = self.remembered(of, memory);
        let was = known.code.replace(now);
        if was == Some(now) && memory.get::<DependencyCode>(&key).is_some() {
            return;
        }
        *memory.entry(key, DependencyCode::default) = known;
        let Some(was) = was.filter(|was| *was != now) else { return };
        let label = &of.dependency.label;
        let what = if now == KECCAK256_EMPTY {
            format!("the code of {label} is gone")
        } else {
            format!("other code runs at the address of {label}")
        };
        let title = format!("{what}{}", money(block, of, memory));
        let claim = Claim::about_block(block.bundle.block_ref(), block.at, title)
            .what(format!("{} code", of.dependency.address))
            .fact("code hash", word(now))
            .fact("code hash before", word(was));
        self.tell(block, of, claim, memory, report);
    }

    fn implementation(
        &self,
        block: &Block<'_>,
        of: &Watched,
        now: Address,
        told: Option<(u32, u32)>,
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let (key, mut known) = self.remembered(of, memory);
        let was = known.implementation.replace(now);
        if was == Some(now) {
            return;
        }
        *memory.entry(key, DependencyCode::default) = known;
        let label = &of.dependency.label;
        let how = if told.is_some() { "" } else { " and no event said so" };
        let title = format!(
            "{label} runs the code of {} now{how}{}",
            block.name_of(now),
            money(block, of, memory)
        );
        let claim = match told {
            Some((tx, ordinal)) => Claim::about_log(block, tx, ordinal, title),
            None => Claim::about_block(block.bundle.block_ref(), block.at, title)
                .what(format!("{} implementation", of.dependency.address)),
        };
        let mut claim = claim.fact("implementation", block.address_fact(now));
        if let Some(was) = was {
            claim = claim.fact("implementation before", block.address_fact(was));
        }
        self.tell(block, of, claim, memory, report);
    }

    fn tell(
        &self,
        block: &Block<'_>,
        of: &Watched,
        claim: Claim,
        memory: &StateTable,
        report: &mut Report<'_>,
    ) {
        let weight = weight(block, of, memory, self.critical_share);
        let claim = claim.severity(by_weight(&weight, self.site.severity));
        report.claim(with_stake(claim, block, of, memory));
    }
}

fn word(word: B256) -> FactValue {
    FactValue::Bytes(word.to_vec().into())
}
