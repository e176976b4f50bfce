//! RTP packets (RFC 3550, section 5.1).
//!
//! ```text
//!  0: V=2 │P│X│ CC     1: M │ payload type     2–3: sequence     4–7: timestamp     8–11: SSRC
//!  12…: CC × 4 bytes of contributors, X: an extension, the payload, P: padding
//! ```

use super::Law;
use crate::sound::RATE;

/// Length of a packet's sound.
pub const FRAME_MS: u64 = 20;

/// Samples in a packet.
pub const FRAME_SAMPLES: usize = (RATE as u64 * FRAME_MS / 1_000) as usize;

const HEADER_LEN: usize = 12;

/// A packet that was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// What the payload is.
    pub payload_type: u8,
    /// Its time on the stream's clock.
    pub timestamp: u32,
    /// Who sends.
    pub source: u32,
    /// What is sent.
    pub payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads a datagram; `None` when it is not RTP.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let header: &[u8; HEADER_LEN] = bytes.first_chunk()?;
        let (has_padding, has_extension) = (header[0] & 0x20 != 0, header[0] & 0x10 != 0);
        let contributors = usize::from(header[0] & 0x0f);
        if header[0] >> 6 != 2 {
            return None;
        }
        let mut payload = bytes.get(HEADER_LEN + 4 * contributors..)?;
        if has_extension {
            let &[_, _, high, low] = payload.first_chunk()?;
            let words = usize::from(u16::from_be_bytes([high, low]));
            payload = payload.get(4 + 4 * words..)?;
        }
        if has_padding {
            let padding = usize::from(*payload.last()?);
            payload = payload.get(..payload.len().checked_sub(padding)?)?;
        }
        let word = |at: usize| {
            u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
        };
        Some(Self { payload_type: header[1] & 0x7f, timestamp: word(4), source: word(8), payload })
    }
}

/// Makes packets of sound.
#[derive(Debug, Clone)]
pub struct Packetiser {
    law: Law,
    sequence: u16,
    timestamp: u32,
    source: u32,
    has_begun: bool,
}

impl Packetiser {
    /// A stream that begins at random numbers, as the standard asks (section 5.1): whoever cannot see
    /// it cannot guess how it goes on.
    pub fn new(law: Law, random: (u16, u32, u32)) -> Self {
        let (sequence, timestamp, source) = random;
        Self { law, sequence, timestamp, source, has_begun: false }
    }

    /// The packet of the next [`FRAME_SAMPLES`] samples; what is missing is silence.
    pub fn next(&mut self, samples: &[i16]) -> Vec<u8> {
        let mut packet = Vec::with_capacity(HEADER_LEN + FRAME_SAMPLES);
        packet.push(2 << 6);
        let marker = if self.has_begun { 0 } else { 0x80 };
        packet.push(marker | self.law.payload_type());
        packet.extend(self.sequence.to_be_bytes());
        packet.extend(self.timestamp.to_be_bytes());
        packet.extend(self.source.to_be_bytes());
        let padded = samples.iter().copied().chain(std::iter::repeat(0));
        packet.extend(padded.take(FRAME_SAMPLES).map(|sample| self.law.pack(sample)));
        self.has_begun = true;
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(FRAME_SAMPLES as u32);
        packet
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_packed_is_read_again() {
        for law in [Law::Mu, Law::A] {
            let mut out = Packetiser::new(law, (u16::MAX, u32::MAX, 7));
            let samples: Vec<i16> = (0..160).map(|i| (i - 80) * 200).collect();
            let bytes = out.next(&samples);
            let packet = Packet::read(&bytes).unwrap();
            assert_eq!((packet.payload_type, packet.source), (law.payload_type(), 7));
            for (sample, byte) in samples.iter().zip(packet.payload) {
                let error = i32::from(*sample) - i32::from(law.unpack(*byte));
                assert!(error.abs() <= 512, "{sample}");
            }
            let next = out.next(&[]);
            let next = Packet::read(&next).unwrap();
            assert_eq!(next.timestamp, packet.timestamp.wrapping_add(160));
            assert!(next.payload.iter().all(|byte| law.unpack(*byte).abs() <= 8));
        }
    }

    #[test]
    fn contributors_extension_and_padding_are_no_payload() {
        let mut bytes = vec![0x80 | 0x20 | 0x10 | 1, 101, 0, 1, 0, 0, 0, 9, 0, 0, 0, 5];
        bytes.extend([9; 4]); //              a contributor
        bytes.extend([0xbe, 0xde, 0, 1, 1, 2, 3, 4]); // an extension of a word
        bytes.extend([1, 10, 0, 160, 0, 0, 3]); //      payload, padding of three
        let packet = Packet::read(&bytes).unwrap();
        assert_eq!((packet.payload_type, packet.timestamp), (101, 9));
        assert_eq!(packet.payload, [1, 10, 0, 160]);
    }

    proptest! {
        #[test]
        fn any_datagram_is_read_or_left(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Some(packet) = Packet::read(&bytes) {
                prop_assert!(packet.payload.len() + 12 <= bytes.len());
            }
        }
    }
}
