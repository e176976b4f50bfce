//! One log as changes of who holds what.

use std::sync::LazyLock;

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, B256, U256, b256};
use model::Log;

use super::{Role, role::name_in_word};
use crate::{
    EventAbi, Undecoded,
    risk::{self, Parameter, RiskKind, RoleChange, RoleChangeKind},
};

/// `Approval(address,address,uint256)`.
pub(super) const APPROVAL: B256 =
    b256!("8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925");

/// How a Safe says who its first owners are. Older versions index nothing.
static SAFE_SETUP: LazyLock<std::sync::Arc<EventAbi>> = LazyLock::new(|| {
    EventAbi::parse("SafeSetup(address indexed initiator, address[] owners, uint256 threshold, address initializer, address fallbackHandler)")
        .expect("a test reads this signature")
});

/// What a log changed about who holds what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// An account gained a role; of a role that one account holds at a time, from whoever had it.
    Gained {
        /// Role.
        role: Role,
        /// Who.
        account: Address,
    },
    /// An account lost a role.
    Lost {
        /// Role.
        role: Role,
        /// Who; `None` where the event does not say, as of a role that one account holds.
        account: Option<Address>,
    },
    /// Who may give a role changed.
    RoleAdmin {
        /// The role's id.
        role: B256,
        /// Id of the role whose holders may give it now.
        admin: B256,
    },
    /// How many must sign.
    Threshold(u64),
    /// How long a timelock holds calls back, in seconds.
    MinDelay(u64),
}

impl Change {
    /// Reads a log, with the contract whose authority it changes. That is the emitter, except for
    /// allowances: what a token says about the money of an account that `is_treasury`.
    ///
    /// # Errors
    /// When the log's signature is understood but the log does not fit it.
    pub fn read(
        log: &Log,
        is_treasury: impl Fn(Address) -> bool,
    ) -> Result<Vec<(Address, Self)>, Undecoded> {
        if log.topic0() == Some(APPROVAL) {
            return Ok(allowance(log, is_treasury).into_iter().collect());
        }
        if log.topic0().is_some() && log.topic0() == SAFE_SETUP.topic0 {
            return setup(log);
        }
        let Some(event) = risk::read(log)? else { return Ok(Vec::new()) };
        let of_this = |change| (log.address, change);
        Ok(match &event.kind {
            RiskKind::RoleChange(change) => {
                let is_native = event.source.family == "IRiskEvents";
                of_role(change, is_native).into_iter().map(of_this).collect()
            }
            RiskKind::ParameterUpdate(update) => {
                let number = || match update.new {
                    Some(DynSolValue::Uint(value, _)) => Some(value.saturating_to::<u64>()),
                    _ => None,
                };
                // The delay of a change of admin is not the delay of calls.
                let is_of_calls = !event.source.event.name.starts_with("DefaultAdmin");
                let change = match update.parameter {
                    Parameter::Threshold => number().map(Self::Threshold),
                    Parameter::MinDelay if is_of_calls => number().map(Self::MinDelay),
                    Parameter::Guard => match update.new {
                        Some(DynSolValue::Address(guard)) => Some(single(Role::Guard, guard)),
                        _ => None,
                    },
                    _ => None,
                };
                change.map(of_this).into_iter().collect()
            }
            RiskKind::Oracle(_) => Vec::new(),
        })
    }

    /// Topics of all logs that [`Change::read`] can make something of, allowances among them.
    pub fn topics() -> Vec<B256> {
        let changes_authority = |source: &&risk::Source| {
            // Late oracles and paused contracts hold the same power as before.
            !matches!(source.family, "Chainlink aggregator" | "OpenZeppelin Pausable")
        };
        let of_risk =
            risk::sources().iter().filter(changes_authority).filter_map(|s| s.event.topic0);
        let mut topics: Vec<B256> = of_risk.chain(SAFE_SETUP.topic0).chain([APPROVAL]).collect();
        topics.sort_unstable();
        topics.dedup();
        topics
    }
}

/// A role that one account holds at a time, given to an account or, with the zero address, to none.
fn single(role: Role, account: Address) -> Change {
    match account.is_zero() {
        true => Change::Lost { role, account: None },
        false => Change::Gained { role, account },
    }
}

fn of_role(change: &RoleChange, is_native: bool) -> Vec<Change> {
    let held = |role: Role| match (change.account, change.granted) {
        (Some(account), true) => vec![Change::Gained { role, account }],
        (account, false) => vec![Change::Lost { role, account }],
        (None, true) => Vec::new(),
    };
    // Whoever takes over is no longer only offered to.
    let taken_over = |role: Role, offer: Role| {
        let account = change.account.filter(|_| change.granted).unwrap_or_default();
        vec![single(role, account), Change::Lost { role: offer, account: None }]
    };
    let offered = |role: Role| {
        let account = change.account.filter(|_| change.granted).unwrap_or_default();
        vec![single(role, account)]
    };
    match change.what {
        RoleChangeKind::Role => {
            let Some(id) = change.role else { return Vec::new() };
            let named = Some(id).filter(|_| is_native).and_then(name_in_word);
            held(named.map_or(Role::Access(id), Role::Named))
        }
        RoleChangeKind::RoleAdmin { new, .. } => {
            change.role.map(|role| Change::RoleAdmin { role, admin: new }).into_iter().collect()
        }
        RoleChangeKind::RoleGuardian { .. } => Vec::new(),
        RoleChangeKind::Owner => taken_over(Role::Owner, Role::PendingOwner),
        RoleChangeKind::OwnerProposed => offered(Role::PendingOwner),
        RoleChangeKind::Admin => taken_over(Role::Admin, Role::PendingAdmin),
        RoleChangeKind::AdminProposed => offered(Role::PendingAdmin),
        RoleChangeKind::ProposalCanceled => vec![
            Change::Lost { role: Role::PendingOwner, account: None },
            Change::Lost { role: Role::PendingAdmin, account: None },
        ],
        RoleChangeKind::Authority => offered(Role::Authority),
        RoleChangeKind::Signer => held(Role::Signer),
        RoleChangeKind::Module => held(Role::Module),
    }
}

/// An allowance out of a treasury. An ERC-721 approval has four topics and is none.
fn allowance(log: &Log, is_treasury: impl Fn(Address) -> bool) -> Option<(Address, Change)> {
    let [_, owner, spender] = log.topics[..] else { return None };
    let (owner, account) = (Address::from_word(owner), Address::from_word(spender));
    if !is_treasury(owner) || log.data.len() != 32 {
        return None;
    }
    let role = Role::Spender(log.address);
    let change = match U256::from_be_slice(&log.data).is_zero() {
        true => Change::Lost { role, account: Some(account) },
        false => Change::Gained { role, account },
    };
    Some((owner, change))
}

fn setup(log: &Log) -> Result<Vec<(Address, Change)>, Undecoded> {
    let decoded = SAFE_SETUP.decode(log)?;
    let mut changes = Vec::new();
    let malformed = || Undecoded::Malformed(format!("arguments of {}", SAFE_SETUP.signature));
    let Some(DynSolValue::Array(owners)) = decoded.arg("owners") else { return Err(malformed()) };
    let Some(DynSolValue::Uint(threshold, _)) = decoded.arg("threshold") else {
        return Err(malformed());
    };
    // The contract keeps them in the order given; folding puts the newest in front.
    for owner in owners.iter().rev() {
        let account = owner.as_address().ok_or_else(malformed)?;
        changes.push((log.address, Change::Gained { role: Role::Signer, account }));
    }
    changes.push((log.address, Change::Threshold(threshold.saturating_to())));
    Ok(changes)
}
