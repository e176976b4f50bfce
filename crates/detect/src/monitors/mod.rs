//! What people configured, and how it becomes something that can judge.

mod account; //    what the ledger has to know of them
mod compile; //    declared to ready, all mistakes at once
mod expression; // a match expression on one event, call or transaction
mod spec; //       as declared

pub(crate) use account::{reach, roster};
pub(crate) use compile::{Compiled, Rule, compile, network_names, set_version};
pub(crate) use expression::{Match, Matcher, Occasion, On, address_of};
pub use spec::{MonitorError, MonitorPart, MonitorSpec, RuleSpec, Subject};
