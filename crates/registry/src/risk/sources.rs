//! Which events there are and what each means.

use std::sync::{Arc, LazyLock};

use alloy_dyn_abi::{DynSolType, DynSolValue};
use alloy_primitives::{Address, B256, Bytes, Function, I256, U256};

use super::record::{
    Indicator, OperationCall, OracleUpdate, OracleUpdateKind, Parameter, ParameterUpdate, RiskKind,
    RoleChange, RoleChangeKind as Role, Stage,
};
use crate::EventAbi;

/// One event of one standard.
#[derive(Debug)]
pub struct Source {
    /// Standard or code base it belongs to.
    pub family: &'static str,
    /// The event, with the arguments that the standard indexes.
    pub event: Arc<EventAbi>,
    meaning: Meaning,
}

/// Takes the arguments in order; `None` when they are of other types than the signature's.
type Meaning = fn(&Args<'_>) -> Option<RiskKind>;

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        self.event == other.event
    }
}

impl Source {
    /// Which of the three indicators it is, whatever its arguments say.
    pub fn indicator(&self) -> Indicator {
        let zeros: Vec<DynSolValue> = self.event.params.iter().map(|p| zero(&p.ty)).collect();
        match self.normalize(&zeros) {
            Some(RiskKind::RoleChange(_)) => Indicator::RoleChange,
            Some(RiskKind::Oracle(_)) => Indicator::OracleLag,
            // A test holds that every event of the table is read from zeros.
            Some(RiskKind::ParameterUpdate(_)) | None => Indicator::ParameterUpdate,
        }
    }

    pub(super) fn normalize(&self, args: &[DynSolValue]) -> Option<RiskKind> {
        (self.meaning)(&Args(args))
    }
}

/// Arguments by position and type.
struct Args<'a>(&'a [DynSolValue]);

impl Args<'_> {
    fn value(&self, at: usize) -> Option<DynSolValue> {
        self.0.get(at).cloned()
    }
    fn address(&self, at: usize) -> Option<Address> {
        self.0.get(at)?.as_address()
    }
    fn bool(&self, at: usize) -> Option<bool> {
        self.0.get(at)?.as_bool()
    }
    fn uint(&self, at: usize) -> Option<U256> {
        Some(self.0.get(at)?.as_uint()?.0)
    }
    fn int(&self, at: usize) -> Option<I256> {
        Some(self.0.get(at)?.as_int()?.0)
    }
    /// A time or a span of time; more seconds than fit are as good as forever.
    fn seconds(&self, at: usize) -> Option<u64> {
        Some(self.uint(at)?.saturating_to())
    }
    /// A word, or a number padded to one.
    fn word(&self, at: usize) -> Option<B256> {
        self.0.get(at)?.as_word()
    }
    fn bytes(&self, at: usize) -> Option<Bytes> {
        Some(Bytes::copy_from_slice(self.0.get(at)?.as_bytes()?))
    }
    fn string(&self, at: usize) -> Option<String> {
        Some(self.0.get(at)?.as_str()?.to_owned())
    }
    /// Several arguments as one value.
    fn tuple(&self, at: &[usize]) -> Option<DynSolValue> {
        at.iter().map(|at| self.value(*at)).collect::<Option<_>>().map(DynSolValue::Tuple)
    }
}

/// The value of a type that Solidity gives to what is not set.
fn zero(ty: &DynSolType) -> DynSolValue {
    match ty {
        DynSolType::Bool => DynSolValue::Bool(false),
        DynSolType::Int(bits) => DynSolValue::Int(I256::ZERO, *bits),
        DynSolType::Uint(bits) => DynSolValue::Uint(U256::ZERO, *bits),
        DynSolType::FixedBytes(bytes) => DynSolValue::FixedBytes(B256::ZERO, *bytes),
        DynSolType::Address => DynSolValue::Address(Address::ZERO),
        DynSolType::Function => DynSolValue::Function(Function::ZERO),
        DynSolType::Bytes => DynSolValue::Bytes(Vec::new()),
        DynSolType::String => DynSolValue::String(String::new()),
        DynSolType::Array(_) => DynSolValue::Array(Vec::new()),
        DynSolType::FixedArray(of, length) => DynSolValue::FixedArray(vec![zero(of); *length]),
        DynSolType::Tuple(parts) => DynSolValue::Tuple(parts.iter().map(zero).collect()),
    }
}

fn role(what: Role, granted: bool) -> RoleChange {
    RoleChange {
        what,
        role: None,
        account: None,
        previous: None,
        sender: None,
        granted,
        reason: None,
    }
}

fn change(change: RoleChange) -> Option<RiskKind> {
    Some(RiskKind::RoleChange(change))
}

/// Power `what` of one account, which the argument at `at` names.
fn of_account(args: &Args<'_>, at: usize, what: Role, granted: bool) -> Option<RiskKind> {
    change(RoleChange { account: Some(args.address(at)?), ..role(what, granted) })
}

/// Power `what` moved from the first argument to the second. Giving it to nobody is a loss.
fn moved(args: &Args<'_>, what: Role) -> Option<RiskKind> {
    let (previous, new) = (args.address(0)?, args.address(1)?);
    let granted = !new.is_zero();
    let account = Some(if granted { new } else { previous });
    let previous = (!previous.is_zero()).then_some(previous);
    change(RoleChange { account, previous, ..role(what, granted) })
}

/// Power `what` is now the argument's, whoever had it.
fn now(args: &Args<'_>, at: usize, what: Role) -> Option<RiskKind> {
    let new = args.address(at)?;
    change(RoleChange { account: Some(new), ..role(what, !new.is_zero()) })
}

fn update(parameter: Parameter) -> ParameterUpdate {
    ParameterUpdate { parameter, sender: None, old: None, new: None, call: None }
}

/// The only value is the new one.
fn set(args: &Args<'_>, at: usize, which: Parameter) -> Option<RiskKind> {
    let new = Some(args.value(at)?);
    Some(RiskKind::ParameterUpdate(ParameterUpdate { new, ..update(which) }))
}

/// Old value, then new one.
fn replaced(args: &Args<'_>, which: Parameter) -> Option<RiskKind> {
    let (old, new) = (Some(args.value(0)?), Some(args.value(1)?));
    Some(RiskKind::ParameterUpdate(ParameterUpdate { old, new, ..update(which) }))
}

fn paused(args: &Args<'_>, is_paused: bool) -> Option<RiskKind> {
    Some(RiskKind::ParameterUpdate(ParameterUpdate {
        sender: args.address(0),
        old: Some(DynSolValue::Bool(!is_paused)),
        new: Some(DynSolValue::Bool(is_paused)),
        ..update(Parameter::Paused)
    }))
}

fn operation(args: &Args<'_>, stage: Stage, call: OperationCall) -> Option<RiskKind> {
    let id = args.word(0)?;
    let call = (call != OperationCall::default()).then_some(call);
    Some(RiskKind::ParameterUpdate(ParameterUpdate {
        call,
        ..update(Parameter::Operation { id, stage })
    }))
}

/// The three events of Compound's timelock have the same arguments.
fn compound_operation(args: &Args<'_>, stage: Stage) -> Option<RiskKind> {
    let call = OperationCall {
        target: Some(args.address(1)?),
        value_wei: Some(args.uint(2)?),
        signature: Some(args.string(3)?),
        data: Some(args.bytes(4)?),
        ready_at_s: Some(args.seconds(5)?),
        delay_s: None,
    };
    operation(args, stage, call)
}

fn oracle(what: OracleUpdateKind) -> OracleUpdate {
    OracleUpdate {
        what,
        feed: None,
        round: None,
        answer: None,
        updated_at_s: None,
        lag_s: None,
        heartbeat_s: None,
    }
}

pub(super) fn all() -> &'static [Source] {
    static ALL: LazyLock<Vec<Source>> = LazyLock::new(|| {
        let families = TABLE.iter().flat_map(|(family, events)| {
            events.iter().map(move |(text, meaning)| (*family, *text, *meaning))
        });
        let source = |(family, text, meaning)| {
            let event = EventAbi::parse(text).expect("the table's signatures are tested to parse");
            Source { family, event, meaning }
        };
        families.map(source).collect()
    });
    &ALL
}

type Family = (&'static str, &'static [(&'static str, Meaning)]);

/// Every signature appears once: where two standards share one (OpenZeppelin's and Solmate's
/// `OwnershipTransferred`), it means the same in both.
#[rustfmt::skip]
const TABLE: &[Family] = &[
    ("IRiskEvents", &[
        (super::ROLE_CHANGE, |a| change(RoleChange {
            role: Some(a.word(0)?), account: Some(a.address(1)?), sender: Some(a.address(2)?),
            reason: Some(a.word(4)?), ..role(Role::Role, a.bool(3)?)
        })),
        (super::PARAMETER_UPDATE, |a| Some(RiskKind::ParameterUpdate(ParameterUpdate {
            sender: Some(a.address(1)?), old: Some(a.value(2)?), new: Some(a.value(3)?),
            ..update(Parameter::Named(a.word(0)?))
        }))),
        (super::ORACLE_LAG, |a| Some(RiskKind::Oracle(OracleUpdate {
            feed: Some(a.address(0)?.into_word()), updated_at_s: Some(a.seconds(1)?),
            heartbeat_s: Some(a.seconds(2)?), lag_s: Some(a.seconds(3)?), ..oracle(OracleUpdateKind::Late)
        }))),
    ]),
    ("OpenZeppelin AccessControl", &[
        ("RoleGranted(bytes32 indexed role, address indexed account, address indexed sender)",
            |a| change(RoleChange { role: Some(a.word(0)?), account: Some(a.address(1)?), sender: Some(a.address(2)?), ..role(Role::Role, true) })),
        ("RoleRevoked(bytes32 indexed role, address indexed account, address indexed sender)",
            |a| change(RoleChange { role: Some(a.word(0)?), account: Some(a.address(1)?), sender: Some(a.address(2)?), ..role(Role::Role, false) })),
        ("RoleAdminChanged(bytes32 indexed role, bytes32 indexed previousAdminRole, bytes32 indexed newAdminRole)",
            |a| change(RoleChange { role: Some(a.word(0)?), ..role(Role::RoleAdmin { previous: Some(a.word(1)?), new: a.word(2)? }, true) })),
        ("DefaultAdminTransferScheduled(address indexed newAdmin, uint48 acceptSchedule)",
            |a| change(RoleChange { role: Some(B256::ZERO), account: Some(a.address(0)?), ..role(Role::AdminProposed, true) })),
        ("DefaultAdminTransferCanceled()",
            |_| change(RoleChange { role: Some(B256::ZERO), ..role(Role::ProposalCanceled, false) })),
        ("DefaultAdminDelayChangeScheduled(uint48 newDelay, uint48 effectSchedule)",
            |a| set(a, 0, Parameter::MinDelay)),
    ]),
    ("OpenZeppelin Ownable", &[
        ("OwnershipTransferred(address indexed previousOwner, address indexed newOwner)", |a| moved(a, Role::Owner)),
        ("OwnershipTransferStarted(address indexed previousOwner, address indexed newOwner)", |a| moved(a, Role::OwnerProposed)),
    ]),
    ("Chainlink ConfirmedOwner", &[
        ("OwnershipTransferRequested(address indexed from, address indexed to)", |a| moved(a, Role::OwnerProposed)),
    ]),
    ("OpenZeppelin AccessManager", &[
        ("RoleGranted(uint64 indexed roleId, address indexed account, uint32 delay, uint48 since, bool newMember)",
            |a| change(RoleChange { role: Some(a.word(0)?), account: Some(a.address(1)?), ..role(Role::Role, true) })),
        ("RoleRevoked(uint64 indexed roleId, address indexed account)",
            |a| change(RoleChange { role: Some(a.word(0)?), account: Some(a.address(1)?), ..role(Role::Role, false) })),
        ("RoleAdminChanged(uint64 indexed roleId, uint64 indexed admin)",
            |a| change(RoleChange { role: Some(a.word(0)?), ..role(Role::RoleAdmin { previous: None, new: a.word(1)? }, true) })),
        ("RoleGuardianChanged(uint64 indexed roleId, uint64 indexed guardian)",
            |a| change(RoleChange { role: Some(a.word(0)?), ..role(Role::RoleGuardian { new: a.word(1)? }, true) })),
        ("RoleGrantDelayChanged(uint64 indexed roleId, uint32 delay, uint48 since)",
            |a| set(a, 1, Parameter::GrantDelay(a.word(0)?))),
        ("TargetClosed(address indexed target, bool closed)", |a| set(a, 1, Parameter::TargetClosed(a.address(0)?))),
        ("TargetFunctionRoleUpdated(address indexed target, bytes4 selector, uint64 indexed roleId)",
            |a| Some(RiskKind::ParameterUpdate(ParameterUpdate { new: Some(a.tuple(&[1, 2])?), ..update(Parameter::TargetFunctionRole(a.address(0)?)) }))),
        ("TargetAdminDelayUpdated(address indexed target, uint32 delay, uint48 since)",
            |a| set(a, 1, Parameter::TargetAdminDelay(a.address(0)?))),
        ("OperationScheduled(bytes32 indexed operationId, uint32 indexed nonce, uint48 schedule, address caller, address target, bytes data)",
            |a| operation(a, Stage::Scheduled, OperationCall { ready_at_s: Some(a.seconds(2)?), target: Some(a.address(4)?), data: Some(a.bytes(5)?), ..OperationCall::default() })),
        ("OperationExecuted(bytes32 indexed operationId, uint32 indexed nonce)", |a| operation(a, Stage::Executed, OperationCall::default())),
        ("OperationCanceled(bytes32 indexed operationId, uint32 indexed nonce)", |a| operation(a, Stage::Cancelled, OperationCall::default())),
        ("AuthorityUpdated(address authority)", |a| now(a, 0, Role::Authority)),
    ]),
    ("Solmate Auth", &[
        ("AuthorityUpdated(address indexed user, address indexed newAuthority)", |a| {
            let new = a.address(1)?;
            change(RoleChange { account: Some(new), sender: Some(a.address(0)?), ..role(Role::Authority, !new.is_zero()) })
        }),
    ]),
    ("ds-auth", &[
        ("LogSetOwner(address indexed owner)", |a| now(a, 0, Role::Owner)),
        ("LogSetAuthority(address indexed authority)", |a| now(a, 0, Role::Authority)),
    ]),
    ("Aragon ACL", &[
        ("SetPermission(address indexed entity, address indexed app, bytes32 indexed role, bool allowed)",
            |a| change(RoleChange { role: Some(a.word(2)?), account: Some(a.address(0)?), ..role(Role::Role, a.bool(3)?) })),
        ("ChangePermissionManager(address indexed app, bytes32 indexed role, address indexed manager)", |a| {
            let new = a.address(2)?;
            change(RoleChange { role: Some(a.word(1)?), account: Some(new), ..role(Role::Admin, !new.is_zero()) })
        }),
    ]),
    ("Safe", &[
        ("AddedOwner(address indexed owner)", |a| of_account(a, 0, Role::Signer, true)),
        ("RemovedOwner(address indexed owner)", |a| of_account(a, 0, Role::Signer, false)),
        ("EnabledModule(address indexed module)", |a| of_account(a, 0, Role::Module, true)),
        ("DisabledModule(address indexed module)", |a| of_account(a, 0, Role::Module, false)),
        ("ChangedThreshold(uint256 threshold)", |a| set(a, 0, Parameter::Threshold)),
        ("ChangedGuard(address indexed guard)", |a| set(a, 0, Parameter::Guard)),
        ("ChangedModuleGuard(address indexed moduleGuard)", |a| set(a, 0, Parameter::Guard)),
        ("ChangedFallbackHandler(address indexed handler)", |a| set(a, 0, Parameter::FallbackHandler)),
        ("ChangedMasterCopy(address singleton)", |a| set(a, 0, Parameter::Implementation)),
    ]),
    ("ERC-1967 proxy", &[
        ("Upgraded(address indexed implementation)", |a| set(a, 0, Parameter::Implementation)),
        ("BeaconUpgraded(address indexed beacon)", |a| set(a, 0, Parameter::Beacon)),
        ("AdminChanged(address previousAdmin, address newAdmin)", |a| moved(a, Role::Admin)),
    ]),
    ("ERC-2535 diamond", &[
        ("DiamondCut((address,uint8,bytes4[])[] diamondCut, address init, bytes data)",
            |a| Some(RiskKind::ParameterUpdate(ParameterUpdate { new: Some(a.tuple(&[0, 1, 2])?), ..update(Parameter::Facets) }))),
    ]),
    ("OpenZeppelin Pausable", &[
        ("Paused(address account)", |a| paused(a, true)),
        ("Unpaused(address account)", |a| paused(a, false)),
        ("Pause()", |a| paused(a, true)),
        ("Unpause()", |a| paused(a, false)),
    ]),
    ("OpenZeppelin TimelockController", &[
        ("MinDelayChange(uint256 oldDuration, uint256 newDuration)", |a| replaced(a, Parameter::MinDelay)),
        ("CallScheduled(bytes32 indexed id, uint256 indexed index, address target, uint256 value, bytes data, bytes32 predecessor, uint256 delay)",
            |a| operation(a, Stage::Scheduled, OperationCall { target: Some(a.address(2)?), value_wei: Some(a.uint(3)?), data: Some(a.bytes(4)?), delay_s: Some(a.seconds(6)?), ..OperationCall::default() })),
        ("CallExecuted(bytes32 indexed id, uint256 indexed index, address target, uint256 value, bytes data)",
            |a| operation(a, Stage::Executed, OperationCall { target: Some(a.address(2)?), value_wei: Some(a.uint(3)?), data: Some(a.bytes(4)?), ..OperationCall::default() })),
        ("Cancelled(bytes32 indexed id)", |a| operation(a, Stage::Cancelled, OperationCall::default())),
    ]),
    ("OpenZeppelin Governor", &[
        ("VotingDelaySet(uint256 oldVotingDelay, uint256 newVotingDelay)", |a| replaced(a, Parameter::VotingDelay)),
        ("VotingPeriodSet(uint256 oldVotingPeriod, uint256 newVotingPeriod)", |a| replaced(a, Parameter::VotingPeriod)),
        ("ProposalThresholdSet(uint256 oldProposalThreshold, uint256 newProposalThreshold)", |a| replaced(a, Parameter::ProposalThreshold)),
        ("QuorumNumeratorUpdated(uint256 oldQuorumNumerator, uint256 newQuorumNumerator)", |a| replaced(a, Parameter::Quorum)),
        ("TimelockChange(address oldTimelock, address newTimelock)", |a| replaced(a, Parameter::Timelock)),
    ]),
    ("Compound", &[
        ("NewAdmin(address indexed newAdmin)", |a| now(a, 0, Role::Admin)),
        ("NewPendingAdmin(address indexed newPendingAdmin)", |a| now(a, 0, Role::AdminProposed)),
        ("NewAdmin(address oldAdmin, address newAdmin)", |a| moved(a, Role::Admin)),
        ("NewPendingAdmin(address oldPendingAdmin, address newPendingAdmin)", |a| moved(a, Role::AdminProposed)),
        ("NewImplementation(address oldImplementation, address newImplementation)", |a| replaced(a, Parameter::Implementation)),
        ("NewDelay(uint256 indexed newDelay)", |a| set(a, 0, Parameter::MinDelay)),
        ("QueueTransaction(bytes32 indexed txHash, address indexed target, uint256 value, string signature, bytes data, uint256 eta)",
            |a| compound_operation(a, Stage::Scheduled)),
        ("ExecuteTransaction(bytes32 indexed txHash, address indexed target, uint256 value, string signature, bytes data, uint256 eta)",
            |a| compound_operation(a, Stage::Executed)),
        ("CancelTransaction(bytes32 indexed txHash, address indexed target, uint256 value, string signature, bytes data, uint256 eta)",
            |a| compound_operation(a, Stage::Cancelled)),
    ]),
    ("Chainlink aggregator", &[
        ("AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt)",
            |a| Some(RiskKind::Oracle(OracleUpdate { answer: Some(a.int(0)?), round: Some(a.uint(1)?), updated_at_s: Some(a.seconds(2)?), ..oracle(OracleUpdateKind::Answer) }))),
        ("NewRound(uint256 indexed roundId, address indexed startedBy, uint256 startedAt)",
            |a| Some(RiskKind::Oracle(OracleUpdate { round: Some(a.uint(0)?), ..oracle(OracleUpdateKind::RoundStarted) }))),
    ]),
];
