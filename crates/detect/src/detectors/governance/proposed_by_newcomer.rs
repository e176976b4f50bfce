//! Somebody without a past proposes. The page is `proposed_by_newcomer.md`.

use alloy_primitives::Address;
use model::{BlindReason, Confidence, FactValue, Level, Measure, Severity};

use super::voting::{self, Voice};
use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants, What, milder,
    },
    origins::{self, How},
    state::StateTable,
};

static SPEC: Spec = Spec {
    id: "governance/proposed_by_newcomer",
    version: 1,
    needs: Level::Logs,
    severity: Severity::High,
    params: &[ParamSpec {
        name: "age_s",
        kind: ParamKind::Integer { default: 30 * DAY_S, min: 3_600, max: 365 * DAY_S },
        doc: "accounts that are known for less time than this have no past",
    }],
    page: include_str!("proposed_by_newcomer.md"),
};

const DAY_S: u64 = 86_400;

/// Steps back to whoever funded the proposer: as many as people look at.
const TRAIL_STEPS_MAX: usize = 3;

/// See the page.
#[derive(Debug)]
pub struct ProposedByNewcomer;

impl Detector for ProposedByNewcomer {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        Box::new(Configured { severity: site.severity, age_s: settings.integer("age_s") })
    }
}

struct Configured {
    severity: Severity,
    age_s: u64,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants {
            topics: voting::proposal_topics(),
            origins: true,
            remembers: true,
            ..Wants::default()
        }
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
            match voting::read(block.log(touch.tx, ordinal)) {
                Ok(Some(Voice::Used { by, is_proposal: true })) => {
                    self.proposed(block, (touch.tx, ordinal), by, memory, report);
                }
                Ok(_) => {}
                Err(why) => report.blind(BlindReason::Undecodable(why)),
            }
        }
    }
}

impl Configured {
    fn proposed(
        &self,
        block: &Block<'_>,
        at: (u32, u32),
        proposer: Address,
        memory: &StateTable,
        report: &mut Report<'_>,
    ) {
        if block.guarded(&proposer).is_some() {
            return;
        }
        let recorded_s = origins::since(memory).map_or(0, |since| block.at.seconds_since(since));
        if recorded_s < self.age_s {
            let (seen, needed) = (recorded_s / DAY_S, self.age_s.div_ceil(DAY_S));
            report.blind(BlindReason::WarmingUp { seen, needed });
        }
        // Whoever only gave is older than the record, by how much nobody knows.
        let known = origins::of(memory, proposer).filter(|account| account.how != How::Gave);
        let Some(account) = known else { return };
        let age_s = block.at.seconds_since(account.first_at);
        if age_s < self.age_s {
            report.claim(self.told(block, at, (proposer, age_s, account.how), memory));
        }
    }

    fn told(
        &self,
        block: &Block<'_>,
        (tx, ordinal): (u32, u32),
        (proposer, age_s, how): (Address, u64, How),
        memory: &StateTable,
    ) -> Claim {
        let governor = block.log(tx, ordinal).address;
        let came = if how == How::Created { "created" } else { "first funded" };
        let title = format!(
            "{} has a proposal of {}, {came} {} before",
            block.name_of(governor),
            block.name_of(proposer),
            FactValue::Seconds(age_s),
        );
        // In the first day there was hardly time to do anything but this.
        let severity = if age_s < DAY_S { self.severity } else { milder(self.severity, 1) };
        let mut claim = Claim::about_log(block, tx, ordinal, title)
            .severity(severity)
            .confidence(Confidence::Heuristic)
            .measure(Measure {
                name: "time since the proposer is known".to_owned(),
                unit: "s".to_owned(),
                value: age_s as f64,
                threshold: self.age_s as f64,
                history: None,
            })
            .fact("proposer", block.address_fact(proposer))
            .fact("transaction sender", block.address_fact(block.tx(tx).from));
        let is_known = |of: Address| block.registry.label(block.network(), of).is_some();
        for step in origins::trail(memory, proposer, TRAIL_STEPS_MAX, is_known).steps {
            let did = if step.how == How::Created { "created by" } else { "funded by" };
            claim = claim.fact(did, block.address_fact(step.by));
        }
        claim
    }
}
