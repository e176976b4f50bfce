//! The sound's way: a socket, and every 20 ms a packet.
//!
//! Behind a translating router neither side knows the other's real address, so sound goes where sound
//! comes from (symmetric RTP, RFC 4961): until the first packet arrives, where the description says.
//! After it, packets from elsewhere than there or the described address are not listened to: a stranger
//! who guesses our port may not press keys.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use tokio::{
    net::UdpSocket,
    time::{Instant, MissedTickBehavior, interval},
};

use crate::{
    keys::{Events, Key, Presses, Tones, Way},
    media::{Answer, FRAME_MS, Packet, Packetiser},
    menu::Menu,
};

/// Longest datagram that is read: a frame has 172 bytes.
const DATAGRAM_BYTES_MAX: usize = 2_048;

/// A socket for sound on a random even port, as RTP has by custom.
pub(crate) async fn open(local: IpAddr) -> std::io::Result<UdpSocket> {
    let mut last = None;
    for _ in 0..16 {
        let port = rand::random_range(8_000u16..32_000) * 2;
        match UdpSocket::bind((local, port)).await {
            Ok(socket) => return Ok(socket),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| std::io::ErrorKind::AddrInUse.into()))
}

/// A conversation's state, apart from its socket.
pub(crate) struct Conversation {
    menu: Menu,
    answer: Answer,
    out: Packetiser,
    hears_tones: bool,
    presses: Presses,
    events: Events,
    tones: Tones,
    /// Where the other side's sound comes from.
    latched: Option<SocketAddr>,
}

impl Conversation {
    pub(crate) fn new(menu: Menu, answer: Answer, hears_tones: bool) -> Self {
        let out = Packetiser::new(answer.law, rand::random());
        Self {
            menu,
            answer,
            out,
            hears_tones,
            presses: Presses::default(),
            events: Events::default(),
            tones: Tones::default(),
            latched: None,
        }
    }

    pub(crate) fn menu(&self) -> &Menu {
        &self.menu
    }

    /// The other side moved, or was moved (to another telephone, off hold).
    pub(crate) fn moved(&mut self, answer: Answer) {
        if answer.hears_at != self.answer.hears_at {
            self.latched = None;
        }
        self.answer = answer;
    }

    /// A key told outside of RTP.
    pub(crate) fn told(&mut self, key: Key, at_ms: u64) {
        self.press(key, Way::Info, at_ms);
    }

    fn press(&mut self, key: Key, way: Way, at_ms: u64) {
        if self.presses.is_new(key, way, at_ms) {
            tracing::debug!(key = %key, ?way, "key pressed");
            self.menu.press(key);
        }
    }

    fn hear(&mut self, datagram: &[u8], from: SocketAddr, at_ms: u64) {
        let is_known = from == self.answer.hears_at;
        if !is_known && self.latched.is_some_and(|latched| latched != from) {
            return;
        }
        let Some(packet) = Packet::read(datagram) else { return };
        let is_event = self.answer.event_type == Some(packet.payload_type);
        let is_voice = packet.payload_type == self.answer.law.payload_type();
        if !is_event && !is_voice {
            return;
        }
        self.latched = Some(from);
        if is_event {
            if let Some(key) = self.events.hear(packet.timestamp, packet.payload) {
                self.press(key, Way::Event, at_ms);
            }
        } else if self.hears_tones {
            let samples: Vec<i16> =
                packet.payload.iter().map(|byte| self.answer.law.unpack(*byte)).collect();
            if let Some(key) = self.tones.hear(&samples) {
                self.press(key, Way::Tone, at_ms);
            }
        }
    }

    /// The next packet and where it goes; `None`: over.
    fn speak(&mut self, at_ms: u64) -> Option<(Vec<u8>, SocketAddr)> {
        let samples = self.menu.next(at_ms)?;
        let packet = self.out.next(samples);
        Some((packet, self.latched.unwrap_or(self.answer.hears_at)))
    }
}

/// What a step of the line came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// It goes on.
    On,
    /// Everything was said.
    Over,
}

/// A conversation on its socket.
pub(crate) struct Line {
    socket: UdpSocket,
    ticks: tokio::time::Interval,
    began: Instant,
    buffer: Box<[u8; DATAGRAM_BYTES_MAX]>,
}

impl Line {
    pub(crate) fn new(socket: UdpSocket) -> Self {
        let mut ticks = interval(Duration::from_millis(FRAME_MS));
        // A late packet is followed at once by the next: the other side's buffer smooths it.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        Self { socket, ticks, began: Instant::now(), buffer: Box::new([0; DATAGRAM_BYTES_MAX]) }
    }

    pub(crate) fn at_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Waits for the next frame or datagram and does what it asks for. Nothing is lost when the future
    /// is dropped.
    pub(crate) async fn step(&mut self, conversation: &mut Conversation) -> Step {
        tokio::select! {
            _ = self.ticks.tick() => {
                let at_ms = self.at_ms();
                let Some((packet, to)) = conversation.speak(at_ms) else { return Step::Over };
                // A packet that does not leave is a click in the sound, no more; when none leaves,
                // no key comes back and the next person is called.
                if let Err(error) = self.socket.try_send_to(&packet, to) {
                    tracing::trace!(%error, "sound was not sent");
                }
            }
            read = self.socket.recv_from(&mut self.buffer[..]) => {
                // An error here is an earlier packet that was refused; those after it may arrive.
                if let Ok((len, from)) = read {
                    let at_ms = self.at_ms();
                    conversation.hear(&self.buffer[..len], from, at_ms);
                }
            }
        }
        Step::On
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Heard, Script, media::Law};

    fn event(key: u8, timestamp: u32) -> Vec<u8> {
        let mut packet = vec![0x80, 101, 0, 1];
        packet.extend(timestamp.to_be_bytes());
        packet.extend([0, 0, 0, 9, key, 10, 0, 160]);
        packet
    }

    fn conversation() -> Conversation {
        let answer = Answer {
            hears_at: "10.0.0.9:4000".parse().unwrap(),
            law: Law::A,
            event_type: Some(101),
        };
        Conversation::new(Menu::new(Script::in_tones()), answer, false)
    }

    #[test]
    fn sound_goes_where_sound_comes_from() {
        let mut talk = conversation();
        assert_eq!(talk.speak(0).unwrap().1.to_string(), "10.0.0.9:4000");
        let outside: SocketAddr = "203.0.113.4:17000".parse().unwrap();
        talk.hear(&Packetiser::new(Law::A, (0, 0, 9)).next(&[]), outside, 20);
        assert_eq!(talk.speak(20).unwrap().1, outside);
    }

    #[test]
    fn a_stranger_cannot_press_keys() {
        let mut talk = conversation();
        let person: SocketAddr = "203.0.113.4:17000".parse().unwrap();
        talk.hear(&Packetiser::new(Law::A, (0, 0, 9)).next(&[]), person, 20);
        talk.hear(&event(1, 5), "198.51.100.66:17000".parse().unwrap(), 40);
        assert_eq!(talk.menu().heard(), Heard::HungUp);
        talk.hear(&event(1, 5), person, 60);
        assert_eq!(talk.menu().heard(), Heard::Acknowledged);
    }

    #[test]
    fn what_is_no_rtp_moves_nothing() {
        let mut talk = conversation();
        for datagram in [&b""[..], b"hello", &[0u8; 64]] {
            talk.hear(datagram, "198.51.100.66:1".parse().unwrap(), 0);
        }
        assert_eq!(talk.speak(0).unwrap().1.to_string(), "10.0.0.9:4000");
    }
}
