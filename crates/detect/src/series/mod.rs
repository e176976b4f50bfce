//! How unusual is this value? One series, one value at a time, each score as it was known then.
//!
//! [`Scorer::push`] takes a time and a value of any series (gas, prices, calls, temperatures) and
//! answers with a [`Scored`]. It needs no training and no settings, holds a fixed amount of memory
//! ([`Scorer`] serialises to less than 20 kB however long the series is), reads no clock, and an
//! outlier cannot drag what it thinks usual.
//!
//! ```text
//! value ──► level, spread, season ──► signs of trouble          each a number >= 0
//!                                     jump      change from the last value, in spreads
//!                                     range     further out than anything before
//!                                     level     the same for the median of twelve values
//!                                     season    the same against the usual of that time of day
//!                                     shape     a stretch unlike the stretches remembered
//!                                     stuck     the same value longer than ever
//!                     ──► tail of each sign ──► -log10 P(sign this large)
//!                     ──► surprise: their norm ──► onset: one event speaks once ──► score in [0, 1]
//! ```
//!
//! Signs have no common unit, so each is held against its own past: [`Tail`] keeps the largest values
//! of the last thousands and extrapolates beyond them with a Pareto tail (Hill's estimator). That is
//! what keeps false alarms near the design on heavy tails, where fixed limits break. What the numbers
//! are worth is measured in `docs/anomaly.md`.

mod extremes; // the range seen so far
mod level; //    robust level and spread
mod onset; //    one event speaks once
mod scorer; //   the fold over all of it
mod season; //   time of day and of week, used only where it helps
mod shapes; //   stretches remembered
mod shift; //    changes of level that last
mod tail; //     how rare is a number, given its past

pub use scorer::{ALARM_SCORE, Scored, Scorer, Sign, StateError, Usual};
pub use season::Rhythm;
pub use shift::{PageHinkley, glr_shift};
pub use tail::Tail;
