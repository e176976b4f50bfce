//! A vote was turned when hardly any time was left. The page is `vote_turned_late.md`.

use alloy_primitives::{Address, U256};
use model::{BlindReason, FactValue, Level, Measure, Severity};
use serde::{Deserialize, Serialize};

use super::voting::{self, Ballot, Opened};
use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants, What, block::to_f64, milder,
    },
    state::{Key, Kind, StateTable},
};

static SPEC: Spec = Spec {
    id: "governance/vote_turned_late",
    version: 1,
    needs: Level::Logs,
    severity: Severity::High,
    params: &[ParamSpec {
        name: "late_share",
        kind: ParamKind::Number { default: 0.01, min: 0.0001, max: 0.5 },
        doc: "last part of the time for voting in which a turn is late",
    }],
    page: include_str!("vote_turned_late.md"),
};

/// Polls of one governor that are followed at once; the oldest is forgotten first, and a vote in it
/// makes the monitor blind.
const POLLS_MAX: usize = 64;

/// Numbers from here on are seconds, below they are blocks: mainnet reaches a billion blocks in the
/// year 2400, and seconds passed it in 2001.
const SECONDS_FROM: u64 = 1_000_000_000;

/// See the page.
#[derive(Debug)]
pub struct VoteTurnedLate;

impl Detector for VoteTurnedLate {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        Box::new(Configured { late_share: settings.number("late_share"), site })
    }
}

struct Configured {
    site: Site,
    late_share: f64,
}

/// Polls of one governor, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Polls(Vec<Poll>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Poll {
    proposal: U256,
    start: u64,
    end: u64,
    in_favour: U256,
    against: U256,
    is_told: bool,
}

impl Poll {
    /// The clock that its governor goes by: blocks or seconds.
    fn now(&self, block: &Block<'_>) -> u64 {
        if self.end >= SECONDS_FROM { block.at.0 } else { block.bundle.header.number }
    }

    fn passes(&self) -> bool {
        self.in_favour > self.against
    }

    /// What part of the time is left.
    fn left(&self, now: u64) -> f64 {
        let whole = self.end.saturating_sub(self.start).max(1);
        self.end.saturating_sub(now) as f64 / whole as f64
    }
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants { topics: voting::poll_topics(), remembers: true, ..Wants::default() }
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
            let log = block.log(touch.tx, ordinal);
            let key = Key::new(Kind::Polls).monitor(&self.site.key).address(log.address);
            match voting::read_poll(log) {
                Ok(Some(voting::Poll::Opened(opened))) => open(&opened, block, key, memory),
                Ok(Some(voting::Poll::Cast(ballot))) => {
                    self.cast(block, (touch.tx, ordinal), &ballot, key, memory, report);
                }
                Ok(None) => {}
                Err(why) => report.blind(BlindReason::Undecodable(why)),
            }
        }
    }
}

fn open(opened: &Opened, block: &Block<'_>, key: Key, memory: &mut StateTable) {
    let polls = &mut memory.entry(key, Polls::default).0;
    polls.retain(|poll| poll.now(block) <= poll.end && poll.proposal != opened.proposal);
    if polls.len() == POLLS_MAX {
        polls.remove(0);
    }
    polls.push(Poll {
        proposal: opened.proposal,
        start: opened.start,
        end: opened.end,
        in_favour: U256::ZERO,
        against: U256::ZERO,
        is_told: false,
    });
}

impl Configured {
    fn cast(
        &self,
        block: &Block<'_>,
        (tx, ordinal): (u32, u32),
        ballot: &Ballot,
        key: Key,
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let is_it = |poll: &Poll| poll.proposal == ballot.proposal;
        if !memory.get::<Polls>(&key).is_some_and(|polls| polls.0.iter().any(is_it)) {
            let reason = "a vote on a proposal whose beginning was not seen";
            return report.blind(BlindReason::Evaluation(reason.to_owned()));
        }
        let polls = &mut memory.entry(key, Polls::default).0;
        let Some(poll) = polls.iter_mut().find(|poll| is_it(poll)) else { return };
        let before = poll.passes();
        match ballot.support {
            1 => poll.in_favour = poll.in_favour.saturating_add(ballot.weight),
            0 => poll.against = poll.against.saturating_add(ballot.weight),
            _ => return,
        }
        let left = poll.left(poll.now(block));
        if before == poll.passes() || left > self.late_share || poll.is_told {
            return;
        }
        poll.is_told = true;
        let (poll, log) = (poll.clone(), block.log(tx, ordinal));
        report.claim(self.turned(block, (tx, ordinal), ballot, &poll, left, log.address));
    }

    fn turned(
        &self,
        block: &Block<'_>,
        (tx, ordinal): (u32, u32),
        ballot: &Ballot,
        poll: &Poll,
        left: f64,
        governor: Address,
    ) -> Claim {
        let (now, severity) = match poll.passes() {
            true => ("passes", self.site.severity),
            false => ("fails", milder(self.site.severity, 1)),
        };
        let title = format!(
            "proposal {} of {} {now} now, by a vote of {} with {:.2} % of the time left",
            shown(poll.proposal),
            block.name_of(governor),
            block.name_of(ballot.voter),
            left * 100.0
        );
        Claim::about_log(block, tx, ordinal, title)
            .severity(severity)
            .measure(Measure {
                name: "part of the time left".to_owned(),
                unit: String::new(),
                value: left,
                threshold: self.late_share,
                history: None,
            })
            .fact("voter", block.address_fact(ballot.voter))
            .fact("votes", number(ballot.weight))
            .fact("for", number(poll.in_favour))
            .fact("against", number(poll.against))
            .fact("proposal", FactValue::Uint(poll.proposal))
            .fact("transaction sender", block.address_fact(block.tx(tx).from))
    }
}

fn number(votes: U256) -> FactValue {
    FactValue::Number { value: to_f64(votes), unit: String::new() }
}

/// A proposal's number; those that are hashes are cut short.
fn shown(proposal: U256) -> String {
    let text = proposal.to_string();
    match text.get(..8) {
        Some(start) if text.len() > 12 => format!("{start}…"),
        _ => text,
    }
}
