//! Rings a person, says what is wrong, and hears which key is pressed.
//!
//! ```text
//!  Account + number ──► sip ──► INVITE … 200 ──► line ──► BYE
//!                                                 │ ▲
//!             words ──► speech ──► sound ──► RTP ─┘ └─ RTP ──► keys ──► menu ──► Heard
//! ```
//!
//! It works with any SIP provider or a telephone system of one's own, and behind a translating
//! router (NAT): it only calls out, answers come back the way the call went (`rport`, symmetric RTP),
//! and nobody has to reach it first.
//!
//! The parts that decide are pure and take time as an argument: the [`menu`], the [`keys`], the RTP
//! packets and the session descriptions in [`media`]. Only [`sip`], [`line`] and [`speech`] touch
//! sockets, processes and clocks.
//!
//! It deliberately cannot be called, records nothing, and does not encrypt the voice itself: `tls`
//! protects who is called and which account calls, not what is said (there is no SRTP).

pub mod account; // who calls, through which server
pub mod keys; //    which key was pressed, in the three ways a telephone says so
mod line; //        the sound's way: sockets, every 20 ms
pub mod media; //   RTP and session descriptions
pub mod menu; //    what is played when, and what a key does
pub mod sip; //     the call itself
pub mod sound; //   samples: from WAV, from tones
pub mod speech; //  text to sound, by a program of the user's choice
pub mod words; //   what is said

pub use account::{Account, AccountFault, Number, Transport};
pub use menu::Script;
pub use sip::{CALL_S_MAX, CallError, RING_S, call};
pub use speech::{Speech, SpeechError};
pub use words::Announcement;

/// What came of a call. Only a key that was pressed acknowledges: a mailbox that answers hears the
/// message too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// The person is on it.
    Acknowledged,
    /// The person asks for the next one.
    Escalate,
    /// Somebody or something listened to the whole message at least once, and pressed nothing.
    Played,
    /// Somebody or something picked up and hung up before the end of the message.
    HungUp,
    /// It rang, or nobody could be found under the number.
    NoAnswer,
    /// The line is busy.
    Busy,
    /// The call was refused: with which status of SIP (RFC 3261, section 21).
    Rejected {
        /// Status.
        code: u16,
    },
}
