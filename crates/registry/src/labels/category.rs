//! Kinds of label.

use std::{fmt, str::FromStr};

use model::{Name, NameError};

/// What a label says about an address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Category {
    /// Took part in an exploit or theft.
    Exploiter,
    /// Hides where money comes from.
    Mixer,
    /// On a government's list.
    Sanctioned,
    /// Tricks people into signing.
    Phishing,
    /// A fraud of another kind.
    Scam,
    /// A trading venue that knows its customers.
    Exchange,
    /// Moves assets between networks.
    Bridge,
    /// Checked, and harmless although it may look otherwise.
    Benign,
    /// The user's own set, such as `treasury`.
    Set(Name),
}

impl Category {
    /// The categories that have a meaning of their own.
    pub const NAMED: [Self; 8] = [
        Self::Exploiter,
        Self::Mixer,
        Self::Sanctioned,
        Self::Phishing,
        Self::Scam,
        Self::Exchange,
        Self::Bridge,
        Self::Benign,
    ];

    /// The word used in files, pages and messages.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Exploiter => "exploiter",
            Self::Mixer => "mixer",
            Self::Sanctioned => "sanctioned",
            Self::Phishing => "phishing",
            Self::Scam => "scam",
            Self::Exchange => "exchange",
            Self::Bridge => "bridge",
            Self::Benign => "benign",
            Self::Set(name) => name.as_str(),
        }
    }

    /// Whether dealing with such an address is a warning by itself.
    pub fn is_malicious(&self) -> bool {
        matches!(
            self,
            Self::Exploiter | Self::Mixer | Self::Sanctioned | Self::Phishing | Self::Scam
        )
    }

    /// Whether a label of it is about what somebody did, and so is believed less as time passes. What
    /// somebody *is* (a mixer, an exchange), what a government says and what the user says stays so
    /// until the label is removed.
    pub fn fades(&self) -> bool {
        matches!(self, Self::Exploiter | Self::Phishing | Self::Scam)
    }

    /// Whether money of many strangers passes through such an address: what one of them did says
    /// nothing about the others.
    pub fn is_hub(&self) -> bool {
        matches!(self, Self::Exchange | Self::Bridge)
    }

    /// The category behind the word that a public list uses: `phish-hack`, `heist`,
    /// `ofac-sanctioned`, `tornado-cash` …; a word of no known meaning becomes a set of that name,
    /// as far as it can be spelled as one.
    pub fn from_list_word(word: &str) -> Option<Self> {
        let slug: String = word
            .trim()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
            .collect();
        let slug = slug.trim_matches('-');
        Some(match slug {
            "exploit"
            | "exploiter"
            | "heist"
            | "hack"
            | "hacker"
            | "attacker"
            | "attacker-eoa"
            | "attacker-contract"
            | "etherscan-exploit-list"
            | "etherscan-heist-list" => Self::Exploiter,
            "mixer" | "tornado-cash" | "mixing" => Self::Mixer,
            "sanctioned" | "sanctions" | "ofac" | "ofac-sanctioned" | "ofac-sanctions-lists" => {
                Self::Sanctioned
            }
            "phishing"
            | "phish"
            | "phish-hack"
            | "etherscan-phish-hack-list"
            | "phisher"
            | "drainer"
            | "wallet-drainer" => Self::Phishing,
            "scam" | "scammer" | "fraud" | "ponzi" | "rugpull" | "rug-pull" | "honeypot" => {
                Self::Scam
            }
            "exchange" | "cex" | "centralized-exchange" => Self::Exchange,
            "bridge" => Self::Bridge,
            "benign" | "false-positive" => Self::Benign,
            other => Self::Set(Name::new(other).ok()?),
        })
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Category {
    type Err = NameError;
    /// A named category by its own word; any other slug is a set of the user's.
    fn from_str(text: &str) -> Result<Self, NameError> {
        match Self::NAMED.into_iter().find(|category| category.as_str() == text) {
            Some(category) => Ok(category),
            None => Name::new(text).map(Self::Set),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_public_lists_find_their_category() {
        let found = |word: &str| Category::from_list_word(word);
        assert_eq!(found("phish-hack"), Some(Category::Phishing));
        assert_eq!(found(" Heist "), Some(Category::Exploiter));
        assert_eq!(found("Tornado.Cash"), Some(Category::Mixer));
        assert_eq!(found("airdrop-hunter"), Some("airdrop-hunter".parse().unwrap()));
        assert_eq!(found("—"), None);
        // Explorers block well-known tokens from being renamed: that is no sanction.
        assert_eq!(found("blocked"), Some("blocked".parse().unwrap()));
    }

    #[test]
    fn named_categories_are_read_by_their_own_word() {
        for category in Category::NAMED {
            assert_eq!(category.as_str().parse(), Ok(category.clone()));
            assert_eq!(Category::from_list_word(category.as_str()), Some(category));
        }
        assert!(!"treasury".parse::<Category>().unwrap().is_malicious());
    }
}
