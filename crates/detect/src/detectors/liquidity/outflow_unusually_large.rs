//! More leaves at once than ever does, or again and again to the same. The page is
//! `outflow_unusually_large.md`.

use alloy_primitives::{Address, U256};
use model::{BlindReason, Confidence, FactValue, Level, Measure, Name, Severity, TokenAmount};
use registry::Registry;

use super::{
    flows::{Flow, NATIVE, flows, followed},
    past_outflows::{Large, PastOutflows, together},
};
use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants, addresses_named, block::to_f64, milder,
    },
    state::{Key, Kind, StateTable},
    thresholds::ln,
};

static SPEC: Spec = Spec {
    id: "liquidity/outflow_unusually_large",
    version: 1,
    needs: Level::Logs,
    severity: Severity::High,
    params: &[
        ParamSpec {
            name: "probability_max",
            kind: ParamKind::Number { default: 1e-5, min: 1e-9, max: 0.01 },
            doc: "an outflow as large as only this share of them is told, one severity milder",
        },
        ParamSpec {
            name: "step_probability_max",
            kind: ParamKind::Number { default: 0.01, min: 1e-6, max: 0.1 },
            doc: "an outflow as large as only this share of them is a step of a possible drain",
        },
        ParamSpec {
            name: "steps_min",
            kind: ParamKind::Integer { default: 3, min: 2, max: 32 },
            doc: "steps of one beneficiary or sender that are told as a drain",
        },
        ParamSpec {
            name: "steps_probability_max",
            kind: ParamKind::Number { default: 2e-4, min: 1e-12, max: 0.01 },
            doc: "how improbable the steps must be together, by Fisher's sum",
        },
        ParamSpec {
            name: "window_s",
            kind: ParamKind::Integer { default: 600, min: 12, max: 86_400 },
            doc: "seconds in which steps belong together",
        },
        ParamSpec {
            name: "tokens",
            kind: ParamKind::Words { default: &[] },
            doc: "labels of the tokens to follow; empty means every token of the network's deployments",
        },
        ParamSpec {
            name: "known",
            kind: ParamKind::Words { default: &[] },
            doc: "who may take any amount: addresses, or labels of deployments",
        },
    ],
    page: include_str!("outflow_unusually_large.md"),
};

/// Outflows without which nothing is called rare: the rarest that can be counted is one in a hundred.
const OUTFLOWS_MIN: u32 = 100;

/// See the page.
#[derive(Debug)]
pub struct OutflowUnusuallyLarge;

impl Detector for OutflowUnusuallyLarge {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn mistakes(&self, settings: &Settings, registry: &Registry, network: &Name) -> Vec<String> {
        addresses_named(settings, "known", registry, network).err().unwrap_or_default()
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        let known = addresses_named(settings, "known", &site.registry, &site.network);
        Box::new(Configured {
            probability_max: settings.number("probability_max"),
            step_probability_max: settings.number("step_probability_max"),
            steps_min: settings.integer("steps_min") as usize,
            steps_probability_max: settings.number("steps_probability_max"),
            window_s: settings.integer("window_s"),
            tokens: followed(settings.words("tokens"), &site),
            // What could not be read was told by `mistakes`, and nothing is configured then.
            known: known.unwrap_or_default(),
            site,
        })
    }
}

struct Configured {
    site: Site,
    /// Ascending.
    tokens: Vec<Address>,
    known: Vec<Address>,
    probability_max: f64,
    step_probability_max: f64,
    steps_min: usize,
    steps_probability_max: f64,
    window_s: u64,
}

/// What left one contract in one transaction.
struct Outflow {
    tx: u32,
    contract: Address,
    token: Address,
    amount: U256,
    taker: Address,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants { transfers: true, transactions: true, remembers: true, ..Wants::default() }
    }

    fn judge(
        &self,
        block: &Block<'_>,
        touches: &[Touch],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        for of_tx in touches.chunk_by(|a, b| a.tx == b.tx) {
            let tx = of_tx[0].tx;
            let is_guarded = |address: &Address| {
                block.guarded(address).is_some_and(|(index, _)| self.site.guards(index))
            };
            for (token, flow) in flows(block, tx, &self.tokens, is_guarded) {
                let Some(taker) = most_gained(&flow) else { continue };
                let of_all = flow.out.saturating_sub(flow.back);
                for (contract, part) in &flow.parts {
                    let amount = part.out.saturating_sub(part.back).min(of_all);
                    if !amount.is_zero() {
                        let contract = *contract;
                        let outflow = Outflow { tx, contract, token, amount, taker };
                        self.outflow(block, &outflow, memory, report);
                    }
                }
            }
        }
    }
}

impl Configured {
    fn outflow(
        &self,
        block: &Block<'_>,
        of: &Outflow,
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let key = Key::new(Kind::PastOutflows).monitor(&self.site.key);
        let past = memory.entry(key.address(of.contract).address(of.token), PastOutflows::default);
        let ln_amount = ln(to_f64(of.amount));
        let (seen, p) = (past.seen(), past.probability(ln_amount));
        past.learn(ln_amount);
        let sender = block.tx(of.tx).from;
        if self.known.contains(&of.taker) || self.known.contains(&sender) {
            return;
        }
        if seen < OUTFLOWS_MIN {
            let (seen, needed) = (u64::from(seen), u64::from(OUTFLOWS_MIN));
            return report.blind(BlindReason::WarmingUp { seen, needed });
        }
        if p < self.probability_max {
            report.claim(self.large(block, of, p, seen));
        }
        if p >= self.step_probability_max {
            return;
        }
        let new = Large {
            at: block.at,
            sender,
            taker: of.taker,
            ln_p: ln(p.max(f64::MIN_POSITIVE)) as f32,
            amount: of.amount,
            is_told: false,
        };
        let mut steps = past.beside(new, self.window_s);
        let p = together(steps.iter().map(|step| f64::from(step.ln_p)));
        let is_told = steps.iter().any(|step| step.is_told);
        if steps.len() >= self.steps_min && p < self.steps_probability_max && !is_told {
            report.claim(self.drain(block, of, &steps, p));
            steps.iter_mut().for_each(|step| step.is_told = true);
        } else if is_told {
            // What joins a drain that was told is part of it.
            steps.iter_mut().for_each(|step| step.is_told = true);
        }
    }

    fn large(&self, block: &Block<'_>, of: &Outflow, p: f64, seen: u32) -> Claim {
        let title = format!(
            "{} left {} at once, more than in any of {seen} withdrawals could be expected",
            amount(block, of.token, of.amount),
            block.name_of(of.contract)
        );
        self.claim(block, of, title)
            .what(format!("large {} {}", of.contract, of.token))
            .severity(milder(self.site.severity, 1))
            .measure(measure("share of outflows as large", p, self.probability_max))
            .fact("outflows known", number(f64::from(seen)))
    }

    fn drain(&self, block: &Block<'_>, of: &Outflow, steps: &[&mut Large], p: f64) -> Claim {
        let sum = steps.iter().fold(U256::ZERO, |sum, step| sum.saturating_add(step.amount));
        let first = steps.iter().map(|step| step.at).min().unwrap_or(block.at);
        let title = format!(
            "{} left {} in {} large steps to the same within {} s",
            amount(block, of.token, sum),
            block.name_of(of.contract),
            steps.len(),
            block.at.seconds_since(first)
        );
        self.claim(block, of, title)
            .what(format!("steps {} {}", of.contract, of.token))
            .severity(self.site.severity)
            .measure(measure("probability of the steps together", p, self.steps_probability_max))
            .fact("steps", number(steps.len() as f64))
            .fact("since", FactValue::Seconds(block.at.seconds_since(first)))
    }

    fn claim(&self, block: &Block<'_>, of: &Outflow, title: String) -> Claim {
        Claim::about_frame(block, of.tx, 0, title)
            .about(block, of.contract)
            .confidence(Confidence::Heuristic)
            .fact("beneficiary", block.address_fact(of.taker))
            .fact("amount", amount(block, of.token, of.amount))
            .fact("token", block.address_fact(of.token))
            .fact("transaction sender", block.address_fact(block.tx(of.tx).from))
    }
}

/// Who among the others gained most.
fn most_gained(flow: &Flow) -> Option<Address> {
    let gained = flow.others.iter().filter(|(of, (gained, lost))| gained > lost && !of.is_zero());
    gained.max_by_key(|(of, (gained, lost))| (*gained - *lost, **of)).map(|(of, _)| *of)
}

fn amount(block: &Block<'_>, token: Address, raw: U256) -> FactValue {
    match token {
        NATIVE => FactValue::Amount(TokenAmount::ether(raw)),
        token => block.token_fact(token, raw),
    }
}

fn number(value: f64) -> FactValue {
    FactValue::Number { value, unit: String::new() }
}

fn measure(name: &str, value: f64, threshold: f64) -> Measure {
    Measure { name: name.to_owned(), unit: String::new(), value, threshold, history: None }
}
