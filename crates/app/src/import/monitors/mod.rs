//! Rules of other monitors, as a folder of ours.
//!
//! A peer's files are read in its own shapes into [`rule::Rule`]s, which most of them have in common.
//! The rules are [assembled](assemble) into a [`draft`] of our folder, whose every monitor has been
//! compiled by our own engine before it is written; what does not compile is not taken, and told.

mod assemble; //   from rules of theirs to monitors of ours
mod compare; //    the difference report
mod draft; //      our folder in the making
mod expression; // their conditions, said in our language
mod message; //    their message templates, said in ours
mod openzeppelin; // OpenZeppelin Monitor
mod overlay; //    a folder as it would be
mod rule; //       what rules of most monitors have in common
mod text; //       the draft as the texts of our files

pub use compare::{Comparison, Difference, Matches, compare};
pub use draft::Existing;
pub use openzeppelin::{
    Folder as OpenZeppelinFolder, Taken as OpenZeppelinTaken, take as take_openzeppelin,
};
pub use overlay::Overlay;
