//! A rule as most of these monitors have it: addresses, and conditions on events, functions and
//! transactions.

use std::sync::Arc;

use model::{Address, Name, Severity};
use registry::ContractAbi;

use super::{expression::Dialect, message::Template};

/// A rule of another monitor, read but not yet said in our terms.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    /// Its name there.
    pub(crate) name: String,
    /// Where it stands, for the comment above it.
    pub(crate) origin: String,
    /// Whose conditions these are.
    pub(crate) dialect: Dialect,
    /// Where it looks; a rule that looks nowhere matches nothing.
    pub(crate) places: Vec<Place>,
    /// Any of these events.
    pub(crate) events: Vec<Condition>,
    /// Any of these functions.
    pub(crate) functions: Vec<Condition>,
    /// And, if there are any, one of these about the transaction.
    pub(crate) transactions: Vec<TransactionCondition>,
    /// Which calls count.
    pub(crate) calls: Calls,
    /// How bad a match is.
    pub(crate) severity: Severity,
    /// What people are told.
    pub(crate) message: Option<Template>,
    /// Not looked at until it is switched on.
    pub(crate) is_paused: bool,
    /// Who is told, by our receivers' names.
    pub(crate) receivers: Vec<Name>,
}

/// An address on one network, with what is known of it there.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) network: Name,
    pub(crate) address: Address,
    /// Its ABI, as text for our file and read.
    pub(crate) abi: Option<Arc<Abi>>,
    /// What it is called there.
    pub(crate) name: Option<String>,
}

/// An ABI that came along.
#[derive(Debug)]
pub(crate) struct Abi {
    pub(crate) json: String,
    pub(crate) read: Arc<ContractAbi>,
}

/// An event or a function, and what must be true of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) signature: String,
    pub(crate) expression: Option<String>,
}

/// What must be true of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TransactionCondition {
    pub(crate) status: Status,
    pub(crate) expression: Option<String>,
}

/// What became of a transaction, as a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Status {
    Any,
    Success,
    Failure,
}

/// Which calls of a function count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Calls {
    /// Those that are the transaction itself.
    Outermost,
    /// Those inside transactions, too.
    AtAnyDepth,
}
