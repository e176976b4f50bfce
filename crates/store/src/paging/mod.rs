//! What the pager needs to be kept: its inbox, its memory, and what follows from each input.
//!
//! ```text
//!   judges, people, receivers ──put──► pager_inbox ──waiting──► the pager (one, in memory)
//!                                                                  │ PagingStep, one transaction
//!                                pager_rows, outbox, rulings, alarms, checkpoint
//! ```
//!
//! What the inputs, rows and rulings say is the pager's business: here they are text. The checkpoint
//! moves only together with everything that follows from the inputs before it, so a crash between
//! deciding and committing repeats the decision, which makes messages of the same ids.

mod account; // what was decided, and what was wrong with paging, to be read
mod commit; //  what follows from inputs
mod drill; //   alerts that nobody but people made
mod heard; //   who was told and called about what, to be counted
mod inbox; //   inputs
mod reports; // what goes on outside of every chain

pub use account::{AlarmRow, RulingRow};
pub(crate) use account::{add_ruling, check, of_alert};
pub use commit::{OutboxMessage, PagingStep, StageRow};
pub use heard::{HEARD_MAX, HeardAlert, HeardOf, HeardRow};
pub(crate) use inbox::insert;
pub use inbox::{Inbox, Input, TakenInput};
pub use reports::{ReportStep, Reports};
