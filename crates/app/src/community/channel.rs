//! Over which people are told: a webhook, Discord, Telegram, mail to subscribers.

use alert::public::{Notice, Status};
use model::{Severity, UnixMillis};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{PublicMessage, Subscriber};

use super::{Community, letter, words};
use crate::notify::{
    Discord, Mail, Receipt, ReceiverConfig, ReceiverError, SEND_TIMEOUT, SendError, Telegram,
    Webhook, plain, unclickable,
};

/// What a message says; kept from its decision to its delivery, so that each attempt says the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// What it is about.
    pub lead: Notice,
    /// Further alerts that it only counts.
    pub others: u64,
}

/// A public channel, ready to send.
#[derive(Debug)]
pub enum Channel {
    /// The signed document, posted.
    Webhook(Webhook),
    /// A channel of Discord.
    Discord(Discord),
    /// A channel of Telegram.
    Telegram(Telegram),
    /// Mail to whoever subscribed.
    Mail(Mail),
}

impl Channel {
    /// Sets up a channel. Opens no connection.
    ///
    /// # Errors
    /// When it cannot work, whoever is on the other side, or is of a kind that is not for the public.
    pub fn new(config: &ReceiverConfig) -> Result<Self, ReceiverError> {
        match config {
            ReceiverConfig::Webhook { url, secret } => {
                Webhook::new(url, secret.as_ref()).map(Self::Webhook)
            }
            ReceiverConfig::Discord { url } => Discord::new(url).map(Self::Discord),
            ReceiverConfig::Telegram { url, token, chat } => {
                Telegram::new(url, token, chat).map(Self::Telegram)
            }
            ReceiverConfig::Mail { host, port, tls, username, password, from, .. } => {
                let account = match (username, password) {
                    (Some(username), Some(password)) => Some((username, password)),
                    (None, None) => None,
                    _ => return Err(ReceiverError::HalfAnAccount),
                };
                Mail::to_nobody(host, *port, *tls, account, from).map(Self::Mail)
            }
            _ => Err(ReceiverError::Setup {
                what: "a public channel",
                reason: "this kind is not for the public".to_owned(),
            }),
        }
    }

    /// Whether it goes to each subscriber.
    pub fn has_subscribers(&self) -> bool {
        matches!(self, Self::Mail(_))
    }
}

impl Community {
    /// Makes one attempt with a message, of at most [`SEND_TIMEOUT`].
    ///
    /// # Errors
    /// What came of it, and whether to try again.
    pub(super) async fn deliver(
        &self,
        message: &PublicMessage,
        reader: Option<&Subscriber>,
        now: UnixMillis,
    ) -> Result<Receipt, SendError> {
        let attempt = self.attempt(message, reader, now);
        tokio::time::timeout(SEND_TIMEOUT, attempt).await.unwrap_or_else(|_| {
            let reason = format!("no end after {} s", SEND_TIMEOUT.as_secs());
            Err(SendError::Retry { after: None, reason })
        })
    }

    async fn attempt(
        &self,
        message: &PublicMessage,
        reader: Option<&Subscriber>,
        now: UnixMillis,
    ) -> Result<Receipt, SendError> {
        let Some(channel) = self.channels.get(&message.channel) else {
            let reason = format!("{} is not in public.toml any more", message.channel);
            return Err(SendError::Permanent { reason });
        };
        let said: Said = serde_json::from_str(&message.body).map_err(|error| {
            SendError::permanent(format!("the message cannot be read: {error}"))
        })?;
        let sealed = self
            .settings
            .seal(&said.lead, said.others)
            .map_err(|error| SendError::permanent(format!("it cannot be signed: {error:#}")))?;
        match channel {
            Channel::Webhook(webhook) => {
                let id = format!("{}-{}-{}", said.lead.id, said.lead.revision, message.number);
                let body = json!(sealed).to_string().into_bytes();
                webhook.post(id, body, now).await
            }
            Channel::Discord(discord) => discord.post(&self.embed(&said), now).await,
            Channel::Telegram(telegram) => telegram.announce(self.telegram(&said), now).await,
            Channel::Mail(mail) => {
                let Some(reader) = reader else {
                    return Err(SendError::permanent("the subscriber left"));
                };
                let (letter, to) = letter::news(self, mail, &said, &sealed, reader, now)?;
                mail.post(&letter, to).await
            }
        }
    }

    /// Where the signed document is, and the list when more is counted.
    fn doors(&self, said: &Said) -> Vec<(&'static str, String)> {
        let page = self.settings.page_of(&said.lead);
        let mut doors = vec![("Page", page.clone()), ("Signed", format!("{page}.json"))];
        if said.others > 0 {
            doors.push(("All alerts", format!("{}/public/alerts", self.settings.url)));
        }
        doors
    }

    fn telegram(&self, said: &Said) -> Value {
        let mut text = unclickable(&words::subject(&said.lead));
        text.push_str("\n\n");
        for line in words::lines(&said.lead, &self.explorers) {
            text.push_str(&format!("{}: {}\n", line.label, unclickable(&line.value)));
        }
        text.push_str(&words::others(said.others).map(|more| more + "\n").unwrap_or_default());
        for (label, url) in self.doors(said) {
            text.push_str(&format!("\n{label}: {url}"));
        }
        // Ends are read when one looks.
        json!({
            "text": text,
            "disable_notification": said.lead.status.is_end(),
            "link_preview_options": { "is_disabled": true },
        })
    }

    fn embed(&self, said: &Said) -> Value {
        let mut lines: Vec<String> = words::lines(&said.lead, &self.explorers)
            .into_iter()
            .map(|line| match line.link {
                Some(link) => format!("**{}** [{}]({link})", line.label, plain(&line.value)),
                None => format!("**{}** {}", line.label, plain(&line.value)),
            })
            .collect();
        lines.extend(words::others(said.others));
        let doors = self.doors(said);
        let doors: Vec<String> =
            doors.iter().map(|(label, url)| format!("[{label}]({url})")).collect();
        lines.push(doors.join(" · "));
        let embed = json!({
            "title": plain(&words::subject(&said.lead)),
            "url": self.settings.page_of(&said.lead),
            "description": lines.join("\n"),
            "color": colour(&said.lead),
            "footer": { "text": crate::notify::safe::ours(&self.settings.name) },
        });
        json!({ "embeds": [embed], "allowed_mentions": { "parse": [] } })
    }
}

fn colour(notice: &Notice) -> u32 {
    match (notice.status, notice.severity) {
        (Status::Ongoing, Some(Severity::Critical)) => 0xa4_0e_26,
        (Status::Ongoing, Some(Severity::High)) => 0xb3_49_0b,
        (Status::Ongoing, Some(Severity::Medium)) => 0x7d_5a_00,
        (Status::Ongoing, _) => 0x05_50_ae,
        _ => 0x57_60_6a,
    }
}
