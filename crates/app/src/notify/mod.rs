//! From the outbox to people.
//!
//! ```text
//!  store::Outbox ──due──► worker ──► a lane per receiver ──► Receiver::send ──► mail, Slack,
//!        ▲                                   │                                  webhook, stdout
//!        └── delivered │ retry at │ failed ──┘
//! ```
//!
//! Retrying is decided in [`schedule`] alone; a receiver says only what one attempt came to.
//! Delivery is at least once, and a second delivery can be recognised: by `Idempotency-Key`, by
//! `Message-ID`.

mod http; //         what Slack and webhooks have in common
mod mail; //         SMTP
pub mod message; //  what is said, and how it looks in each channel
pub mod people; //   where a person can be reached
mod receiver; //     the kinds of receivers, and what an attempt comes to
mod receivers; //    all of them, from the configuration
pub mod schedule; // when to try again, and when to give up
mod slack;
mod stdout;
mod webhook; //      signed JSON
mod worker; //       the loop between outbox and receivers

pub use mail::check_mail_address;
pub use message::{Context, Message};
pub use receiver::{
    MailTls, Receipt, Receiver, ReceiverConfig, ReceiverError, SEND_TIMEOUT, SendError,
};
pub use receivers::{Receivers, ReceiversError, deliver_all};
pub use webhook::{SIGNATURE_HEADER, signature};
pub use worker::{LANE_WIDTH, POLL, STOP_PATIENCE, Worker};

#[cfg(test)]
mod tests;
