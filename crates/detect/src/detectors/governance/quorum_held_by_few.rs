//! Too few together have what a decision takes. The page is `quorum_held_by_few.md`.

use alloy_primitives::{Address, U256};
use model::{BlindReason, FactValue, Level, Measure, Name, PlannedRead, Severity, UnixSeconds};
use registry::Registry;
use serde::{Deserialize, Serialize};

use super::{
    quorum::{self, QuorumSource},
    voting::{self, Voice},
};
use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants, What, block::to_f64, worse,
    },
    state::{Key, Kind, StateTable},
};

static SPEC: Spec = Spec {
    id: "governance/quorum_held_by_few",
    version: 1,
    needs: Level::Logs,
    severity: Severity::Medium,
    params: &[
        ParamSpec {
            name: "delegates_min",
            kind: ParamKind::Integer { default: 3, min: 2, max: LARGEST_MAX as u64 },
            doc: "delegates who must at least come together for the quorum",
        },
        quorum::PARAM,
    ],
    page: include_str!("quorum_held_by_few.md"),
};

/// The largest delegates that are remembered. Whoever is missing has fewer votes than each of them,
/// so that the fewest who reach a quorum are always among them.
const LARGEST_MAX: usize = 32;

/// See the page.
#[derive(Debug)]
pub struct QuorumHeldByFew;

impl Detector for QuorumHeldByFew {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn mistakes(&self, settings: &Settings, _: &Registry, _: &Name) -> Vec<String> {
        quorum::mistakes(settings)
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        Box::new(Configured {
            source: QuorumSource::of(settings, &site),
            delegates_min: settings.integer("delegates_min") as usize,
            site,
        })
    }
}

struct Configured {
    site: Site,
    source: QuorumSource,
    delegates_min: usize,
}

/// The largest delegates of one token of votes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delegates {
    /// Most votes first; of equal ones the lower address.
    largest: Vec<(U256, Address)>,
    /// Since when too few reach the quorum, and how few was told.
    few: Option<(UnixSeconds, u32)>,
}

impl Delegates {
    /// Takes a change in.
    fn set(&mut self, delegate: Address, votes: U256) {
        self.largest.retain(|(_, known)| *known != delegate);
        if !votes.is_zero() {
            self.largest.push((votes, delegate));
        }
        self.largest.sort_unstable_by(|(one, a), (other, b)| other.cmp(one).then(a.cmp(b)));
        self.largest.truncate(LARGEST_MAX);
    }

    /// The fewest who together reach so many votes; `None` when all that are known do not.
    fn fewest(&self, votes: U256) -> Option<usize> {
        let mut sum = U256::ZERO;
        let reaches = |(held, _): &(U256, Address)| {
            sum = sum.saturating_add(*held);
            sum >= votes
        };
        self.largest.iter().position(reaches).map(|last| last + 1)
    }
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        let every_block = !self.source.reads().is_empty();
        Wants { topics: voting::power_topics(), every_block, remembers: true, ..Wants::default() }
    }

    fn reads(&self) -> Vec<PlannedRead> {
        self.source.reads()
    }

    fn judge(
        &self,
        block: &Block<'_>,
        touches: &[Touch],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let quorum = self.source.take(block, &self.site.key, memory, report);
        for touch in touches {
            let What::Log(ordinal) = touch.what else { continue };
            match voting::read(block.log(touch.tx, ordinal)) {
                Ok(Some(Voice::Power { delegate, after, .. })) => {
                    let token = block.log(touch.tx, ordinal).address;
                    let key = Key::new(Kind::Delegates).monitor(&self.site.key).address(token);
                    let delegates = memory.entry(key, Delegates::default);
                    delegates.set(delegate, after);
                    match quorum {
                        Some(quorum) => {
                            self.held(block, (touch.tx, ordinal), delegates, quorum, report);
                        }
                        None => report.blind(quorum::unknown()),
                    }
                }
                Ok(_) => {}
                Err(why) => report.blind(BlindReason::Undecodable(why)),
            }
        }
    }
}

impl Configured {
    fn held(
        &self,
        block: &Block<'_>,
        (tx, ordinal): (u32, u32),
        delegates: &mut Delegates,
        quorum: U256,
        report: &mut Report<'_>,
    ) {
        let fewest = delegates.fewest(quorum);
        let Some(few) = fewest.filter(|few| *few < self.delegates_min) else {
            delegates.few = None;
            return;
        };
        if delegates.few.is_some_and(|(_, told)| told as usize <= few) {
            return;
        }
        let began = delegates.few.map_or(block.at, |(began, _)| began);
        delegates.few = Some((began, few as u32));
        let people = if few == 1 { "one delegate has" } else { "two delegates together have" };
        let people = if few > 2 { format!("{few} delegates together have") } else { people.into() };
        let token = block.log(tx, ordinal).address;
        let title = format!("{people} the quorum of {}", block.name_of(token));
        let severity = if few == 1 { worse(self.site.severity, 1) } else { self.site.severity };
        let mut claim = Claim::about_log(block, tx, ordinal, title)
            .severity(severity)
            .measure(Measure {
                name: "fewest delegates who reach the quorum".to_owned(),
                unit: String::new(),
                value: few as f64,
                threshold: self.delegates_min as f64,
                history: None,
            })
            .fact("quorum", FactValue::Uint(quorum));
        for (votes, delegate) in delegates.largest.iter().take(few) {
            claim = claim
                .fact("delegate", block.address_fact(*delegate))
                .fact("share of the quorum", FactValue::Ratio(to_f64(*votes) / to_f64(quorum)));
        }
        report.claim(claim);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_are_kept_whoever_comes() {
        let mut delegates = Delegates::default();
        for number in 0..200u64 {
            let address = Address::left_padding_from(&number.to_be_bytes());
            delegates.set(address, U256::from(number * 7 % 200));
        }
        assert_eq!(delegates.largest.len(), LARGEST_MAX);
        assert_eq!(delegates.fewest(U256::from(199)), Some(1));
        assert_eq!(delegates.fewest(U256::from(200)), Some(2));
        assert_eq!(delegates.fewest(U256::from(1_000_000)), None);
        let most = delegates.largest[0].1;
        delegates.set(most, U256::ZERO);
        assert_eq!(delegates.fewest(U256::from(199)), Some(2));
    }
}
