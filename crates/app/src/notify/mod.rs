//! From the outbox to people.
//!
//! ```text
//!  store::Outbox ──due──► worker ──► a lane per receiver ──► Receiver::deliver ──► mail, chat,
//!        ▲                                   │                                     pagers, calls
//!        └── delivered │ retry at │ failed ──┘
//! ```
//!
//! Retrying is decided in [`schedule`] alone; a receiver says only what one attempt came to.
//! Delivery is at least once, and a second delivery can be recognised where the channel allows it: by
//! `Idempotency-Key`, `Message-ID`, a transaction's name, an alert's key.

mod alertmanager;
mod discord;
mod heard; //        what came of a call
mod http; //         what all behind HTTP have in common
mod keypad; //       what is pressed during a call
mod mail; //         SMTP
mod matrix;
pub mod message; //  what is said, and how it looks in each channel
mod opsgenie; //     and its like
mod pagerduty;
pub mod people; //   where a person can be reached
mod receiver; //     the kinds of receivers, and what an attempt comes to
mod receivers; //    all of them, from the configuration
pub mod schedule; // when to try again, and when to give up
mod sip; //         calls
mod slack;
mod sms;
mod stdout;
mod teams;
mod telegram;
pub mod trial; //    tests of receivers from end to end
mod twilio; //       what text messages and calls share
mod voice;
mod webhook; //      signed JSON
mod worker; //       the loop between outbox and receivers

pub(crate) use discord::Discord;
pub use heard::Heard;
pub(crate) use keypad::router as keypad;
pub(crate) use mail::Mail;
pub use mail::check_mail_address;
pub use message::{Context, Message};
pub(crate) use message::{plain, safe, unclickable};
pub use receiver::{
    Access, CALL_TIMEOUT, CHECK_TIMEOUT, Errand, Health, MailTls, Receipt, Receiver,
    ReceiverConfig, ReceiverError, SEND_TIMEOUT, SendError, Telephone,
};
pub use receivers::{Receivers, ReceiversError, deliver_all};
pub use sip::SipConfig;
pub(crate) use telegram::Telegram;
pub use twilio::{SIGNATURE_HEADER as TELEPHONE_SIGNATURE_HEADER, telephone_signature};
pub(crate) use webhook::Webhook;
pub use webhook::{SIGNATURE_HEADER, signature};
pub use worker::{LANE_WIDTH, POLL, STOP_PATIENCE, Worker};

#[cfg(test)]
mod tests;
