//! Power that comes, votes and goes. The page is `votes_borrowed.md`.

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256};
use model::{BlindReason, FactValue, Level, Severity};

use super::voting::{self, Voice};
use crate::{
    detectors::{
        Block, Claim, Detector, Judge, Report, Settings, Site, Spec, Touch, Wants, What, milder,
    },
    state::StateTable,
};

static SPEC: Spec = Spec {
    id: "governance/votes_borrowed",
    version: 1,
    needs: Level::Logs,
    severity: Severity::Critical,
    params: &[],
    page: include_str!("votes_borrowed.md"),
};

/// See the page.
#[derive(Debug)]
pub struct VotesBorrowed;

impl Detector for VotesBorrowed {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(&self, _: &Settings, site: Site) -> Box<dyn Judge> {
        Box::new(Configured { severity: site.severity })
    }
}

struct Configured {
    severity: Severity,
}

/// What happened to the votes of one account in a block.
#[derive(Debug, Clone, Default)]
struct Votes {
    /// Gains: transaction, log, from how many to how many.
    gains: Vec<(u32, u32, U256, U256)>,
    is_told: bool,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants { topics: voting::topics(), ..Wants::default() }
    }

    fn judge(
        &self,
        block: &Block<'_>,
        touches: &[Touch],
        _: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let mut all: BTreeMap<Address, Votes> = BTreeMap::new();
        let log = |touch: &Touch| match touch.what {
            What::Log(ordinal) => Some((touch.tx, ordinal)),
            _ => None,
        };
        // Touches come contract by contract; what came first and what then is the order of the logs.
        let mut logs: Vec<(u32, u32)> = touches.iter().filter_map(log).collect();
        logs.sort_unstable();
        for at in logs {
            match voting::read(block.log(at.0, at.1)) {
                Ok(Some(Voice::Power { delegate, before, after })) => {
                    let votes = all.entry(delegate).or_default();
                    if after > before {
                        votes.gains.push((at.0, at.1, before, after));
                    } else {
                        self.left(block, at, delegate, (before, after), votes, report);
                    }
                }
                Ok(Some(Voice::Used { by, is_proposal })) => {
                    let votes = all.entry(by).or_default();
                    self.used(block, at, by, is_proposal, votes, report);
                }
                Ok(None) => {}
                Err(why) => report.blind(BlindReason::Undecodable(why)),
            }
        }
    }
}

impl Configured {
    /// Votes used in the block in which they came.
    fn used(
        &self,
        block: &Block<'_>,
        (tx, ordinal): (u32, u32),
        by: Address,
        is_proposal: bool,
        votes: &mut Votes,
        report: &mut Report<'_>,
    ) {
        let Some(&(gained_in, _, before, after)) = votes.gains.last().filter(|_| !votes.is_told)
        else {
            return;
        };
        votes.is_told = true;
        let is_same = gained_in == tx;
        let verb = if is_proposal { "proposed" } else { "voted" };
        let place = if is_same { "transaction" } else { "block" };
        let title = format!("{} {verb} in the {place} in which its votes came", block.name_of(by));
        let severity = if is_same { self.severity } else { milder(self.severity, 1) };
        report.claim(told(block, (tx, ordinal), by, (before, after), title).severity(severity));
    }

    /// Votes that leave in the transaction in which they came: at least half of them.
    fn left(
        &self,
        block: &Block<'_>,
        (tx, ordinal): (u32, u32),
        delegate: Address,
        (before, after): (U256, U256),
        votes: &mut Votes,
        report: &mut Report<'_>,
    ) {
        let gained = votes.gains.iter().filter(|(at, ..)| *at == tx);
        let gained = gained.fold(U256::ZERO, |sum, (_, _, was, is)| sum.saturating_add(*is - *was));
        let is_back = !gained.is_zero() && (before - after).saturating_mul(U256::from(2)) >= gained;
        if !is_back || votes.is_told {
            return;
        }
        votes.is_told = true;
        let title =
            format!("votes of {} came and left in one transaction", block.name_of(delegate));
        let claim = told(block, (tx, ordinal), delegate, (after, before), title);
        report.claim(claim.severity(milder(self.severity, 2)));
    }
}

fn told(
    block: &Block<'_>,
    (tx, ordinal): (u32, u32),
    who: Address,
    (least, most): (U256, U256),
    title: String,
) -> Claim {
    Claim::about_log(block, tx, ordinal, title)
        .fact("delegate", block.address_fact(who))
        .fact("votes at least", FactValue::Uint(least))
        .fact("votes at most", FactValue::Uint(most))
        .fact("transaction sender", block.address_fact(block.tx(tx).from))
}
