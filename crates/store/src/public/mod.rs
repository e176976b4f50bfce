//! What everybody hears: entries, channels, subscribers.
//!
//! Who commits what the pager decided marks the alerts that the public may hear of, in the same
//! transaction; one task looks at those that are due and commits where they stand together with what
//! each channel has to say. So nothing that was decided is lost, and nothing is said twice.

mod entries; //     where each alert stands before the public
mod messages; //    what channels say
mod subscribers; // who gets mail

pub use entries::{PublicDue, PublicEntry, PublicStep, PublicTelling};
pub use messages::{
    PublicDelivered, PublicMessage, PublicMessageCounts, PublicSaid, PublicWaiting,
};
pub use subscribers::{SUBSCRIBERS_MAX, Subscribed, Subscriber};

pub(crate) use entries::touch;
