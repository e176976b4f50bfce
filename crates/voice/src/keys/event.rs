//! Named telephone events in RTP (RFC 4733).
//!
//! ```text
//!   event: 8 │ E: 1 │ R: 1 │ volume: 6 │ duration: 16      one press = several packets, all with the
//!                                                          RTP timestamp of its begin
//! ```

use super::Key;

/// Clock of events as we offer them: that of the voice beside them.
pub const EVENT_CLOCK_HZ: u32 = 8_000;

/// Events 0–11 are the keys; 12–15 are keys of military telephones, the rest are no keys.
const SIGNS: [char; 12] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#'];

/// Beginnings that are remembered: packets of a press may be overtaken by those of the next ones.
const REMEMBERED: usize = 8;

/// Events of one stream, each press once.
#[derive(Debug, Default)]
pub struct Events {
    seen: std::collections::VecDeque<(u32, u8)>,
}

impl Events {
    /// Takes a packet's payload and timestamp; the key, if this is the first word of its press.
    pub fn hear(&mut self, timestamp: u32, payload: &[u8]) -> Option<Key> {
        let &[event, _end_and_volume, _, _, ..] = payload else { return None };
        let sign = *SIGNS.get(usize::from(event))?;
        if self.seen.contains(&(timestamp, event)) {
            return None;
        }
        if self.seen.len() == REMEMBERED {
            self.seen.pop_front();
        }
        self.seen.push_back((timestamp, event));
        Key::new(sign)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_press_is_heard_once_however_many_packets_tell_of_it() {
        let mut events = Events::default();
        // Begin, middle and three times the end (section 2.5.1.4).
        let packets = [[1, 10, 0, 160], [1, 10, 1, 64], [1, 138, 3, 32], [1, 138, 3, 32]];
        let heard: Vec<_> = packets.iter().filter_map(|p| events.hear(4_000, p)).collect();
        assert_eq!(heard, [Key::new('1').unwrap()]);
        assert_eq!(events.hear(9_000, &packets[0]), Key::new('1'), "pressed again");
        // Its first packets lost, the end alone.
        assert_eq!(events.hear(12_000, &[11, 138, 3, 32]), Key::new('#'));
    }

    #[test]
    fn what_is_no_key_is_not_heard() {
        let mut events = Events::default();
        for payload in [&[][..], &[1], &[1, 0, 0], &[12, 0, 0, 0], &[255, 0, 0, 0]] {
            assert_eq!(events.hear(1, payload), None);
        }
    }
}
