//! The kinds of receivers, and what one attempt to reach one comes to.

use std::time::Duration;

use alert::plan::ChannelKind;
use model::Secret;

use super::{Message, mail::Mail, slack::Slack, stdout::Stdout, webhook::Webhook};

/// Longest attempt, whatever a receiver's side does: well within the outbox's lease.
pub const SEND_TIMEOUT: Duration = Duration::from_secs(60);

/// A receiver as the user configured it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReceiverConfig {
    /// Mail over SMTP.
    Mail {
        /// Server.
        host: String,
        /// Its port.
        port: u16,
        /// Whether and how the connection is encrypted.
        tls: MailTls,
        /// Account, if the server asks for one.
        username: Option<String>,
        /// Its password.
        password: Option<Secret<String>>,
        /// Sender, as `name@host` or `Name <name@host>`.
        from: String,
        /// Addressees.
        to: Vec<String>,
    },
    /// An incoming webhook of Slack, or of what speaks its language.
    Slack {
        /// Address; who knows it can write.
        url: Secret<String>,
    },
    /// Signed JSON to an address of the user's own.
    Webhook {
        /// Address.
        url: Secret<String>,
        /// Key of the signature.
        secret: Secret<String>,
    },
    /// Standard output.
    Stdout {
        /// One JSON object per line instead of text.
        json: bool,
    },
}

impl ReceiverConfig {
    /// What kind of channel it is: two of different kinds seldom fail together.
    pub fn channel_kind(&self) -> ChannelKind {
        match self {
            Self::Mail { .. } => ChannelKind::Mail,
            Self::Slack { .. } => ChannelKind::Chat,
            Self::Webhook { .. } => ChannelKind::Webhook,
            Self::Stdout { .. } => ChannelKind::Log,
        }
    }
}

/// Encryption of a connection to a mail server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailTls {
    /// None: for servers on this machine.
    None,
    /// Begun in clear and then encrypted, or given up.
    StartTls,
    /// Encrypted from the first byte.
    Tls,
}

/// Why a receiver cannot be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiverError {
    /// Not an address of mail.
    #[error("{text:?} is not a mail address: {reason}")]
    MailAddress {
        /// As written.
        text: String,
        /// Why not.
        reason: String,
    },
    /// Nobody to write to.
    #[error("a mail receiver needs at least one address in `to`")]
    NoAddressee,
    /// A user without a password, or the reverse.
    #[error("username and password go together")]
    HalfAnAccount,
    /// The password would cross the network readable by all.
    #[error(
        "a password over an unencrypted connection to {host}: use tls = \"starttls\" or \"tls\""
    )]
    PasswordInClear {
        /// Server.
        host: String,
    },
    /// Not a usable address; the address itself is a secret and not shown.
    #[error("the {what} address is not usable: {reason}")]
    Url {
        /// Slack or webhook.
        what: &'static str,
        /// Why not.
        reason: &'static str,
    },
    /// Whoever guesses the key can forge alerts.
    #[error("the webhook's secret has {found} bytes; at least {min} make it hard to guess", min = super::webhook::SECRET_LEN_MIN)]
    WeakSecret {
        /// Its length.
        found: usize,
    },
    /// TLS or the resolver could not be initialised.
    #[error("cannot set up {what}: {reason}")]
    Setup {
        /// For what.
        what: &'static str,
        /// Why not.
        reason: String,
    },
}

/// What the receiver's side answered when it took a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt(pub String);

/// What came of an attempt that failed. Neither text holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// It may go better later.
    #[error("{reason}")]
    Retry {
        /// How long the receiver's side asks to be left alone.
        after: Option<Duration>,
        /// What happened.
        reason: String,
    },
    /// The same message will be refused each time.
    #[error("{reason}")]
    Permanent {
        /// What happened.
        reason: String,
    },
}

/// A receiver, ready to send.
#[derive(Debug)]
pub enum Receiver {
    /// Mail over SMTP.
    Mail(Mail),
    /// Slack.
    Slack(Slack),
    /// Signed JSON.
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
            ReceiverConfig::Webhook { url, secret } => Webhook::new(url, secret).map(Self::Webhook),
            ReceiverConfig::Stdout { json } => Ok(Self::Stdout(Stdout { json: *json })),
        }
    }

    /// Makes one attempt, of at most [`SEND_TIMEOUT`].
    ///
    /// # Errors
    /// What came of it, and whether to try again.
    pub async fn send(&self, message: &Message) -> Result<Receipt, SendError> {
        let attempt = async {
            match self {
                Self::Mail(mail) => mail.send(message).await,
                Self::Slack(slack) => slack.send(message).await,
                Self::Webhook(webhook) => webhook.send(message).await,
                Self::Stdout(stdout) => stdout.send(message).await,
            }
        };
        tokio::time::timeout(SEND_TIMEOUT, attempt).await.unwrap_or_else(|_| {
            let reason = format!("no end after {} s", SEND_TIMEOUT.as_secs());
            Err(SendError::Retry { after: None, reason })
        })
    }
}
