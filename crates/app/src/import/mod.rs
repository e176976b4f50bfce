//! What a team brings along from elsewhere, read in the other tool's own format.
//!
//! Reading is pure: texts in, an [`Import`] out, which is files of our folder and a [`Report`] that
//! says what was taken, what was not and why, and where our answers will differ. Only
//! [`write`](crate::init::write) touches the disk, and it never overwrites a file.

pub mod deployments; // what other tools know about contracts
pub mod findings; // what other people's bots found
pub mod monitors; // rules of other monitors
mod report; //      taken, not taken, different, still to do

pub use report::{Import, Item, Report, Taken};
