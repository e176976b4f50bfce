//! The normalised record.

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, B256, Bytes, I256, U256};

use super::Source;

/// One of the three things worth telling about a protocol's control.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Indicator {
    /// Who may do something changed.
    RoleChange,
    /// How something works changed, or is about to.
    ParameterUpdate,
    /// How fresh a price is.
    OracleLag,
}

impl Indicator {
    /// The word used in topics, pages and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RoleChange => "RoleChange",
            Self::ParameterUpdate => "ParameterUpdate",
            Self::OracleLag => "OracleLag",
        }
    }
}

/// An event of any standard, as a risk indicator.
#[derive(Debug, Clone, PartialEq)]
pub struct RiskEvent {
    /// Contract that said it.
    pub contract: Address,
    /// The event it used.
    pub source: &'static Source,
    /// What it means.
    pub kind: RiskKind,
}

impl RiskEvent {
    /// Which of the three.
    pub fn indicator(&self) -> Indicator {
        match self.kind {
            RiskKind::RoleChange(_) => Indicator::RoleChange,
            RiskKind::ParameterUpdate(_) => Indicator::ParameterUpdate,
            RiskKind::Oracle(_) => Indicator::OracleLag,
        }
    }
}

/// What a risk event means.
#[derive(Debug, Clone, PartialEq)]
pub enum RiskKind {
    /// Who may do something changed.
    RoleChange(RoleChange),
    /// How something works changed, or is about to.
    ParameterUpdate(ParameterUpdate),
    /// An oracle answered, or says that it is late.
    Oracle(OracleUpdate),
}

/// Who may do something changed.
#[derive(Debug, Clone, PartialEq)]
pub struct RoleChange {
    /// Which kind of power.
    pub what: RoleChangeKind,
    /// Role id, where the standard has roles; zero is OpenZeppelin's `DEFAULT_ADMIN_ROLE`. The
    /// numbered roles of an `AccessManager` are padded to a word.
    pub role: Option<B256>,
    /// Who gains (`granted`) or loses the power; `None` where the event names nobody.
    pub account: Option<Address>,
    /// Who had it before, where the event says so.
    pub previous: Option<Address>,
    /// Who made the change, where the event says so.
    pub sender: Option<Address>,
    /// Whether `account` gains the power. A transfer to the zero address is a loss of `previous`.
    pub granted: bool,
    /// Reason code of the native event.
    pub reason: Option<B256>,
}

/// Which kind of power changed hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoleChangeKind {
    /// A role was given or taken.
    Role,
    /// Which role may give `role` changed.
    RoleAdmin {
        /// Role that could give it before, where the event says so.
        previous: Option<B256>,
        /// Role that can give it now.
        new: B256,
    },
    /// Which role may cancel operations of `role` changed.
    RoleGuardian {
        /// Role that can cancel now.
        new: B256,
    },
    /// Ownership moved.
    Owner,
    /// Ownership was offered and waits to be accepted.
    OwnerProposed,
    /// An offer of ownership or of an admin was withdrawn.
    ProposalCanceled,
    /// The admin of a proxy or timelock changed.
    Admin,
    /// An admin was offered and waits to accept.
    AdminProposed,
    /// The contract that decides who may call changed.
    Authority,
    /// A signer of a multisig was added or removed.
    Signer,
    /// A module that can act for a multisig was switched on or off.
    Module,
}

/// How something works changed, or is about to.
#[derive(Debug, Clone, PartialEq)]
pub struct ParameterUpdate {
    /// Which parameter.
    pub parameter: Parameter,
    /// Who made the change, where the event says so.
    pub sender: Option<Address>,
    /// Value before, where the event says so.
    pub old: Option<DynSolValue>,
    /// Value now; `None` for an operation.
    pub new: Option<DynSolValue>,
    /// The call that moved on, when the parameter is an operation.
    pub call: Option<OperationCall>,
}

/// The call of a timelocked operation, as far as its event describes it: scheduling describes it
/// whole, executing mostly, cancelling often not at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OperationCall {
    /// Called contract.
    pub target: Option<Address>,
    /// Wei sent along.
    pub value_wei: Option<U256>,
    /// Signature of the called function, where it is not in the calldata (Compound); empty when it
    /// is. Text from the chain.
    pub signature: Option<String>,
    /// Calldata; only its arguments, if `signature` is not empty.
    pub data: Option<Bytes>,
    /// Shortest wait from now, in seconds.
    pub delay_s: Option<u64>,
    /// Chain time from which it may execute, in seconds since 1970.
    pub ready_at_s: Option<u64>,
}

/// Which parameter changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    /// One the contract names itself (native event). The values are raw bytes.
    Named(B256),
    /// Code behind a proxy: the new implementation's address.
    Implementation,
    /// Beacon that a proxy asks for its implementation.
    Beacon,
    /// Facets of a diamond: the cuts, the contract and the calldata that initialise them.
    Facets,
    /// Whether the contract is paused.
    Paused,
    /// Shortest delay of a timelock, or of a change of admin, in seconds.
    MinDelay,
    /// Delay of grants of an `AccessManager` role, in seconds.
    GrantDelay(B256),
    /// Signatures that a multisig needs.
    Threshold,
    /// Contract that checks transactions of a multisig.
    Guard,
    /// Contract that answers unknown calls of a multisig.
    FallbackHandler,
    /// Whether a target of an `AccessManager` is closed.
    TargetClosed(Address),
    /// Role that may call a function of a target: the selector and the role.
    TargetFunctionRole(Address),
    /// Delay of admin actions on a target, in seconds.
    TargetAdminDelay(Address),
    /// Time between proposal and vote, in the governor's clock.
    VotingDelay,
    /// Length of a vote, in the governor's clock.
    VotingPeriod,
    /// Votes needed to propose.
    ProposalThreshold,
    /// Share of votes needed, as the numerator of the governor's fraction.
    Quorum,
    /// Timelock that executes for a governor.
    Timelock,
    /// A timelocked operation moved on; see [`ParameterUpdate::call`].
    Operation {
        /// Identity of the operation.
        id: B256,
        /// Where it is now.
        stage: Stage,
    },
}

/// Where a timelocked operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// It waits.
    Scheduled,
    /// It happened.
    Executed,
    /// It will not happen.
    Cancelled,
}

impl Parameter {
    /// The words used in messages.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Named(_) => "parameter",
            Self::Implementation => "implementation",
            Self::Beacon => "beacon",
            Self::Facets => "facets",
            Self::Paused => "paused",
            Self::MinDelay => "minimum delay",
            Self::GrantDelay(_) => "grant delay",
            Self::Threshold => "signature threshold",
            Self::Guard => "transaction guard",
            Self::FallbackHandler => "fallback handler",
            Self::TargetClosed(_) => "target closed",
            Self::TargetFunctionRole(_) => "role of a function",
            Self::TargetAdminDelay(_) => "admin delay of a target",
            Self::VotingDelay => "voting delay",
            Self::VotingPeriod => "voting period",
            Self::ProposalThreshold => "proposal threshold",
            Self::Quorum => "quorum",
            Self::Timelock => "timelock",
            Self::Operation { stage: Stage::Scheduled, .. } => "operation scheduled",
            Self::Operation { stage: Stage::Executed, .. } => "operation executed",
            Self::Operation { stage: Stage::Cancelled, .. } => "operation cancelled",
        }
    }

    /// Whether it changes which code runs.
    pub fn is_upgrade(&self) -> bool {
        matches!(self, Self::Implementation | Self::Beacon | Self::Facets)
    }
}

/// An oracle answered, or says that it is late.
#[derive(Debug, Clone, PartialEq)]
pub struct OracleUpdate {
    /// Which of the two.
    pub what: OracleUpdateKind,
    /// The native event's feed, an address padded to a word; for others the contract is the feed.
    pub feed: Option<B256>,
    /// Round, where the oracle counts them.
    pub round: Option<U256>,
    /// The answer, in the oracle's own decimals.
    pub answer: Option<I256>,
    /// Chain time of the last answer in seconds since 1970, as the oracle says; hostile or broken
    /// oracles may say anything up to `u64::MAX`.
    pub updated_at_s: Option<u64>,
    /// How late it is, in seconds, as the native event says.
    pub lag_s: Option<u64>,
    /// How late it may be, in seconds, as the native event says.
    pub heartbeat_s: Option<u64>,
}

/// What an oracle says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OracleUpdateKind {
    /// There is a new answer.
    Answer,
    /// A round began; its answer follows.
    RoundStarted,
    /// The feed is late, by its own account.
    Late,
}
