//! Money left a contract that pays nobody but those named. The page is `unexpected_outflow.md`.

use alloy_primitives::{Address, U256};
use model::{BlindReason, Confidence, FactValue, Level, Severity, TokenAmount, UnixSeconds};
use registry::{Class, threats::Day};

use super::flows::{NATIVE, flows};
use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants,
    },
    state::StateTable,
};

static SPEC: Spec = Spec {
    id: "liquidity/unexpected_outflow",
    version: 1,
    needs: Level::Logs,
    severity: Severity::High,
    params: &[
        ParamSpec {
            name: "allowed",
            kind: ParamKind::Words { default: &[] },
            doc: "who may be paid: addresses or labels of deployments, each with ` up to AMOUNT` of one transaction and ` until YYYY-MM-DD` if it is limited",
        },
        ParamSpec {
            name: "native",
            kind: ParamKind::Flag { default: true },
            doc: "whether native value is followed too, which needs call traces",
        },
    ],
    page: include_str!("unexpected_outflow.md"),
};

/// Digits of native value after the point.
const NATIVE_DECIMALS: u8 = 18;

/// See the page.
#[derive(Debug)]
pub struct UnexpectedOutflow;

impl Detector for UnexpectedOutflow {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        let here = || site.registry.deployments().iter().filter(|d| d.network == site.network);
        let mut tokens: Vec<Address> = here()
            .filter(|d| d.class == Class::Token || d.token.is_some())
            .map(|d| d.address)
            .collect();
        tokens.sort_unstable();
        let address_of = |name: &str| {
            let labelled = here().find(|known| known.label.as_str() == name);
            labelled.map(|known| known.address).or_else(|| name.parse().ok())
        };
        let words = settings.words("allowed");
        let allowed = words.iter().filter_map(|word| Allowed::read(word, address_of)).collect();
        Box::new(Configured { tokens, allowed, follows_native: settings.flag("native"), site })
    }
}

/// Somebody who may be paid.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Allowed {
    who: Address,
    /// Most of any token in one transaction, in whole tokens as written.
    up_to: Option<String>,
    until: Option<Day>,
}

impl Allowed {
    /// Reads one entry. One that names nobody, or whose end is no day, allows nothing.
    fn read(word: &str, address_of: impl Fn(&str) -> Option<Address>) -> Option<Self> {
        let (rest, until) = match word.split_once(" until ") {
            Some((rest, day)) => (rest, Some(day.trim().parse().ok()?)),
            None => (word, None),
        };
        let (who, up_to) = match rest.split_once(" up to ") {
            Some((who, amount)) => (who, Some(amount.trim().to_owned())),
            None => (rest, None),
        };
        Some(Self { who: address_of(who.trim())?, up_to, until })
    }

    fn covers(&self, who: Address, amount: U256, decimals: Option<u8>, at: UnixSeconds) -> bool {
        let is_within = match (&self.up_to, decimals) {
            (None, _) => true,
            (Some(most), Some(decimals)) => {
                TokenAmount::parse_units(most, decimals).is_ok_and(|most| amount <= most)
            }
            // Nobody knows what a whole one of it is.
            (Some(_), None) => false,
        };
        self.who == who && is_within && self.until.is_none_or(|day| Day::of(at) <= day)
    }
}

struct Configured {
    site: Site,
    /// Ascending.
    tokens: Vec<Address>,
    allowed: Vec<Allowed>,
    follows_native: bool,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants { transfers: true, transactions: true, ..Wants::default() }
    }

    fn judge(
        &self,
        block: &Block<'_>,
        touches: &[Touch],
        _: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let mut has_unseen = false;
        for of_tx in touches.chunk_by(|a, b| a.tx == b.tx) {
            let tx = of_tx[0].tx;
            has_unseen |= self.follows_native && block.trace(tx).is_none();
            self.judge_transaction(block, tx, report);
        }
        if has_unseen {
            let reason = "native value that left cannot be seen without call traces".to_owned();
            report.blind(BlindReason::Evaluation(reason));
        }
    }
}

impl Configured {
    fn judge_transaction(&self, block: &Block<'_>, tx: u32, report: &mut Report<'_>) {
        let all = flows(block, tx, &self.tokens, |address| {
            block.guarded(address).is_some_and(|(index, _)| self.site.guards(index))
        });
        for (token, flow) in all {
            if flow.out <= flow.back || (token == NATIVE && !self.follows_native) {
                continue;
            }
            let decimals = self.decimals(block, token);
            let takers = flow.others.iter().filter_map(|(who, (got, gave))| {
                let net = got.saturating_sub(*gave);
                let is_taker = !net.is_zero() && *who != token;
                let is_allowed =
                    || self.allowed.iter().any(|one| one.covers(*who, net, decimals, block.at));
                (is_taker && !is_allowed()).then_some((*who, net))
            });
            let Some((taker, amount)) = takers.max_by_key(|(who, amount)| (*amount, *who)) else {
                continue;
            };
            let giver =
                flow.parts.iter().max_by_key(|(_, part)| part.out.saturating_sub(part.back));
            let Some((&contract, _)) = giver else { continue };
            let shown = self.shown(block, token, amount);
            let title = format!(
                "{} left {} to {}, who is not among those that it pays",
                shown,
                block.name_of(contract),
                block.name_of(taker)
            );
            let claim = Claim::about_frame(block, tx, 0, title)
                .what(format!("{contract} {token}"))
                .about(block, contract)
                .severity(self.site.severity)
                .confidence(Confidence::Proven)
                .fact("amount", shown)
                .fact("to", block.address_fact(taker))
                .fact("transaction sender", block.address_fact(block.tx(tx).from));
            report.claim(claim);
        }
    }

    fn decimals(&self, block: &Block<'_>, token: Address) -> Option<u8> {
        if token == NATIVE {
            return Some(NATIVE_DECIMALS);
        }
        let known = block.registry.at(block.network(), token);
        known.and_then(|deployment| deployment.token.as_ref()).map(|unit| unit.decimals)
    }

    fn shown(&self, block: &Block<'_>, token: Address, amount: U256) -> FactValue {
        if token == NATIVE {
            return FactValue::Amount(TokenAmount::ether(amount));
        }
        block.token_fact(token, amount)
    }
}
