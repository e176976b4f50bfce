//! The fold: value in, score out, everything learned afterwards.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{
    extremes::Extremes,
    level::Level,
    onset::Onset,
    season::{Rhythm, Season},
    shapes::Shapes,
    shift::PageHinkley,
    tail::Tail,
};

/// Score from which a row deserves a person's eye: a sign that appears once in a thousand values.
pub const ALARM_SCORE: f64 = 0.5;

/// A surprise of one in a thousand scores one half.
const HALF_SCORE_SURPRISE: f64 = 3.0;

/// Values whose median is the level of the moment: an hour of five-minute values.
const MOMENT: usize = 12;

/// Smallest spread believed in, as a share of the range seen, of the typical spread, and of the
/// level: a series that hardly moves must not make a nothing an outlier.
const FLOOR_OF_RANGE: f64 = 1e-3;
const FLOOR_OF_SPREAD: f64 = 0.02;
const FLOOR_OF_LEVEL: f64 = 1e-9;

/// A time between two values of more than this many usual ones is a time without data.
const GAP: f64 = 3.0;

/// A run of equal values shorter than this is nothing.
const RUN_MIN: u32 = 12;

/// Changes of a series before standing still means anything.
const CHANGES_MIN: u32 = 100;

/// Drift and limit, in spreads, of the test for a change of regime: it finds a lasting shift of two
/// spreads after about two hundred values.
const REGIME_DRIFT: f64 = 1.0;
const REGIME_LIMIT: f64 = 200.0;

/// Deviations are pulled in to this many spreads before that test, so that a spike is no regime.
const REGIME_WINSOR: f64 = 3.0;

/// Values are pulled in to this magnitude, so that no difference or square of them is infinite.
const VALUE_MAX: f64 = 1e100;

/// Version of the serialised state; a state of another version is not read.
const VERSION: u16 = 1;

/// What makes a value unusual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// A change from the last value unlike the changes before: a spike, or the edge of a step.
    Jump,
    /// A value further out than anything before.
    Range,
    /// A level of the moment further out than any before: a step, a drift.
    Level,
    /// A value unusual for the time of day or of the week.
    Season,
    /// A stretch of values unlike the stretches remembered.
    Shape,
    /// The same value for longer than ever: a sensor that died, a counter that stands.
    Stuck,
}

impl Sign {
    /// All signs, in the order in which a tie is told.
    pub const ALL: [Sign; SIGNS] =
        [Sign::Jump, Sign::Range, Sign::Level, Sign::Season, Sign::Shape, Sign::Stuck];

    /// One word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Sign::Jump => "jump",
            Sign::Range => "range",
            Sign::Level => "level",
            Sign::Season => "season",
            Sign::Shape => "shape",
            Sign::Stuck => "stuck",
        }
    }
}

const SIGNS: usize = 6;

/// What would have been usual.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usual {
    /// Expected value.
    pub expected: f64,
    /// One spread around it.
    pub spread: f64,
    /// The rhythm that the expectation rests on, if the series has one.
    pub rhythm: Option<Rhythm>,
}

/// A value, judged by what was known before it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// How much something new begins here, in [0, 1]; 0 also where an event told before goes on.
    pub score: f64,
    /// The strongest sign.
    pub sign: Option<Sign>,
    /// How improbable the signs are in the series' own past: the root of the sum of the squares of
    /// -log10 of their tail probabilities. One sign alone keeps its own; several at once weigh more
    /// than the strongest, but they overlap too much to be summed.
    pub surprise: f64,
    /// Probability of a surprise this large at any row of this series, whatever the sign: the number
    /// to hold against a budget of false alarms. It is told below about one in a thousand; what is
    /// less rare has 1.
    pub tail: f64,
    /// What was usual, once there was anything.
    pub usual: Option<Usual>,
    /// The level has moved for good, and is learned anew from here.
    pub is_new_regime: bool,
}

impl Scored {
    /// Of a value that is none.
    const MISSING: Scored = Scored {
        score: 0.0,
        sign: None,
        surprise: 0.0,
        tail: 1.0,
        usual: None,
        is_new_regime: false,
    };
}

/// Judges one series, value by value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scorer {
    version: u16,
    rows: u64,
    last: Option<(i64, f64)>,
    /// Usual seconds between two values.
    interval: Level,
    level: Level,
    change: Level,
    range: Extremes,
    moment: VecDeque<f64>,
    moment_range: Extremes,
    season: Season,
    season_range: Extremes,
    shapes: Shapes,
    run: u32,
    run_longest: u32,
    changes: u32,
    regime: PageHinkley,
    tails: [Tail; SIGNS],
    surprises: Tail,
    onset: Onset,
}

impl Default for Scorer {
    fn default() -> Self {
        Self::new()
    }
}

impl Scorer {
    /// A scorer that has seen nothing.
    pub fn new() -> Self {
        Self {
            version: VERSION,
            rows: 0,
            last: None,
            interval: Level::new(0.05, 0.05),
            level: Level::new(0.005, 0.002),
            change: Level::new(0.01, 0.002),
            range: Extremes::new(),
            moment: VecDeque::with_capacity(MOMENT),
            moment_range: Extremes::new(),
            season: Season::new(),
            season_range: Extremes::new(),
            shapes: Shapes::new(2),
            run: 0,
            run_longest: 0,
            changes: 0,
            regime: PageHinkley::new(REGIME_DRIFT),
            tails: std::array::from_fn(|_| Tail::new()),
            surprises: Tail::new(),
            onset: Onset::new(),
        }
    }

    /// Values judged so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Judges `value` at `at` (seconds since 1970) and learns from it. A value that is not finite is
    /// missing: it is neither judged nor learned from. Times may repeat or step back; a value is then
    /// judged by its own time of day, and no time is taken for a gap.
    pub fn push(&mut self, at: i64, value: f64) -> Scored {
        if !value.is_finite() {
            return Scored::MISSING;
        }
        let value = value.clamp(-VALUE_MAX, VALUE_MAX);
        let floor = self.floor();
        let usual = self.usual(at, floor);
        let change = self.last.map(|(_, last)| value - last);
        self.follow_time(at);
        self.follow_run(change);
        let row = Row {
            at,
            value,
            floor,
            change,
            median: self.follow_moment(value),
            residual: usual.rhythm.map(|_| value - usual.expected),
        };
        let signs = self.signs(&row, &usual);
        let (sign, surprise) = self.surprise(signs);
        let tail = self.surprises.probability(surprise);
        self.surprises.learn(surprise);
        let new = self.onset.push(surprise);
        let usual = (self.rows > 0).then_some(usual);
        let is_new_regime = self.follow_regime(self.level.distance(value, floor));
        self.learn(&row);
        let score = new / (new + HALF_SCORE_SURPRISE);
        Scored { score, sign, surprise, tail, usual, is_new_regime }
    }

    /// Each sign's own number, in the order of [`Sign::ALL`].
    fn signs(&mut self, row: &Row, usual: &Usual) -> [f64; SIGNS] {
        let Row { value, floor, .. } = *row;
        let jump = row.change.map_or(0.0, |x| self.change.distance(x, floor).abs());
        let range = self.range.exceeded_by(value, floor);
        let level = row.median.map_or(0.0, |x| self.moment_range.exceeded_by(x, floor));
        let season = row.residual.map_or(0.0, |x| self.season_range.exceeded_by(x, floor));
        let shape = self.shapes.push((value - usual.expected) / usual.spread.max(floor));
        [jump, range, level, season, shape, self.stuck()]
    }

    /// The strongest sign and the surprise of all together, each held against its own past, which
    /// then includes it.
    fn surprise(&mut self, signs: [f64; SIGNS]) -> (Option<Sign>, f64) {
        let (mut sign, mut strongest, mut sum) = (None, 0.0, 0.0);
        for (i, (tail, x)) in self.tails.iter_mut().zip(signs).enumerate() {
            let own = tail.surprise(x);
            tail.learn(x);
            sum += own * own;
            if own > strongest {
                (sign, strongest) = (Some(Sign::ALL[i]), own);
            }
        }
        (sign, libm::sqrt(sum))
    }

    /// The state, to be stored; a few ten thousand bytes however long the series.
    pub fn to_bytes(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("a plain struct in memory always serialises")
    }

    /// A scorer that goes on where the one that was stored left off.
    ///
    /// # Errors
    ///
    /// [`StateError`] when the bytes are of another version, or not a state.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateError> {
        let (found, _) =
            postcard::take_from_bytes::<u16>(bytes).map_err(|_| StateError::Malformed)?;
        if found != VERSION {
            return Err(StateError::Version { found });
        }
        let scorer: Self = postcard::from_bytes(bytes).map_err(|_| StateError::Malformed)?;
        let is_sound =
            scorer.moment.len() <= MOMENT && scorer.season.is_sound() && scorer.shapes.is_sound();
        if is_sound { Ok(scorer) } else { Err(StateError::Malformed) }
    }

    /// The smallest spread believed in.
    fn floor(&self) -> f64 {
        (FLOOR_OF_RANGE * self.range.width())
            .max(FLOOR_OF_SPREAD * self.level.spread())
            .max(FLOOR_OF_LEVEL * self.level.mean().abs())
            .max(f64::MIN_POSITIVE)
    }

    fn usual(&self, at: i64, floor: f64) -> Usual {
        match self.season.forecast(at) {
            Some((expected, rhythm)) => {
                Usual { expected, spread: self.season.spread().max(floor), rhythm: Some(rhythm) }
            }
            None => Usual {
                expected: self.level.mean(),
                spread: self.level.spread().max(floor),
                rhythm: None,
            },
        }
    }

    /// Learns how often values come, and lets go of stretches that would reach over a gap.
    fn follow_time(&mut self, at: i64) {
        let Some((last_at, _)) = self.last else { return };
        let passed = at.saturating_sub(last_at) as f64;
        if passed <= 0.0 {
            return;
        }
        let usual = self.interval.mean();
        if usual > 0.0 && passed > GAP * usual {
            self.shapes.interrupt();
            self.moment.clear();
            self.run = 0;
        }
        self.interval.learn(passed, 0.0);
    }

    /// Learns the level anew once it has moved for good.
    fn follow_regime(&mut self, deviation: f64) -> bool {
        let statistic = self.regime.push(deviation.clamp(-REGIME_WINSOR, REGIME_WINSOR));
        let has_moved = statistic > REGIME_LIMIT;
        if has_moved {
            self.regime.reset();
            self.level.hurry();
        }
        has_moved
    }

    /// Counts how long the value has stood still; a run counts as the longest once it is over.
    fn follow_run(&mut self, change: Option<f64>) {
        if change == Some(0.0) {
            self.run = self.run.saturating_add(1);
            return;
        }
        self.run_longest = self.run_longest.max(self.run);
        self.changes = self.changes.saturating_add(1);
        self.run = 0;
    }

    /// How much longer than ever the value has stood still, in a series that is used to move.
    fn stuck(&self) -> f64 {
        let is_long = self.run >= RUN_MIN && self.run / 2 > self.run_longest;
        if self.changes < CHANGES_MIN || !is_long {
            return 0.0;
        }
        f64::from(self.run) / f64::from(self.run_longest.max(RUN_MIN / 2))
    }

    /// The median of the moment, once there are enough values since the last gap.
    fn follow_moment(&mut self, value: f64) -> Option<f64> {
        if self.moment.len() == MOMENT {
            self.moment.pop_front();
        }
        self.moment.push_back(value);
        (self.moment.len() == MOMENT).then(|| median(&self.moment))
    }

    fn learn(&mut self, row: &Row) {
        let Row { at, value, floor, change, median, residual } = *row;
        self.range.learn(value, floor);
        if let Some(median) = median {
            self.moment_range.learn(median, floor);
        }
        if let Some(residual) = residual {
            self.season_range.learn(residual, floor);
        }
        self.season.learn(at, value, self.level.mean(), floor);
        self.level.learn(value, floor);
        if let Some(change) = change {
            self.change.learn(change, floor);
        }
        self.last = Some((at, value));
        self.rows += 1;
    }
}

/// A value with what is derived from it before anything learns.
struct Row {
    at: i64,
    value: f64,
    /// The smallest spread believed in at this row.
    floor: f64,
    /// From the last value.
    change: Option<f64>,
    /// Of the moment.
    median: Option<f64>,
    /// From the forecast of the season.
    residual: Option<f64>,
}

/// Of as many values as a moment has.
fn median(values: &VecDeque<f64>) -> f64 {
    let mut sorted = [0.0; MOMENT];
    for (place, value) in sorted.iter_mut().zip(values) {
        *place = *value;
    }
    sorted.sort_by(f64::total_cmp);
    sorted[MOMENT / 2]
}

/// Why a stored state cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// Written by another version of the scorer.
    #[error("state of a series has version {found}, this program reads {VERSION}")]
    Version {
        /// Its version.
        found: u16,
    },
    /// Not a state at all, or cut short.
    #[error("state of a series does not decode")]
    Malformed,
}
