//! Fusion: several findings about one attack, said once, with how likely it is and why.
//!
//! ```text
//!  findings ──► signals ──► who belongs together ──► per group the strongest ──► log odds ──► posterior
//!               p, llr      union-find over          of evidence that says        prior +       notify,
//!               stage       addresses, transactions  the same thing               Σ llr         page, act
//! ```
//!
//! - A [`Signal`] is a finding with the weight of its evidence: `llr = ln P(seen | attack) / P(seen |
//!   benign)`, kept within [`LLR_RANGE`]. The benign side is learned from the monitor's own history
//!   (Laplace), the attack side is a table ([`weights`]).
//! - Signals of one protocol within [`SPAN_S`] that share a stranger's address or a transaction are
//!   one [`Attack`].
//! - Detectors that say the same thing in other words are one *group*: of a group only the strongest
//!   signal counts, so that ten rules on one transfer are not ten proofs.
//!
//! Nothing is remembered here: the attacks are a function of the findings that stand, so a reorg or a
//! restart cannot leave a trace, and no alert is hidden by being part of one.

mod attack; //    what belongs together, and how likely it is
mod calibrate; // from stated to observed: isotonic, reliability, Brier
mod cluster; //   union-find
mod signal; //    a finding with its weight
pub mod weights; // what each detector's word is worth

pub use attack::{Attack, Context, Contribution, Reach, fuse};
pub use calibrate::{Bin, Calibration, OUTCOMES_MIN, Outcome, Reliability};
pub use signal::{Entity, History, Phase, Signal};

/// How far evidence of one signal can move the log odds: a detector is never more certain than that,
/// however unlikely the benign case was so far.
pub const LLR_RANGE: (f64, f64) = (-3.0, 7.0);

/// Chance that a transaction belongs to an attack before anything is known of it.
pub const PRIOR: f64 = 1e-6;

/// Signals at most this far apart in chain time can be one attack: 7 days.
pub const SPAN_S: u64 = 7 * 24 * 3_600;

/// Posterior from which people are told.
pub const NOTIFY_FROM: f64 = 0.5;
/// Posterior from which people are woken.
pub const PAGE_FROM: f64 = 0.9;
/// Posterior from which, confirmed by something deterministic, an action may be proposed.
pub const ACT_FROM: f64 = 0.99;

/// Signals taken into account at once: a busy week. The newest count; how many did not is told.
pub const SIGNALS_MAX: usize = 20_000;
