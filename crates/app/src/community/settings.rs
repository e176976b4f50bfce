//! What people configure of community alerts.

use std::sync::Arc;

use alert::public::{Allowance, Policy};
use model::Name;

use crate::{notify::ReceiverConfig, signature::SigningKey};

/// `public.toml`.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What the feeds and the page are called.
    pub name: String,
    /// Where `/public` is reached, without a slash at the end.
    pub url: String,
    /// Listens there for the public pages alone; `None`: they are served beside the others only.
    pub listen: Option<std::net::SocketAddr>,
    /// Signs what is published. `None` only where the folder is checked without its secrets.
    pub key: Option<Arc<SigningKey>>,
    /// What may be published.
    pub policy: Policy,
    /// Over which people are told.
    pub channels: Vec<ChannelSettings>,
}

/// A public channel.
#[derive(Debug, Clone)]
pub struct ChannelSettings {
    /// What people call it.
    pub name: Name,
    /// How it is reached; mail without addressees.
    pub config: ReceiverConfig,
    /// What it bears.
    pub allowance: Allowance,
}

impl Settings {
    /// Where a notice has its page.
    pub fn page_of(&self, notice: &alert::public::Notice) -> String {
        format!("{}/public/alerts/{}", self.url, notice.id)
    }

    /// The list to which people can subscribe by mail, if there is one.
    pub fn mail_list(&self) -> Option<&Name> {
        let is_mail =
            |channel: &&ChannelSettings| matches!(channel.config, ReceiverConfig::Mail { .. });
        self.channels.iter().find(is_mail).map(|channel| &channel.name)
    }

    /// What a channel bears.
    pub fn allowance(&self, channel: &Name) -> Allowance {
        let known = self.channels.iter().find(|known| known.name == *channel);
        known.map_or_else(Allowance::default, |known| known.allowance)
    }
}
