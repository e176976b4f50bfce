//! Logs of one event.

use std::collections::VecDeque;

use model::UnixSeconds;
use serde::{Deserialize, Serialize};

use super::WINDOW_MINUTES;

/// How often an event was emitted over the last [`WINDOW_MINUTES`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventWindow {
    /// (chain time / 60, logs)
    minutes: VecDeque<(u64, u64)>,
    total: u64,
}

impl EventWindow {
    /// Adds the logs of one block.
    pub fn add(&mut self, at: UnixSeconds, logs: u64) {
        let minute = at.0 / 60;
        while self.minutes.front().is_some_and(|(oldest, _)| oldest + WINDOW_MINUTES <= minute) {
            self.total -= self.minutes.pop_front().map_or(0, |(_, n)| n);
        }
        match self.minutes.back_mut() {
            Some((newest, n)) if *newest >= minute => *n += logs,
            _ => self.minutes.push_back((minute, logs)),
        }
        self.total += logs;
    }

    /// Logs in the window.
    pub fn logs(&self) -> u64 {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_leaves_after_an_hour() {
        let mut window = EventWindow::default();
        window.add(UnixSeconds(59), 2);
        window.add(UnixSeconds(60), 1);
        window.add(UnixSeconds(59 * 60), 1);
        assert_eq!(window.logs(), 4);
        window.add(UnixSeconds(60 * 60), 1);
        assert_eq!(window.logs(), 3);
    }
}
