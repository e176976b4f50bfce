//! What kind of thing a detector finds, seen from outside, and what it is called there.

use serde::{Deserialize, Serialize};

/// What publishing it would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Somebody is taking advantage already: users must hear of it, attackers know.
    Attack,
    /// Somebody could: exploit-sensitive. Told when it is closed, or after a delay.
    Weakness,
    /// Something that everybody can see and should: who knows it earlier has no advantage.
    Matter,
    /// How well we watch, and what is being prepared: never told.
    Internal,
}

impl Class {
    /// The word used in pages and commands.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Attack => "attack",
            Self::Weakness => "weakness",
            Self::Matter => "matter",
            Self::Internal => "internal",
        }
    }
}

/// A kind of thing, with its words for everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// What publishing it would do.
    pub class: Class,
    /// What it is called in public. Says nothing of how it was found.
    pub title: &'static str,
}

/// Every detector of ours. What is not here is an exploitable weakness until its rule says otherwise:
/// a detector of the user's own may find anything.
const KINDS: &[(&str, Class, &str)] = {
    use Class::{Attack, Internal, Matter, Weakness};
    &[
        ("access/authority_drift", Weakness, "Somebody holds powers they should not"),
        ("access/role_change", Weakness, "Powers over a contract changed"),
        ("bridge/arrived_unbacked", Attack, "Something arrived over a bridge that never left"),
        ("chain/blind", Internal, "Part of the network could not be watched"),
        ("chain/reorg", Matter, "The network reorganised deeper than usual"),
        ("change/code_changed", Weakness, "A contract's code changed"),
        ("change/parameter_update", Weakness, "A parameter of the protocol changed"),
        ("change/proxy_upgraded", Weakness, "A contract was upgraded"),
        ("dependency/appeared", Internal, "A contract relies on something new"),
        ("dependency/code_changed", Weakness, "A contract that this protocol relies on changed"),
        ("dependency/depeg", Matter, "A token that this protocol relies on left its price"),
        ("dependency/feed_changed", Weakness, "A price feed was replaced"),
        ("dependency/governance", Matter, "A protocol that this one relies on may change"),
        ("dependency/market_state", Matter, "A market that this protocol relies on is strained"),
        ("dependency/token_event", Matter, "A token that this protocol relies on was restricted"),
        ("deployment/created", Matter, "A new contract was deployed"),
        ("deployment/lifecycle_moved", Matter, "A contract's state of life changed"),
        ("deployment/lookalike", Matter, "A contract poses as one of this protocol"),
        ("dispersion/share_crossed", Weakness, "Few hold what many should"),
        ("flow/attack_shape", Attack, "A transaction has the shape of an attack"),
        ("flow/flash_loan", Attack, "The protocol was called on borrowed money"),
        ("flow/reentrant_call", Attack, "A contract was entered again while it was at work"),
        ("flow/unusual_code_path", Weakness, "A contract was used as never before"),
        ("flow/value_extracted", Attack, "Value was taken out of the protocol"),
        ("governance/delay_shorter_than_exit", Weakness, "A decision takes effect too early"),
        ("governance/power_concentrated", Weakness, "Few can decide a vote alone"),
        ("governance/proposal_dangerous", Matter, "A proposal would do something dangerous"),
        ("governance/proposed_by_newcomer", Matter, "Somebody without a past made a proposal"),
        ("governance/quorum_cheaper_than_prize", Weakness, "A vote is cheap to buy"),
        ("governance/quorum_held_by_few", Weakness, "Few can reach a quorum"),
        ("governance/vote_turned_late", Attack, "A vote was turned at the last moment"),
        ("governance/votes_borrowed", Attack, "Votes were borrowed"),
        ("invariant/broken", Weakness, "Something that must always hold does not"),
        ("liquidity/outflow_exceeds_share", Attack, "An unusual share of the funds left"),
        ("liquidity/outflow_unusually_large", Attack, "Unusually much left at once"),
        ("liquidity/share_price_jumped", Attack, "The worth of a share jumped"),
        ("liquidity/unexpected_outflow", Attack, "Funds left for somebody unexpected"),
        ("oracle/feed_late", Weakness, "A price feed is late"),
        ("oracle/price_moved_in_transaction", Attack, "A price was moved within a transaction"),
        ("oracle/price_moved_then_used", Attack, "A price was moved, and then used"),
        ("reputation/attack_contract_created", Weakness, "An attack may be in preparation"),
        ("reputation/fresh_caller", Weakness, "An account without a past is at work"),
        ("reputation/known_bad_address", Matter, "A known attacker touched the protocol"),
        ("signers/safe_changed", Weakness, "Who signs for the protocol changed"),
        ("signers/safe_delegatecall", Weakness, "Signers ran foreign code with full powers"),
        ("silence/canary", Internal, "A test of the watch did not arrive"),
        ("silence/contract_silent", Matter, "A contract fell silent"),
        ("silence/expected_event_missing", Matter, "Something expected did not happen"),
        ("storage/silent_write", Weakness, "A contract changed without saying so"),
        ("telemetry/call_rate_unusual", Matter, "A contract is called unusually often"),
        ("telemetry/calls_in_quick_succession", Matter, "Calls came in quick succession"),
        ("telemetry/failed_calls_rise", Matter, "More calls than usual fail"),
        ("telemetry/gas_unusual", Matter, "Calls cost unusually much"),
    ]
};

/// What a detector finds; for one that is not ours, a weakness without a name.
pub fn kind(detector: &str) -> Kind {
    let found = KINDS.binary_search_by(|(id, ..)| (*id).cmp(detector)).ok();
    let unknown = Kind { class: Class::Weakness, title: "Something needs attention" };
    found.map_or(unknown, |at| Kind { class: KINDS[at].1, title: KINDS[at].2 })
}

/// The detectors that have a kind of their own, sorted.
pub fn known() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|(id, ..)| *id)
}
