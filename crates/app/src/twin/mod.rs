//! Another installation that tells the same people, with no store in common: people get one message.
//!
//! ```text
//!   outbox: delivered, being delivered ─┐                       ┌─► words of the twin (store)
//!   inbox: what people said ────────────┼─► Talk ══ signed ══►──┼─► what people said there ─► inbox
//!   snapshot: networks that are unseen ─┘   POST /api/v1/twin   └─► heard: when, what it does not see
//!                                                                        │
//!   pager ─► message ─► decide (alert::twin) ◄───────────────────────────┘
//!                         └─► sent │ held back │ told by the twin          each with its reason
//! ```
//!
//! A message that is held back is in the outbox, due when its time is up: should everything here
//! fail, it is sent. What the decision is and why it is safe is in [`alert::twin`].

mod exchange; // one exchange with each of them
mod state; //    what is known of them
mod talk; //     what each says, signed
mod waiting; //  messages that wait for their word
mod words; //    what people said there

pub(crate) use exchange::answer;
pub use exchange::keep_agreeing;
pub use state::{Heard, Settings, Twin, Twins, settings};
pub use talk::{CLOCK_MS_MAX, TALK_BYTES_MAX, TALK_TYPE, Talk, Told};
