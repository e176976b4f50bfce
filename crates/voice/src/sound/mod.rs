//! Samples as a telephone has them: one channel, 8,000 a second, 16 bits.

mod alarm; //    tones, where nothing can say words
mod resample; // any rate to 8 kHz
mod wav; //      what a synthesiser writes

pub use alarm::{attention, falling, menu_tones, rising};
pub use wav::SoundError;

/// Samples a second on every telephone line with G.711 (ITU-T G.711).
pub const RATE: u32 = 8_000;

/// Longest sound that is kept: longer than anybody listens.
pub const SOUND_S_MAX: usize = 60;

/// A sound.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sound(Vec<i16>);

impl Sound {
    /// A sound of samples at [`RATE`]; what is beyond [`SOUND_S_MAX`] is not kept.
    pub fn new(mut samples: Vec<i16>) -> Self {
        samples.truncate(SOUND_S_MAX * RATE as usize);
        Self(samples)
    }

    /// Nothing to hear, for a while.
    pub fn silence(ms: u32) -> Self {
        Self::new(vec![0; (ms * (RATE / 1_000)) as usize])
    }

    /// Its samples.
    pub fn samples(&self) -> &[i16] {
        &self.0
    }

    /// How long it takes, in milliseconds.
    pub fn duration_ms(&self) -> u64 {
        self.0.len() as u64 * 1_000 / u64::from(RATE)
    }

    /// This, and then another.
    #[must_use]
    pub fn then(mut self, other: &Self) -> Self {
        self.0.extend_from_slice(&other.0);
        Self::new(self.0)
    }

    /// Whether nobody would hear it: no sample above a hundredth of full scale.
    pub fn is_silent(&self) -> bool {
        self.0.iter().all(|sample| sample.unsigned_abs() < 328)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A WAV file with a tone of 440 Hz.
    pub(crate) fn wav(rate: u32, frames: u32) -> Vec<u8> {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: rate,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut bytes = std::io::Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
        for at in 0..frames {
            let phase = std::f64::consts::TAU * 440.0 * f64::from(at) / f64::from(rate);
            writer.write_sample((phase.sin() * 10_000.0) as i16).unwrap();
        }
        writer.finalize().unwrap();
        bytes.into_inner()
    }

    #[test]
    fn a_sound_is_as_long_as_its_samples_and_never_longer_than_anybody_listens() {
        assert_eq!(Sound::silence(1_500).duration_ms(), 1_500);
        assert_eq!(Sound::new(vec![1; 10_000_000]).duration_ms(), 60_000);
        assert!(Sound::silence(10).is_silent());
        assert!(!attention().is_silent());
    }
}
