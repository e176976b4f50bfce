//! One canary, and the points it came past.

use model::{AlertId, BlockRef, UnixMillis};

/// A point on the way from a block to a delivery, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Point {
    /// The follower brought the block.
    Seen,
    /// The block was judged, and the canary made of it.
    Judged,
    /// Both are on disk.
    Stored,
    /// The pager took it from its inbox.
    Taken,
    /// The pager decided who hears of it.
    Decided,
    /// Its message is in the outbox.
    Queued,
    /// The sink has it.
    Delivered,
}

impl Point {
    /// All points.
    pub const ALL: [Self; 7] = [
        Self::Seen,
        Self::Judged,
        Self::Stored,
        Self::Taken,
        Self::Decided,
        Self::Queued,
        Self::Delivered,
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::Judged => "judged",
            Self::Stored => "stored",
            Self::Taken => "taken",
            Self::Decided => "decided",
            Self::Queued => "queued",
            Self::Delivered => "delivered",
        }
    }

    /// What has not happened to a canary that does not come past it, in a half sentence.
    pub fn missing(self) -> &'static str {
        match self {
            Self::Seen | Self::Judged => "it was not judged",
            Self::Stored => "it was judged, but is not stored",
            Self::Taken => "it is stored, but the pager has not taken it",
            Self::Decided => "the pager took it, but decided nothing",
            Self::Queued => "it was decided, but is not in the outbox",
            Self::Delivered => "it is in the outbox, but was not delivered",
        }
    }

    /// Whether everything that any network brings waits here, too.
    pub fn is_shared(self) -> bool {
        self >= Self::Taken
    }
}

/// One canary on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flight {
    /// Its alert.
    pub alert: AlertId,
    /// The block that it was made of.
    pub block: BlockRef,
    /// When it came past each point, by our clock.
    at: [Option<UnixMillis>; Point::ALL.len()],
}

impl Flight {
    /// One that was made of a block just now.
    pub fn new(alert: AlertId, block: BlockRef, seen: Option<UnixMillis>, now: UnixMillis) -> Self {
        let mut flight = Self { alert, block, at: [None; Point::ALL.len()] };
        // A clock that was put back must not make it arrive before it left.
        flight.at[Point::Seen as usize] = seen.map(|seen| seen.min(now));
        flight.at[Point::Judged as usize] = Some(now);
        flight
    }

    /// Notes when it came past a point; the first time counts.
    pub fn pass(&mut self, point: Point, now: UnixMillis) {
        self.at[point as usize].get_or_insert(now);
    }

    /// When it came past a point.
    pub fn passed(&self, point: Point) -> Option<UnixMillis> {
        self.at[point as usize]
    }

    /// Whether it is on disk.
    pub fn is_stored(&self) -> bool {
        self.passed(Point::Stored).is_some()
    }

    /// When it was made.
    pub fn made_at(&self) -> UnixMillis {
        self.passed(Point::Judged).unwrap_or_default()
    }

    /// The first point that it has yet to come past; `None`: it arrived.
    pub fn missing(&self) -> Option<Point> {
        let last = Point::ALL.into_iter().rev().find(|point| self.passed(*point).is_some());
        Point::ALL.into_iter().find(|point| last.is_none_or(|last| *point > last))
    }

    /// Milliseconds from the point before that it came past to this one.
    pub fn took_ms(&self, point: Point) -> Option<u64> {
        let before = Point::ALL.into_iter().rev().filter(|before| *before < point);
        let before = before.filter_map(|before| self.passed(before)).next()?;
        Some(ms(before, self.passed(point)?))
    }

    /// Milliseconds from the first point to the sink.
    pub fn whole_ms(&self) -> Option<u64> {
        let first = Point::ALL.into_iter().find_map(|point| self.passed(point))?;
        Some(ms(first, self.passed(Point::Delivered)?))
    }
}

fn ms(from: UnixMillis, to: UnixMillis) -> u64 {
    to.millis_since(from).max(0).unsigned_abs()
}
