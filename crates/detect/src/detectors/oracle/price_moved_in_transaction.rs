//! A price moved within one transaction on borrowed money. The page is
//! `price_moved_in_transaction.md`.

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256};
use model::{
    BlindReason, Bytes, Confidence, FactValue, FrameKind, Level, Log, Measure, PlannedRead,
    ReadRequest, Severity,
};
use registry::{Class, coverage::Threat};

use super::prices::{Path, stated_prices};

use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants,
        block::{Transfer, to_f64},
        milder,
    },
    state::StateTable,
};

static SPEC: Spec = Spec {
    id: "oracle/price_moved_in_transaction",
    version: 1,
    needs: Level::Logs,
    severity: Severity::Critical,
    params: &[
        ParamSpec {
            name: "move_share",
            kind: ParamKind::Number { default: 0.1, min: 0.001, max: 100.0 },
            doc: "how far a price must move within one transaction, as a share of the lower end",
        },
        ParamSpec {
            name: "without_loan",
            kind: ParamKind::Flag { default: false },
            doc: "whether a move is told too when nothing was borrowed and repaid, two severities milder",
        },
    ],
    page: include_str!("price_moved_in_transaction.md"),
};

/// `balanceOf(address)`.
const BALANCE_OF: [u8; 4] = [0x70, 0xa0, 0x82, 0x31];

/// See the page.
#[derive(Debug)]
pub struct PriceMovedInTransaction;

impl Detector for PriceMovedInTransaction {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn threats(&self) -> &'static [Threat] {
        &[Threat::Manipulation]
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        let here = site.registry.deployments().iter().filter(|d| d.network == site.network);
        let tokens = here
            .filter(|d| d.class == Class::Token || d.token.is_some())
            .map(|d| d.address)
            .collect();
        let pools = site.deployments().filter(|(_, d)| d.class == Class::Pool);
        Box::new(Configured {
            pools: pools.map(|(_, d)| d.address).collect(),
            tokens,
            move_share: settings.number("move_share"),
            tells_without_loan: settings.flag("without_loan"),
            site,
        })
    }
}

struct Configured {
    site: Site,
    pools: Vec<Address>,
    tokens: Vec<Address>,
    move_share: f64,
    tells_without_loan: bool,
}

/// Something borrowed and given back within one transaction.
#[derive(Debug, Clone, Copy)]
struct Loan {
    token: Address,
    lender: Address,
    amount: U256,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants { transactions: true, ..Wants::default() }
    }

    fn reads(&self) -> Vec<PlannedRead> {
        let of_pool = |pool: &Address| {
            let pool = *pool;
            self.tokens.iter().map(move |token| ReadRequest::Call {
                to: *token,
                input: Bytes::from(balance_of(pool)),
            })
        };
        self.pools.iter().flat_map(of_pool).map(ReadRequest::every_block).collect()
    }

    fn judge(
        &self,
        block: &Block<'_>,
        touches: &[Touch],
        _: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        for of_tx in touches.chunk_by(|a, b| a.tx == b.tx) {
            let tx = of_tx[0].tx;
            let loan = find_loan(&block.tx(tx).logs);
            if loan.is_none() && !self.tells_without_loan {
                continue;
            }
            let mut paths: BTreeMap<(Address, &'static str), Path> = BTreeMap::new();
            stated_prices(block, tx, &mut paths);
            self.repeated_reads(block, tx, &mut paths);
            for pool in &self.pools {
                self.reserves_of_pool(block, tx, *pool, &mut paths, report);
            }
            let furthest =
                paths.into_iter().max_by(|(_, a), (_, b)| a.moved().total_cmp(&b.moved()));
            if let Some(((source, how), path)) = furthest
                && path.moved() > self.move_share
            {
                self.tell(block, of_tx, (source, how, path), loan, report);
            }
        }
    }
}

impl Configured {
    /// The same view of a guarded contract asked twice, with different answers: with traces.
    fn repeated_reads(
        &self,
        block: &Block<'_>,
        tx: u32,
        paths: &mut BTreeMap<(Address, &'static str), Path>,
    ) {
        let Some(trace) = block.trace(tx) else { return };
        let mut by_question: BTreeMap<(Address, &[u8]), Path> = BTreeMap::new();
        for frame in &trace.frames {
            let (FrameKind::StaticCall, Some(to)) = (frame.kind, frame.to) else { continue };
            let is_price = frame.error.is_none()
                && frame.output.len() == 32
                && block.guarded(&to).is_some_and(|(index, deployment)| {
                    let known =
                        frame.selector().and_then(|s| deployment.abi.function_by_selector(s));
                    self.site.guards(index) && known.is_some_and(|f| names_a_price(&f.name))
                });
            if !is_price {
                continue;
            }
            let price = to_f64(U256::from_be_slice(&frame.output));
            by_question
                .entry((to, &frame.input))
                .and_modify(|path| path.push(price))
                .or_insert_with(|| Path::start(price));
        }
        for ((to, _), path) in by_question {
            let known = paths.entry((to, "price read twice")).or_insert(path);
            if path.moved() > known.moved() {
                *known = path;
            }
        }
    }

    /// The ratio of a guarded pool's two balances after each transfer, from its balances after the
    /// block back to those before the transaction.
    fn reserves_of_pool(
        &self,
        block: &Block<'_>,
        tx: u32,
        pool: Address,
        paths: &mut BTreeMap<(Address, &'static str), Path>,
        report: &mut Report<'_>,
    ) {
        let touches_pool =
            |t: &Transfer| self.tokens.contains(&t.token) && (t.from == pool || t.to == pool);
        let transfers =
            |tx: u32| block.tx(tx).logs.iter().filter_map(Transfer::of).filter(touches_pool);
        let mut moved: Vec<Address> = transfers(tx).map(|t| t.token).collect();
        moved.sort_unstable();
        moved.dedup();
        let [one, other] = moved[..] else { return };
        let mut balances = [U256::ZERO; 2];
        for (balance, token) in balances.iter_mut().zip([one, other]) {
            match block.read_words(token, &balance_of(pool), 1) {
                Ok(words) => *balance = words[0],
                Err(reason) => {
                    let has_events = paths.contains_key(&(pool, "reserves"));
                    if !has_events {
                        report.blind(BlindReason::ReadMissing(reason));
                    }
                    return;
                }
            }
        }
        let at = |token: Address| usize::from(token == other);
        for later in (tx..block.bundle.transactions.len() as u32).rev() {
            for t in transfers(later).collect::<Vec<_>>().into_iter().rev() {
                if t.token == one || t.token == other {
                    let balance = &mut balances[at(t.token)];
                    *balance = if t.from == pool {
                        balance.saturating_add(t.amount)
                    } else {
                        balance.saturating_sub(t.amount)
                    };
                }
            }
        }
        let price = |b: &[U256; 2]| to_f64(b[0]) / to_f64(b[1]).max(1.0);
        let mut path = Path::start(price(&balances));
        // Between the two legs of one swap the ratio says nothing, so it is taken when the direction
        // turns: once each token has moved since it was taken last.
        let mut since = [false; 2];
        for t in transfers(tx) {
            let balance = &mut balances[at(t.token)];
            *balance = if t.from == pool {
                balance.saturating_sub(t.amount)
            } else {
                balance.saturating_add(t.amount)
            };
            since[at(t.token)] = true;
            if since == [true; 2] {
                path.push(price(&balances));
                since = [false; 2];
            }
        }
        paths.entry((pool, "reserves")).or_insert(path);
    }

    fn tell(
        &self,
        block: &Block<'_>,
        of_tx: &[Touch],
        (source, how, path): (Address, &'static str, Path),
        loan: Option<Loan>,
        report: &mut Report<'_>,
    ) {
        let tx = of_tx[0].tx;
        let guarded = self.site.deployment(of_tx[0].deployment);
        let percent = (path.moved() * 100.0).min(1e9);
        let on = if loan.is_some() { " on borrowed money" } else { "" };
        let title = format!(
            "the price of {} moved by {percent:.1} % within one transaction with {}{on}",
            block.name_of(source),
            guarded.label
        );
        let severity =
            if loan.is_some() { self.site.severity } else { milder(self.site.severity, 2) };
        let number = |value| FactValue::Number { value, unit: String::new() };
        let mut claim = Claim::about_frame(block, tx, 0, title)
            .about(block, guarded.address)
            .severity(severity)
            .confidence(Confidence::Heuristic)
            .measure(Measure {
                name: "price move within the transaction".to_owned(),
                unit: String::new(),
                value: path.moved().min(1e9),
                threshold: self.move_share,
                history: None,
            })
            .fact("price source", block.address_fact(source))
            .fact("seen in", FactValue::Text(how.to_owned()))
            .fact("price at first", number(path.first))
            .fact("lowest", number(path.low))
            .fact("highest", number(path.high))
            .fact("price at last", number(path.last));
        if let Some(loan) = loan {
            claim = claim
                .fact("borrowed and repaid", block.token_fact(loan.token, loan.amount))
                .fact("token", block.address_fact(loan.token))
                .fact("lender", block.address_fact(loan.lender));
        }
        report.claim(claim.fact("transaction sender", block.address_fact(block.tx(tx).from)));
    }
}

/// The largest amount that somebody gave away and got back, whole, later in the transaction, from
/// one and the same counterpart.
fn find_loan(logs: &[Log]) -> Option<Loan> {
    let transfers: Vec<Transfer> = logs.iter().filter_map(Transfer::of).collect();
    let mut largest: Option<Loan> = None;
    for (at, lent) in transfers.iter().enumerate() {
        let is_minted = lent.from.is_zero();
        if lent.amount.is_zero()
            || lent.to.is_zero()
            || largest.is_some_and(|l| l.amount >= lent.amount)
        {
            continue;
        }
        let repaid = transfers[at + 1..]
            .iter()
            .filter(|t| t.token == lent.token && t.to == lent.from && t.from != lent.from)
            .fold(U256::ZERO, |sum, t| sum.saturating_add(t.amount));
        if repaid >= lent.amount {
            // A flash mint is lent by the token itself.
            let lender = if is_minted { lent.token } else { lent.from };
            largest = Some(Loan { token: lent.token, lender, amount: lent.amount });
        }
    }
    largest
}

/// Words by which contracts name a price.
const PRICE_WORDS: [&str; 9] =
    ["price", "rate", "answer", "quote", "spot", "reserve", "virtual", "pershare", "exchange"];

fn names_a_price(function: &str) -> bool {
    let name = function.to_ascii_lowercase();
    PRICE_WORDS.iter().any(|word| name.contains(word))
}

fn balance_of(holder: Address) -> Vec<u8> {
    [BALANCE_OF.as_slice(), &[0; 12], holder.as_slice()].concat()
}
