//! Tones, where nothing can say words: a pattern that is taken for nothing else, and one beep for
//! each key of the menu.
//!
//! No tone lies near those of a keypad (697–1,633 Hz in pairs, ITU-T Q.23), so that an echo of ours
//! is never taken for a key, nor near the 2,100 Hz that telefax machines answer to.

use std::f64::consts::TAU;

use super::{RATE, Sound};

/// Loudness: −6 dB of full scale, well heard and not clipped by any line.
const LOUDNESS: f64 = 16_000.0;

/// Time in which a tone swells and fades, so that it does not click.
const EDGE_MS: u32 = 8;

fn tone(hz: f64, ms: u32) -> Sound {
    let len = ms * RATE / 1_000;
    let edge = f64::from(EDGE_MS * RATE / 1_000);
    let samples = (0..len)
        .map(|at| {
            let swell = (f64::from(at) / edge).min(f64::from(len - at) / edge).min(1.0);
            ((TAU * hz * f64::from(at) / f64::from(RATE)).sin() * LOUDNESS * swell) as i16
        })
        .collect();
    Sound::new(samples)
}

/// Three quick pairs of tones: this is no ordinary call.
pub fn attention() -> Sound {
    let pair = tone(520.0, 120).then(&tone(650.0, 120)).then(&Sound::silence(80));
    pair.clone().then(&pair).then(&pair).then(&Sound::silence(300))
}

/// The whole message without words: the alarm four times, with one beep, a pause and two beeps after
/// it, as the keys 1 and 2 are offered.
pub fn menu_tones() -> Sound {
    let alarm = attention().then(&attention());
    let beep = tone(440.0, 200).then(&Sound::silence(150));
    let offer = beep.clone().then(&Sound::silence(700)).then(&beep).then(&beep);
    alarm.clone().then(&offer).then(&Sound::silence(600)).then(&alarm).then(&offer)
}

/// Something was acknowledged.
pub fn rising() -> Sound {
    tone(440.0, 180).then(&tone(550.0, 180)).then(&tone(660.0, 300))
}

/// Something was passed on.
pub fn falling() -> Sound {
    tone(660.0, 180).then(&tone(550.0, 180)).then(&tone(440.0, 300))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Tones;

    #[test]
    fn no_tone_of_ours_is_taken_for_a_key() {
        for sound in [attention(), menu_tones(), rising(), falling()] {
            let mut tones = Tones::default();
            let keys: Vec<_> = sound.samples().chunks(160).filter_map(|c| tones.hear(c)).collect();
            assert_eq!(keys, []);
        }
    }

    #[test]
    fn the_message_without_words_is_short() {
        assert!((5_000..15_000).contains(&menu_tones().duration_ms()));
    }
}
