//! One voice gets much of what a decision takes. The page is `power_concentrated.md`.

use std::num::NonZeroU32;

use alloy_primitives::{Address, U256};
use model::{
    BlindReason, FactValue, Level, Measure, Name, PlannedRead, ReadRequest, Severity, UnixSeconds,
};
use registry::{Deployment, Registry};
use serde::{Deserialize, Serialize};

use super::voting::{self, Voice};
use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants, What, block::to_f64, worse,
    },
    state::{Key, Kind, StateTable},
};

static SPEC: Spec = Spec {
    id: "governance/power_concentrated",
    version: 1,
    needs: Level::Logs,
    severity: Severity::High,
    params: &[
        ParamSpec {
            name: "quorum_share",
            kind: ParamKind::Number { default: 0.5, min: 0.01, max: 10.0 },
            doc: "votes that one delegate gains within the window, as a share of the quorum, that are told",
        },
        ParamSpec {
            name: "window_s",
            kind: ParamKind::Integer { default: 86_400, min: 3_600, max: 604_800 },
            doc: "the window, in whole hours",
        },
        ParamSpec {
            name: "quorum_votes",
            kind: ParamKind::Text { default: "" },
            doc: "the quorum in the smallest unit of the votes, where the governor cannot be asked for it",
        },
    ],
    page: include_str!("power_concentrated.md"),
};

/// The quorum changes by proposals, which take days: it is asked for once an hour of mainnet.
const READ_EVERY_BLOCKS: NonZeroU32 = NonZeroU32::new(300).expect("three hundred is not zero");

const HOUR_S: u64 = 3_600;

/// Share of the threshold below which an episode is over.
const OVER_BELOW: f64 = 0.7;

/// See the page.
#[derive(Debug)]
pub struct PowerConcentrated;

impl Detector for PowerConcentrated {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn mistakes(&self, settings: &Settings, _: &Registry, _: &Name) -> Vec<String> {
        let text = settings.text("quorum_votes");
        let is_wrong = !text.is_empty() && votes(text).is_none();
        let mistake =
            format!("parameter \"quorum_votes\" is {text:?}, allowed is a whole number above zero");
        is_wrong.then_some(mistake).into_iter().collect()
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        let stated = votes(settings.text("quorum_votes"));
        let source = match stated {
            Some(votes) => Source::Stated(votes),
            None => Source::asked(&site),
        };
        Box::new(Configured {
            source,
            share: settings.number("quorum_share"),
            window_s: settings.integer("window_s").div_ceil(HOUR_S) * HOUR_S,
            site,
        })
    }
}

fn votes(text: &str) -> Option<U256> {
    text.replace('_', "").parse().ok().filter(|votes: &U256| !votes.is_zero())
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

fn tells_power(of: &Deployment) -> bool {
    of.abi.events().any(|event| event.name == "DelegateVotesChanged")
}

struct Configured {
    site: Site,
    source: Source,
    share: f64,
    window_s: u64,
}

/// The quorum as it was asked for last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quorum(Option<U256>);

/// What a delegate's votes were within the window.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VotingPower {
    /// By hour in which they changed, oldest first: the least that they were before a change. At most
    /// one per hour of the window, 168 of the longest.
    lowest: Vec<(UnixSeconds, U256)>,
    /// Since when there is an episode, and whether it was told that the whole quorum is reached.
    since: Option<(UnixSeconds, bool)>,
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
        let key = Key::new(Kind::Quorum).monitor(&self.site.key);
        match self.source.read(block) {
            Some(Ok(now)) => {
                let now = Quorum(Some(now).filter(|quorum| !quorum.is_zero()));
                if memory.get::<Quorum>(&key) != Some(&now) {
                    *memory.entry(key, Quorum::default) = now;
                }
            }
            Some(Err(reason)) => report.blind(reason),
            None => {}
        }
        let quorum = match self.source {
            Source::Stated(quorum) => Some(quorum),
            _ => memory.get::<Quorum>(&key).and_then(|quorum| quorum.0),
        };
        for touch in touches {
            let What::Log(ordinal) = touch.what else { continue };
            match (voting::read(block.log(touch.tx, ordinal)), quorum) {
                (Ok(Some(Voice::Power { delegate, before, after })), Some(quorum)) => {
                    let change = Change { delegate, before, after, quorum };
                    self.changed(block, (touch.tx, ordinal), change, memory, report);
                }
                (Ok(Some(Voice::Power { .. })), None) => {
                    let reason = "votes moved and the quorum is not known: name the governor in on, or state quorum_votes";
                    report.blind(BlindReason::Evaluation(reason.to_owned()));
                }
                (Ok(_), _) => {}
                (Err(why), _) => report.blind(BlindReason::Undecodable(why)),
            }
        }
    }
}

struct Change {
    delegate: Address,
    before: U256,
    after: U256,
    quorum: U256,
}

impl Configured {
    fn changed(
        &self,
        block: &Block<'_>,
        (tx, ordinal): (u32, u32),
        change: Change,
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let Change { delegate, before, after, quorum } = change;
        let token = block.log(tx, ordinal).address;
        let key =
            Key::new(Kind::VotingPower).monitor(&self.site.key).address(token).address(delegate);
        let power = memory.entry(key, VotingPower::default);
        let hour = UnixSeconds(block.at.0 - block.at.0 % HOUR_S);
        power.lowest.retain(|(at, _)| hour.seconds_since(*at) < self.window_s);
        match power.lowest.last_mut() {
            Some((at, lowest)) if *at == hour => *lowest = (*lowest).min(before),
            _ => power.lowest.push((hour, before)),
        }
        let lowest = power.lowest.iter().map(|(_, votes)| *votes).min().unwrap_or(before);
        let gain = after.saturating_sub(lowest);
        let share = to_f64(gain) / to_f64(quorum);
        if share < self.share * OVER_BELOW {
            power.since = None;
        }
        let is_all = share >= 1.0;
        let is_news =
            share >= self.share && power.since.is_none_or(|(_, all_told)| is_all && !all_told);
        let began = power.since.map_or(block.at, |(since, _)| since);
        if is_news {
            power.since = Some((began, is_all));
        }
        if after.is_zero() && power.since.is_none() {
            // Whoever has no votes any more need not be remembered: what comes back is a gain again.
            memory.remove(&key);
        }
        if !is_news {
            return;
        }
        let who = block.name_of(delegate);
        let hours = self.window_s / HOUR_S;
        let title =
            format!("{who} gained {:.0} % of the quorum in votes within {hours} h", share * 100.0);
        let severity = if is_all { worse(self.site.severity, 1) } else { self.site.severity };
        report.claim(
            Claim::about_log(block, tx, ordinal, title)
                .severity(severity)
                .measure(Measure {
                    name: "votes gained, as a share of the quorum".to_owned(),
                    unit: String::new(),
                    value: share,
                    threshold: self.share,
                    history: None,
                })
                .fact("delegate", block.address_fact(delegate))
                .fact("votes now", FactValue::Uint(after))
                .fact("votes before", FactValue::Uint(lowest))
                .fact("quorum", FactValue::Uint(quorum))
                .fact("for", FactValue::Seconds(block.at.seconds_since(began)))
                .fact("transaction sender", block.address_fact(block.tx(tx).from)),
        );
    }
}
