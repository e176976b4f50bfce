//! The voice's own protocol: RTP packets with G.711, and the descriptions in which both sides agree
//! on them.

mod rtp;
mod sdp;

pub use rtp::{FRAME_MS, FRAME_SAMPLES, Packet, Packetiser};
pub use sdp::{Answer, SdpFault, offer};

/// How samples are packed into bytes (ITU-T G.711): the two that every telephone line speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Law {
    /// µ-law: PCMU, payload type 0 (RFC 3551).
    Mu,
    /// A-law: PCMA, payload type 8.
    A,
}

impl Law {
    /// Payload type.
    pub fn payload_type(self) -> u8 {
        match self {
            Self::Mu => 0,
            Self::A => 8,
        }
    }

    /// One sample packed.
    pub fn pack(self, sample: i16) -> u8 {
        match self {
            Self::Mu => audio_codec_algorithms::encode_ulaw(sample),
            Self::A => audio_codec_algorithms::encode_alaw(sample),
        }
    }

    /// One sample unpacked.
    pub fn unpack(self, byte: u8) -> i16 {
        match self {
            Self::Mu => audio_codec_algorithms::decode_ulaw(byte),
            Self::A => audio_codec_algorithms::decode_alaw(byte),
        }
    }
}
