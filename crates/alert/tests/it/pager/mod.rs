//! The pager on the virtual clock.

mod laws; //      hold for every night
pub(crate) mod night; //     the stage
mod routing; //   groups, repeats, silences, inhibition
mod stories; //   whom it wakes, and whom not
mod storms; //    what a reader bears
mod twins; //    two installations, one message
