//! What is said to whoever answered: the same sentence on the page and in every chat.

use model::UnixMillis;

use super::{Answers, Asked, Closed, Done, Wish};
use crate::words;

impl Asked {
    /// What the alert is, in one line; safe to show as text.
    pub fn headline(&self) -> String {
        let Some(worst) = self.alerts.first() else { return String::new() };
        let more = match self.ids.len() {
            1 => String::new(),
            count => format!(", and {} more", count - 1),
        };
        let severity = worst.severity.as_str().to_uppercase();
        let title = words::clean(worst.title());
        format!("[{severity}] {title} ({}){more}", worst.place())
    }

    /// Who answered so, and when.
    pub fn told(&self) -> String {
        let answers = self.answered.iter().map(|answer| {
            let at = words::utc(words::seconds(answer.at));
            format!("{} by {} over {}, {at}", sentence(self.wish.done()), answer.by, answer.via)
        });
        answers.collect::<Vec<_>>().join("; ")
    }
}

impl Done {
    /// What was done.
    pub fn told(&self) -> String {
        let at = words::utc(words::seconds(self.at));
        let done = format!("{} by {}, {at}", sentence(self.asked.wish.done()), self.by);
        match &self.unsigned {
            None => done,
            Some(_) => format!(
                "{done}. It hides what looks like an attack only once a second person has signed: \
                 they press {} in their own message",
                self.asked.wish.label()
            ),
        }
    }
}

impl Closed {
    /// What is said to whoever tried.
    pub fn told(&self) -> String {
        match self {
            Self::Answered(asked) => format!("Answered before. {}", asked.told()),
            Self::Expired(asked) => {
                let at = words::utc(words::seconds(asked.expires_at()));
                format!("This could be answered until {at}. Go on from the page of the alert")
            }
            // What failed inside is for the log.
            other => sentence(&other.to_string()),
        }
    }
}

impl Answers {
    /// One line for a chat, whatever came of it; what is wrong with us goes to the log.
    pub(crate) fn line(&self, outcome: &Result<Done, Closed>) -> String {
        match outcome {
            Ok(done) => done.told(),
            Err(closed) => {
                if let Closed::Store(error) = closed {
                    let cause = crate::web::error_chain(error);
                    tracing::error!(cause, "an answer could not be kept");
                }
                closed.told()
            }
        }
    }
}

/// Whether a message should lose its buttons: an answer that ends nothing leaves the others there.
pub(super) fn is_final(wish: Wish) -> bool {
    matches!(wish, Wish::Resolve | Wish::Benign)
}

/// The first letter large.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// Whether a moment that a sender claims is near enough to ours.
pub(super) fn is_near(claimed_s: i64, now: UnixMillis, window_s: i64) -> bool {
    (now.0.div_euclid(1_000).saturating_sub(claimed_s)).abs() <= window_s
}

/// Whether a secret that was shown is the expected one; how long that takes says nothing about it.
pub(super) fn is_same(shown: &str, expected: &model::Secret<String>) -> bool {
    crate::feedback::may_write(Some(expected), shown)
}
