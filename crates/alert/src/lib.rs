//! From findings to decisions: which alert a finding belongs to, who hears of it, and why.
//!
//! ```text
//!  AlertInput::{Findings, Reverted, Finalized, Tick} + Policy + wall time
//!        │
//!        ▼
//!  membership   which findings an alert is made of: a fold over the canonical findings, so that
//!        │      undoing blocks undoes exactly what they did
//!        ▼
//!  tell         who is told what, now, later or not at all; each with its reason
//!        │
//!        ▼
//!  Outcome { alerts, notifications, decisions }     for the caller to store in one transaction
//! ```
//!
//! Deliberately absent: a clock (wall time is an argument), sending (the caller's outbox does it),
//! and randomness. An [`AlertBook`] restored from stored alerts continues as if it had never
//! stopped: everything that decisions depend on is in [`model::Alert`].
//!
//! Two laws hold and are tested as properties:
//! * after any sequence of commits and reverts, the alerts that stand are those of a run that never
//!   saw the orphaned blocks: same ids, same findings, same severity;
//! * applying an input again changes nothing, and applying it again from the state before gives the
//!   same notification ids, so that a crash between deciding and storing is harmless.

mod book; //        AlertBook: inputs in, outcomes out
pub mod fatigue; // how much people bear, and which rule to tune first
mod fingerprint; // what makes findings belong together
mod hours; //       hours of the week in a time zone
mod labels; //      what routes, silences and inhibitions look at
pub mod life; //    where an alert is among people, and how it came there
mod lint; //        policies that look healthy and reach nobody
mod matcher; //     `protocol="acme"`, `monitor=~"drain|outflow-.*"`
mod membership; //  which findings one alert is made of
pub mod oncall; //  who is on call, and when nobody will be
pub mod pager; //   from alerts to the people who hear of them, until somebody is on it
mod pattern; //     `vault-*`
pub mod plan; //    who there is, how they are reached, who is called in which order
mod policy; //      routes, windows, intervals
pub mod public; //  what everybody may hear
pub mod quiet; //   silences, maintenance windows, inhibition
pub mod route; //   the tree of routes
mod tell; //        who is told what
mod tellable; //    what people may be told: never a canary
pub mod twin; //    two installations, one message

pub use book::{ALERTS_MAX, AlertBook, AlertInput, KEPT_S, Outcome};
pub use fingerprint::fingerprint;
pub use hours::{Days, Hours, SPANS_MAX, Span};
pub use labels::{
    CLASS, DRILL, EXPOSURE, LABEL_LEN_MAX, LABELS_MAX, Labels, NETWORK, PROTOCOL, SEVERITY, SOURCE,
};
pub use lint::PolicyFault;
pub use matcher::{Matcher, MatcherError, Op};
pub use membership::{COUNTS_MAX, FINDINGS_MAX};
pub use model::{Action, Decision, Reason};
pub use pattern::{Pattern, PatternError};
pub use policy::{
    GROUP_WINDOW_S_DEFAULT, GROUP_WINDOW_S_MAX, Policy, Route, Subject, UPDATE_INTERVAL_S_DEFAULT,
};
pub use tellable::{NotTellable, Tellable};
