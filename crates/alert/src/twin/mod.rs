//! Two installations, one message: who speaks, who holds back, and for how long.
//!
//! Two Bellwethers that watch the same and share no store decide the same: ids of findings, alerts
//! and words follow from what happened alone. One of them speaks first, by an order both know. The
//! other holds each message back and lets it go when the first said that it told the same people the
//! same, or sends it when it did not say so in time.
//!
//! ```text
//!  message decided ──► told by the other already? ── yes ──► never sent, with its receipt
//!                        │ no
//!                        ▼
//!                      the other speaks first, is heard and sees the network? ── no ──► sent at once
//!                        │ yes
//!                        ▼
//!                      held back ──► told by the other ──► never sent
//!                               └──► time is up, or the other fell silent ──► sent
//! ```
//!
//! At least once wins over at most once: whatever is not known for certain is a reason to speak.

mod word; // what was said to whom, and whether something else says it

use std::fmt;

use model::{Name, UnixMillis};

pub use word::{FRESH_S, SAME_S, Spoken, Word};

/// How long a message is held back for another installation that speaks first, unless the user says
/// otherwise: half of [`crate::plan::FAILOVER_S`], so that a page that the other did not deliver
/// leaves before it counts as lost.
pub const HOLD_S_DEFAULT: u64 = 15;

/// Without an exchange for so long, another installation is silent: three exchanges.
pub const SILENT_S: u64 = 6;

/// How long a message is held back at the most while the other installation says that it is being
/// delivered: a telephone may ring that long.
pub const UNDER_WAY_S: u64 = 90;

/// Another installation that tells the same people, as it is known at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// What people call it.
    pub name: Name,
    /// Whether it speaks before this one.
    pub is_first: bool,
    /// How long a message is held back for it, in milliseconds.
    pub hold_ms: u64,
    /// Whether it is heard.
    pub hearing: Hearing,
}

/// Whether another installation is heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hearing {
    /// Not yet: this one began to ask then.
    NotYet {
        /// When.
        since: UnixMillis,
    },
    /// It was heard then, and must not be heard again for this long to count as silent.
    Heard {
        /// When, by our clock.
        at: UnixMillis,
        /// EIP-155 ids of the networks that it does not see at the moment.
        blind: Vec<u64>,
    },
    /// What came from it cannot be believed.
    NotBelieved {
        /// Why.
        why: String,
    },
}

/// A message that was not sent yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting<'a> {
    /// What it says.
    pub words: &'a [Word],
    /// EIP-155 ids of the networks that its alerts are about.
    pub chains: &'a [u64],
    /// When it was decided.
    pub decided_at: UnixMillis,
}

/// What becomes of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It is sent now.
    Send(Because),
    /// It waits for word of another installation.
    Hold {
        /// For whom.
        twin: Name,
        /// Not longer than this.
        until: UnixMillis,
    },
    /// Another installation told the same people the same.
    Told {
        /// Which.
        twin: Name,
        /// When, by its clock.
        at: UnixMillis,
        /// What the receiver's side answered it.
        receipt: String,
    },
}

/// Why a message is not held back (any longer).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Because {
    /// Nobody else speaks before this installation.
    First,
    /// The other one is not heard.
    Silent {
        /// Which.
        twin: Name,
        /// Since when; `None`: it was never heard.
        since: Option<UnixMillis>,
    },
    /// What comes from it cannot be believed.
    NotBelieved {
        /// Which.
        twin: Name,
        /// Why.
        why: String,
    },
    /// It does not see the network.
    Blind {
        /// Which.
        twin: Name,
        /// EIP-155 id.
        chain_id: u64,
    },
    /// It was heard, and did not say in time that it told people.
    NotTold {
        /// Which.
        twin: Name,
    },
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First => f.write_str("this installation speaks first"),
            Self::Silent { twin, since: Some(_) } => write!(f, "the twin {twin} fell silent"),
            Self::Silent { twin, since: None } => write!(f, "the twin {twin} was never heard"),
            Self::NotBelieved { twin, why } => {
                write!(f, "what the twin {twin} says is not believed: {why}")
            }
            Self::Blind { twin, chain_id } => {
                write!(f, "the twin {twin} does not see chain {chain_id} at the moment")
            }
            Self::NotTold { twin } => {
                write!(f, "the twin {twin} did not say in time that it told them")
            }
        }
    }
}

/// What becomes of a message now. `spoken`: what others said that they told, by whom; those about
/// other alerts or other people do no harm.
pub fn decide(
    message: &Waiting<'_>,
    others: &[Other],
    spoken: &[(Name, Spoken)],
    now: UnixMillis,
) -> Decision {
    for other in others {
        if let Some((at, receipt)) = told_by(message, &other.name, spoken) {
            return Decision::Told { twin: other.name.clone(), at, receipt };
        }
    }
    let mut because = Because::First;
    for other in others {
        match wait_for(message, other, spoken, now) {
            Ok(until) => return Decision::Hold { twin: other.name.clone(), until },
            Err(why) if because == Because::First => because = why,
            Err(_) => {}
        }
    }
    Decision::Send(because)
}

/// When an installation told the last of a message's words, and its receipt; `None` when it did not
/// tell all of them.
fn told_by(
    message: &Waiting<'_>,
    by: &Name,
    spoken: &[(Name, Spoken)],
) -> Option<(UnixMillis, String)> {
    let mut last: Option<(UnixMillis, &str)> = None;
    for word in message.words {
        let told = spoken
            .iter()
            .filter(|(who, _)| who == by)
            .filter_map(|(_, spoken)| Some((spoken, spoken.receipt.as_deref()?)))
            .filter(|(spoken, _)| word.is_said_by(spoken, message.decided_at))
            .map(|(spoken, receipt)| (spoken.at, receipt))
            .max()?;
        last = last.max(Some(told));
    }
    last.map(|(at, receipt)| (at, receipt.to_owned()))
}

/// Until when a message waits for an installation; the reason when it does not.
fn wait_for(
    message: &Waiting<'_>,
    other: &Other,
    spoken: &[(Name, Spoken)],
    now: UnixMillis,
) -> Result<UnixMillis, Because> {
    let twin = other.name.clone();
    let hold_ms = i64::try_from(other.hold_ms).unwrap_or(i64::MAX);
    let silent_ms = (SILENT_S * 1_000) as i64;
    let (heard_at, blind) = match &other.hearing {
        Hearing::NotBelieved { why } => {
            return Err(Because::NotBelieved { twin, why: why.clone() });
        }
        // Whoever starts may have missed what the other told meanwhile: that is worth a question,
        // also to the one who speaks first.
        Hearing::NotYet { since } => {
            let until = since.plus(silent_ms.min(hold_ms));
            return match now < until {
                true => Ok(until),
                false => Err(Because::Silent { twin, since: None }),
            };
        }
        Hearing::Heard { at, blind } => (*at, blind),
    };
    if now.millis_since(heard_at) >= silent_ms {
        return Err(match other.is_first {
            true => Because::Silent { twin, since: Some(heard_at) },
            false => Because::First,
        });
    }
    let at_most = message.decided_at.plus((UNDER_WAY_S * 1_000) as i64);
    let is_under_way = message.words.iter().all(|word| {
        let mut of_twin = spoken.iter().filter(|(who, _)| *who == other.name);
        of_twin.any(|(_, spoken)| word.is_said_by(spoken, message.decided_at))
    });
    if is_under_way && now < at_most {
        return Ok(now.plus(silent_ms).min(at_most));
    }
    if !other.is_first {
        return Err(Because::First);
    }
    if let Some(chain_id) = message.chains.iter().copied().find(|id| blind.contains(id)) {
        return Err(Because::Blind { twin, chain_id });
    }
    let until = message.decided_at.plus(hold_ms);
    if now < until {
        return Ok(until);
    }
    // What it said before the time was up may be old by now: its next word decides.
    match heard_at < until {
        true => Ok(heard_at.plus(silent_ms)),
        false => Err(Because::NotTold { twin }),
    }
}

#[cfg(test)]
mod tests;
