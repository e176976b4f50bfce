//! Who may bring alerts in, and how often.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use model::{Name, Secret, UnixMillis};

use super::Severities;
use crate::feedback::may_write;

/// Another system that reports.
#[derive(Debug, Clone)]
pub struct Door {
    /// What people call it: the monitor of its alerts.
    pub name: Name,
    /// What its requests show.
    pub token: Arc<Secret<String>>,
    /// What its words for how bad mean.
    pub severities: Severities,
    /// What it says nothing of any more is over after this, unless it says when.
    pub resolve_timeout_ms: u64,
    /// Requests a minute.
    pub per_minute: u64,
}

/// Why a request may not come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turned {
    /// It shows no token that is known.
    Unknown,
    /// There were too many before; it may come again in so many seconds.
    TooOften {
        /// Seconds.
        again_in_s: u64,
    },
}

/// How many requests a door has room for.
#[derive(Debug, Clone, Copy)]
struct Room {
    requests: f64,
    at: UnixMillis,
}

/// All that report, and how much room each has. Clones share the room.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    doors: Vec<Door>,
    rooms: Arc<Mutex<BTreeMap<Name, Room>>>,
}

impl Sources {
    /// These, with room for a minute's requests.
    pub fn new(doors: Vec<Door>) -> Self {
        Self { doors, rooms: Arc::default() }
    }

    /// Whether nobody reports.
    pub fn is_empty(&self) -> bool {
        self.doors.is_empty()
    }

    /// The door of whoever shows this token at `now`.
    ///
    /// # Errors
    /// [`Turned`].
    pub fn door(&self, shown: &str, now: UnixMillis) -> Result<&Door, Turned> {
        let is_shown = |door: &&Door| may_write(Some(&door.token), shown);
        let door = self.doors.iter().find(is_shown).ok_or(Turned::Unknown)?;
        let most = door.per_minute as f64;
        // A thread that panicked left a number behind, which is as good as any.
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        let room = rooms.entry(door.name.clone()).or_insert(Room { requests: most, at: now });
        let passed_s = now.millis_since(room.at).max(0) as f64 / 1_000.0;
        room.requests = (room.requests + passed_s * most / 60.0).min(most);
        room.at = now;
        if room.requests < 1.0 {
            let again_in_s = ((1.0 - room.requests) * 60.0 / most).ceil().max(1.0) as u64;
            return Err(Turned::TooOften { again_in_s });
        }
        room.requests -= 1.0;
        Ok(door)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door(name: &str, token: &str) -> Door {
        Door {
            name: Name::new(name).unwrap(),
            token: Arc::new(Secret::new(token.to_owned())),
            severities: Severities::default(),
            resolve_timeout_ms: super::super::RESOLVE_TIMEOUT_MS_DEFAULT,
            per_minute: 2,
        }
    }

    #[test]
    fn each_comes_in_by_its_own_token_and_not_too_often() {
        let sources = Sources::new(vec![door("a", "token of a"), door("b", "token of b")]);
        let at = |s: i64| UnixMillis(s * 1_000);
        assert_eq!(sources.door("token of c", at(0)).map(|_| ()), Err(Turned::Unknown));
        assert_eq!(sources.door("", at(0)).map(|_| ()), Err(Turned::Unknown));
        for _ in 0..2 {
            assert_eq!(sources.door("token of a", at(0)).unwrap().name.as_str(), "a");
        }
        let too_often = Turned::TooOften { again_in_s: 30 };
        assert_eq!(sources.clone().door("token of a", at(0)).map(|_| ()), Err(too_often));
        assert!(sources.door("token of b", at(0)).is_ok(), "one does not keep another out");
        assert!(sources.door("token of a", at(30)).is_ok());
        assert!(sources.door("token of a", at(31)).is_err());
    }
}
