//! Rules of other monitors, as a folder of ours.
//!
//! A peer's files are read in its own shapes into [`rule::Rule`]s, which most of them have in common.
//! The rules are [assembled](assemble) into a [`draft`] of our folder, whose every monitor has been
//! compiled by our own engine before it is written; what does not compile is not taken, and told.

mod assemble; //   from rules of theirs to monitors of ours
mod compare; //    the difference report
mod defender; //  Defender
mod draft; //      our folder in the making
mod expression; // their conditions, said in our language
mod known_events; // events that are read without an ABI of their own
mod message; //    their message templates, said in ours
mod monitorism; // Monitorism
mod openzeppelin; // OpenZeppelin Monitor
mod overlay; //    a folder as it would be
mod rule; //       what rules of most monitors have in common
mod tenderly; //   Tenderly
mod text; //       the draft as the texts of our files
mod value; //      YAML and JSON that nobody promised the shape of

pub use compare::{Comparison, Difference, Matches, compare};
pub use defender::{take_api as take_defender_api, take_serverless as take_defender};
pub use draft::Existing;
pub use known_events::KnownEvents;
pub use monitorism::take as take_monitorism;
pub use openzeppelin::{
    Folder as OpenZeppelinFolder, Taken as OpenZeppelinTaken, take as take_openzeppelin,
};
pub use overlay::Overlay;
pub use tenderly::take as take_tenderly;
