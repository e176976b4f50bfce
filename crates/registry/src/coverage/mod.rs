//! What must be watched, what was watched, and the share of it as a number.
//!
//! Three things meet here, all pure:
//!
//! 1. **Targets**: what each deployment has that can go wrong: entry points, roles, settings, money,
//!    the answers others rely on ([`targets`]). Each with the threats that apply to it.
//! 2. **Reach**: which of them a monitor sees, and which threats it is about ([`Reach`]).
//! 3. **Ledger**: which blocks it judged ([`Ledger`]), from the store's rows.
//!
//! One *cell* is a target with one threat. It is worth
//!
//! ```text
//! value(cell)   = max over the monitors that see it of  stage/3 · judged blocks/blocks
//! score(d)      = Σ value(cell of d) / cells of d
//! coverage      = Σ weight(d) · score(d) / Σ weight(d),   weight(d) = ln(1 + value at risk of d)
//! ```
//!
//! with stage 1 for a monitor that nobody hears of, 2 for one that tells somebody, 3 for one whose
//! severity says that a person should look now. Blocks count from the deployment's first one, or
//! from the block that the user says, to the newest judged. A deployment whose value at risk is not
//! stated weighs as much as the heaviest that is: not knowing must not look like not mattering. What
//! is unknown is worth 0 and is called unknown, never covered.

mod ledger; // which blocks were judged by whom, and why others were not
mod score; //  cells and their worth
mod targets; // what must be watched

pub use ledger::{Hole, Ledger, MonitorLedger};
pub use score::{
    Cell, CellState, DeploymentScore, Entries, Monitors, Reach, Score, Stage, Watch, score,
};
pub use targets::{Target, TargetKind, Threat, targets};

#[cfg(test)]
mod cost;
#[cfg(test)]
mod tests;
