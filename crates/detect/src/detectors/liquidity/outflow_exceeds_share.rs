//! Too large a share of what is there leaves. The page is `outflow_exceeds_share.md`.

use std::collections::{BTreeMap, VecDeque};

use alloy_primitives::{Address, U256};
use model::{
    BlindReason, Bytes, Confidence, FactValue, FrameKind, History, Level, Measure, ReadRequest,
    Severity, TokenAmount, UnixSeconds,
};
use registry::Class;
use serde::{Deserialize, Serialize};

use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants,
        block::{Transfer, to_f64},
        milder, worse,
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

/// Length of one slice of the outflow of the last day.
const SLICE_S: u64 = 300;
const SLICES_PER_HOUR: u64 = 12;
const SLICES_PER_DAY: u64 = 288;

/// Days whose balances make the median.
const DAYS_MAX: usize = 30;

/// Beneficiaries per shard and shards per token: what some sixteen thousand beneficiaries brought
/// and took is remembered. A full shard forgets whom it has not seen for the longest time.
const SHARD_LEN_MAX: usize = 16;
const SHARDS: u16 = 1_024;

/// What a beneficiary brought counts half after this time: 62 days, e-fold of 90.
const LEDGER_EFOLD_S: f64 = 90.0 * 86_400.0;

/// A beneficiary that takes more than this share of the holdings beyond what it brought, and more
/// than half as much again as it brought, takes other people's money.
const BEYOND_PRINCIPAL_SHARE: f64 = 0.01;
const BEYOND_PRINCIPAL_RATIO: f64 = 1.5;

/// A rule that fired may fire again once its share fell below this part of its threshold.
const REARM: f64 = 0.7;

/// Native value, where a token's address would stand.
const NATIVE: Address = Address::ZERO;

/// See the page.
#[derive(Debug)]
pub struct OutflowExceedsShare;

impl Detector for OutflowExceedsShare {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        let wanted = settings.words("tokens");
        let deployments = site.registry.deployments().iter();
        let tokens = deployments
            .filter(|d| d.network == site.network)
            .filter(|d| d.class == Class::Token || d.token.is_some())
            .filter(|d| wanted.is_empty() || wanted.iter().any(|w| w == d.label.as_str()))
            .map(|d| d.address)
            .collect();
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
    tokens: Vec<Address>,
    tx_shares: [f64; 3],
    hour_share: f64,
    day_share: f64,
    reserve_share: f64,
    starts_empty: bool,
}

/// What a guarded contract holds of one token, and what left it lately.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    balance: U256,
    is_known: bool,
    /// (slice, out, in) of the last day, oldest first; moves between guarded contracts left out.
    slices: VecDeque<(u64, U256, U256)>,
    /// (day, balance when it was first touched that day), oldest first.
    days: VecDeque<(u64, U256)>,
    is_hour_told: bool,
    is_day_told: bool,
    is_reserve_told: bool,
}

/// What a few beneficiaries brought and took, decayed to the time of their last appearance.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LedgerShard(Vec<Account>);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Account {
    address: Address,
    brought: f64,
    took: f64,
    at: UnixSeconds,
}

/// Movements of one token in one transaction.
#[derive(Debug, Default)]
struct Flow {
    /// Each guarded contract's own part.
    parts: BTreeMap<Address, Part>,
    /// Of all guarded contracts together, to and from everybody else.
    out: U256,
    back: U256,
    /// What everybody else gained and lost, in the smallest unit.
    others: BTreeMap<Address, (U256, U256)>,
}

/// One contract's part in the movements of one token in one transaction.
#[derive(Debug, Default, Clone, Copy)]
struct Part {
    out: U256,
    back: U256,
    /// To and from other guarded contracts: changes the balance, is no outflow.
    inner_out: U256,
    inner_back: U256,
}

impl Part {
    fn after(&self, before: U256) -> U256 {
        before
            .saturating_add(self.back)
            .saturating_add(self.inner_back)
            .saturating_sub(self.out)
            .saturating_sub(self.inner_out)
    }

    fn before(&self, after: U256) -> U256 {
        after
            .saturating_add(self.out)
            .saturating_add(self.inner_out)
            .saturating_sub(self.back)
            .saturating_sub(self.inner_back)
    }
}

/// Who took more than they brought.
#[derive(Debug, Clone, Copy)]
struct Taker {
    address: Address,
    brought: f64,
    beyond: f64,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants { transfers: true, transactions: true, remembers: true, ..Wants::default() }
    }

    fn reads(&self) -> Vec<ReadRequest> {
        let of = |token: &Address| {
            let to = *token;
            self.site
                .deployments()
                .map(move |(_, d)| ReadRequest { to, input: Bytes::from(balance_of(d.address)) })
        };
        self.tokens.iter().flat_map(of).collect()
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
                let taker = self.settle(block, *token, flow, memory);
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
    fn is_guarded(&self, block: &Block<'_>, address: &Address) -> bool {
        block.guarded(address).is_some_and(|(index, _)| self.site.guards(index))
    }

    /// What moved between the guarded contracts and everybody else, per token. Both directions of a
    /// transaction count, so what only passes through (a flash loan) comes to nothing.
    fn flows(&self, block: &Block<'_>, tx: u32) -> BTreeMap<Address, Flow> {
        let mut flows: BTreeMap<Address, Flow> = BTreeMap::new();
        let mut add = |token: Address, from: Address, to: Address, amount: U256| {
            let (gives, gets) = (self.is_guarded(block, &from), self.is_guarded(block, &to));
            if !gives && !gets {
                // Between others: only who ends up with it matters.
                if let Some(flow) = flows.get_mut(&token) {
                    flow.pass_on(from, to, amount);
                }
                return;
            }
            let flow = flows.entry(token).or_default();
            let plus = |sum: &mut U256| *sum = sum.saturating_add(amount);
            match (gives, gets) {
                (true, true) => {
                    plus(&mut flow.parts.entry(from).or_default().inner_out);
                    plus(&mut flow.parts.entry(to).or_default().inner_back);
                }
                (true, false) => {
                    plus(&mut flow.parts.entry(from).or_default().out);
                    plus(&mut flow.out);
                    plus(&mut flow.others.entry(to).or_default().0);
                }
                (false, _) => {
                    plus(&mut flow.parts.entry(to).or_default().back);
                    plus(&mut flow.back);
                    plus(&mut flow.others.entry(from).or_default().1);
                }
            }
        };
        for transfer in block.tx(tx).logs.iter().filter_map(Transfer::of) {
            if self.tokens.contains(&transfer.token) {
                add(transfer.token, transfer.from, transfer.to, transfer.amount);
            }
        }
        if let Some(trace) = block.trace(tx) {
            for (at, frame) in trace.frames.iter().enumerate() {
                let moves = matches!(
                    frame.kind,
                    FrameKind::Call
                        | FrameKind::Create
                        | FrameKind::Create2
                        | FrameKind::SelfDestruct
                );
                if let (true, false, Some(to)) = (moves, frame.value.is_zero(), frame.to)
                    && trace.took_effect(at)
                {
                    add(NATIVE, frame.from, to, frame.value);
                }
            }
        }
        flows
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
            NATIVE => None,
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

    /// Writes a transaction into the ledger of beneficiaries; who took most beyond what they brought.
    fn settle(
        &self,
        block: &Block<'_>,
        token: Address,
        flow: &Flow,
        memory: &mut StateTable,
    ) -> Option<Taker> {
        let mut most: Option<Taker> = None;
        for (address, (gained, lost)) in &flow.others {
            if gained == lost || address.is_zero() {
                continue;
            }
            let shard = u16::from_be_bytes([address[18], address[19]]) % SHARDS;
            let key = Key::new(Kind::LedgerShard)
                .monitor(&self.site.key)
                .address(token)
                .with(&shard.to_be_bytes());
            let shard = memory.entry(key, LedgerShard::default);
            let account = shard.account(*address, block.at);
            if gained > lost {
                account.took += to_f64(gained - lost);
            } else {
                account.brought += to_f64(lost - gained);
            }
            let beyond = account.took - account.brought;
            let takes = gained > lost && account.took > BEYOND_PRINCIPAL_RATIO * account.brought;
            if takes && most.is_none_or(|taker| beyond > taker.beyond) {
                most = Some(Taker { address: *address, brought: account.brought, beyond });
            }
        }
        most
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

impl Flow {
    fn pass_on(&mut self, from: Address, to: Address, amount: U256) {
        let (_, lost) = self.others.entry(from).or_default();
        *lost = lost.saturating_add(amount);
        let (gained, _) = self.others.entry(to).or_default();
        *gained = gained.saturating_add(amount);
    }
}

/// A measurement, with the balances of the last days as its history where it is one of a balance.
fn measure(name: &str, value: f64, threshold: f64, holding: &Holding) -> Measure {
    let usual = holding.median().filter(|_| name.starts_with("balance"));
    let n = holding.days.len() as u64;
    let history = usual.map(|_| History { usual: 1.0, spread: holding.relative_spread(), n });
    Measure { name: name.to_owned(), unit: String::new(), value, threshold, history }
}

impl Holding {
    /// Standard deviation of the balances of the last days, as a share of their median.
    fn relative_spread(&self) -> f64 {
        let Some(median) = self.median().map(to_f64).filter(|median| *median > 0.0) else {
            return 0.0;
        };
        let n = self.days.len() as f64;
        let shares = || self.days.iter().map(|(_, balance)| to_f64(*balance) / median);
        let mean = shares().sum::<f64>() / n;
        libm::sqrt(shares().map(|s| (s - mean) * (s - mean)).sum::<f64>() / (n - 1.0).max(1.0))
    }

    fn take(&mut self, at: UnixSeconds, part: &Part) {
        self.balance = part.after(self.balance);
        let slice = at.0 / SLICE_S;
        while self.slices.front().is_some_and(|(oldest, _, _)| oldest + SLICES_PER_DAY <= slice) {
            self.slices.pop_front();
        }
        match self.slices.back_mut() {
            Some((newest, out, back)) if *newest >= slice => {
                *out = out.saturating_add(part.out);
                *back = back.saturating_add(part.back);
            }
            _ => self.slices.push_back((slice, part.out, part.back)),
        }
    }

    /// What left in the newest `slices`, less what came.
    fn net_outflow(&self, at: UnixSeconds, slices: u64) -> U256 {
        let now = at.0 / SLICE_S;
        let recent = self.slices.iter().filter(|(slice, _, _)| slice + slices > now);
        let (out, back) = recent.fold((U256::ZERO, U256::ZERO), |(out, back), (_, o, b)| {
            (out.saturating_add(*o), back.saturating_add(*b))
        });
        out.saturating_sub(back)
    }

    fn start_day(&mut self, at: UnixSeconds) {
        let day = at.0 / 86_400;
        if self.is_known && self.days.back().is_none_or(|(newest, _)| *newest < day) {
            if self.days.len() == DAYS_MAX {
                self.days.pop_front();
            }
            self.days.push_back((day, self.balance));
        }
    }

    /// Median of the balances that days began with; `None` before the second day.
    fn median(&self) -> Option<U256> {
        if self.days.len() < 2 {
            return None;
        }
        let mut sorted: Vec<U256> = self.days.iter().map(|(_, balance)| *balance).collect();
        sorted.sort_unstable();
        Some(sorted[sorted.len() / 2])
    }
}

impl LedgerShard {
    fn account(&mut self, address: Address, now: UnixSeconds) -> &mut Account {
        let at = self.0.iter().position(|account| account.address == address);
        let at = at.unwrap_or_else(|| {
            if self.0.len() == SHARD_LEN_MAX {
                let oldest = self.0.iter().enumerate().min_by_key(|(i, a)| (a.at, *i));
                if let Some((oldest, _)) = oldest {
                    self.0.remove(oldest);
                }
            }
            self.0.push(Account { address, brought: 0.0, took: 0.0, at: now });
            self.0.len() - 1
        });
        let account = &mut self.0[at];
        let keep = libm::exp(-(now.seconds_since(account.at) as f64) / LEDGER_EFOLD_S);
        account.brought *= keep;
        account.took *= keep;
        account.at = now;
        account
    }
}

fn balance_of(holder: Address) -> Vec<u8> {
    [BALANCE_OF.as_slice(), &[0; 12], holder.as_slice()].concat()
}

/// A share, at most 1; all of nothing is 1.
fn ratio(part: U256, whole: U256) -> f64 {
    if whole.is_zero() {
        return if part.is_zero() { 0.0 } else { 1.0 };
    }
    (to_f64(part) / to_f64(whole)).min(1.0)
}
