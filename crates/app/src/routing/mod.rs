//! Where alerts would go, why, and what is wrong with a plan: what `routes test`, `check` and the
//! pages show.
//!
//! Decisions are the plan's own ([`alert::plan::Plan::preview`]); here they get words.

mod advice; //    what is wrong, and how to mend it
mod expected; //  what the user expects of the routes, held against them
pub(crate) mod explained; // the walk, hop by hop, and who hears
pub mod shifts; //  who is on call, in words
mod subject; //   an alert that somebody tries out

pub use advice::{Advice, Known, advice};
pub use expected::{Difference, differences};
pub use explained::{Explained, Hears, Hop, Page, Silent};
pub use subject::{Trial, labels_of};
