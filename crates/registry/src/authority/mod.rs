//! Who can make what happen: the graph of authority, the policy it is held against, the drift
//! between the two and the transactions that would end it.
//!
//! ```text
//!   logs ──fold──► Holdings ◄──verify── reads        policy.toml ──► Policy
//!                     │                                               │
//!                     ▼                                               ▼
//!          Graph ──► paths: who, through what, signatures, delay ──► drift ──► repairs (unsigned)
//! ```
//!
//! [`Holdings`] is a pure fold over one contract's logs, so a reorg is undone by folding less. What a
//! contract says of itself when asked ([`Reading`]) is never mixed into the fold: a difference between
//! the two is a finding of its own, because power that moved without an event is how some thefts
//! begin. And what nobody has read is said to be unknown ([`Past`]), never taken for empty.

mod capability; // what a role lets its holder do
mod change; //     one log as changes of who holds what
mod drift; //      observed against declared, both ways
mod graph; //      principals and what they hold
mod guards; //     which functions ask for which role, from the compiler's syntax tree
mod holdings; //   who holds what in one contract, folded from logs
mod paths; //      through whom power can be used, and how easily
mod policy; //     what people decided
mod reading; //    what a contract says when asked
mod repair; //     transactions that would end a drift
mod role; //       the ways in which power is held
mod scan; //       history that was read from a node, kept as a file

pub use capability::{Basis, Capability, Grant, capabilities};
pub use change::Change;
pub use drift::{
    DriftClass, DriftItem, DriftKey, FirstSeen, History, UNUSED_AFTER_S_DEFAULT, drift, rank,
    severity,
};
pub use graph::{Edge, Graph, Node, Observed, PrincipalKind};
pub use guards::Guards;
pub use holdings::{HOLDERS_MAX, Holdings, Moment, Past, TooMany};
pub use paths::{Effective, PATH_STEPS_MAX, PATHS_MAX, Path, PowerOf, Step};
pub use policy::{
    Allowed, DELAY_FLOOR_S, DELAY_S_DEFAULT, Declared, Exception, Person, Policy, Principal,
    ROLES_PER_KEY_DEFAULT, Separation,
};
pub use reading::{Meaning, Mismatch, Question, Reading, questions};
pub use repair::{Repair, bundles};
pub use role::{ParseRoleError, Role, role_name};
pub use scan::{PastLog, Scan, ScanError};

#[cfg(test)]
mod tests;
