//! One transaction's calls, judged by their shape.
//!
//! [`CallTree`] says what ran in whose name, [`Movements`] what changed hands, [`Scene`] and [`View`]
//! put both before the eyes of the contracts that are protected, and [`observe`] names the shapes
//! that attacks have. Nothing here remembers anything: what a contract usually does is another
//! question.

mod assets; //  what moved from whom to whom
mod borrowed; // protected contracts called on borrowed money
mod extraction; // who ended richer at whose cost
mod path; //    the path through protected contracts, as a fingerprint
pub mod reentry; // contracts that are entered again before they are left
mod scene; //   the transaction from the side of the protected
mod signals; // shapes that attacks have
mod tree; //    frames with their places
mod weigh; //   what they weigh together

pub use assets::{Asset, Ledger, Movement, Movements, Net};
pub use borrowed::{Borrowed, Loan};
pub use extraction::{Extraction, Worth};
pub use path::{Fingerprint, Path};
pub(crate) use scene::Side;
pub use scene::{Scene, View};
pub use signals::{Found, Signal, observe};
pub use tree::CallTree;
pub use weigh::{
    Assessment, Contribution, EVERYDAY_PAIRS, Family, NOTIFY_SCORE_MIN, PAGE_SCORE_MIN, Verdict,
    everyday_share, weigh, weight,
};

use alloy_primitives::Address;
use rustc_hash::FxHashSet;

/// Contracts that are to be protected.
pub type Protected = FxHashSet<Address>;

/// Judges a scene from the side of some contracts; `None` when it does not touch them.
pub fn assess(scene: &Scene<'_>, protected: &Protected) -> Option<Assessment> {
    Some(weigh(View::new(scene, protected)?.found().to_vec()))
}
