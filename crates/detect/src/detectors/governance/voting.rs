//! Events of votes and of voting power. Source: the published interfaces of OpenZeppelin's Governor
//! and Votes, Compound's Comp and Bravo, and Meridian.

use std::sync::LazyLock;

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, B256, U256};
use model::Log;
use registry::ContractAbi;

static EVENTS: LazyLock<ContractAbi> = LazyLock::new(|| {
    ContractAbi::from_solidity([
        "event DelegateVotesChanged(address indexed delegate, uint256 before, uint256 after)",
        "event VoteCast(address indexed voter, uint256 proposalId, uint8 support, uint256 weight, string reason)",
        "event VoteCast(address indexed voter, uint256 indexed proposalId, uint8 support, uint256 weight, string reason)",
        "event VoteCastWithParams(address indexed voter, uint256 proposalId, uint8 support, uint256 weight, string reason, bytes params)",
        "event ProposalCreated(uint256 proposalId, address proposer, address[] targets, uint256[] values, string[] signatures, bytes[] calldatas, uint256 voteStart, uint256 voteEnd, string description)",
        "event ProposalCreated(uint256 indexed proposalId, address indexed proposer, address target, bytes data, string description)",
    ])
    .expect("a test reads all of them")
});

/// What a log says about votes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Voice {
    /// The votes of a delegate changed.
    Power { delegate: Address, before: U256, after: U256 },
    /// Somebody voted, or proposed.
    Used { by: Address, is_proposal: bool },
}

/// A proposal that people may vote on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Opened {
    pub(super) proposal: U256,
    /// First and last moment for votes: blocks or seconds, by the governor's clock.
    pub(super) start: u64,
    pub(super) end: u64,
}

/// A vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ballot {
    pub(super) voter: Address,
    pub(super) proposal: U256,
    /// 0 against, 1 for, 2 abstains.
    pub(super) support: u8,
    pub(super) weight: U256,
}

/// What a log says about a poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Poll {
    Opened(Opened),
    Cast(Ballot),
}

/// Topics of polls that state their time, and of the votes in them.
pub(super) fn poll_topics() -> Vec<B256> {
    let of_polls = EVENTS.events().filter(|event| event.name != "DelegateVotesChanged");
    of_polls.filter_map(|event| event.topic0).collect()
}

/// Reads a log about a poll; `Ok(None)` for one about something else, and for a proposal that does not
/// say when it is decided.
pub(super) fn read_poll(log: &Log) -> Result<Option<Poll>, String> {
    let Some((topic0, indexed)) = log.topics.split_first() else { return Ok(None) };
    let Some(event) = EVENTS.event_by_topic(*topic0, indexed.len()) else { return Ok(None) };
    let decoded = event.decode(log).map_err(|why| why.to_string())?;
    let number = |name: &str| decoded.arg(name).and_then(DynSolValue::as_uint).map(|(n, _)| n);
    let Some(proposal) = number("proposalId") else { return Ok(None) };
    if event.name == "ProposalCreated" {
        let moment = |name: &str| number(name).and_then(|moment| u64::try_from(moment).ok());
        let times = moment("voteStart").zip(moment("voteEnd"));
        return Ok(times.map(|(start, end)| Poll::Opened(Opened { proposal, start, end })));
    }
    let voter = decoded.arg("voter").and_then(DynSolValue::as_address).unwrap_or_default();
    let support = number("support").and_then(|support| u8::try_from(support).ok());
    let (Some(support), Some(weight)) = (support, number("weight")) else { return Ok(None) };
    Ok(Some(Poll::Cast(Ballot { voter, proposal, support, weight })))
}

/// Topics of all that [`read`] understands.
pub(super) fn topics() -> Vec<B256> {
    EVENTS.events().filter_map(|event| event.topic0).collect()
}

/// Topics of proposals.
pub(super) fn proposal_topics() -> Vec<B256> {
    let proposals = EVENTS.events().filter(|event| event.name == "ProposalCreated");
    proposals.filter_map(|event| event.topic0).collect()
}

/// Topics of changes of power alone.
pub(super) fn power_topics() -> Vec<B256> {
    let changes = EVENTS.events().filter(|event| event.name == "DelegateVotesChanged");
    changes.filter_map(|event| event.topic0).collect()
}

/// Reads a log; `Ok(None)` when it is about something else.
pub(super) fn read(log: &Log) -> Result<Option<Voice>, String> {
    let Some((topic0, indexed)) = log.topics.split_first() else { return Ok(None) };
    let is_known = EVENTS.events().any(|event| event.topic0 == Some(*topic0));
    let Some(event) = EVENTS.event_by_topic(*topic0, indexed.len()) else {
        return match is_known {
            true => Err("an event of votes has another form than the usual ones".to_owned()),
            false => Ok(None),
        };
    };
    let decoded = event.decode(log).map_err(|why| why.to_string())?;
    let address =
        |name: &str| decoded.arg(name).and_then(DynSolValue::as_address).unwrap_or_default();
    let number = |name: &str| {
        decoded.arg(name).and_then(DynSolValue::as_uint).map(|(value, _)| value).unwrap_or_default()
    };
    Ok(Some(match event.name.as_str() {
        "DelegateVotesChanged" => Voice::Power {
            delegate: address("delegate"),
            before: number("before"),
            after: number("after"),
        },
        "ProposalCreated" => Voice::Used { by: address("proposer"), is_proposal: true },
        _ => Voice::Used { by: address("voter"), is_proposal: false },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_has_a_topic() {
        assert_eq!(topics().len(), 6);
        assert_eq!(power_topics().len(), 1);
    }
}
