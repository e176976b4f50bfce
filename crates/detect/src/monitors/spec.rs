//! A monitor as declared.

use std::{fmt, sync::Arc};

use model::{Name, Severity};
use registry::ContractAbi;

use crate::detectors::Params;

/// What one monitor watches and how it tells.
#[derive(Debug, Clone)]
pub struct MonitorSpec {
    /// Its name; alerts are called by it.
    pub name: Name,
    /// Raised by the user when it means something else; part of every finding's identity.
    pub version: u32,
    /// Networks it watches; empty means all.
    pub networks: Vec<Name>,
    /// Deployments it watches, by label. If this and `children_of` are empty, that means all
    /// deployments for a detector (with all children, if it can watch them), and any address for an
    /// expression.
    pub on: Vec<Name>,
    /// Factories, by label, whose children it watches: those that exist and those to come.
    pub children_of: Vec<Name>,
    /// What it looks for.
    pub rule: RuleSpec,
    /// How bad a finding is; detectors that tell degrees apart start from here.
    pub severity: Severity,
    /// Template of the finding's title, for expressions.
    pub say: Option<String>,
    /// Runbook; without one, findings point to the detector's page.
    pub runbook: Option<String>,
}

impl MonitorSpec {
    /// Whether it names nothing that it is on, and so is on everything.
    pub fn is_on_everything(&self) -> bool {
        self.on.is_empty() && self.children_of.is_empty()
    }
}

/// What a monitor looks for.
#[derive(Debug, Clone)]
pub enum RuleSpec {
    /// Something decoded that satisfies a condition.
    Expression {
        /// What is looked at.
        subject: Subject,
        /// The condition; without one, every occurrence is a finding.
        when: Option<String>,
        /// ABI for a monitor on any address; without it the event or function is written in full
        /// or is the one that all known ABIs agree on.
        any_address_abi: Option<Arc<ContractAbi>>,
    },
    /// Whatever a detector finds.
    Detector {
        /// Its id, such as `liquidity/outflow_exceeds_share`.
        id: String,
        /// Its parameters; those left out have their defaults.
        params: Params,
    },
}

/// What an expression looks at.
///
/// - A log exists only if its transaction took effect, so an event never comes from a failed one.
/// - A call is looked at only if it took effect, unless the condition itself asks for `tx.status` or
///   `call.success`. Calls inside transactions need traces; without them the monitor judges the
///   outermost calls and is blind otherwise. A delegate call runs foreign code in the caller's name
///   and is skipped unless the condition asks for `call.kind`.
/// - A call monitor whose condition begins with or contains, behind `&&`, `call.depth == 0` looks at
///   the outermost calls alone and needs no traces.
/// - A transaction is looked at whether it failed or not. With deployments, those transactions are
///   meant that call one of them directly; [`Subject::Involving`] means those that touch one of them
///   in any way that receipts show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// `Redeemed`, or `Redeemed(address,uint256)` where the name is not enough.
    Event(String),
    /// `redeem`, or `redeem(uint256)`.
    Call(String),
    /// Transactions as such.
    Transaction,
    /// Transactions that one of the deployments sent, is called or created by, or emitted a log in.
    /// Each is looked at once, however many of the deployments it involves.
    Involving,
}

/// The part of a monitor's declaration that a mistake is in, for those who know where it was
/// written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MonitorPart {
    /// Its name.
    Name,
    /// The deployments that it is on.
    On,
    /// The detector, event or call.
    Subject,
    /// The condition.
    When,
    /// The message.
    Say,
    /// What the detector may be told.
    Params,
}

/// A mistake in a monitor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonitorError {
    /// Whose.
    pub monitor: Name,
    /// Where.
    pub part: MonitorPart,
    /// What is wrong, and what would be right; several lines when it points into an expression.
    pub message: String,
}

impl fmt::Display for MonitorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "monitor {}: {}", self.monitor, self.message)
    }
}

impl std::error::Error for MonitorError {}
