//! What travels between networks.

pub mod arrived_unbacked; // paid out here what was not locked there
pub(crate) mod messages; // what is remembered of messages on either side
