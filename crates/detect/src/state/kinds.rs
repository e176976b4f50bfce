//! Every kind of value that is remembered, in one place: its number and version are on disk.

use std::sync::Arc;

use serde::{Serialize, de::DeserializeOwned};

use super::Key;
use crate::{
    chronicle::{Census, Chronicle, Offspring, OwnCode, PendingUpgrade},
    detectors::{
        access::watched::{Drifts, Held, Uses},
        bridge::messages::{MessageArrived, MessageSent, OpenMessages},
        chain::blind::Streaks,
        change::code_read::CodeRead,
        dependency::{
            appeared::{UnknownCount, UnknownSeen},
            code_changed::DependencyCode,
            depeg::OffPeg,
            feed_changed::Answering,
            market_state::MarketTold,
            token_event::Supply,
        },
        dispersion::share_crossed::Shares,
        flow::{
            running_code::RunningCode,
            vocabulary::{PathCounted, PathSeen, PathsCounted, Vocabulary},
        },
        governance::{
            delay_shorter_than_exit::{ExitTime, ShortDelay},
            power_concentrated::VotingPower,
            quorum::Quorum,
            quorum_cheaper_than_prize::CheapQuorum,
            quorum_held_by_few::Delegates,
            vote_turned_late::Polls,
        },
        invariant::broken::InvariantSeen,
        liquidity::{
            holding::Holding, ledger::LedgerShard, past_outflows::PastOutflows,
            share_price_jumped::SharePrice,
        },
        oracle::{
            feed::Feed,
            price_moved_then_used::{PriceSeen, PricesAway},
        },
        reputation::{fresh_caller::SeenCallers, usual_callers::UsualCallers},
        signers::safe_changed::SafeSeen,
        silence::{
            canary::CanaryHeard, contract_silent::Pauses, expected_event_missing::LastHeard,
        },
        storage::silent_write::{WriteKind, WritesSeen},
        telemetry::series::{CallRate, ChartPast, FailedCalls, GasLevel, OpenBuckets},
        telemetry::{bursts::Bursts, calls_in_quick_succession::Repetition},
    },
    engine::{Finality, Head},
    origins::{CodeTwins, Origins, OriginsSince},
    stakes::Stake,
    windows::{CallWindow, EventWindow},
};

/// Room for an encoded value to begin with: windows of busy functions take some hundred bytes, and
/// each block encodes some hundred of them.
const ENCODED_BYTES_USUAL: usize = 256;

/// A type that the state table can hold.
pub trait Remembered: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// First byte of its keys.
    const KIND: Kind;
    /// The shared value inside, when the value is of this type.
    fn of(value: &Value) -> Option<&Arc<Self>>;
    /// The shared value inside, to be replaced or made unique.
    fn of_mut(value: &mut Value) -> Option<&mut Arc<Self>>;
    /// Wraps a value.
    fn wrap(self) -> Value;
}

/// Why stored bytes are not a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The first byte of the key is no kind of ours.
    #[error("unknown kind of state {0}")]
    UnknownKind(u8),
    /// Written by a version of this program that this one cannot read.
    #[error("state of kind {kind} has encoding version {found}, this program reads {known}")]
    UnknownVersion {
        /// Kind byte.
        kind: u8,
        /// Version found.
        found: u8,
        /// Version known.
        known: u8,
    },
    /// The bytes end early or say something impossible.
    #[error("state of kind {kind} is malformed: {reason}")]
    Malformed {
        /// Kind byte.
        kind: u8,
        /// What the decoder said.
        reason: String,
    },
    /// No bytes at all.
    #[error("state of kind {0} is empty")]
    Empty(u8),
}

macro_rules! remembered {
    ($( $(#[doc = $doc:literal])+ $byte:literal v $version:literal $name:ident
        $( reads v $old_version:literal $old:ident )? ),+ $(,)?) => {
        /// What a value is, as the first byte of its key. Numbers are never used again.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Kind { $( $(#[doc = $doc])+ $name = $byte ),+ }

        /// A remembered value. Shared, so that the journal's copy of it costs one pointer.
        #[derive(Debug, Clone)]
        pub enum Value { $( $(#[doc = $doc])+ $name(Arc<$name>) ),+ }

        impl Value {
            /// A version byte, then the postcard encoding.
            pub fn encode(&self) -> Vec<u8> {
                let mut bytes = Vec::with_capacity(ENCODED_BYTES_USUAL);
                match self {
                    $( Self::$name(value) => {
                        bytes.push($version);
                        postcard::to_extend(value.as_ref(), bytes).expect("postcard into memory fails only for types without a length, and none is stored")
                    } )+
                }
            }

            /// Reads what [`Value::encode`] wrote for a value under `key`.
            pub fn decode(key: &Key, bytes: &[u8]) -> Result<Self, DecodeError> {
                let kind = key.as_bytes()[0];
                let (&found, body) = bytes.split_first().ok_or(DecodeError::Empty(kind))?;
                match kind {
                    $( $byte if found == $version => Ok(whole::<$name>(kind, body)?.wrap()),
                    $( $byte if found == $old_version => {
                        Ok($name::from(whole::<$old>(kind, body)?).wrap())
                    } )?
                    $byte => Err(DecodeError::UnknownVersion { kind, found, known: $version }), )+
                    _ => Err(DecodeError::UnknownKind(kind)),
                }
            }
        }

        $( impl Remembered for $name {
            const KIND: Kind = Kind::$name;
            fn of(value: &Value) -> Option<&Arc<Self>> {
                if let Value::$name(inner) = value { Some(inner) } else { None }
            }
            fn of_mut(value: &mut Value) -> Option<&mut Arc<Self>> {
                if let Value::$name(inner) = value { Some(inner) } else { None }
            }
            fn wrap(self) -> Value {
                Value::$name(Arc::new(self))
            }
        } )+
    };
}

/// Reads a value that takes up all of the bytes.
fn whole<T: DeserializeOwned>(kind: u8, bytes: &[u8]) -> Result<T, DecodeError> {
    let malformed = |reason: String| DecodeError::Malformed { kind, reason };
    let (value, rest) =
        postcard::take_from_bytes::<T>(bytes).map_err(|error| malformed(error.to_string()))?;
    if !rest.is_empty() {
        return Err(malformed(format!("{} bytes too many", rest.len())));
    }
    Ok(value)
}

remembered! {
    /// The newest block of the network, for the time of a block that is being undone.
    1 v 1 Head,
    /// The newest final block.
    2 v 1 Finality,
    /// Calls to one function over the last hour and the last calls.
    3 v 1 CallWindow,
    /// Logs of one event over the last hour.
    4 v 1 EventWindow,
    /// A monitor's buckets that are still being filled.
    5 v 1 OpenBuckets,
    /// A monitor's level of gas of one function.
    6 v 2 GasLevel,
    /// A monitor's ratio of failed calls of one function.
    7 v 2 FailedCalls,
    /// A monitor's rate of calls of one function.
    8 v 2 CallRate,
    /// A monitor's view of one price feed.
    9 v 1 Feed,
    /// Tokens held by one guarded address, and what left it lately.
    10 v 1 Holding,
    /// What a few beneficiaries paid in and took out.
    11 v 1 LedgerShard,
    /// Since when which monitors are blind.
    12 v 1 Streaks,
    /// What a monitor's charts of one function did while nothing was wrong.
    13 v 1 ChartPast,
    /// What a share of a vault is worth.
    14 v 1 SharePrice,
    /// How large outflows of one token from one contract usually are.
    15 v 1 PastOutflows,
    /// Where one price was last, and whether somebody moved it.
    16 v 1 PriceSeen,
    /// Prices that are away from where they were.
    17 v 1 PricesAway,
    /// A contract that a guarded factory created.
    20 v 1 Offspring,
    /// How many children a factory, or the network, has.
    21 v 1 Census,
    /// The life and lineage of one deployment.
    22 v 2 Chronicle,
    /// Which deployment runs code of one hash.
    23 v 1 OwnCode,
    /// Which deployment a waiting operation would upgrade.
    24 v 1 PendingUpgrade,
    /// What a monitor read of a contract's code and slots last.
    25 v 2 CodeRead,
    /// A monitor's view of who holds what in one contract.
    30 v 1 Held,
    /// When the holders of one contract's roles last called it.
    31 v 1 Uses,
    /// A monitor's open drifts of authority.
    32 v 1 Drifts,
    /// What a balance or price that tells what is at stake was last.
    40 v 1 Stake,
    /// A contract that was called and that nobody declared.
    41 v 1 UnknownSeen,
    /// How many of those a monitor remembers.
    42 v 1 UnknownCount,
    /// What a monitor saw run in a dependency last.
    43 v 1 DependencyCode,
    /// Who answered behind a feed last.
    44 v 1 Answering,
    /// Since when a token is off its peg.
    45 v 1 OffPeg,
    /// How much there is of a token.
    46 v 1 Supply,
    /// What was told of a lending market.
    47 v 1 MarketTold,
    /// How often a path through a monitor's contracts was taken.
    60 v 2 PathSeen reads v 1 PathCounted,
    /// How many paths through a monitor's contracts there are.
    61 v 2 Vocabulary reads v 1 PathsCounted,
    /// What code ran behind one function of a monitor's contracts last.
    62 v 1 RunningCode,
    /// What a monitor read of a Safe last.
    70 v 1 SafeSeen,
    /// How a contract writes its storage.
    71 v 1 WritesSeen,
    /// How often one kind of write was seen, with and without an event.
    72 v 1 WriteKind,
    /// What the terms of an invariant were last, and since when it is broken.
    73 v 1 InvariantSeen,
    /// The quorum of a governor, as it was asked for last.
    74 v 1 Quorum,
    /// What a delegate's votes were lately.
    75 v 1 VotingPower,
    /// When an expected event was heard last.
    76 v 1 LastHeard,
    /// How long a contract is left alone.
    77 v 1 Pauses,
    /// When the canary was heard last.
    78 v 1 CanaryHeard,
    /// Who holds how much.
    79 v 1 Shares,
    /// A message that was sent to another network.
    80 v 1 MessageSent,
    /// A message that arrived from another network.
    81 v 1 MessageArrived,
    /// Messages that are not done with.
    82 v 1 OpenMessages,
    /// Polls of a governor, as they stand.
    83 v 1 Polls,
    /// Since when a quorum costs less than what it decides about.
    84 v 1 CheapQuorum,
    /// The largest delegates of a token of votes.
    85 v 1 Delegates,
    /// A timelock whose delay is shorter than leaving takes.
    86 v 1 ShortDelay,
    /// How long leaving takes.
    87 v 1 ExitTime,
    /// Where a few accounts come from.
    140 v 1 Origins,
    /// The first contracts that had code of some hashes.
    141 v 1 CodeTwins,
    /// Since when accounts are recorded.
    142 v 1 OriginsSince,
    /// How often one transaction calls a function.
    143 v 1 Repetition,
    /// How often one account calls a function within a minute.
    144 v 1 Bursts,
    /// How old the callers of a monitor's contracts usually are.
    145 v 1 UsualCallers,
    /// Fresh callers that were told.
    146 v 1 SeenCallers,
}
