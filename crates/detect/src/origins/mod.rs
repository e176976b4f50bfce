//! Where accounts come from: who first sent them native value, who created them, since when.
//!
//! Kept for a whole network while a monitor asks for it, from the blocks that are judged and nothing
//! else: nobody is asked about the past. What was before the first of these blocks is unknown, and
//! who reads this must say so. Like everything remembered it is undone with its block.

mod account; // one account, in shards that cannot outgrow their room
mod note; //    what one block tells about accounts
mod stored; //  the same from stored rows, for people who ask
mod trail; //   who stands behind an account

pub use account::{ACCOUNTS_MAX, Account, CodeTwins, How, Origins, OriginsSince, of, since};
pub(crate) use note::note;
pub use stored::{keys_of, stored};
pub use trail::{End, HUB_ACCOUNTS, Step, Trail, trail};
