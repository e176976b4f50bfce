//! Descriptions of sessions (RFC 8866), as offer and answer (RFC 3264): the small part of them that a
//! telephone call needs.

use std::net::{IpAddr, SocketAddr};

use super::Law;

/// Payload type under which we offer telephone events.
const EVENT_TYPE: u8 = 101;

/// Longest description that is read; those of telephones have a thousand bytes.
const SDP_BYTES_MAX: usize = 16 * 1024;

/// Our offer: G.711 in both laws and telephone events, to and from one socket.
pub fn offer(local: SocketAddr, session: u32) -> String {
    let family = if local.is_ipv4() { "IP4" } else { "IP6" };
    let (ip, port) = (local.ip(), local.port());
    format!(
        "v=0\r\n\
         o=bellwether {session} {session} IN {family} {ip}\r\n\
         s=-\r\n\
         c=IN {family} {ip}\r\n\
         t=0 0\r\n\
         m=audio {port} RTP/AVP 0 8 {EVENT_TYPE}\r\n\
         a=rtpmap:0 PCMU/8000\r\n\
         a=rtpmap:8 PCMA/8000\r\n\
         a=rtpmap:{EVENT_TYPE} telephone-event/8000\r\n\
         a=fmtp:{EVENT_TYPE} 0-15\r\n\
         a=ptime:20\r\n\
         a=sendrecv\r\n"
    )
}

/// Why an answer leaves no way to speak.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SdpFault {
    /// Not a description.
    #[error("it is not a session description")]
    NotSdp,
    /// No voice.
    #[error("it accepts no audio")]
    NoAudio,
    /// None of what we offered.
    #[error("it accepts neither PCMU nor PCMA")]
    NoLaw,
    /// A name instead of an address, or nonsense.
    #[error("it names no address for audio")]
    NoAddress,
}

/// What the other side agreed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// Where it says that it hears.
    pub hears_at: SocketAddr,
    /// How samples are packed.
    pub law: Law,
    /// Under which payload type it tells of keys.
    pub event_type: Option<u8>,
}

impl Answer {
    /// Reads a description.
    ///
    /// # Errors
    /// When it leaves no way to speak.
    pub fn read(bytes: &[u8]) -> Result<Self, SdpFault> {
        let text =
            std::str::from_utf8(bytes.get(..bytes.len().min(SDP_BYTES_MAX)).unwrap_or(bytes))
                .map_err(|_not_text| SdpFault::NotSdp)?;
        if !text.starts_with("v=0") {
            return Err(SdpFault::NotSdp);
        }
        let mut session_ip = None;
        let mut audio: Option<Audio> = None;
        let mut is_in_audio = false;
        for line in text.lines() {
            let Some((kind, value)) = line.split_once('=') else { continue };
            match kind {
                "m" => {
                    let first = audio.is_none();
                    is_in_audio = first && value.starts_with("audio ");
                    if is_in_audio {
                        audio = Audio::read(value);
                    }
                }
                "c" if is_in_audio => {
                    if let Some(audio) = &mut audio {
                        audio.ip = connection(value);
                    }
                }
                "c" if audio.is_none() => session_ip = connection(value),
                "a" if is_in_audio => {
                    if let Some(audio) = &mut audio {
                        audio.attribute(value);
                    }
                }
                _ => {}
            }
        }
        let audio = audio.filter(|audio| audio.port > 0).ok_or(SdpFault::NoAudio)?;
        let ip = audio.ip.or(session_ip).ok_or(SdpFault::NoAddress)?;
        let law = audio
            .types
            .iter()
            .find_map(|number| match number {
                0 => Some(Law::Mu),
                8 => Some(Law::A),
                _ => None,
            })
            .ok_or(SdpFault::NoLaw)?;
        let event_type = audio.events.filter(|number| audio.types.contains(number));
        Ok(Self { hears_at: SocketAddr::new(ip, audio.port), law, event_type })
    }
}

struct Audio {
    port: u16,
    types: Vec<u8>,
    ip: Option<IpAddr>,
    events: Option<u8>,
}

impl Audio {
    /// `audio 49170 RTP/AVP 0 8 101`
    fn read(value: &str) -> Option<Self> {
        let mut words = value.split_ascii_whitespace().skip(1);
        let port = words.next()?.split('/').next()?.parse().ok()?;
        // SAVP would mean encrypted voice, which we did not offer.
        let is_plain = words.next().is_some_and(|profile| profile.starts_with("RTP/AVP"));
        let types = words.map_while(|word| word.parse().ok()).collect();
        is_plain.then_some(Self { port, types, ip: None, events: None })
    }

    /// `rtpmap:101 telephone-event/8000`
    fn attribute(&mut self, value: &str) {
        let Some(map) = value.strip_prefix("rtpmap:") else { return };
        let mut words = map.split_ascii_whitespace();
        let number = words.next().and_then(|word| word.parse::<u8>().ok());
        let coding = words.next().unwrap_or_default().to_ascii_lowercase();
        if coding == "telephone-event/8000" {
            self.events = self.events.or(number);
        }
    }
}

/// `IN IP4 192.0.2.1` or `IN IP4 192.0.2.1/127`
fn connection(value: &str) -> Option<IpAddr> {
    let address = value.split_ascii_whitespace().nth(2)?;
    let ip: IpAddr = address.split('/').next()?.parse().ok()?;
    // 0.0.0.0 is how one was put on hold before there were attributes for it (RFC 2543).
    (!ip.is_unspecified() && !ip.is_multicast()).then_some(ip)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn our_own_offer_can_be_read() {
        for local in ["192.0.2.7:40000", "[2001:db8::1]:40000"] {
            let local: SocketAddr = local.parse().unwrap();
            let answer = Answer::read(offer(local, 5).as_bytes()).unwrap();
            let expected = Answer { hears_at: local, law: Law::Mu, event_type: Some(101) };
            assert_eq!(answer, expected);
        }
    }

    #[test]
    fn the_answer_of_a_telephone_system_is_understood() {
        let text = "v=0\r\no=- 1 1 IN IP4 10.0.0.9\r\ns=x\r\nc=IN IP4 10.0.0.9\r\nt=0 0\r\n\
                    m=audio 18000 RTP/AVP 8 96\r\nc=IN IP4 203.0.113.4\r\n\
                    a=rtpmap:8 PCMA/8000\r\na=rtpmap:96 telephone-event/8000\r\n\
                    a=fmtp:96 0-16\r\na=ptime:20\r\nm=video 0 RTP/AVP 31\r\nc=IN IP4 10.0.0.1\r\n";
        let answer = Answer::read(text.as_bytes()).unwrap();
        assert_eq!(answer.hears_at, "203.0.113.4:18000".parse().unwrap());
        assert_eq!((answer.law, answer.event_type), (Law::A, Some(96)));
    }

    #[test]
    fn an_answer_that_leaves_no_way_to_speak_says_which() {
        let sdp = |lines: &str| Answer::read(format!("v=0\r\n{lines}").as_bytes());
        assert_eq!(Answer::read(b"hello"), Err(SdpFault::NotSdp));
        assert_eq!(sdp("c=IN IP4 10.0.0.1\r\n"), Err(SdpFault::NoAudio));
        assert_eq!(sdp("c=IN IP4 10.0.0.1\r\nm=audio 0 RTP/AVP 0\r\n"), Err(SdpFault::NoAudio));
        assert_eq!(sdp("c=IN IP4 10.0.0.1\r\nm=audio 9 RTP/SAVP 0\r\n"), Err(SdpFault::NoAudio));
        assert_eq!(sdp("c=IN IP4 10.0.0.1\r\nm=audio 9 RTP/AVP 18\r\n"), Err(SdpFault::NoLaw));
        assert_eq!(sdp("c=IN IP4 0.0.0.0\r\nm=audio 9 RTP/AVP 0\r\n"), Err(SdpFault::NoAddress));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(lines in proptest::collection::vec(
            prop_oneof!["m=audio .{0,30}", "c=IN IP[46] .{0,20}", "a=rtpmap:.{0,20}", ".{0,20}"],
            0..12,
        )) {
            let _read = Answer::read(format!("v=0\r\n{}", lines.join("\r\n")).as_bytes());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _read = Answer::read(&bytes);
        }
    }
}
