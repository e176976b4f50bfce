//! What came of a call.

use std::fmt;

/// What a person on the telephone did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Heard {
    /// Pressed the key that says "I am on it".
    Acknowledged,
    /// Pressed the key that asks for the next person.
    Escalate,
    /// Somebody, or a mailbox, took the call and let it speak; nobody said they are on it.
    Played,
    /// Nobody took the call.
    NoAnswer,
    /// The line was busy, or the call was declined.
    Busy,
}

impl Heard {
    /// Key that acknowledges.
    pub const ACKNOWLEDGE_KEY: char = '1';
    /// Key that asks for the next person.
    pub const ESCALATE_KEY: char = '2';
    /// Key that has it said again.
    pub const REPEAT_KEY: char = '3';
    /// The key that other menus take for it.
    const REPEAT_KEY_ELSEWHERE: char = '0';

    /// What a key means; other keys mean nothing.
    pub fn of_key(key: char) -> Option<Self> {
        match key {
            Self::ACKNOWLEDGE_KEY => Some(Self::Acknowledged),
            Self::ESCALATE_KEY => Some(Self::Escalate),
            _ => None,
        }
    }

    /// Whether a key asks to hear it again.
    pub fn is_repeat(key: char) -> bool {
        matches!(key, Self::REPEAT_KEY | Self::REPEAT_KEY_ELSEWHERE)
    }

    /// Whether words reached an ear, or at least a mailbox.
    pub fn is_taken(self) -> bool {
        matches!(self, Self::Acknowledged | Self::Escalate | Self::Played)
    }
}

impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Acknowledged => "answered, acknowledged by key",
            Self::Escalate => "answered, passed on by key",
            Self::Played => "answered, no key was pressed",
            Self::NoAnswer => "nobody answered",
            Self::Busy => "the line was busy",
        })
    }
}
