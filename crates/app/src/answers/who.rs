//! Who answered, and what they may.
//!
//! Nobody unknown may quiet anything. Three cases are told apart:
//!
//! * **known**: a link or button in a message to one person, or an account of a chat whose provider
//!   vouches for it and that `people.toml` names. May everything.
//! * **a reader**: a link in a message to a channel, where the page asks who one is, among those who
//!   read that channel by the configuration. They prove that they read the channel, not who they
//!   are: enough to say "I am on it", not enough to end anything, to make it quiet, or to be the
//!   second signature under a silence.
//! * **nobody known**: may nothing. An acknowledgement ends the calls, so it is quiet, too.

use std::collections::BTreeMap;

use model::Name;

use super::Wish;
use crate::config::Config;

/// Systems that vouch for accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum System {
    /// Slack.
    Slack,
    /// Discord.
    Discord,
    /// Telegram.
    Telegram,
    /// PagerDuty.
    PagerDuty,
    /// Opsgenie.
    Opsgenie,
}

impl System {
    /// Its name for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Slack => "Slack",
            Self::Discord => "Discord",
            Self::Telegram => "Telegram",
            Self::PagerDuty => "PagerDuty",
            Self::Opsgenie => "Opsgenie",
        }
    }
}

/// Who answers, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// Whoever followed the link; and who they say they are, which counts only where the message
    /// was for no one person.
    Link(Option<Name>),
    /// An account.
    Account(System, String),
}

/// Who there is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct People {
    /// Whose account it is.
    pub accounts: BTreeMap<(System, String), Name>,
    /// Who reads a channel as a matter of course.
    pub readers: BTreeMap<Name, Vec<Name>>,
}

/// Why somebody may not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stranger {
    /// An account that nobody has.
    #[error("this {0} account is nobody's in people.toml, and nobody unknown may quiet an alert")]
    Account(&'static str),
    /// Did not say.
    #[error("the message went to all who read {0}: say who you are")]
    Unnamed(Name),
    /// Not among those who read the channel.
    #[error("{0} is not among those who read {1} by the configuration")]
    NoReader(Name, Name),
    /// Known to read the channel, but that proves not enough.
    #[error(
        "the message went to all who read {0}, so this link does not prove who you are; take the \
         one in a message of your own, or a chat button"
    )]
    Unproven(Name),
}

impl People {
    /// Those of the configuration. PagerDuty does not tell the addresses of its users, so whose
    /// accounts they are is said in `answers.toml`; Opsgenie's are mail addresses.
    pub fn of(config: &Config) -> Self {
        let mut people = Self::default();
        for (person, contact) in &config.contacts {
            for (system, address) in [
                (System::Slack, &contact.slack),
                (System::Discord, &contact.discord),
                (System::Telegram, &contact.telegram),
            ] {
                if let Some(id) = address {
                    people.accounts.insert((system, id.reveal().clone()), person.clone());
                }
            }
            if let Some(mail) = &contact.mail {
                let id = mail.reveal().to_lowercase();
                people.accounts.insert((System::Opsgenie, id), person.clone());
            }
        }
        for (id, person) in &config.answers.pagerduty_people {
            people.accounts.insert((System::PagerDuty, id.clone()), person.clone());
        }
        let channels = config.plan.channels.iter();
        people.readers =
            channels.map(|(name, channel)| (name.clone(), channel.readers.clone())).collect();
        people
    }

    /// Which person it is that wants something of a message to `channel`, or to `person` alone.
    ///
    /// # Errors
    /// When it is nobody known, or not known well enough.
    pub(super) fn person(
        &self,
        who: &Who,
        wish: Wish,
        channel: &Name,
        person: Option<&Name>,
    ) -> Result<Name, Stranger> {
        match (who, person) {
            (Who::Account(system, id), _) => self
                .accounts
                .get(&(*system, id.clone()))
                .cloned()
                .ok_or(Stranger::Account(system.as_str())),
            (Who::Link(_), Some(person)) => Ok(person.clone()),
            (Who::Link(None), None) => Err(Stranger::Unnamed(channel.clone())),
            (Who::Link(Some(name)), None) => {
                if !self.readers(channel).contains(name) {
                    Err(Stranger::NoReader(name.clone(), channel.clone()))
                } else if wish != Wish::Acknowledge {
                    Err(Stranger::Unproven(channel.clone()))
                } else {
                    Ok(name.clone())
                }
            }
        }
    }

    /// Who reads a channel.
    pub(super) fn readers(&self, channel: &Name) -> &[Name] {
        self.readers.get(channel).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    #[test]
    fn nobody_unknown_may_quiet_anything() {
        let people = People {
            accounts: [((System::Slack, "U1".to_owned()), name("ann"))].into(),
            readers: [(name("team"), vec![name("ann"), name("bob")])].into(),
        };
        let (team, bob) = (name("team"), name("bob"));
        let ann = Who::Account(System::Slack, "U1".to_owned());
        let strangers = [
            Who::Account(System::Slack, "U2".to_owned()),
            // The same id in another system is another account.
            Who::Account(System::Discord, "U1".to_owned()),
            Who::Link(Some(name("eve"))),
            Who::Link(None),
        ];
        for wish in Wish::ALL {
            assert_eq!(people.person(&ann, wish, &team, None), Ok(name("ann")));
            let ann_there = people.person(&ann, wish, &team, Some(&bob));
            assert_eq!(ann_there, Ok(name("ann")), "an account is whose it is");
            let own = people.person(&Who::Link(None), wish, &team, Some(&bob));
            assert_eq!(own, Ok(bob.clone()), "a link in one's own message");
            for stranger in &strangers {
                let found = people.person(stranger, wish, &team, None);
                assert!(found.is_err(), "{stranger:?} {wish:?}");
            }
            let reader = people.person(&Who::Link(Some(bob.clone())), wish, &team, None);
            assert_eq!(reader.is_ok(), wish == Wish::Acknowledge, "{wish:?}");
        }
        let elsewhere = Who::Link(Some(bob));
        assert!(people.person(&elsewhere, Wish::Acknowledge, &name("x"), None).is_err());
    }
}
