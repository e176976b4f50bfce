//! The canaries of one network: when the next one is due, which have not arrived, how long they took.
//!
//! Pure: time is an argument.

use std::collections::VecDeque;

use model::{AlertId, B256, BlockRef, Name, UnixMillis};

use super::{Flight, Point};

/// Canaries that are on their way at one time and remembered: the oldest, which says since when none
/// came through, and the newest of the others.
pub const FLIGHTS_MAX: usize = 16;

/// Canaries whose times are remembered: a day at the usual pace.
pub const ARRIVED_KEPT: usize = 288;

/// Blocks of which it is remembered when the follower brought them: an hour and a half of mainnet, and
/// as many as are judged in one step while catching up, many times over.
pub const SEEN_MAX: usize = 512;

/// How often there is a canary, and how long it may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Time between two of them; `None`: there are none.
    pub every_ms: Option<u64>,
    /// One that takes longer does not arrive.
    pub within_ms: u64,
}

impl Settings {
    /// Five minutes: a path that broke is known long before the next round of a dead-man's switch,
    /// and 288 small alerts a day cost nothing.
    pub const EVERY_MS_DEFAULT: u64 = 300_000;

    /// A minute: the path takes milliseconds, some seconds in a storm, and a stage that stands still is
    /// named after half of it.
    pub const WITHIN_MS_DEFAULT: u64 = 60_000;
}

impl Default for Settings {
    fn default() -> Self {
        Self { every_ms: Some(Self::EVERY_MS_DEFAULT), within_ms: Self::WITHIN_MS_DEFAULT }
    }
}

/// A canary that does not arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hanging {
    /// The block that it was made of.
    pub block: BlockRef,
    /// How long ago, in milliseconds.
    pub age_ms: u64,
    /// The point that it does not come past.
    pub point: Point,
}

/// How long canaries took from one point to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The newest of those that arrived, in milliseconds.
    pub last_ms: u64,
    /// Half of them took no longer.
    pub median_ms: u64,
    /// 99 of 100 took no longer.
    pub p99_ms: u64,
}

/// The canaries of one network at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanaryState {
    /// Network.
    pub network: Name,
    /// Time between two of them.
    pub every_ms: u64,
    /// The newest that arrived.
    pub newest: Option<Flight>,
    /// How long ago it arrived, in milliseconds.
    pub arrived_ago_ms: Option<u64>,
    /// Those that arrived since the start.
    pub arrived: u64,
    /// Those that a younger one overtook: something on the path lost them.
    pub lost: u64,
    /// Since when none arrives, if one takes longer than it may.
    pub hanging: Option<Hanging>,
    /// How long they took to each point from the one before it.
    pub to: Vec<(Point, Span)>,
    /// How long they took from the first point to the sink.
    pub whole: Option<Span>,
}

/// The canaries of one network.
#[derive(Debug, Clone, Default)]
pub struct Track {
    settings: Settings,
    /// When the newest was made.
    made_at: Option<UnixMillis>,
    /// On their way, the oldest first.
    pub(super) flying: VecDeque<Flight>,
    /// At the sink, the newest last.
    pub(super) landed: VecDeque<Flight>,
    /// When the follower brought blocks, the newest last.
    pub(super) seen: VecDeque<(B256, UnixMillis)>,
    arrived: u64,
    lost: u64,
}

impl Track {
    /// A network of which nothing flew yet.
    pub fn new(settings: Settings) -> Self {
        Self { settings, ..Self::default() }
    }

    /// Goes on by other settings: what is on its way is not awaited any more, because whoever carried
    /// it may have been stopped.
    pub fn begin_again(&mut self, settings: Settings) {
        self.settings = settings;
        self.made_at = None;
        self.flying.clear();
    }

    /// The follower brought a block.
    pub fn saw(&mut self, block: B256, now: UnixMillis) {
        if self.seen.len() >= SEEN_MAX {
            self.seen.pop_front();
        }
        self.seen.push_back((block, now));
    }

    /// Whether the next judged block should bring a canary: the pace says so, or the newest one was
    /// made and never stored, which is tried again.
    pub fn is_due(&self, now: UnixMillis) -> bool {
        let Some(every_ms) = self.settings.every_ms else { return false };
        let was_stored = self.flying.back().is_none_or(Flight::is_stored);
        let is_time = |made: UnixMillis| now.millis_since(made).unsigned_abs() >= every_ms;
        !was_stored || self.made_at.is_none_or(is_time)
    }

    /// A canary was made of a judged block.
    pub fn made(&mut self, alert: AlertId, block: BlockRef, now: UnixMillis) {
        let seen = self.seen.iter().rev().find(|(hash, _)| *hash == block.hash);
        let mut flight = Flight::new(alert, block, seen.map(|(_, at)| *at), now);
        match self.flying.back().copied().filter(|newest| !newest.is_stored()) {
            Some(failed) => {
                // It is the same attempt still: it began when the first one did.
                flight = Flight::new(alert, block, failed.passed(Point::Seen), failed.made_at());
                self.flying.pop_back();
            }
            None => self.made_at = Some(now),
        }
        if self.flying.len() >= FLIGHTS_MAX {
            self.flying.pop_back();
            self.lost += 1;
        }
        self.flying.push_back(flight);
    }

    /// A canary came past a point; `false` when it is none that is awaited here.
    pub fn pass(&mut self, alert: AlertId, point: Point, now: UnixMillis) -> bool {
        let Some(at) = self.flying.iter().position(|flight| flight.alert == alert) else {
            return false;
        };
        self.flying[at].pass(point, now);
        if point == Point::Delivered {
            // The path works: those before it went missing on the way.
            self.lost += at as u64;
            self.arrived += 1;
            if self.landed.len() >= ARRIVED_KEPT {
                self.landed.pop_front();
            }
            self.landed.extend(self.flying.drain(..=at).next_back());
        }
        true
    }

    /// As it is now; `None` when there are no canaries.
    pub fn state(&self, network: &Name, now: UnixMillis) -> Option<CanaryState> {
        let every_ms = self.settings.every_ms?;
        let age_ms = |at: UnixMillis| now.millis_since(at).max(0).unsigned_abs();
        let newest = self.landed.back().copied();
        let hanging = self.flying.front().and_then(|oldest| {
            let (age_ms, block) = (age_ms(oldest.made_at()), oldest.block);
            let is_late = age_ms > self.settings.within_ms;
            is_late.then_some(Hanging { block, age_ms, point: oldest.missing()? })
        });
        let to = Point::ALL.into_iter().filter_map(|point| {
            Some((point, span(self.landed.iter().map(|flight| flight.took_ms(point)))?))
        });
        Some(CanaryState {
            network: network.clone(),
            every_ms,
            arrived_ago_ms: newest.and_then(|flight| flight.passed(Point::Delivered)).map(age_ms),
            newest,
            arrived: self.arrived,
            lost: self.lost,
            hanging,
            to: to.collect(),
            whole: span(self.landed.iter().map(Flight::whole_ms)),
        })
    }
}

/// `None` when nothing is known. The newest is the last.
fn span(took_ms: impl Iterator<Item = Option<u64>>) -> Option<Span> {
    let mut known: Vec<u64> = took_ms.flatten().collect();
    let last_ms = *known.last()?;
    known.sort_unstable();
    // The smallest value that so many in a hundred do not exceed.
    let rank = |percent: usize| known[(known.len() * percent).div_ceil(100).max(1) - 1];
    Some(Span { last_ms, median_ms: rank(50), p99_ms: rank(99) })
}
