//! The kinds of receivers, and what one attempt to reach one comes to.

mod config; //  as the user wrote it
mod error; //   why it cannot be set up
mod outcome; // what came of an attempt

use std::time::Duration;

use model::UnixMillis;

use super::{
    Message, alertmanager::Alertmanager, discord::Discord, mail::Mail, matrix::Matrix,
    opsgenie::Opsgenie, pagerduty::PagerDuty, sip::{self, Sip}, slack::Slack, sms::Sms, stdout::Stdout, teams::Teams,
    telegram::Telegram, voice::Voice, webhook::Webhook,
};

pub use config::{Access, MailTls, ReceiverConfig, Telephone};
pub use error::ReceiverError;
pub use outcome::{Health, Receipt, SendError};

/// Longest attempt, whatever a receiver's side does: well within the outbox's lease.
pub const SEND_TIMEOUT: Duration = Duration::from_secs(60);

/// Longest call: ringing, both times of saying, a key. Within the outbox's lease of two minutes.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(110);

/// Longest look at a receiver without a message.
pub const CHECK_TIMEOUT: Duration = Duration::from_secs(20);

/// One message on its way.
#[derive(Debug, Clone, Copy)]
pub struct Errand<'a> {
    /// What is said.
    pub message: &'a Message,
    /// The person's own number, chat or mail address; `None` for the one in the configuration.
    pub address: Option<&'a str>,
    /// What the receiver's side called the first message about this alert: what is edited or
    /// answered when there is news. See [`Receipt::handle`].
    pub first: Option<&'a str>,
}

impl<'a> Errand<'a> {
    /// A message to the configured address, as if it were the first.
    pub fn of(message: &'a Message) -> Self {
        Self { message, address: None, first: None }
    }
}

/// A receiver, ready to send.
#[derive(Debug)]
pub enum Receiver {
    /// Mail over SMTP.
    Mail(Mail),
    /// Slack.
    Slack(Slack),
    /// Discord.
    Discord(Discord),
    /// Telegram.
    Telegram(Telegram),
    /// Matrix.
    Matrix(Matrix),
    /// Microsoft Teams.
    Teams(Teams),
    /// PagerDuty.
    PagerDuty(PagerDuty),
    /// Opsgenie and its like.
    Opsgenie(Opsgenie),
    /// Alertmanager.
    Alertmanager(Alertmanager),
    /// Text messages.
    Sms(Sms),
    /// Calls.
    Voice(Voice),
    /// Calls through SIP.
    Sip(Box<Sip>),
    /// JSON.
    Webhook(Webhook),
    /// Standard output.
    Stdout(Stdout),
}

impl Receiver {
    /// Sets up a receiver. Opens no connection.
    ///
    /// # Errors
    /// When the configuration cannot work, whoever is on the other side.
    pub fn new(config: &ReceiverConfig) -> Result<Self, ReceiverError> {
        match config {
            ReceiverConfig::Mail { host, port, tls, username, password, from, to } => {
                let account = match (username, password) {
                    (Some(username), Some(password)) => Some((username, password)),
                    (None, None) => None,
                    _ => return Err(ReceiverError::HalfAnAccount),
                };
                Mail::new(host, *port, *tls, account, from, to).map(Self::Mail)
            }
            ReceiverConfig::Slack { url } => Slack::new(url).map(Self::Slack),
            ReceiverConfig::Discord { url } => Discord::new(url).map(Self::Discord),
            ReceiverConfig::Telegram { url, token, chat } => {
                Telegram::new(url, token, chat).map(Self::Telegram)
            }
            ReceiverConfig::Matrix { url, token, room } => {
                Matrix::new(url, token, room).map(Self::Matrix)
            }
            ReceiverConfig::Teams { url } => Teams::new(url).map(Self::Teams),
            ReceiverConfig::PagerDuty { url, key } => PagerDuty::new(url, key).map(Self::PagerDuty),
            ReceiverConfig::Opsgenie { url, key } => Opsgenie::new(url, key).map(Self::Opsgenie),
            ReceiverConfig::Alertmanager { url, access, stands_for } => {
                Alertmanager::new(url, access, *stands_for).map(Self::Alertmanager)
            }
            ReceiverConfig::Sms(telephone) => Sms::new(telephone).map(Self::Sms),
            ReceiverConfig::Voice { telephone, callback } => {
                Voice::new(telephone, callback.as_deref()).map(Self::Voice)
            }
            ReceiverConfig::Sip(config) => Sip::new(config).map(Box::new).map(Self::Sip),
            ReceiverConfig::Webhook { url, secret } => {
                Webhook::new(url, secret.as_ref()).map(Self::Webhook)
            }
            ReceiverConfig::Stdout { json } => Ok(Self::Stdout(Stdout { json: *json })),
        }
    }

    /// Makes one attempt with a message to the configured address.
    ///
    /// # Errors
    /// As [`Receiver::deliver`].
    pub async fn send(&self, message: &Message) -> Result<Receipt, SendError> {
        self.deliver(&Errand::of(message)).await
    }

    /// Makes one attempt, of at most [`SEND_TIMEOUT`], for a call [`CALL_TIMEOUT`].
    ///
    /// # Errors
    /// What came of it, and whether to try again.
    pub async fn deliver(&self, errand: &Errand<'_>) -> Result<Receipt, SendError> {
        let patience = match self {
            Self::Voice(_) => CALL_TIMEOUT,
            Self::Sip(_) => sip::CALL_TIMEOUT,
            _ => SEND_TIMEOUT,
        };
        self.deliver_within(errand, patience).await
    }

    /// Makes one attempt of at most this long.
    ///
    /// # Errors
    /// What came of it, and whether to try again.
    pub async fn deliver_within(
        &self,
        errand: &Errand<'_>,
        patience: Duration,
    ) -> Result<Receipt, SendError> {
        let attempt = async {
            match self {
                Self::Mail(mail) => mail.send(errand).await,
                Self::Slack(slack) => slack.send(errand.message).await,
                Self::Discord(discord) => discord.send(errand).await,
                Self::Telegram(telegram) => telegram.send(errand).await,
                Self::Matrix(matrix) => matrix.send(errand).await,
                Self::Teams(teams) => teams.send(errand.message).await,
                Self::PagerDuty(pagerduty) => pagerduty.send(errand.message).await,
                Self::Opsgenie(opsgenie) => opsgenie.send(errand.message).await,
                Self::Alertmanager(alertmanager) => alertmanager.send(errand.message).await,
                Self::Sms(sms) => sms.send(errand).await,
                Self::Voice(voice) => voice.send(errand).await,
                Self::Sip(sip) => sip.send(errand).await,
                Self::Webhook(webhook) => webhook.send(errand.message).await,
                Self::Stdout(stdout) => stdout.send(errand.message).await,
            }
        };
        tokio::time::timeout(patience, attempt).await.unwrap_or_else(|_| {
            let reason = format!("no end after {} s", patience.as_secs());
            Err(SendError::Retry { after: None, reason })
        })
    }

    /// Which address of a person it takes, by the word in `people.toml`; `None` when it reaches a
    /// room or a program.
    pub fn contact_kind(&self) -> Option<&'static str> {
        match self {
            Self::Mail(_) => Some("mail"),
            Self::Telegram(_) => Some("telegram"),
            Self::Sms(_) | Self::Voice(_) => Some("phone"),
            _ => None,
        }
    }

    /// Whether what it was told stays open there until it is taken back.
    pub fn keeps_alerts_open(&self) -> bool {
        matches!(self, Self::PagerDuty(_) | Self::Opsgenie(_) | Self::Alertmanager(_))
    }

    /// Asks the other side whether it is there and knows us, where it offers a question that
    /// reaches nobody; at most [`CHECK_TIMEOUT`].
    pub async fn check(&self, now: UnixMillis) -> Health {
        let question = async {
            match self {
                Self::Mail(mail) => mail.check().await,
                Self::Discord(discord) => discord.check(now).await,
                Self::Telegram(telegram) => telegram.check(now).await,
                Self::Matrix(matrix) => matrix.check(now).await,
                Self::Opsgenie(opsgenie) => opsgenie.check(now).await,
                Self::Alertmanager(alertmanager) => alertmanager.check(now).await,
                Self::Sms(sms) => sms.check(now).await,
                Self::Voice(voice) => voice.check(now).await,
                Self::Stdout(_) => Ok(Some("always there".to_owned())),
                Self::Slack(_)
                | Self::Teams(_)
                | Self::PagerDuty(_)
                | Self::Sip(_)
                | Self::Webhook(_) => Ok(None),
            }
        };
        match tokio::time::timeout(CHECK_TIMEOUT, question).await {
            Ok(Ok(Some(said))) => Health::Ready(said),
            Ok(Ok(None)) => Health::OnlyAMessageCanTell,
            Ok(Err(error)) => Health::Failing(error.to_string()),
            Err(_) => Health::Failing(format!("no answer after {} s", CHECK_TIMEOUT.as_secs())),
        }
    }
}
