//! A decision takes effect before people can leave. The page is `delay_shorter_than_exit.md`.

use std::num::NonZeroU32;

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, U256};
use model::{
    BlindReason, FactValue, Level, Measure, PlannedRead, ReadRequest, Severity, UnixSeconds,
};
use registry::{
    Deployment,
    risk::{self, Parameter, RiskKind},
};
use serde::{Deserialize, Serialize};

use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants, What, dependency::governance::EVENTS, worse,
    },
    state::{Key, Kind, StateTable},
};

static SPEC: Spec = Spec {
    id: "governance/delay_shorter_than_exit",
    version: 1,
    needs: Level::Logs,
    severity: Severity::Medium,
    params: &[
        ParamSpec {
            name: "exit_s",
            kind: ParamKind::Integer { default: 172_800, min: 60, max: 365 * 86_400 },
            doc: "how long the slowest of those who want to leave need, from hearing of it to having their money",
        },
        ParamSpec {
            name: "exit_calls",
            kind: ParamKind::Words { default: &[] },
            doc: "functions of guarded contracts that return how many seconds leaving takes, such as cooldown(); the longest counts if it is longer than exit_s",
        },
    ],
    page: include_str!("delay_shorter_than_exit.md"),
};

/// Functions by which timelocks tell their delay: OpenZeppelin's, Compound's, and those like them.
const DELAYS: [&str; 4] = ["getMinDelay()", "delay()", "minDelay()", "MINIMUM_DELAY()"];

/// Delays change by decisions: they are asked for once an hour of mainnet. A change that is told in
/// an event is seen at once.
const READ_EVERY_BLOCKS: NonZeroU32 = NonZeroU32::new(300).expect("three hundred is not zero");

/// See the page.
#[derive(Debug)]
pub struct DelayShorterThanExit;

impl Detector for DelayShorterThanExit {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn mistakes_at(&self, settings: &Settings, site: &Site) -> Vec<String> {
        let is_there =
            |signature: &str| site.deployments().any(|(_, of)| has(of, signature).is_some());
        let lost = settings.words("exit_calls").iter().filter(|word| !is_there(&signature(word)));
        lost.map(|word| {
            format!("parameter \"exit_calls\": no contract that the monitor is on has {word}")
        })
        .collect()
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        let exits: Vec<String> =
            settings.words("exit_calls").iter().map(|word| signature(word)).collect();
        let all = || site.deployments().map(|(_, deployment)| deployment);
        let asks = |of: &Deployment| DELAYS.iter().find_map(|signature| has(of, signature));
        let exits = all().flat_map(|of| exits.iter().filter_map(|exit| has(of, exit)));
        let exits: Vec<ReadRequest> = exits.collect();
        // All at once, so that none is held against what another was an hour ago.
        let mut first: Option<PlannedRead> = None;
        let mut together = |request: ReadRequest| match &first {
            Some(first) => request.every_with(READ_EVERY_BLOCKS, first),
            None => first.insert(request.every(READ_EVERY_BLOCKS)).clone(),
        };
        let delays = all().filter_map(|of| Some((of.address, together(asks(of)?)))).collect();
        let exits = exits.into_iter().map(together).collect();
        Box::new(Configured { exit_s: settings.integer("exit_s"), delays, exits, site })
    }
}

fn signature(word: &str) -> String {
    if word.contains('(') { word.to_owned() } else { format!("{word}()") }
}

fn has(of: &Deployment, signature: &str) -> Option<ReadRequest> {
    let function = of.abi.functions().find(|function| function.signature == signature)?;
    Some(ReadRequest::Call { to: of.address, input: function.selector.into() })
}

struct Configured {
    site: Site,
    exit_s: u64,
    /// Timelocks, and how each is asked for its delay.
    delays: Vec<(Address, PlannedRead)>,
    exits: Vec<PlannedRead>,
}

/// What is known of a timelock.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShortDelay {
    /// Its delay, where it is shorter than leaving takes and that was told.
    told_s: Option<u64>,
}

/// How long leaving takes, as the contracts told last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitTime {
    longest_s: u64,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        let changes = ["MinDelayChange(uint256,uint256)", "NewDelay(uint256)"];
        let changes = changes.map(alloy_primitives::keccak256);
        let planned = EVENTS.events().filter(|event| event.name != "ProposalCreated");
        let topics = changes.into_iter().chain(planned.filter_map(|event| event.topic0)).collect();
        Wants { topics, every_block: !self.reads().is_empty(), remembers: true, ..Wants::default() }
    }

    fn reads(&self) -> Vec<PlannedRead> {
        self.delays.iter().map(|(_, read)| read).chain(&self.exits).cloned().collect()
    }

    fn judge(
        &self,
        block: &Block<'_>,
        touches: &[Touch],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let exit_s = self.exit_s(block, memory, report);
        for touch in touches {
            let What::Log(ordinal) = touch.what else { continue };
            self.told(block, (touch.tx, ordinal), exit_s, memory, report);
        }
        let number = block.bundle.header.number;
        for (timelock, read) in self.delays.iter().filter(|(_, read)| read.is_due(number)) {
            match seconds(block, read) {
                Ok(delay_s) => self.stands(block, (*timelock, delay_s), exit_s, memory, report),
                Err(reason) => report.blind(BlindReason::ReadMissing(reason)),
            }
        }
    }
}

fn seconds(block: &Block<'_>, read: &PlannedRead) -> Result<u64, String> {
    let ReadRequest::Call { to, input } = &read.request else {
        return Err("a delay is read by a call".to_owned());
    };
    let words = block.read_words(*to, input, 1)?;
    Ok(u64::try_from(words[0]).unwrap_or(u64::MAX))
}

impl Configured {
    /// How long leaving takes: as stated, or longer as a contract tells.
    fn exit_s(&self, block: &Block<'_>, memory: &mut StateTable, report: &mut Report<'_>) -> u64 {
        let key = Key::new(Kind::ExitTime).monitor(&self.site.key);
        let number = block.bundle.header.number;
        let before = memory.get::<ExitTime>(&key).map_or(0, |known| known.longest_s);
        let mut longest_s =
            if self.exits.iter().any(|exit| exit.is_due(number)) { 0 } else { before };
        for read in self.exits.iter().filter(|exit| exit.is_due(number)) {
            match seconds(block, read) {
                Ok(now_s) => longest_s = longest_s.max(now_s),
                Err(reason) => {
                    // What was told before counts until it is told anew.
                    longest_s = longest_s.max(before);
                    report.blind(BlindReason::ReadMissing(reason));
                }
            }
        }
        if longest_s != before {
            memory.entry(key, ExitTime::default).longest_s = longest_s;
        }
        self.exit_s.max(longest_s)
    }

    /// A change of the delay, or an operation that says when it takes effect.
    fn told(
        &self,
        block: &Block<'_>,
        (tx, ordinal): (u32, u32),
        exit_s: u64,
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let log = block.log(tx, ordinal);
        match risk::read(log) {
            Ok(Some(event)) => {
                if let RiskKind::ParameterUpdate(update) = &event.kind
                    && update.parameter == Parameter::MinDelay
                    && let Some(DynSolValue::Uint(delay_s, _)) = &update.new
                {
                    let delay_s = u64::try_from(*delay_s).unwrap_or(u64::MAX);
                    return self.stands(block, (log.address, delay_s), exit_s, memory, report);
                }
            }
            Ok(None) => {}
            Err(why) => return report.blind(BlindReason::Undecodable(why.to_string())),
        }
        let Some((topic0, indexed)) = log.topics.split_first() else { return };
        match EVENTS.event_by_topic(*topic0, indexed.len()).map(|event| event.decode(log)) {
            Some(Ok(decoded)) => {
                let number = |name: &str| decoded.arg(name).and_then(DynSolValue::as_uint);
                let ahead = |eta: U256| eta.saturating_sub(U256::from(block.at.0));
                let delay = number("delay").map(|(delay, _)| delay);
                let delay = delay.or_else(|| number("eta").map(|(eta, _)| ahead(eta)));
                if let Some(delay) = delay {
                    let delay_s = u64::try_from(delay).unwrap_or(u64::MAX);
                    self.scheduled(block, (tx, ordinal), (delay_s, exit_s), report);
                }
            }
            Some(Err(why)) => report.blind(BlindReason::Undecodable(why.to_string())),
            None => {}
        }
    }

    /// An operation takes effect too early.
    fn scheduled(
        &self,
        block: &Block<'_>,
        (tx, ordinal): (u32, u32),
        (delay_s, exit_s): (u64, u64),
        report: &mut Report<'_>,
    ) {
        if delay_s >= exit_s {
            return;
        }
        let timelock = block.name_of(block.log(tx, ordinal).address);
        let title = format!(
            "an operation of {timelock} takes effect in {}, and leaving takes {}",
            FactValue::Seconds(delay_s),
            FactValue::Seconds(exit_s)
        );
        let claim = Claim::about_log(block, tx, ordinal, title)
            .severity(worse(self.site.severity, 1))
            .measure(measure(delay_s, exit_s))
            .fact("transaction sender", block.address_fact(block.tx(tx).from));
        report.claim(claim);
    }

    /// A timelock's delay, as it is now.
    fn stands(
        &self,
        block: &Block<'_>,
        (timelock, delay_s): (Address, u64),
        exit_s: u64,
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let key = Key::new(Kind::ShortDelay).monitor(&self.site.key).address(timelock);
        let told_s = memory.get::<ShortDelay>(&key).and_then(|known| known.told_s);
        if delay_s >= exit_s {
            memory.remove(&key);
            return;
        }
        // Told again only when it became shorter still.
        if told_s.is_some_and(|told_s| told_s <= delay_s) {
            return;
        }
        memory.entry(key, ShortDelay::default).told_s = Some(delay_s);
        let title = format!(
            "decisions of {} take effect after {}, and leaving takes {}",
            block.name_of(timelock),
            FactValue::Seconds(delay_s),
            FactValue::Seconds(exit_s)
        );
        let began = UnixSeconds(block.at.0);
        let claim = Claim::about_episode(block, format!("delay {timelock}"), began, title)
            .about(block, timelock)
            .severity(self.site.severity)
            .measure(measure(delay_s, exit_s))
            .fact("timelock", block.address_fact(timelock));
        report.claim(claim);
    }
}

fn measure(delay_s: u64, exit_s: u64) -> Measure {
    Measure {
        name: "time until it takes effect".to_owned(),
        unit: "s".to_owned(),
        value: delay_s as f64,
        threshold: exit_s as f64,
        history: None,
    }
}
