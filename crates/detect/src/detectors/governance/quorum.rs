//! The quorum: what a decision takes at least, as it is stated or as a governor tells it.

use std::num::NonZeroU32;

use alloy_primitives::U256;
use model::{BlindReason, PlannedRead, ReadRequest};
use registry::Deployment;
use serde::{Deserialize, Serialize};

use crate::{
    detectors::{Block, ParamKind, ParamSpec, Report, Settings, Site},
    state::{Key, Kind, MonitorKey, StateTable},
};

/// The parameter by which a monitor is told of it.
pub(super) const PARAM: ParamSpec = ParamSpec {
    name: "quorum_votes",
    kind: ParamKind::Text { default: "" },
    doc: "the quorum in the smallest unit of the votes, where the governor cannot be asked for it",
};

/// The quorum changes by proposals, which take days: it is asked for once an hour of mainnet.
const READ_EVERY_BLOCKS: NonZeroU32 = NonZeroU32::new(300).expect("three hundred is not zero");

/// The quorum as it was asked for last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quorum(Option<U256>);

/// What is wrong with the parameter.
pub(super) fn mistakes(settings: &Settings) -> Vec<String> {
    let text = settings.text(PARAM.name);
    let is_wrong = !text.is_empty() && votes(text).is_none();
    let mistake =
        format!("parameter \"quorum_votes\" is {text:?}, allowed is a whole number above zero");
    is_wrong.then_some(mistake).into_iter().collect()
}

/// Why nothing can be held against the quorum.
pub(super) fn unknown() -> BlindReason {
    let reason =
        "votes moved and the quorum is not known: name the governor in on, or state quorum_votes";
    BlindReason::Evaluation(reason.to_owned())
}

fn votes(text: &str) -> Option<U256> {
    text.replace('_', "").parse().ok().filter(|votes: &U256| !votes.is_zero())
}

/// Where a monitor's quorum is known from.
pub(super) struct QuorumSource(Source);

impl QuorumSource {
    /// As stated, else asked of what the monitor is on.
    pub(super) fn of(settings: &Settings, site: &Site) -> Self {
        Self(match votes(settings.text(PARAM.name)) {
            Some(votes) => Source::Stated(votes),
            None => Source::asked(site),
        })
    }

    /// What must be read for it.
    pub(super) fn reads(&self) -> Vec<PlannedRead> {
        self.0.reads()
    }

    /// The quorum as of this block; a read that is due and missing makes the monitor blind.
    pub(super) fn take(
        &self,
        block: &Block<'_>,
        monitor: &MonitorKey,
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) -> Option<U256> {
        let key = Key::new(Kind::Quorum).monitor(monitor);
        match self.0.read(block) {
            Some(Ok(now)) => {
                let now = Quorum(Some(now).filter(|quorum| !quorum.is_zero()));
                if memory.get::<Quorum>(&key) != Some(&now) {
                    *memory.entry(key, Quorum::default) = now;
                }
            }
            Some(Err(reason)) => report.blind(reason),
            None => {}
        }
        match self.0 {
            Source::Stated(quorum) => Some(quorum),
            _ => memory.get::<Quorum>(&key).and_then(|quorum| quorum.0),
        }
    }
}

/// Where the quorum is known from.
enum Source {
    Stated(U256),
    /// One call of the governor.
    Call(PlannedRead),
    /// A fraction of the votes' supply: numerator, denominator if there is one, supply.
    Fraction(PlannedRead, Option<PlannedRead>, PlannedRead),
    Unknown,
}

impl Source {
    fn asked(site: &Site) -> Self {
        let call = |of: &Deployment, signature: &str| {
            let function = of.abi.functions().find(|f| f.signature == signature)?;
            Some(ReadRequest::Call { to: of.address, input: function.selector.into() })
        };
        let all = || site.deployments().map(|(_, deployment)| deployment);
        let named = |name: &str| all().find_map(|of| call(of, name));
        if let Some(request) = named("quorumVotes()").or_else(|| named("quorum()")) {
            return Self::Call(request.every(READ_EVERY_BLOCKS));
        }
        let supply = all().filter(|of| tells_power(of)).find_map(|of| call(of, "totalSupply()"));
        match (named("quorumNumerator()"), supply) {
            (Some(numerator), Some(supply)) => {
                let numerator = numerator.every(READ_EVERY_BLOCKS);
                let with = |request: ReadRequest| request.every_with(READ_EVERY_BLOCKS, &numerator);
                let denominator = named("quorumDenominator()").map(with);
                let supply = with(supply);
                Self::Fraction(numerator, denominator, supply)
            }
            _ => Self::Unknown,
        }
    }

    fn reads(&self) -> Vec<PlannedRead> {
        match self {
            Self::Stated(_) | Self::Unknown => Vec::new(),
            Self::Call(read) => vec![read.clone()],
            Self::Fraction(numerator, denominator, supply) => {
                [Some(numerator), denominator.as_ref(), Some(supply)]
                    .into_iter()
                    .flatten()
                    .cloned()
                    .collect()
            }
        }
    }

    /// The quorum after this block, if it is asked for after this block.
    fn read(&self, block: &Block<'_>) -> Option<Result<U256, BlindReason>> {
        let number = block.bundle.header.number;
        let word = |read: &PlannedRead| match &read.request {
            ReadRequest::Call { to, input } => block
                .read_words(*to, input, 1)
                .map(|words| words[0])
                .map_err(BlindReason::ReadMissing),
            _ => Err(BlindReason::ReadMissing("the quorum is read by a call".to_owned())),
        };
        let is_due = self.reads().first().is_some_and(|read| read.is_due(number));
        if !is_due {
            return None;
        }
        Some(match self {
            Self::Stated(_) | Self::Unknown => return None,
            Self::Call(read) => word(read),
            Self::Fraction(numerator, denominator, supply) => (|| {
                let denominator = denominator.as_ref().map_or(Ok(U256::from(100)), word)?;
                let product = word(supply)?.checked_mul(word(numerator)?);
                product.and_then(|product| product.checked_div(denominator)).ok_or_else(|| {
                    BlindReason::Evaluation("the quorum's fraction is no number".to_owned())
                })
            })(),
        })
    }
}

/// Whether a contract tells who has how many votes.
pub(super) fn tells_power(of: &Deployment) -> bool {
    of.abi.events().any(|event| event.name == "DelegateVotesChanged")
}
