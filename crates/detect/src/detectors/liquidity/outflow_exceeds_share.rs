//! Too large a share of what is there leaves. The page is `outflow_exceeds_share.md`.

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256};
use model::{
    BlindReason, Confidence, FactValue, History, Level, Measure, PlannedRead, ReadRequest,
    Severity, TokenAmount,
};

use super::{
    flows::{Flow, NATIVE, Part, flows, followed},
    holding::{Holding, SLICES_PER_DAY, SLICES_PER_HOUR, ratio},
    ledger::{BEYOND_PRINCIPAL_SHARE, Taker, settle},
};
use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants, block::to_f64, milder, worse,
    },
    state::{Key, Kind, StateTable},
};

static SPEC: Spec = Spec {
    id: "liquidity/outflow_exceeds_share",
    version: 1,
    needs: Level::Logs,
    severity: Severity::High,
    params: &[
        share(
            "tx_notify_share",
            0.10,
            "share of the holdings that one transaction takes to be told, one severity milder",
        ),
        share(
            "tx_page_share",
            0.25,
            "the same to be told with full severity, if the beneficiary takes more than it brought",
        ),
        share(
            "tx_critical_share",
            0.50,
            "the same to be told one severity worse, whoever takes it",
        ),
        share("hour_share", 0.15, "share that leaves within an hour"),
        share("day_share", 0.30, "share that leaves within a day"),
        share(
            "reserve_share",
            0.01,
            "a balance below this share of its 30-day median is nearly empty",
        ),
        ParamSpec {
            name: "tokens",
            kind: ParamKind::Words { default: &[] },
            doc: "labels of the tokens to follow; empty means every token of the network's deployments",
        },
        ParamSpec {
            name: "starts_empty",
            kind: ParamKind::Flag { default: false },
            doc: "whether guarded contracts held nothing before the first block that is judged",
        },
    ],
    page: include_str!("outflow_exceeds_share.md"),
};

const fn share(name: &'static str, default: f64, doc: &'static str) -> ParamSpec {
    ParamSpec { name, kind: ParamKind::Number { default, min: 0.0001, max: 1.0 }, doc }
}

/// `balanceOf(address)`.
const BALANCE_OF: [u8; 4] = [0x70, 0xa0, 0x82, 0x31];

/// A rule that fired may fire again once its share fell below this part of its threshold.
const REARM: f64 = 0.7;

/// See the page.
#[derive(Debug)]
pub struct OutflowExceedsShare;

impl Detector for OutflowExceedsShare {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        let tokens = followed(settings.words("tokens"), &site);
        let names = ["tx_notify_share", "tx_page_share", "tx_critical_share"];
        Box::new(Configured {
            tx_shares: names.map(|name| settings.number(name)),
            hour_share: settings.number("hour_share"),
            day_share: settings.number("day_share"),
            reserve_share: settings.number("reserve_share"),
            starts_empty: settings.flag("starts_empty"),
            tokens,
            site,
        })
    }
}

struct Configured {
    site: Site,
    /// Ascending.
    tokens: Vec<Address>,
    tx_shares: [f64; 3],
    hour_share: f64,
    day_share: f64,
    reserve_share: f64,
    starts_empty: bool,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants { transfers: true, transactions: true, remembers: true, ..Wants::default() }
    }

    fn reads(&self) -> Vec<PlannedRead> {
        let of = |token: &Address| {
            let to = *token;
            let balance = move |holder| ReadRequest::Call { to, input: balance_of(holder).into() };
            self.site.deployments().map(move |(_, holder)| balance(holder.address))
        };
        let native =
            self.site.deployments().map(|(_, holder)| ReadRequest::Balance(holder.address));
        self.tokens.iter().flat_map(of).chain(native).map(ReadRequest::every_block).collect()
    }

    fn judge(
        &self,
        block: &Block<'_>,
        touches: &[Touch],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let flows: Vec<(u32, BTreeMap<Address, Flow>)> = touches
            .chunk_by(|a, b| a.tx == b.tx)
            .map(|of_tx| (of_tx[0].tx, self.flows(block, of_tx[0].tx)))
            .collect();
        // Beneficiaries first, in the order of the block: whoever appears twice has a history.
        let mut by_holding: BTreeMap<(Address, Address), Vec<Movement>> = BTreeMap::new();
        for (tx, flows) in &flows {
            for (token, flow) in flows {
                let taker = settle(&self.site.key, block.at, *token, flow, memory);
                let net = flow.out.saturating_sub(flow.back);
                for (contract, part) in &flow.parts {
                    let movement = Movement { tx: *tx, part: *part, net_of_all: net, taker };
                    by_holding.entry((*contract, *token)).or_default().push(movement);
                }
            }
        }
        for ((contract, token), movements) in by_holding {
            self.judge_holding(block, (contract, token), &movements, memory, report);
        }
    }
}

/// What one transaction did to one holding.
struct Movement {
    tx: u32,
    part: Part,
    /// What left all guarded contracts together: what only moved house is no loss.
    net_of_all: U256,
    taker: Option<Taker>,
}

impl Configured {
    fn flows(&self, block: &Block<'_>, tx: u32) -> BTreeMap<Address, Flow> {
        flows(block, tx, &self.tokens, |address| {
            block.guarded(address).is_some_and(|(index, _)| self.site.guards(index))
        })
    }

    fn judge_holding(
        &self,
        block: &Block<'_>,
        (contract, token): (Address, Address),
        movements: &[Movement],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let key = Key::new(Kind::Holding).monitor(&self.site.key).address(contract).address(token);
        let read = match token {
            NATIVE => block.balance(contract),
            _ => block.read_words(token, &balance_of(contract), 1).ok().map(|words| words[0]),
        };
        let mut holding = memory
            .get::<Holding>(&key)
            .cloned()
            .unwrap_or_else(|| Holding { is_known: self.starts_empty, ..Holding::default() });
        if let Some(after) = read {
            // The read is the state after the block: taking the block's movements back gives the
            // balance before it.
            holding.balance = movements.iter().rev().fold(after, |b, m| m.part.before(b));
            holding.is_known = true;
        }
        holding.start_day(block.at);
        for movement in movements {
            if movement.part.is_created {
                (holding.balance, holding.is_known) = (U256::ZERO, true);
            }
            let before = holding.balance;
            holding.take(block.at, &movement.part);
            let net = movement.part.out.saturating_sub(movement.part.back);
            let net = net.min(movement.net_of_all);
            if net.is_zero() {
                continue;
            }
            if !holding.is_known {
                let what = block.name_of(token);
                let what = if token == NATIVE { "native value".to_owned() } else { what };
                let reason = format!("{what} held by {} is not known", block.name_of(contract));
                report.blind(BlindReason::ReadMissing(reason));
                continue;
            }
            let flow = Outflow { contract, token, tx: movement.tx, net, before };
            self.judge_tx(block, &flow, &holding, movement.taker, report);
            self.judge_windows(block, &flow, &mut holding, report);
        }
        if let Some(after) = read {
            holding.balance = after;
        }
        *memory.entry(key, Holding::default) = holding;
    }

    fn judge_tx(
        &self,
        block: &Block<'_>,
        flow: &Outflow,
        holding: &Holding,
        taker: Option<Taker>,
        report: &mut Report<'_>,
    ) {
        let share = ratio(flow.net, flow.before);
        let thief =
            taker.filter(|taker| taker.beyond > BEYOND_PRINCIPAL_SHARE * to_f64(flow.before));
        let [notify, page, critical] = self.tx_shares;
        let base = self.site.severity;
        let (severity, threshold) = if share >= critical {
            (worse(base, 1), critical)
        } else if share >= page && thief.is_some() {
            (base, page)
        } else if share >= notify {
            (milder(base, 1), notify)
        } else {
            return;
        };
        let title = format!(
            "{} left {} in one transaction, {:.1} % of what was there",
            self.amount(block, flow.token, flow.net),
            block.name_of(flow.contract),
            share * 100.0
        );
        let mut claim = self
            .claim(block, flow, title)
            .what(format!("transaction {} {}", flow.contract, flow.token))
            .severity(severity)
            .measure(measure("share of the holdings", share, threshold, holding))
            .fact("amount", FactValue::Amount(self.amount(block, flow.token, flow.net)))
            .fact("held before", FactValue::Amount(self.amount(block, flow.token, flow.before)));
        if let Some(taker) = thief {
            let brought = taker.brought / to_f64(flow.net).max(1.0);
            claim = claim
                .fact("beneficiary", block.address_fact(taker.address))
                .fact("share of it that the beneficiary had brought", FactValue::Ratio(brought));
        }
        report.claim(claim);
    }

    fn judge_windows(
        &self,
        block: &Block<'_>,
        flow: &Outflow,
        holding: &mut Holding,
        report: &mut Report<'_>,
    ) {
        let contract = block.name_of(flow.contract);
        let windows = [
            ("an hour", SLICES_PER_HOUR, self.hour_share),
            ("a day", SLICES_PER_DAY, self.day_share),
        ];
        for (span, slices, threshold) in windows {
            let net = holding.net_outflow(block.at, slices);
            let at_start = holding.balance.saturating_add(net);
            let share = ratio(net, at_start);
            let told = match slices {
                SLICES_PER_HOUR => &mut holding.is_hour_told,
                _ => &mut holding.is_day_told,
            };
            let is_news = share >= threshold && !*told;
            *told = share >= threshold || *told && share >= threshold * REARM;
            if !is_news {
                continue;
            }
            let title = format!(
                "{} left {contract} within {span}, {:.1} % of what was there",
                self.amount(block, flow.token, net),
                share * 100.0
            );
            let claim = self
                .claim(block, flow, title)
                .what(format!("{span} {} {}", flow.contract, flow.token))
                .severity(self.site.severity)
                .measure(measure("net outflow as a share", share, threshold, holding))
                .fact("net outflow", FactValue::Amount(self.amount(block, flow.token, net)));
            report.claim(claim);
        }
        let Some(median) = holding.median() else { return };
        let share = ratio(holding.balance, median);
        let is_empty = share < self.reserve_share;
        if is_empty && !holding.is_reserve_told {
            let title = format!(
                "{contract} is nearly empty: {} are left, {:.2} % of its usual balance",
                self.amount(block, flow.token, holding.balance),
                share * 100.0
            );
            let usual = FactValue::Amount(self.amount(block, flow.token, median));
            let claim = self
                .claim(block, flow, title)
                .what(format!("reserve {} {}", flow.contract, flow.token))
                .severity(worse(self.site.severity, 1))
                .measure(measure(
                    "balance as a share of its median",
                    share,
                    self.reserve_share,
                    holding,
                ))
                .fact("median of 30 days", usual);
            report.claim(claim);
        }
        holding.is_reserve_told = is_empty;
    }

    fn claim(&self, block: &Block<'_>, flow: &Outflow, title: String) -> Claim {
        Claim::about_frame(block, flow.tx, 0, title)
            .about(block, flow.contract)
            .confidence(Confidence::Heuristic)
            .fact("token", block.address_fact(flow.token))
            .fact("transaction sender", block.address_fact(block.tx(flow.tx).from))
    }

    fn amount(&self, block: &Block<'_>, token: Address, raw: U256) -> TokenAmount {
        if token == NATIVE {
            return TokenAmount::ether(raw);
        }
        match block.registry.at(block.network(), token).and_then(|d| d.token.as_ref()) {
            Some(unit) => TokenAmount { raw, decimals: unit.decimals, symbol: unit.symbol.clone() },
            None => TokenAmount { raw, decimals: 0, symbol: block.name_of(token).into() },
        }
    }
}

/// A transaction that took more than it brought.
struct Outflow {
    contract: Address,
    token: Address,
    tx: u32,
    net: U256,
    before: U256,
}

/// A measurement, with the balances of the last days as its history where it is one of a balance.
fn measure(name: &str, value: f64, threshold: f64, holding: &Holding) -> Measure {
    let usual = holding.median().filter(|_| name.starts_with("balance"));
    let n = holding.days.len() as u64;
    let history = usual.map(|_| History { usual: 1.0, spread: holding.relative_spread(), n });
    Measure { name: name.to_owned(), unit: String::new(), value, threshold, history }
}

fn balance_of(holder: Address) -> Vec<u8> {
    [BALANCE_OF.as_slice(), &[0; 12], holder.as_slice()].concat()
}
