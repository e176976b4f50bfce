//! How good detection is, in numbers that say what they rest on, and how far each monitor may go by
//! them.
//!
//! Everything is counted from what is on record: alerts, what people said of them, what really
//! happened, what was judged. Nothing here reads a clock or a store. A figure that rests on nothing
//! is `None`, never zero.

mod choose; //   thresholds for a budget, measured on what was held out
mod figures; //  of one monitor in one version; of one class of incidents
mod interval; // what few observations say of a share or a rate
mod stages; //   shadow, notify, page, act: proposed by the figures

pub use choose::{
    Candidate, Dial, Folds, FrontPoint, HeldOut, Score, Weighed, choose, front, held_out, score,
};
pub use figures::{
    Budget, CONTEXT_S, Figures, Quantiles, Recall, Told, Verdicts, Watched, figures, recall,
};
pub use interval::{Interval, Share, poisson_rate};
pub use stages::{Bar, Proposal, REPLAYED_INCIDENTS_MIN, Record, propose};
