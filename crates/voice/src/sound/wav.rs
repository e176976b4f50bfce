//! What a synthesiser writes: RIFF/WAVE, of any rate, width and number of channels.

use std::io::Cursor;

use hound::{SampleFormat, WavReader};

use super::{RATE, SOUND_S_MAX, Sound, resample};

/// Rates that a synthesiser may use.
const RATES: std::ops::RangeInclusive<u32> = 4_000..=192_000;

/// Loudness that speech is brought to: its highest sample at −3 dB of full scale.
const PEAK: f64 = 0.7;

/// Why bytes are no sound.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SoundError {
    /// Not WAV, or one that cannot be read.
    #[error("it is not a WAV file: {0}")]
    Wav(String),
    /// No rate of sound.
    #[error("{0} samples a second are no rate of speech")]
    Rate(u32),
    /// No channels, or far too many.
    #[error("it has {0} channels")]
    Channels(u16),
    /// Nothing to hear.
    #[error("it is silent")]
    Silent,
}

impl Sound {
    /// Reads a WAV file. One whose header says that it is longer than it is — what is written to a
    /// pipe cannot say how long it will be — is read as far as it goes.
    ///
    /// # Errors
    /// When it is none, or not one of sound.
    pub fn from_wav(bytes: &[u8]) -> Result<Self, SoundError> {
        let mut reader = WavReader::new(Cursor::new(bytes))
            .map_err(|error| SoundError::Wav(error.to_string()))?;
        let spec = reader.spec();
        if !RATES.contains(&spec.sample_rate) {
            return Err(SoundError::Rate(spec.sample_rate));
        }
        if !(1..=8).contains(&spec.channels) {
            return Err(SoundError::Channels(spec.channels));
        }
        let frames_max = SOUND_S_MAX * spec.sample_rate as usize;
        let channels = usize::from(spec.channels);
        let samples: Vec<f64> = match spec.sample_format {
            SampleFormat::Float => reader
                .samples::<f32>()
                .map_while(Result::ok)
                .take(frames_max * channels)
                .map(f64::from)
                .collect(),
            SampleFormat::Int => {
                let full = 2f64.powi(i32::from(spec.bits_per_sample.clamp(1, 32)) - 1);
                reader
                    .samples::<i32>()
                    .map_while(Result::ok)
                    .take(frames_max * channels)
                    .map(|sample| f64::from(sample) / full)
                    .collect()
            }
        };
        let mono: Vec<f64> = samples
            .chunks_exact(channels)
            .map(|frame| frame.iter().sum::<f64>() / channels as f64)
            .map(|sample| if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 })
            .collect();
        let slow = resample::to_8_khz(&mono, spec.sample_rate);
        debug_assert!(slow.len() <= SOUND_S_MAX * RATE as usize + 1);
        let loudest = slow.iter().fold(0.0f64, |most, sample| most.max(sample.abs()));
        // Whispers are raised, but what is silent is not made into noise.
        let gain = if loudest > 0.01 { PEAK / loudest } else { 1.0 };
        let samples = slow
            .into_iter()
            .map(|sample| (sample * gain * f64::from(i16::MAX)).round() as i16)
            .collect();
        Ok(Self::new(samples))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sound::tests::wav;

    #[test]
    fn a_file_of_another_rate_lasts_as_long_as_before() {
        for rate in [8_000, 16_000, 22_050, 44_100] {
            let sound = Sound::from_wav(&wav(rate, rate * 2)).unwrap();
            assert!((1_999..=2_000).contains(&sound.duration_ms()), "{rate}");
            assert!(!sound.is_silent());
        }
    }

    #[test]
    fn a_pipe_cannot_know_its_length_beforehand() {
        let mut bytes = wav(22_050, 22_050);
        bytes[4..8].copy_from_slice(&0x7fff_f024u32.to_le_bytes());
        bytes[40..44].copy_from_slice(&0x7fff_f000u32.to_le_bytes());
        assert_eq!(Sound::from_wav(&bytes).unwrap().duration_ms(), 1_000);
    }

    #[test]
    fn what_is_no_sound_says_why() {
        assert!(matches!(Sound::from_wav(b"RIFF"), Err(SoundError::Wav(_))));
        assert_eq!(Sound::from_wav(&wav(1, 8)), Err(SoundError::Rate(1)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(
            head in proptest::collection::vec(any::<(u8, u8)>(), 0..6),
            tail in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let mut bytes = wav(16_000, 200);
            for (at, byte) in head {
                bytes[usize::from(at) % 44] = byte;
            }
            bytes.extend(tail);
            let _read = Sound::from_wav(&bytes);
        }
    }
}
