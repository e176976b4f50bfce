//! A contract is used no more. The page is `contract_silent.md`.

use alloy_primitives::Address;
use model::{BlindReason, FactValue, Level, Measure, Severity, UnixSeconds};
use serde::{Deserialize, Serialize};

use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants, What,
    },
    state::{Key, Kind, StateTable},
};

static SPEC: Spec = Spec {
    id: "silence/contract_silent",
    version: 1,
    needs: Level::Logs,
    severity: Severity::Medium,
    params: &[
        ParamSpec {
            name: "times_longest",
            kind: ParamKind::Number { default: 3.0, min: 1.0, max: 100.0 },
            doc: "how many times the longest pause of its recent past a contract may be silent",
        },
        ParamSpec {
            name: "silent_s_min",
            kind: ParamKind::Integer { default: 3_600, min: 1, max: 31_536_000 },
            doc: "a shorter silence is never told",
        },
        ParamSpec {
            name: "pauses_min",
            kind: ParamKind::Integer { default: 50, min: 5, max: 100_000 },
            doc: "pauses between two uses that have to be known first",
        },
    ],
    page: include_str!("contract_silent.md"),
};

/// Pauses of one generation. The longest of the last one to two generations is what silence is held
/// against, so that a contract that is used less every year is not held against its first week.
const GENERATION: u64 = 500;

/// See the page.
#[derive(Debug)]
pub struct ContractSilent;

impl Detector for ContractSilent {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        let contracts = site.deployments().map(|(index, d)| (index, d.address)).collect();
        Box::new(Configured {
            contracts,
            times_longest: settings.number("times_longest"),
            silent_s_min: settings.integer("silent_s_min"),
            pauses_min: settings.integer("pauses_min"),
            site,
        })
    }
}

struct Configured {
    site: Site,
    contracts: Vec<(u32, Address)>,
    times_longest: f64,
    silent_s_min: u64,
    pauses_min: u64,
}

/// How a contract is used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pauses {
    last_used: UnixSeconds,
    /// Pauses that are known.
    count: u64,
    /// Longest of this generation and of the one before, in seconds.
    longest_s: u64,
    longest_before_s: u64,
    is_told: bool,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants { transactions: true, every_block: true, remembers: true, ..Wants::default() }
    }

    fn judge(
        &self,
        block: &Block<'_>,
        touches: &[Touch],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let mut used: Vec<u32> = touches
            .iter()
            .filter(|touch| touch.what == What::Transaction)
            .map(|touch| touch.deployment)
            .collect();
        used.sort_unstable();
        for &(index, address) in &self.contracts {
            let key = Key::new(Kind::Pauses).monitor(&self.site.key).address(address);
            let is_used = used.binary_search(&index).is_ok();
            let known = memory.get::<Pauses>(&key).cloned();
            match (known, is_used) {
                (None, false) => {}
                (None, true) => {
                    memory.entry(key, || Pauses { last_used: block.at, ..Pauses::default() });
                }
                (Some(pauses), true) => {
                    *memory.entry(key, Pauses::default) = self.used(block.at, pauses);
                }
                (Some(pauses), false) => {
                    if let Some(told) = self.silent(block, address, pauses, report) {
                        *memory.entry(key, Pauses::default) = told;
                    }
                }
            }
        }
    }
}

impl Configured {
    fn used(&self, now: UnixSeconds, mut pauses: Pauses) -> Pauses {
        let pause_s = now.seconds_since(pauses.last_used);
        if pauses.count % GENERATION == GENERATION - 1 {
            pauses.longest_before_s = pauses.longest_s.max(pause_s);
            pauses.longest_s = 0;
        } else {
            pauses.longest_s = pauses.longest_s.max(pause_s);
        }
        Pauses { last_used: now, count: pauses.count + 1, is_told: false, ..pauses }
    }

    fn silent(
        &self,
        block: &Block<'_>,
        address: Address,
        mut pauses: Pauses,
        report: &mut Report<'_>,
    ) -> Option<Pauses> {
        let silent_s = block.at.seconds_since(pauses.last_used);
        if pauses.is_told || silent_s < self.silent_s_min {
            return None;
        }
        if pauses.count < self.pauses_min {
            let (seen, needed) = (pauses.count, self.pauses_min);
            report.blind(BlindReason::WarmingUp { seen, needed });
            return None;
        }
        let longest_s = pauses.longest_s.max(pauses.longest_before_s);
        let allowed_s = (longest_s as f64 * self.times_longest).max(self.silent_s_min as f64);
        if silent_s as f64 <= allowed_s {
            return None;
        }
        let (who, since) = (block.name_of(address), pauses.last_used);
        let title = format!(
            "nobody used {who} for {}, its longest pause was {}",
            FactValue::Seconds(silent_s),
            FactValue::Seconds(longest_s)
        );
        report.claim(
            Claim::about_episode(block, format!("silence of {address}"), since, title)
                .about(block, address)
                .severity(self.site.severity)
                .measure(Measure {
                    name: "time since it was used".to_owned(),
                    unit: "s".to_owned(),
                    value: silent_s as f64,
                    threshold: allowed_s,
                    history: None,
                })
                .fact(
                    "pauses known",
                    FactValue::Number { value: pauses.count as f64, unit: String::new() },
                ),
        );
        pauses.is_told = true;
        Some(pauses)
    }
}
