//! Pure: chain events in, verdicts out. Windows, thresholds, detectors, match expressions.
//!
//! [`Engine::apply`] folds one [`model::ChainEvent`] over what is remembered and hands back a
//! [`Judgement`]: findings, samples, coverage and the change of state with its way back. Nothing here
//! reads a clock, a file or the network: the same events give the same judgements, live, in a replay
//! and after a crash, whatever forks lay in between.

pub mod chronicle; //  what became of each deployment, and the children of factories
pub mod detectors; //  code that judges, one file and one page each
pub mod dispersion; // how widely something is spread
pub mod elsewhere; //  what is remembered of other networks
mod engine; //         the fold: route, judge, remember, account for
pub mod expression; // the language of monitors
pub mod fusion; //     several findings about one attack, said once
pub mod mining; //     invariants out of the past
mod monitors; //       what people configured, compiled
pub mod origins; //    where accounts come from
pub mod quality; //    how good all of it is, with intervals
pub mod series; //     how unusual is this value? any series, one value at a time
pub mod signing; //    what waits to be signed
pub mod stakes; //     what would be lost with what ours rely on
pub mod state; //      what is remembered, with an exact way back
pub mod thresholds; // what is usual, and how far is too far
pub mod trace; //      one transaction by the shape of its calls
pub mod windows; //    the last hour, exactly

pub use detectors::Params;
pub use engine::{Dependence, Engine, Judgement, MonitorAccount};
pub use monitors::{MonitorError, MonitorPart, MonitorSpec, RuleSpec, Subject};
pub use state::RestoreError;
