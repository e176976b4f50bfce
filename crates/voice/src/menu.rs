//! What is played when, and what a key does. Pure: time comes with every call, in milliseconds since
//! somebody picked up.
//!
//! ```text
//!  a breath ─► message ─► pause ─► message ─► pause ─► message ─► pause ─► over: played
//!                 ▲ 3, 0     │
//!                 └──────────┤ 1 ─► "acknowledged" ─► over: acknowledged
//!                            └ 2 ─► "passed on"    ─► over: escalate
//! ```

use crate::{
    Heard,
    keys::Key,
    media::FRAME_SAMPLES,
    sound::{Sound, attention, falling, menu_tones, rising},
};

/// How often the message is played before the call is given up as not understood.
pub const PLAYS_MAX: u32 = 3;

/// Silence after somebody picked up: a telephone is not at the ear yet.
const BREATH_MS: u32 = 900;

/// Time to press a key between two plays.
const PAUSE_MS: u64 = 4_000;

/// What a call plays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// What happened, and what can be pressed.
    pub message: Sound,
    /// After the key that acknowledges.
    pub acknowledged: Sound,
    /// After the key that passes on.
    pub passed_on: Sound,
}

impl Script {
    /// In words, each after the tones that make one listen.
    pub fn in_words(message: &Sound, acknowledged: Sound, passed_on: Sound) -> Self {
        Self { message: attention().then(message), acknowledged, passed_on }
    }

    /// In tones alone, where nothing can speak.
    pub fn in_tones() -> Self {
        Self { message: menu_tones(), acknowledged: rising(), passed_on: falling() }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Playing {
    Breath,
    Message,
    /// Until a time.
    Pause(u64),
    Acknowledged,
    PassedOn,
    Over,
}

/// One call's menu.
#[derive(Debug)]
pub struct Menu {
    script: Script,
    breath: Sound,
    playing: Playing,
    /// Samples of what is being played that are gone already.
    at: usize,
    plays: u32,
    decided: Option<Heard>,
}

impl Menu {
    /// A menu, at the moment somebody picks up.
    pub fn new(script: Script) -> Self {
        let breath = Sound::silence(BREATH_MS);
        Self { script, breath, playing: Playing::Breath, at: 0, plays: 0, decided: None }
    }

    /// The next [`FRAME_SAMPLES`] samples, or fewer at the end of a sound; `None`: over, hang up.
    pub fn next(&mut self, now_ms: u64) -> Option<&[i16]> {
        if let Playing::Pause(until) = self.playing {
            if now_ms < until {
                return Some(&[]);
            }
            self.enter(if self.plays < PLAYS_MAX { Playing::Message } else { Playing::Over });
        }
        if self.at >= self.sound().len() {
            match self.playing {
                Playing::Breath => self.enter(Playing::Message),
                Playing::Message => {
                    self.plays += 1;
                    self.enter(Playing::Pause(now_ms + PAUSE_MS));
                    return Some(&[]);
                }
                Playing::Acknowledged | Playing::PassedOn => self.enter(Playing::Over),
                Playing::Pause(_) | Playing::Over => {}
            }
        }
        if self.playing == Playing::Over {
            return None;
        }
        let from = self.at;
        let to = (from + FRAME_SAMPLES).min(self.sound().len());
        self.at = to;
        self.sound().get(from..to)
    }

    fn enter(&mut self, playing: Playing) {
        self.playing = playing;
        self.at = 0;
    }

    fn sound(&self) -> &[i16] {
        match self.playing {
            Playing::Breath => self.breath.samples(),
            Playing::Message => self.script.message.samples(),
            Playing::Acknowledged => self.script.acknowledged.samples(),
            Playing::PassedOn => self.script.passed_on.samples(),
            Playing::Pause(_) | Playing::Over => &[],
        }
    }

    /// A key was pressed. It counts at once: whoever hangs up right after it has said it all the same.
    /// The first decision holds.
    pub fn press(&mut self, key: Key) {
        if self.decided.is_some() {
            return;
        }
        match key.sign() {
            '1' => {
                self.decided = Some(Heard::Acknowledged);
                self.enter(Playing::Acknowledged);
            }
            '2' => {
                self.decided = Some(Heard::Escalate);
                self.enter(Playing::PassedOn);
            }
            // 0 is what other menus take for it.
            '3' | '0' => {
                // Who asks for it is there: the count begins anew, within the call's own limit.
                self.plays = 0;
                self.enter(Playing::Message);
            }
            _ => {}
        }
    }

    /// What came of it, if the call ended now.
    pub fn heard(&self) -> Heard {
        match self.decided {
            Some(heard) => heard,
            None if self.plays > 0 => Heard::Played,
            None => Heard::HungUp,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn menu() -> Menu {
        let sound = |ms: usize, level: i16| Sound::new(vec![level; ms * 8]);
        Menu::new(Script {
            message: sound(2_000, 100),
            acknowledged: sound(500, 200),
            passed_on: sound(500, 300),
        })
    }

    /// Plays until a time or the end; what was heard, as (level, milliseconds).
    fn play(menu: &mut Menu, from_ms: u64, to_ms: u64) -> (Vec<(i16, usize)>, u64) {
        let mut heard: Vec<(i16, usize)> = Vec::new();
        let mut now = from_ms;
        while now < to_ms {
            let Some(samples) = menu.next(now) else { break };
            let level = samples.first().copied().unwrap_or(0);
            match heard.last_mut() {
                Some((last, ms)) if *last == level => *ms += 20,
                _ => heard.push((level, 20)),
            }
            now += 20;
        }
        (heard, now)
    }

    fn key(sign: char) -> Key {
        Key::new(sign).unwrap()
    }

    #[test]
    fn without_a_key_it_is_played_three_times_and_is_no_acknowledgement() {
        let mut menu = menu();
        let (heard, end) = play(&mut menu, 0, 60_000);
        let levels: Vec<i16> = heard.iter().map(|(level, _)| *level).collect();
        assert_eq!(levels, [0, 100, 0, 100, 0, 100, 0]);
        assert!((18_000..20_000).contains(&end), "{end}");
        assert_eq!(menu.heard(), Heard::Played);
    }

    #[test]
    fn one_acknowledges_and_two_passes_on_in_the_middle_of_a_word() {
        for (sign, level, outcome) in [('1', 200, Heard::Acknowledged), ('2', 300, Heard::Escalate)]
        {
            let mut menu = menu();
            play(&mut menu, 0, 1_500);
            menu.press(key(sign));
            assert_eq!(menu.heard(), outcome, "also if they hang up now");
            let (heard, end) = play(&mut menu, 1_500, 60_000);
            assert_eq!(heard, [(level, 500)]);
            assert_eq!(end, 2_000);
        }
    }

    #[test]
    fn nought_says_it_again_and_other_keys_do_nothing() {
        let mut menu = menu();
        play(&mut menu, 0, 2_500);
        menu.press(key('3'));
        menu.press(key('9'));
        assert_eq!(play(&mut menu, 2_500, 4_500).0, [(100, 2_000)]);
        assert_eq!(menu.heard(), Heard::HungUp, "not heard to the end yet");
    }

    #[test]
    fn the_first_decision_holds() {
        let mut menu = menu();
        menu.press(key('1'));
        menu.press(key('2'));
        menu.press(key('0'));
        assert_eq!(menu.heard(), Heard::Acknowledged);
    }

    #[test]
    fn who_hangs_up_before_the_end_did_not_hear_it() {
        let mut menu = menu();
        play(&mut menu, 0, 2_000);
        assert_eq!(menu.heard(), Heard::HungUp);
    }

    #[test]
    fn no_script_is_longer_than_a_call_may_be() {
        let mut menu = Menu::new(Script::in_tones());
        let (_, end) = play(&mut menu, 0, 600_000);
        assert!(end < 60_000, "{end}");
    }
}
