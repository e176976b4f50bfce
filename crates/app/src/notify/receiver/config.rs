//! Receivers as the user configured them.

use std::time::Duration;

use alert::plan::ChannelKind;
use model::Secret;

use crate::notify::SipConfig;

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
    /// A webhook of a Discord channel.
    Discord {
        /// Address; who knows it can write.
        url: Secret<String>,
    },
    /// A bot on Telegram.
    Telegram {
        /// The bot API's address: Telegram's, or of a server of one's own.
        url: String,
        /// The bot's token.
        token: Secret<String>,
        /// Chat: a number, or `@name` of a public one.
        chat: String,
    },
    /// A room on Matrix.
    Matrix {
        /// The homeserver's address.
        url: String,
        /// Access token of the account that writes.
        token: Secret<String>,
        /// Room, as `!id:server`.
        room: String,
    },
    /// A workflow of Microsoft Teams.
    Teams {
        /// Address of the workflow's webhook; who knows it can write.
        url: Secret<String>,
    },
    /// A service on PagerDuty, by its Events API v2.
    PagerDuty {
        /// The API's address.
        url: String,
        /// Integration key of the service.
        key: Secret<String>,
    },
    /// Opsgenie, Jira Service Management, and what else has their alert API.
    Opsgenie {
        /// The API's address.
        url: String,
        /// Key of the API integration.
        key: Secret<String>,
    },
    /// An Alertmanager.
    Alertmanager {
        /// Its address, without `/api/v2/alerts`.
        url: String,
        /// What it, or the proxy before it, wants to know.
        access: Access,
        /// How long an alert stands there after the last message about it.
        stands_for: Duration,
    },
    /// A text message, over a REST API like Twilio's.
    Sms(Telephone),
    /// A call, over a REST API like Twilio's.
    Voice {
        /// Account and numbers.
        telephone: Telephone,
        /// Under which address the provider reaches this program, for the keys that are pressed;
        /// without it, keys are not heard.
        callback: Option<String>,
    },
    /// JSON to an address of the user's own.
    Webhook {
        /// Address.
        url: Secret<String>,
        /// Key of the signature; `None` only for an address on this machine.
        secret: Option<Secret<String>>,
    },
    /// Calls through SIP.
    Sip(Box<SipConfig>),
    /// Standard output.
    Stdout {
        /// One JSON object per line instead of text.
        json: bool,
    },
}

impl ReceiverConfig {
    /// Every kind, by the word in the configuration.
    pub const KINDS: [&str; 14] = [
        "mail",
        "slack",
        "discord",
        "telegram",
        "matrix",
        "teams",
        "pagerduty",
        "opsgenie",
        "alertmanager",
        "sms",
        "voice",
        "sip",
        "webhook",
        "stdout",
    ];

    /// What kind of channel it is: two of different kinds seldom fail together.
    pub fn channel_kind(&self) -> ChannelKind {
        match self {
            Self::Mail { .. } => ChannelKind::Mail,
            Self::Slack { .. }
            | Self::Discord { .. }
            | Self::Telegram { .. }
            | Self::Matrix { .. }
            | Self::Teams { .. } => ChannelKind::Chat,
            Self::PagerDuty { .. } | Self::Opsgenie { .. } | Self::Alertmanager { .. } => {
                ChannelKind::Pager
            }
            Self::Sms(_) => ChannelKind::Sms,
            Self::Voice { .. } | Self::Sip(_) => ChannelKind::Voice,
            Self::Webhook { .. } => ChannelKind::Webhook,
            Self::Stdout { .. } => ChannelKind::Log,
        }
    }

    /// The word in the configuration.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Mail { .. } => "mail",
            Self::Slack { .. } => "slack",
            Self::Discord { .. } => "discord",
            Self::Telegram { .. } => "telegram",
            Self::Matrix { .. } => "matrix",
            Self::Teams { .. } => "teams",
            Self::PagerDuty { .. } => "pagerduty",
            Self::Opsgenie { .. } => "opsgenie",
            Self::Alertmanager { .. } => "alertmanager",
            Self::Sms(_) => "sms",
            Self::Voice { .. } => "voice",
            Self::Sip(_) => "sip",
            Self::Webhook { .. } => "webhook",
            Self::Stdout { .. } => "stdout",
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

/// How a server of the user's own is entered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// It is open.
    Open,
    /// HTTP basic authentication.
    Password {
        /// Account.
        username: String,
        /// Its password.
        password: Secret<String>,
    },
    /// A bearer token.
    Token(Secret<String>),
}

/// An account that sends text messages and calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telephone {
    /// The API's address.
    pub url: String,
    /// Account identifier, `AC…` at Twilio.
    pub account: String,
    /// Its authentication token; it also signs what the provider sends us.
    pub token: Secret<String>,
    /// Number that writes or calls, as `+` and digits; for text messages also `MG…`, a service.
    pub from: String,
    /// Number that is reached when the message is for nobody in particular.
    pub to: String,
}
