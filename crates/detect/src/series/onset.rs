//! One event speaks once.

use serde::{Deserialize, Serialize};

/// Something new must surprise this many times as much as what is still being held.
const LOUDER: f64 = 1.25;

/// What was said is held for this share of the rows seen so far, within these bounds, fading all the
/// while. The upper one is a day of minutes.
const HELD_SHARE: f64 = 0.1;
const HELD_ROWS_MIN: f64 = 50.0;
const HELD_ROWS_MAX: f64 = 1_440.0;

/// The surprise that was last let through, fading linearly: while it lasts only something clearly
/// more surprising is let through.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Onset {
    held: f64,
    held_at: u64,
    rows: u64,
}

impl Onset {
    pub(super) fn new() -> Self {
        Self { held: 0.0, held_at: 0, rows: 0 }
    }

    /// `surprise` if it begins something, 0 if it goes on with it.
    pub(super) fn push(&mut self, surprise: f64) -> f64 {
        let row = self.rows;
        self.rows += 1;
        let lasting = (row as f64 * HELD_SHARE).clamp(HELD_ROWS_MIN, HELD_ROWS_MAX);
        let left = 1.0 - (row - self.held_at) as f64 / lasting;
        let held = self.held * left.max(0.0);
        if surprise > held {
            self.held = surprise;
            self.held_at = row;
        }
        if surprise > held * LOUDER { surprise } else { 0.0 }
    }
}
