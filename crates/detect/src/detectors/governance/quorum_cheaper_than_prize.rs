//! A decision costs less than what it decides about. The page is `quorum_cheaper_than_prize.md`.

use alloy_primitives::{Address, U256};
use model::Severity;
use model::{BlindReason, Confidence, FactValue, Level, Measure, Name, PlannedRead, UnixSeconds};
use registry::{
    Registry,
    dependencies::{cents_of, usd},
};
use serde::{Deserialize, Serialize};

use super::quorum::{self, QuorumSource, tells_power};
use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants, block::to_f64, worse,
    },
    stakes::{locked_cents, price_of},
    state::{Key, Kind, StateTable},
};

static SPEC: Spec = Spec {
    id: "governance/quorum_cheaper_than_prize",
    version: 1,
    needs: Level::Logs,
    severity: Severity::Medium,
    params: &[
        ParamSpec {
            name: "cost_share",
            kind: ParamKind::Number { default: 1.0, min: 0.01, max: 100.0 },
            doc: "what the quorum must cost at least, as a share of what a decision can take",
        },
        ParamSpec {
            name: "prize_usd",
            kind: ParamKind::Number { default: 0.0, min: 0.0, max: 1e12 },
            doc: "what a decision can take, where it is not what is locked on the network by dependencies/",
        },
        ParamSpec {
            name: "vote_usd",
            kind: ParamKind::Number { default: 0.0, min: 0.0, max: 1e9 },
            doc: "what one token of votes costs, where it is no token of dependencies/ with a price",
        },
        quorum::PARAM,
    ],
    page: include_str!("quorum_cheaper_than_prize.md"),
};

/// Above so much of the threshold an episode is over.
const OVER_ABOVE: f64 = 1.2;

/// See the page.
#[derive(Debug)]
pub struct QuorumCheaperThanPrize;

impl Detector for QuorumCheaperThanPrize {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn mistakes(&self, settings: &Settings, _: &Registry, _: &Name) -> Vec<String> {
        quorum::mistakes(settings)
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        let stated_cents = |param: &str| {
            let dollars = settings.number(param);
            (dollars > 0.0).then(|| U256::from((dollars * 100.0).round() as u128))
        };
        let votes = site.deployments().map(|(_, deployment)| deployment);
        let votes = votes.filter(|deployment| tells_power(deployment)).map(|d| d.address).next();
        Box::new(Configured {
            source: QuorumSource::of(settings, &site),
            cost_share: settings.number("cost_share"),
            prize_cents: stated_cents("prize_usd"),
            vote_cents: stated_cents("vote_usd"),
            votes,
            site,
        })
    }
}

struct Configured {
    site: Site,
    source: QuorumSource,
    cost_share: f64,
    prize_cents: Option<U256>,
    vote_cents: Option<U256>,
    /// The token of votes.
    votes: Option<Address>,
}

/// Since when a decision is cheaper than what it decides about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheapQuorum {
    since: Option<UnixSeconds>,
    /// Whether it was told that it costs less than half.
    is_half_told: bool,
}

/// Votes of tokens that nobody describes have so many decimals, as nearly all have.
const VOTE_DECIMALS_USUAL: u8 = 18;

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants { every_block: true, remembers: true, stakes: true, ..Wants::default() }
    }

    fn reads(&self) -> Vec<PlannedRead> {
        self.source.reads()
    }

    fn judge(
        &self,
        block: &Block<'_>,
        _: &[Touch],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let quorum = self.source.take(block, &self.site.key, memory, report);
        let known = quorum
            .ok_or("the quorum is not known: name the governor in on, or state quorum_votes")
            .and_then(|quorum| self.cost_cents(quorum, memory))
            .and_then(|cost| Ok((cost, self.prize_cents(memory)?)));
        match known {
            Ok((cost, prize)) => self.compare(block, quorum, (cost, prize), memory, report),
            Err(reason) => report.blind(BlindReason::Evaluation(reason.to_owned())),
        }
    }
}

impl Configured {
    fn cost_cents(&self, quorum: U256, memory: &StateTable) -> Result<U256, &'static str> {
        let unknown = "what a vote costs is not known: declare the token with a price in dependencies/, or state vote_usd";
        let registry = &self.site.registry;
        let token = self.votes.and_then(|votes| registry.at(&self.site.network, votes));
        let decimals = token.and_then(|token| token.token.as_ref()).map(|unit| unit.decimals);
        if let Some(cents) = self.vote_cents {
            let one = U256::from(10).pow(U256::from(decimals.unwrap_or(VOTE_DECIMALS_USUAL)));
            return Ok(quorum.saturating_mul(cents) / one);
        }
        let declared = self.votes.and_then(|of| registry.dependencies().at(&self.site.network, of));
        let terms = declared.and_then(|of| of.token.as_ref()).ok_or(unknown)?;
        let price = price_of(terms, registry, memory).ok_or(unknown)?;
        Ok(cents_of(quorum, terms.decimals, price))
    }

    fn prize_cents(&self, memory: &StateTable) -> Result<U256, &'static str> {
        let unknown = "what a decision can take is not known: declare tokens in dependencies/, or state prize_usd";
        let locked = || locked_cents(&self.site.network, &self.site.registry, memory);
        self.prize_cents.or_else(locked).filter(|cents| !cents.is_zero()).ok_or(unknown)
    }

    fn compare(
        &self,
        block: &Block<'_>,
        quorum: Option<U256>,
        (cost, prize): (U256, U256),
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let share = to_f64(cost) / to_f64(prize);
        let key = Key::new(Kind::CheapQuorum).monitor(&self.site.key);
        let before = memory.get::<CheapQuorum>(&key).cloned().unwrap_or_default();
        if share >= self.cost_share {
            if before.since.is_some() && share >= self.cost_share * OVER_ABOVE {
                memory.remove(&key);
            }
            return;
        }
        let is_half = share < self.cost_share / 2.0;
        if before.since.is_some() && (before.is_half_told || !is_half) {
            return;
        }
        let began = before.since.unwrap_or(block.at);
        *memory.entry(key, CheapQuorum::default) =
            CheapQuorum { since: Some(began), is_half_told: is_half };
        let severity = if is_half { worse(self.site.severity, 1) } else { self.site.severity };
        let title = format!("the quorum costs {} and decides about {}", usd(cost), usd(prize));
        let mut claim = Claim::about_episode(block, "quorum".to_owned(), began, title)
            .what(if is_half { "half" } else { "" })
            .severity(severity)
            .confidence(Confidence::Heuristic)
            .measure(Measure {
                name: "cost of the quorum, as a share of what it decides about".to_owned(),
                unit: String::new(),
                value: share,
                threshold: self.cost_share,
                history: None,
            })
            .fact("cost of the quorum", FactValue::Amount(usd(cost)))
            .fact("what a decision can take", FactValue::Amount(usd(prize)));
        if let Some(quorum) = quorum {
            claim = claim.fact("quorum", FactValue::Uint(quorum));
        }
        if let Some(votes) = self.votes {
            claim = claim.fact("votes", block.address_fact(votes)).about(block, votes);
        }
        claim.value_at_risk = Some(usd(prize));
        report.claim(claim);
    }
}
