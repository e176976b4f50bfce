//! What a public channel bears: beyond it one message says how many more there are.

use model::{AlertId, Severity, UnixMillis};
use serde::{Deserialize, Serialize};

/// Messages that a channel bears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// So many at once.
    pub burst: u32,
    /// So many an hour in the long run.
    pub per_hour: u32,
}

impl Default for Allowance {
    /// Six at once, twelve an hour: who follows several protocols still reads them.
    fn default() -> Self {
        Self { burst: 6, per_hour: 12 }
    }
}

/// A message, in the parts in which room is counted: an allowance of one an hour gains one part a
/// millisecond, so nothing is lost to rounding.
const MESSAGE: u64 = 60 * 60 * 1_000;

/// How much of its allowance a channel has left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meter {
    /// In parts of a message.
    room: u64,
    filled_at: UnixMillis,
}

impl Meter {
    /// A channel that said nothing yet.
    pub fn new(allowance: Allowance, now: UnixMillis) -> Self {
        Self { room: u64::from(allowance.burst.max(1)) * MESSAGE, filled_at: now }
    }

    fn fill(&mut self, allowance: Allowance, now: UnixMillis) {
        let since_ms = now.millis_since(self.filled_at).max(0).unsigned_abs();
        let gain = since_ms.saturating_mul(u64::from(allowance.per_hour.max(1)));
        let most = u64::from(allowance.burst.max(1)) * MESSAGE;
        self.room = self.room.saturating_add(gain).min(most);
        self.filled_at = self.filled_at.max(now);
    }

    /// Messages that it bears now.
    fn messages(&self) -> usize {
        usize::try_from(self.room / MESSAGE).unwrap_or(usize::MAX)
    }

    fn take(&mut self) {
        self.room = self.room.saturating_sub(MESSAGE);
    }

    /// When it bears one more.
    pub fn next(&self, allowance: Allowance) -> UnixMillis {
        let lacking = MESSAGE.saturating_sub(self.room);
        let ms = lacking.div_ceil(u64::from(allowance.per_hour.max(1)));
        self.filled_at.plus(i64::try_from(ms).unwrap_or(i64::MAX))
    }
}

/// A notice that a channel has yet to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// About this alert.
    pub alert: AlertId,
    /// How bad: the worst speaks for the others.
    pub severity: Severity,
    /// Whether it ends or takes back what this channel told.
    pub is_end: bool,
    /// Since when it waits.
    pub since: UnixMillis,
}

/// A message of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bulletin {
    /// The alert that it is about.
    pub lead: AlertId,
    /// Further ones that it only counts.
    pub others: Vec<AlertId>,
}

/// What a channel says now of what waits. Each notice gets a message of its own as long as there is
/// room; the last room is for one that counts all the others, so nothing is dropped without a word.
/// Ends and retractions do not wait for room: without any, one message counts them all.
pub fn bulletins(
    mut waiting: Vec<Waiting>,
    meter: &mut Meter,
    allowance: Allowance,
    now: UnixMillis,
) -> Vec<Bulletin> {
    meter.fill(allowance, now);
    waiting.sort_by_key(|w| (!w.is_end, std::cmp::Reverse(w.severity), w.since, w.alert));
    let room = meter.messages();
    if room == 0 {
        let ends: Vec<AlertId> = waiting.iter().filter(|w| w.is_end).map(|w| w.alert).collect();
        return together(&ends).into_iter().collect();
    }
    let alone = if waiting.len() <= room { waiting.len() } else { room - 1 };
    let (alone, rest) = waiting.split_at(alone);
    let one = |waiting: &Waiting| Bulletin { lead: waiting.alert, others: Vec::new() };
    let mut said: Vec<Bulletin> = alone.iter().map(one).collect();
    let rest: Vec<AlertId> = rest.iter().map(|w| w.alert).collect();
    said.extend(together(&rest));
    said.iter().for_each(|_| meter.take());
    said
}

fn together(alerts: &[AlertId]) -> Option<Bulletin> {
    let (lead, others) = alerts.split_first()?;
    Some(Bulletin { lead: *lead, others: others.to_vec() })
}
