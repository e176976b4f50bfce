//! What everybody may hear: whether, when, and in which words.
//!
//! ```text
//!  Subject { Publishable (never a drill), life, silence … } + Policy + time
//!        │
//!        ▼
//!  consider   published │ waits, until when and why │ withheld, and why
//!        │
//!        ▼
//!  Notice     only the fields of the allow-list, one by one
//!        │
//!        ▼
//!  bulletins  what a channel bears; beyond it one message says how many more there are
//! ```
//!
//! Everything else that alerts know stays inside: which rules and thresholds there are, who is told,
//! how far somebody is. A [`Notice`] is never made of the private message by taking things away; what
//! is not named in the user's list has no way into it. An exploitable weakness is not told before it
//! is closed or a delay is over, so that nobody learns from us where to attack.
//!
//! What was published stays answered for: that it is over, was nothing or is void is published, too,
//! to all who got it, whatever the policy says by then.

mod bulletin; // what a channel bears
mod class; //    attack, weakness, matter of the public, matter of our own
mod consider; // whether and when
mod notice; //   what is said
mod policy; //   what the user allows
mod publishable; // what is real

pub use bulletin::{Allowance, Bulletin, Meter, Waiting, bulletins};
pub use class::{Class, Kind, kind, known};
pub use consider::{Entry, Standing, Subject, WaitsFor, WithheldFor, consider};
pub use notice::{Notice, PublicId, Status};
pub use policy::{
    DELAY_S_MAX, Detectors, Field, HOLD_S_DEFAULT, ParseDetectorsError, ParseFieldError, Policy,
    Rule,
};
pub use publishable::{NotPublic, Publishable};

#[cfg(test)]
mod tests;
