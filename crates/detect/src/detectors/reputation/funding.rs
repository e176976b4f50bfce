//! Where the money of an account comes from, and how often attackers' money comes from there.

use model::{Address, FactValue, UnixSeconds};
use registry::{Category, Label};

use crate::{
    detectors::{Block, Claim},
    origins::{self, End, How, Trail},
    state::StateTable,
};

const DAY_S: u64 = 86_400;

/// Steps that funding is followed back.
const STEPS_MAX: usize = 3;

/// Money from a mixer is remembered for half a year, money from anywhere else for a day: thieves
/// wait, and everybody was funded by somebody once.
const MIXER_AGE_S: u64 = 180 * DAY_S;
const FUNDING_AGE_S: u64 = DAY_S;

/// Where the money of an account comes from.
#[derive(Debug, Clone)]
pub(super) struct Funding {
    trail: Trail,
    kind: Source,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    Mixer,
    Bad,
    Exchange,
    Bridge,
    /// Recorded, and nobody whom a label names.
    Somebody,
    /// Not recorded.
    Unknown,
}

/// Where the money of an account comes from, at most [`STEPS_MAX`] steps back.
pub(super) fn funding(block: &Block<'_>, memory: &StateTable, address: Address) -> Funding {
    let labels = |at: Address| block.registry.labels().of(block.network(), at);
    let source_of = |label: Label<'_>| match label.category {
        Category::Mixer => Some(Source::Mixer),
        Category::Exchange => Some(Source::Exchange),
        Category::Bridge => Some(Source::Bridge),
        category if category.is_malicious() => Some(Source::Bad),
        _ => None,
    };
    let is_known =
        |at: Address| labels(at).any(|l| source_of(l).is_some()) || block.guarded(&at).is_some();
    let trail = origins::trail(memory, address, STEPS_MAX, is_known);
    let last = trail.steps.last().copied();
    let is_within = |at: UnixSeconds, span_s: u64| block.at.seconds_since(at) <= span_s;
    let kind = match last {
        None => Source::Unknown,
        Some(last) if trail.end == End::Known => match labels(last.by).find_map(source_of) {
            Some(Source::Mixer) if !is_within(last.at, MIXER_AGE_S) => Source::Somebody,
            Some(Source::Exchange) if !is_within(last.at, FUNDING_AGE_S) => Source::Somebody,
            Some(Source::Bridge) if !is_within(last.at, FUNDING_AGE_S) => Source::Somebody,
            Some(source) => source,
            None => Source::Somebody,
        },
        Some(_) => Source::Somebody,
    };
    Funding { trail, kind }
}

impl Funding {
    pub(super) fn is_bad(&self) -> bool {
        matches!(self.kind, Source::Mixer | Source::Bad)
    }

    pub(super) fn as_str(&self) -> &'static str {
        match self.kind {
            Source::Mixer => "funded by a mixer",
            Source::Bad => "funded by a listed account",
            Source::Exchange => "funded by an exchange",
            Source::Bridge => "funded over a bridge",
            Source::Somebody => "funded by somebody unknown",
            Source::Unknown => "of unrecorded funding",
        }
    }

    /// ln of the share of attackers over the share of ordinary callers who are funded so. Stated,
    /// not fitted, as the shares by age; what was not recorded says nothing.
    pub(super) fn llr(&self) -> f64 {
        let (attackers, usual): (f64, f64) = match self.kind {
            Source::Mixer => (0.40, 0.002),
            Source::Bad => (0.05, 0.001),
            Source::Exchange => (0.10, 0.45),
            Source::Bridge => (0.10, 0.05),
            Source::Somebody => (0.35, 0.497),
            Source::Unknown => return 0.0,
        };
        libm::log(attackers / usual)
    }

    /// The trail as evidence, and why it ends.
    pub(super) fn facts(&self, block: &Block<'_>, mut claim: Claim) -> Claim {
        claim = claim.fact("funding", FactValue::Text(self.as_str().to_owned()));
        for step in &self.trail.steps {
            let how = if step.how == How::Created { "created by" } else { "funded by" };
            claim = claim.fact(how, block.address_fact(step.by));
        }
        let end = match self.trail.end {
            End::Known => "at a known account",
            End::Hub => "at an account that funds thousands",
            End::Unrecorded => "where nobody recorded what came before",
            End::TooFar => "after three steps",
        };
        claim.fact("the trail ends", FactValue::Text(end.to_owned()))
    }
}
