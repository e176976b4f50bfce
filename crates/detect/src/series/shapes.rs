//! Stretches of the series, remembered and compared.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Numbers that describe a stretch.
const NUMBERS: usize = 8;

/// Stretches remembered. Each new one takes the place of one at random, so that old ones fade away.
const STRETCHES: usize = 300;

/// One in this many new stretches, in thirds, is not remembered once the memory is full.
const DRAWS: u64 = STRETCHES as u64 * 3 / 2;

/// Stretches before any is called unusual.
const WARM_UP: usize = 20;

/// A stretch is as unusual as it is far from the one remembered that is this near: the third, for
/// one odd stretch must not make the next one usual.
const NEIGHBOUR: usize = 3;

/// Memory of stretches of `NUMBERS * width` values, each as the means over `width` values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Shapes {
    width: usize,
    recent: VecDeque<f32>,
    remembered: Vec<[f32; NUMBERS]>,
    seen: u64,
    /// State of the draws: they only spread the forgetting, so a fixed beginning does no harm.
    draw: u64,
}

impl Shapes {
    pub(super) fn new(width: usize) -> Self {
        Self {
            width,
            recent: VecDeque::with_capacity(NUMBERS * width),
            remembered: Vec::new(),
            seen: 0,
            draw: 0x9e37_79b9_7f4a_7c15,
        }
    }

    /// Whether a state that was read has the form that this code indexes into.
    pub(super) fn is_sound(&self) -> bool {
        (1..=64).contains(&self.width)
            && self.recent.len() <= NUMBERS * self.width
            && self.remembered.len() <= STRETCHES
    }

    /// Forgets the stretch at hand: it would reach over a time without data.
    pub(super) fn interrupt(&mut self) {
        self.recent.clear();
    }

    /// Adds a value in spreads; the distance of the stretch that ends here from those remembered.
    /// Large values are compressed (sign(z) ln(1+|z|)), or one spike would be all that is compared.
    pub(super) fn push(&mut self, z: f64) -> f64 {
        let compressed = libm::copysign(libm::log1p(z.abs()), z) as f32;
        if self.recent.len() == NUMBERS * self.width {
            self.recent.pop_front();
        }
        self.recent.push_back(compressed);
        self.seen += 1;
        if self.recent.len() < NUMBERS * self.width {
            return 0.0;
        }
        let mut stretch = [0.0_f32; NUMBERS];
        for (i, value) in self.recent.iter().enumerate() {
            stretch[i / self.width] += value / self.width as f32;
        }
        let distance = self.distance(&stretch);
        if self.seen.is_multiple_of(self.width as u64) {
            self.remember(stretch);
        }
        distance
    }

    fn distance(&self, stretch: &[f32; NUMBERS]) -> f64 {
        if self.remembered.len() <= WARM_UP {
            return 0.0;
        }
        let mut nearest = [f32::INFINITY; NEIGHBOUR];
        for other in &self.remembered {
            let apart: f32 = other.iter().zip(stretch).map(|(a, b)| (a - b) * (a - b)).sum();
            if apart < nearest[NEIGHBOUR - 1] {
                let at = nearest.partition_point(|n| *n <= apart);
                nearest[at..].rotate_right(1);
                nearest[at] = apart;
            }
        }
        libm::sqrt(f64::from(nearest[NEIGHBOUR - 1]))
    }

    fn remember(&mut self, stretch: [f32; NUMBERS]) {
        if self.remembered.len() < STRETCHES {
            self.remembered.push(stretch);
            return;
        }
        // Knuth's linear congruential generator; its high bits are good enough for forgetting.
        self.draw = self
            .draw
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let drawn = (self.draw >> 33) % DRAWS;
        if let Some(place) = self.remembered.get_mut(drawn as usize) {
            *place = stretch;
        }
    }
}
