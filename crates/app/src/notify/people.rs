//! Where a person can be reached.

use model::Secret;

/// The addresses of one person, a kind each. They are personal: they appear in no log, no page and
/// no message but the one that is sent to them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contact {
    /// `name@host`
    pub mail: Option<Secret<String>>,
    /// In the international form, `+49…`: for calls and text messages.
    pub phone: Option<Secret<String>>,
    /// Id of the chat with the bot.
    pub telegram: Option<Secret<String>>,
    /// Id of the member, `U…`.
    pub slack: Option<Secret<String>>,
    /// `@name:server`
    pub matrix: Option<Secret<String>>,
    /// Id of the user.
    pub discord: Option<Secret<String>>,
    /// Name in the directory, as a mention needs it.
    pub teams: Option<Secret<String>>,
    /// A SIP address, where a person is called without the telephone network.
    pub sip: Option<Secret<String>>,
}

impl Contact {
    /// The kinds of addresses that there are, as `people.toml` calls them.
    pub const KINDS: [&'static str; 8] =
        ["mail", "phone", "telegram", "slack", "matrix", "discord", "teams", "sip"];

    /// An address by the word that `people.toml` has for its kind.
    pub fn get(&self, kind: &str) -> Option<&Secret<String>> {
        match kind {
            "mail" => self.mail.as_ref(),
            "phone" => self.phone.as_ref(),
            "telegram" => self.telegram.as_ref(),
            "slack" => self.slack.as_ref(),
            "matrix" => self.matrix.as_ref(),
            "discord" => self.discord.as_ref(),
            "teams" => self.teams.as_ref(),
            "sip" => self.sip.as_ref(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_do_not_print_themselves() {
        let address = |text: &str| Some(Secret::new(text.to_owned()));
        let contact = Contact {
            mail: address("ann@acme.example"),
            phone: address("+4930123456"),
            ..Contact::default()
        };
        let printed = format!("{contact:?}");
        assert!(!printed.contains("acme") && !printed.contains("4930"), "{printed}");
        assert_eq!(contact.get("phone").unwrap().reveal(), "+4930123456");
        assert!(contact.get("slack").is_none());
    }
}
