//! Keys as sound: two tones at once, one of a row and one of a column (ITU-T Q.23), found with the
//! filter of Goertzel (1958).
//!
//! Speech holds such tones now and then, so a key must hold alone: for 60 ms, nearly all of the
//! energy in its two tones, the two about equally loud (ITU-T Q.24).

use std::f64::consts::TAU;

use super::Key;
use crate::sound::RATE;

/// Samples that are looked at together: 15 ms, whose filters are as wide as the least distance
/// between two tones (73 Hz), and so forgive a telephone that is 1.5 % off.
const BLOCK: usize = 120;

/// Blocks in a row that must hold the same key: 60 ms; telephones hold a key for 70 ms or more, most
/// for 100 ms.
const BLOCKS: u32 = 4;

/// Share of the energy that must lie in the two tones: what is left of it when both are 1.5 % off.
const SHARE_MIN: f64 = 0.65;

/// Most of a tone's energy that its neighbours may seem to have.
const NEIGHBOUR_MAX: f64 = 0.3;

/// Most that one tone may be louder than the other, in energy: 8 dB, the lines' own slope included.
const TWIST_MAX: f64 = 6.31;

/// Least loudness, as mean energy of a sample: −36 dB of full scale.
const ENERGY_MIN: f64 = 32_768.0 * 32_768.0 * 0.000_25;

const ROWS: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
const COLUMNS: [f64; 3] = [1_209.0, 1_336.0, 1_477.0];
const SIGNS: [[char; 3]; 4] = [['1', '2', '3'], ['4', '5', '6'], ['7', '8', '9'], ['*', '0', '#']];

/// Listens for keys in sound.
#[derive(Debug, Default)]
pub struct Tones {
    block: Vec<f64>,
    held: Option<(Key, u32)>,
}

impl Tones {
    /// Takes samples (at [`RATE`], of any number up to a packet's); the key, once it has been held
    /// long enough.
    pub fn hear(&mut self, samples: &[i16]) -> Option<Key> {
        let mut pressed = None;
        for &sample in samples {
            self.block.push(f64::from(sample));
            if self.block.len() < BLOCK {
                continue;
            }
            let key = key_in(&self.block);
            self.block.clear();
            self.held = match (key, self.held) {
                (Some(key), Some((held, blocks))) if key == held => Some((key, blocks + 1)),
                (Some(key), _) => Some((key, 1)),
                (None, _) => None,
            };
            if let Some((key, BLOCKS)) = self.held {
                pressed = Some(key);
            }
        }
        pressed
    }
}

fn key_in(block: &[f64]) -> Option<Key> {
    let energy: f64 = block.iter().map(|s| s * s).sum();
    let len = block.len() as f64;
    if energy / len < ENERGY_MIN {
        return None;
    }
    let (row, low) = loudest(block, &ROWS)?;
    let (column, high) = loudest(block, &COLUMNS)?;
    // The energy of a sine of amplitude a over n samples is a²n/2; the filter gives (an/2)².
    let in_tones = (low + high) * 2.0 / len;
    let is_even = low <= high * TWIST_MAX && high <= low * TWIST_MAX;
    if in_tones < SHARE_MIN * energy || !is_even {
        return None;
    }
    Key::new(SIGNS[row][column])
}

/// The loudest of some tones, if it stands out from the others.
fn loudest(block: &[f64], tones: &[f64]) -> Option<(usize, f64)> {
    let energies: Vec<f64> = tones.iter().map(|&hz| goertzel(block, hz)).collect();
    let (at, most) = energies.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let stands_out = energies
        .iter()
        .enumerate()
        .all(|(other, energy)| other == at || *energy <= most * NEIGHBOUR_MAX);
    stands_out.then_some((at, most))
}

/// Energy at a frequency.
fn goertzel(block: &[f64], hz: f64) -> f64 {
    let turn = 2.0 * (TAU * hz / f64::from(RATE)).cos();
    let (mut last, mut before) = (0.0, 0.0);
    for sample in block {
        (last, before) = (sample + turn * last - before, last);
    }
    last * last + before * before - turn * last * before
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(low: f64, high: f64, ms: usize) -> Vec<i16> {
        (0..ms * 8)
            .map(|i| {
                let at = TAU * i as f64 / f64::from(RATE);
                ((at * low).sin() * 6_000.0 + (at * high).sin() * 7_000.0) as i16
            })
            .collect()
    }

    fn heard(samples: &[i16]) -> String {
        let mut tones = Tones::default();
        samples.chunks(160).filter_map(|chunk| tones.hear(chunk)).map(Key::sign).collect()
    }

    #[test]
    fn every_key_is_heard_once() {
        for (row, low) in ROWS.iter().enumerate() {
            for (column, high) in COLUMNS.iter().enumerate() {
                let mut samples = vec![0; 777];
                samples.extend(press(*low, *high, 120));
                samples.extend(vec![0; 800]);
                assert_eq!(heard(&samples), SIGNS[row][column].to_string());
                // A line that is 1 % off in pitch.
                samples.extend(press(low * 1.01, high * 0.99, 120));
                assert_eq!(heard(&samples).len(), 2);
            }
        }
    }

    #[test]
    fn what_is_too_short_too_uneven_or_not_alone_is_no_key() {
        assert_eq!(heard(&press(697.0, 1_209.0, 40)), "");
        assert_eq!(heard(&press(697.0, 0.0, 200)), "", "one tone");
        assert_eq!(heard(&press(697.0, 800.0, 200)), "", "no column");
        let with_voice: Vec<i16> = press(697.0, 1_209.0, 200)
            .iter()
            .zip(press(300.0, 450.0, 200))
            .map(|(tone, voice)| tone / 2 + voice / 2)
            .collect();
        assert_eq!(heard(&with_voice), "");
    }
}
