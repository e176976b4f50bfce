//! One function, again and again, by one hand. The page is `calls_in_quick_succession.md`.

use alloy_json_abi::StateMutability;
use model::{
    Address, BlindReason, Confidence, FactValue, FrameKind, History, Level, Measure, Severity,
    UnixSeconds,
};
use serde::{Deserialize, Serialize};

use super::{
    bursts::Bursts,
    series::{WARM_UP_OBSERVATIONS, WARM_UP_S},
};
use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants, What, milder,
    },
    origins::{self, How},
    state::{Key, Kind, StateTable},
    windows::{Function, function_label},
};

static SPEC: Spec = Spec {
    id: "telemetry/calls_in_quick_succession",
    version: 1,
    needs: Level::Logs,
    severity: Severity::High,
    params: &[
        WARM_UP_OBSERVATIONS,
        WARM_UP_S,
        ParamSpec {
            name: "repeats_min",
            kind: ParamKind::Integer { default: 4, min: 2, max: 1_000 },
            doc: "fewer calls of one function within a transaction are nothing",
        },
        ParamSpec {
            name: "burst_min",
            kind: ParamKind::Integer { default: 5, min: 2, max: 10_000 },
            doc: "fewer calls of one function by one account within a minute are nothing",
        },
        ParamSpec {
            name: "alpha",
            kind: ParamKind::Number { default: 1e-6, min: 1e-15, max: 0.05 },
            doc: "chance that an account which is like the others calls so often within a minute",
        },
    ],
    page: include_str!("calls_in_quick_succession.md"),
};

/// Times that a sequence of functions must come again to be a pump, and its longest length.
const ROUNDS_MIN: usize = 4;
const PERIOD_MAX: usize = 3;

/// Entries of a contract in one transaction in which a pattern is looked for: four times the longest
/// loop of the known attacks.
const SEQUENCE_MAX: usize = 4_096;

/// A pattern that more than this share of earlier transactions showed is the contract's own way.
const USUAL_SHARE: f64 = 0.01;

/// Share of all counts below which a burst is nothing special.
const BURST_QUANTILE: f64 = 0.999;

/// An account that is older than this is not made for one attack.
const OLD_S: u64 = 7 * 86_400;

/// How often one transaction called a function, or alternated between functions of a contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repetition {
    first_at: UnixSeconds,
    transactions: u64,
    /// Most calls of one transaction so far.
    most: u64,
    /// Transactions that alternated.
    alternated: u64,
}

/// See the page.
#[derive(Debug)]
pub struct CallsInQuickSuccession;

impl Detector for CallsInQuickSuccession {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn watches_children(&self) -> bool {
        true
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        Box::new(Configured {
            warm_up_observations: settings.integer("warm_up_observations"),
            warm_up_s: settings.integer("warm_up_s"),
            repeats_min: settings.integer("repeats_min"),
            burst_min: settings.integer("burst_min"),
            alpha: settings.number("alpha"),
            site,
        })
    }
}

struct Configured {
    site: Site,
    warm_up_observations: u64,
    warm_up_s: u64,
    repeats_min: u64,
    burst_min: u64,
    alpha: f64,
}

/// One transaction's calls of one contract.
struct Calls<'b, 'x> {
    tx: u32,
    deployment: u32,
    address: Address,
    /// Functions in the order in which they were entered; only those that may change something.
    sequence: Vec<Function>,
    block: &'b Block<'x>,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants { calls: true, origins: true, remembers: true, ..Wants::default() }
    }

    fn judge(
        &self,
        block: &Block<'_>,
        touches: &[Touch],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        if touches.is_empty() {
            return;
        }
        if block.level < Level::Traces {
            // Bursts of transactions can be seen; what one of them does inside cannot.
            report.blind(block.bundle.too_low(Level::Traces));
        }
        // Within a transaction touches come by contract, and of a contract in order.
        for touched in touches.chunk_by(|a, b| (a.tx, a.deployment) == (b.tx, b.deployment)) {
            let calls = Calls::of(block, touched);
            let mut functions = calls.sequence.clone();
            functions.sort_unstable();
            for same in functions.chunk_by(|a, b| a == b) {
                self.repeated(&calls, same[0], same.len() as u64, memory, report);
                self.burst(&calls, same[0], memory, report);
            }
            self.alternated(&calls, memory, report);
        }
    }
}

impl<'b, 'x> Calls<'b, 'x> {
    fn of(block: &'b Block<'x>, touched: &[Touch]) -> Self {
        let Touch { tx, deployment, .. } = touched[0];
        let known = block.deployment(deployment);
        let trace = block.trace(tx).filter(|trace| !trace.frames.is_empty());
        let entered = touched.iter().filter_map(|touch| match (touch.what, trace) {
            (What::Frame(at), Some(trace)) => {
                let frame = trace.frames.get(at as usize)?;
                let counts = frame.kind != FrameKind::StaticCall && trace.took_effect(at as usize);
                counts.then(|| Function::of(&known.abi, &frame.input))
            }
            (What::Frame(_), None) => Some(Function::of(&known.abi, &block.tx(tx).input)),
            _ => None,
        });
        let changes = |function: &Function| match function {
            Function::Known(selector) => {
                known.abi.function_by_selector(*selector).is_none_or(|function| {
                    !matches!(function.mutability, StateMutability::View | StateMutability::Pure)
                })
            }
            Function::Receive => false,
            Function::Other => true,
        };
        let sequence = entered.filter(changes).take(SEQUENCE_MAX).collect();
        Self { tx, deployment, address: known.address, sequence, block }
    }

    fn name_of(&self, function: Function) -> String {
        let known = self.block.deployment(self.deployment);
        format!("{}.{}", known.label, function_label(&known.abi, function))
    }

    fn claim(&self, title: String, what: String) -> Claim {
        let sender = self.block.tx(self.tx).from;
        Claim::about_frame(self.block, self.tx, 0, title)
            .about(self.block, self.address)
            .what(what)
            .fact("transaction sender", self.block.address_fact(sender))
    }

    /// The longest run of one sequence of two or three functions, not all the same: the sequence,
    /// and how often it came.
    fn alternation(&self) -> Option<(&[Function], usize)> {
        let all = &self.sequence;
        let mut best: Option<(&[Function], usize)> = None;
        for period in 2..=PERIOD_MAX {
            let mut begins = 0;
            while begins + period * ROUNDS_MIN <= all.len() {
                let same = all[begins..].iter().zip(&all[begins + period..]);
                let length = same.take_while(|(one, other)| one == other).count() + period;
                let pattern = &all[begins..begins + period];
                let rounds = length / period;
                let varies = pattern.iter().any(|function| *function != pattern[0]);
                if varies && rounds >= ROUNDS_MIN && best.is_none_or(|(_, most)| rounds > most) {
                    best = Some((pattern, rounds));
                }
                begins += length - period + 1;
            }
        }
        best
    }
}

impl Configured {
    fn key(&self, kind: Kind, address: Address, function: [u8; 5]) -> Key {
        Key::new(kind).monitor(&self.site.key).address(address).with(&function)
    }

    fn warm(&self, seen: u64, first_at: UnixSeconds, now: UnixSeconds) -> Result<(), BlindReason> {
        let needed = self.warm_up_observations;
        match seen >= needed && now.seconds_since(first_at) >= self.warm_up_s {
            true => Ok(()),
            false => Err(BlindReason::WarmingUp { seen: seen.min(needed), needed }),
        }
    }

    /// One transaction calls a function more often than any did.
    fn repeated(
        &self,
        calls: &Calls<'_, '_>,
        function: Function,
        times: u64,
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        if calls.block.level < Level::Traces {
            return;
        }
        let now = calls.block.at;
        let key = self.key(Kind::Repetition, calls.address, function.key_bytes());
        let known = memory.entry(key, || Repetition::new(now));
        let (most, n) = (known.most, known.transactions);
        known.transactions += 1;
        known.most = most.max(times);
        if let Err(reason) = self.warm(n, known.first_at, now) {
            return report.blind(reason);
        }
        let is_new_size = times.max(1).ilog2() > most.max(1).ilog2();
        if times < self.repeats_min || !(times > 2 * most || is_new_size) {
            return;
        }
        let severity = match times > 2 * most {
            true => self.site.severity,
            false => milder(self.site.severity, 1),
        };
        let name = calls.name_of(function);
        let title = format!(
            "{name} was called {times} times in one transaction, never more than {most} times before"
        );
        report.claim(
            calls
                .claim(title, format!("repeated {name}"))
                .severity(severity)
                .confidence(Confidence::Statistical { p: 1.0 / (n as f64 + 1.0) })
                .measure(Measure {
                    name: "calls in one transaction".to_owned(),
                    unit: "calls".to_owned(),
                    value: times as f64,
                    threshold: (2 * most).max(self.repeats_min) as f64,
                    history: Some(History { usual: most as f64, spread: 0.0, n }),
                })
                .fact("function", FactValue::Text(name)),
        );
    }

    /// One transaction goes round and round between functions of a contract.
    fn alternated(&self, calls: &Calls<'_, '_>, memory: &mut StateTable, report: &mut Report<'_>) {
        if calls.block.level < Level::Traces || calls.sequence.is_empty() {
            return;
        }
        let now = calls.block.at;
        let found = calls.alternation();
        let of_contract = [3, 0, 0, 0, 0];
        let key = self.key(Kind::Repetition, calls.address, of_contract);
        let known = memory.entry(key, || Repetition::new(now));
        let (n, before) = (known.transactions, known.alternated);
        known.transactions += 1;
        known.alternated += u64::from(found.is_some());
        let Some((pattern, rounds)) = found else { return };
        if let Err(reason) = self.warm(n, known.first_at, now) {
            return report.blind(reason);
        }
        let p = (before as f64 + 1.0) / (n as f64 + 1.0);
        if p > USUAL_SHARE {
            return;
        }
        let names: Vec<String> = pattern.iter().map(|one| calls.name_of(*one)).collect();
        let title = format!("one transaction went {rounds} times through {}", names.join(", "));
        let mut claim = calls
            .claim(title, "alternated".to_owned())
            .severity(self.site.severity)
            .confidence(Confidence::Statistical { p })
            .measure(Measure {
                name: "rounds in one transaction".to_owned(),
                unit: "rounds".to_owned(),
                value: rounds as f64,
                threshold: ROUNDS_MIN as f64,
                history: Some(History { usual: before as f64, spread: 0.0, n }),
            });
        for name in names {
            claim = claim.fact("function", FactValue::Text(name));
        }
        report.claim(claim);
    }

    /// One account calls a function more often within a minute than accounts do.
    fn burst(
        &self,
        calls: &Calls<'_, '_>,
        function: Function,
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let (now, caller) = (calls.block.at, calls.block.tx(calls.tx).from);
        let account = origins::of(memory, caller).filter(|account| account.how != How::Gave);
        let age_s = account.map(|account| now.seconds_since(account.first_at));
        let key = self.key(Kind::Bursts, calls.address, function.key_bytes());
        let known = memory.entry(key, || Bursts::new(now));
        known.turn_over(now);
        known.callers.add(caller);
        let times = known.callers.of(caller).map_or(0, |counted| counted.at_least());
        if let Err(reason) = self.warm(known.learned, known.first_at, now) {
            return report.blind(reason);
        }
        let p = known.tail(times);
        let least = known.quantile(BURST_QUANTILE).max(self.burst_min);
        if times < least || p >= self.alpha || !known.is_new(caller, now) {
            return;
        }
        let severity = match age_s {
            Some(age) if age >= OLD_S => milder(self.site.severity, 2),
            _ => milder(self.site.severity, 1),
        };
        let name = calls.name_of(function);
        let title = format!(
            "{} called {name} {times} times within a minute, usually an account does {:.1} times",
            calls.block.name_of(caller),
            known.mean()
        );
        let age = age_s.map_or(FactValue::Text("not recorded".to_owned()), FactValue::Seconds);
        report.claim(
            calls
                .claim(title, format!("burst {name}"))
                .severity(severity)
                .confidence(Confidence::Statistical { p })
                .measure(Measure {
                    name: "calls of one account within a minute".to_owned(),
                    unit: "calls".to_owned(),
                    value: times as f64,
                    threshold: least as f64,
                    history: Some(History {
                        usual: known.mean(),
                        spread: libm::sqrt(known.variance()),
                        n: known.learned,
                    }),
                })
                .fact("function", FactValue::Text(name))
                .fact("account first seen", age),
        );
    }
}

impl Repetition {
    fn new(first_at: UnixSeconds) -> Self {
        Self { first_at, transactions: 0, most: 0, alternated: 0 }
    }
}
