//! Which key was pressed. A telephone says it in one of three ways, and some say it in two at once:
//! * [`event`]: named events in RTP (RFC 4733), what nearly every provider speaks;
//! * [`info`]: a request `INFO` of SIP;
//! * [`tones`]: as the sound itself, for lines that have neither. Speech can sound like a key, so
//!   they are listened to only where the user asks for it.
//!
//! A key acknowledges an alert, so a press is reported once, whatever is lost, repeated or told twice.

mod event;
mod info;
mod tones;

use std::fmt;

pub use event::{EVENT_CLOCK_HZ, Events};
pub use info::key_of_info;
pub use tones::Tones;

/// The same key heard in another way within this time is the same press: the ways differ by some
/// network delay, and nobody presses twice that fast.
pub const SAME_PRESS_MS: u64 = 600;

/// A key of a telephone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key(char);

impl Key {
    /// A key by its sign: a digit, `*` or `#`.
    pub fn new(sign: char) -> Option<Self> {
        matches!(sign, '0'..='9' | '*' | '#').then_some(Self(sign))
    }

    /// Its sign.
    pub fn sign(self) -> char {
        self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The way in which a press was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A named event in RTP.
    Event,
    /// A request `INFO`.
    Info,
    /// The sound.
    Tone,
}

/// Presses, each once.
#[derive(Debug, Default)]
pub struct Presses {
    last: Option<(Key, Way, u64)>,
}

impl Presses {
    /// Whether a key told in a way at a time (in milliseconds of any clock) is a new press.
    pub fn is_new(&mut self, key: Key, way: Way, at_ms: u64) -> bool {
        let is_echo = self.last.is_some_and(|(last, told, at)| {
            last == key && told != way && at_ms.saturating_sub(at) < SAME_PRESS_MS
        });
        if !is_echo {
            self.last = Some((key, way, at_ms));
        }
        !is_echo
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_press_told_in_two_ways_is_one_press() {
        let one = Key::new('1').unwrap();
        let mut presses = Presses::default();
        assert!(presses.is_new(one, Way::Event, 1_000));
        assert!(!presses.is_new(one, Way::Info, 1_100));
        assert!(presses.is_new(one, Way::Event, 1_300), "pressed again");
        assert!(presses.is_new(Key::new('2').unwrap(), Way::Info, 1_350));
    }

    #[test]
    fn only_keys_of_a_telephone_are_keys() {
        assert_eq!(Key::new('A'), None);
        assert_eq!(Key::new('#').map(Key::sign), Some('#'));
    }
}
