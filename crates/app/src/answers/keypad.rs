//! What was pressed on a phone.
//!
//! A key is short and easily pressed in one's sleep, so a phone takes three words only: I am on it;
//! call the next one; say it again. Nothing can be ended or made quiet from a keypad.

use alert::{life::Deed, pager::Input};
use model::{AlertId, Name, UnixMillis};

/// Keys, and what is said about them.
pub const MENU: &str = "Press 1 to acknowledge. Press 2 to call the next person. \
                        Press 3 to hear this again.";

/// What a key means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// I am on it.
    Acknowledge,
    /// I am not: the next one should be called.
    Escalate,
    /// Say it again.
    Repeat,
}

impl Key {
    /// What a pressed key means; others mean nothing, and the menu is said again.
    pub fn of(digit: char) -> Option<Self> {
        match digit {
            '1' => Some(Self::Acknowledge),
            '2' => Some(Self::Escalate),
            '3' => Some(Self::Repeat),
            _ => None,
        }
    }

    /// What the pager is told: that somebody is on it. Whoever passes it on says nothing about the
    /// alert: the call is reported as not answered, and the escalation climbs.
    pub fn input(self, alerts: Vec<AlertId>, by: &Name, at: UnixMillis) -> Option<Input> {
        match self {
            Self::Acknowledge => Some(Input::Said {
                alerts,
                by: by.clone(),
                deed: Deed::Acknowledge,
                at,
                reason: "acknowledged on the phone".to_owned(),
            }),
            Self::Escalate | Self::Repeat => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_acknowledges_and_can_end_nothing() {
        let by = Name::new("ann").unwrap();
        for digit in "0123456789*#".chars() {
            let input = Key::of(digit)
                .and_then(|key| key.input(vec![AlertId([1; 16])], &by, UnixMillis(7)));
            match input {
                Some(Input::Said { deed: Deed::Acknowledge, .. }) => assert_eq!(digit, '1'),
                other => assert_eq!((other, digit == '1'), (None, false), "{digit}"),
            }
        }
    }
}
