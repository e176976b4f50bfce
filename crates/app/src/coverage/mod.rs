//! Coverage: what the files say must be watched, what the ledger says was, and what is missing.
//!
//! The pure part is `registry::coverage`; the rows are the store's. Here they meet: for the pipeline
//! (which holes are told, which are filled), for the command, the page and the API.

mod account; // everything at one moment, for people and programs
mod holes; //   the same hole of many monitors as one, and what became of those seen before
mod plan; //    what the files say must be watched

pub use account::{Account, Missing, NetworkAccount, Remedy};
pub(crate) use holes::withdrawn;
pub use holes::{HoleGroup, group, is_fillable, is_told, reconcile};
pub use plan::{Backfilling, NetworkPlan, Plan};
